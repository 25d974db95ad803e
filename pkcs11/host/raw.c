/* Raw operations. The agent has asked its policy; here the input is checked as strictly as for any
 * other, and the result is handed out as it is.
 *
 * A decrypted block is not checked against its ciphertext, as a signed one is against its input:
 * the public operation over a secret takes time that depends on it. */
#include "pkcs11/host/raw.h"

#include <openssl/rsa.h>
#include <string.h>

#include "pkcs11/host/agree.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/rsa-decrypt.h"
#include "pkcs11/host/sign.h"

gboolean
seal_raw_check(const SealHostKey *key, SealMechanism mechanism, const SealRawRequest *request,
               GError **error)
{
    guint8 block[SEAL_BLOCK_MAX];

    if (mechanism == SEAL_MECHANISM_RAW_ECDH)
        return seal_agree_check(key, request->input, error);
    if (request->input.len == seal_public_key_modulus_len(key->public_key) &&
        seal_rsa_stretch(key->public_key, request->input, block))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the block must have %zu bytes and be a number below the key's modulus",
                seal_public_key_modulus_len(key->public_key));
    return FALSE;
}

static gboolean
raw_ecdh(SealOperation *operation, SealBytes point, GError **error)
{
    gsize len = seal_curve_coordinate_len(operation->key->public_key->curve);

    if (!seal_agree(operation, point, len, error))
        return FALSE;
    memcpy(operation->scratch->answer, operation->scratch->shared, len);
    operation->answer_len = len;
    return TRUE;
}

/* TRUE if the public operation leads back from the answer to `block`. */
static gboolean
leads_back(const SealOperation *operation, SealBytes block)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(operation->key->public_key->key, NULL);
    guint8 back[SEAL_BLOCK_MAX];
    gsize len = sizeof back;

    return context && EVP_PKEY_verify_recover_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
           EVP_PKEY_verify_recover(context, back, &len, operation->scratch->answer,
                                   operation->answer_len) == 1 &&
           len == block.len && memcmp(back, block.data, len) == 0;
}

static gboolean
raw_rsa_sign(SealOperation *operation, SealBytes block, GError **error)
{
    if (!seal_sign_block(operation, block, error))
        return FALSE;
    return !seal_sign_must_verify(operation) ||
           seal_sign_conclude(operation, leads_back(operation, block), error);
}

static gboolean
raw_rsa_decrypt(SealOperation *operation, SealBytes block, GError **error)
{
    switch (seal_rsa_decrypt_block(operation, block, error)) {
    case SEAL_RSA_DONE:
        memcpy(operation->scratch->answer, operation->scratch->block, block.len);
        operation->answer_len = block.len;
        return TRUE;
    case SEAL_RSA_REFUSED:
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "this token does not do RSA without padding");
        return FALSE;
    case SEAL_RSA_BAD: /* rsa-decrypt.h: never */
    case SEAL_RSA_FAILED:
        return FALSE;
    }
    return FALSE;
}

gboolean
seal_raw(SealOperation *operation, SealMechanism mechanism, const SealRawRequest *request,
         GError **error)
{
    if (mechanism == SEAL_MECHANISM_RAW_ECDH)
        return raw_ecdh(operation, request->input, error);
    if (mechanism == SEAL_MECHANISM_RAW_RSA_SIGN)
        return raw_rsa_sign(operation, request->input, error);
    return raw_rsa_decrypt(operation, request->input, error);
}
