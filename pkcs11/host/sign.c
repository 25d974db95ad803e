/* Signing. The token gets what its mechanism wants: a DigestInfo, a digest, a padded block where it
 * only does plain RSA, or the message (Ed25519).
 *
 * SHA-1 is not signed with: nobody should rely on it, and a caller who needs it for something other
 * than mail has no business here. Verifying before giving out catches cards that were swapped
 * quicker than the reader is polled: the module then signs with the wrong card and says OK. */
#include "pkcs11/host/sign.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <string.h>

#include "pkcs11/core/rv.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/padding.h"

typedef struct {
    SealHash hash;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
} HashRow;

static const HashRow hash_rows[] = {
    {SEAL_HASH_SHA256, CKM_SHA256, CKG_MGF1_SHA256},
    {SEAL_HASH_SHA384, CKM_SHA384, CKG_MGF1_SHA384},
    {SEAL_HASH_SHA512, CKM_SHA512, CKG_MGF1_SHA512},
};

static const HashRow *
find_hash(SealHash hash)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hash_rows); i++)
        if (hash_rows[i].hash == hash)
            return &hash_rows[i];
    return NULL;
}

/* -- checking --------------------------------------------------------------------------------- */

static gboolean
check_salt(const SealHostKey *key, const SealSignParameters *parameters, GError **error)
{
    /* RFC 8017 9.1.1; the agent has checked it to the bit */
    gsize encoded_len = (key->public_key->bits - 1 + 7) / 8; /* RFC 8017 8.1.1 */
    gsize room = encoded_len - seal_hash_len(parameters->hash) - 2;

    if (parameters->salt_len <= room)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "a salt of %u bytes does not fit into a signature of this key, at most %zu do",
                parameters->salt_len, room);
    return FALSE;
}

gboolean
seal_sign_check(const SealHostKey *key, SealMechanism mechanism, const SealSignRequest *request,
                GError **error)
{
    const SealSignParameters *parameters = &request->parameters;
    gsize digest_len = seal_hash_len(parameters->hash);

    if (mechanism == SEAL_MECHANISM_ED25519)
        return TRUE; /* any message up to SEAL_DATA_MAX */
    if (!find_hash(parameters->hash)) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "this hash is not signed with; sha256, sha384 and sha512 are");
        return FALSE;
    }
    if (request->data.len != digest_len) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the digest has %zu bytes, a %s digest has %zu", request->data.len,
                    seal_hash_name(parameters->hash), digest_len);
        return FALSE;
    }
    return mechanism != SEAL_MECHANISM_RSA_PSS || check_salt(key, parameters, error);
}

/* -- at the token ------------------------------------------------------------------------------ */

/* The three calls of every signature. `ret_refused` (nullable): set to TRUE, without an error, if
 * the token does not take the mechanism. */
static gboolean
sign_at_token(SealOperation *operation, CK_MECHANISM *mechanism, SealBytes data,
              gboolean *ret_refused, GError **error)
{
    CK_FUNCTION_LIST *functions = operation->host->functions;
    CK_ULONG len = SEAL_BLOCK_MAX;
    CK_RV rv = seal_operation_init(operation, functions->C_SignInit, mechanism);

    if (rv != CKR_OK) {
        if (ret_refused && seal_rv_is_mechanism_refused(rv)) {
            *ret_refused = TRUE;
            return FALSE;
        }
        return seal_operation_fail(operation, rv, "C_SignInit", error);
    }
    if (!seal_operation_authenticate(operation, error))
        return FALSE;
    rv = seal_operation_permit(operation);
    if (rv == CKR_OK)
        rv = functions->C_Sign(operation->session, (CK_BYTE *)data.data, data.len,
                               operation->scratch->answer, &len);
    if (rv != CKR_OK)
        return seal_operation_fail(operation, rv, "C_Sign", error);
    operation->dirty = FALSE;
    operation->answer_len = MIN(len, SEAL_BLOCK_MAX);
    return TRUE;
}

/* Tells the agent of the first that fits, and of each that does not. */
static void
note_tried(const SealOperation *operation, gboolean fits)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    gboolean fitted = g_atomic_int_exchange(&operation->key->fitted, fits);

    if (fits && fitted)
        return;
    seal_put_u32(body, operation->key->slot->info.reference);
    seal_put_u32(body, operation->key->reference);
    seal_put_u32(body, fits);
    seal_host_send_event(operation->host, SEAL_FRAME_KEY_TRIED, body);
}

static gboolean
check_len(SealOperation *operation, gsize expected, GError **error)
{
    if (operation->answer_len == expected)
        return TRUE;
    note_tried(operation, FALSE);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED,
                "the module made a signature of %zu bytes, %zu are right", operation->answer_len,
                expected);
    return FALSE;
}

gboolean
seal_sign_block(SealOperation *operation, SealBytes block, GError **error)
{
    CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};

    return sign_at_token(operation, &raw, block, NULL, error) &&
           check_len(operation, block.len, error);
}

/* The padded block in scratch. */
static gboolean
sign_padded(SealOperation *operation, GError **error)
{
    SealBytes block = {operation->scratch->block,
                       seal_public_key_modulus_len(operation->key->public_key)};

    return seal_sign_block(operation, block, error);
}

static gboolean
sign_rsa_pkcs(SealOperation *operation, const SealSignRequest *request, GError **error)
{
    gsize modulus_len = seal_public_key_modulus_len(operation->key->public_key);
    guint8 digest_info[SEAL_DIGEST_INFO_MAX];
    gsize len = seal_digest_info(request->parameters.hash, request->data.data, digest_info);
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};

    if (operation->key->slot->abilities & SEAL_CAN_RSA_PKCS_SIGN)
        return sign_at_token(operation, &mechanism, (SealBytes){digest_info, len}, NULL, error) &&
               check_len(operation, modulus_len, error);
    return seal_pkcs1_pad(digest_info, len, operation->scratch->block, modulus_len) &&
           sign_padded(operation, error);
}

/* Tries the token's own PSS once for each hash; later signatures go where that led. */
static gboolean
sign_rsa_pss(SealOperation *operation, const SealSignRequest *request, GError **error)
{
    const SealSignParameters *parameters = &request->parameters;
    const HashRow *row = find_hash(parameters->hash);
    SealSlot *slot = operation->key->slot;
    guint quirk = SEAL_QUIRK_PSS_REFUSED << parameters->hash;
    gsize modulus_len = seal_public_key_modulus_len(operation->key->public_key);
    CK_RSA_PKCS_PSS_PARAMS pss = {row->mechanism, row->mgf, parameters->salt_len};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    gboolean may_pad = (slot->abilities & SEAL_CAN_RSA_RAW_SIGN) != 0;
    gboolean refused = !(slot->abilities & SEAL_CAN_RSA_PSS) || seal_slot_has_quirk(slot, quirk);

    if (!refused &&
        sign_at_token(operation, &mechanism, request->data, may_pad ? &refused : NULL, error))
        return check_len(operation, modulus_len, error);
    if (!refused)
        return FALSE;
    seal_slot_set_quirk(slot, quirk);
    if (!may_pad ||
        !seal_pss_pad(parameters->hash, request->data.data, parameters->salt_len,
                      operation->key->public_key->bits, operation->scratch->block, modulus_len)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "this token cannot sign with RSA-PSS and %s", seal_hash_name(parameters->hash));
        return FALSE;
    }
    return sign_padded(operation, error);
}

/* From r || s as PKCS#11 has it (2.3.1 of the mechanisms) to the DER that everybody else uses. */
static gboolean
encode_ecdsa(SealOperation *operation, GError **error)
{
    gsize half = operation->answer_len / 2;
    guint8 *answer = operation->scratch->answer;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(answer, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(answer + half, (int)half, NULL);
    int len = -1;

    if (signature && ECDSA_SIG_set0(signature, r, s) == 1) {
        guint8 *at = answer;

        len = i2d_ECDSA_SIG(signature, &at);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    operation->answer_len = len > 0 ? (gsize)len : 0;
    if (len > 0)
        return TRUE;
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot encode the signature");
    return FALSE;
}

static gboolean
sign_ecdsa(SealOperation *operation, const SealSignRequest *request, GError **error)
{
    gsize coordinate = seal_curve_coordinate_len(operation->key->public_key->curve);
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    /* FIPS 186-4 6.4: the leftmost bits of a digest that is longer than the order; cards do not all
     * cut by themselves. */
    SealBytes digest = {request->data.data, MIN(request->data.len, coordinate)};

    return sign_at_token(operation, &mechanism, digest, NULL, error) &&
           check_len(operation, 2 * coordinate, error) && encode_ecdsa(operation, error);
}

static gboolean
sign_ed25519(SealOperation *operation, const SealSignRequest *request, GError **error)
{
    CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};

    return sign_at_token(operation, &mechanism, request->data, NULL, error) &&
           check_len(operation, 64, error);
}

/* -- verifying --------------------------------------------------------------------------------- */

static gboolean
verify_digest(const SealOperation *operation, SealMechanism mechanism,
              const SealSignRequest *request)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(operation->key->public_key->key, NULL);
    int padding = mechanism == SEAL_MECHANISM_RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;

    if (!context || EVP_PKEY_verify_init(context) != 1)
        return FALSE;
    if (mechanism != SEAL_MECHANISM_ECDSA && EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1)
        return FALSE;
    if (mechanism == SEAL_MECHANISM_RSA_PSS &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)request->parameters.salt_len) != 1)
        return FALSE;
    return EVP_PKEY_CTX_set_signature_md(context, seal_hash_digest(request->parameters.hash)) ==
               1 &&
           EVP_PKEY_verify(context, operation->scratch->answer, operation->answer_len,
                           request->data.data, request->data.len) == 1;
}

static gboolean
verify_message(const SealOperation *operation, const SealSignRequest *request)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();

    return context &&
           EVP_DigestVerifyInit(context, NULL, NULL, NULL, operation->key->public_key->key) == 1 &&
           EVP_DigestVerify(context, operation->scratch->answer, operation->answer_len,
                            request->data.data, request->data.len) == 1;
}

gboolean
seal_sign_conclude(SealOperation *operation, gboolean fits, GError **error)
{
    note_tried(operation, fits);
    if (fits)
        return TRUE;
    operation->rv = CKR_DEVICE_REMOVED;
    operation->was_exchanged = TRUE;
    operation->answer_len = 0;
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_TOKEN_REMOVED,
                        "the signature does not match the key: the token was exchanged or fails, try again");
    return FALSE;
}

static gboolean
verify(SealOperation *operation, SealMechanism mechanism, const SealSignRequest *request,
       GError **error)
{
    gboolean good = mechanism == SEAL_MECHANISM_ED25519
                        ? verify_message(operation, request)
                        : verify_digest(operation, mechanism, request);

    return seal_sign_conclude(operation, good, error);
}

gboolean
seal_sign_must_verify(const SealOperation *operation)
{
    guint32 policy = operation->host->hello.verify;

    return policy == SEAL_VERIFY_ALWAYS ||
           (policy != SEAL_VERIFY_NEVER &&
            seal_slot_flags(operation->key->slot) & SEAL_TOKEN_REMOVABLE);
}

gboolean
seal_sign(SealOperation *operation, SealMechanism mechanism, const SealSignRequest *request,
          GError **error)
{
    gboolean made = FALSE;

    if (mechanism == SEAL_MECHANISM_RSA_PKCS)
        made = sign_rsa_pkcs(operation, request, error);
    else if (mechanism == SEAL_MECHANISM_RSA_PSS)
        made = sign_rsa_pss(operation, request, error);
    else if (mechanism == SEAL_MECHANISM_ECDSA)
        made = sign_ecdsa(operation, request, error);
    else if (mechanism == SEAL_MECHANISM_ED25519)
        made = sign_ed25519(operation, request, error);
    return made &&
           (!seal_sign_must_verify(operation) || verify(operation, mechanism, request, error));
}
