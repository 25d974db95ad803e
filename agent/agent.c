/* The parts of the agent, and when it ends.
 *
 * On SIGHUP it reads the policy anew. It ends on SIGTERM and SIGINT, when the bus goes away, and when it is idle: nothing unlocked,
 * nobody being asked, no call in flight, and no message for the configured time. An idle end loses
 * no call: first the private socket is given up, so that a successor can listen, then the bus name;
 * calls that the bus delivered before it released the name have arrived by the time it confirms
 * that, and are answered before the end. */
#include "agent/agent.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/front.h"
#include "agent/leases.h"
#include "agent/logind.h"
#include "agent/private-socket.h"
#include "agent/prompter.h"
#include "agent/registry.h"
#include "agent/rejection-secret.h"
#include "agent/screen-saver.h"
#include "agent/signals.h"
#include "agent/unlock.h"
#include "base/error.h"
#include "base/log.h"
#include "ipc/handshake.h"
#include "ipc/names.h"
#include <config.h>

/* Private connections: as many programs as a server runs, and what one of them may have. */
#define CONNECTIONS_MAX         1024
#define CONNECTIONS_PER_PROCESS 256

/* A token that does not log out in this time is left to the end of its host. */
#define LOGOUT_US (3 * G_USEC_PER_SEC)

/* While an idle agent waits for its last answers to go out. */
#define DRAIN_LOOK_US (G_USEC_PER_SEC / 10)

struct SealAgent {
    GMainLoop *main_loop;
    SealLoop *loop;
    char *config_file; /* (nullable) as in the options */
    SealConfig *config;
    GPtrArray *former; /* of SealConfig: rules that requests under way still name */
    SealRegistry *registry;
    SealPrompter *prompter;
    SealUnlocker *unlocker;
    SealLeases *leases;
    SealKeyUseContext context;
    SealPrivateSocket *socket;
    GPtrArray *newcomers; /* of Newcomer* */
    SealFront *front;
    SealSignals *signals;
    SealLogind *logind;
    guint sleep_waits;             /* parts of locking that sleep still waits for */
    SealScreenSaver *screen_saver; /* (nullable) */
    sd_bus *bus;
    sd_bus_slot *releasing;
    SealWatch *idle_watch;
    guint64 n_messages;   /* when the idle clock was last looked at */
    SealWatch *end_watch; /* while the tokens are being logged out for the end */
};

static void
quit(gpointer user_data)
{
    SealAgent *agent = user_data;

    g_main_loop_quit(agent->main_loop);
}

/* -- the policy has changed -----------------------------------------------------------
 */

/* The rest of the configuration is that of modules and prompts which run. */
static void
change_policy(SealAgent *agent)
{
    g_autoptr(GError) error = NULL;
    SealConfig *config = seal_config_load_from(agent->config_file, &error);
    GPtrArray *rules = agent->config->policy_rules;

    if (!config) {
        seal_log_error("the policy stays as it was: %s", error->message);
        return;
    }
    agent->config->policy_rules = config->policy_rules;
    config->policy_rules = rules;
    g_ptr_array_add(agent->former, config);
    seal_log_info("%u rules of policy are in force", agent->config->policy_rules->len);
    seal_leases_judge(agent->leases, &agent->context);
}

/* -- asked to end ------------------------------------------------------------------ */

static void
on_all_locked(SealErrorCode status, const char *message, gpointer user_data)
{
    quit(user_data);
}

static void
on_logout_late(uint32_t events, gpointer user_data)
{
    quit(user_data);
}

/* The tokens are logged out first, and the answers awaited: a card that keeps its power would stay
 * open for other programs. A second signal does not wait. */
static void
on_signal(int number, gpointer user_data)
{
    SealAgent *agent = user_data;

    if (number == SIGHUP) {
        change_policy(agent);
        return;
    }
    if (agent->end_watch) {
        quit(agent);
        return;
    }
    agent->end_watch = seal_loop_watch(agent->loop, -1, 0, on_logout_late, agent);
    seal_watch_set_deadline(agent->end_watch, g_get_monotonic_time() + LOGOUT_US);
    seal_lock_all_async(agent->unlocker, on_all_locked, agent);
}

/* -- nobody is there ------------------------------------------------------------------ */

static void
on_part_ready_for_sleep(gpointer user_data)
{
    SealAgent *agent = user_data;

    if (--agent->sleep_waits == 0 && agent->logind)
        seal_logind_allow_sleep(agent->logind);
}

static void
on_locked_for_sleep(SealErrorCode status, const char *message, gpointer user_data)
{
    on_part_ready_for_sleep(user_data);
}

/* Sleep waits until the tokens are logged out, and nothing is under way on their lanes. */
static void
lock_for_sleep(SealAgent *agent)
{
    agent->sleep_waits += 2;
    seal_leases_lock(agent->leases, NULL, on_part_ready_for_sleep, agent);
    seal_lock_all_async(agent->unlocker, on_locked_for_sleep, agent);
}

static void
on_logind(SealLogindEvent event, gpointer user_data)
{
    static const char *const reasons[] = {
        [SEAL_LOGIND_SCREEN_LOCKED] = "the screen is locked",
        [SEAL_LOGIND_SESSION_ENDED] = "the session has ended",
        [SEAL_LOGIND_SUSPENDS] = "the machine goes to sleep",
    };
    SealAgent *agent = user_data;

    if (seal_unlocker_is_active(agent->unlocker))
        seal_log_info("all tokens are locked: %s", reasons[event]);
    if (event == SEAL_LOGIND_SUSPENDS) {
        lock_for_sleep(agent);
        return;
    }
    seal_leases_end_token(agent->leases, NULL, SEAL_LANE_LOCKED);
    seal_lock_all_async(agent->unlocker, NULL, NULL);
}

static void
on_screen_locked(gpointer user_data)
{
    on_logind(SEAL_LOGIND_SCREEN_LOCKED, user_data);
}

static guint
logind_events(const SealConfig *config)
{
    return (config->lock_on_screen_lock ? 1u << SEAL_LOGIND_SCREEN_LOCKED : 0) |
           (config->lock_on_session_end ? 1u << SEAL_LOGIND_SESSION_ENDED : 0) |
           (config->lock_on_suspend ? 1u << SEAL_LOGIND_SUSPENDS : 0);
}

/* -- idle end -------------------------------------------------------------------- */

static void
look_at_drain(SealAgent *agent)
{
    if (seal_front_n_in_flight(agent->front) == 0 && !seal_front_has_input(agent->front)) {
        seal_log_debug("idle, ends");
        quit(agent);
        return;
    }
    seal_watch_set_deadline(agent->idle_watch, g_get_monotonic_time() + DRAIN_LOOK_US);
}

static int
on_name_released(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    look_at_drain(user_data);
    return 0;
}

static void
start_idle_end(SealAgent *agent)
{
    g_clear_pointer(&agent->socket, seal_private_socket_free);
    if (sd_bus_release_name_async(agent->bus, &agent->releasing, SEAL_BUS_NAME, on_name_released,
                                  agent) < 0)
        quit(agent);
    else
        seal_front_kick(agent->front);
}

static gboolean
is_idle(SealAgent *agent)
{
    guint64 n_messages = seal_front_n_messages(agent->front);
    gboolean silent = n_messages == agent->n_messages;

    agent->n_messages = n_messages;
    return silent && seal_front_n_in_flight(agent->front) == 0 &&
           !seal_unlocker_is_active(agent->unlocker) && seal_leases_count(agent->leases) == 0;
}

static void
arm_idle_clock(SealAgent *agent)
{
    seal_watch_set_deadline(agent->idle_watch,
                            g_get_monotonic_time() +
                                (gint64)agent->config->idle_exit_s * G_USEC_PER_SEC);
}

static void
on_idle_clock(uint32_t events, gpointer user_data)
{
    SealAgent *agent = user_data;

    if (agent->releasing)
        look_at_drain(agent);
    else if (is_idle(agent))
        start_idle_end(agent);
    else
        arm_idle_clock(agent);
}

/* -- the private socket ------------------------------------------------------------ */

/* A connection whose peer has not authenticated yet. */
typedef struct {
    SealAgent *agent;
    SealHandshake *handshake;
    struct ucred peer;
} Newcomer;

static void
newcomer_free(gpointer data)
{
    Newcomer *newcomer = data;

    seal_handshake_free(newcomer->handshake);
    g_free(newcomer);
}

static void
on_authenticated(SealHandshake *handshake, sd_bus *bus, gpointer user_data)
{
    Newcomer *newcomer = user_data;
    SealAgent *agent = newcomer->agent;

    if (bus)
        seal_front_add(agent->front, bus, &newcomer->peer);
    sd_bus_unref(bus);
    g_ptr_array_remove_fast(agent->newcomers, newcomer);
}

/* Connections of process `pid`, or all of them (0). */
static guint
count_connections(const SealAgent *agent, pid_t pid)
{
    guint n = seal_front_n_private(agent->front, pid);

    for (guint i = 0; i < agent->newcomers->len; i++) {
        const Newcomer *newcomer = agent->newcomers->pdata[i];

        n += pid == 0 || newcomer->peer.pid == pid;
    }
    return n;
}

static gboolean
on_connected(int fd, const struct ucred *peer, gpointer user_data)
{
    SealAgent *agent = user_data;
    Newcomer *newcomer = NULL;

    if (count_connections(agent, 0) >= CONNECTIONS_MAX ||
        count_connections(agent, peer->pid) >= CONNECTIONS_PER_PROCESS) {
        seal_log_warning("refused a connection of process %d: too many are open", peer->pid);
        return FALSE;
    }
    newcomer = g_new0(Newcomer, 1);
    newcomer->agent = agent;
    newcomer->peer = *peer;
    newcomer->handshake =
        seal_handshake_new(agent->loop, fd, peer->uid, on_authenticated, newcomer);
    g_ptr_array_add(agent->newcomers, newcomer);
    return TRUE;
}

static gboolean
listen_privately(SealAgent *agent, GError **error)
{
    const char *runtime_dir = g_getenv("XDG_RUNTIME_DIR");

    if (!runtime_dir || !g_path_is_absolute(runtime_dir)) {
        seal_log_warning("XDG_RUNTIME_DIR is not set: there is no private socket, only the bus");
        return TRUE;
    }
    agent->socket = seal_private_socket_new(agent->loop, runtime_dir, on_connected, agent, error);
    return agent->socket != NULL;
}

/* -- start -------------------------------------------------------------------------- */

static void
start_modules(SealAgent *agent)
{
    g_autofree char *secret_path = seal_rejection_secret_path();
    guint8 secret[SEAL_REJECTION_SECRET_LEN];

    seal_rejection_secret_load(secret_path, secret);
    for (guint i = 0; i < agent->config->modules->len; i++) {
        SealModuleConfig *module = agent->config->modules->pdata[i];

        memcpy(module->rejection_secret, secret, sizeof secret);
        seal_registry_add_module(agent->registry, agent->loop, module);
        seal_wipe(module->rejection_secret, sizeof module->rejection_secret);
    }
    seal_wipe(secret, sizeof secret);
}

static gboolean
take_name(SealAgent *agent, GError **error)
{
    int result = sd_bus_open_user_with_description(&agent->bus, "privyseald");

    if (result < 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot connect to the session bus: %s; set DBUS_SESSION_BUS_ADDRESS",
                    g_strerror(-result));
        return FALSE;
    }
    result = sd_bus_request_name(agent->bus, SEAL_BUS_NAME, 0);
    if (result >= 0)
        return TRUE;
    if (result == -EEXIST || result == -EALREADY)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_BUSY,
                    "another agent runs already, it owns " SEAL_BUS_NAME " on the session bus");
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot take the name " SEAL_BUS_NAME " on the session bus: %s",
                    g_strerror(-result));
    return FALSE;
}

static void
make_parts(SealAgent *agent)
{
    const SealConfig *config = agent->config;

    agent->registry = seal_registry_new();
    agent->prompter = seal_prompter_new(agent->loop, config->pinentry, config->pin_timeout_s);
    agent->unlocker = seal_unlocker_new(agent->registry, agent->prompter, &config->limits);
    agent->leases = seal_leases_new(agent->loop, agent->registry, agent->unlocker);
    agent->context = (SealKeyUseContext){
        .config = config,
        .registry = agent->registry,
        .prompter = agent->prompter,
        .unlocker = agent->unlocker,
        .leases = agent->leases,
        .own_uid = getuid(),
    };
}

/* The hosts start before the bus is asked for anything: they read their tokens meanwhile. */
static gboolean
start(SealAgent *agent, const SealAgentOptions *options, GError **error)
{
    agent->config_file = g_strdup(options->config_file);
    agent->config = seal_config_load_from(agent->config_file, error);
    if (!agent->config || !listen_privately(agent, error))
        return FALSE;
    make_parts(agent);
    start_modules(agent);
    agent->front = seal_front_new(agent->loop, &agent->context,
                                  agent->socket ? seal_private_socket_address(agent->socket) : "",
                                  quit, agent);
    if (!take_name(agent, error))
        return FALSE;
    seal_front_add(agent->front, agent->bus, NULL);
    agent->signals = seal_signals_new(agent->loop, on_signal, agent);
    agent->logind = seal_logind_new(agent->loop, logind_events(agent->config), on_logind, agent);
    if (agent->config->lock_on_screen_lock)
        agent->screen_saver = seal_screen_saver_new(agent->bus, on_screen_locked, agent);
    if (agent->config->idle_exit_s > 0) {
        agent->idle_watch = seal_loop_watch(agent->loop, -1, 0, on_idle_clock, agent);
        arm_idle_clock(agent);
    }
    return TRUE;
}

SealAgent *
seal_agent_new(GMainLoop *main_loop, const SealAgentOptions *options, GError **error)
{
    g_autoptr(SealAgent) agent = g_new0(SealAgent, 1);

    agent->main_loop = main_loop;
    agent->loop = seal_loop_new(NULL);
    agent->former = g_ptr_array_new_with_free_func((GDestroyNotify)seal_config_free);
    agent->newcomers = g_ptr_array_new_with_free_func(newcomer_free);
    if (!start(agent, options, error))
        return NULL;
    return g_steal_pointer(&agent);
}

void
seal_agent_free(SealAgent *agent)
{
    if (!agent)
        return;
    seal_watch_free(agent->idle_watch);
    seal_watch_free(agent->end_watch);
    seal_signals_free(agent->signals);
    g_clear_pointer(&agent->logind, seal_logind_free);
    seal_screen_saver_free(agent->screen_saver);
    seal_private_socket_free(agent->socket);
    g_ptr_array_unref(agent->newcomers);
    sd_bus_slot_unref(agent->releasing);
    if (agent->front)
        seal_front_close(agent->front);
    sd_bus_close_unref(agent->bus);
    if (agent->leases)
        seal_leases_close(agent->leases);
    seal_unlocker_free(agent->unlocker);
    seal_prompter_free(agent->prompter);
    seal_registry_free(agent->registry);
    seal_leases_free(agent->leases);
    seal_front_free(agent->front);
    seal_config_free(agent->config);
    g_ptr_array_unref(agent->former);
    g_free(agent->config_file);
    seal_loop_free(agent->loop);
    g_free(agent);
}
