/* A frame on a lane comes from a client that may be hostile, and nobody stands between it and the
 * key but the checks here. In this order: the frame is exactly one that a lane takes; what it asks
 * is within the grant; the lane is open (word, clock); one operation is taken off the count; the
 * agent has the record. Then the token is asked, with a look at the word right before each call
 * that uses the key, and once more before the answer leaves.
 *
 * What is refused for what it asks costs the client nothing but the answer; what breaks the frame's
 * rules ends the lane. */
#include "pkcs11/host/lane.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pkcs11/core/rv.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/operation.h"
#include "pkcs11/host/scan.h"

/* One request on its way. */
typedef struct {
    SealLane *lane;
    SealServer *server;
    SealRecords *records;
    SealFrameHeader header; /* with the lane's key */
    SealLaneRecord record;
    SealSlot *lost; /* (owned) */
} Use;

/* -- life ----------------------------------------------------------------------------------------
 */

SealLane *
seal_lane_new(guint32 number, const SealFrameHeader *header, const SealLaneGrant *grant,
              const guint32 *word, int fd)
{
    SealLane *lane = g_new0(SealLane, 1);

    lane->references = 1;
    lane->number = number;
    lane->key = header->key;
    lane->generation = header->generation;
    lane->grant = *grant;
    lane->word = word;
    lane->left = (gint)grant->count;
    lane->fd = fd;
    g_mutex_init(&lane->lock);
    return lane;
}

SealLane *
seal_lane_ref(SealLane *lane)
{
    g_atomic_int_inc(&lane->references);
    return lane;
}

void
seal_lane_unref(SealLane *lane)
{
    if (!lane || !g_atomic_int_dec_and_test(&lane->references))
        return;
    (void)close(lane->fd);
    g_mutex_clear(&lane->lock);
    g_free(lane);
}

void
seal_lane_end(SealLane *lane, SealLaneEnd why)
{
    (void)g_atomic_int_compare_and_exchange(&lane->end, SEAL_LANE_OPEN, (gint)why);
}

SealLaneEnd
seal_lane_look(SealLane *lane)
{
    guint32 word = __atomic_load_n(lane->word, __ATOMIC_ACQUIRE);

    if (word != lane->number) {
        guint32 why = word & ~SEAL_LANE_WORD_ENDED;

        if (!(word & SEAL_LANE_WORD_ENDED) || why == SEAL_LANE_OPEN || why > SEAL_LANE_END_LAST)
            why = SEAL_LANE_REVOKED; /* the word serves another lane by now */
        seal_lane_end(lane, (SealLaneEnd)why);
    } else if (seal_records_now_us() >= lane->grant.expires_us) {
        seal_lane_end(lane, SEAL_LANE_EXPIRED);
    }
    return (SealLaneEnd)g_atomic_int_get(&lane->end);
}

gboolean
seal_lane_is_used_up(SealLane *lane)
{
    return g_atomic_int_get(&lane->left) <= 0;
}

/* The system counts bytes: of so many requests, each as large as the largest that had a result so
 * far (one that is refused costs little, and can be of any size). Who grows is taken for a flooder
 * until the first of the larger ones has been served. */
gboolean
seal_lane_is_flooded(SealLane *lane)
{
    int queued = 0;

    return ioctl(lane->fd, FIONREAD, &queued) == 0 &&
           (guint64)queued >
               (guint64)lane->grant.window * (guint)g_atomic_int_get(&lane->frame_max);
}

/* -- answers ---------------------------------------------------------------------------------- */

/* Without waiting: a client that does not read loses its lane, and nobody else notices. */
static void
send_frame(SealLane *lane, SealFrameHeader *header, const void *body, gsize len)
{
    struct iovec part = {(void *)body, len};
    int result = seal_frame_send(lane->fd, header, &part, 1, FALSE);

    if (result == -EAGAIN)
        seal_lane_end(lane, SEAL_LANE_NOT_READ);
    else if (result < 0)
        seal_lane_end(lane, SEAL_LANE_CLOSED);
}

static SealFrameHeader
reply_header(const Use *use, SealErrorCode status)
{
    return (SealFrameHeader){
        .type = use->header.type | SEAL_FRAME_REPLY,
        .request = use->header.request,
        .lane = use->lane->number,
        .mechanism = use->header.mechanism,
        .status = status,
    };
}

static void
refuse(const Use *use, SealErrorCode status, CK_RV rv, const char *message)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealFrameHeader header = reply_header(use, status);

    seal_failure_encode(body, (guint32)rv, message);
    send_frame(use->lane, &header, body->data, body->len);
}

void
seal_lane_say_end(SealLane *lane)
{
    SealLaneEnd why = (SealLaneEnd)g_atomic_int_get(&lane->end);
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealFrameHeader header = {
        .type = SEAL_FRAME_LANE_REVOKED,
        .lane = lane->number,
        .status = seal_lane_end_code(why),
    };

    seal_failure_encode(body, (guint32)why, seal_lane_end_phrase(why));
    send_frame(lane, &header, body->data, body->len);
}

/* -- within the grant ---------------------------------------------------------------------------
 */

static gboolean
permits_mechanism(const Use *use)
{
    guint32 mechanism = use->header.mechanism;

    return mechanism < 32 && use->lane->grant.mechanisms & (1u << mechanism);
}

/* `hash` 0: there is none, which the operation itself judges. */
static gboolean
permits_hash(const Use *use, guint32 hash)
{
    return hash == SEAL_HASH_NONE || (hash < 32 && use->lane->grant.hashes & (1u << hash));
}

static gboolean
refuse_grant(const Use *use, const char *what)
{
    g_autofree char *message = g_strdup_printf("this lane was not opened for %s", what);

    refuse(use, SEAL_ERROR_NOT_PERMITTED, CKR_OK, message);
    return FALSE;
}

static gboolean
check_sign(const Use *use, const SealSignRequest *request)
{
    const SealSignParameters *parameters = &request->parameters;
    gboolean is_pss = use->header.mechanism == SEAL_MECHANISM_RSA_PSS;

    if (!permits_mechanism(use))
        return refuse_grant(use, "this mechanism");
    if (!permits_hash(use, parameters->hash))
        return refuse_grant(use, "this hash");
    if (parameters->salt_len > (is_pss ? use->lane->grant.salt_max : 0))
        return refuse_grant(use, "a salt of this length");
    return TRUE;
}

static gboolean
check_unwrap(const Use *use, const SealUnwrapRequest *request)
{
    if (!permits_mechanism(use))
        return refuse_grant(use, "this mechanism");
    if (!permits_hash(use, request->parameters.hash) ||
        !permits_hash(use, request->parameters.mgf_hash))
        return refuse_grant(use, "this hash");
    return TRUE;
}

/* -- permission, count, record --------------------------------------------------------------------
 */

/* FALSE: nothing may start. What ended the lane is told when it closes. */
static gboolean
take_one(Use *use)
{
    gint left = 0;

    if (seal_lane_look(use->lane) != SEAL_LANE_OPEN)
        return FALSE;
    do {
        left = g_atomic_int_get(&use->lane->left);
        if (left <= 0) /* those before it may still be at the token: the last one ends the lane */
            return FALSE;
    } while (!g_atomic_int_compare_and_exchange(&use->lane->left, left, left - 1));
    return TRUE;
}

static gboolean
hash_input(SealBytes input, guint8 *ret_hash)
{
    guint8 hash[EVP_MAX_MD_SIZE];

    if (EVP_Digest(input.data, input.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return FALSE;
    memcpy(ret_hash, hash, sizeof((SealLaneRecord *)NULL)->input_hash);
    return TRUE;
}

static gboolean
record_start(Use *use, SealBytes input)
{
    SealErrorCode result = SEAL_ERROR_FAILED;

    use->record = (SealLaneRecord){
        .request = use->header.request,
        .lane = use->lane->number,
        .key = use->lane->key,
        .mechanism = (guint16)use->header.mechanism,
        .use = SEAL_LANE_USE_STARTS,
    };
    if (hash_input(input, use->record.input_hash))
        result = seal_records_write(use->records, &use->record, &use->lane->uses);
    if (result == SEAL_ERROR_NONE)
        return TRUE;
    if (result == SEAL_ERROR_UNREACHABLE)
        seal_lane_end(use->lane, SEAL_LANE_UNRECORDED);
    else
        refuse(use, SEAL_ERROR_BUSY, CKR_OK, seal_lane_end_phrase(SEAL_LANE_UNRECORDED));
    return FALSE;
}

/* The agent wrote down that the key was used; that it gave nothing is worth a record, but no
 * condition of anything. */
static void
record_failure(Use *use, SealErrorCode status)
{
    use->record.use = SEAL_LANE_USE_FAILED;
    use->record.status = (guint8)status;
    (void)seal_records_write(use->records, &use->record, NULL);
}

static gboolean
is_permitted(gpointer data)
{
    return seal_lane_look(data) == SEAL_LANE_OPEN;
}

/* -- one use ---------------------------------------------------------------------------------- */

static void
note_size(const Use *use)
{
    guint len = use->header.length + (guint)sizeof use->header;

    if (len > (guint)g_atomic_int_get(&use->lane->frame_max))
        g_atomic_int_set(&use->lane->frame_max, len);
}

static void
answer(Use *use, SealOperation *operation, const GError *error)
{
    SealLaneEnd end = seal_lane_look(use->lane);
    SealErrorCode status = SEAL_ERROR_NONE;
    SealFrameHeader header = reply_header(use, SEAL_ERROR_NONE);

    if (end != SEAL_LANE_OPEN)
        status = seal_lane_end_code(end); /* what the token gave stays here */
    else if (error)
        status = error->domain == SEAL_ERROR ? (SealErrorCode)error->code : SEAL_ERROR_FAILED;
    if (status != SEAL_ERROR_NONE)
        record_failure(use, status);
    if (end != SEAL_LANE_OPEN)
        return;
    if (error) {
        refuse(use, status, operation->rv, error->message);
        return;
    }
    note_size(use);
    send_frame(use->lane, &header, operation->scratch->answer, operation->answer_len);
}

static SealOperation
operation_for(const Use *use)
{
    return (SealOperation){
        .host = use->server->host,
        .scratch = (SealScratch *)(void *)seal_secret_data(use->server->scratch),
        .permits = is_permitted,
        .permits_data = use->lane,
    };
}

/* FALSE: no frame that a lane takes. */
static gboolean
serve_sign(Use *use, const void *body, gsize len)
{
    SealSignRequest sign;
    SealOperation operation = operation_for(use);
    g_autoptr(GError) error = NULL;

    if (!seal_sign_request_decode(body, len, &sign) || sign.pin.len > 0)
        return FALSE;
    if (!check_sign(use, &sign) || !take_one(use) || !record_start(use, sign.data))
        return TRUE;
    (void)seal_operation_sign(&operation, &use->header, &sign, &use->lost, &error);
    answer(use, &operation, error);
    seal_operation_clear(&operation);
    return TRUE;
}

static gboolean
serve_unwrap(Use *use, const void *body, gsize len)
{
    SealUnwrapRequest unwrap;
    SealOperation operation = operation_for(use);
    g_autoptr(GError) error = NULL;

    if (!seal_unwrap_request_decode(body, len, &unwrap) || unwrap.pin.len > 0)
        return FALSE;
    if (!check_unwrap(use, &unwrap) || !take_one(use) || !record_start(use, unwrap.encrypted))
        return TRUE;
    (void)seal_operation_unwrap(&operation, &use->header, &unwrap, &use->lost, &error);
    answer(use, &operation, error);
    seal_operation_clear(&operation);
    return TRUE;
}

static gboolean
is_well_formed(const SealLane *lane, const SealFrameHeader *header)
{
    return header->request != 0 && header->flags == 0 && header->lane == lane->number &&
           header->key == 0 && header->generation == 0 && header->status == 0 &&
           !(header->type & SEAL_FRAME_REPLY);
}

void
seal_lane_serve(SealLane *lane, SealServer *server, SealRecords *records,
                const SealFrameHeader *header)
{
    const void *body = seal_secret_peek(server->frame);
    Use use = {.lane = lane, .server = server, .records = records, .header = *header};
    gboolean good = is_well_formed(lane, header);

    use.header.key = lane->key;
    use.header.generation = lane->generation;
    if (good && header->type == SEAL_FRAME_SIGN)
        good = serve_sign(&use, body, header->length);
    else if (good && header->type == SEAL_FRAME_UNWRAP)
        good = serve_unwrap(&use, body, header->length);
    else if (good)
        refuse(&use, SEAL_ERROR_NOT_SUPPORTED, CKR_OK, "a lane does not serve frames of this type");
    if (!good)
        seal_lane_end(lane, SEAL_LANE_BROKEN);
    seal_secret_wipe(server->frame);
    if (use.lost) {
        seal_scan_lost(server->host, use.lost);
        seal_slot_unref(use.lost);
    }
}
