/* A token as the agent sees it: what its host told, and the operations that are asked of it.
 *
 * A re-read is collected beside the old description and takes its place at once when it is
 * complete, so that nobody ever sees half a token. The infos are reference-counted boxes
 * (g_rc_box): who wants to keep one beyond the next change acquires it. */
#include "pkcs11/token/token.h"

#include <string.h>

/* More than any card or HSM partition of today shows; a host that tells more is refused. */
#define OBJECTS_MAX 4096u
/* At a reader's pad a person finds their glasses first. */
#define PAD_TIMEOUT_MS 120000u

typedef struct {
    SealTokenInfo *info; /* NULL: no description is being read */
    GPtrArray *keys;
    GPtrArray *certificates;
    GPtrArray *left_out; /* of char * */
} Description;

struct SealToken {
    guint references;
    SealModule *module; /* NULL once that is going */
    gboolean is_alive;
    gboolean is_told;
    uint32_t reference;
    Description now, next;
};

/* -- descriptions ----------------------------------------------------------------------------- */

static void
release_token_info(gpointer box)
{
    g_rc_box_release_full(box, (GDestroyNotify)seal_token_info_clear);
}

SealKeyInfo *
seal_key_info_ref(const SealKeyInfo *info)
{
    return g_rc_box_acquire((gpointer)info);
}

void
seal_key_info_unref(SealKeyInfo *info)
{
    if (info)
        g_rc_box_release_full(info, (GDestroyNotify)seal_key_info_clear);
}

SealCertificateInfo *
seal_certificate_info_ref(const SealCertificateInfo *info)
{
    return g_rc_box_acquire((gpointer)info);
}

void
seal_certificate_info_unref(SealCertificateInfo *info)
{
    if (info)
        g_rc_box_release_full(info, (GDestroyNotify)seal_certificate_info_clear);
}

static void
description_clear(Description *description)
{
    g_clear_pointer(&description->info, release_token_info);
    g_clear_pointer(&description->keys, g_ptr_array_unref);
    g_clear_pointer(&description->certificates, g_ptr_array_unref);
    g_clear_pointer(&description->left_out, g_ptr_array_unref);
}

static void
description_start(Description *description, SealTokenInfo *info)
{
    description_clear(description);
    description->info = g_rc_box_dup(sizeof *info, info);
    memset(info, 0, sizeof *info);
    description->keys = g_ptr_array_new_with_free_func((GDestroyNotify)seal_key_info_unref);
    description->certificates =
        g_ptr_array_new_with_free_func((GDestroyNotify)seal_certificate_info_unref);
    description->left_out = g_ptr_array_new_with_free_func(g_free);
}

SealToken *
seal_token_new(SealModule *module, SealTokenInfo *info)
{
    SealToken *token = g_new0(SealToken, 1);

    token->references = 1;
    token->module = module;
    token->is_alive = TRUE;
    token->reference = info->reference;
    description_start(&token->next, info);
    return token;
}

void
seal_token_reread(SealToken *token, SealTokenInfo *info)
{
    description_start(&token->next, info);
}

gboolean
seal_token_add_key(SealToken *token, SealKeyInfo *info)
{
    if (!token->next.info || token->next.keys->len >= OBJECTS_MAX)
        return FALSE;
    g_ptr_array_add(token->next.keys, g_rc_box_dup(sizeof *info, info));
    memset(info, 0, sizeof *info);
    return TRUE;
}

gboolean
seal_token_add_certificate(SealToken *token, SealCertificateInfo *info)
{
    if (!token->next.info || token->next.certificates->len >= OBJECTS_MAX)
        return FALSE;
    g_ptr_array_add(token->next.certificates, g_rc_box_dup(sizeof *info, info));
    memset(info, 0, sizeof *info);
    return TRUE;
}

gboolean
seal_token_add_left_out(SealToken *token, const char *sentence)
{
    if (!token->next.info || token->next.left_out->len >= SEAL_LIST_MAX)
        return FALSE;
    g_ptr_array_add(token->next.left_out, g_strdup(sentence));
    return TRUE;
}

SealTokenEvent
seal_token_finish(SealToken *token)
{
    gboolean was_told = token->is_told;

    if (!token->next.info)
        return SEAL_TOKEN_EVENT_NONSENSE;
    description_clear(&token->now);
    token->now = token->next;
    memset(&token->next, 0, sizeof token->next);
    token->is_told = TRUE;
    return was_told ? SEAL_TOKEN_EVENT_CHANGED : SEAL_TOKEN_EVENT_APPEARED;
}

SealTokenEvent
seal_token_set_flags(SealToken *token, guint32 flags)
{
    if (token->next.info)
        token->next.info->flags = flags;
    if (!token->now.info || token->now.info->flags == flags)
        return SEAL_TOKEN_EVENT_NOTHING;
    token->now.info->flags = flags;
    return SEAL_TOKEN_EVENT_CHANGED;
}

gboolean
seal_token_is_told(const SealToken *token)
{
    return token->is_told;
}

uint32_t
seal_token_reference(const SealToken *token)
{
    return token->reference;
}

void
seal_token_bury(SealToken *token)
{
    token->is_alive = FALSE;
    description_clear(&token->next);
}

void
seal_token_orphan(SealToken *token)
{
    token->is_alive = FALSE;
    token->module = NULL;
}

/* -- what everybody may know ------------------------------------------------------------------ */

SealToken *
seal_token_ref(SealToken *token)
{
    token->references++;
    return token;
}

void
seal_token_unref(SealToken *token)
{
    if (!token || --token->references > 0)
        return;
    if (token->module)
        seal_module_forget_token(token->module, token);
    description_clear(&token->now);
    description_clear(&token->next);
    g_free(token);
}

gboolean
seal_token_is_alive(const SealToken *token)
{
    return token->is_alive;
}

SealModule *
seal_token_module(const SealToken *token)
{
    return token->is_alive ? token->module : NULL;
}

const SealTokenInfo *
seal_token_info(const SealToken *token)
{
    return token->now.info;
}

const GPtrArray *
seal_token_keys(const SealToken *token)
{
    return token->now.keys;
}

const GPtrArray *
seal_token_certificates(const SealToken *token)
{
    return token->now.certificates;
}

const GPtrArray *
seal_token_left_out(const SealToken *token)
{
    return token->now.left_out;
}

/* -- operations ------------------------------------------------------------------------------- */

static struct iovec
part(const void *data, size_t len)
{
    return (struct iovec){(void *)data, len};
}

static struct iovec
pin_part(const SealSecret *pin)
{
    return pin ? part(seal_secret_peek(pin), seal_secret_len(pin)) : part(NULL, 0);
}

/* TRUE if the answer comes when a person has typed at the reader. */
static gboolean
needs_pad(const SealToken *token, const SealSecret *pin, gboolean is_context_login)
{
    guint32 flags = token->now.info->flags;

    return !pin && is_context_login && (flags & SEAL_TOKEN_PROTECTED_AUTHENTICATION);
}

static guint64
refuse(SealToken *token, SealErrorCode status, const char *message, SealReplyFunc done,
       gpointer user_data)
{
    return seal_channel_refuse(seal_module_channel(token->module), status, message, done,
                               user_data);
}

/* The common end of all operations: a dead token or an oversized part is refused from the loop. */
static guint64
ask(SealToken *token, SealAsk *ask, SealReplyFunc done, gpointer user_data)
{
    g_return_val_if_fail(token->module, 0);

    if (!token->is_alive) {
        seal_module_wake(token->module);
        return refuse(token, SEAL_ERROR_TOKEN_REMOVED, "the token was removed", done, user_data);
    }
    if (ask->is_patient)
        ask->timeout_ms = MAX(ask->timeout_ms, PAD_TIMEOUT_MS);
    return seal_channel_ask(seal_module_channel(token->module), ask, done, user_data);
}

static gboolean
is_pin_too_long(const SealSecret *pin)
{
    return pin && seal_secret_len(pin) > SEAL_PIN_MAX;
}

guint64
seal_token_login(SealToken *token, const SealSecret *pin, SealReplyFunc done, gpointer user_data)
{
    SealLoginParameters parameters = {.token = token->reference};
    struct iovec parts[] = {part(&parameters, sizeof parameters), pin_part(pin)};
    SealAsk login = {.type = SEAL_FRAME_LOGIN,
                     .parts = parts,
                     .n_parts = G_N_ELEMENTS(parts),
                     .is_secret = pin != NULL,
                     .is_patient = needs_pad(token, pin, TRUE)};

    g_return_val_if_fail(token->module, 0);
    if (is_pin_too_long(pin))
        return refuse(token, SEAL_ERROR_INVALID_INPUT, "the PIN is longer than 255 bytes", done,
                      user_data);
    parameters.pin_len = (uint32_t)parts[1].iov_len;
    login.timeout_ms = seal_module_config(token->module)->login_timeout_ms;
    return ask(token, &login, done, user_data);
}

guint64
seal_token_set_pin(SealToken *token, SealPinStep step, const SealSecret *given,
                   const SealSecret *fresh, SealReplyFunc done, gpointer user_data)
{
    SealPinParameters parameters = {.token = token->reference};
    struct iovec parts[] = {part(&parameters, sizeof parameters), pin_part(given), pin_part(fresh)};
    SealAsk change = {.type = step == SEAL_PIN_STEP_CHANGE ? SEAL_FRAME_PIN_CHANGE
                                                           : SEAL_FRAME_PIN_UNBLOCK,
                      .parts = parts,
                      .n_parts = G_N_ELEMENTS(parts),
                      .is_secret = given != NULL,
                      .is_patient = needs_pad(token, given, TRUE)};

    g_return_val_if_fail(token->module, 0);
    if (is_pin_too_long(given) || is_pin_too_long(fresh))
        return refuse(token, SEAL_ERROR_INVALID_INPUT, "the PIN is longer than 255 bytes", done,
                      user_data);
    parameters.given_len = (uint32_t)parts[1].iov_len;
    parameters.fresh_len = (uint32_t)parts[2].iov_len;
    change.timeout_ms = seal_module_config(token->module)->login_timeout_ms;
    return ask(token, &change, done, user_data);
}

guint64
seal_token_logout(SealToken *token, SealReplyFunc done, gpointer user_data)
{
    struct iovec parts[] = {part(&token->reference, sizeof token->reference)};
    SealAsk logout = {.type = SEAL_FRAME_LOGOUT, .parts = parts, .n_parts = G_N_ELEMENTS(parts)};

    g_return_val_if_fail(token->module, 0);
    logout.timeout_ms = seal_module_config(token->module)->operation_timeout_ms;
    return ask(token, &logout, done, user_data);
}

/* A use of `key`. Of its parts the first is the parameters and the last the PIN; those between come
 * from outside. */
static guint64
ask_use(SealToken *token, SealAsk *use, const SealSecret *pin, SealReplyFunc done,
        gpointer user_data)
{
    g_return_val_if_fail(token->module, 0);
    if (is_pin_too_long(pin))
        return refuse(token, SEAL_ERROR_LIMIT_EXCEEDED, "the PIN is longer than 255 bytes", done,
                      user_data);
    for (guint i = 1; i + 1 < use->n_parts; i++)
        if (use->parts[i].iov_len > SEAL_DATA_MAX)
            return refuse(token, SEAL_ERROR_LIMIT_EXCEEDED, "the data is larger than 64 KiB", done,
                          user_data);
    use->is_secret = pin != NULL;
    use->is_patient = needs_pad(token, pin, use->key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE);
    use->timeout_ms = seal_module_config(token->module)->operation_timeout_ms;
    return ask(token, use, done, user_data);
}

guint64
seal_token_sign(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism,
                const SealSignParameters *parameters, SealBytes data, const SealSecret *pin,
                SealReplyFunc done, gpointer user_data)
{
    SealSignParameters sent = *parameters;
    struct iovec parts[] = {part(&sent, sizeof sent), part(data.data, data.len), pin_part(pin)};
    SealAsk sign = {.type = SEAL_FRAME_SIGN,
                    .key = key,
                    .mechanism = mechanism,
                    .parts = parts,
                    .n_parts = G_N_ELEMENTS(parts)};

    sent.data_len = (uint32_t)data.len;
    sent.pin_len = (uint32_t)parts[2].iov_len;
    return ask_use(token, &sign, pin, done, user_data);
}

guint64
seal_token_unwrap(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism,
                  const SealUnwrapRequest *request, const SealSecret *pin, SealReplyFunc done,
                  gpointer user_data)
{
    SealUnwrapParameters sent = request->parameters;
    struct iovec parts[] = {
        part(&sent, sizeof sent),
        part(request->label.data, request->label.len),
        part(request->originator.data, request->originator.len),
        part(request->shared_info.data, request->shared_info.len),
        part(request->encrypted.data, request->encrypted.len),
        pin_part(pin),
    };
    SealAsk unwrap = {.type = SEAL_FRAME_UNWRAP,
                      .key = key,
                      .mechanism = mechanism,
                      .parts = parts,
                      .n_parts = G_N_ELEMENTS(parts)};

    sent.label_len = (uint32_t)parts[1].iov_len;
    sent.originator_len = (uint32_t)parts[2].iov_len;
    sent.shared_info_len = (uint32_t)parts[3].iov_len;
    sent.encrypted_len = (uint32_t)parts[4].iov_len;
    sent.pin_len = (uint32_t)parts[5].iov_len;
    return ask_use(token, &unwrap, pin, done, user_data);
}

guint64
seal_token_raw(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism, SealBytes input,
               const SealSecret *pin, SealReplyFunc done, gpointer user_data)
{
    SealRawParameters sent = {.input_len = (uint32_t)input.len};
    struct iovec parts[] = {part(&sent, sizeof sent), part(input.data, input.len), pin_part(pin)};
    SealAsk raw = {.type = SEAL_FRAME_RAW,
                   .key = key,
                   .mechanism = mechanism,
                   .parts = parts,
                   .n_parts = G_N_ELEMENTS(parts)};

    sent.pin_len = (uint32_t)parts[2].iov_len;
    return ask_use(token, &raw, pin, done, user_data);
}

guint64
seal_token_open_lane(SealToken *token, const SealKeyInfo *key, guint32 lane,
                     const SealLaneGrant *grant, SealFd *descriptor, SealReplyFunc done,
                     gpointer user_data)
{
    SealLaneGrant sent = *grant;
    struct iovec parts[] = {part(&sent, sizeof sent)};
    g_auto(SealFd) taken = seal_fd_steal(descriptor);
    SealAsk open = {.type = SEAL_FRAME_LANE_OPEN,
                    .key = key,
                    .lane = lane,
                    .descriptor = &taken,
                    .parts = parts,
                    .n_parts = G_N_ELEMENTS(parts)};
    SealLaneBook *book = token->module ? seal_module_lanes(token->module) : NULL;

    g_return_val_if_fail(token->module, 0);
    if (!book)
        return refuse(token, SEAL_ERROR_NOT_SUPPORTED, "this host serves no lanes", done,
                      user_data);
    if (taken < 0)
        return refuse(token, SEAL_ERROR_LIMIT_EXCEEDED, "the system has no room for a lane", done,
                      user_data);
    if (!seal_lane_book_open(book, lane, &sent.word))
        return refuse(token, SEAL_ERROR_LIMIT_EXCEEDED, "too many lanes are open at this module",
                      done, user_data);
    open.timeout_ms = seal_module_config(token->module)->operation_timeout_ms;
    return ask(token, &open, done, user_data);
}

void
seal_token_cancel(SealToken *token, guint64 request)
{
    if (token->module)
        seal_channel_cancel(seal_module_channel(token->module), request);
}
