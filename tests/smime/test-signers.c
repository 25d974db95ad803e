/* What goes along with a signature, and several signatures side by side; `openssl cms` is the
 * judge. */
#include "base/error.h"
#include "smime/capabilities.h"
#include "smime/verify.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"
#include "tests/support/process.h"

#include <openssl/cms.h>
#include <openssl/x509.h>
#include <string.h>

static const SealSignOptions opaque = {.opaque = TRUE};

static char *
openssl_prints(GBytes *mail)
{
    const char *const argv[] = {"openssl", "cms", "-cmsout", "-print", "-noout", NULL};
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, mail);

    g_assert_cmpint(result->status, ==, 0);
    return g_strdup(result->out);
}

static void
assert_openssl_verifies(World *world, GBytes *mail)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *root = seal_test_home_path(home, "root.pem");
    const char *const argv[] = {"openssl", "cms", "-verify", "-CAfile", root, NULL};
    g_autoptr(GBytes) pem = test_identity_pem(world->root);
    gsize len = 0;
    const char *text = g_bytes_get_data(pem, &len);
    g_autoptr(SealTestResult) result = NULL;

    g_assert_true(g_file_set_contents(root, text, (gssize)len, NULL));
    result = seal_test_run(home, argv, mail);
    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(strstr(result->out, "From the keeper."));
}

/* -- attributes ------------------------------------------------------------------------------- */

static void
test_encryption_certificate(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestIdentity *other = world_bob(world, "rsa:2048");
    SealSigner signer = test_signer(alice, world->chain);
    g_autoptr(GBytes) text = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) without = world_sign(world, alice, NULL, &opaque);
    g_autofree char *print = NULL;
    g_autofree char *print_without = openssl_prints(without);

    signer.encryption_certificate = test_identity_der(other);
    mail = seal_mail_sign(text, &signer, &opaque, NULL);
    print = openssl_prints(mail);
    g_assert_nonnull(strstr(print, "id-smime-aa-encrypKeyPref"));
    g_assert_nonnull(strstr(print, "CN=Bob")); /* the certificate went along */
    g_assert_null(strstr(print_without, "id-smime-aa-encrypKeyPref"));
    assert_openssl_verifies(world, mail);
    world_expect(world, mail, SEAL_VERDICT_OK);
    g_clear_pointer(&signer.encryption_certificate, g_bytes_unref);
    test_signer_clear(&signer);
}

static void
test_capabilities_are_stated(World *world, gconstpointer data)
{
    static const char *const names[] = {"S/MIME Capabilities", "aes-256-gcm", "aes-128-gcm",
                                        "aes-256-cbc",         "aes-128-cbc", "rsaesOaep"};
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autofree char *print = openssl_prints(mail);
    const char *at = print;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) { /* in this order */
        at = strstr(at, names[i]);
        g_assert_nonnull(at);
    }
}

/* RFC 5753 7 and RFC 8418 have these encodings in full. */
static void
test_capabilities_are_those_of_the_standards(World *world, gconstpointer data)
{
    static const char ecdh[] = "\x30\x15\x06\x06\x2b\x81\x04\x01\x0b\x01\x30\x0b\x06\x09"
                               "\x60\x86\x48\x01\x65\x03\x04\x01\x05";
    static const char x25519[] = "\x30\x1a\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x13"
                                 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05";
    g_autoptr(GBytes) der = seal_capabilities_own();
    SealCapabilities capabilities = {0};

    g_assert_true(world_has(der, ecdh));
    g_assert_true(world_has(der, x25519));
    g_assert_true(seal_capabilities_read(der, &capabilities));
    g_assert_true(capabilities.oaep && capabilities.ecdh && capabilities.x25519);
    for (SealContentCipher cipher = 0; cipher <= SEAL_CONTENT_LAST; cipher++)
        g_assert_true(seal_capabilities_has_cipher(&capabilities, cipher));
}

static GBytes *
write_algorithms(X509_ALGORS *list)
{
    unsigned char *der = NULL;
    int len = i2d_X509_ALGORS(list, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    return bytes;
}

/* OpenSSL's own list: AES-CBC, 3DES, RC2, and no key encryption. */
static void
test_capabilities_of_openssl(World *world, gconstpointer data)
{
    STACK_OF(X509_ALGOR) *list = NULL;
    g_autoptr(GBytes) der = NULL;
    SealCapabilities capabilities = {0};

    g_assert_cmpint(CMS_add_standard_smimecap(&list), ==, 1);
    der = write_algorithms(list);
    g_assert_true(seal_capabilities_read(der, &capabilities));
    g_assert_true(seal_capabilities_has_cipher(&capabilities, SEAL_CONTENT_AES256_CBC));
    g_assert_true(seal_capabilities_has_cipher(&capabilities, SEAL_CONTENT_AES128_CBC));
    g_assert_false(seal_capabilities_has_cipher(&capabilities, SEAL_CONTENT_AES256_GCM));
    g_assert_false(capabilities.oaep || capabilities.ecdh || capabilities.x25519);
}

/* OAEP without parameters is OAEP with SHA-1, which is not what we write. */
static void
test_capability_of_another_oaep(World *world, gconstpointer data)
{
    STACK_OF(X509_ALGOR) *list = sk_X509_ALGOR_new_null();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    g_autoptr(GBytes) der = NULL;
    SealCapabilities capabilities = {0};

    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_UNDEF, NULL);
    sk_X509_ALGOR_push(list, algorithm);
    der = write_algorithms(list);
    g_assert_true(seal_capabilities_read(der, &capabilities));
    g_assert_false(capabilities.oaep);
}

static void
test_damaged_capabilities(World *world, gconstpointer data)
{
    g_autoptr(GBytes) der = seal_capabilities_own();
    SealCapabilities capabilities = {.ciphers = 77};

    for (gsize len = 0; len < g_bytes_get_size(der); len++) {
        g_autoptr(GBytes) cut = g_bytes_new_from_bytes(der, 0, len);

        g_assert_false(seal_capabilities_read(cut, &capabilities));
    }
    g_assert_cmpuint(capabilities.ciphers, ==, 77);
}

/* -- several signers -------------------------------------------------------------------------- */

static void
test_three_signers(World *world, gconstpointer data)
{
    SealSigner one = test_signer(world_alice(world, "rsa:2048"), world->chain);
    SealSigner two = test_signer(world_alice(world, "ec:P-384"), world->chain);
    SealSigner three = test_signer(world_alice(world, "ec:P-256"), world->chain);
    const SealSigner *all[] = {&one, &two, &three};
    g_autoptr(GBytes) text = world_bytes(WORLD_MAIL);

    for (gint is_opaque = 0; is_opaque < 2; is_opaque++) {
        const SealSignOptions options = {.opaque = is_opaque};
        g_autoptr(GBytes) mail = seal_mail_sign_all(text, all, 3, &options, NULL);
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, NULL);
        const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);

        assert_openssl_verifies(world, mail);
        g_assert_cmpuint(layer->signers->len, ==, 3);
        /* RFC 8551 3.5.3.2: each hash once. */
        g_assert_true(is_opaque || world_has(mail, "micalg=\"sha-256,sha-384\""));
        if (is_opaque) {
            g_autofree char *print = openssl_prints(mail);
            const char *issuer = strstr(print, "subject: O=Privy Seal Test, CN=Issuer");

            g_assert_nonnull(issuer); /* once, though all three have it */
            g_assert_null(strstr(issuer + 1, "subject: O=Privy Seal Test, CN=Issuer"));
        }
    }
    test_signer_clear(&one);
    test_signer_clear(&two);
    test_signer_clear(&three);
}

static GBytes *
never_asked(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
            GError **error)
{
    g_assert_not_reached();
}

static GBytes *
refuse_to_sign(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
               GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DENIED, "denied by the test");
    return NULL;
}

static void
test_all_or_nothing(World *world, gconstpointer data)
{
    SealSigner good = test_signer(world_alice(world, "ec:P-256"), NULL);
    SealSigner refuses = test_signer(world_alice(world, "ec:P-256"), NULL);
    SealSigner unfit = test_signer(world_bob(world, "ec:P-256"), NULL);
    SealSigner unasked = good;
    const SealSigner *second_refuses[] = {&good, &refuses};
    const SealSigner *second_is_unfit[] = {&unasked, &unfit};
    g_autoptr(GBytes) text = world_bytes(WORLD_MAIL);
    g_autoptr(GError) denied = NULL;
    g_autoptr(GError) usage = NULL;
    g_autoptr(GError) nobody = NULL;

    refuses.sign = refuse_to_sign;
    unasked.sign = never_asked;
    g_assert_null(seal_mail_sign_all(text, second_refuses, 2, NULL, &denied));
    g_assert_error(denied, SEAL_ERROR, SEAL_ERROR_DENIED);
    g_assert_null(seal_mail_sign_all(text, second_is_unfit, 2, NULL, &usage));
    g_assert_error(usage, SEAL_ERROR, SEAL_ERROR_KEY_USAGE);
    g_assert_null(seal_mail_sign_all(text, NULL, 0, NULL, &nobody));
    g_assert_error(nobody, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
    test_signer_clear(&good);
    test_signer_clear(&refuses);
    test_signer_clear(&unfit);
}

/* Each signer has the content hashed anew: a gigabyte in all. */
static void
test_many_for_their_size(World *world, gconstpointer data)
{
    const gsize len = (gsize)33 * 1024 * 1024;
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autofree guint8 *zeros = g_malloc0(len);
    const SealVerifyPolicy policy = {.trust = world->trust};
    g_autoptr(SealLayerReport) one = seal_layer_report_new(SEAL_LAYER_SIGNED);
    g_autoptr(SealLayerReport) many = seal_layer_report_new(SEAL_LAYER_SIGNED);

    seal_signed_data_judge(parsed, (SealBytes){zeros, len}, &policy, one);
    g_assert_cmpstr(seal_verdict_word(one->verdict), ==, "bad-signature");
    for (guint i = 1; i < SEAL_SIGNERS_MAX; i++)
        sk_SealSignerInfo_push(parsed->signers,
                               ASN1_item_dup(ASN1_ITEM_rptr(SealSignerInfo),
                                             sk_SealSignerInfo_value(parsed->signers, 0)));
    seal_signed_data_judge(parsed, (SealBytes){zeros, len}, &policy, many);
    g_assert_cmpstr(seal_verdict_word(many->verdict), ==, "resource-limit");
    g_assert_cmpuint(many->signers->len, ==, 0);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/signers/encryption-certificate/is-named-and-goes-along", test_encryption_certificate},
        {"/signers/capabilities/are-stated-strongest-first", test_capabilities_are_stated},
        {"/signers/capabilities/are-encoded-as-the-standards-do",
         test_capabilities_are_those_of_the_standards},
        {"/signers/capabilities-of-openssl/are-read", test_capabilities_of_openssl},
        {"/signers/oaep-with-another-hash/is-not-ours", test_capability_of_another_oaep},
        {"/signers/damaged-capabilities/are-refused", test_damaged_capabilities},
        {"/signers/three-signers/all-verify", test_three_signers},
        {"/signers/one-fails/nothing-is-signed", test_all_or_nothing},
        {"/signers/too-many-for-their-size/are-not-looked-at", test_many_for_their_size},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
