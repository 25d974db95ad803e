/* Encoding and decoding of frame bodies. Decoders trust nothing: requests come from clients over a
 * lane one day, descriptions from a process that runs vendor code. Every length is checked against
 * its own limit before it is used, and the sum against the body. */
#include "pkcs11/wire/messages.h"

#include <string.h>

#include "pkcs11/wire/frame.h"

/* -- requests ------------------------------------------------------------------------------- */

gboolean
seal_hello_decode(const void *body, size_t len, SealHello *ret_hello)
{
    if (len != sizeof *ret_hello)
        return FALSE;
    memcpy(ret_hello, body, len);
    return TRUE;
}

/* Reads a fixed structure. */
static void
read_structure(SealReader *reader, void *structure, size_t len)
{
    SealBytes bytes = seal_reader_bytes(reader, len);

    if (bytes.len == len)
        memcpy(structure, bytes.data, len);
}

/* Reads a part whose length stands in the structure before it. */
static SealBytes
read_part(SealReader *reader, uint32_t len, size_t max)
{
    if (len > max)
        reader->failed = TRUE;
    return seal_reader_bytes(reader, len);
}

gboolean
seal_login_request_decode(const void *body, size_t len, SealLoginRequest *ret_request)
{
    SealLoginRequest request = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    read_structure(&reader, &request.parameters, sizeof request.parameters);
    request.pin = read_part(&reader, request.parameters.pin_len, SEAL_PIN_MAX);
    if (!seal_reader_done(&reader))
        return FALSE;
    *ret_request = request;
    return TRUE;
}

gboolean
seal_pin_request_decode(const void *body, size_t len, SealPinRequest *ret_request)
{
    SealPinRequest request = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    read_structure(&reader, &request.parameters, sizeof request.parameters);
    request.given = read_part(&reader, request.parameters.given_len, SEAL_PIN_MAX);
    request.fresh = read_part(&reader, request.parameters.fresh_len, SEAL_PIN_MAX);
    if (!seal_reader_done(&reader))
        return FALSE;
    *ret_request = request;
    return TRUE;
}

gboolean
seal_sign_request_decode(const void *body, size_t len, SealSignRequest *ret_request)
{
    SealSignRequest request = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    read_structure(&reader, &request.parameters, sizeof request.parameters);
    request.data = read_part(&reader, request.parameters.data_len, SEAL_DATA_MAX);
    request.pin = read_part(&reader, request.parameters.pin_len, SEAL_PIN_MAX);
    if (!seal_reader_done(&reader))
        return FALSE;
    *ret_request = request;
    return TRUE;
}

gboolean
seal_unwrap_request_decode(const void *body, size_t len, SealUnwrapRequest *ret_request)
{
    SealUnwrapRequest request = {0};
    const SealUnwrapParameters *parameters = &request.parameters;
    SealReader reader;

    seal_reader_init(&reader, body, len);
    read_structure(&reader, &request.parameters, sizeof request.parameters);
    request.label = read_part(&reader, parameters->label_len, SEAL_DATA_MAX);
    request.originator = read_part(&reader, parameters->originator_len, SEAL_DATA_MAX);
    request.shared_info = read_part(&reader, parameters->shared_info_len, SEAL_DATA_MAX);
    request.encrypted = read_part(&reader, parameters->encrypted_len, SEAL_DATA_MAX);
    request.pin = read_part(&reader, parameters->pin_len, SEAL_PIN_MAX);
    if (!seal_reader_done(&reader))
        return FALSE;
    *ret_request = request;
    return TRUE;
}

gboolean
seal_raw_request_decode(const void *body, size_t len, SealRawRequest *ret_request)
{
    SealRawRequest request = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    read_structure(&reader, &request.parameters, sizeof request.parameters);
    request.input = read_part(&reader, request.parameters.input_len, SEAL_DATA_MAX);
    request.pin = read_part(&reader, request.parameters.pin_len, SEAL_PIN_MAX);
    if (!seal_reader_done(&reader))
        return FALSE;
    *ret_request = request;
    return TRUE;
}

/* -- bounded fields ---------------------------------------------------------------------------- */

/* Writes `text` (nullable) as valid UTF-8 of at most `max` bytes. */
static void
put_bounded_text(GByteArray *out, const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;
    const char *end = text;

    if (len > max)
        len = max;
    if (len > 0 && !g_utf8_validate_len(text, len, &end))
        len = (size_t)(end - text);
    seal_put_sized(out, text, len);
}

static void
put_bounded_bytes(GByteArray *out, GBytes *bytes, size_t max)
{
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    seal_put_sized(out, data, MIN(len, max));
}

static GBytes *
read_bounded_bytes(SealReader *reader, size_t max)
{
    SealBytes bytes = seal_reader_sized(reader, max);

    return reader->failed ? NULL : g_bytes_new(bytes.data, bytes.len);
}

static void
put_list(GByteArray *out, char **list)
{
    uint32_t count = list ? MIN(g_strv_length(list), SEAL_LIST_MAX) : 0;

    seal_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        put_bounded_text(out, list[i], SEAL_TEXT_MAX);
}

static char **
read_list(SealReader *reader)
{
    uint32_t count = seal_reader_u32(reader);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

    if (count > SEAL_LIST_MAX)
        reader->failed = TRUE;
    for (uint32_t i = 0; i < count && !reader->failed; i++)
        g_ptr_array_add(list, seal_reader_text(reader, SEAL_TEXT_MAX));
    if (reader->failed)
        return NULL;
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

/* -- failure ----------------------------------------------------------------------------------- */

void
seal_failure_encode(GByteArray *out, uint32_t ckr, const char *message)
{
    seal_put_u32(out, ckr);
    put_bounded_text(out, message, SEAL_TEXT_MAX);
}

gboolean
seal_failure_decode(const void *body, size_t len, SealFailure *ret_failure)
{
    SealFailure failure = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    failure.ckr = seal_reader_u32(&reader);
    failure.message = seal_reader_text(&reader, SEAL_TEXT_MAX);
    if (!seal_reader_done(&reader)) {
        seal_failure_clear(&failure);
        return FALSE;
    }
    *ret_failure = failure;
    return TRUE;
}

void
seal_failure_clear(SealFailure *failure)
{
    g_clear_pointer(&failure->message, g_free);
}

/* -- token ------------------------------------------------------------------------------------- */

void
seal_token_info_encode(GByteArray *out, const SealTokenInfo *info)
{
    seal_put_u32(out, info->reference);
    seal_put_u64(out, info->slot_id);
    seal_put_u32(out, info->flags);
    seal_put_u32(out, info->pin_min);
    seal_put_u32(out, info->pin_max);
    seal_put_u32(out, info->session_limit);
    put_bounded_text(out, info->label, SEAL_TEXT_MAX);
    put_bounded_text(out, info->manufacturer, SEAL_TEXT_MAX);
    put_bounded_text(out, info->model, SEAL_TEXT_MAX);
    put_bounded_text(out, info->serial, SEAL_TEXT_MAX);
}

gboolean
seal_token_info_decode(const void *body, size_t len, SealTokenInfo *ret_info)
{
    SealTokenInfo info = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    info.reference = seal_reader_u32(&reader);
    info.slot_id = seal_reader_u64(&reader);
    info.flags = seal_reader_u32(&reader);
    info.pin_min = seal_reader_u32(&reader);
    info.pin_max = seal_reader_u32(&reader);
    info.session_limit = seal_reader_u32(&reader);
    info.label = seal_reader_text(&reader, SEAL_TEXT_MAX);
    info.manufacturer = seal_reader_text(&reader, SEAL_TEXT_MAX);
    info.model = seal_reader_text(&reader, SEAL_TEXT_MAX);
    info.serial = seal_reader_text(&reader, SEAL_TEXT_MAX);
    if (!seal_reader_done(&reader)) {
        seal_token_info_clear(&info);
        return FALSE;
    }
    *ret_info = info;
    return TRUE;
}

void
seal_token_info_clear(SealTokenInfo *info)
{
    g_clear_pointer(&info->label, g_free);
    g_clear_pointer(&info->manufacturer, g_free);
    g_clear_pointer(&info->model, g_free);
    g_clear_pointer(&info->serial, g_free);
}

/* -- key --------------------------------------------------------------------------------------- */

void
seal_key_info_encode(GByteArray *out, const SealKeyInfo *info)
{
    seal_put_u32(out, info->token);
    seal_put_u32(out, info->reference);
    seal_put_u32(out, info->generation);
    seal_put_u32(out, info->flags);
    seal_put_u32(out, info->algorithm);
    seal_put_u32(out, info->bits);
    seal_put_u32(out, info->curve);
    seal_put_u32(out, info->mechanisms);
    put_bounded_bytes(out, info->id, SEAL_ID_MAX);
    put_bounded_text(out, info->label, SEAL_TEXT_MAX);
    put_bounded_bytes(out, info->public_key, SEAL_DER_MAX);
}

gboolean
seal_key_info_decode(const void *body, size_t len, SealKeyInfo *ret_info)
{
    SealKeyInfo info = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    info.token = seal_reader_u32(&reader);
    info.reference = seal_reader_u32(&reader);
    info.generation = seal_reader_u32(&reader);
    info.flags = seal_reader_u32(&reader);
    info.algorithm = seal_reader_u32(&reader);
    info.bits = seal_reader_u32(&reader);
    info.curve = seal_reader_u32(&reader);
    info.mechanisms = seal_reader_u32(&reader);
    info.id = read_bounded_bytes(&reader, SEAL_ID_MAX);
    info.label = seal_reader_text(&reader, SEAL_TEXT_MAX);
    info.public_key = read_bounded_bytes(&reader, SEAL_DER_MAX);
    if (!seal_reader_done(&reader)) {
        seal_key_info_clear(&info);
        return FALSE;
    }
    *ret_info = info;
    return TRUE;
}

void
seal_key_info_clear(SealKeyInfo *info)
{
    g_clear_pointer(&info->id, g_bytes_unref);
    g_clear_pointer(&info->label, g_free);
    g_clear_pointer(&info->public_key, g_bytes_unref);
}

/* -- certificate ---------------------------------------------------------------------------------
 */

void
seal_certificate_info_encode(GByteArray *out, const SealCertificateInfo *info)
{
    seal_put_u32(out, info->token);
    seal_put_u32(out, info->flags);
    seal_put_u64(out, (uint64_t)info->not_before);
    seal_put_u64(out, (uint64_t)info->not_after);
    put_bounded_bytes(out, info->id, SEAL_ID_MAX);
    put_bounded_text(out, info->label, SEAL_TEXT_MAX);
    put_bounded_bytes(out, info->certificate, SEAL_DER_MAX);
    put_bounded_text(out, info->subject, SEAL_NAME_MAX);
    put_bounded_text(out, info->issuer, SEAL_NAME_MAX);
    put_bounded_bytes(out, info->issuer_name, SEAL_NAME_MAX);
    put_bounded_bytes(out, info->serial, SEAL_ID_MAX);
    put_bounded_bytes(out, info->subject_key_id, SEAL_ID_MAX);
    put_bounded_bytes(out, info->public_key, SEAL_DER_MAX);
    put_list(out, info->addresses);
    put_list(out, info->purposes);
}

gboolean
seal_certificate_info_decode(const void *body, size_t len, SealCertificateInfo *ret_info)
{
    SealCertificateInfo info = {0};
    SealReader reader;

    seal_reader_init(&reader, body, len);
    info.token = seal_reader_u32(&reader);
    info.flags = seal_reader_u32(&reader);
    info.not_before = (int64_t)seal_reader_u64(&reader);
    info.not_after = (int64_t)seal_reader_u64(&reader);
    info.id = read_bounded_bytes(&reader, SEAL_ID_MAX);
    info.label = seal_reader_text(&reader, SEAL_TEXT_MAX);
    info.certificate = read_bounded_bytes(&reader, SEAL_DER_MAX);
    info.subject = seal_reader_text(&reader, SEAL_NAME_MAX);
    info.issuer = seal_reader_text(&reader, SEAL_NAME_MAX);
    info.issuer_name = read_bounded_bytes(&reader, SEAL_NAME_MAX);
    info.serial = read_bounded_bytes(&reader, SEAL_ID_MAX);
    info.subject_key_id = read_bounded_bytes(&reader, SEAL_ID_MAX);
    info.public_key = read_bounded_bytes(&reader, SEAL_DER_MAX);
    info.addresses = read_list(&reader);
    info.purposes = read_list(&reader);
    if (!seal_reader_done(&reader)) {
        seal_certificate_info_clear(&info);
        return FALSE;
    }
    *ret_info = info;
    return TRUE;
}

void
seal_certificate_info_clear(SealCertificateInfo *info)
{
    g_clear_pointer(&info->id, g_bytes_unref);
    g_clear_pointer(&info->label, g_free);
    g_clear_pointer(&info->certificate, g_bytes_unref);
    g_clear_pointer(&info->subject, g_free);
    g_clear_pointer(&info->issuer, g_free);
    g_clear_pointer(&info->issuer_name, g_bytes_unref);
    g_clear_pointer(&info->serial, g_bytes_unref);
    g_clear_pointer(&info->subject_key_id, g_bytes_unref);
    g_clear_pointer(&info->public_key, g_bytes_unref);
    g_clear_pointer(&info->addresses, g_strfreev);
    g_clear_pointer(&info->purposes, g_strfreev);
}
