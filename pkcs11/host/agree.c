/* The common secret of two keys of which one lies on a token.
 *
 * The token computes the common point and nothing else (CKD_NULL): few tokens know any KDF, and one
 * way for all is easier to trust. The other's point is checked before the token sees it: a point on
 * another curve would let its sender learn the private key bit by bit from a token that does not
 * check. */
#include "pkcs11/host/agree.h"

#include <string.h>

#include "pkcs11/core/rv.h"
#include "pkcs11/host/readers.h"

/* An uncompressed point of P-521, and its DER OCTET STRING. */
#define POINT_MAX     (1 + 2 * 66)
#define POINT_DER_MAX (POINT_MAX + 3)

gboolean
seal_agree_check(const SealHostKey *key, SealBytes point, GError **error)
{
    if (seal_public_key_is_point(key->public_key->algorithm, key->public_key->curve, point))
        return TRUE;
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                        "the originator's public key is no point on the key's curve");
    return FALSE;
}

/* The point as the token wants it: PKCS#11 2.40 says bare, some want the DER OCTET STRING. */
static SealBytes
encode_point(SealBytes point, gboolean in_der, guint8 der[POINT_DER_MAX])
{
    gsize header = point.len < 128 ? 2 : 3;

    if (!in_der)
        return point;
    der[0] = 0x04;
    der[1] = point.len < 128 ? (guint8)point.len : 0x81;
    der[2] = (guint8)point.len; /* overwritten by the point if the short form was enough */
    memcpy(der + header, point.data, point.len);
    return (SealBytes){der, point.len + header};
}

static CK_RV
derive_once(SealOperation *operation, SealBytes point, gboolean in_der, gboolean plain,
            gsize secret_len, CK_OBJECT_HANDLE *ret_secret)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG value_len = secret_len;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no},
        {CKA_VALUE_LEN, &value_len, sizeof value_len},
    };
    guint8 der[POINT_DER_MAX];
    SealBytes encoded = encode_point(point, in_der, der);
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL,
        .ulPublicDataLen = encoded.len,
        .pPublicData = (CK_BYTE *)encoded.data,
    };
    gboolean plain_ecdh = (operation->key->slot->abilities & SEAL_CAN_ECDH) != 0;
    CK_MECHANISM mechanism = {plain_ecdh ? CKM_ECDH1_DERIVE : CKM_ECDH1_COFACTOR_DERIVE,
                              &parameters, sizeof parameters};
    CK_RV permitted = seal_operation_permit(operation);

    if (permitted != CKR_OK)
        return permitted;
    return operation->host->functions->C_DeriveKey(
        operation->session, &mechanism, operation->key->handle, template,
        G_N_ELEMENTS(template) - (plain ? 2 : 0), ret_secret);
}

static gboolean
is_template_refused(CK_RV rv)
{
    return rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_READ_ONLY;
}

static gboolean
is_point_refused(CK_RV rv)
{
    return seal_rv_is_mechanism_refused(rv) || seal_rv_is_data_error(rv) ||
           rv == CKR_DOMAIN_PARAMS_INVALID;
}

/* Tries the ways that tokens want it, the one that worked last first. */
static CK_RV
derive_at_token(SealOperation *operation, SealBytes point, gsize secret_len,
                CK_OBJECT_HANDLE *ret_secret)
{
    SealSlot *slot = operation->key->slot;
    gboolean in_der = seal_slot_has_quirk(slot, SEAL_QUIRK_POINT_IN_DER);
    gboolean plain = seal_slot_has_quirk(slot, SEAL_QUIRK_PLAIN_TEMPLATE);
    CK_RV rv = derive_once(operation, point, in_der, plain, secret_len, ret_secret), again = CKR_OK;

    if (!plain && is_template_refused(rv)) {
        plain = TRUE;
        rv = derive_once(operation, point, in_der, plain, secret_len, ret_secret);
        if (rv == CKR_OK)
            seal_slot_set_quirk(slot, SEAL_QUIRK_PLAIN_TEMPLATE);
    }
    if (in_der || !is_point_refused(rv))
        return rv;
    again = derive_once(operation, point, TRUE, plain, secret_len, ret_secret);
    if (again == CKR_OK)
        seal_slot_set_quirk(slot, SEAL_QUIRK_POINT_IN_DER);
    return again == CKR_OK ? again : rv;
}

/* Reads the secret's value and destroys the object. A short value is one without leading zeroes. */
static CK_RV
take_secret(SealOperation *operation, CK_OBJECT_HANDLE secret, gsize secret_len)
{
    CK_FUNCTION_LIST *functions = operation->host->functions;
    guint8 *shared = operation->scratch->shared;
    CK_ATTRIBUTE value = {CKA_VALUE, shared, secret_len};
    CK_RV rv = functions->C_GetAttributeValue(operation->session, secret, &value, 1);

    (void)functions->C_DestroyObject(operation->session, secret);
    if (rv != CKR_OK || value.ulValueLen == 0 || value.ulValueLen > secret_len)
        return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
    memmove(shared + secret_len - value.ulValueLen, shared, value.ulValueLen);
    memset(shared, 0, secret_len - value.ulValueLen);
    return CKR_OK;
}

gboolean
seal_agree(SealOperation *operation, SealBytes point, gsize secret_len, GError **error)
{
    const SealSlot *slot = operation->key->slot;
    CK_OBJECT_HANDLE secret = 0;
    CK_RV rv = CKR_OK;

    /* C_DeriveKey has no Init call to log in after, so keys that want a login each time take it
     * before; a token that cannot do that says so. */
    if (!seal_operation_authenticate(operation, error))
        return FALSE;
    rv = derive_at_token(operation, point, secret_len, &secret);
    if (rv == CKR_OK)
        rv = take_secret(operation, secret, secret_len);
    if (rv == CKR_OK)
        return TRUE;
    if (!seal_rv_is_data_error(rv))
        return seal_operation_fail(operation, rv, "C_DeriveKey", error);
    if (!seal_operation_token_lives(operation) ||
        seal_readers_lost(operation->host->readers, slot->reader, slot->insertion))
        return seal_operation_fail(operation, CKR_DEVICE_REMOVED, "C_DeriveKey", error);
    return seal_operation_fail_decrypt(operation, error);
}
