/* Every verdict that can be reached, and the messages other readers wrongly accept. */
#include "base/error.h"
#include "smime/cms.h"
#include "smime/sign.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"

#include <openssl/cms.h>
#include <openssl/objects.h>
#include <string.h>

static const SealSignOptions opaque = {.opaque = TRUE};

/* -- signatures ------------------------------------------------------------------------------- */

static void
test_content_type_mismatch(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) changed = NULL;

    ASN1_OBJECT_free(parsed->encapsulated->type);
    parsed->encapsulated->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_replayed_attributes(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    SealSignerInfo *signer = sk_SealSignerInfo_value(parsed->signers, 0);
    g_autoptr(GBytes) attributes =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), signer->signed_attributes);
    g_autoptr(GBytes) changed = NULL;

    sk_X509_ATTRIBUTE_pop_free(signer->signed_attributes, X509_ATTRIBUTE_free);
    signer->signed_attributes = NULL;
    ASN1_OCTET_STRING_set(parsed->encapsulated->content, g_bytes_get_data(attributes, NULL),
                          (int)g_bytes_get_size(attributes));
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_attribute_twice(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    SealSignerInfo *signer = sk_SealSignerInfo_value(parsed->signers, 0);
    g_autoptr(GBytes) changed = NULL;

    for (int i = sk_X509_ATTRIBUTE_num(signer->signed_attributes); i > 0; i--)
        sk_X509_ATTRIBUTE_push(
            signer->signed_attributes,
            X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(signer->signed_attributes, i - 1)));
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_certificate_replaced(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) changed = NULL;

    sk_ASN1_TYPE_pop_free(parsed->certificates, ASN1_TYPE_free);
    parsed->certificates = NULL;
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_SIGNER_CERT_MISSING);
}

static void
test_certificates_only(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) unsigned_mail = NULL;
    g_autoptr(GBytes) bare = NULL;

    SealSignerInfo *signer = sk_SealSignerInfo_pop(parsed->signers);
    ASN1_item_free((ASN1_VALUE *)signer, ASN1_ITEM_rptr(SealSignerInfo));
    unsigned_mail = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, unsigned_mail, SEAL_VERDICT_UNSIGNED);
    g_clear_pointer(&parsed->encapsulated->content, ASN1_OCTET_STRING_free);
    bare = test_put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, bare, SEAL_VERDICT_CERTS_ONLY);
}

/* A mail OpenSSL signed with a hash that we would not use. */
static GBytes *
sign_weakly(const World *world, const TestIdentity *who, const EVP_MD *md)
{
    BIO *in = BIO_new_mem_buf(WORLD_TEXT, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, CMS_PARTIAL | CMS_BINARY);
    unsigned char *der = NULL;
    int len = 0;
    g_autoptr(GBytes) bytes = NULL;

    g_assert_nonnull(CMS_add1_signer(cms, who->certificate, who->key, md, CMS_BINARY));
    CMS_add1_cert(cms, world->issuer->certificate);
    g_assert_cmpint(CMS_final(cms, in, NULL, CMS_BINARY), ==, 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return test_mail_of(bytes);
}

static void
test_weak_algorithms(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "rsa:2048");
    const TestIdentity *short_key = world_alice(world, "rsa:1024");
    g_autoptr(GBytes) good = sign_weakly(world, alice, EVP_sha256());
    g_autoptr(GBytes) md5 = sign_weakly(world, alice, EVP_md5());
    g_autoptr(GBytes) sha1 = sign_weakly(world, alice, EVP_sha1());
    g_autoptr(GBytes) rsa1024 = sign_weakly(world, short_key, EVP_sha256());

    world_expect(world, good, SEAL_VERDICT_OK);
    world_expect(world, md5, SEAL_VERDICT_WEAK_ALGORITHM);
    world_expect(world, sha1, SEAL_VERDICT_WEAK_ALGORITHM);
    world_expect(world, rsa1024, SEAL_VERDICT_WEAK_ALGORITHM);
}

static void
test_changed_text(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autoptr(GBytes) changed = world_replace(mail, "From the keeper", "From the thief!");
    g_autoptr(GBytes) blank = world_replace(mail, " From", "  From");
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, changed, SEAL_VERDICT_BAD_SIGNATURE, &content);
    const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);
    const SealSignerReport *signer = g_ptr_array_index(layer->signers, 0);

    g_assert_false(report->good);
    g_assert_cmpstr(signer->signature, ==, "bad");
    g_assert_true(world_has(content, "From the thief!"));
    world_expect(world, blank, SEAL_VERDICT_BAD_SIGNATURE);
}

static void
test_third_part(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    char *end = strrchr(text, '\n') - 1; /* the last CRLF */
    g_autofree char *boundary = NULL;
    g_autofree char *more = NULL;
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(mail, 0, g_bytes_get_size(mail) - 4);

    *end = '\0';
    boundary = g_strdup(strrchr(text, '\n') + 1); /* "--...--" */
    more = g_strdup_printf("%.*s\r\n\r\nforeign text\r\n%s\r\n", (int)strlen(text) - 2, text,
                           boundary);
    changed = world_bytes(more);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
    world_expect(world, cut, SEAL_VERDICT_MALFORMED); /* no last boundary */
}

static void
test_trust_words(World *world, gconstpointer data)
{
    static const struct {
        TestSpec spec;
        SealVerdict verdict;
    } rows[] = {
        {{.name = "A", .address = "alice@example.org", .from = -7200, .until = -3600},
         SEAL_VERDICT_EXPIRED},
        {{.name = "A", .address = "alice@example.org", .from = 3600, .until = 7200},
         SEAL_VERDICT_NOT_YET_VALID},
        {{.name = "A", .address = "alice@example.org", .extended = "clientAuth"},
         SEAL_VERDICT_WRONG_USAGE},
        {{.name = "A", .address = "eve@example.net"}, SEAL_VERDICT_ADDRESS_MISMATCH},
        {{.name = "A"}, SEAL_VERDICT_ADDRESS_MISMATCH},
    };
    const TestSpec alone = {.name = "Alone", .address = "alice@example.org"};
    TestIdentity *own = test_identity_new(&alone, NULL);
    g_autoptr(GBytes) mail = world_sign(world, own, NULL, NULL);

    g_ptr_array_add(world->people, own);
    world_expect(world, mail, SEAL_VERDICT_UNTRUSTED);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestIdentity *who = world_person(world, &rows[i].spec);
        g_autoptr(GBytes) row_mail = world_sign(world, who, NULL, NULL);

        world_expect(world, row_mail, rows[i].verdict);
    }
}

static void
test_revoked_signer(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_sign(world, alice, NULL, NULL);
    g_autoptr(GBytes) crl = test_crl_new(world->issuer, alice, -3600, 3600);

    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_REQUIRE);
    world_expect(world, mail, SEAL_VERDICT_REVOCATION_UNKNOWN);
    g_assert_true(seal_trust_add_crls(world->trust, crl, "crl", NULL));
    world_expect(world, mail, SEAL_VERDICT_REVOKED);
}

/* -- who sent it ------------------------------------------------------------------------------ */

static void
test_senders(World *world, gconstpointer data)
{
    static const struct {
        const char *fields;
        const char *from;
        SealVerdict verdict;
    } rows[] = {
        {"From: alice@EXAMPLE.org\r\n", NULL, SEAL_VERDICT_OK},
        {"From: \"eve@example.net\" <alice@example.org>\r\n", NULL, SEAL_VERDICT_OK},
        {"From: alice@example.org <eve@example.net>\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: \"alice@example.org\" <eve@example.net>\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: ALICE@example.org\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: alice@example.org, eve@example.net\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: alice@example.org\r\nFrom: eve@example.net\r\n", NULL,
         SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: eve@example.net\r\nSender: alice@example.org\r\n", NULL,
         SEAL_VERDICT_ADDRESS_MISMATCH},
        {"Sender: alice@example.org\r\n", NULL, SEAL_VERDICT_OK},
        {"Subject: none\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"Subject: none\r\n", "alice@example.org", SEAL_VERDICT_OK},
        {"From: eve@example.net\r\n", "alice@example.org", SEAL_VERDICT_ADDRESS_MISMATCH},
    };
    const TestIdentity *alice = world_alice(world, "ec:P-256");

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(rows[i].fields, "\r\ntext\r\n", NULL);
        g_autoptr(GBytes) mail = world_sign(world, alice, text, NULL);
        const SealOpenOptions options = {SEAL_OPEN_VERIFY, world->trust, NULL, rows[i].from, 0};
        g_autoptr(SealReport) report = NULL;
        g_autoptr(GBytes) content = NULL;

        g_test_message("%s", rows[i].fields);
        g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
        g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(rows[i].verdict));
    }
}

/* -- encryption ------------------------------------------------------------------------------- */

static void
test_layers(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestIdentity *bob = world_bob(world, "rsa:2048");
    g_autoptr(GBytes) signed_mail = world_sign(world, alice, NULL, NULL);
    g_autoptr(GBytes) mail = world_encrypt(signed_mail, NULL, bob, NULL);
    g_autofree char *inner = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    g_autoptr(GBytes) triple = world_sign(world, alice, inner, &opaque);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, &content);
    g_autoptr(GBytes) triple_content = NULL;
    g_autoptr(SealReport) wrapped =
        world_open_mail(world, SEAL_OPEN_ALL, triple, SEAL_VERDICT_OK, &triple_content);
    g_autoptr(GBytes) decrypted = NULL;
    g_autoptr(SealReport) opened =
        world_open_mail(world, SEAL_OPEN_DECRYPT, mail, SEAL_VERDICT_DECRYPTED_NOAUTH, &decrypted);

    g_assert_cmpuint(report->layers->len, ==, 2);
    g_assert_true(world_has(mail, "Subject: The seal\r\n"));
    g_assert_false(world_has(mail, "keeper"));
    g_assert_true(world_has(content, WORLD_TEXT));
    g_assert_cmpuint(wrapped->layers->len, ==, 3);
    g_assert_true(g_bytes_equal(content, triple_content));
    g_assert_cmpuint(opened->layers->len, ==, 1);
    g_assert_true(opened->good);
    g_assert_true(world_has(decrypted, "Content-Type: multipart/signed"));
}

static void
test_modes(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) encrypted = world_encrypt(plain, NULL, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(SealReport) opened =
        world_open_mail(world, SEAL_OPEN_ALL, plain, SEAL_VERDICT_OK_PLAIN, NULL);
    g_autoptr(SealReport) verified =
        world_open_mail(world, SEAL_OPEN_VERIFY, plain, SEAL_VERDICT_UNSIGNED, NULL);
    g_autoptr(SealReport) decrypted =
        world_open_mail(world, SEAL_OPEN_DECRYPT, plain, SEAL_VERDICT_OK_PLAIN, NULL);
    g_autoptr(SealReport) closed =
        world_open_mail(world, SEAL_OPEN_VERIFY, encrypted, SEAL_VERDICT_UNSIGNED, NULL);

    g_assert_true(opened->good);
    g_assert_false(verified->good);
    g_assert_false(decrypted->good);
    g_assert_false(closed->good);
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

/* -- bodies ----------------------------------------------------------------------------------- */

static void
test_parts_among_others(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) encrypted = world_encrypt(plain, NULL, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) signed_mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    GBytes *const parts[] = {encrypted, signed_mail};
    const SealVerdict verdicts[] = {SEAL_VERDICT_PARTIALLY_ENCRYPTED,
                                    SEAL_VERDICT_PARTIALLY_SIGNED};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *part =
            g_strndup(g_bytes_get_data(parts[i], NULL), g_bytes_get_size(parts[i]));
        g_autofree char *text =
            g_strconcat("From: alice@example.org\r\n"
                        "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
                        "--outer\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil/\r\n"
                        "--outer\r\n",
                        part, "\r\n--outer--\r\n", NULL);
        g_autoptr(GBytes) mail = world_bytes(text);
        g_autoptr(GBytes) content = NULL;
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_ALL, mail, verdicts[i], &content);

        g_assert_false(report->good);
        g_assert_true(g_bytes_equal(content, mail)); /* nothing was opened into it */
    }
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

static void
test_odd_mails(World *world, gconstpointer data)
{
    static const struct {
        const char *mail;
        SealVerdict verdict;
    } rows[] = {
        {"", SEAL_VERDICT_MALFORMED},
        {"no header", SEAL_VERDICT_MALFORMED},
        {"Content-Type: application/pkcs7-mime\r\n\r\nnot base64 and no DER",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n!!",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: application/pkcs7-mime\r\nContent-Type: text/plain\r\n\r\n",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; "
         "boundary=x\r\n\r\n",
         SEAL_VERDICT_UNSUPPORTED},
        {"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: multipart/signed\r\n\r\n", SEAL_VERDICT_MALFORMED},
        /* id-data and compressed data as an S/MIME message */
        {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "MBEGCSqGSIb3DQEHAaAEMAIEAA==",
         SEAL_VERDICT_UNSUPPORTED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) mail = world_bytes(rows[i].mail);

        g_test_message("%s", rows[i].mail);
        world_expect(world, mail, rows[i].verdict);
    }
}

static void
test_limits(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) large = g_bytes_new_take(g_malloc0(SEAL_MAIL_MAX + 1), SEAL_MAIL_MAX + 1);

    for (guint i = 0; i <= SEAL_LAYERS_MAX; i++) {
        g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));

        if (i > 0)
            world_expect(world, mail, SEAL_VERDICT_OK);
        g_bytes_unref(mail);
        mail = world_sign(world, alice, text, &opaque);
    }
    world_expect_closed(world, mail, SEAL_VERDICT_NESTING_LIMIT);
    world_expect_closed(world, large, SEAL_VERDICT_RESOURCE_LIMIT);
}

static void
test_octet_stream(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(GBytes) named = world_replace(mail, "application/pkcs7-mime; smime-type=signed-data;",
                                            "application/octet-stream;");
    g_autoptr(GBytes) old =
        world_replace(mail, "application/pkcs7-mime", "application/x-pkcs7-mime");
    g_autoptr(GBytes) mbox =
        world_replace(mail, "From: Alice", "From alice Mon Nov 23\nFrom: Alice");

    world_expect(world, named, SEAL_VERDICT_OK);
    world_expect(world, old, SEAL_VERDICT_OK);
    world_expect(world, mbox, SEAL_VERDICT_OK);
}

/* -- every byte ------------------------------------------------------------------------------- */

/* An opaque mail with each byte of its message as =XX. */
static GBytes *
quoted(GBytes *mail)
{
    g_autoptr(GBytes) cms = test_cms_of(mail);
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(cms, &len);
    g_autoptr(GString) text =
        g_string_new("From: alice@example.org\r\nContent-Type: application/pkcs7-mime\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n");

    for (gsize i = 0; i < len; i++)
        g_string_append_printf(text, "%s=%02X", i > 0 && i % 24 == 0 ? "=\r\n" : "", bytes[i]);
    return world_bytes(text->str);
}

static GBytes *
sealed_in_cbc(World *world)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);

    return world_encrypt(plain, NULL, world_bob(world, "ec:P-256"), NULL);
}

static GBytes *
sealed_in_chacha20(World *world)
{
    const SealEncryptOptions options = {.cipher = SEAL_CONTENT_CHACHA20_POLY1305};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);

    return world_encrypt(plain, &options, world_bob(world, "x25519"), NULL);
}

static gboolean
is_authentic(SealVerdict verdict)
{
    return verdict == SEAL_VERDICT_OK || verdict == SEAL_VERDICT_DECRYPTED;
}

/* `at`: below the length, the byte to flip; from there on, where to cut. */
static GBytes *
damage(GBytes *mail, gsize at)
{
    gsize len = g_bytes_get_size(mail);
    guint8 *copy = g_memdup2(g_bytes_get_data(mail, NULL), len);

    if (at < len)
        copy[at] ^= (guint8)(1 << (at % 7));
    return g_bytes_new_take(copy, at < len ? len : at - len);
}

/* Whatever is cut off or flipped: no crash, and no verdict that vouches for other content. CBC can
 * be changed without a trace, so the most that is said of it is "decrypted-noauth". */
static void
test_every_byte(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) opaque_mail = world_sign(world, alice, NULL, &opaque);
    const struct {
        GBytes *mail;
        SealVerdict verdict;
    } forms[] = {
        {world_sign(world, alice, NULL, NULL), SEAL_VERDICT_OK},
        {g_bytes_ref(opaque_mail), SEAL_VERDICT_OK},
        {quoted(opaque_mail), SEAL_VERDICT_OK},
        {world_encrypt_gcm(world), SEAL_VERDICT_DECRYPTED},
        {sealed_in_chacha20(world), SEAL_VERDICT_DECRYPTED},
        {sealed_in_cbc(world), SEAL_VERDICT_DECRYPTED_NOAUTH},
    };

    for (gsize form = 0; form < G_N_ELEMENTS(forms); form++) {
        const SealOpenOptions options = {SEAL_OPEN_ALL, world->trust, &world->unwrapper, NULL, 0};
        gsize len = g_bytes_get_size(forms[form].mail);
        g_autoptr(GBytes) good = NULL;
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_ALL, forms[form].mail, forms[form].verdict, &good);

        for (gsize at = 0; at < 2 * len; at++) {
            g_autoptr(GBytes) mail = damage(forms[form].mail, at);
            g_autoptr(GBytes) content = NULL;
            g_autoptr(SealReport) damaged = NULL;

            g_assert_true(seal_mail_open(mail, &options, &damaged, &content, NULL));
            if (is_authentic(damaged->verdict))
                g_assert_true(g_bytes_equal(content, good));
            else if (damaged->good && damaged->layers->len > 0)
                g_assert_cmpint(damaged->verdict, ==, SEAL_VERDICT_DECRYPTED_NOAUTH);
        }
        g_bytes_unref(forms[form].mail);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/open/signed/content-type-mismatch/is-malformed", test_content_type_mismatch},
        {"/open/signed/replayed-attributes/are-malformed", test_replayed_attributes},
        {"/open/signed/attribute-twice/is-malformed", test_attribute_twice},
        {"/open/signed/without-its-certificate/says-so", test_certificate_replaced},
        {"/open/signed/by-nobody/is-unsigned-or-certs-only", test_certificates_only},
        {"/open/signed/md5-sha1-and-rsa-1024/are-weak", test_weak_algorithms},
        {"/open/signed/changed-text/is-bad", test_changed_text},
        {"/open/signed/third-part/is-malformed", test_third_part},
        {"/open/signed/words-of-trust", test_trust_words},
        {"/open/signed/revocation", test_revoked_signer},
        {"/open/signed/senders", test_senders},
        {"/open/layers/signed-then-encrypted-and-triple", test_layers},
        {"/open/modes/ask-different-questions", test_modes},
        {"/open/mail/protected-part-among-others/stays-closed", test_parts_among_others},
        {"/open/mail/odd-ones", test_odd_mails},
        {"/open/mail/limits", test_limits},
        {"/open/mail/old-types-and-octet-stream", test_octet_stream},
        {"/open/every-byte/cut-or-flipped", test_every_byte},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
