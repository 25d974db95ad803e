/* ECDH1_DERIVE is lazy: a program derives a key-wrapping key only to open one wrapped key with it,
 * and the agent does both in one Unwrap, so that no shared secret leaves it. The object made here
 * holds what that one call needs. Only where the policy opens the raw secret (CKD_NULL) is it
 * derived at once; its template says whether it can be read. */
#include "pkcs11/module/secret-key.h"

#include <string.h>

#include "pkcs11/core/der.h"
#include "pkcs11/module/cms.h"
#include "pkcs11/module/failure.h"
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
    g_clear_pointer(&secret->point, g_bytes_unref);
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
    CK_BBOOL on_token, sensitive, extractable;
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
        {CKA_SENSITIVE, &wishes->sensitive, sizeof wishes->sensitive},
        {CKA_EXTRACTABLE, &wishes->extractable, sizeof wishes->extractable},
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

/* `is_lazy`: it opens a wrapped key, and has no value. */
static SealSecretKey *
secret_key_new(const Wishes *wishes, gboolean is_lazy)
{
    SealSecretKey *secret = g_atomic_rc_box_new0(SealSecretKey);
    SealItem *item = seal_item_new(CKO_SECRET_KEY);

    secret->item = item;
    secret->value_len = wishes->value_len;
    secret->readable = wishes->extractable && !wishes->sensitive;
    seal_item_add_ulong(item, CKA_KEY_TYPE, wishes->key_type);
    seal_item_add_ulong(item, CKA_VALUE_LEN, wishes->value_len);
    seal_item_add_bool(item, CKA_TOKEN, FALSE);
    seal_item_add_bool(item, CKA_PRIVATE, FALSE);
    seal_item_add_bool(item, CKA_MODIFIABLE, FALSE);
    seal_item_add_text(item, CKA_LABEL, "");
    seal_item_add(item, CKA_ID, NULL, 0);
    seal_item_add_bool(item, CKA_LOCAL, FALSE);
    seal_item_add_bool(item, CKA_SENSITIVE, wishes->sensitive);
    seal_item_add_bool(item, CKA_EXTRACTABLE, wishes->extractable);
    seal_item_add_bool(item, CKA_UNWRAP, is_lazy);
    seal_item_add_bool(item, CKA_DECRYPT, is_lazy);
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

/* With a KDF: of the shared data that CMS has. */
static CK_RV
read_derivation(const CK_ECDH1_DERIVE_PARAMS *parameters, SealHash *ret_hash,
                SealSharedInfo *ret_info)
{
    *ret_hash = seal_hash_from_kdf(parameters->kdf);
    if (*ret_hash == SEAL_HASH_NONE || !parameters->pSharedData ||
        parameters->ulSharedDataLen > SHARED_DATA_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    return seal_cms_parse_shared_info(
               (SealBytes){parameters->pSharedData, parameters->ulSharedDataLen}, ret_info)
               ? CKR_OK
               : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV
agree_lazily(const SealItem *key, const CK_ECDH1_DERIVE_PARAMS *parameters, SealBytes point,
             Wishes *wishes, SealSecretKey **ret_secret)
{
    SealHash hash = SEAL_HASH_NONE;
    SealSharedInfo info = {0};
    SealSecretKey *secret = NULL;
    CK_RV rv = read_derivation(parameters, &hash, &info);

    if (rv != CKR_OK)
        return rv;
    if (wishes->value_len != 0 && wishes->value_len != info.wrap_key_len)
        return CKR_TEMPLATE_INCONSISTENT;
    wishes->value_len = info.wrap_key_len;
    wishes->sensitive = CK_TRUE; /* whatever was asked for: nobody computes it */
    wishes->extractable = CK_FALSE;
    secret = secret_key_new(wishes, TRUE);
    secret->key = g_strdup(key->key);
    secret->algorithm = seal_cms_agreement(hash, info.wrap);
    secret->originator = seal_cms_originator(point);
    secret->ukm = info.ukm.data ? g_bytes_new(info.ukm.data, info.ukm.len) : NULL;
    *ret_secret = secret;
    return CKR_OK;
}

/* How long a raw secret may be made: ECDH derivation in PKCS#11 cuts it at its beginning. */
static CK_RV
settle_len(Wishes *wishes, gsize secret_len)
{
    if (wishes->key_type == CKK_AES && wishes->value_len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if (wishes->key_type == CKK_AES && wishes->value_len != 16 && wishes->value_len != 24 &&
        wishes->value_len != 32)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (wishes->key_type != CKK_AES && wishes->key_type != CKK_GENERIC_SECRET)
        return CKR_TEMPLATE_INCONSISTENT;
    if (wishes->value_len == 0)
        wishes->value_len = secret_len;
    return wishes->value_len <= secret_len ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV
agree_raw(const SealItem *key, const CK_ECDH1_DERIVE_PARAMS *parameters, SealBytes point,
          Wishes *wishes, SealSecretKey **ret_secret)
{
    SealSecretKey *secret = NULL;
    CK_RV rv = CKR_OK;

    if (!(key->raw & SEAL_OPEN_ECDH) || parameters->ulSharedDataLen > 0)
        return CKR_MECHANISM_PARAM_INVALID;
    rv = settle_len(wishes, seal_curve_coordinate_len(key->curve));
    if (rv != CKR_OK)
        return rv;
    secret = secret_key_new(wishes, FALSE);
    secret->key = g_strdup(key->key);
    secret->point = g_bytes_new(point.data, point.len);
    *ret_secret = secret;
    return CKR_OK;
}

CK_RV
seal_secret_key_agree(const SealItem *key, const CK_MECHANISM *mechanism,
                      const CK_ATTRIBUTE *template, CK_ULONG count, SealSecretKey **ret_secret)
{
    Wishes wishes = {.class = CKO_SECRET_KEY, .key_type = CKK_AES, .sensitive = CK_TRUE};
    const CK_ECDH1_DERIVE_PARAMS *parameters = mechanism->pParameter;
    SealBytes point = {NULL, 0};
    CK_RV rv = CKR_OK;

    if (mechanism->mechanism != CKM_ECDH1_DERIVE &&
        mechanism->mechanism != CKM_ECDH1_COFACTOR_DERIVE) /* cofactor 1: the same */
        return CKR_MECHANISM_INVALID;
    if (!parameters || mechanism->ulParameterLen != sizeof *parameters)
        return CKR_MECHANISM_PARAM_INVALID;
    if (key->algorithm != SEAL_ALGORITHM_EC)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!key->can_decrypt)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (parameters->kdf == CKD_NULL)
        wishes.key_type = CKK_GENERIC_SECRET;
    rv = read_wishes(template, count, &wishes);
    if (rv == CKR_OK)
        rv = read_point(parameters, key->curve, &point);
    if (rv != CKR_OK)
        return rv;
    return (parameters->kdf == CKD_NULL ? agree_raw : agree_lazily)(key, parameters, point, &wishes,
                                                                    ret_secret);
}

CK_RV
seal_secret_key_derive(SealSecretKey *secret, SealClient *client)
{
    g_autoptr(GError) error = NULL;

    secret->value = seal_client_raw(client, secret->key, "ecdh", secret->point, &error);
    if (!secret->value)
        return seal_failure_to_rv(error, CKR_MECHANISM_PARAM_INVALID);
    return seal_session_key_len(secret->value) >= secret->value_len ? CKR_OK : CKR_GENERAL_ERROR;
}

/* -- opened -------------------------------------------------------------------------------------
 */

CK_RV
seal_secret_key_open(SealSessionKey *value, const CK_ATTRIBUTE *template, CK_ULONG count,
                     SealSecretKey **ret_secret)
{
    g_autoptr(SealSessionKey) owned = value;
    Wishes wishes = {
        .class = CKO_SECRET_KEY, .key_type = CKK_GENERIC_SECRET, .extractable = CK_TRUE};
    CK_RV rv = read_wishes(template, count, &wishes);

    if (rv != CKR_OK)
        return rv;
    if (wishes.value_len != 0 && wishes.value_len != seal_session_key_len(value))
        return CKR_WRAPPED_KEY_LEN_RANGE;
    wishes.value_len = seal_session_key_len(value);
    *ret_secret = secret_key_new(&wishes, FALSE);
    (*ret_secret)->value = g_steal_pointer(&owned);
    return CKR_OK;
}

static CK_RV
read_value(const SealSecretKey *secret, CK_ATTRIBUTE *attribute)
{
    gsize len = secret->value_len;
    CK_ULONG room = attribute->ulValueLen;

    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (attribute->pValue && room < len)
        return CKR_BUFFER_TOO_SMALL;
    if (attribute->pValue)
        memcpy(attribute->pValue,
               seal_session_key_data(secret->value) + seal_session_key_len(secret->value) - len,
               len);
    attribute->ulValueLen = len;
    return CKR_OK;
}

CK_RV
seal_secret_key_read(const SealSecretKey *secret, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = template[i].type == CKA_VALUE && secret->value && secret->readable
                       ? read_value(secret, &template[i])
                       : seal_item_read(secret->item, &template[i], 1);

        if (first == CKR_OK)
            first = rv;
    }
    return first;
}
