/* Signing: mechanism, hash, salt and digest are checked against the key and its token, then
 * key-use.c takes over. Each refusal names what was wrong and what is accepted. */
#include "agent/sign.h"

#include "ipc/names.h"

typedef struct {
    SealKeyUse use; /* first */
    SealSignAsk query;
    SealSignParameters parameters;
} Sign;

/* Which algorithm does which mechanism. */
static const struct {
    SealMechanism mechanism;
    SealAlgorithm algorithm;
} fits[] = {
    {SEAL_MECHANISM_RSA_PKCS, SEAL_ALGORITHM_RSA},
    {SEAL_MECHANISM_RSA_PSS, SEAL_ALGORITHM_RSA},
    {SEAL_MECHANISM_ECDSA, SEAL_ALGORITHM_EC},
    {SEAL_MECHANISM_ED25519, SEAL_ALGORITHM_ED25519},
};

/* What this key can sign with on its token, for messages (transfer full). */
static char *
list_abilities(const SealKeyInfo *key)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(fits); i++) {
        if (fits[i].algorithm != key->algorithm || !(key->mechanisms & (1u << fits[i].mechanism)))
            continue;
        g_string_append_printf(list, "%s%s", list->len ? ", " : "",
                               seal_mechanism_name(fits[i].mechanism));
    }
    return g_strdup(list->len ? list->str : "nothing");
}

static gboolean
check_mechanism(const char *name, const SealKeyInfo *key, SealMechanism *ret_mechanism,
                GError **error)
{
    SealMechanism mechanism = seal_mechanism_from_name(name);

    for (size_t i = 0; i < G_N_ELEMENTS(fits); i++) {
        g_autofree char *abilities = NULL;

        if (fits[i].mechanism != mechanism)
            continue;
        if (fits[i].algorithm == key->algorithm && key->mechanisms & (1u << mechanism)) {
            *ret_mechanism = mechanism;
            return TRUE;
        }
        abilities = list_abilities(key);
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "it cannot do mechanism '%s', it can do %s", name, abilities);
        return FALSE;
    }
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "mechanism '%.64s' is not served, expected rsa-pkcs1, rsa-pss, ecdsa or ed25519",
                name);
    return FALSE;
}

static gboolean
check_hash(const char *name, SealHash *ret_hash, GError **error)
{
    if (!name) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "parameter 'hash' is missing, expected sha256, sha384 or sha512");
        return FALSE;
    }
    *ret_hash = seal_hash_from_name(name);
    /* SHA-1 and SHA-224 have names for OAEP and key derivation only */
    if (*ret_hash >= SEAL_HASH_SHA256)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "hash '%.64s' is not served, expected sha256, sha384 or sha512", name);
    return FALSE;
}

/* RFC 8017 9.1.1: the encoded message holds digest, salt and two bytes more. */
static gboolean
check_salt(const SealSignAsk *query, const SealKeyInfo *key, guint32 *ret_salt_len, GError **error)
{
    guint32 room = (key->bits + 6) / 8;
    guint32 taken = (guint32)query->data.len + 2;
    guint32 most = room > taken ? room - taken : 0;

    *ret_salt_len = query->has_salt_len ? query->salt_len : (guint32)query->data.len;
    if (*ret_salt_len <= most)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "a salt of %u bytes does not fit a key of %u bits, expected at most %u",
                *ret_salt_len, key->bits, most);
    return FALSE;
}

static gboolean
check_message(const SealSignAsk *query, GError **error)
{
    if (!query->hash)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "ed25519 takes the message itself and no parameter 'hash'");
    return FALSE;
}

static gboolean
check_digest(const SealSignAsk *query, SealSignParameters *parameters, GError **error)
{
    SealHash hash = SEAL_HASH_NONE;

    if (!check_hash(query->hash, &hash, error))
        return FALSE;
    if (query->data.len != seal_hash_len(hash)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the digest has %zu bytes, %s has %zu", query->data.len, query->hash,
                    seal_hash_len(hash));
        return FALSE;
    }
    parameters->hash = hash;
    return TRUE;
}

static gboolean
sign_check(SealKeyUse *use, const SealKeyInfo *key, GError **error)
{
    Sign *sign = (Sign *)use;
    const SealSignAsk *query = &sign->query;

    if (!check_mechanism(query->mechanism, key, &use->mechanism, error))
        return FALSE;
    if (query->data.len > SEAL_LIMIT_DATA) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "the data has %zu bytes, at most %d are taken", query->data.len,
                    SEAL_LIMIT_DATA);
        return FALSE;
    }
    if (use->mechanism != SEAL_MECHANISM_RSA_PSS && query->has_salt_len) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "parameter 'salt-length' is for rsa-pss, not for %s", query->mechanism);
        return FALSE;
    }
    sign->parameters.data_len = (guint32)query->data.len;
    if (use->mechanism == SEAL_MECHANISM_ED25519)
        return check_message(query, error);
    if (!check_digest(query, &sign->parameters, error))
        return FALSE;
    return use->mechanism != SEAL_MECHANISM_RSA_PSS ||
           check_salt(query, key, &sign->parameters.salt_len, error);
}

static guint64
sign_submit(SealKeyUse *use, SealToken *token, const SealKeyInfo *key, const SealSecret *pin,
            SealReplyFunc done, gpointer user_data)
{
    Sign *sign = (Sign *)use;

    return seal_token_sign(token, key, use->mechanism, &sign->parameters, sign->query.data, pin,
                           done, user_data);
}

static const SealKeyUseKind sign_kind = {
    .operation = "sign",
    .policy_use = {SEAL_PURPOSE_SIGN, SEAL_RAW_NONE},
    .check = sign_check,
    .submit = sign_submit,
};

SealKeyUse *
seal_sign_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                const SealSignAsk *query, SealKeyUseFunc done, gpointer user_data)
{
    Sign *sign = g_new0(Sign, 1);

    sign->query = *query;
    return seal_key_use_start(&sign->use, &sign_kind, context, ask, done, user_data);
}
