/* The life of one module: its host is started, greeted, followed, and started again when it is
 * lost.
 *
 *     new -> STARTING -> (HELLO, first RESCAN answered) -> RUNNING -> (lost) -> WAITING -> STARTING
 *                 \-> UNUSABLE: the host says it cannot load the module, or dies of it (restarts.c)
 *
 * A host is lost by EOF, a frame that makes no sense, an operation that does not end, or its own wish
 * (its module cannot go on): it is killed whatever it was, since its state is unknown. What was asked
 * of it fails and is never repeated. */
#include "pkcs11/token/module.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/pcsc-clients.h"
#include "pkcs11/token/channel.h"
#include "pkcs11/token/process.h"
#include "pkcs11/token/restarts.h"
#include "pkcs11/token/token.h"

/* Requests at the host at once; the kernel's queue takes 278 small frames. */
#define WINDOW 256u
/* Tokens of one module: more slots than any HSM client library shows by default. */
#define TOKENS_MAX     256u
#define REASON_MAX      256u
/* What a host may take to log out and leave when the agent ends. */
#define LEAVE_MS 1000u

struct SealModule {
    SealLoop *loop;
    SealModuleConfig config;
    const SealModuleEvents *events;
    gpointer user_data;
    gboolean is_quiet; /* while it is made and freed: no events */
    SealModuleState state;
    char *reason;
    SealProcess *process; /* (nullable) the host that serves */
    GPtrArray *ending;    /* of SealProcess *: killed, not reaped yet */
    SealProcess
        *suspect;    /* borrowed from `ending`: died while loading, its end decides what is next */
    char *suspicion; /* (nullable) why we gave it up, if not by its own end */
    SealChannel *channel;
    SealWatch *timer; /* of the next start */
    gboolean is_greeted;
    guint32 features; /* of the host: SealFeatures */
    SealRestarts restarts;
    GHashTable *alive;   /* u32 reference -> SealToken * (owned) */
    GHashTable *known;   /* set of every SealToken * that somebody still holds (not owned) */
};

static void start_host(SealModule *module);

/* -- state ------------------------------------------------------------------------------------ */

static void
set_state(SealModule *module, SealModuleState state, const char *reason)
{
    g_autofree char *old_reason = module->reason;

    if (module->state == state && g_strcmp0(old_reason, reason) == 0) {
        (void)g_steal_pointer(&old_reason);
        return;
    }
    module->state = state;
    module->reason = g_strdup(reason);
    if (!module->is_quiet && module->events->state_changed)
        module->events->state_changed(module, module->user_data);
}

static void
tell_gone(SealModule *module, GPtrArray *tokens)
{
    for (guint i = 0; i < tokens->len; i++) {
        SealToken *token = tokens->pdata[i];

        if (seal_token_is_told(token) && !module->is_quiet && module->events->token_gone)
            module->events->token_gone(module, token, module->user_data);
    }
}

/* -- losing a host ---------------------------------------------------------------------------- */

static GPtrArray *
bury_tokens(SealModule *module)
{
    GPtrArray *buried = g_ptr_array_new_with_free_func((GDestroyNotify)seal_token_unref);
    GHashTableIter iter;
    SealToken *token = NULL;

    g_hash_table_iter_init(&iter, module->alive);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&token)) {
        seal_token_bury(token);
        g_ptr_array_add(buried, token);
        g_hash_table_iter_steal(&iter);
    }
    return buried;
}

static void
schedule_start(SealModule *module)
{
    guint pause = seal_restarts_pause_ms(&module->restarts);

    if (module->state != SEAL_MODULE_WAITING || module->process)
        return;
    if (pause == 0)
        start_host(module);
    else
        seal_watch_set_deadline(module->timer, g_get_monotonic_time() + (gint64)pause * 1000);
}

/* The host is lost or given up; nothing is started again here. `state`: WAITING or UNUSABLE. `status`:
 * of what was asked of it. */
static void
lose_host(SealModule *module, SealModuleState state, SealErrorCode status, const char *reason)
{
    SealProcess *process = g_steal_pointer(&module->process);
    g_autoptr(GPtrArray) buried = bury_tokens(module);
    g_autofree char *message = NULL;

    message = g_strdup_printf("module '%s': %s", module->config.name, reason);
    seal_log_warning("%s", message);
    seal_restarts_lost(&module->restarts, 0);
    module->is_greeted = FALSE;
    g_ptr_array_add(module->ending, process);
    set_state(module, state, reason);
    seal_channel_close(module->channel, status, message);
    seal_process_hang_up(process);
    seal_process_kill(process);
    tell_gone(module, buried);
}

static void
on_channel_broken(SealErrorCode why, const char *message, gpointer user_data)
{
    SealModule *module = user_data;
    gboolean was_greeted = module->is_greeted;

    /* How a host ended that never spoke says whether the module can be loaded at all. */
    if (!was_greeted) {
        module->suspect = module->process;
        g_free(module->suspicion);
        module->suspicion = why == SEAL_ERROR_UNREACHABLE ? NULL : g_strdup(message);
    }
    lose_host(module, SEAL_MODULE_WAITING, SEAL_ERROR_MODULE_FAILED, message);
    if (was_greeted)
        schedule_start(module);
}

/* What a crash report begins with. Our own SIGKILL needs no words. */
static void
log_end(const SealModule *module, int wait_status)
{
    g_autofree char *end = NULL;

    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL)
        return;
    end = seal_process_describe_end(wait_status);
    seal_log_info("module '%s': its host %s", module->config.name, end);
}

/* The host died before it was greeted. */
static void
judge_load(SealModule *module, int wait_status)
{
    g_autofree char *end = seal_process_describe_end(wait_status);
    g_autofree char *reason = NULL;

    if (module->state != SEAL_MODULE_WAITING || module->process)
        return;
    if (module->suspicion)
        reason = g_strdup_printf("cannot load '%s': %s", module->config.path, module->suspicion);
    else
        reason = g_strdup_printf("the host %s while it loaded '%s'", end, module->config.path);
    if (seal_restarts_failed_to_load(&module->restarts, wait_status, module->suspicion != NULL,
                                     module->config.reader != NULL)) {
        set_state(module, SEAL_MODULE_UNUSABLE, reason);
        return;
    }
    set_state(module, SEAL_MODULE_WAITING, reason);
    schedule_start(module);
}

static void
on_process_ended(SealProcess *process, int wait_status, gpointer user_data)
{
    SealModule *module = user_data;
    gboolean is_suspect = FALSE;

    /* Its end was noticed before EOF: a helper of the vendor may hold the channel open. */
    if (process == module->process)
        on_channel_broken(SEAL_ERROR_UNREACHABLE, "the host ended", module);
    is_suspect = process == module->suspect;
    if (is_suspect)
        module->suspect = NULL;
    g_ptr_array_remove(module->ending, process);
    seal_process_free(process, 0);
    log_end(module, wait_status);
    if (is_suspect)
        judge_load(module, wait_status);
}

/* -- lanes ------------------------------------------------------------------------------------ */

static void
on_lane_used(const SealLaneRecord *record, gpointer user_data)
{
    SealModule *module = user_data;

    if (module->events->lane_used)
        module->events->lane_used(module, record, module->user_data);
}

static void
on_lane_closed(guint32 lane, SealLaneEnd why, gpointer user_data)
{
    SealModule *module = user_data;

    if (module->events->lane_closed)
        module->events->lane_closed(module, lane, why, module->user_data);
}

static const SealProcessEvents process_events = {
    .ended = on_process_ended,
    .lanes = {.used = on_lane_used, .closed = on_lane_closed},
};

/* -- starting a host -------------------------------------------------------------------------- */

static void
become_unusable(SealModule *module, const char *reason)
{
    lose_host(module, SEAL_MODULE_UNUSABLE, SEAL_ERROR_MODULE_FAILED, reason);
}

/* FALSE for what the channel itself reports: the host is lost then, and handled as that. */
static gboolean
is_from_host(const SealModule *module, const SealReply *reply)
{
    /* There is none any more when the module is freed while its host starts */
    return module->channel && seal_channel_is_open(module->channel) &&
           reply->status != SEAL_ERROR_TIMED_OUT;
}

static void
on_first_scan(const SealReply *reply, gpointer user_data)
{
    SealModule *module = user_data;

    if (!is_from_host(module, reply))
        return;
    if (reply->status != SEAL_ERROR_NONE)
        seal_log_warning("module '%s' could not look for tokens: %s", module->config.name,
                         reply->message);
    seal_restarts_ran(&module->restarts);
    set_state(module, SEAL_MODULE_RUNNING, NULL);
}

static void
on_hello(const SealReply *reply, gpointer user_data)
{
    SealModule *module = user_data;
    SealHello hello;

    if (!is_from_host(module, reply))
        return;
    if (reply->status != SEAL_ERROR_NONE) {
        become_unusable(module, reply->message);
        return;
    }
    if (!seal_hello_decode(reply->body.data, reply->body.len, &hello) ||
        hello.version != SEAL_WIRE_VERSION || hello.window == 0) {
        become_unusable(module,
                        "its privyseal-host speaks another version: install matching parts");
        return;
    }
    module->is_greeted = TRUE;
    module->features = hello.features;
    seal_channel_set_window(module->channel, MIN(hello.window, WINDOW));
}

static void
greet(SealModule *module)
{
    SealHello hello = {
        .version = SEAL_WIRE_VERSION,
        .frame_max = SEAL_FRAME_MAX,
        .window = WINDOW,
        .workers = module->config.workers,
        .verify = module->config.verify,
    };
    struct iovec body = {&hello, sizeof hello};
    const SealAsk ask = {.type = SEAL_FRAME_HELLO,
                         .parts = &body,
                         .n_parts = 1,
                         .timeout_ms = module->config.start_timeout_ms};
    const SealAsk scan = {.type = SEAL_FRAME_RESCAN, .timeout_ms = module->config.start_timeout_ms};

    memcpy(hello.rejection_secret, module->config.rejection_secret, sizeof hello.rejection_secret);
    seal_channel_ask(module->channel, &ask, on_hello, module);
    seal_wipe(&hello, sizeof hello);
    seal_channel_ask(module->channel, &scan, on_first_scan, module);
}

static void
start_host(SealModule *module)
{
    g_autoptr(GError) error = NULL;

    seal_watch_set_deadline(module->timer, -1);
    module->suspect = NULL;
    module->process =
        seal_process_spawn(module->loop, module->config.host_program, module->config.path,
                           module->config.name, module->config.reader, &process_events, module, &error);
    if (!module->process) {
        gboolean is_passing = seal_error_is(error, SEAL_ERROR_BUSY);

        seal_log_warning("module '%s': %s", module->config.name, error->message);
        seal_restarts_lost(&module->restarts, 2); /* a pause, and not at once */
        set_state(module, is_passing ? SEAL_MODULE_WAITING : SEAL_MODULE_UNUSABLE, error->message);
        if (is_passing)
            schedule_start(module);
        return;
    }
    seal_channel_open(module->channel, seal_process_channel(module->process));
    greet(module);
    set_state(module, SEAL_MODULE_STARTING, NULL);
}

static void
on_start_due(uint32_t events, gpointer user_data)
{
    SealModule *module = user_data;

    if (!module->process)
        start_host(module);
}

/* -- events of the host ----------------------------------------------------------------------- */

SealToken *
seal_module_find_token(SealModule *module, uint32_t reference)
{
    return g_hash_table_lookup(module->alive, GUINT_TO_POINTER(reference));
}

static gboolean
on_token(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealTokenInfo info;
    SealToken *token = NULL;

    if (!seal_token_info_decode(body.data, body.len, &info))
        return FALSE;
    token = seal_module_find_token(module, info.reference);
    if (token) {
        seal_token_reread(token, &info);
        return TRUE;
    }
    if (g_hash_table_size(module->alive) >= TOKENS_MAX) {
        seal_token_info_clear(&info);
        return FALSE;
    }
    token = seal_token_new(module, &info);
    g_hash_table_insert(module->alive, GUINT_TO_POINTER(seal_token_reference(token)), token);
    g_hash_table_add(module->known, token);
    return TRUE;
}

static gboolean
on_key(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealKeyInfo info;
    SealToken *token = NULL;
    gboolean good = FALSE;

    if (!seal_key_info_decode(body.data, body.len, &info))
        return FALSE;
    token = seal_module_find_token(module, info.token);
    good = token && seal_token_add_key(token, &info);
    seal_key_info_clear(&info);
    return good;
}

static gboolean
on_certificate(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealCertificateInfo info;
    SealToken *token = NULL;
    gboolean good = FALSE;

    if (!seal_certificate_info_decode(body.data, body.len, &info))
        return FALSE;
    token = seal_module_find_token(module, info.token);
    good = token && seal_token_add_certificate(token, &info);
    seal_certificate_info_clear(&info);
    return good;
}

static gboolean
tell(SealModule *module, SealToken *token, SealTokenEvent event)
{
    const SealModuleEvents *events = module->events;

    if (event == SEAL_TOKEN_EVENT_APPEARED && events->token_appeared)
        events->token_appeared(module, token, module->user_data);
    if (event == SEAL_TOKEN_EVENT_CHANGED && events->token_changed)
        events->token_changed(module, token, module->user_data);
    return event != SEAL_TOKEN_EVENT_NONSENSE;
}

static gboolean
on_token_done(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    SealToken *token = NULL;

    seal_reader_init(&reader, body.data, body.len);
    token = seal_module_find_token(module, seal_reader_u32(&reader));
    return seal_reader_done(&reader) && token && tell(module, token, seal_token_finish(token));
}

static gboolean
on_token_state(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    uint32_t reference = 0, flags = 0;
    SealToken *token = NULL;

    seal_reader_init(&reader, body.data, body.len);
    reference = seal_reader_u32(&reader);
    flags = seal_reader_u32(&reader);
    if (!seal_reader_done(&reader))
        return FALSE;
    /* A token whose reading failed is unknown here, and its state of no interest. */
    token = seal_module_find_token(module, reference);
    return !token || tell(module, token, seal_token_set_flags(token, flags));
}

static gboolean
on_token_gone(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    uint32_t reference = 0;
    SealToken *token = NULL;
    g_autoptr(GPtrArray) gone = NULL;

    seal_reader_init(&reader, body.data, body.len);
    reference = seal_reader_u32(&reader);
    if (!seal_reader_done(&reader))
        return FALSE;
    token = seal_module_find_token(module, reference);
    if (!token)
        return TRUE;
    gone = g_ptr_array_new_with_free_func((GDestroyNotify)seal_token_unref);
    g_ptr_array_add(gone, token);
    g_hash_table_steal(module->alive, GUINT_TO_POINTER(reference));
    seal_token_bury(token);
    tell_gone(module, gone);
    return TRUE;
}

/* No fault of the host's, unless it comes again and again. */
static gboolean
on_retire(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    g_autofree char *reason = NULL;

    seal_reader_init(&reader, body.data, body.len);
    reason = seal_reader_text(&reader, REASON_MAX);
    if (!reason || !seal_reader_done(&reader))
        return FALSE;
    seal_restarts_retired(&module->restarts);
    lose_host(module, SEAL_MODULE_WAITING, SEAL_ERROR_TOKEN_REMOVED, reason);
    schedule_start(module);
    return TRUE;
}

static gboolean
on_event(const SealFrameHeader *header, SealBytes body, gpointer user_data)
{
    static const struct {
        uint16_t type;
        gboolean (*handle)(SealModule *module, const SealFrameHeader *header, SealBytes body);
    } handlers[] = {
        {SEAL_FRAME_TOKEN, on_token},
        {SEAL_FRAME_KEY, on_key},
        {SEAL_FRAME_CERTIFICATE, on_certificate},
        {SEAL_FRAME_LEFT_OUT, seal_module_on_left_out},
        {SEAL_FRAME_KEY_TRIED, seal_module_on_key_tried},
        {SEAL_FRAME_TOKEN_DONE, on_token_done},
        {SEAL_FRAME_TOKEN_GONE, on_token_gone},
        {SEAL_FRAME_TOKEN_STATE, on_token_state},
        {SEAL_FRAME_RETIRE, on_retire},
        {SEAL_FRAME_READERS, seal_module_on_readers},
        {SEAL_FRAME_LANE_CLOSED, seal_module_on_lane_closed},
        {SEAL_FRAME_DOORBELL, seal_module_on_doorbell},
    };

    for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
        if (handlers[i].type == header->type)
            return handlers[i].handle(user_data, header, body);
    return FALSE;
}

/* Another program may hold the card of a reader. */
static char *
explain_hang(gpointer user_data)
{
    const SealModule *module = user_data;

    return module->config.reader ? seal_pcsc_clients_clause() : NULL;
}

static const SealChannelEvents channel_events = {on_event, on_channel_broken, explain_hang};

/* -- public ----------------------------------------------------------------------------------- */

SealModule *
seal_module_new(SealLoop *loop, const SealModuleConfig *config, const SealModuleEvents *events,
                gpointer user_data)
{
    SealModule *module = g_new0(SealModule, 1);

    module->loop = loop;
    seal_module_config_copy(config, &module->config);
    module->events = events;
    module->user_data = user_data;
    module->ending = g_ptr_array_new();
    module->alive = g_hash_table_new(NULL, NULL);
    module->known = g_hash_table_new(NULL, NULL);
    module->channel = seal_channel_new(loop, &channel_events, module);
    module->timer = seal_loop_watch(loop, -1, 0, on_start_due, module);
    module->is_quiet = TRUE;
    start_host(module);
    module->is_quiet = FALSE;
    return module;
}

static void
orphan_tokens(SealModule *module)
{
    GHashTableIter iter;
    SealToken *token = NULL;

    g_hash_table_iter_init(&iter, module->known);
    while (g_hash_table_iter_next(&iter, (gpointer *)&token, NULL))
        seal_token_orphan(token);
}

void
seal_module_free(SealModule *module)
{
    g_autoptr(GPtrArray) buried = NULL;

    if (!module)
        return;
    module->is_quiet = TRUE;
    buried = bury_tokens(module);
    seal_channel_free(module->channel);
    orphan_tokens(module);
    seal_process_free(module->process, LEAVE_MS);
    for (guint i = 0; i < module->ending->len; i++)
        seal_process_free(module->ending->pdata[i], 0);
    g_clear_pointer(&module->timer, seal_watch_free);
    g_clear_pointer(&module->ending, g_ptr_array_unref);
    g_clear_pointer(&module->alive, g_hash_table_unref);
    g_clear_pointer(&module->known, g_hash_table_unref);
    seal_module_config_clear(&module->config);
    g_free(module->suspicion);
    g_free(module->reason);
    g_free(module);
}

const char *
seal_module_name(const SealModule *module)
{
    return module->config.name;
}

const char *
seal_module_path(const SealModule *module)
{
    return module->config.path;
}

SealModuleState
seal_module_state(const SealModule *module)
{
    return module->state;
}

const char *
seal_module_state_name(SealModuleState state)
{
    static const char *const names[] = {
        [SEAL_MODULE_STARTING] = "starting",
        [SEAL_MODULE_RUNNING] = "running",
        [SEAL_MODULE_WAITING] = "waiting",
        [SEAL_MODULE_UNUSABLE] = "unusable",
    };

    return (guint)state < G_N_ELEMENTS(names) ? names[state] : "";
}

const char *
seal_module_reason(const SealModule *module)
{
    return module->reason;
}

pid_t
seal_module_host_pid(const SealModule *module)
{
    return module->process ? seal_process_pid(module->process) : 0;
}

guint64
seal_module_rescan(SealModule *module, SealReplyFunc done, gpointer user_data)
{
    const SealAsk scan = {.type = SEAL_FRAME_RESCAN, .timeout_ms = module->config.start_timeout_ms};

    if (!module->process) {
        seal_restarts_forgive(&module->restarts);
        start_host(module);
    }
    return seal_channel_ask(module->channel, &scan, done, user_data);
}

void
seal_module_cancel(SealModule *module, guint64 request)
{
    seal_channel_cancel(module->channel, request);
}

/* -- for tokens ------------------------------------------------------------------------------- */

SealChannel *
seal_module_channel(SealModule *module)
{
    return module->channel;
}

SealLaneBook *
seal_module_lanes(SealModule *module)
{
    if (!module->process || !module->is_greeted || !(module->features & SEAL_FEATURE_LANES))
        return NULL;
    return seal_process_lanes(module->process);
}

const SealModuleConfig *
seal_module_config(const SealModule *module)
{
    return &module->config;
}

void
seal_module_tell_key_tried(SealModule *module, SealToken *token, guint32 key, gboolean fits)
{
    if (module->events->key_tried)
        module->events->key_tried(module, token, key, fits, module->user_data);
}

void
seal_module_tell_readers(SealModule *module, const GPtrArray *names)
{
    if (module->events->readers_told)
        module->events->readers_told(module, names, module->user_data);
}

void
seal_module_forget_token(SealModule *module, SealToken *token)
{
    g_hash_table_remove(module->known, token);
}

void
seal_module_wake(SealModule *module)
{
    gboolean is_card_new = module->state == SEAL_MODULE_UNUSABLE && module->config.reader;

    if ((module->state == SEAL_MODULE_WAITING || is_card_new) && !module->process)
        start_host(module);
}
