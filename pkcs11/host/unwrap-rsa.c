/* RSA-wrapped session keys (RFC 8017 7, RFC 5652 6.2.1).
 *
 * Where the token does plain RSA, padding comes off here, in constant time, with the result that
 * padding.c promises. Where it only takes off padding itself, its verdict must not come through:
 * for v1.5 every data error becomes the same substitute. But a token that was pulled says
 * GENERAL_ERROR just like one that met bad padding, and a person deserves to be told that. So after
 * each such operation, good or bad, the token is asked whether it is still there: the same calls on
 * both ways. (A reader notices a pulled card up to 0.4 s late; within that time a substitute is
 * returned, and the removal is told by the slot's event.) */
#include "pkcs11/host/unwrap.h"

#include <string.h>

#include "pkcs11/host/padding.h"
#include "pkcs11/host/rsa-decrypt.h"

typedef struct {
    SealHash hash;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
} HashRow;

static const HashRow oaep_rows[] = {
    {SEAL_HASH_SHA1, CKM_SHA_1, CKG_MGF1_SHA1},
    {SEAL_HASH_SHA256, CKM_SHA256, CKG_MGF1_SHA256},
    {SEAL_HASH_SHA384, CKM_SHA384, CKG_MGF1_SHA384},
    {SEAL_HASH_SHA512, CKM_SHA512, CKG_MGF1_SHA512},
};

static const HashRow *
find_hash(SealHash hash)
{
    for (gsize i = 0; i < G_N_ELEMENTS(oaep_rows); i++)
        if (oaep_rows[i].hash == hash)
            return &oaep_rows[i];
    return NULL;
}

/* -- checking ---------------------------------------------------------------------------------- */

gboolean
seal_unwrap_rsa_check(const SealHostKey *key, SealMechanism mechanism,
                      const SealUnwrapRequest *request, GError **error)
{
    const SealUnwrapParameters *parameters = &request->parameters;
    gboolean oaep = mechanism == SEAL_MECHANISM_UNWRAP_RSA_OAEP;
    gsize modulus_len = seal_public_key_modulus_len(key->public_key);
    gsize overhead = oaep ? 2 * seal_hash_len(parameters->hash) + 2 : 11;

    if (oaep && (!find_hash(parameters->hash) || !find_hash(parameters->mgf_hash))) {
        g_set_error_literal(
            error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
            "this hash is not served with RSA-OAEP; sha1, sha256, sha384 and sha512 are");
        return FALSE;
    }
    if (overhead >= modulus_len || parameters->session_key_len > modulus_len - overhead) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "a session key of %u bytes cannot be wrapped by an RSA key of %u bits",
                    parameters->session_key_len, key->public_key->bits);
        return FALSE;
    }
    return TRUE;
}

/* -- failures --------------------------------------------------------------------------------- */

static gboolean
fail_not_supported(GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                        "this token does not decrypt with this kind of RSA padding");
    return FALSE;
}

static gboolean
fail_removed(SealOperation *operation, GError **error)
{
    return seal_operation_fail(operation, CKR_DEVICE_REMOVED, "C_Decrypt", error);
}

/* -- PKCS#1 v1.5 ------------------------------------------------------------------------------ */

/* The token's own unpadding, put back into a padded block so that one way leads on from here. */
static SealRsaOutcome
decrypt_padded(SealOperation *operation, SealBytes encrypted, GError **error)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    gsize modulus_len = seal_public_key_modulus_len(operation->key->public_key), len = 0;
    guint8 *block = operation->scratch->block;
    SealRsaOutcome outcome = seal_rsa_decrypt(operation, &mechanism, encrypted, &len, error);
    gboolean lives = FALSE;

    if (outcome == SEAL_RSA_FAILED || outcome == SEAL_RSA_REFUSED)
        return outcome;
    lives = seal_operation_token_lives(operation);
    if (outcome == SEAL_RSA_DONE && len + 11 <= modulus_len) {
        memmove(block + modulus_len - len, block, len);
        memset(block + 2, 0xff, modulus_len - len - 3);
        block[0] = 0;
        block[1] = 2;
        block[modulus_len - len - 1] = 0;
        return SEAL_RSA_DONE;
    }
    if (lives)
        return SEAL_RSA_BAD;
    (void)fail_removed(operation, error);
    return SEAL_RSA_FAILED;
}

static gboolean
unwrap_pkcs1(SealOperation *operation, const SealUnwrapRequest *request, GError **error)
{
    const SealPublicKey *public_key = operation->key->public_key;
    SealScratch *scratch = operation->scratch;
    SealBytes encrypted = {scratch->block2, seal_public_key_modulus_len(public_key)};
    gboolean possible = seal_rsa_stretch(public_key, request->encrypted, scratch->block2);
    SealRsaOutcome outcome =
        possible ? seal_rsa_decrypt_block(operation, encrypted, error) : SEAL_RSA_BAD;
    guint8 rejection_key[32];
    gboolean done = FALSE;

    if (outcome == SEAL_RSA_REFUSED && operation->key->slot->abilities & SEAL_CAN_RSA_PKCS_DECRYPT)
        outcome = decrypt_padded(operation, encrypted, error);
    if (outcome == SEAL_RSA_REFUSED)
        return fail_not_supported(error);
    if (outcome == SEAL_RSA_FAILED)
        return FALSE;

    done = seal_rejection_key(operation->host->hello.rejection_secret, public_key->info_hash,
                              possible ? encrypted : request->encrypted, rejection_key) &&
           seal_pkcs1_unpad(rejection_key, request->parameters.session_key_len,
                            outcome == SEAL_RSA_DONE, scratch->block, encrypted.len,
                            &operation->key_len);
    seal_wipe(rejection_key, sizeof rejection_key);
    if (!done) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot compute the session key");
        return FALSE;
    }
    memcpy(scratch->key, scratch->block, sizeof scratch->key);
    return TRUE;
}

/* -- OAEP
 * ------------------------------------------------------------------------------------------ */

/* The token's own unpadding. */
static SealRsaOutcome
decrypt_oaep(SealOperation *operation, const SealUnwrapRequest *request, SealBytes encrypted,
             gsize *ret_len, GError **error)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {
        .hashAlg = find_hash(request->parameters.hash)->mechanism,
        .mgf = find_hash(request->parameters.mgf_hash)->mgf,
        .source = CKZ_DATA_SPECIFIED,
        .pSourceData = request->label.len > 0 ? (void *)request->label.data : NULL,
        .ulSourceDataLen = request->label.len,
    };
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    SealRsaOutcome outcome = SEAL_RSA_REFUSED;

    if (operation->key->slot->abilities & SEAL_CAN_RSA_OAEP)
        outcome = seal_rsa_decrypt(operation, &mechanism, encrypted, ret_len, error);
    if (outcome == SEAL_RSA_BAD && !seal_operation_token_lives(operation)) {
        (void)fail_removed(operation, error);
        return SEAL_RSA_FAILED;
    }
    return outcome;
}

static gboolean
unwrap_oaep(SealOperation *operation, const SealUnwrapRequest *request, GError **error)
{
    const SealUnwrapParameters *parameters = &request->parameters;
    const SealPublicKey *public_key = operation->key->public_key;
    SealScratch *scratch = operation->scratch;
    SealBytes encrypted = {scratch->block2, seal_public_key_modulus_len(public_key)};
    SealRsaOutcome outcome = SEAL_RSA_BAD;
    gboolean good = FALSE;
    gsize len = 0;

    if (!seal_rsa_stretch(public_key, request->encrypted, scratch->block2))
        return seal_operation_fail_decrypt(operation, error);
    outcome = seal_rsa_decrypt_block(operation, encrypted, error);
    if (outcome == SEAL_RSA_DONE) {
        good = seal_oaep_unpad(parameters->hash, parameters->mgf_hash, request->label,
                               scratch->block, encrypted.len, &len);
    } else if (outcome == SEAL_RSA_REFUSED) {
        outcome = decrypt_oaep(operation, request, encrypted, &len, error);
        good = outcome == SEAL_RSA_DONE;
    }
    if (outcome == SEAL_RSA_REFUSED)
        return fail_not_supported(error);
    if (outcome == SEAL_RSA_FAILED)
        return FALSE;
    if (!good || len == 0 ||
        (parameters->session_key_len > 0 && len != parameters->session_key_len))
        return seal_operation_fail_decrypt(operation, error);
    memcpy(scratch->key, scratch->block, len);
    operation->key_len = len;
    return TRUE;
}

gboolean
seal_unwrap_rsa(SealOperation *operation, SealMechanism mechanism, const SealUnwrapRequest *request,
                GError **error)
{
    if (mechanism == SEAL_MECHANISM_UNWRAP_RSA_PKCS)
        return unwrap_pkcs1(operation, request, error);
    return unwrap_oaep(operation, request, error);
}
