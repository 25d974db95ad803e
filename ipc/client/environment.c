/* The prompt environment: the agent was started long ago by D-Bus and knows neither the display nor
 * the terminal that the person who now waits sits at. Only what a prompter reads is handed over;
 * the agent filters once more (agent/caller.h). */
#include "ipc/client/environment.h"

#include <string.h>
#include <unistd.h>

/* As agent/caller.h lists them. */
static const char *const names[] = {
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "TERM",
    "GPG_TTY",
    "LANG",
    "XDG_SESSION_TYPE",
    "DBUS_SESSION_BUS_ADDRESS",
    "PINENTRY_USER_DATA",
    "INSIDE_EMACS",
};

/* The agent takes no longer ones. */
#define VALUE_MAX 4096

static gboolean
is_wanted(const char *name)
{
    if (g_str_has_prefix(name, "LC_"))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(name, names[i]))
            return TRUE;
    }
    return FALSE;
}

/* The terminal a person sees: that of standard input, else of standard error, else the controlling
 * one. Its name by ttyname_r(3), since "/dev/tty" means another thing in the agent. */
static char *
find_terminal(void)
{
    static const int fds[] = {STDIN_FILENO, STDERR_FILENO, STDOUT_FILENO};
    char name[256] = "";

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (ttyname_r(fds[i], name, sizeof name) == 0)
            return g_strdup(name);
    }
    return NULL;
}

char **
seal_environment_collect(void)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) environment = g_get_environ();
    g_autofree char *terminal = NULL;

    for (char **entry = environment; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        g_autofree char *name = NULL;

        if (!equals || strlen(equals + 1) > VALUE_MAX)
            continue;
        name = g_strndup(*entry, (gsize)(equals - *entry));
        if (is_wanted(name) && g_utf8_validate(*entry, -1, NULL))
            g_strv_builder_add(builder, *entry);
    }
    if (g_environ_getenv(environment, "GPG_TTY"))
        return g_strv_builder_end(builder);
    terminal = find_terminal();
    if (terminal) {
        g_autofree char *entry = g_strconcat("GPG_TTY=", terminal, NULL);

        g_strv_builder_add(builder, entry);
    }
    return g_strv_builder_end(builder);
}
