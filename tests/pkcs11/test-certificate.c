/* Certificates and public keys: what comes out of them, and what is refused. Certificates are those
 * of the fixture; OpenSSL's command line tells what is in them. */
#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#include "pkcs11/host/certificate.h"
#include "pkcs11/host/openssl.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"

static GBytes *
read_certificate(SealTestHome *home, const char *name)
{
    g_autofree char *path = seal_test_fixture_path(home, name);
    BIO *in = BIO_new_file(path, "r");
    g_autoptr(X509) certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    BIO_free(in);
    return bytes;
}

static char *
ask_openssl(SealTestHome *home, const char *name, const char *option)
{
    g_autofree char *path = seal_test_fixture_path(home, name);
    const char *argv[] = {"openssl", "x509",     "-in",     path, "-noout",
                          option,    "-nameopt", "RFC2253", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);
    const char *equals = strchr(result->out, '=');

    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(equals);
    return g_strstrip(g_strdup(equals + 1));
}

static void
test_fields_are_those_openssl_shows(void)
{
    const char *reason = NULL;
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GBytes) der = NULL;
    g_autofree char *subject = NULL, *issuer = NULL, *serial = NULL;
    g_autoptr(GString) hex = g_string_new(NULL);
    g_autoptr(SealPublicKey) key = NULL;
    SealCertificateInfo info = {0};

    seal_test_fixture_new(home);
    der = read_certificate(home, "certs/alice-rsa-sign.pem");
    subject = ask_openssl(home, "certs/alice-rsa-sign.pem", "-subject");
    issuer = ask_openssl(home, "certs/alice-rsa-sign.pem", "-issuer");
    serial = ask_openssl(home, "certs/alice-rsa-sign.pem", "-serial");
    g_assert_true(seal_certificate_parse(der, &info, &key, &reason));
    g_assert_cmpstr(info.subject, ==, subject);
    g_assert_cmpstr(info.issuer, ==, issuer);
    for (gsize i = 0; i < g_bytes_get_size(info.serial); i++)
        g_string_append_printf(hex, "%02X",
                               ((const guint8 *)g_bytes_get_data(info.serial, NULL))[i]);
    g_assert_true(g_str_has_suffix(hex->str, serial)); /* but for a sign octet */
    g_assert_cmpuint(info.flags, ==, SEAL_CERTIFICATE_SIGN);
    g_assert_cmpstr(info.addresses[0], ==, "alice@example.org");
    g_assert_null(info.addresses[1]);
    g_assert_cmpstr(info.purposes[0], ==, "emailProtection");
    g_assert_cmpint(info.not_after, >, info.not_before);
    g_assert_cmpint(key->algorithm, ==, SEAL_ALGORITHM_RSA);
    g_assert_true(g_bytes_equal(key->info, info.public_key));
    g_assert_true(g_bytes_equal(info.certificate, der));
    seal_certificate_info_clear(&info);
}

/* RFC 9598: what has letters beyond ASCII stands in an otherName. Others of these are no addresses.
 */
static void
test_utf8_mailbox(void)
{
    const char *reason = NULL;
    static const char configuration[] = "[req]\ndistinguished_name=names\nx509_extensions=all\n"
                                        "[names]\n[all]\nsubjectAltName=@addresses\n[addresses]\n"
                                        "email=a@example.org\n"
                                        "otherName.0=1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:"
                                        "\xc3\xa4@example.org\n"
                                        "otherName.1=1.3.6.1.5.5.7.8.9;IA5:b@example.org\n"
                                        "otherName.2=1.3.6.1.4.1.311.20.2.3;UTF8:c@example.org\n";
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *file = seal_test_home_path(home, "configuration");
    g_autofree char *key_file = seal_test_home_path(home, "key");
    const char *argv[] = {"openssl",  "req",     "-x509",   "-newkey", "rsa:2048",
                          "-nodes",   "-keyout", key_file,  "-subj",   "/CN=A",
                          "-outform", "DER",     "-config", file,      NULL};
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(GBytes) der = NULL;
    g_autoptr(SealPublicKey) key = NULL;
    SealCertificateInfo info = {0};

    g_assert_true(g_file_set_contents(file, configuration, -1, NULL));
    result = seal_test_run(home, argv, NULL);
    g_assert_cmpint(result->status, ==, 0);
    der = g_bytes_new(result->out, result->out_len);
    g_assert_true(seal_certificate_parse(der, &info, &key, &reason));
    g_assert_cmpstr(info.addresses[0], ==, "a@example.org");
    g_assert_cmpstr(info.addresses[1], ==, "\xc3\xa4@example.org");
    g_assert_null(info.addresses[2]);
    seal_certificate_info_clear(&info);
}

static void
test_usage_of_encryption_and_ca(void)
{
    const char *reason = NULL;
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GBytes) decrypt = NULL, ca = NULL;
    g_autoptr(SealPublicKey) key = NULL, ca_key = NULL;
    SealCertificateInfo info = {0}, ca_info = {0};

    seal_test_fixture_new(home);
    decrypt = read_certificate(home, "certs/alice-p256-decrypt.pem");
    ca = read_certificate(home, "intermediate.pem");
    g_assert_true(seal_certificate_parse(decrypt, &info, &key, &reason));
    g_assert_cmpuint(info.flags, ==, SEAL_CERTIFICATE_DECRYPT);
    g_assert_cmpint(key->curve, ==, SEAL_CURVE_P256);
    g_assert_true(seal_certificate_parse(ca, &ca_info, &ca_key, &reason));
    g_assert_true(ca_info.flags & SEAL_CERTIFICATE_CA);
    seal_certificate_info_clear(&info);
    seal_certificate_info_clear(&ca_info);
}

static void
test_garbage_is_refused(void)
{
    const char *reason = NULL;
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GBytes) der = NULL, longer = NULL;
    g_autoptr(GByteArray) copy = g_byte_array_new();
    SealCertificateInfo info = {0};
    SealPublicKey *key = NULL;
    gsize len = 0;
    const guint8 *data = NULL;

    seal_test_fixture_new(home);
    der = read_certificate(home, "certs/alice-ed25519-sign.pem");
    data = g_bytes_get_data(der, &len);
    for (gsize cut = 0; cut < len; cut += 7) {
        g_autoptr(GBytes) piece = g_bytes_new(data, cut);

        g_assert_false(seal_certificate_parse(piece, &info, &key, &reason));
        g_assert_cmpstr(reason, ==, "it is no X.509 certificate");
    }
    g_byte_array_append(copy, data, (guint)len);
    g_byte_array_append(copy, (const guint8 *)"x", 1);
    longer = g_byte_array_free_to_bytes(g_steal_pointer(&copy));
    g_assert_false(seal_certificate_parse(longer, &info, &key, &reason));
    g_assert_cmpstr(reason, ==, "bytes stand after its end");
    g_assert_null(key);
}

/* -- public keys ------------------------------------------------------------------------------- */

/* Both ways of asking must agree. */
static gboolean
is_taken(SealAlgorithm algorithm, SealCurve curve, SealBytes point)
{
    g_autoptr(EVP_PKEY) decoded = seal_public_key_decode_point(algorithm, curve, point);

    g_assert_cmpint(seal_public_key_is_point(algorithm, curve, point), ==, decoded != NULL);
    return decoded != NULL;
}

static void
test_points_off_the_curve_are_refused(void)
{
    g_autoptr(EVP_PKEY) pair = EVP_EC_gen("P-256");
    guint8 point[65];
    size_t len = 0;
    const SealBytes whole = {point, sizeof point};

    g_assert_cmpint(
        EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len),
        ==, 1);
    g_assert_cmpuint(len, ==, sizeof point);
    g_assert_true(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P256, whole));
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P384, whole));
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_NONE, whole));
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P256, (SealBytes){point, 64}));
    g_assert_false(is_taken(SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE, whole));
    point[64] ^= 1;
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P256, whole));
    memset(point + 1, 0, 64);
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P256, whole));
    memset(point + 1, 0xff, 64);
    g_assert_false(is_taken(SEAL_ALGORITHM_EC, SEAL_CURVE_P256, whole));
}

static void
test_other_kinds_of_keys_are_named(void)
{
    g_autoptr(EVP_PKEY) ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    g_autoptr(EVP_PKEY) k256 = EVP_EC_gen("secp256k1");
    g_autoptr(EVP_PKEY) small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)768);
    const char *reason = NULL;

    g_assert_null(seal_public_key_from_openssl(ed448, &reason));
    g_assert_cmpstr(reason, ==, "it is of an unknown type");
    g_assert_null(seal_public_key_from_openssl(k256, &reason));
    g_assert_cmpstr(reason, ==, "its curve is not P-256, P-384 or P-521");
    g_assert_null(seal_public_key_from_openssl(small, &reason));
    g_assert_cmpstr(reason, ==, "its RSA modulus is shorter than 1024 bits");
}

static EVP_PKEY *
build_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    (void)OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    (void)OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    g_assert_cmpint(EVP_PKEY_fromdata_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), ==, 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Hexadecimal: 0 behind a digit makes it even. */
static void
test_odd_rsa_numbers_only(void)
{
    static const struct {
        const char *last_digit, *exponent;
        gboolean is_taken;
    } rows[] = {
        {"1", "10001", TRUE},
        {"1", "3", TRUE},
        {"1", "ffffffffffffffff", TRUE},
        {"0", "10001", FALSE},
        {"1", "10000", FALSE},
        {"1", "1", FALSE},
        {"1", "10000000000000001", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *fs = g_strnfill(2048 / 4 - 1, 'f');
        g_autofree char *number = g_strconcat(fs, rows[i].last_digit, NULL);
        g_autoptr(BIGNUM) modulus = NULL;
        g_autoptr(BIGNUM) exponent = NULL;
        g_autoptr(EVP_PKEY) key = NULL;
        g_autoptr(SealPublicKey) taken = NULL;
        const char *reason = NULL;

        (void)BN_hex2bn(&modulus, number);
        (void)BN_hex2bn(&exponent, rows[i].exponent);
        key = build_rsa(modulus, exponent);
        taken = seal_public_key_from_openssl(key, &reason);
        g_assert_cmpint(taken != NULL, ==, rows[i].is_taken);
    }
}

static void
test_one_key_has_one_form(void)
{
    g_autoptr(EVP_PKEY) pair = EVP_EC_gen("P-384");
    g_autoptr(SealPublicKey) one = NULL, two = NULL;
    const char *reason = NULL;

    one = seal_public_key_from_openssl(pair, &reason);
    g_assert_cmpint(EVP_PKEY_set_utf8_string_param(pair, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                   "compressed"),
                    ==, 1);
    two = seal_public_key_from_openssl(pair, &reason);
    g_assert_true(seal_public_key_equal(one, two));
    g_assert_cmpuint(one->bits, ==, 384);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/certificate/fields-are-those-openssl-shows",
                    test_fields_are_those_openssl_shows);
    g_test_add_func("/certificate/address-beyond-ascii/is-listed", test_utf8_mailbox);
    g_test_add_func("/certificate/usage-of-encryption-and-ca", test_usage_of_encryption_and_ca);
    g_test_add_func("/certificate/garbage-is-refused", test_garbage_is_refused);
    g_test_add_func("/public-key/points-off-the-curve-are-refused",
                    test_points_off_the_curve_are_refused);
    g_test_add_func("/public-key/other-kinds-are-named", test_other_kinds_of_keys_are_named);
    g_test_add_func("/public-key/rsa/odd-numbers-only", test_odd_rsa_numbers_only);
    g_test_add_func("/public-key/one-key-has-one-form", test_one_key_has_one_form);
    return g_test_run();
}
