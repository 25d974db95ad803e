/* Unwrapping: the algorithm is read by the allow-list, options must be exactly those that it takes,
 * the originator's key must fit ours; then key-use.c takes over. The session key passes through on
 * its way from the host to the answer and is kept nowhere. */
#include "agent/unwrap.h"

#include <string.h>

#include "pkcs11/core/algorithm-identifier.h"
#include "ipc/names.h"

/* User keying material: RFC 5753 wants some 64 bytes at the most. */
#define UKM_MAX 1024

typedef struct {
    SealKeyUse use; /* first */
    SealUnwrapAsk query;
    SealUnwrapRequest request;
    GByteArray *shared_info; /* (nullable) */
} Unwrap;

static gboolean
refuse(SealErrorCode code, const char *message, GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, (gint)code, message);
    return FALSE;
}

static gboolean
check_lengths(const SealUnwrapAsk *query, GError **error)
{
    if (query->encrypted_key.len > SEAL_LIMIT_DATA) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "the encrypted key has %zu bytes, at most %d are taken",
                    query->encrypted_key.len, SEAL_LIMIT_DATA);
        return FALSE;
    }
    if (query->encrypted_key.len == 0)
        return refuse(SEAL_ERROR_INVALID_INPUT, "the encrypted key is empty", error);
    if (query->ukm.len > UKM_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "option 'ukm' has %zu bytes, at most %d are taken", query->ukm.len, UKM_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_seal(Unwrap *unwrap, GError **error)
{
    SealUnwrapParameters *parameters = &unwrap->request.parameters;
    const SealUnwrapAsk *query = &unwrap->query;

    if (!query->seal_to.data && query->must_seal)
        return refuse(SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED,
                      "a session key does not cross the shared bus: ask on the private socket "
                      "(PrivateAddress), or give option 'seal-to'",
                      error);
    if (!query->seal_to.data)
        return TRUE;
    if (query->seal_to.len != sizeof parameters->seal_to)
        return refuse(SEAL_ERROR_INVALID_INPUT,
                      "option 'seal-to' must be an X25519 public key, 32 bytes", error);
    memcpy(parameters->seal_to, query->seal_to.data, sizeof parameters->seal_to);
    parameters->flags |= SEAL_UNWRAP_SEAL;
    return TRUE;
}

static const char *
name_of_key(const SealKeyInfo *key)
{
    return key->algorithm == SEAL_ALGORITHM_EC ? seal_curve_name((SealCurve)key->curve)
                                               : seal_algorithm_name((SealAlgorithm)key->algorithm);
}

/* The mechanism is of the key's own kind, and its token can do it. */
static gboolean
check_mechanism(SealMechanism mechanism, const SealKeyInfo *key, GError **error)
{
    static const SealAlgorithm algorithms[] = {
        [SEAL_MECHANISM_UNWRAP_RSA_PKCS] = SEAL_ALGORITHM_RSA,
        [SEAL_MECHANISM_UNWRAP_RSA_OAEP] = SEAL_ALGORITHM_RSA,
        [SEAL_MECHANISM_UNWRAP_ECDH] = SEAL_ALGORITHM_EC,
        [SEAL_MECHANISM_UNWRAP_X25519] = SEAL_ALGORITHM_X25519,
    };

    if (algorithms[mechanism] != key->algorithm) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "the algorithm is for keys of type %s, the key is %s",
                    seal_algorithm_name(algorithms[mechanism]), name_of_key(key));
        return FALSE;
    }
    if (key->mechanisms & (1u << mechanism))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED, "its token cannot do %s with it",
                seal_mechanism_name(mechanism));
    return FALSE;
}

/* RFC 3394: the wrapped key is a multiple of 8 bytes, 8 longer than the key of at least 16. */
static gboolean
check_wrapped_len(size_t len, GError **error)
{
    if (len % 8 == 0 && len >= 24)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the encrypted key has %zu bytes, AES key wrap gives a multiple of 8 from 24 on",
                len);
    return FALSE;
}

static gboolean
fill_agreement(Unwrap *unwrap, const SealKeyEncryption *encryption, const SealKeyInfo *key,
               GError **error)
{
    SealUnwrapRequest *request = &unwrap->request;
    const SealUnwrapAsk *query = &unwrap->query;

    if (!query->originator.data)
        return refuse(
            SEAL_ERROR_INVALID_INPUT,
            "option 'originator' is missing, the algorithm needs the originator's public key",
            error);
    if (!seal_originator_key_parse(query->originator, (SealAlgorithm)key->algorithm,
                                   (SealCurve)key->curve, &request->originator, error) ||
        !check_wrapped_len(query->encrypted_key.len, error))
        return FALSE;
    unwrap->shared_info = g_byte_array_new();
    seal_shared_info_write(unwrap->shared_info, encryption, query->ukm);
    request->shared_info = (SealBytes){unwrap->shared_info->data, unwrap->shared_info->len};
    request->parameters.wrap_key_len = encryption->wrap_key_len;
    if (encryption->cofactor)
        request->parameters.flags |= SEAL_UNWRAP_COFACTOR;
    if (encryption->mechanism == SEAL_MECHANISM_UNWRAP_X25519)
        request->label = query->ukm; /* HKDF's salt (RFC 8418 2.2) */
    return TRUE;
}

static gboolean
fill_transport(Unwrap *unwrap, const SealKeyEncryption *encryption, GError **error)
{
    if (unwrap->query.originator.data || unwrap->query.ukm.data)
        return refuse(SEAL_ERROR_INVALID_INPUT,
                      "options 'originator' and 'ukm' are for key agreement, not for RSA", error);
    unwrap->request.label = encryption->label;
    return TRUE;
}

static gboolean
unwrap_check(SealKeyUse *use, const SealKeyInfo *key, GError **error)
{
    Unwrap *unwrap = (Unwrap *)use;
    const SealUnwrapAsk *query = &unwrap->query;
    SealUnwrapParameters *parameters = &unwrap->request.parameters;
    SealKeyEncryption encryption = {0};

    if (!check_lengths(query, error) || !check_seal(unwrap, error) ||
        !seal_key_encryption_parse(query->algorithm, &encryption, error) ||
        !check_mechanism(encryption.mechanism, key, error))
        return FALSE;
    if (query->content_encryption.data &&
        !seal_content_encryption_key_len(query->content_encryption, &parameters->session_key_len,
                                         error))
        return FALSE;
    use->mechanism = encryption.mechanism;
    parameters->hash = encryption.hash;
    parameters->mgf_hash = encryption.mgf_hash;
    unwrap->request.encrypted = query->encrypted_key;
    return encryption.wrap.data ? fill_agreement(unwrap, &encryption, key, error)
                                : fill_transport(unwrap, &encryption, error);
}

static guint64
unwrap_submit(SealKeyUse *use, SealToken *token, const SealKeyInfo *key, const SealSecret *pin,
              SealReplyFunc done, gpointer user_data)
{
    Unwrap *unwrap = (Unwrap *)use;

    return seal_token_unwrap(token, key, use->mechanism, &unwrap->request, pin, done, user_data);
}

static void
unwrap_release(SealKeyUse *use)
{
    g_clear_pointer(&((Unwrap *)use)->shared_info, g_byte_array_unref);
}

static const SealKeyUseKind unwrap_kind = {
    .operation = "unwrap",
    .policy_use = {SEAL_PURPOSE_DECRYPT, SEAL_RAW_NONE},
    .check = unwrap_check,
    .submit = unwrap_submit,
    .release = unwrap_release,
};

SealKeyUse *
seal_unwrap_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                  const SealUnwrapAsk *query, SealKeyUseFunc done, gpointer user_data)
{
    Unwrap *unwrap = g_new0(Unwrap, 1);

    unwrap->query = *query;
    return seal_key_use_start(&unwrap->use, &unwrap_kind, context, ask, done, user_data);
}
