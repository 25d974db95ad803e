/* Each lie changes one step of the making of an object: certificate, compression, the lengths
 * around them. The rest is as SP 800-73-4 has it, so that nothing else can be what a reader
 * stumbles on. */
#include "tests/card/lies.h"

#include <gio/gio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/card/contents.h"
#include "tests/card/tlv.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

enum {
    TAG_OBJECT = 0x53,
    TAG_CERTIFICATE = 0x70,
    TAG_INFO = 0x71,
    TAG_CHECKSUM = 0xfe,
    TAG_RETIRED_FIRST = 0x5fc10d,
    BOMB_LEN = 64 << 20,
    BIG_LEN = 64 << 10,
};

/* -- keys and certificates -------------------------------------------------------------------- */

EVP_PKEY *
seal_lie_key_new(const char *folder, const char *name, const char *kind)
{
    g_autofree char *file = g_strconcat(folder, "/", name, ".pem", NULL);
    g_autoptr(BIO) out = BIO_new_file(file, "w");
    EVP_PKEY *key = g_str_has_prefix(kind, "RSA-")
                        ? EVP_RSA_gen((unsigned)atoi(kind + strlen("RSA-")))
                        : EVP_EC_gen(kind);

    g_assert_nonnull(key);
    g_assert_nonnull(out);
    g_assert_cmpint(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), ==, 1);
    return key;
}

static void
add_usage(X509 *certificate)
{
    X509_EXTENSION *usage =
        X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature");

    g_assert_cmpint(X509_add_ext(certificate, usage, -1), ==, 1);
    X509_EXTENSION_free(usage);
}

/* CN is what `lie` says of it, as an UTF8String. */
static X509 *
certify(EVP_PKEY *key, const char *name, SealLie lie)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    const char *text = lie == SEAL_LIE_NAME ? "\xff\xfe\x1b[31m\x80" : name;
    /* OpenSSL would object to such an UTF8String */
    int type = lie == SEAL_LIE_NAME ? V_ASN1_T61STRING : MBSTRING_UTF8;

    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_set_version(certificate, X509_VERSION_3);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    g_assert_cmpint(
        X509_NAME_add_entry_by_txt(subject, "CN", type, (const guint8 *)text, -1, -1, 0), ==, 1);
    g_assert_cmpint(X509_set_issuer_name(certificate, subject), ==, 1);
    g_assert_cmpint(X509_set_pubkey(certificate, key), ==, 1);
    add_usage(certificate);
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    return certificate;
}

static GByteArray *
encode(X509 *certificate)
{
    guint8 *der = NULL;
    int len = i2d_X509(certificate, &der);
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, der, (guint)len);
    OPENSSL_free(der);
    return bytes;
}

/* -- steps --------------------------------------------------------------------------------------
 */

static GByteArray *
zip(const GByteArray *plain)
{
    g_autoptr(GZlibCompressor) compressor = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
    g_autoptr(GInputStream) in = g_memory_input_stream_new_from_data(plain->data, plain->len, NULL);
    g_autoptr(GInputStream) zipped = g_converter_input_stream_new(in, G_CONVERTER(compressor));
    GByteArray *out = g_byte_array_new();
    guint8 piece[4096];
    gssize got = 0;

    while ((got = g_input_stream_read(zipped, piece, sizeof piece, NULL, NULL)) > 0)
        g_byte_array_append(out, piece, (guint)got);
    g_assert_cmpint(got, ==, 0);
    return out;
}

static void
set_len(GByteArray *bytes, guint len)
{
    guint before = bytes->len;

    g_byte_array_set_size(bytes, len);
    if (len > before)
        memset(bytes->data + before, 0, len - before);
}

static void
spoil(GByteArray *certificate, SealLie lie)
{
    if (lie == SEAL_LIE_RANDOM) /* from a generator that every machine has, the same each time */
        for (guint i = 0; i < certificate->len; i++)
            certificate->data[i] = (guint8)(i * i * 167 + i * 13 + 41);
    if (lie == SEAL_LIE_HALF)
        set_len(certificate, certificate->len / 2);
    if (lie == SEAL_LIE_EMPTY)
        set_len(certificate, 0);
    if (lie == SEAL_LIE_TRAILING)
        set_len(certificate, certificate->len + 16);
    if (lie == SEAL_LIE_64_KIB)
        set_len(certificate, BIG_LEN);
    if (lie == SEAL_LIE_BOMB) {
        set_len(certificate, 0);
        set_len(certificate, BOMB_LEN);
    }
}

static gboolean
is_zipped(SealLie lie)
{
    return lie == SEAL_LIE_ZIPPED || lie == SEAL_LIE_CALLED_PLAIN || lie == SEAL_LIE_ZIPPED_HALF ||
           lie == SEAL_LIE_BOMB;
}

static gboolean
is_called_zipped(SealLie lie)
{
    return lie == SEAL_LIE_CALLED_ZIPPED || (is_zipped(lie) && lie != SEAL_LIE_CALLED_PLAIN);
}

/* Tag and value, and between them the length or what `lies` has instead for the lie. */
typedef struct {
    SealLie lie;
    SealBytes length;
} Length;

static void
put(GByteArray *out, guint8 tag, const GByteArray *value, const Length lies[3], SealLie lie)
{
    for (guint i = 0; i < 3; i++) {
        if (lies[i].lie != lie)
            continue;
        seal_put_u8(out, tag);
        seal_put_bytes(out, lies[i].length.data, lies[i].length.len);
        seal_put_bytes(out, value->data, value->len);
        return;
    }
    seal_tlv_put(out, tag, value->data, value->len);
}

#define BEYOND                                                                                     \
    {                                                                                              \
        (const guint8 *)"\x82\xff\xff", 3                                                          \
    }
#define HUGE_LEN                                                                                   \
    {                                                                                              \
        (const guint8 *)"\x84\xff\xff\xff\xff", 5                                                  \
    }
#define INDEFINITE                                                                                 \
    {                                                                                              \
        (const guint8 *)"\x80", 1                                                                  \
    }

/* The whole of it, tag 53 included. */
static GByteArray *
make_object(EVP_PKEY *key, const char *name, SealLie lie)
{
    static const Length inner[] = {{SEAL_LIE_LENGTH_BEYOND, BEYOND},
                                   {SEAL_LIE_LENGTH_HUGE, HUGE_LEN},
                                   {SEAL_LIE_LENGTH_INDEFINITE, INDEFINITE}};
    static const Length outer[] = {{SEAL_LIE_OUTER_BEYOND, BEYOND},
                                   {SEAL_LIE_OUTER_HUGE, HUGE_LEN},
                                   {SEAL_LIE_OUTER_INDEFINITE, INDEFINITE}};
    g_autoptr(X509) certificate = certify(key, name, lie);
    g_autoptr(GByteArray) plain = encode(certificate);
    g_autoptr(GByteArray) zipped = NULL;
    g_autoptr(GByteArray) parts = g_byte_array_new();
    GByteArray *object = g_byte_array_new();
    guint8 info = is_called_zipped(lie) ? 0x01 : 0x00;

    spoil(plain, lie);
    zipped = is_zipped(lie) ? zip(plain) : NULL;
    if (lie == SEAL_LIE_ZIPPED_HALF)
        set_len(zipped, zipped->len / 2);
    put(parts, TAG_CERTIFICATE, zipped ? zipped : plain, inner, lie);
    seal_tlv_put(parts, TAG_INFO, &info, 1);
    seal_tlv_put(parts, TAG_CHECKSUM, NULL, 0);
    put(object, TAG_OBJECT, parts, outer, lie);
    return object;
}

char *
seal_lie_describe(const char *folder, const char *name, const char *subject, EVP_PKEY *key,
                  SealLie lie, guint at)
{
    g_autofree char *file = g_strconcat(folder, "/", name, ".object", NULL);
    g_autoptr(GByteArray) object = make_object(key, subject, lie);
    g_autoptr(GError) error = NULL;

    (void)g_file_set_contents(file, (const char *)object->data, object->len, &error);
    g_assert_no_error(error);
    return g_strdup_printf("[%X]\nkey=%s/%s.pem\n[object %X]\nfile=%s\nbare=true\n",
                           SEAL_SLOT_RETIRED_FIRST + at - 1, folder, name,
                           TAG_RETIRED_FIRST + at - 1, file);
}
