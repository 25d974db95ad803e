/* Not each desktop sets logind's LockedHint, but each has a screen saver by one of these names that
 * says ActiveChanged. Some say it of a screen that is only dark: the tokens are locked then, too.
 * Whoever hears of a lock twice, from logind as well, locks what is locked.
 *
 * The names are not started, and asked for nothing. A program of the session that takes such a name
 * could only lock tokens. */
#include "agent/screen-saver.h"

#include "base/log.h"

struct SealScreenSaver {
    GPtrArray *matches; /* of sd_bus_slot * */
    void (*locked)(gpointer user_data);
    gpointer user_data;
};

static const char *const names[] = {
    "org.freedesktop.ScreenSaver", /* KDE Plasma, LXQt and others */
    "org.gnome.ScreenSaver",       "org.cinnamon.ScreenSaver",
    "org.mate.ScreenSaver",        "org.xfce.ScreenSaver",
};

static int
on_active_changed(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    SealScreenSaver *saver = user_data;
    int is_active = FALSE;

    if (sd_bus_message_read(signal, "b", &is_active) >= 0 && is_active)
        saver->locked(saver->user_data);
    return 0;
}

/* Without a handler of its own sd-bus would close the connection if the match were refused. */
static int
on_match_added(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        seal_log_warning("a screen saver is not listened to (%s): it does not lock the tokens",
                         sd_bus_message_get_error(reply)->message);
    return 0;
}

static void
free_slot(gpointer slot)
{
    (void)sd_bus_slot_unref(slot);
}

SealScreenSaver *
seal_screen_saver_new(sd_bus *bus, void (*locked)(gpointer user_data), gpointer user_data)
{
    SealScreenSaver *saver = g_new0(SealScreenSaver, 1);

    saver->matches = g_ptr_array_new_with_free_func(free_slot);
    saver->locked = locked;
    saver->user_data = user_data;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *rule = g_strdup_printf(
            "type='signal',sender='%s',interface='%s',member='ActiveChanged'", names[i], names[i]);
        sd_bus_slot *slot = NULL;

        if (sd_bus_add_match_async(bus, &slot, rule, on_active_changed, on_match_added, saver) >= 0)
            g_ptr_array_add(saver->matches, slot);
        else
            seal_log_debug("%s is not listened to: it does not lock the tokens", names[i]);
    }
    return saver;
}

void
seal_screen_saver_free(SealScreenSaver *saver)
{
    if (!saver)
        return;
    g_ptr_array_unref(saver->matches);
    g_free(saver);
}
