/* From the first instruction to the last: confine, load, greet, look for tokens, serve, leave.
 *
 * The module is loaded before the agent's HELLO is read, so that both start up at the same time.
 * What goes wrong is told in the answer to HELLO, in a sentence for people, and by the exit status.
 */
#include "pkcs11/host/host.h"

#include <unistd.h>

#include "base/log.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/confine.h"
#include "pkcs11/host/events.h"
#include "pkcs11/host/lanes.h"
#include "pkcs11/host/library.h"
#include "pkcs11/host/pool.h"
#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/serve.h"
#include "pkcs11/host/ykcs11.h"

/* Requests that an agent may have in flight: the peers' limit of 256 (DESIGN section 4). */
#define WINDOW 256u
/* What is under way on lanes when the agent is gone. */
#define LANES_END_US (2 * G_USEC_PER_SEC)

void
seal_host_send_event(SealHost *host, SealFrameType type, const GByteArray *body)
{
    SealFrameHeader header = {.type = (guint16)type};
    struct iovec part = {body ? body->data : NULL, body ? body->len : 0};

    if (seal_frame_send(host->channel, &header, &part, 1, TRUE) == -EMSGSIZE)
        seal_log_warning("an object of the token is too large for a frame and is left out");
}

void
seal_host_retire(SealHost *host, const char *reason)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    if (!g_atomic_int_compare_and_exchange(&host->retired, FALSE, TRUE))
        return;
    seal_put_text(body, reason);
    seal_host_send_event(host, SEAL_FRAME_RETIRE, body);
}

void
seal_host_recover(SealHost *host, CK_RV rv)
{
    if (rv != CKR_OK && seal_rv_is_doubtful(rv) && seal_ykcs11_is(host->functions))
        seal_host_retire(host, "its module may keep the card to itself after a failure");
}

/* Reads the agent's HELLO. FALSE if there is none or it is not one. */
static gboolean
receive_hello(SealHost *host, SealFrameHeader *header)
{
    guint8 body[sizeof(SealHello) + 1];
    gboolean good = seal_frame_receive(host->channel, header, body, sizeof body, TRUE) == 1 &&
                    header->type == SEAL_FRAME_HELLO && header->request != 0 &&
                    seal_hello_decode(body, header->length, &host->hello);

    seal_wipe(body, sizeof body);
    return good;
}

static gboolean
check_version(const SealHost *host, GError **error)
{
    if (host->hello.version == SEAL_WIRE_VERSION)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "the agent speaks version %u of the frames, this host speaks %u: restart the agent "
                "after an upgrade",
                host->hello.version, SEAL_WIRE_VERSION);
    return FALSE;
}

static void
answer_hello(SealHost *host, const SealFrameHeader *request, gboolean events)
{
    SealHello hello = {
        .version = SEAL_WIRE_VERSION,
        .features = (events ? SEAL_FEATURE_EVENTS : 0) | (host->lanes ? SEAL_FEATURE_LANES : 0),
        .frame_max = SEAL_FRAME_MAX,
        .window = WINDOW,
        .workers = MIN(host->hello.workers, SEAL_SESSIONS_MAX),
        .verify = host->hello.verify,
    };
    SealFrameHeader header = {.type = SEAL_FRAME_HELLO | SEAL_FRAME_REPLY,
                              .request = request->request};
    struct iovec part = {&hello, sizeof hello};

    (void)seal_frame_send(host->channel, &header, &part, 1, TRUE);
}

/* PC/SC knows of cards first and costs the module nothing; else the module is asked. `dark`: PC/SC was
 * missing when the module looked for it. */
static gboolean
start_events(SealHost *host, gboolean dark)
{
    return seal_readers_watch(host, dark) || (host->functions && seal_events_start(host));
}

/* An agent that was killed asked for no logout: its cards must not stay open to every program. */
static void
lock_cards(SealHost *host)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(host->store);

    for (guint i = 0; i < slots->len; i++) {
        SealSlot *slot = slots->pdata[i];

        if (seal_slot_is_logged_in(slot))
            (void)seal_readers_reset(host->readers, slot->reader);
    }
}

static int
serve(SealHost *host, const SealFrameHeader *hello, gboolean dark)
{
    gboolean events = start_events(host, dark);
    SealPool *pool = NULL;
    int status = 0;

    answer_hello(host, hello, events);
    pool = seal_pool_new(host); /* the agent's first RESCAN reads the tokens */
    status = seal_pool_run(pool);

    (void)alarm(SEAL_FAREWELL_S); /* ends this process if the module cannot */
    lock_cards(host);
    if (!seal_lanes_end_all(host->lanes, g_get_monotonic_time() + LANES_END_US) ||
        !seal_pool_free(pool))
        _exit(status);
    g_mutex_lock(&host->scan_lock); /* for good: the thread of slot events must not look any more */
    if (host->functions)
        (void)host->functions->C_Finalize(NULL);
    return status;
}

static gboolean
tells_readers(const SealHostOptions *options)
{
    return options->reader && !*options->reader;
}

int
seal_host_run(const SealHostOptions *options)
{
    static SealHost host; /* never torn down: threads that hang may outlive this function */
    const int keep[] = {options->channel, options->audit, options->revoke};
    SealFrameHeader hello = {0};
    g_autoptr(GError) error = NULL;
    gboolean dark = seal_readers_are_dark();
    int status = SEAL_HOST_EXIT_MODULE;

    seal_confine(keep, G_N_ELEMENTS(keep));
    host.channel = options->channel;
    host.store = seal_store_new();
    host.lanes = seal_lanes_new(&host, options->audit, options->revoke);
    g_mutex_init(&host.scan_lock);
    host.reader = options->reader;
    if (tells_readers(options))
        (void)seal_library_check(options->module, &error);
    else
        host.functions = seal_library_load(options->module, options->reader, &error);
    if (!receive_hello(&host, &hello)) {
        seal_log_error("%s: no greeting from the agent", options->name);
        return SEAL_HOST_EXIT_PROTOCOL;
    }
    if (!error && check_version(&host, &error))
        status = serve(&host, &hello, dark);
    if (error) {
        seal_log_error("%s", error->message);
        seal_server_refuse(&host, &hello, CKR_OK, error);
    }
    seal_wipe(&host.hello, sizeof host.hello);
    return status;
}
