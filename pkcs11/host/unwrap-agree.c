/* Session keys wrapped by key agreement: ECDH on the NIST curves with the X9.63 KDF (RFC 5753),
 * X25519 with HKDF (RFC 8418), and AES key wrap. The common secret comes from agree.c and goes no
 * further than here. Cofactor agreement needs no mechanism of its own, as these curves have
 * cofactor 1. */
#include "pkcs11/host/unwrap.h"

#include "pkcs11/host/agree.h"
#include "pkcs11/host/constant-time.h"
#include "pkcs11/host/key-derivation.h"

gboolean
seal_unwrap_agree_check(const SealHostKey *key, SealMechanism mechanism,
                        const SealUnwrapRequest *request, GError **error)
{
    const SealUnwrapParameters *parameters = &request->parameters;
    gboolean hkdf = mechanism == SEAL_MECHANISM_UNWRAP_X25519;
    guint32 len = parameters->wrap_key_len;

    if (seal_hash_len(parameters->hash) == 0 || (hkdf && parameters->hash < SEAL_HASH_SHA256)) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "this hash is not served for key agreement");
        return FALSE;
    }
    if (len != 16 && len != 24 && len != 32) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "AES key wrap takes keys of 16, 24 or 32 bytes, not %u", len);
        return FALSE;
    }
    return seal_agree_check(key, request->originator, error);
}

/* -- opening ----------------------------------------------------------------------------------- */

static gboolean
is_all_zero(SealBytes bytes)
{
    guint8 any = 0;

    for (gsize i = 0; i < bytes.len; i++)
        any |= bytes.data[i];
    return seal_mask_is_zero(any) != 0;
}

gboolean
seal_unwrap_agree(SealOperation *operation, SealMechanism mechanism,
                  const SealUnwrapRequest *request, GError **error)
{
    const SealUnwrapParameters *parameters = &request->parameters;
    SealScratch *scratch = operation->scratch;
    gboolean hkdf = mechanism == SEAL_MECHANISM_UNWRAP_X25519;
    SealBytes shared = {scratch->shared,
                        hkdf ? 32 : seal_curve_coordinate_len(operation->key->public_key->curve)};
    gboolean derived = FALSE;

    if (!seal_agree(operation, request->originator, shared.len, error))
        return FALSE;
    /* RFC 7748 6.1: a point of small order gives zero, whatever the private key. */
    if (hkdf && is_all_zero(shared))
        return seal_operation_fail_decrypt(operation, error);
    derived = hkdf
                  ? seal_derive_hkdf(parameters->hash, shared, request->label, request->shared_info,
                                     scratch->wrapping_key, parameters->wrap_key_len)
                  : seal_derive_x963(parameters->hash, shared, request->shared_info,
                                     scratch->wrapping_key, parameters->wrap_key_len);
    if (!derived ||
        !seal_aes_unwrap(scratch->wrapping_key, parameters->wrap_key_len, request->encrypted,
                         scratch->key, sizeof scratch->key, &operation->key_len) ||
        (parameters->session_key_len > 0 && operation->key_len != parameters->session_key_len))
        return seal_operation_fail_decrypt(operation, error);
    return TRUE;
}
