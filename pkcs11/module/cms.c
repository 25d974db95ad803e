/* A program derives a key-wrapping key with shared data that it has encoded itself; the agent
 * encodes that data from its parts. Only if both come to the same bytes is the derivation what was
 * asked for. */
#include "pkcs11/module/cms.h"

#include <string.h>

#include "pkcs11/core/der.h"

typedef struct {
    guint8 len;
    guint8 octets[9];
} Oid;

static const Oid rsa_encryption = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01}};
static const Oid rsaes_oaep = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07}};
static const Oid mgf1 = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08}};
static const Oid p_specified = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x09}};
static const Oid ec_public_key = {7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}};

static const struct {
    SealHash hash;
    Oid digest;
    Oid std_dh; /* dhSinglePass-stdDH with this hash in its KDF (RFC 5753 7.1.4) */
} hashes[] = {
    {SEAL_HASH_SHA1,
     {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}},
     {9, {0x2b, 0x81, 0x05, 0x10, 0x86, 0x48, 0x3f, 0x00, 0x02}}},
    {SEAL_HASH_SHA224, {0}, {6, {0x2b, 0x81, 0x04, 0x01, 0x0b, 0x00}}},
    {SEAL_HASH_SHA256,
     {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}},
     {6, {0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01}}},
    {SEAL_HASH_SHA384,
     {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}},
     {6, {0x2b, 0x81, 0x04, 0x01, 0x0b, 0x02}}},
    {SEAL_HASH_SHA512,
     {9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}},
     {6, {0x2b, 0x81, 0x04, 0x01, 0x0b, 0x03}}},
};

/* id-aes128-wrap, id-aes192-wrap, id-aes256-wrap (RFC 3565 2.3.2) */
static const struct {
    Oid oid;
    gsize key_len;
} wraps[] = {
    {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x05}}, 16},
    {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x19}}, 24},
    {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d}}, 32},
};

/* -- writing ------------------------------------------------------------------------------- */

static SealBytes
view_of(const GByteArray *array)
{
    return (SealBytes){array->data, array->len};
}

static void
put(GByteArray *out, guint8 tag, SealBytes content)
{
    seal_der_put_header(out, tag, content.len);
    seal_put_bytes(out, content.data, content.len);
}

/* SEQUENCE { oid, parameters }, with `tag` around it unless that is 0. */
static void
put_algorithm(GByteArray *out, guint8 tag, const Oid *oid, SealBytes parameters)
{
    g_autoptr(GByteArray) content = g_byte_array_new();
    g_autoptr(GByteArray) whole = g_byte_array_new();

    put(content, SEAL_DER_OID, (SealBytes){oid->octets, oid->len});
    seal_put_bytes(content, parameters.data, parameters.len);
    put(whole, SEAL_DER_SEQUENCE, view_of(content));
    if (tag)
        put(out, tag, view_of(whole));
    else
        seal_put_bytes(out, whole->data, whole->len);
}

static GBytes *
finish(GByteArray *out)
{
    return g_bytes_new(out->data, out->len);
}

static const guint8 null_element[] = {SEAL_DER_NULL, 0};
static const SealBytes null_parameters = {null_element, sizeof null_element};

GBytes *
seal_cms_rsa_pkcs1(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    put_algorithm(out, 0, &rsa_encryption, null_parameters);
    return finish(out);
}

static const Oid *
digest_oid(SealHash hash)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].hash == hash && hashes[i].digest.len > 0)
            return &hashes[i].digest;
    return NULL;
}

GBytes *
seal_cms_oaep(SealHash hash, SealHash mgf_hash, SealBytes label)
{
    const Oid *digest = digest_oid(hash), *mask = digest_oid(mgf_hash);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GByteArray) inner = g_byte_array_new();
    g_autoptr(GByteArray) parts = g_byte_array_new();
    g_autoptr(GByteArray) parameters = g_byte_array_new();

    if (!digest || !mask)
        return NULL;
    put_algorithm(parts, SEAL_DER_CONTEXT(0), digest, null_parameters);
    put_algorithm(inner, 0, mask, null_parameters);
    put_algorithm(parts, SEAL_DER_CONTEXT(1), &mgf1, view_of(inner));
    if (label.len > 0) {
        g_byte_array_set_size(inner, 0);
        put(inner, SEAL_DER_OCTET_STRING, label);
        put_algorithm(parts, SEAL_DER_CONTEXT(2), &p_specified, view_of(inner));
    }
    put(parameters, SEAL_DER_SEQUENCE, view_of(parts));
    put_algorithm(out, 0, &rsaes_oaep, view_of(parameters));
    return finish(out);
}

GBytes *
seal_cms_agreement(SealHash hash, SealBytes wrap)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        if (hashes[i].hash != hash)
            continue;
        put_algorithm(out, 0, &hashes[i].std_dh, wrap);
        return finish(out);
    }
    return NULL;
}

GBytes *
seal_cms_originator(SealBytes point)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GByteArray) content = g_byte_array_new();

    /* RFC 5753 7.1.2: without parameters the curve is the recipient's */
    put_algorithm(content, 0, &ec_public_key, (SealBytes){NULL, 0});
    seal_der_put_header(content, SEAL_DER_BIT_STRING, point.len + 1);
    seal_put_u8(content, 0);
    seal_put_bytes(content, point.data, point.len);
    put(out, SEAL_DER_SEQUENCE, view_of(content));
    return finish(out);
}

/* -- reading --------------------------------------------------------------------------------- */

static gsize
key_len_of_wrap(SealBytes wrap)
{
    SealBytes content, oid;

    if (!seal_der_is(wrap, SEAL_DER_SEQUENCE, &content) ||
        !seal_der_take(&content, SEAL_DER_OID, &oid))
        return 0;
    for (gsize i = 0; i < G_N_ELEMENTS(wraps); i++)
        if (oid.len == wraps[i].oid.len && memcmp(oid.data, wraps[i].oid.octets, oid.len) == 0)
            return wraps[i].key_len;
    return 0;
}

static gboolean
take_tagged_octets(SealBytes *rest, guint8 n, SealBytes *ret_octets)
{
    SealBytes content;

    return seal_der_take(rest, SEAL_DER_CONTEXT(n), &content) &&
           seal_der_is(content, SEAL_DER_OCTET_STRING, ret_octets);
}

gboolean
seal_cms_parse_shared_info(SealBytes der, SealSharedInfo *ret)
{
    SealSharedInfo info = {0};
    SealBytes rest, bits;
    SealDerElement wrap;

    if (!seal_der_is(der, SEAL_DER_SEQUENCE, &rest) || !seal_der_next(&rest, &wrap))
        return FALSE;
    info.wrap = wrap.whole;
    info.wrap_key_len = key_len_of_wrap(info.wrap);
    if (info.wrap_key_len == 0)
        return FALSE;
    if (rest.len > 0 && rest.data[0] == SEAL_DER_CONTEXT(0) &&
        !take_tagged_octets(&rest, 0, &info.ukm))
        return FALSE;
    /* suppPubInfo: the length of the key-wrapping key in bits, 32 bits, big-endian */
    if (!take_tagged_octets(&rest, 2, &bits) || rest.len > 0 || bits.len != 4 ||
        bits.data[0] != 0 || bits.data[1] != 0 ||
        (gsize)(bits.data[2] << 8 | bits.data[3]) != 8 * info.wrap_key_len)
        return FALSE;
    *ret = info;
    return TRUE;
}
