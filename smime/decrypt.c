/* From RecipientInfos to plaintext. Each recipient whose key is here is tried until one opens the
 * content. Whether it was the key, the tag or the padding that did not fit is never said: that
 * would be an oracle. */
#include "smime/decrypt.h"

#include "base/error.h"
#include "smime/content.h"
#include "smime/recipient.h"
#include "smime/wanted.h"

#include <openssl/objects.h>

typedef struct {
    const SealUnwrapper *unwrapper;
    const SealEnvelope *envelope;
    SealContentAlgorithm algorithm;
    GBytes *content_encryption; /* DER */
    GBytes *associated;         /* (nullable) */
    SealLayerReport *layer;
    GError *removed; /* (nullable) a recipient's key is on a token that is not there */
} Opening;

/* What an unwrapper's refusal means for the message; errors not listed are the caller's. */
static const struct {
    SealErrorCode code;
    SealVerdict verdict;
} refusals[] = {
    {SEAL_ERROR_NOT_SUPPORTED, SEAL_VERDICT_UNSUPPORTED},
    {SEAL_ERROR_INVALID_INPUT, SEAL_VERDICT_DECRYPT_FAILED},
    {SEAL_ERROR_KEY_USAGE, SEAL_VERDICT_DECRYPT_FAILED},
    {SEAL_ERROR_DECRYPT_FAILED, SEAL_VERDICT_DECRYPT_FAILED},
    {SEAL_ERROR_DENIED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_CANCELLED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_NOT_PERMITTED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_INTERACTION_REQUIRED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_NO_PROMPTER, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_PIN_INCORRECT, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_PIN_BLOCKED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_PIN_EXPIRED, SEAL_VERDICT_REFUSED},
    {SEAL_ERROR_PIN_REQUIRED, SEAL_VERDICT_REFUSED},
};

static void
set_verdict(SealLayerReport *layer, SealVerdict verdict, const char *reason)
{
    layer->verdict = verdict;
    g_free(layer->reason);
    layer->reason = g_strdup(reason);
}

static SealBytes
view(const ASN1_STRING *string)
{
    SealBytes bytes = {0};

    if (string)
        bytes.data = seal_octets(string, &bytes.len);
    return bytes;
}

/* Of several keys that failed, the most telling failure stays: refused is set last, a failed
 * decryption says more than an unknown algorithm, and that more than nothing. */
static void
note_failure(SealLayerReport *layer, SealVerdict verdict, const char *reason)
{
    if (layer->verdict != SEAL_VERDICT_DECRYPT_FAILED || verdict == SEAL_VERDICT_REFUSED)
        set_verdict(layer, verdict, reason);
}

static void
note_decrypt_failed(SealLayerReport *layer)
{
    note_failure(
        layer, SEAL_VERDICT_DECRYPT_FAILED,
        "it cannot be opened with the key it names: it was damaged or made wrongly, ask the "
        "sender to send it again");
}

/* TRUE if the next recipient may be tried. */
static gboolean
take_refusal(Opening *opening, GError *cause, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        if (!seal_error_is(cause, refusals[i].code))
            continue;
        if (refusals[i].verdict == SEAL_VERDICT_DECRYPT_FAILED)
            note_decrypt_failed(opening->layer);
        else
            note_failure(opening->layer, refusals[i].verdict, cause->message);
        g_error_free(cause);
        return TRUE;
    }
    if (seal_error_is(cause, SEAL_ERROR_TOKEN_REMOVED) && !opening->removed) {
        opening->removed = cause;
        return TRUE;
    }
    g_propagate_error(error, cause);
    return FALSE;
}

static GBytes *
decrypt_with(const Opening *opening, const SealSecret *key)
{
    const SealEnvelope *envelope = opening->envelope;
    SealBytes associated = {0};

    if (opening->associated)
        associated.data = g_bytes_get_data(opening->associated, &associated.len);
    return seal_content_decrypt(&opening->algorithm, key, envelope->content,
                                view(envelope->mac), associated);
}

/* Tries one recipient whose key is here. FALSE with an error; else *ret_content may be set. */
static gboolean
try_key(Opening *opening, const SealRecipient *recipient, const char *key_name,
        GBytes **ret_content, GError **error)
{
    SealUnwrapInput input = {recipient->originator, recipient->ukm, opening->content_encryption};
    g_autoptr(SealSecret) key = NULL;
    GError *cause = NULL;

    if (!recipient->scheme) {
        note_failure(opening->layer, SEAL_VERDICT_UNSUPPORTED,
                     "its key is encrypted in a way that is not known here, ask the sender to use "
                     "RSA or ECDH");
        return TRUE;
    }
    seal_layer_report_add_algorithm(opening->layer, recipient->scheme);
    key = opening->unwrapper->unwrap(opening->unwrapper, key_name, recipient->key_encryption,
                                     recipient->encrypted_key, &input, &cause);
    if (!key)
        return take_refusal(opening, cause, error);
    *ret_content = decrypt_with(opening, key);
    if (!*ret_content)
        note_decrypt_failed(opening->layer);
    return TRUE;
}

/* Recipients whose keys are here, in the order in which they are to be tried. */
typedef struct {
    Opening *opening;
    GPtrArray *recipients;
    GBytes *content; /* (nullable) */
    guint tried;
} Attempt;

/* FALSE ends it: the message is open, or refused, or *error is set. */
static gboolean
try_next(Attempt *attempt, const SealRecipient *recipient, const char *key, GError **error)
{
    SealLayerReport *layer = attempt->opening->layer;

    if (attempt->tried++ >= SEAL_KEYS_TRIED_MAX) {
        set_verdict(layer, SEAL_VERDICT_RESOURCE_LIMIT,
                    "it names more keys that are here than are tried, none of the first opens it");
        return FALSE;
    }
    return try_key(attempt->opening, recipient, key, &attempt->content, error) &&
           !attempt->content && layer->verdict != SEAL_VERDICT_REFUSED;
}

/* Keys that ask somebody are tried when no other opens the message. */
static void
try_recipients(Attempt *attempt, GError **error)
{
    const SealUnwrapper *unwrapper = attempt->opening->unwrapper;
    g_autoptr(GPtrArray) asking = g_ptr_array_new(); /* (element-type SealRecipient) */
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free); /* of these */

    for (guint i = 0; i < attempt->recipients->len; i++) {
        SealRecipient *recipient = g_ptr_array_index(attempt->recipients, i);
        g_autofree char *key = NULL;
        GError *cause = NULL;

        key = unwrapper->find(unwrapper, &recipient->id, &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return;
        }
        if (key && seal_unwrapper_asks(unwrapper, key)) {
            g_ptr_array_add(asking, recipient);
            g_ptr_array_add(keys, g_steal_pointer(&key));
        } else if (key && !try_next(attempt, recipient, key, error)) {
            return;
        }
    }
    for (guint i = 0; i < asking->len; i++)
        if (!try_next(attempt, asking->pdata[i], keys->pdata[i], error))
            return;
}

/* None of them could be used. FALSE with an error if that is for want of a token that is known. */
static gboolean
give_up(Opening *opening, const GPtrArray *recipients, GError **error)
{
    g_autofree char *reason = NULL;

    if (opening->removed && opening->layer->verdict == SEAL_VERDICT_NOT_RECIPIENT) {
        g_propagate_error(error, g_steal_pointer(&opening->removed));
        return FALSE;
    }
    if (opening->layer->verdict == SEAL_VERDICT_NOT_RECIPIENT) {
        reason = seal_wanted_note(opening->layer, recipients, opening->unwrapper);
        set_verdict(opening->layer, SEAL_VERDICT_NOT_RECIPIENT, reason);
    }
    return TRUE;
}

static gboolean
open_with_recipients(Opening *opening, GPtrArray *recipients, GBytes **ret_content, GError **error)
{
    SealLayerReport *layer = opening->layer;
    Attempt attempt = {.opening = opening, .recipients = recipients};
    GError *cause = NULL;
    gboolean asked = TRUE;

    set_verdict(layer, SEAL_VERDICT_NOT_RECIPIENT, NULL);
    if (opening->unwrapper)
        try_recipients(&attempt, &cause);
    *ret_content = attempt.content;
    if (cause)
        asked = FALSE;
    else if (*ret_content)
        set_verdict(layer,
                    opening->envelope->authenticated ? SEAL_VERDICT_DECRYPTED
                                                     : SEAL_VERDICT_DECRYPTED_NOAUTH,
                    NULL);
    else
        asked = give_up(opening, recipients, &cause);
    if (cause)
        g_propagate_error(error, cause);
    g_clear_error(&opening->removed);
    return asked;
}

/* -- structure -------------------------------------------------------------------------------- */

static gboolean
check_structure(const SealEnvelope *envelope, GPtrArray *recipients, Opening *opening)
{
    SealLayerReport *layer = opening->layer;
    const char *reason = NULL;
    SealVerdict verdict = SEAL_VERDICT_OK;

    layer->recipients = (guint)sk_ASN1_TYPE_num(envelope->recipients);
    if (layer->recipients > SEAL_RECIPIENTS_READ_MAX) {
        set_verdict(layer, SEAL_VERDICT_RESOURCE_LIMIT,
                    "it has more recipients than are looked at");
        return FALSE;
    }
    verdict = seal_content_algorithm_read(envelope->encrypted->algorithm, envelope->authenticated,
                                          view(envelope->mac).len, &opening->algorithm, &reason);
    seal_layer_report_add_algorithm(layer, opening->algorithm.name);
    if (opening->algorithm.weak)
        seal_layer_report_add_warning(layer,
                                      "its content is encrypted with 3DES, whose small blocks give "
                                      "parts of long mails away: ask the sender to use AES");
    if (verdict != SEAL_VERDICT_OK) {
        set_verdict(layer, verdict, reason);
        return FALSE;
    }
    if (OBJ_obj2nid(envelope->encrypted->type) != NID_pkcs7_data || !envelope->encrypted->content) {
        set_verdict(layer, SEAL_VERDICT_MALFORMED, "its encrypted content is no mail");
        return FALSE;
    }
    if (layer->recipients == 0 || !seal_recipients_read(envelope->recipients, recipients)) {
        set_verdict(layer, SEAL_VERDICT_MALFORMED, "its list of recipients cannot be read");
        return FALSE;
    }
    if (recipients->len > SEAL_RECIPIENTS_READ_MAX) { /* one key agreement can hold many */
        set_verdict(layer, SEAL_VERDICT_RESOURCE_LIMIT,
                    "it has more recipients than are looked at");
        return FALSE;
    }
    return TRUE;
}

gboolean
seal_envelope_open(const SealEnvelope *envelope, const SealUnwrapper *unwrapper,
                   SealLayerReport *layer, GBytes **ret_content, GError **error)
{
    g_autoptr(GPtrArray) recipients =
        g_ptr_array_new_with_free_func((GDestroyNotify)seal_recipient_free);
    Opening opening = {.unwrapper = unwrapper, .envelope = envelope, .layer = layer};
    gboolean asked = TRUE;

    *ret_content = NULL;
    if (!check_structure(envelope, recipients, &opening))
        return TRUE;
    opening.content_encryption =
        seal_asn1_write(ASN1_ITEM_rptr(X509_ALGOR), envelope->encrypted->algorithm);
    /* RFC 5083 2.2: authenticated under the SET's own tag. */
    if (envelope->authenticated_attributes)
        opening.associated =
            seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), envelope->authenticated_attributes);
    asked = open_with_recipients(&opening, recipients, ret_content, error);
    g_bytes_unref(opening.content_encryption);
    g_clear_pointer(&opening.associated, g_bytes_unref);
    return asked;
}
