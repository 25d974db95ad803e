/* A connection to the system bus of its own, on which logind (org.freedesktop.login1) is listened
 * to.
 *
 * An agent is a service of the user's manager and in no session; so all sessions of its user count.
 * Their screens are locked when logind says Lock (loginctl lock-session, the idle action), or when
 * a desktop that locks by itself sets LockedHint. Of sessions that end, one at a seat counts, and
 * the last one: who leaves an SSH session has not left the desk.
 *
 * Nothing is answered for and nothing waited for: what goes wrong here costs a lock that would have
 * been, is logged for who looks, and tried again when logind or the bus comes back. A forged signal
 * could only lock tokens. */
#include "agent/logind.h"

#include <fcntl.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "ipc/bus.h"

#define LOGIND     "org.freedesktop.login1"
#define MANAGER    "org.freedesktop.login1.Manager"
#define SESSION    "org.freedesktop.login1.Session"
#define ROOT       "/org/freedesktop/login1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* A system bus that ended comes back with the machine, or within minutes; then it is given up. */
#define RETRY_US    (30 * G_USEC_PER_SEC)
#define RETRIES_MAX 20

struct SealLogind {
    SealLoop *loop;
    guint events;
    SealLogindFunc func;
    gpointer user_data;
    SealBus *link; /* NULL while there is no bus */
    sd_bus *bus;
    GPtrArray *matches;   /* of sd_bus_slot* */
    GHashTable *sessions; /* object path -> seat, "" if none */
    SealFd inhibitor;
    gboolean prepares; /* the machine is about to sleep */
    SealWatch *retry;
    guint retries;
};

static void start(SealLogind *logind);

static gboolean
wants(const SealLogind *logind, SealLogindEvent event)
{
    return (logind->events & (1u << event)) != 0;
}

static void
tell(SealLogind *logind, SealLogindEvent event)
{
    if (wants(logind, event))
        logind->func(event, logind->user_data);
}

/* -- calls ------------------------------------------------------------------------------------ */

/* Calls the manager with strings; does not start logind. */
static void
call_manager(SealLogind *logind, const char *method, const char *const *arguments,
             sd_bus_message_handler_t answer)
{
    sd_bus_message *call = NULL;
    int result = sd_bus_message_new_method_call(logind->bus, &call, LOGIND, ROOT, MANAGER, method);

    if (result >= 0)
        result = sd_bus_message_set_auto_start(call, 0);
    for (; result >= 0 && arguments && *arguments; arguments++)
        result = sd_bus_message_append_basic(call, 's', *arguments);
    if (result >= 0)
        (void)sd_bus_call_async(logind->bus, NULL, call, answer, logind, 0);
    sd_bus_message_unref(call);
}

/* -- sessions --------------------------------------------------------------------------------- */

static int
read_sessions(sd_bus_message *reply, GHashTable *sessions)
{
    const char *id = NULL, *user = NULL, *seat = NULL, *path = NULL;
    guint32 uid = 0;
    int result = sd_bus_message_enter_container(reply, 'a', "(susso)");

    while (result >= 0 &&
           (result = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0)
        if (uid == (guint32)getuid())
            g_hash_table_insert(sessions, g_strdup(path), g_strdup(seat));
    return result;
}

static int
on_sessions(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    SealLogind *logind = user_data;
    g_autoptr(GHashTable) sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    if (sd_bus_message_is_method_error(reply, NULL)) {
        seal_log_debug(
            "logind does not answer (%s): no screen lock or session end locks the tokens",
            sd_bus_message_get_error(reply)->name);
    } else if (read_sessions(reply, sessions) >= 0) {
        g_hash_table_unref(logind->sessions);
        logind->sessions = g_steal_pointer(&sessions);
    }
    return 1;
}

static int
on_session_new(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    call_manager(user_data, "ListSessions", NULL, on_sessions);
    return 0;
}

static int
on_session_removed(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    SealLogind *logind = user_data;
    const char *id = NULL, *path = NULL;
    g_autofree char *known = NULL, *seat = NULL;

    if (sd_bus_message_read(signal, "so", &id, &path) < 0 ||
        !g_hash_table_steal_extended(logind->sessions, path, (gpointer *)&known, (gpointer *)&seat))
        return 0;
    if (*seat || g_hash_table_size(logind->sessions) == 0)
        tell(logind, SEAL_LOGIND_SESSION_ENDED);
    return 0;
}

static gboolean
is_own_session(SealLogind *logind, sd_bus_message *signal)
{
    return g_hash_table_contains(logind->sessions, sd_bus_message_get_path(signal));
}

static int
on_lock(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    if (is_own_session(user_data, signal))
        tell(user_data, SEAL_LOGIND_SCREEN_LOCKED);
    return 0;
}

/* TRUE if the changed properties say that the screen is locked. */
static gboolean
has_locked_hint(sd_bus_message *signal)
{
    const char *name = NULL;
    int is_locked = FALSE;

    if (sd_bus_message_skip(signal, "s") < 0 ||
        sd_bus_message_enter_container(signal, 'a', "{sv}") < 0)
        return FALSE;
    while (sd_bus_message_enter_container(signal, 'e', "sv") > 0) {
        if (sd_bus_message_read(signal, "s", &name) < 0)
            return FALSE;
        if (strcmp(name, "LockedHint") == 0)
            return sd_bus_message_read(signal, "v", "b", &is_locked) >= 0 && is_locked;
        if (sd_bus_message_skip(signal, "v") < 0 || sd_bus_message_exit_container(signal) < 0)
            return FALSE;
    }
    return FALSE;
}

static int
on_session_changed(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    if (is_own_session(user_data, signal) && has_locked_hint(signal))
        tell(user_data, SEAL_LOGIND_SCREEN_LOCKED);
    return 0;
}

/* -- sleep ------------------------------------------------------------------------------------ */

static int
on_inhibited(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    SealLogind *logind = user_data;
    int fd = -1;

    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "h", &fd) < 0) {
        seal_log_debug("logind gives no inhibitor: the machine may sleep before the tokens are "
                       "locked");
        return 1;
    }
    seal_fd_clear(&logind->inhibitor);
    logind->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return 1;
}

static void
inhibit_sleep(SealLogind *logind)
{
    static const char *const arguments[] = {"sleep", "Privy Seal", "Tokens are locked first",
                                            "delay", NULL};

    if (wants(logind, SEAL_LOGIND_SUSPENDS) && logind->inhibitor < 0)
        call_manager(logind, "Inhibit", arguments, on_inhibited);
}

static int
on_sleep(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    SealLogind *logind = user_data;
    int begins = FALSE;

    if (sd_bus_message_read(signal, "b", &begins) < 0)
        return 0;
    logind->prepares = begins;
    if (begins)
        tell(logind, SEAL_LOGIND_SUSPENDS);
    else
        inhibit_sleep(logind);
    return 0;
}

void
seal_logind_allow_sleep(SealLogind *logind)
{
    /* it did not wait for us, and is awake again: what is held is for the next time */
    if (logind->prepares)
        seal_fd_clear(&logind->inhibitor);
}

/* -- the connection --------------------------------------------------------------------------- */

static void
greet_logind(SealLogind *logind)
{
    call_manager(logind, "ListSessions", NULL, on_sessions);
    inhibit_sleep(logind);
}

/* logind was started again: it knows the sessions, and has forgotten who inhibits what. */
static int
on_owner_changed(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    SealLogind *logind = user_data;
    const char *name = NULL, *before = NULL, *after = NULL;

    if (sd_bus_message_read(signal, "sss", &name, &before, &after) < 0)
        return 0;
    seal_fd_clear(&logind->inhibitor);
    if (*after)
        greet_logind(logind);
    return 0;
}

static const struct {
    const char *rule;
    sd_bus_message_handler_t handler;
} rules[] = {
    {"type='signal',sender='" LOGIND "',interface='" SESSION "',member='Lock'", on_lock},
    {"type='signal',sender='" LOGIND "',interface='" PROPERTIES
     "',member='PropertiesChanged',arg0='" SESSION "'",
     on_session_changed},
    {"type='signal',sender='" LOGIND "',path='" ROOT "',interface='" MANAGER
     "',member='SessionNew'",
     on_session_new},
    {"type='signal',sender='" LOGIND "',path='" ROOT "',interface='" MANAGER
     "',member='SessionRemoved'",
     on_session_removed},
    {"type='signal',sender='" LOGIND "',path='" ROOT "',interface='" MANAGER
     "',member='PrepareForSleep'",
     on_sleep},
    {"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
     "member='NameOwnerChanged',arg0='" LOGIND "'",
     on_owner_changed},
};

/* Without a handler of its own sd-bus would close the connection if the match were refused. */
static int
on_match_added(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        seal_log_warning("a signal of logind is not listened to (%s): it does not lock the tokens",
                         sd_bus_message_get_error(reply)->message);
    return 0;
}

static void
free_slot(gpointer slot)
{
    (void)sd_bus_slot_unref(slot);
}

static void
stop(SealLogind *logind)
{
    g_ptr_array_set_size(logind->matches, 0);
    g_clear_pointer(&logind->link, seal_bus_free);
    logind->bus = NULL;
    g_hash_table_remove_all(logind->sessions);
    seal_fd_clear(&logind->inhibitor);
}

static void
on_closed(SealBus *link, int error, gpointer user_data)
{
    SealLogind *logind = user_data;

    seal_log_debug("the system bus went away: %s", g_strerror(error));
    stop(logind);
    if (logind->retries++ < RETRIES_MAX)
        seal_watch_set_deadline(logind->retry, g_get_monotonic_time() + RETRY_US);
}

static void
on_retry(uint32_t events, gpointer user_data)
{
    start(user_data);
}

static void
start(SealLogind *logind)
{
    sd_bus *bus = NULL;
    int result = sd_bus_open_system_with_description(&bus, "privyseald logind");

    if (result < 0) {
        seal_log_debug("there is no system bus (%s): no screen lock, session end or suspend locks "
                       "the tokens",
                       g_strerror(-result));
        return;
    }
    logind->bus = bus;
    logind->link = seal_bus_new(logind->loop, bus, FALSE, on_closed, logind);
    sd_bus_unref(bus);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        sd_bus_slot *slot = NULL;

        if (sd_bus_add_match_async(bus, &slot, rules[i].rule, rules[i].handler, on_match_added,
                                   logind) >= 0)
            g_ptr_array_add(logind->matches, slot);
    }
    greet_logind(logind);
    seal_bus_kick(logind->link);
}

/* -- public ----------------------------------------------------------------------------------- */

SealLogind *
seal_logind_new(SealLoop *loop, guint events, SealLogindFunc func, gpointer user_data)
{
    SealLogind *logind = g_new0(SealLogind, 1);

    logind->loop = loop;
    logind->events = events;
    logind->func = func;
    logind->user_data = user_data;
    logind->inhibitor = -1;
    logind->matches = g_ptr_array_new_with_free_func(free_slot);
    logind->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    logind->retry = seal_loop_watch(loop, -1, 0, on_retry, logind);
    if (events)
        start(logind);
    return logind;
}

void
seal_logind_free(SealLogind *logind)
{
    if (!logind)
        return;
    stop(logind);
    seal_watch_free(logind->retry);
    g_ptr_array_unref(logind->matches);
    g_hash_table_unref(logind->sessions);
    g_free(logind);
}
