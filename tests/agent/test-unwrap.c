/* Key.Unwrap by a stock client. The test wraps session keys with OpenSSL as the standards say, and
 * asks for them back; then it damages what it wrapped. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/seal-box.h"
#include "ipc/names.h"
#include "tests/agent/world.h"
#include "tests/support/pinentry.h"

#define KEY_LEN 32

static guint8 session_key[KEY_LEN]; /* drawn at the start */

/* -- one recipient, as CMS carries it ------------------------------------------------ */

typedef struct {
    GBytes *algorithm, *encrypted, *originator, *ukm, *content_encryption, *seal_to;
} Recipient;

static void
recipient_clear(Recipient *recipient)
{
    g_clear_pointer(&recipient->algorithm, g_bytes_unref);
    g_clear_pointer(&recipient->encrypted, g_bytes_unref);
    g_clear_pointer(&recipient->originator, g_bytes_unref);
    g_clear_pointer(&recipient->ukm, g_bytes_unref);
    g_clear_pointer(&recipient->content_encryption, g_bytes_unref);
    g_clear_pointer(&recipient->seal_to, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recipient, recipient_clear)

static GBytes *
from_hex(const char *hex)
{
    GByteArray *bytes = g_byte_array_new();

    for (; hex[0] && hex[1]; hex += 2) {
        guint8 octet = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

        g_byte_array_append(bytes, &octet, 1);
    }
    return g_byte_array_free_to_bytes(bytes);
}

#define AES256_CBC  "301d060960864801650304012a041000000000000000000000000000000000"
#define RSA         "300d06092a864886f70d0101010500"
#define AES256_WRAP "300b060960864801650304012d"
#define AES128_WRAP "300b0609608648016503040105"
/* dhSinglePass-stdDH-sha256kdf, -cofactorDH-sha512kdf, -stdDH-sha1kdf, -stdDH-hkdf-sha256 */
#define STD_SHA256      "301506062b8104010b01" AES256_WRAP
#define COFACTOR_SHA512 "301506062b8104010e03" AES256_WRAP
#define STD_SHA1                                                                                   \
    "301806092b8105108648"                                                                         \
    "3f0002" AES128_WRAP
#define X25519_SHA256 "301a060b2a864886f70d0109100313" AES128_WRAP

/* RSA as RFC 3370 4.2.1 (oaep_hash NULL) or RFC 3560. */
static GBytes *
wrap_rsa(World *world, const char *key, const char *oaep_hash, const char *mgf_hash,
         const char *label)
{
    EVP_PKEY *public_key = world_public_key(world, key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);
    guint8 out[512];
    size_t len = sizeof out;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, oaep_hash ? RSA_PKCS1_OAEP_PADDING
                                                                    : RSA_PKCS1_PADDING),
                    ==, 1);
    if (oaep_hash) {
        EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_get_digestbyname(oaep_hash));
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(mgf_hash));
        if (*label)
            EVP_PKEY_CTX_set0_rsa_oaep_label(context, OPENSSL_strdup(label), (int)strlen(label));
    }
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, session_key, KEY_LEN), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
    return g_bytes_new(out, len);
}

/* RFC 5869 and ANSI X9.63 by OpenSSL's KDFs. */
static void
derive(const char *kdf_name, const char *hash, const guint8 *secret, size_t secret_len,
       GBytes *info, guint8 *kek, size_t kek_len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    gsize info_len = 0;
    void *info_data = (void *)g_bytes_get_data(info, &info_len);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info_data, info_len),
        OSSL_PARAM_construct_end(),
    };

    g_assert_cmpint(EVP_KDF_derive(context, kek, kek_len, parameters), ==, 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static GBytes *
key_wrap(const guint8 *kek, size_t kek_len, const guint8 *key, int key_len)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    guint8 out[KEY_LEN + 8];
    int len = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    g_assert_cmpint(EVP_EncryptInit_ex(context,
                                       kek_len == 32 ? EVP_aes_256_wrap() : EVP_aes_128_wrap(),
                                       NULL, kek, NULL),
                    ==, 1);
    g_assert_cmpint(EVP_EncryptUpdate(context, out, &len, key, key_len), ==, 1);
    EVP_CIPHER_CTX_free(context);
    return g_bytes_new(out, (gsize)len);
}

typedef struct {
    const char *label;     /* of the key */
    const char *algorithm; /* hex */
    const char *kdf, *hash;
    const char *shared_info; /* hex: ECC-CMS-SharedInfo without and with the user keying material */
    const char *ukm;         /* hex or NULL */
    size_t kek_len;
} Agreement;

/* An ephemeral key, its secret with the recipient's key, and the session key wrapped by it. */
static void
agree(World *world, const Agreement *agreement, const char *key, Recipient *recipient)
{
    EVP_PKEY *theirs = world_public_key(world, key);
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_pkey(NULL, theirs, NULL);
    EVP_PKEY_CTX *deriving = NULL;
    EVP_PKEY *ours = NULL;
    guint8 secret[66], kek[32];
    size_t secret_len = sizeof secret;
    unsigned char *der = NULL;
    g_autoptr(GBytes) info = from_hex(agreement->shared_info);

    g_assert_cmpint(EVP_PKEY_keygen_init(making), ==, 1);
    if (EVP_PKEY_is_a(theirs, "EC")) {
        EVP_PKEY_CTX_free(making);
        making = EVP_PKEY_CTX_new(theirs, NULL);
        g_assert_cmpint(EVP_PKEY_keygen_init(making), ==, 1);
    }
    g_assert_cmpint(EVP_PKEY_generate(making, &ours), ==, 1);
    deriving = EVP_PKEY_CTX_new(ours, NULL);
    g_assert_cmpint(EVP_PKEY_derive_init(deriving), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(deriving, theirs), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(deriving, secret, &secret_len), ==, 1);
    derive(agreement->kdf, agreement->hash, secret, secret_len, info, kek, agreement->kek_len);

    recipient->algorithm = from_hex(agreement->algorithm);
    recipient->ukm = agreement->ukm ? from_hex(agreement->ukm) : NULL;
    recipient->content_encryption = from_hex(AES256_CBC);
    recipient->encrypted = key_wrap(kek, agreement->kek_len, session_key, KEY_LEN);
    recipient->originator = g_bytes_new(NULL, 0);
    {
        int len = i2d_PUBKEY(ours, &der);

        g_bytes_unref(recipient->originator);
        recipient->originator = g_bytes_new(der, (gsize)len);
        OPENSSL_free(der);
    }
    EVP_PKEY_CTX_free(deriving);
    EVP_PKEY_CTX_free(making);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static void
add_option(GVariantBuilder *options, const char *name, GBytes *value)
{
    gsize len = 0;
    const void *data = value ? g_bytes_get_data(value, &len) : NULL;

    if (value)
        g_variant_builder_add(options, "{sv}", name, seal_test_bytes(data, len));
}

static GBytes *
unwrap(GDBusConnection *connection, const char *key, const Recipient *recipient, GError **error)
{
    GVariantBuilder options;
    GVariant *answer = NULL;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    add_option(&options, "originator", recipient->originator);
    add_option(&options, "ukm", recipient->ukm);
    add_option(&options, "content-encryption", recipient->content_encryption);
    add_option(&options, "seal-to", recipient->seal_to);
    answer =
        seal_test_call(connection, key, SEAL_INTERFACE_KEY, "Unwrap",
                       g_variant_new("(@ay@aya{sv})",
                                     seal_test_bytes(g_bytes_get_data(recipient->algorithm, NULL),
                                                     g_bytes_get_size(recipient->algorithm)),
                                     seal_test_bytes(g_bytes_get_data(recipient->encrypted, NULL),
                                                     g_bytes_get_size(recipient->encrypted)),
                                     &options),
                       TRUE, error);
    return answer ? seal_test_take_bytes(answer) : NULL;
}

static void
assert_opens(World *world, const char *key, const Recipient *recipient)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) got = unwrap(world->connection, key, recipient, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(got, NULL), g_bytes_get_size(got), session_key, KEY_LEN);
}

/* Returns the error's text (transfer full). */
static char *
assert_fails(World *world, const char *key, const Recipient *recipient, SealErrorCode code,
             const char *words)
{
    GError *error = NULL;
    g_autoptr(GBytes) got = unwrap(world->connection, key, recipient, &error);
    char *text = NULL;

    g_assert_null(got);
    text = g_strdup(error->message);
    seal_test_assert_error(error, code, words);
    return text;
}

static void
flip(GBytes **bytes, gssize at)
{
    gsize len = 0;
    guint8 *copy = g_bytes_unref_to_data(*bytes, &len);

    copy[at >= 0 ? at : (gssize)len + at] ^= 1;
    *bytes = g_bytes_new_take(copy, len);
}

/* -- RSA ------------------------------------------------------------------------------ */

static const struct {
    const char *hash, *mgf_hash, *label;
    const char *algorithm; /* hex */
} oaep_rows[] = {
    {"SHA1", "SHA1", "", "300d06092a864886f70d0101073000"},
    {"SHA256", "SHA256", "",
     "303c06092a864886f70d010107302fa00f300d06096086480165030402010500a11c301a06092a864886f70d01010"
     "8"
     "300d06096086480165030402010500"},
    {"SHA512", "SHA1", "tag",
     "303206092a864886f70d0101073025a00f300d06096086480165030402030500a212301006092a864886f70d01010"
     "904"
     "03746167"},
    {"SHA384", "SHA384", "",
     "303c06092a864886f70d010107302fa00f300d06096086480165030402020500a11c301a06092a864886f70d01010"
     "8"
     "300d06096086480165030402020500"},
};

static void
rsa_keys_open(void)
{
    g_auto(World) world = {NULL};
    g_auto(Recipient) v15 = {NULL};
    g_autofree char *key = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice RSA decryption");
    v15.algorithm = from_hex(RSA);
    v15.content_encryption = from_hex(AES256_CBC);
    v15.encrypted = wrap_rsa(&world, key, NULL, NULL, NULL);
    assert_opens(&world, key, &v15);
    for (size_t i = 0; i < G_N_ELEMENTS(oaep_rows); i++) {
        g_auto(Recipient) oaep = {NULL};

        oaep.algorithm = from_hex(oaep_rows[i].algorithm);
        oaep.encrypted =
            wrap_rsa(&world, key, oaep_rows[i].hash, oaep_rows[i].mgf_hash, oaep_rows[i].label);
        assert_opens(&world, key, &oaep);
    }
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 1);
}

/* No padding oracle: a damaged key gives a key, of the right length, the same each time. */
static void
damaged_v15_key_gives_a_pseudo_random_key(void)
{
    g_auto(World) world = {NULL};
    g_auto(Recipient) recipient = {NULL};
    g_autofree char *key = NULL;
    g_autoptr(GBytes) first = NULL;
    g_autoptr(GBytes) second = NULL;
    g_autoptr(GBytes) other = NULL;
    GError *error = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice RSA decryption");
    recipient.algorithm = from_hex(RSA);
    recipient.content_encryption = from_hex(AES256_CBC);
    recipient.encrypted = wrap_rsa(&world, key, NULL, NULL, NULL);
    flip(&recipient.encrypted, -1);
    first = unwrap(world.connection, key, &recipient, &error);
    g_assert_no_error(error);
    second = unwrap(world.connection, key, &recipient, &error);
    g_assert_no_error(error);
    flip(&recipient.encrypted, -2);
    other = unwrap(world.connection, key, &recipient, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(first), ==, KEY_LEN);
    g_assert_true(g_bytes_equal(first, second));
    g_assert_false(g_bytes_equal(first, other));
}

static void
damaged_keys_of_other_kinds_have_one_error(void)
{
    static const Agreement agreement = {"Alice P-256 decryption",
                                        STD_SHA256,
                                        "X963KDF",
                                        "SHA256",
                                        "3015" AES256_WRAP "a206040400000100",
                                        NULL,
                                        32};
    g_auto(World) world = {NULL};
    g_auto(Recipient) oaep = {NULL};
    g_auto(Recipient) ecdh = {NULL};
    g_auto(Recipient) short_key = {NULL};
    g_autofree char *rsa_key = NULL;
    g_autofree char *ec_key = NULL;
    g_autofree char *oaep_text = NULL;
    g_autofree char *label_text = NULL;
    g_autofree char *ecdh_text = NULL;
    g_autofree char *length_text = NULL;

    world_init(&world, NULL);
    rsa_key = seal_test_key(world.connection, "Alice RSA decryption");
    oaep.algorithm = from_hex(oaep_rows[1].algorithm);
    oaep.encrypted = wrap_rsa(&world, rsa_key, "SHA256", "SHA256", "");
    flip(&oaep.encrypted, 100);
    oaep_text = assert_fails(&world, rsa_key, &oaep, SEAL_ERROR_DECRYPT_FAILED, "");
    /* another label, and another hash than the one it was made with, look the same */
    g_clear_pointer(&oaep.encrypted, g_bytes_unref);
    oaep.encrypted = wrap_rsa(&world, rsa_key, "SHA256", "SHA256", "other");
    label_text = assert_fails(&world, rsa_key, &oaep, SEAL_ERROR_DECRYPT_FAILED, "");
    g_assert_cmpstr(oaep_text, ==, label_text);

    ec_key = seal_test_key(world.connection, agreement.label);
    agree(&world, &agreement, ec_key, &ecdh);
    flip(&ecdh.encrypted, 5);
    ecdh_text = assert_fails(&world, ec_key, &ecdh, SEAL_ERROR_DECRYPT_FAILED, "");
    /* so does a key of another length than the content encryption takes */
    agree(&world, &agreement, ec_key, &short_key);
    g_clear_pointer(&short_key.content_encryption, g_bytes_unref);
    short_key.content_encryption =
        from_hex("301d0609608648016503040102041000000000000000000000000000"
                 "000000");
    length_text = assert_fails(&world, ec_key, &short_key, SEAL_ERROR_DECRYPT_FAILED, "");
    g_assert_cmpstr(ecdh_text, ==, length_text);
}

/* -- Diffie-Hellman ------------------------------------------------------------------------ */

/* The shared infos are written out by hand from RFC 5753 7.2: SEQUENCE { keyInfo, [0] OCTET STRING
 * ukm, [2] OCTET STRING of the KEK's bits in 32 bits }. */
static const Agreement agreements[] = {
    {"Alice P-256 decryption", STD_SHA256, "X963KDF", "SHA256",
     "3015" AES256_WRAP "a206040400000100", NULL, 32},
    {"Alice P-384 decryption", COFACTOR_SHA512, "X963KDF", "SHA512",
     "301d" AES256_WRAP "a00604040a0b0c0da206040400000100", "0a0b0c0d", 32},
    {"Alice P-521 decryption", STD_SHA1, "X963KDF", "SHA1", "3015" AES128_WRAP "a206040400000080",
     NULL, 16},
    {"Alice X25519 decryption", X25519_SHA256, "HKDF", "SHA256",
     "3015" AES128_WRAP "a206040400000080", NULL, 16},
};

static void
agreed_keys_open(void)
{
    g_auto(World) world = {NULL};

    world_init(&world, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(agreements); i++) {
        g_auto(Recipient) recipient = {NULL};
        g_autofree char *key = seal_test_key(world.connection, agreements[i].label);

        agree(&world, &agreements[i], key, &recipient);
        assert_opens(&world, key, &recipient);
    }
}

static void
point_off_the_curve_is_refused_before_the_token(void)
{
    g_auto(World) world = {NULL};
    g_auto(Recipient) recipient = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *text = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, agreements[0].label);
    agree(&world, &agreements[0], key, &recipient);
    flip(&recipient.originator, -1);
    text = assert_fails(&world, key, &recipient, SEAL_ERROR_INVALID_INPUT, "curve");
}

/* -- bad questions ---------------------------------------------------------------------------- */

static void
bad_questions_never_reach_the_token(void)
{
    static const struct {
        const char *label, *algorithm, *originator, *ukm, *content_encryption, *encrypted;
        SealErrorCode code;
        const char *words;
    } rows[] = {
        /* truncated, trailing, not DER */
        {"Alice RSA decryption", "300d06092a864886f70d01010105", NULL, NULL, NULL, "00",
         SEAL_ERROR_INVALID_INPUT, "key encryption algorithm is not valid DER"},
        {"Alice RSA decryption", RSA "00", NULL, NULL, NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "not valid DER"},
        {"Alice RSA decryption", "308006092a864886f70d01010105000000", NULL, NULL, NULL, "00",
         SEAL_ERROR_INVALID_INPUT, "not valid DER"},
        {"Alice RSA decryption", "", NULL, NULL, NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "not valid DER"},
        {"Alice RSA decryption", RSA, NULL, NULL, "3003020101", "00", SEAL_ERROR_INVALID_INPUT,
         "content encryption algorithm is not valid DER"},
        /* well-formed, not served: id-RSASSA-PSS as key encryption, RC2 as content encryption */
        {"Alice RSA decryption", "300d06092a864886f70d01010a0500", NULL, NULL, NULL, "00",
         SEAL_ERROR_NOT_SUPPORTED, "1.2.840.113549.1.1.10"},
        {"Alice RSA decryption", RSA, NULL, NULL, "300c06082a864886f70d03020500", "00",
         SEAL_ERROR_NOT_SUPPORTED, "1.2.840.113549.3.2"},
        /* of another kind of key */
        {"Alice P-256 decryption", RSA, NULL, NULL, NULL, "00", SEAL_ERROR_NOT_SUPPORTED,
         "for keys of type rsa, the key is P-256"},
        {"Alice X25519 decryption", STD_SHA256, NULL, NULL, NULL, "00", SEAL_ERROR_NOT_SUPPORTED,
         "the key is x25519"},
        /* options */
        {"Alice P-256 decryption", STD_SHA256, NULL, NULL, NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "'originator' is missing"},
        {"Alice RSA decryption", RSA, "3000", NULL, NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "not for RSA"},
        {"Alice RSA decryption", RSA, NULL, "00", NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "not for RSA"},
        {"Alice RSA decryption", RSA, NULL, NULL, NULL, "", SEAL_ERROR_INVALID_INPUT, "empty"},
        {"Alice P-256 decryption", STD_SHA256, "3000", NULL, NULL, "00", SEAL_ERROR_INVALID_INPUT,
         "originator's public key is not valid DER"},
        /* a key for signing */
        {"Alice RSA signing", RSA, NULL, NULL, NULL, "00", SEAL_ERROR_KEY_USAGE, "cannot decrypt"},
        {"Alice P-256 signing", STD_SHA256, NULL, NULL, NULL, "00", SEAL_ERROR_KEY_USAGE,
         "key usage"},
    };
    g_auto(World) world = {NULL};

    world_init(&world, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Recipient) recipient = {NULL};
        g_autofree char *key = seal_test_key(world.connection, rows[i].label);
        g_autofree char *text = NULL;

        recipient.algorithm = from_hex(rows[i].algorithm);
        recipient.encrypted = from_hex(rows[i].encrypted);
        recipient.originator = rows[i].originator ? from_hex(rows[i].originator) : NULL;
        recipient.ukm = rows[i].ukm ? from_hex(rows[i].ukm) : NULL;
        recipient.content_encryption =
            rows[i].content_encryption ? from_hex(rows[i].content_encryption) : NULL;
        text = assert_fails(&world, key, &recipient, rows[i].code, rows[i].words);
    }
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
}

static void
too_long_keys_exceed_the_limit(void)
{
    g_auto(World) world = {NULL};
    g_auto(Recipient) recipient = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *text = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice RSA decryption");
    recipient.algorithm = from_hex(RSA);
    recipient.encrypted = g_bytes_new_take(g_malloc0(SEAL_LIMIT_DATA + 1), SEAL_LIMIT_DATA + 1);
    text = assert_fails(&world, key, &recipient, SEAL_ERROR_LIMIT_EXCEEDED, "at most 65536");
}

/* -- the shared bus --------------------------------------------------------------------------- */

static void
shared_bus_gets_sealed_answers_only(void)
{
    g_auto(World) world = {NULL};
    g_auto(Recipient) recipient = {NULL};
    g_autofree char *key = NULL;
    g_autoptr(GDBusConnection) bus = NULL;
    g_autoptr(GBytes) none = NULL;
    g_autoptr(GBytes) box = NULL;
    g_autoptr(SealSecret) own = NULL;
    g_autoptr(SealSecret) opened = NULL;
    guint8 public_key[SEAL_BOX_KEY_LEN];
    GError *error = NULL;

    world_init(&world, NULL);
    bus = seal_test_shared();
    key = seal_test_key(bus, "Alice RSA decryption");
    recipient.algorithm = from_hex(RSA);
    recipient.content_encryption = from_hex(AES256_CBC);
    recipient.encrypted = wrap_rsa(&world, key, NULL, NULL, NULL);
    none = unwrap(bus, key, &recipient, &error);
    g_assert_null(none);
    seal_test_assert_error(error, SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED, "seal-to");
    error = NULL;

    recipient.seal_to = g_bytes_new_static("too short", 9);
    none = unwrap(bus, key, &recipient, &error);
    seal_test_assert_error(error, SEAL_ERROR_INVALID_INPUT, "32 bytes");
    error = NULL;
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);

    own = seal_box_key_new(public_key, &error);
    g_assert_no_error(error);
    g_clear_pointer(&recipient.seal_to, g_bytes_unref);
    recipient.seal_to = g_bytes_new(public_key, sizeof public_key);
    box = unwrap(bus, key, &recipient, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(box), ==, KEY_LEN + SEAL_BOX_OVERHEAD);
    opened =
        seal_box_open(own, (SealBytes){g_bytes_get_data(box, NULL), g_bytes_get_size(box)}, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(seal_secret_peek(opened), seal_secret_len(opened), session_key, KEY_LEN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < KEY_LEN; i++)
        session_key[i] = (guint8)g_test_rand_int();
    g_test_add_func("/unwrap/rsa-keys-open", rsa_keys_open);
    g_test_add_func("/unwrap/damaged-v15-key/gives-a-pseudo-random-key",
                    damaged_v15_key_gives_a_pseudo_random_key);
    g_test_add_func("/unwrap/damaged-keys-of-other-kinds/have-one-error",
                    damaged_keys_of_other_kinds_have_one_error);
    g_test_add_func("/unwrap/agreed-keys-open", agreed_keys_open);
    g_test_add_func("/unwrap/point-off-the-curve/is-refused-before-the-token",
                    point_off_the_curve_is_refused_before_the_token);
    g_test_add_func("/unwrap/bad-questions/never-reach-the-token",
                    bad_questions_never_reach_the_token);
    g_test_add_func("/unwrap/too-long-keys/exceed-the-limit", too_long_keys_exceed_the_limit);
    g_test_add_func("/unwrap/shared-bus/gets-sealed-answers-only",
                    shared_bus_gets_sealed_answers_only);
    return g_test_run();
}
