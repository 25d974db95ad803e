/* What verify and open keep of a mail's signers. OpenSSL's CMS makes the mails, with the attributes
 * and certificates of each case; what was kept is read from the database. */
#include <json-glib/json-glib.h>
#include <openssl/cms.h>
#include <openssl/objects.h>
#include <string.h>

#include "pki/correspondents.h"
#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"

#define DAY     ((gint64)24 * 60 * 60)
#define ADDRESS "dora@example.net"

typedef struct {
    TestIdentity *root, *signer, *encryption;
    char *root_file;
    char *database;
} Scene;

static TestIdentity *
issue(const char *name, const char *usage, const char *address, const TestIdentity *issuer)
{
    const TestSpec spec = {.name = name, .address = address, .usage = usage};

    return test_identity_new(&spec, issuer);
}

static void
scene_open(Scene *scene, gconstpointer name)
{
    const TestSpec root = {.name = "Circle", .authority = TRUE};
    g_autofree char *data = seal_cli_test_home_file(name);
    g_autoptr(GBytes) pem = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    scene->database = g_build_filename(data, "privyseal", "recipients.db", NULL);
    scene->root = test_identity_new(&root, NULL);
    scene->signer = issue("Dora signs", "digitalSignature", ADDRESS, scene->root);
    scene->encryption = issue("Dora reads", "keyAgreement", ADDRESS, scene->root);
    pem = test_identity_pem(scene->root);
    scene->root_file = seal_cli_test_save("circle.pem", pem);
}

static void
scene_close(Scene *scene, gconstpointer name)
{
    test_identity_free(scene->root);
    test_identity_free(scene->signer);
    test_identity_free(scene->encryption);
    g_free(scene->root_file);
    g_free(scene->database);
}

/* -- mails ------------------------------------------------------------------------------------ */

/* RFC 8551 2.5.3: the [0] form. */
static void
add_preference(CMS_SignerInfo *signer, X509 *certificate)
{
    const X509_NAME *issuer = X509_get_issuer_name(certificate);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    int len = i2d_X509_NAME(issuer, NULL) + i2d_ASN1_INTEGER(serial, NULL);
    unsigned char der[1024];
    unsigned char *at = der;
    ASN1_STRING *value = ASN1_STRING_new();
    X509_ATTRIBUTE *attribute = NULL;

    g_assert_cmpint(len, <, 1000);
    ASN1_put_object(&at, 1, len, 0, V_ASN1_CONTEXT_SPECIFIC);
    i2d_X509_NAME(issuer, &at);
    i2d_ASN1_INTEGER(serial, &at);
    ASN1_STRING_set(value, der, (int)(at - der));
    attribute = X509_ATTRIBUTE_create(NID_id_smime_aa_encrypKeyPref, V_ASN1_OTHER, value);
    g_assert_true(CMS_signed_add1_attr(signer, attribute));
    X509_ATTRIBUTE_free(attribute);
}

/* A mail from `from`, signed by the scene's signer, with `others` (NULL-terminated) beside the
 * signature and `preferred` (nullable) named in it. (transfer full) */
static GBytes *
signed_mail(const Scene *scene, const char *from, const TestIdentity *const *others,
            const TestIdentity *preferred)
{
    static const char text[] = "Content-Type: text/plain\r\n\r\nthe Keeper\r\n";
    const unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_STREAM | CMS_PARTIAL;
    BIO *content = BIO_new_mem_buf(text, -1);
    BIO *out = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, flags);
    CMS_SignerInfo *signer =
        CMS_add1_signer(cms, scene->signer->certificate, scene->signer->key, EVP_sha256(), flags);
    char *data = NULL;
    GBytes *mail = NULL;
    long len = 0;

    g_assert_nonnull(signer);
    for (; *others; others++)
        g_assert_true(CMS_add1_cert(cms, (*others)->certificate));
    if (preferred)
        add_preference(signer, preferred->certificate);
    BIO_printf(out, "From: %s\r\nSubject: seal\r\n", from);
    g_assert_true(SMIME_write_CMS(out, cms, content, (int)flags));
    len = BIO_get_mem_data(out, &data);
    mail = g_bytes_new(data, (gsize)len);
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(out);
    return mail;
}

static SealTestResult *
verify(const Scene *scene, GBytes *mail, const char *option)
{
    return seal_cli_test_privyseal(mail, "verify", "--no-default-anchors", "--anchor",
                                   scene->root_file, "--json", option, NULL);
}

/* The first certificate kept for ADDRESS (transfer full); NULL if there is none. */
static SealCorrespondent *
kept(const Scene *scene, guint *ret_count)
{
    g_autoptr(SealDatabase) database = seal_database_open(scene->database, NULL);
    g_autoptr(GPtrArray) rows = seal_correspondents_list(database, NULL, NULL);

    *ret_count = rows->len;
    return rows->len > 0 ? g_ptr_array_steal_index(rows, 0) : NULL;
}

static void
assert_kept(const Scene *scene, const TestIdentity *identity)
{
    guint count = 0;
    g_autoptr(SealCorrespondent) row = kept(scene, &count);
    g_autoptr(GBytes) der = test_identity_der(identity);

    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpstr(row->address, ==, ADDRESS);
    g_assert_cmpint(row->origin, ==, SEAL_ORIGIN_MAIL);
    g_assert_true(g_bytes_equal(row->certificate, der));
}

static void
assert_nothing_kept(const Scene *scene)
{
    guint count = 0;
    g_autoptr(SealCorrespondent) row = kept(scene, &count);

    g_assert_null(row);
}

/* Verifies with exit status `status`, and nothing is kept. */
static void
assert_not_harvested(const Scene *scene, GBytes *mail, const char *option, int status)
{
    g_autoptr(SealTestResult) result = verify(scene, mail, option);

    seal_cli_test_assert_status(result, status);
    assert_nothing_kept(scene);
}

/* -- what is kept ----------------------------------------------------------------------------- */

static void
test_beside(Scene *scene, gconstpointer data)
{
    const TestIdentity *const others[] = {scene->root, scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, NULL);
    g_autoptr(SealTestResult) result = verify(scene, mail, NULL);
    g_autoptr(SealTestResult) found = NULL;

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, "");
    assert_kept(scene, scene->encryption);
    found = seal_cli_test_privyseal(NULL, "recipients", "find", ADDRESS, "--anchor",
                                    scene->root_file, NULL);
    seal_cli_test_assert_status(found, 0);
}

static void
test_preferred(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {.name = "Dora prefers",
                           .address = ADDRESS,
                           .usage = "keyAgreement",
                           .from = -30 * DAY,
                           .until = 30 * DAY};
    g_autoptr(TestIdentity) preferred = test_identity_new(&spec, scene->root);
    const TestIdentity *const others[] = {scene->encryption, preferred, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, preferred);
    g_autoptr(SealTestResult) result = verify(scene, mail, NULL);

    seal_cli_test_assert_status(result, 0);
    assert_kept(scene, preferred);
}

static void
test_signer_itself(Scene *scene, gconstpointer data)
{
    const TestIdentity *const nobody[] = {NULL};
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(SealTestResult) result = NULL;

    test_identity_free(scene->signer);
    scene->signer = issue("Dora both", "digitalSignature,keyAgreement", ADDRESS, scene->root);
    mail = signed_mail(scene, ADDRESS, nobody, NULL);
    result = verify(scene, mail, NULL);
    seal_cli_test_assert_status(result, 0);
    assert_kept(scene, scene->signer);
}

/* `open` keeps, too; and what the sender's program can read: OpenSSL states SMIMECapabilities. */
static void
test_capabilities(Scene *scene, gconstpointer data)
{
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, NULL);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "open", "--anchor", scene->root_file, NULL);
    guint count = 0;
    g_autoptr(SealCorrespondent) row = NULL;
    const unsigned char *at = NULL;
    X509_ALGORS *list = NULL;

    seal_cli_test_assert_status(result, 0);
    row = kept(scene, &count);
    g_assert_nonnull(row->capabilities);
    at = g_bytes_get_data(row->capabilities, NULL);
    list = d2i_X509_ALGORS(NULL, &at, (long)g_bytes_get_size(row->capabilities));
    g_assert_cmpint(sk_X509_ALGOR_num(list), >, 3);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    g_assert_cmpint(ABS(row->capabilities_time - row->since), <, 3600);
}

/* -- changes ---------------------------------------------------------------------------------- */

/* Sends one mail with the scene's certificate, then one with a newer; the second report's warning.
 * (transfer full) */
static char *
change_certificate(const Scene *scene, gboolean pin)
{
    const TestSpec spec = {.name = "Dora anew",
                           .address = ADDRESS,
                           .usage = "keyAgreement",
                           .from = -60,
                           .until = 300 * DAY};
    g_autoptr(TestIdentity) newer = test_identity_new(&spec, scene->root);
    const TestIdentity *const first[] = {scene->encryption, NULL};
    const TestIdentity *const second[] = {newer, NULL};
    g_autoptr(GBytes) der = test_identity_der(scene->encryption);
    g_autofree char *print = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
    g_autoptr(GBytes) one = signed_mail(scene, ADDRESS, first, NULL);
    g_autoptr(GBytes) two = signed_mail(scene, ADDRESS, second, NULL);
    g_autoptr(SealTestResult) before = verify(scene, one, NULL);
    g_autoptr(SealTestResult) pinning =
        pin ? seal_cli_test_privyseal(NULL, "recipients", "pin", ADDRESS, print, NULL) : NULL;
    g_autoptr(SealTestResult) after = verify(scene, two, NULL);
    g_autoptr(JsonNode) root = json_from_string(after->out, NULL);
    JsonArray *warnings = NULL;

    seal_cli_test_assert_status(before, 0);
    seal_cli_test_assert_status(after, 0);
    warnings = json_object_get_array_member(json_node_get_object(root), "warnings");
    g_assert_cmpuint(json_array_get_length(warnings), ==, 1);
    print[16] = '\0';
    g_assert_nonnull(strstr(json_array_get_string_element(warnings, 0), print));
    return g_strdup(json_array_get_string_element(warnings, 0));
}

static void
test_change(Scene *scene, gconstpointer data)
{
    g_autofree char *warning = change_certificate(scene, FALSE);

    g_assert_true(g_str_has_prefix(warning, ADDRESS " has another certificate now"));
    g_assert_nonnull(strstr(warning, "in use since 2"));
}

static void
test_pinned(Scene *scene, gconstpointer data)
{
    g_autofree char *warning = change_certificate(scene, TRUE);
    g_autoptr(GBytes) der = test_identity_der(scene->encryption);
    guint count = 0;
    g_autoptr(SealCorrespondent) used = kept(scene, &count);

    g_assert_nonnull(strstr(warning, "stays in use"));
    g_assert_true(g_bytes_equal(used->certificate, der));
}

/* -- what is not ------------------------------------------------------------------------------ */

static void
test_told_not_to(Scene *scene, gconstpointer data)
{
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, NULL);
    static const char file[] = "config/privyseal/privyseal.conf";
    g_autofree char *before = seal_test_home_read(seal_cli_test_home(), file);
    g_autofree char *without = g_strconcat(before, "\n[recipients]\nharvest=no\n", NULL);

    assert_not_harvested(scene, mail, "--no-harvest", 0);
    g_free(seal_test_home_write(seal_cli_test_home(), file, without));
    assert_not_harvested(scene, mail, NULL, 0);
    g_free(seal_test_home_write(seal_cli_test_home(), file, before));
}

static void
test_other_sender(Scene *scene, gconstpointer data)
{
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, "eve@example.net", others, NULL);

    assert_not_harvested(scene, mail, NULL, 1);
}

static void
test_changed_text(Scene *scene, gconstpointer data)
{
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, NULL);
    gsize len = g_bytes_get_size(mail);
    char *text = g_memdup2(g_bytes_get_data(mail, NULL), len);
    char *word = memmem(text, len, "the Keeper", 10);
    g_autoptr(GBytes) changed = g_bytes_new_take(text, len);

    g_assert_nonnull(word);
    *word = 'T';
    assert_not_harvested(scene, changed, NULL, 1);
}

/* The signer is good; the certificate beside the signature is by nobody, or for another. */
static void
test_foreign_beside(Scene *scene, gconstpointer data)
{
    g_autoptr(TestIdentity) alone = issue("Alone", "keyAgreement", ADDRESS, NULL);
    g_autoptr(TestIdentity) eve = issue("Eve", "keyAgreement", "eve@example.net", scene->root);
    const TestIdentity *const others[] = {alone, eve, NULL};
    g_autoptr(GBytes) by_nobody = signed_mail(scene, ADDRESS, others, alone);
    g_autoptr(GBytes) for_another = signed_mail(scene, ADDRESS, others, eve);

    assert_not_harvested(scene, by_nobody, NULL, 0);
    assert_not_harvested(scene, for_another, NULL, 0);
}

/* The attribute names a certificate that did not come along: nothing else is taken for it. */
static void
test_preferred_is_missing(Scene *scene, gconstpointer data)
{
    g_autoptr(TestIdentity) missing = issue("Missing", "keyAgreement", ADDRESS, scene->root);
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, missing);

    assert_not_harvested(scene, mail, NULL, 0);
}

static void
test_damaged_database(Scene *scene, gconstpointer name)
{
    const TestIdentity *const others[] = {scene->encryption, NULL};
    g_autoptr(GBytes) mail = signed_mail(scene, ADDRESS, others, NULL);
    g_autofree char *file = g_strdup_printf("%s/privyseal/recipients.db", (const char *)name);
    g_autofree char *noise = g_strnfill(8192, '#');
    g_autofree char *path = seal_test_home_write(seal_cli_test_home(), file, noise);
    g_autoptr(SealTestResult) result = verify(scene, mail, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_true(g_str_has_prefix(result->err, "privyseal: warning: the signer's certificate"));
    g_assert_nonnull(strstr(result->err, path));
}

#define ADD(path, name, function)                                                                  \
    g_test_add("/cli/harvest/" path, Scene, name, scene_open, function, scene_close)

static void
add_tests(void)
{
    ADD("certificate-for-encryption-that-came-along", "beside", test_beside);
    ADD("preferred-certificate", "preferred", test_preferred);
    ADD("signers-own-if-it-can-encrypt", "itself", test_signer_itself);
    ADD("capabilities-by-open", "capabilities", test_capabilities);
    ADD("change-is-told-in-the-report", "change", test_change);
    ADD("pinned-one-stays", "pinned", test_pinned);
    ADD("not-when-told-not-to", "told", test_told_not_to);
    ADD("not-from-another-sender", "sender", test_other_sender);
    ADD("not-from-a-changed-mail", "changed", test_changed_text);
    ADD("not-by-nobody-or-for-another", "foreign", test_foreign_beside);
    ADD("not-another-than-the-preferred", "missing", test_preferred_is_missing);
    ADD("damaged-database-makes-no-mail-bad", "damaged", test_damaged_database);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add_tests);
}
