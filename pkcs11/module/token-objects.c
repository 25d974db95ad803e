/* The attributes of certificates and keys. What is DER is cut out of the DER that the agent gave,
 * byte for byte: NSS and GnuTLS compare and hash these values.
 *
 * A certificate and the two halves of its key have one CKA_ID: OpenSSH and Java find one by the
 * other. */
#include "pkcs11/module/token-objects.h"

#include <string.h>

#include "pkcs11/core/der.h"

/* -- reading certificates --------------------------------------------------------------- */

typedef struct {
    SealBytes serial, issuer, subject, public_key; /* each the whole element */
} Fields;

/* RFC 5280 4.1: version [0], serial, signature, issuer, validity, subject, public key, ... */
static gboolean
read_fields(SealBytes der, Fields *ret)
{
    SealBytes certificate, rest;
    SealDerElement element;

    if (!seal_der_is(der, SEAL_DER_SEQUENCE, &certificate) ||
        !seal_der_take(&certificate, SEAL_DER_SEQUENCE, &rest) || !seal_der_next(&rest, &element))
        return FALSE;
    if (element.tag == SEAL_DER_CONTEXT(0) && !seal_der_next(&rest, &element))
        return FALSE;
    ret->serial = element.whole;
    if (!seal_der_next(&rest, &element) || !seal_der_next(&rest, &element))
        return FALSE;
    ret->issuer = element.whole;
    if (!seal_der_next(&rest, &element) || !seal_der_next(&rest, &element))
        return FALSE;
    ret->subject = element.whole;
    if (!seal_der_next(&rest, &element))
        return FALSE;
    ret->public_key = element.whole;
    return TRUE;
}

static SealBytes
peek(GBytes *bytes)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);

    return (SealBytes){data, len};
}

static gboolean
bytes_are(SealBytes bytes, const void *data, gsize len)
{
    return bytes.len == len && memcmp(bytes.data, data, len) == 0;
}

/* The last commonName of a Name, if it is text in ASCII or UTF-8 (transfer full). */
static char *
read_common_name(SealBytes name)
{
    static const guint8 common_name[] = {0x55, 0x04, 0x03}; /* 2.5.4.3 */
    SealBytes sets, set, pair, oid;
    char *found = NULL;

    if (!seal_der_is(name, SEAL_DER_SEQUENCE, &sets))
        return NULL;
    while (seal_der_take(&sets, 0x31, &set)) { /* SET OF AttributeTypeAndValue */
        SealDerElement value;

        if (!seal_der_take(&set, SEAL_DER_SEQUENCE, &pair) ||
            !seal_der_take(&pair, SEAL_DER_OID, &oid) || !seal_der_next(&pair, &value) ||
            !bytes_are(oid, common_name, sizeof common_name) ||
            !g_utf8_validate_len((const char *)value.content.data, value.content.len, NULL))
            continue;
        g_free(found);
        found = g_strndup((const char *)value.content.data, value.content.len);
    }
    return found;
}

/* -- reading public keys ------------------------------------------------------------------ */

typedef struct {
    SealBytes parameters; /* of the AlgorithmIdentifier: the whole element, or its OID */
    SealBytes key;        /* content of the BIT STRING */
    SealBytes modulus, exponent;
} KeyFields;

/* Unsigned: PKCS#11 wants no leading zero. */
static SealBytes
strip_sign(SealBytes integer)
{
    while (integer.len > 1 && integer.data[0] == 0)
        integer = (SealBytes){integer.data + 1, integer.len - 1};
    return integer;
}

static gboolean
read_public_key(SealBytes info, KeyFields *ret)
{
    SealBytes rest, algorithm, bits, numbers;
    SealDerElement oid, parameters;

    if (!seal_der_is(info, SEAL_DER_SEQUENCE, &rest) ||
        !seal_der_take(&rest, SEAL_DER_SEQUENCE, &algorithm) ||
        !seal_der_take(&rest, SEAL_DER_BIT_STRING, &bits) || bits.len < 2 ||
        !seal_der_next(&algorithm, &oid))
        return FALSE;
    /* Ed25519 and X25519 are named by the algorithm alone (RFC 8410 3). */
    ret->parameters = seal_der_next(&algorithm, &parameters) ? parameters.whole : oid.whole;
    ret->key = (SealBytes){bits.data + 1, bits.len - 1};
    if (seal_der_is(ret->key, SEAL_DER_SEQUENCE, &numbers) &&
        seal_der_take(&numbers, SEAL_DER_INTEGER, &ret->modulus) &&
        seal_der_take(&numbers, SEAL_DER_INTEGER, &ret->exponent)) {
        ret->modulus = strip_sign(ret->modulus);
        ret->exponent = strip_sign(ret->exponent);
    }
    return TRUE;
}

/* -- ids ------------------------------------------------------------------------------------ */

/* CKA_ID where the token has none: SHA-1 of the public key, as RFC 5280 4.2.1.2 (1) and most tokens
 * make it. (transfer full) */
static GBytes *
id_of_public_key(SealBytes info)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    KeyFields fields = {0};
    guint8 digest[20];
    gsize len = sizeof digest;

    if (!read_public_key(info, &fields))
        return g_bytes_new(NULL, 0);
    g_checksum_update(checksum, fields.key.data, (gssize)fields.key.len);
    g_checksum_get_digest(checksum, digest, &len);
    return g_bytes_new(digest, len);
}

static GBytes *
id_of_key(const SealClientKey *key)
{
    if (g_bytes_get_size(key->id) > 0)
        return g_bytes_ref(key->id);
    return id_of_public_key(peek(key->public_key));
}

static void
add_slice(SealItem *item, CK_ATTRIBUTE_TYPE type, SealBytes slice)
{
    seal_item_add(item, type, slice.data, slice.len);
}

static void
add_storage(SealItem *item, gboolean is_private, const char *label)
{
    seal_item_add_bool(item, CKA_TOKEN, TRUE);
    seal_item_add_bool(item, CKA_PRIVATE, is_private);
    seal_item_add_bool(item, CKA_MODIFIABLE, FALSE);
    seal_item_add_bool(item, CKA_COPYABLE, FALSE);
    seal_item_add_bool(item, CKA_DESTROYABLE, FALSE);
    seal_item_add_text(item, CKA_LABEL, label);
}

/* -- certificates ---------------------------------------------------------------------------- */

/* By GDate, which takes no lock: gmtime_r() and strftime() take that of the time zone, which no child
 * gets that was forked while another thread had it. */
static void
add_date(SealItem *item, CK_ATTRIBUTE_TYPE type, gint64 seconds)
{
    const gint64 epoch = 719163, last = 3652059; /* julian days of 1970-01-01 and 9999-12-31 */
    gint64 day = epoch + seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
    char text[32];
    GDate date;

    if (day < 1 || day > last) {
        seal_item_add(item, type, NULL, 0);
        return;
    }
    g_date_clear(&date, 1);
    g_date_set_julian(&date, (guint32)day);
    (void)g_snprintf(text, sizeof text, "%04u%02u%02u", g_date_get_year(&date),
                     (guint)g_date_get_month(&date), g_date_get_day(&date));
    seal_item_add(item, type, text, sizeof(CK_DATE));
}

/* PKCS#11 4.6.3: the first three bytes of the SHA-1 of the certificate. */
static void
add_check_value(SealItem *item, SealBytes der)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[20];
    gsize len = sizeof digest;

    g_checksum_update(checksum, der.data, (gssize)der.len);
    g_checksum_get_digest(checksum, digest, &len);
    seal_item_add(item, CKA_CHECK_VALUE, digest, 3);
}

static char *
label_of_certificate(const SealClientCertificate *certificate, const SealClientKey *key,
                     const Fields *fields)
{
    char *name = NULL;

    if (key && *key->label)
        return g_strdup(key->label);
    name = read_common_name(fields->subject);
    return name ? name : g_strdup(certificate->subject);
}

SealItem *
seal_object_of_certificate(const SealClientCertificate *certificate, const SealClientKey *key)
{
    SealBytes der = peek(certificate->certificate);
    g_autofree char *label = NULL;
    Fields fields = {0};
    SealItem *item = NULL;

    if (!read_fields(der, &fields))
        return NULL;
    label = label_of_certificate(certificate, key, &fields);
    item = seal_item_new(CKO_CERTIFICATE);
    add_storage(item, FALSE, label);
    seal_item_add_ulong(item, CKA_CERTIFICATE_TYPE, CKC_X_509);
    seal_item_add_bool(item, CKA_TRUSTED, FALSE);
    /* 1 is a token user's certificate, 0 is unspecified */
    seal_item_add_ulong(item, CKA_CERTIFICATE_CATEGORY, key ? 1 : 0);
    seal_item_add_ulong(item, CKA_JAVA_MIDP_SECURITY_DOMAIN, 0);
    add_check_value(item, der);
    add_date(item, CKA_START_DATE, certificate->not_before);
    add_date(item, CKA_END_DATE, certificate->not_after);
    add_slice(item, CKA_SUBJECT, fields.subject);
    add_slice(item, CKA_ISSUER, fields.issuer);
    add_slice(item, CKA_SERIAL_NUMBER, fields.serial);
    add_slice(item, CKA_PUBLIC_KEY_INFO, fields.public_key);
    seal_item_take_bytes(item, CKA_ID, key ? id_of_key(key) : id_of_public_key(fields.public_key));
    seal_item_take_bytes(item, CKA_VALUE, g_bytes_ref(certificate->certificate));
    seal_item_add(item, CKA_URL, NULL, 0);
    return item;
}

/* -- keys ---------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    SealAlgorithm algorithm;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE generated_by;
} algorithms[] = {
    {"rsa", SEAL_ALGORITHM_RSA, CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN},
    {"ec", SEAL_ALGORITHM_EC, CKK_EC, CKM_EC_KEY_PAIR_GEN},
    {"ed25519", SEAL_ALGORITHM_ED25519, CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN},
    {"x25519", SEAL_ALGORITHM_X25519, SEAL_CKK_EC_MONTGOMERY, CK_UNAVAILABLE_INFORMATION},
};

static SealCurve
curve_from_bits(guint bits)
{
    for (SealCurve curve = SEAL_CURVE_P256; curve <= SEAL_CURVE_P521; curve++)
        if (seal_curve_bits(curve) == bits)
            return curve;
    return SEAL_CURVE_NONE;
}

static void
add_point(SealItem *item, SealBytes key)
{
    g_autoptr(GByteArray) point = g_byte_array_new();

    /* PKCS#11 2.3.3: DER of the OCTET STRING that holds the point */
    seal_der_put_header(point, SEAL_DER_OCTET_STRING, key.len);
    seal_put_bytes(point, key.data, key.len);
    seal_item_add(item, CKA_EC_POINT, point->data, point->len);
}

static void
add_public_numbers(SealItem *item, const SealClientKey *key, const KeyFields *fields)
{
    add_slice(item, CKA_PUBLIC_KEY_INFO, peek(key->public_key));
    if (item->algorithm == SEAL_ALGORITHM_RSA) {
        add_slice(item, CKA_MODULUS, fields->modulus);
        add_slice(item, CKA_PUBLIC_EXPONENT, fields->exponent);
        seal_item_add_ulong(item, CKA_MODULUS_BITS, key->bits);
        return;
    }
    add_slice(item, CKA_EC_PARAMS, fields->parameters);
    add_point(item, fields->key);
}

static guint
read_raw_operations(char **names)
{
    static const struct {
        const char *name;
        SealOpenRaw raw;
    } operations[] = {
        {"ecdh", SEAL_OPEN_ECDH},
        {"rsa-sign", SEAL_OPEN_RSA_SIGN},
        {"rsa-decrypt", SEAL_OPEN_RSA_DECRYPT},
    };
    guint set = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
        if (g_strv_contains((const char *const *)names, operations[i].name))
            set |= operations[i].raw;
    return set;
}

/* What both halves of a key have. NULL if the key cannot be read. */
static SealItem *
start_key(CK_OBJECT_CLASS class, const SealClientKey *key, const SealClientCertificate *certificate)
{
    KeyFields fields = {0};
    Fields owner = {0};
    SealItem *item = NULL;
    gsize i = 0;

    while (i < G_N_ELEMENTS(algorithms) && !g_str_equal(algorithms[i].name, key->algorithm))
        i++;
    if (i == G_N_ELEMENTS(algorithms) || !read_public_key(peek(key->public_key), &fields) ||
        (algorithms[i].algorithm == SEAL_ALGORITHM_RSA && fields.exponent.len == 0))
        return NULL;
    item = seal_item_new(class);
    item->algorithm = algorithms[i].algorithm;
    item->bits = key->bits;
    item->curve =
        item->algorithm == SEAL_ALGORITHM_EC ? curve_from_bits(key->bits) : SEAL_CURVE_NONE;
    item->can_sign = g_strv_contains((const char *const *)key->purposes, "sign");
    item->can_decrypt = g_strv_contains((const char *const *)key->purposes, "decrypt");
    add_storage(item, class == CKO_PRIVATE_KEY, key->label);
    seal_item_add_ulong(item, CKA_KEY_TYPE, algorithms[i].type);
    seal_item_add_ulong(item, CKA_KEY_GEN_MECHANISM,
                        key->imported ? CK_UNAVAILABLE_INFORMATION : algorithms[i].generated_by);
    seal_item_add_bool(item, CKA_LOCAL, !key->imported);
    seal_item_take_bytes(item, CKA_ID, id_of_key(key));
    seal_item_add(item, CKA_START_DATE, NULL, 0);
    seal_item_add(item, CKA_END_DATE, NULL, 0);
    if (certificate && read_fields(peek(certificate->certificate), &owner))
        add_slice(item, CKA_SUBJECT, owner.subject);
    else
        seal_item_add(item, CKA_SUBJECT, NULL, 0);
    add_public_numbers(item, key, &fields);
    return item;
}

/* Encryption with RSA, agreement with EC. */
static gboolean
decrypts(const SealItem *item)
{
    return item->can_decrypt && item->algorithm == SEAL_ALGORITHM_RSA;
}

static gboolean
derives(const SealItem *item)
{
    return item->can_decrypt && item->algorithm != SEAL_ALGORITHM_RSA;
}

SealItem *
seal_object_of_public_key(const SealClientKey *key, const SealClientCertificate *certificate)
{
    SealItem *item = start_key(CKO_PUBLIC_KEY, key, certificate);

    if (!item)
        return NULL;
    seal_item_add_bool(item, CKA_TRUSTED, FALSE);
    seal_item_add_bool(item, CKA_VERIFY, item->can_sign);
    seal_item_add_bool(item, CKA_VERIFY_RECOVER, FALSE);
    seal_item_add_bool(item, CKA_ENCRYPT, decrypts(item));
    seal_item_add_bool(item, CKA_WRAP, decrypts(item));
    seal_item_add_bool(item, CKA_DERIVE, derives(item));
    return item;
}

SealItem *
seal_object_of_private_key(const SealClientKey *key, const SealClientCertificate *certificate)
{
    SealItem *item = NULL;

    if (g_str_equal(key->algorithm, "x25519"))
        return NULL;
    item = start_key(CKO_PRIVATE_KEY, key, certificate);
    if (!item)
        return NULL;
    item->key = g_strdup(key->path);
    item->raw = read_raw_operations(key->raw_operations);
    seal_item_add_bool(item, CKA_SENSITIVE, TRUE);
    seal_item_add_bool(item, CKA_ALWAYS_SENSITIVE, !key->imported);
    seal_item_add_bool(item, CKA_EXTRACTABLE, FALSE);
    seal_item_add_bool(item, CKA_NEVER_EXTRACTABLE, !key->imported);
    /* The agent asks for the PIN where a key wants it for each use; programs need not know. */
    seal_item_add_bool(item, CKA_ALWAYS_AUTHENTICATE, FALSE);
    seal_item_add_bool(item, CKA_WRAP_WITH_TRUSTED, FALSE);
    seal_item_add_bool(item, CKA_SIGN, item->can_sign);
    seal_item_add_bool(item, CKA_SIGN_RECOVER, FALSE);
    seal_item_add_bool(item, CKA_DECRYPT, decrypts(item));
    seal_item_add_bool(item, CKA_UNWRAP, FALSE);
    seal_item_add_bool(item, CKA_DERIVE, derives(item));
    return item;
}

SealItem *
seal_object_of_profile(void)
{
    SealItem *item = seal_item_new(SEAL_CKO_PROFILE);

    add_storage(item, FALSE, "");
    seal_item_add_ulong(item, SEAL_CKA_PROFILE_ID, SEAL_CKP_PUBLIC_CERTIFICATES_TOKEN);
    return item;
}
