/* A table from frame type to what serves it. A handler decodes, works, and answers or fails in one
 * of two ways: with an error, which becomes a failed reply, or with FALSE for a body that is no
 * frame of ours, which ends the channel: an agent that is out of step cannot be trusted with the
 * rest. */
#include "pkcs11/host/serve.h"

#include <string.h>

#include "pkcs11/host/lanes.h"
#include "pkcs11/host/login.h"
#include "pkcs11/host/operation.h"
#include "pkcs11/host/pin.h"
#include "pkcs11/host/again.h"
#include "pkcs11/host/scan.h"

typedef struct {
    SealServer *server;
    SealFrameHeader *header;
    const void *body;
    gsize len;
    SealSlot *lost; /* (owned) */
} Request;

/* -- answering --------------------------------------------------------------------------------- */

static void
send_reply(SealHost *host, const SealFrameHeader *request, SealErrorCode status, const void *body,
           gsize len)
{
    SealFrameHeader header = {
        .type = request->type | SEAL_FRAME_REPLY,
        .request = request->request,
        .lane = request->lane,
        .key = request->key,
        .generation = request->generation,
        .mechanism = request->mechanism,
        .status = status,
    };
    struct iovec part = {(void *)body, len};

    (void)seal_frame_send(host->channel, &header, &part, 1, TRUE);
}

void
seal_server_refuse(SealHost *host, const SealFrameHeader *header, CK_RV rv, const GError *error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealErrorCode status =
        error->domain == SEAL_ERROR ? (SealErrorCode)error->code : SEAL_ERROR_FAILED;

    seal_failure_encode(body, (guint32)rv, error->message);
    send_reply(host, header, status, body->data, body->len);
}

static void
answer(Request *request, CK_RV rv, const GError *error)
{
    SealHost *host = request->server->host;

    if (request->lost)
        seal_scan_tell_gone(host, request->lost);
    if (error)
        seal_server_refuse(host, request->header, rv, error);
    else
        send_reply(host, request->header, SEAL_ERROR_NONE, NULL, 0);
    seal_host_recover(host, rv);
}

/* -- handlers ------------------------------------------------------------------------------------
 */

static gboolean
serve_rescan(Request *request)
{
    if (request->len != 0)
        return FALSE;
    seal_again_renew(request->server->host, FALSE);
    seal_scan(request->server->host, TRUE);
    answer(request, CKR_OK, NULL);
    return TRUE;
}

static gboolean
serve_login(Request *request)
{
    SealLoginRequest login;
    g_autoptr(GError) error = NULL;
    CK_RV rv = CKR_OK;

    if (!seal_login_request_decode(request->body, request->len, &login))
        return FALSE;
    (void)seal_login(request->server->host, login.parameters.token, login.pin, &rv, &request->lost,
                     &error);
    answer(request, rv, error);
    return TRUE;
}

static gboolean
serve_logout(Request *request)
{
    g_autoptr(GError) error = NULL;
    SealReader reader;
    CK_RV rv = CKR_OK;
    guint32 token = 0;

    seal_reader_init(&reader, request->body, request->len);
    token = seal_reader_u32(&reader);
    if (!seal_reader_done(&reader))
        return FALSE;
    (void)seal_logout(request->server->host, token, &rv, &request->lost, &error);
    answer(request, rv, error);
    return TRUE;
}

static gboolean
serve_pin(Request *request)
{
    gboolean is_change = request->header->type == SEAL_FRAME_PIN_CHANGE;
    SealPinRequest pin;
    g_autoptr(GError) error = NULL;
    CK_RV rv = CKR_OK;

    if (!seal_pin_request_decode(request->body, request->len, &pin))
        return FALSE;
    (void)(is_change ? seal_pin_change : seal_pin_unblock)(request->server->host, &pin, &rv,
                                                           &request->lost, &error);
    answer(request, rv, error);
    return TRUE;
}

static SealOperation
operation_for(const Request *request)
{
    return (SealOperation){
        .host = request->server->host,
        .scratch = (SealScratch *)(void *)seal_secret_data(request->server->scratch),
    };
}

static void
answer_operation(Request *request, SealOperation *operation, const GError *error)
{
    if (request->lost)
        seal_scan_tell_gone(operation->host, request->lost);
    if (error)
        seal_server_refuse(operation->host, request->header, operation->rv, error);
    else
        send_reply(operation->host, request->header, SEAL_ERROR_NONE, operation->scratch->answer,
                   operation->answer_len);
    seal_operation_clear(operation);
}

static gboolean
serve_sign(Request *request)
{
    SealSignRequest sign;
    SealOperation operation = operation_for(request);
    g_autoptr(GError) error = NULL;

    if (!seal_sign_request_decode(request->body, request->len, &sign))
        return FALSE;
    (void)seal_operation_sign(&operation, request->header, &sign, &request->lost, &error);
    answer_operation(request, &operation, error);
    return TRUE;
}

static gboolean
serve_unwrap(Request *request)
{
    SealUnwrapRequest unwrap;
    SealOperation operation = operation_for(request);
    g_autoptr(GError) error = NULL;

    if (!seal_unwrap_request_decode(request->body, request->len, &unwrap))
        return FALSE;
    (void)seal_operation_unwrap(&operation, request->header, &unwrap, &request->lost, &error);
    answer_operation(request, &operation, error);
    return TRUE;
}

static gboolean
serve_raw(Request *request)
{
    SealRawRequest raw;
    SealOperation operation = operation_for(request);
    g_autoptr(GError) error = NULL;

    if (!seal_raw_request_decode(request->body, request->len, &raw))
        return FALSE;
    (void)seal_operation_raw(&operation, request->header, &raw, &request->lost, &error);
    answer_operation(request, &operation, error);
    return TRUE;
}

/* A second HELLO, lanes where there are none, and what a newer agent may know. */
static gboolean
serve_unknown(Request *request)
{
    g_autoptr(GError) error =
        g_error_new(SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "this host does not serve frames of type %u", request->header->type);

    answer(request, CKR_OK, error);
    return TRUE;
}

static gboolean
serve_lane_open(Request *request)
{
    SealServer *server = request->server;
    SealLaneGrant grant;
    g_autoptr(GError) error = NULL;

    if (!server->host->lanes)
        return serve_unknown(request);
    if (!seal_lane_grant_decode(request->body, request->len, &grant))
        return FALSE;
    (void)seal_lanes_open(server->host->lanes, request->header, &grant,
                          seal_fd_steal(&server->descriptor), &error);
    answer(request, CKR_OK, error);
    return TRUE;
}

static gboolean
serve_lane_revoke(Request *request)
{
    SealReader reader;
    guint32 why = 0;

    if (!request->server->host->lanes)
        return serve_unknown(request);
    seal_reader_init(&reader, request->body, request->len);
    why = seal_reader_u32(&reader);
    if (!seal_reader_done(&reader) || why == SEAL_LANE_OPEN || why > SEAL_LANE_END_LAST)
        return FALSE;
    seal_lanes_revoke(request->server->host->lanes, request->header, (SealLaneEnd)why);
    return TRUE;
}

typedef struct {
    SealFrameType type;
    gboolean (*serve)(Request *request);
} Row;

static const Row rows[] = {
    {SEAL_FRAME_SIGN, serve_sign},           {SEAL_FRAME_UNWRAP, serve_unwrap},
    {SEAL_FRAME_LOGIN, serve_login},         {SEAL_FRAME_LOGOUT, serve_logout},
    {SEAL_FRAME_RESCAN, serve_rescan},       {SEAL_FRAME_RAW, serve_raw},
    {SEAL_FRAME_LANE_OPEN, serve_lane_open}, {SEAL_FRAME_LANE_REVOKE, serve_lane_revoke},
    {SEAL_FRAME_PIN_CHANGE, serve_pin},      {SEAL_FRAME_PIN_UNBLOCK, serve_pin},
};

static gboolean (*find_handler(guint16 type))(Request *request)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].type == type)
            return rows[i].serve;
    return serve_unknown;
}

/* -- a worker's server ---------------------------------------------------------------------------
 */

void
seal_server_init(SealServer *server, SealHost *host)
{
    server->host = host;
    server->frame = seal_secret_new(SEAL_FRAME_MAX);
    server->scratch = seal_secret_new(sizeof(SealScratch));
    server->descriptor = -1;
}

void
seal_server_clear(SealServer *server)
{
    g_clear_pointer(&server->frame, seal_secret_free);
    g_clear_pointer(&server->scratch, seal_secret_free);
}

int
seal_server_receive(SealServer *server, SealFrameHeader *ret_header)
{
    int received = seal_frame_receive_descriptor(server->host->channel, ret_header,
                                                 seal_secret_data(server->frame), SEAL_FRAME_MAX,
                                                 TRUE, &server->descriptor);

    if (received == 1)
        seal_secret_set_len(server->frame, ret_header->length);
    return received;
}

gboolean
seal_server_serve(SealServer *server, SealFrameHeader *header)
{
    Request request = {
        .server = server,
        .header = header,
        .body = seal_secret_peek(server->frame),
        .len = seal_secret_len(server->frame),
    };
    gboolean well_formed = header->request != 0 && find_handler(header->type)(&request);

    seal_secret_wipe(server->frame);
    seal_fd_clear(&server->descriptor);
    if (request.lost) {
        seal_scan_lost(server->host, request.lost);
        seal_slot_unref(request.lost);
    }
    return well_formed;
}
