/* One C_Decrypt with an RSA key. What the token says is sorted into four outcomes, because those
 * who unpad must treat data that the token dislikes otherwise than a token that fails. */
#include "pkcs11/host/rsa-decrypt.h"

#include <openssl/core_names.h>
#include <string.h>

#include "pkcs11/core/rv.h"
#include "pkcs11/host/openssl.h"

gboolean
seal_rsa_stretch(const SealPublicKey *key, SealBytes encrypted, guint8 *out)
{
    gsize len = seal_public_key_modulus_len(key);
    BIGNUM *modulus = NULL;
    g_autoptr(BIGNUM) number = NULL;
    gboolean below = FALSE;

    if (encrypted.len > len)
        return FALSE;
    memset(out, 0, len - encrypted.len);
    if (encrypted.len > 0)
        memcpy(out + len - encrypted.len, encrypted.data, encrypted.len);
    number = BN_bin2bn(out, (int)len, NULL);
    if (number && EVP_PKEY_get_bn_param(key->key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1)
        below = BN_cmp(number, modulus) < 0;
    BN_free(modulus);
    return below;
}

SealRsaOutcome
seal_rsa_decrypt(SealOperation *operation, CK_MECHANISM *mechanism, SealBytes encrypted,
                 gsize *ret_len, GError **error)
{
    CK_FUNCTION_LIST *functions = operation->host->functions;
    CK_ULONG len = SEAL_BLOCK_MAX;
    CK_RV rv = seal_operation_init(operation, functions->C_DecryptInit, mechanism);

    if (rv != CKR_OK) {
        if (seal_rv_is_mechanism_refused(rv))
            return SEAL_RSA_REFUSED;
        (void)seal_operation_fail(operation, rv, "C_DecryptInit", error);
        return SEAL_RSA_FAILED;
    }
    if (!seal_operation_authenticate(operation, error))
        return SEAL_RSA_FAILED;
    rv = seal_operation_permit(operation);
    if (rv == CKR_OK)
        rv = functions->C_Decrypt(operation->session, (CK_BYTE *)encrypted.data, encrypted.len,
                                  operation->scratch->block, &len);
    /* PKCS#11 2.40 5.9: the operation is over. Replacing the session after a data error would also
     * take time that tells bad padding from good. */
    operation->dirty = rv != CKR_OK && !seal_rv_is_data_error(rv);
    if (rv == CKR_OK && len <= SEAL_BLOCK_MAX) {
        *ret_len = len;
        return SEAL_RSA_DONE;
    }
    if (seal_rv_is_data_error(rv))
        return SEAL_RSA_BAD;
    (void)seal_operation_fail(operation, rv == CKR_OK ? CKR_GENERAL_ERROR : rv, "C_Decrypt", error);
    return SEAL_RSA_FAILED;
}

SealRsaOutcome
seal_rsa_decrypt_block(SealOperation *operation, SealBytes encrypted, GError **error)
{
    CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};
    guint8 *block = operation->scratch->block;
    gsize expected = seal_public_key_modulus_len(operation->key->public_key), len = 0;
    SealRsaOutcome outcome = SEAL_RSA_REFUSED;

    if (operation->key->slot->abilities & SEAL_CAN_RSA_RAW_DECRYPT)
        outcome = seal_rsa_decrypt(operation, &raw, encrypted, &len, error);
    /* A number below the modulus always has a root: this is no matter of padding. */
    if (outcome == SEAL_RSA_BAD || (outcome == SEAL_RSA_DONE && len > expected)) {
        (void)seal_operation_fail(operation, CKR_GENERAL_ERROR, "C_Decrypt", error);
        return SEAL_RSA_FAILED;
    }
    /* Some modules leave out leading zeroes. */
    if (outcome == SEAL_RSA_DONE && len < expected) {
        memmove(block + expected - len, block, len);
        memset(block, 0, expected - len);
    }
    return outcome;
}
