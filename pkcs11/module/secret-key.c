/* ECDH1_DERIVE is lazy: a program derives a key-wrapping key only to open one wrapped key with it,
 * and the agent does both in one Unwrap, so that no shared secret leaves it. The object made here
 * holds what that one call needs. */
#include "pkcs11/module/secret-key.h"

#include <string.h>

#include "pkcs11/core/der.h"
#include "pkcs11/module/cms.h"
#include "pkcs11/module/mechanisms.h"

/* RFC 5753 has some 64 bytes of user keying material; the agent takes 1 KiB. */
#define SHARED_DATA_MAX 2048
#define POINT_DATA_MAX  256

static void
clear_secret_key(gpointer data)
{
    SealSecretKey *secret = data;

    seal_item_unref(secret->item);
    seal_session_key_free(secret->value);
    g_free(secret->key);
    g_clear_pointer(&secret->algorithm, g_bytes_unref);
    g_clear_pointer(&secret->originator, g_bytes_unref);
    g_clear_pointer(&secret->ukm, g_bytes_unref);
}

SealSecretKey *
seal_secret_key_ref(SealSecretKey *secret)
{
    return g_atomic_rc_box_acquire(secret);
}

void
seal_secret_key_unref(SealSecretKey *secret)
{
    if (secret)
        g_atomic_rc_box_release_full(secret, clear_secret_key);
}

/* -- templates ---------------------------------------------------------------------------- */

typedef struct {
    CK_ULONG class, key_type, value_len; /* as asked for, or the default */
    CK_BBOOL on_token;
} Wishes;

static CK_RV
read_wishes(const CK_ATTRIBUTE *template, CK_ULONG count, Wishes *wishes)
{
    const struct {
        CK_ATTRIBUTE_TYPE type;
        void *field;
        CK_ULONG len;
    } fields[] = {
        {CKA_CLASS, &wishes->class, sizeof wishes->class},
        {CKA_KEY_TYPE, &wishes->key_type, sizeof wishes->key_type},
        {CKA_VALUE_LEN, &wishes->value_len, sizeof wishes->value_len},
        {CKA_TOKEN, &wishes->on_token, sizeof wishes->on_token},
    };

    for (CK_ULONG i = 0; i < count; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(fields); k++) {
            if (template[i].type != fields[k].type)
                continue;
            if (template[i].ulValueLen != fields[k].len || !template[i].pValue)
                return CKR_ATTRIBUTE_VALUE_INVALID;
            memcpy(fields[k].field, template[i].pValue, fields[k].len);
        }
    }
    if (wishes->class != CKO_SECRET_KEY)
        return CKR_TEMPLATE_INCONSISTENT;
    return wishes->on_token ? CKR_TOKEN_WRITE_PROTECTED : CKR_OK;
}

static SealSecretKey *
secret_key_new(const Wishes *wishes, gboolean is_opened)
{
    SealSecretKey *secret = g_atomic_rc_box_new0(SealSecretKey);
    SealItem *item = seal_item_new(CKO_SECRET_KEY);

    secret->item = item;
    seal_item_add_ulong(item, CKA_KEY_TYPE, wishes->key_type);
    seal_item_add_ulong(item, CKA_VALUE_LEN, wishes->value_len);
    seal_item_add_bool(item, CKA_TOKEN, FALSE);
    seal_item_add_bool(item, CKA_PRIVATE, FALSE);
    seal_item_add_bool(item, CKA_MODIFIABLE, FALSE);
    seal_item_add_text(item, CKA_LABEL, "");
    seal_item_add(item, CKA_ID, NULL, 0);
    seal_item_add_bool(item, CKA_LOCAL, FALSE);
    seal_item_add_bool(item, CKA_SENSITIVE, !is_opened);
    seal_item_add_bool(item, CKA_EXTRACTABLE, is_opened);
    seal_item_add_bool(item, CKA_UNWRAP, !is_opened);
    seal_item_add_bool(item, CKA_DECRYPT, !is_opened);
    return secret;
}

/* -- agreeing -------------------------------------------------------------------------------- */

/* The point as it stands, or in the DER OCTET STRING that some programs put around it. */
static CK_RV
read_point(const CK_ECDH1_DERIVE_PARAMS *parameters, SealCurve curve, SealBytes *ret_point)
{
    SealBytes point = {parameters->pPublicData, parameters->ulPublicDataLen};
    gsize expected = 1 + 2 * seal_curve_coordinate_len(curve);

    if (!point.data || point.len > POINT_DATA_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if (point.len != expected)
        (void)seal_der_is(point, SEAL_DER_OCTET_STRING, &point);
    if (point.len != expected || point.data[0] != 4)
        return CKR_MECHANISM_PARAM_INVALID;
    *ret_point = point;
    return CKR_OK;
}

/* CKD_NULL would hand out the raw secret, which no policy allows. */
static CK_RV
read_derivation(const CK_MECHANISM *mechanism, SealHash *ret_hash, SealSharedInfo *ret_info)
{
    const CK_ECDH1_DERIVE_PARAMS *parameters = mechanism->pParameter;

    if (!parameters || mechanism->ulParameterLen != sizeof *parameters)
        return CKR_MECHANISM_PARAM_INVALID;
    *ret_hash = seal_hash_from_kdf(parameters->kdf);
    if (*ret_hash == SEAL_HASH_NONE || !parameters->pSharedData ||
        parameters->ulSharedDataLen > SHARED_DATA_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    return seal_cms_parse_shared_info(
               (SealBytes){parameters->pSharedData, parameters->ulSharedDataLen}, ret_info)
               ? CKR_OK
               : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV
seal_secret_key_agree(const SealItem *key, const CK_MECHANISM *mechanism,
                      const CK_ATTRIBUTE *template, CK_ULONG count, SealSecretKey **ret_secret)
{
    Wishes wishes = {.class = CKO_SECRET_KEY, .key_type = CKK_AES};
    SealHash hash = SEAL_HASH_NONE;
    SealSharedInfo info = {0};
    SealSecretKey *secret = NULL;
    SealBytes point = {NULL, 0};
    CK_RV rv = read_wishes(template, count, &wishes);

    if (rv != CKR_OK)
        return rv;
    if (mechanism->mechanism != CKM_ECDH1_DERIVE &&
        mechanism->mechanism != CKM_ECDH1_COFACTOR_DERIVE) /* cofactor 1: the same */
        return CKR_MECHANISM_INVALID;
    if (key->algorithm != SEAL_ALGORITHM_EC)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!key->can_decrypt)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    rv = read_derivation(mechanism, &hash, &info);
    if (rv == CKR_OK)
        rv = read_point(mechanism->pParameter, key->curve, &point);
    if (rv != CKR_OK)
        return rv;
    if (wishes.value_len != 0 && wishes.value_len != info.wrap_key_len)
        return CKR_TEMPLATE_INCONSISTENT;
    wishes.value_len = info.wrap_key_len;
    secret = secret_key_new(&wishes, FALSE);
    secret->key = g_strdup(key->key);
    secret->algorithm = seal_cms_agreement(hash, info.wrap);
    secret->originator = seal_cms_originator(point);
    secret->ukm = info.ukm.data ? g_bytes_new(info.ukm.data, info.ukm.len) : NULL;
    *ret_secret = secret;
    return CKR_OK;
}

/* -- opened -------------------------------------------------------------------------------------
 */

CK_RV
seal_secret_key_open(SealSessionKey *value, const CK_ATTRIBUTE *template, CK_ULONG count,
                     SealSecretKey **ret_secret)
{
    g_autoptr(SealSessionKey) owned = value;
    Wishes wishes = {.class = CKO_SECRET_KEY, .key_type = CKK_GENERIC_SECRET};
    CK_RV rv = read_wishes(template, count, &wishes);

    if (rv != CKR_OK)
        return rv;
    if (wishes.value_len != 0 && wishes.value_len != seal_session_key_len(value))
        return CKR_WRAPPED_KEY_LEN_RANGE;
    wishes.value_len = seal_session_key_len(value);
    *ret_secret = secret_key_new(&wishes, TRUE);
    (*ret_secret)->value = g_steal_pointer(&owned);
    return CKR_OK;
}

static CK_RV
read_value(const SealSessionKey *value, CK_ATTRIBUTE *attribute)
{
    gsize len = seal_session_key_len(value);
    CK_ULONG room = attribute->ulValueLen;

    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (attribute->pValue && room < len)
        return CKR_BUFFER_TOO_SMALL;
    if (attribute->pValue)
        memcpy(attribute->pValue, seal_session_key_data(value), len);
    attribute->ulValueLen = len;
    return CKR_OK;
}

CK_RV
seal_secret_key_read(const SealSecretKey *secret, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = template[i].type == CKA_VALUE && secret->value
                       ? read_value(secret->value, &template[i])
                       : seal_item_read(secret->item, &template[i], 1);

        if (first == CKR_OK)
            first = rv;
    }
    return first;
}
