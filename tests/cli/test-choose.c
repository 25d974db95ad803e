/* Which token, key and certificate is meant, among objects made by hand. */
#include <string.h>

#include "base/error.h"
#include "tests/cli/objects.h"
#include "ui-cli/choose.h"
#include "ui-cli/mail-certificate.h"

#define DAY   ((gint64)24 * 60 * 60)
#define ALICE "alice@example.org"

/* -- tokens and keys ---------------------------------------------------------------------- */

static void
test_exact_before_prefix(void)
{
    g_autoptr(SealClientObjects) objects = seal_test_objects_new();
    const SealClientToken *token = seal_test_objects_add_token(objects, "Blue", 'a', "locked");
    const SealClientKey *key = NULL;
    g_autoptr(GError) error = NULL;

    (void)seal_test_objects_add_key(objects, token, "one", '0', 0x11, "sign");
    (void)seal_test_objects_add_key(objects, token, "0000", '1', 0x12, "sign");
    /* A label that is also the beginning of another key's id. */
    key = seal_choose_key(objects, "0000", "sign", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(key->label, ==, "0000");
    key = seal_choose_key(objects, "00000", "sign", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(key->label, ==, "one");
    /* CKA_ID 11, whole, goes before the id that begins with 11. */
    key = seal_choose_key(objects, "11", "sign", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(key->label, ==, "one");
}

static void
test_purpose_and_presence(void)
{
    g_autoptr(SealClientObjects) objects = seal_test_objects_new();
    const SealClientToken *here = seal_test_objects_add_token(objects, "Here", 'a', "locked");
    const SealClientToken *gone = seal_test_objects_add_token(objects, "Gone", 'b', "absent");
    const SealClientKey *key = NULL;
    g_autoptr(GError) error = NULL;

    (void)seal_test_objects_add_key(objects, here, "work", '1', 1, "decrypt");
    (void)seal_test_objects_add_key(objects, here, "work", '2', 2, "sign");
    (void)seal_test_objects_add_key(objects, gone, "work", '3', 3, "sign");
    key = seal_choose_key(objects, "work", "sign", &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(key->path, "/22222222222222222222"));
    g_assert_null(seal_choose_key(objects, "11111", "sign", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE);
}

static void
test_uri_of_key(void)
{
    g_autoptr(SealClientObjects) objects = seal_test_objects_new();
    const SealClientToken *blue = seal_test_objects_add_token(objects, "Blue", 'a', "locked");
    const SealClientToken *red = seal_test_objects_add_token(objects, "Red", 'b', "locked");
    const char *uris[] = {"pkcs11:token=Red", "pkcs11:serial=red;object=work",
                          "pkcs11:token=Red;object=work;type=cert", "pkcs11:id=%02"};

    (void)seal_test_objects_add_key(objects, blue, "work", '1', 1, "sign");
    (void)seal_test_objects_add_key(objects, red, "work", '2', 2, "sign");
    for (guint i = 0; i < G_N_ELEMENTS(uris); i++) {
        g_autoptr(GError) error = NULL;
        const SealClientKey *key = seal_choose_key(objects, uris[i], "sign", &error);

        g_assert_no_error(error);
        g_assert_cmpstr(key->token, ==, red->path);
    }
}

static void
test_only_token(void)
{
    g_autoptr(SealClientObjects) objects = seal_test_objects_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) several = NULL;
    const SealClientToken *token = NULL;

    (void)seal_test_objects_add_token(objects, "Gone", 'a', "absent");
    (void)seal_test_objects_add_token(objects, "Here", 'b', "locked");
    token = seal_choose_token(objects, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(token->label, ==, "Here");
    (void)seal_test_objects_add_token(objects, "Here", 'c', "locked");
    g_assert_null(seal_choose_token(objects, "Here", &several));
    g_assert_error(several, SEAL_ERROR, SEAL_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(several->message, "'Here' means 2 tokens"));
    g_assert_nonnull(strstr(several->message, "bbbbbbbb"));
    g_assert_nonnull(strstr(several->message, "cccccccc"));
}

/* -- certificates ------------------------------------------------------------------------ */

/* A signing key whose certificate began `days` ago; `digit` tells it from others. */
static const SealClientCertificate *
add_signer(SealTestBlue *blue, char digit, gint64 days, const char *algorithm)
{
    SealClientKey *key =
        seal_test_objects_add_key(blue->objects, blue->token, "key", digit, (guint8)digit, "sign");
    const TestSpec spec = {.name = "Alice",
                           .address = ALICE,
                           .key = algorithm,
                           .from = -days * DAY,
                           .until = 300 * DAY};

    return seal_test_objects_add_certificate(blue->objects, key, &spec);
}

static const SealClientCertificate *
find(const SealTestBlue *blue, SealCertificatePurpose purpose)
{
    g_autoptr(GError) error = NULL;
    const SealClientCertificate *certificate =
        seal_mail_certificate_find(blue->objects, ALICE, purpose, &error);

    g_assert_no_error(error);
    return certificate;
}

static void
test_renewed(SealTestBlue *blue, gconstpointer data)
{
    const SealClientCertificate *renewed = NULL;

    (void)add_signer(blue, '1', 300, "rsa:2048");
    renewed = add_signer(blue, '2', 2, "ec:P-256");
    (void)add_signer(blue, '3', 100, "ec:P-256");
    g_assert_true(find(blue, SEAL_PURPOSE_SIGN_MAIL) == renewed);
}

static void
test_rsa_first(SealTestBlue *blue, gconstpointer data)
{
    const SealClientCertificate *rsa = NULL;

    (void)add_signer(blue, '1', 2, "ed25519");
    (void)add_signer(blue, '2', 2, "ec:P-256");
    rsa = add_signer(blue, '3', 2, "rsa:2048");
    (void)add_signer(blue, '4', 2, "rsa:2048");
    g_assert_true(find(blue, SEAL_PURPOSE_SIGN_MAIL) == rsa); /* and of two, the lower id */
}

static void
test_absent_last(SealTestBlue *blue, gconstpointer data)
{
    const SealClientCertificate *here = add_signer(blue, '1', 200, "ec:P-256");

    blue->token = seal_test_objects_add_token(blue->objects, "Gone", 'b', "absent");
    (void)add_signer(blue, '2', 2, "ec:P-256");
    g_assert_true(find(blue, SEAL_PURPOSE_SIGN_MAIL) == here);
}

static void
assert_refused(const TestSpec *spec, SealCertificatePurpose purpose, const char *reason)
{
    SealTestBlue blue = {0};
    SealClientKey *key = NULL;
    g_autoptr(GError) error = NULL;

    seal_test_blue_open(&blue, NULL);
    key = seal_test_objects_add_key(blue.objects, blue.token, "key", '1', 1, "sign");
    (void)seal_test_objects_add_certificate(blue.objects, key, spec);
    g_assert_null(seal_mail_certificate_find(blue.objects, ALICE, purpose, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND);
    if (!strstr(error->message, reason))
        g_error("'%s' is not in: %s", reason, error->message);
    seal_test_blue_close(&blue, NULL);
}

static void
test_reasons(void)
{
    const TestSpec expired = {.name = "Alice", .address = ALICE, .from = -20 * DAY, .until = -DAY};
    const TestSpec early = {.name = "Alice", .address = ALICE, .from = DAY, .until = 20 * DAY};
    const TestSpec other = {.name = "Alice", .address = "other@example.org"};
    const TestSpec server = {.name = "Alice", .address = ALICE, .extended = "serverAuth"};
    const TestSpec wrong = {.name = "Alice", .address = ALICE, .usage = "keyAgreement"};
    const TestSpec signing = {.name = "Alice", .address = ALICE, .usage = "digitalSignature"};

    assert_refused(&expired, SEAL_PURPOSE_SIGN_MAIL, "it expired on 20");
    assert_refused(&early, SEAL_PURPOSE_SIGN_MAIL, "it is valid only from 20");
    assert_refused(&other, SEAL_PURPOSE_SIGN_MAIL, "signs as '" ALICE "'");
    assert_refused(&server, SEAL_PURPOSE_SIGN_MAIL, "it is not for mail");
    assert_refused(&wrong, SEAL_PURPOSE_SIGN_MAIL, "it is not for signatures");
    assert_refused(&signing, SEAL_PURPOSE_ENCRYPT_MAIL, "it is not for encryption");
}

/* The certificate of somebody else's key: fine to encrypt to, never to sign with. */
static void
test_without_key(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Bob", .address = "bob@example.org", .usage = "digitalSignature,keyAgreement"};
    const SealClientCertificate *bob =
        seal_test_objects_add_certificate(blue->objects, NULL, &spec);
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_mail_certificate_find(blue->objects, "bob@EXAMPLE.ORG",
                                             SEAL_PURPOSE_ENCRYPT_MAIL, NULL) == bob);
    g_assert_null(seal_mail_certificate_find(blue->objects, "bob@example.org",
                                             SEAL_PURPOSE_SIGN_MAIL, &error));
    g_assert_nonnull(strstr(error->message, "its key is on no token"));
}

#define ADD(path, function)                                                                        \
    g_test_add(path, SealTestBlue, NULL, seal_test_blue_open, function, seal_test_blue_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/choose/key/exact-name-before-beginning-of-id", test_exact_before_prefix);
    g_test_add_func("/choose/key/that-can-do-it-on-a-token-that-is-here",
                    test_purpose_and_presence);
    g_test_add_func("/choose/key/by-uri", test_uri_of_key);
    g_test_add_func("/choose/token/the-only-one-or-an-error", test_only_token);
    ADD("/choose/certificate/renewed-one-is-taken", test_renewed);
    ADD("/choose/certificate/rsa-before-others-of-the-same-day", test_rsa_first);
    ADD("/choose/certificate/token-that-is-here-signs", test_absent_last);
    ADD("/choose/certificate/without-key-only-to-encrypt", test_without_key);
    g_test_add_func("/choose/certificate/refusals-say-why", test_reasons);
    return g_test_run();
}
