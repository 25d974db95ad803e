/* Algorithms that OpenSSL 3.0's CMS does not know, against published vectors and messages that
 * another program wrote; and AlgorithmIdentifiers that say something else than they should. */
#include "base/error.h"
#include "smime/cms.h"
#include "smime/content.h"
#include "smime/entity.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"
#include "tests/support/home.h"

#include <openssl/objects.h>
#include <string.h>

static GBytes *
from_hex(const char *hex)
{
    gsize len = strlen(hex) / 2;
    guint8 *bytes = g_malloc(len + 1);

    for (gsize i = 0; i < len; i++)
        bytes[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return g_bytes_new_take(bytes, len);
}

/* -- content ---------------------------------------------------------------------------------- */

typedef struct {
    const char *oid;
    const char *key, *nonce, *associated, *plaintext, *ciphertext, *tag; /* hexadecimal */
} AeadVector;

/* RFC 8439 2.8.2, and test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega). */
static const AeadVector chacha20 = {
    "1.2.840.113549.1.9.16.3.18",
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    "070000004041424344454647",
    "50515253c0c1c2c3c4c5c6c7",
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920"
    "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c207375"
    "6e73637265656e20776f756c642062652069742e",
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da9272"
    "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831"
    "d7bc3ff4def08e4b7a9de576d26586cec64b6116",
    "1ae10b594f09e26a7e902ecbd0600691"};
static const AeadVector gcm = {
    "2.16.840.1.101.3.4.1.46",
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b5"
    "25b16aedf5aa0de657ba637b39",
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10568288"
    "38c5f61e6393ba7a0abcc9f662",
    "76fc6ece0f4e1768cddf8853bb2d551b"};

/* SEQUENCE { OID, parameters }, the parameters as DER; NULL for none. */
static X509_ALGOR *
algorithm_with(const char *oid, const char *parameters)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();

    ASN1_OBJECT_free(algorithm->algorithm);
    algorithm->algorithm = OBJ_txt2obj(oid, 1);
    if (parameters) {
        g_autoptr(GBytes) der = from_hex(parameters);
        const unsigned char *at = g_bytes_get_data(der, NULL);

        algorithm->parameter = d2i_ASN1_TYPE(NULL, &at, (long)g_bytes_get_size(der));
        g_assert_nonnull(algorithm->parameter);
    }
    return algorithm;
}

static void
test_aead_vector(gconstpointer data)
{
    const AeadVector *vector = data;
    g_autofree char *parameters = g_str_equal(vector->oid, gcm.oid)
                                      ? g_strdup_printf("3011040c%s020110", vector->nonce)
                                      : g_strdup_printf("040c%s", vector->nonce);
    X509_ALGOR *identifier = algorithm_with(vector->oid, parameters);
    g_autoptr(GBytes) key_bytes = from_hex(vector->key);
    g_autoptr(SealSecret) key = seal_secret_new_copy(g_bytes_get_data(key_bytes, NULL), 32);
    g_autoptr(GBytes) associated = from_hex(vector->associated);
    g_autoptr(GBytes) plaintext = from_hex(vector->plaintext);
    g_autoptr(GBytes) ciphertext = from_hex(vector->ciphertext);
    g_autoptr(GBytes) tag = from_hex(vector->tag);
    g_autoptr(GBytes) opened = NULL;
    SealContentAlgorithm algorithm;
    const char *reason = NULL;

    g_assert_cmpint(seal_content_algorithm_read(identifier, TRUE, 16, &algorithm, &reason), ==,
                    SEAL_VERDICT_OK);
    opened = seal_content_decrypt(&algorithm, key, seal_bytes_view(ciphertext),
                                  seal_bytes_view(tag), seal_bytes_view(associated));
    g_assert_nonnull(opened);
    g_assert_true(g_bytes_equal(opened, plaintext));
    g_assert_null(seal_content_decrypt(&algorithm, key, seal_bytes_view(ciphertext),
                                       seal_bytes_view(tag), (SealBytes){0}));
    X509_ALGOR_free(identifier);
}

#define CHACHA20    "1.2.840.113549.1.9.16.3.18"
#define AES_256_GCM "2.16.840.1.101.3.4.1.46"
#define AES_256_CBC "2.16.840.1.101.3.4.1.42"
#define TRIPLE_DES  "1.2.840.113549.3.7"
#define NONCE_12    "040c000000000000000000000000"
#define NONCE_16    "041000000000000000000000000000000000"

/* RFC 8103 3, RFC 5084 3.2, RFC 3565 2.3: nonce, tag and kind of message for each cipher, and
 * nothing beside. */
static void
test_confused_parameters(void)
{
    static const struct {
        const char *oid, *parameters;
        gboolean authenticated;
        gsize tag_len;
        SealVerdict verdict;
    } rows[] = {
        {CHACHA20, NONCE_12, TRUE, 16, SEAL_VERDICT_OK},
        {CHACHA20, NONCE_12, TRUE, 12, SEAL_VERDICT_MALFORMED},
        {CHACHA20, NONCE_12, TRUE, 0, SEAL_VERDICT_MALFORMED},
        {CHACHA20, NONCE_12, TRUE, 17, SEAL_VERDICT_MALFORMED},
        {CHACHA20, NONCE_12, FALSE, 0, SEAL_VERDICT_MALFORMED},
        {CHACHA20, NONCE_16, TRUE, 16, SEAL_VERDICT_MALFORMED},
        {CHACHA20, "04080000000000000000", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {CHACHA20, "0400", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {CHACHA20, "0500", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {CHACHA20, NULL, TRUE, 16, SEAL_VERDICT_MALFORMED},
        {CHACHA20, "3011" NONCE_12 "020110", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_GCM, "3011" NONCE_12 "020110", TRUE, 16, SEAL_VERDICT_OK},
        {AES_256_GCM, NONCE_12, TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_GCM, "3015" NONCE_16 "020110", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_GCM, "3011" NONCE_12 "0201ff", TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_GCM, "3011" NONCE_12 "020111", TRUE, 17, SEAL_VERDICT_MALFORMED},
        {AES_256_GCM, "300e" NONCE_12, TRUE, 12, SEAL_VERDICT_OK},
        {AES_256_GCM, NULL, TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_CBC, NONCE_16, FALSE, 0, SEAL_VERDICT_OK},
        {AES_256_CBC, NONCE_12, FALSE, 0, SEAL_VERDICT_MALFORMED},
        {AES_256_CBC, NONCE_16, TRUE, 16, SEAL_VERDICT_MALFORMED},
        {AES_256_CBC, "0500", FALSE, 0, SEAL_VERDICT_MALFORMED},
        {TRIPLE_DES, "04080000000000000000", FALSE, 0, SEAL_VERDICT_OK},
        {TRIPLE_DES, NONCE_16, FALSE, 0, SEAL_VERDICT_MALFORMED},
        {"1.2.840.113549.3.2", "04080000000000000000", FALSE, 0, SEAL_VERDICT_UNSUPPORTED},
        {"2.16.840.1.101.3.4.1.41", NULL, FALSE, 0, SEAL_VERDICT_UNSUPPORTED}, /* ECB */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        X509_ALGOR *identifier = algorithm_with(rows[i].oid, rows[i].parameters);
        SealContentAlgorithm algorithm;
        const char *reason = NULL;
        SealVerdict verdict = seal_content_algorithm_read(identifier, rows[i].authenticated,
                                                          rows[i].tag_len, &algorithm, &reason);

        g_test_message("%s %s", rows[i].oid, rows[i].parameters ? rows[i].parameters : "none");
        g_assert_cmpstr(seal_verdict_word(verdict), ==, seal_verdict_word(rows[i].verdict));
        g_assert_true((reason == NULL) == (verdict == SEAL_VERDICT_OK));
        X509_ALGOR_free(identifier);
    }
}

/* -- Ed448 ------------------------------------------------------------------------------------ */

/* What Bouncy Castle 1.72 signed with a key of its own: Ed448, SHAKE256, content "hi". */
static GBytes *
ed448_message(void)
{
    g_autofree char *path = seal_test_source("tests/smime/vectors/ed448.p7m");
    char *data = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    return g_bytes_new_take(data, len);
}

static SealSignedData *
ed448_parsed(void)
{
    g_autoptr(GBytes) cms = ed448_message();
    g_autoptr(SealContentInfo) info = seal_content_info_read(seal_bytes_view(cms));

    return ASN1_item_unpack(info->content->value.sequence, ASN1_ITEM_rptr(SealSignedData));
}

/* Its one signer's report. */
static void
expect_signer(GBytes *cms, const char *signature, SealVerdict verdict)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_ALL};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;
    const SealLayerReport *layer = NULL;
    const SealSignerReport *signer = NULL;

    g_assert_true(seal_cms_open(cms, &options, &report, &content, NULL));
    layer = g_ptr_array_index(report->layers, 0);
    signer = g_ptr_array_index(layer->signers, 0);
    g_assert_cmpstr(signer->signature, ==, signature);
    g_assert_cmpstr(seal_verdict_word(signer->verdict), ==, seal_verdict_word(verdict));
}

/* The signature is good; nobody here trusts the certificate. */
static void
test_ed448(void)
{
    g_autoptr(GBytes) cms = ed448_message();
    const SealOpenOptions options = {.mode = SEAL_OPEN_ALL};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;
    const SealLayerReport *layer = NULL;

    expect_signer(cms, "good", SEAL_VERDICT_UNTRUSTED);
    g_assert_true(seal_cms_open(cms, &options, &report, &content, NULL));
    layer = g_ptr_array_index(report->layers, 0);
    g_assert_cmpstr(g_ptr_array_index(layer->algorithms, 0), ==, "shake256");
    g_assert_cmpstr(g_ptr_array_index(layer->algorithms, 1), ==, "ed448");
}

static GBytes *
packed(SealSignedData *data)
{
    return seal_content_info_write(NID_pkcs7_signed, data, ASN1_ITEM_rptr(SealSignedData));
}

static void
test_damaged_ed448(void)
{
    SealSignedData *content = ed448_parsed();
    SealSignedData *signature = ed448_parsed();
    const SealSignerInfo *signer = sk_SealSignerInfo_value(signature->signers, 0);
    g_autoptr(GBytes) changed_content = NULL;
    g_autoptr(GBytes) changed_signature = NULL;

    ASN1_OCTET_STRING_set(content->encapsulated->content, (const unsigned char *)"ho", 2);
    changed_content = packed(content);
    expect_signer(changed_content, "bad", SEAL_VERDICT_BAD_SIGNATURE);
    ((unsigned char *)ASN1_STRING_get0_data(signer->signature))[60] ^= 1;
    changed_signature = packed(signature);
    expect_signer(changed_signature, "bad", SEAL_VERDICT_BAD_SIGNATURE);
}

/* RFC 8419 2.3: Ed448 goes with 512 bits of SHAKE256, and SHAKE256 with nothing else here. */
static void
test_confused_hash(void)
{
    static const struct {
        const char *hash, *parameters, *scheme;
        SealVerdict verdict;
    } rows[] = {
        {"2.16.840.1.101.3.4.2.18", "02020200", "1.3.101.113", SEAL_VERDICT_UNTRUSTED},
        {"2.16.840.1.101.3.4.2.12", NULL, "1.3.101.113", SEAL_VERDICT_UNTRUSTED},
        {"2.16.840.1.101.3.4.2.18", "02020100", "1.3.101.113", SEAL_VERDICT_UNSUPPORTED},
        {"2.16.840.1.101.3.4.2.18", NULL, "1.3.101.113", SEAL_VERDICT_UNSUPPORTED},
        {"2.16.840.1.101.3.4.2.3", NULL, "1.3.101.113", SEAL_VERDICT_MALFORMED},
        {"2.16.840.1.101.3.4.2.18", "02020200", "1.3.101.112", SEAL_VERDICT_MALFORMED},
        {"2.16.840.1.101.3.4.2.18", "02020200", "1.2.840.10045.2.1", SEAL_VERDICT_MALFORMED},
        {"2.16.840.1.101.3.4.2.12", NULL, "1.2.840.113549.1.1.1", SEAL_VERDICT_MALFORMED},
        {"2.16.840.1.101.3.4.2.12", NULL, "1.2.840.113549.1.1.10", SEAL_VERDICT_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        SealSignedData *data = ed448_parsed();
        SealSignerInfo *signer = sk_SealSignerInfo_value(data->signers, 0);
        g_autoptr(GBytes) changed = NULL;

        X509_ALGOR_free(signer->digest_algorithm);
        signer->digest_algorithm = algorithm_with(rows[i].hash, rows[i].parameters);
        X509_ALGOR_free(signer->signature_algorithm);
        signer->signature_algorithm = algorithm_with(rows[i].scheme, NULL);
        changed = packed(data);
        g_test_message("%s with %s", rows[i].hash, rows[i].scheme);
        expect_signer(changed, rows[i].verdict == SEAL_VERDICT_UNTRUSTED ? "good" : "not-checked",
                      rows[i].verdict);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/algorithms/chacha20-poly1305/rfc-8439", &chacha20, test_aead_vector);
    g_test_add_data_func("/algorithms/aes-gcm/test-case-16", &gcm, test_aead_vector);
    g_test_add_func("/algorithms/confused-parameters/are-refused", test_confused_parameters);
    g_test_add_func("/algorithms/ed448/bouncy-castle-signed", test_ed448);
    g_test_add_func("/algorithms/ed448/damaged/is-bad", test_damaged_ed448);
    g_test_add_func("/algorithms/ed448/other-hash/is-refused", test_confused_hash);
    return g_test_run();
}
