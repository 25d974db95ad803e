/* Whose mail it is: From and Sender against the certificates of its signers (RFC 8550 3, RFC 9598),
 * several authors, and names that look like another sender's. */
#include "smime/sender.h"
#include "smime/look-alike.h"
#include "tests/smime/world.h"

#include <openssl/cms.h>
#include <pthread.h>
#include <string.h>

/* -- the certificate and the fields ----------------------------------------------------------- */

static SealReport *
open_mail(World *world, GBytes *mail)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_VERIFY, .trust = world->trust};
    g_autoptr(GBytes) content = NULL;
    SealReport *report = NULL;

    g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
    return report;
}

static void
expect_report(const SealReport *report, SealVerdict verdict, const char *text)
{
    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(verdict));
    if (text && !strstr(report->reason, text))
        g_error("'%s' is not in: %s", text, report->reason);
}

typedef struct {
    const char *fields;
    SealVerdict verdict;
    const char *reason; /* (nullable) in it */
} Row;

static void
expect_rows(World *world, const TestSpec *spec, const Row *rows, gsize count)
{
    const TestIdentity *signer = world_person(world, spec);

    for (gsize i = 0; i < count; i++) {
        g_autofree char *text = g_strconcat(rows[i].fields, "\r\n\r\ntext\r\n", NULL);
        g_autoptr(GBytes) mail = world_sign(world, signer, text, NULL);
        g_autoptr(SealReport) report = open_mail(world, mail);

        g_test_message("%s", rows[i].fields);
        expect_report(report, rows[i].verdict, rows[i].reason);
    }
}

static void
test_explained(World *world, gconstpointer data)
{
    const TestSpec alice = {.name = "Alice", .address = "alice@example.org"};
    static const Row rows[] = {
        {"From: \"alice\"@example.org", SEAL_VERDICT_OK, NULL},
        {"From: g: alice@example.org;", SEAL_VERDICT_OK, NULL},
        {"From: alice@example.org\r\nSender: eve@example.net", SEAL_VERDICT_OK, NULL},
        {"From: Alice@example.org", SEAL_VERDICT_ADDRESS_MISMATCH, "upper and lower case"},
        {"From: bob@example.org\r\nSender: alice@example.org", SEAL_VERDICT_ADDRESS_MISMATCH,
         "sent it for them"},
        {"From: bob@example.org", SEAL_VERDICT_ADDRESS_MISMATCH, "by another way"},
        {"From: alice", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: alice (at) example.org", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: alice@example.org, eve@example.net", SEAL_VERDICT_ADDRESS_MISMATCH,
         "names eve@example.net as an author, too"},
    };

    expect_rows(world, &alice, rows, G_N_ELEMENTS(rows));
}

/* Each is shown by some program as mail of the bank's. */
static void
test_hidden_authors(World *world, gconstpointer data)
{
    const TestSpec alice = {.name = "Alice", .address = "alice@example.org"};
    const TestIdentity *signer = world_person(world, &alice);
    g_autofree char *long_name = g_strnfill(SEAL_FIELD_LEN_MAX, 'a');
    g_autofree char *blanks = g_strnfill(SEAL_FIELD_LEN_MAX, ' ');
    g_autofree char *behind_name =
        g_strdup_printf("From: alice@example.org, \"%s\" <ceo@bank.example>", long_name);
    g_autofree char *behind_blanks =
        g_strdup_printf("From: alice@example.org%s, ceo@bank.example", blanks);
    const Row rows[] = {
        {"From: alice@example.org; ceo@bank.example", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: alice@example.org, ceo at bank.example", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: \"ceo@bank.example\":;\r\nSender: alice@example.org", SEAL_VERDICT_ADDRESS_MISMATCH,
         NULL},
        {"From: alice@example.org, \"ceo@bank.example\":;", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From : ceo@bank.example\r\nFrom: alice@example.org", SEAL_VERDICT_MALFORMED, NULL},
        {"X: 1\rFrom: ceo@bank.example\r\nFrom: alice@example.org", SEAL_VERDICT_MALFORMED, NULL},
        {behind_name, SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {behind_blanks, SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) mail = world_sign(world, signer, "X: fields\r\n\r\ntext\r\n", NULL);
        g_autoptr(GBytes) changed = world_replace(mail, "X: fields", rows[i].fields);
        g_autoptr(SealReport) report = open_mail(world, changed);

        g_test_message("%.80s", rows[i].fields);
        expect_report(report, rows[i].verdict, rows[i].reason);
    }
}

static void
test_domain_in_unicode(World *world, gconstpointer data)
{
    const TestSpec alice = {.name = "Alice", .address = "alice@xn--bcher-kva.example"};
    static const Row rows[] = {
        {"From: alice@xn--bcher-kva.example", SEAL_VERDICT_OK, NULL},
        {"From: alice@b\xc3\xbc"
         "cher.example",
         SEAL_VERDICT_OK, NULL},
        {"From: alice@bucher.example", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: alice@b\xd1\x83"
         "cher.example",
         SEAL_VERDICT_ADDRESS_MISMATCH, "alice@xn--bcher-eze.example"},
    };

    expect_rows(world, &alice, rows, G_N_ELEMENTS(rows));
}

static void
test_utf8_mailbox(World *world, gconstpointer data)
{
    const TestSpec elodie = {.name = "E", .utf8_mailbox = "\xc3\xa9lodie@xn--bcher-kva.example"};
    static const Row rows[] = {
        {"From: \xc3\xa9lodie@b\xc3\xbc"
         "cher.example",
         SEAL_VERDICT_OK, NULL},
        {"From: \xc3\xa9lodie@xn--bcher-kva.example", SEAL_VERDICT_OK, NULL},
        {"From: elodie@xn--bcher-kva.example", SEAL_VERDICT_ADDRESS_MISMATCH, NULL},
        {"From: =?utf-8?q?=C3=A9lodie?=@xn--bcher-kva.example", SEAL_VERDICT_ADDRESS_MISMATCH,
         NULL},
    };

    expect_rows(world, &elodie, rows, G_N_ELEMENTS(rows));
}

/* -- several authors -------------------------------------------------------------------------- */

/* An opaque mail with these fields, signed by both with OpenSSL. */
static GBytes *
sign_together(World *world, const char *fields, const TestIdentity *one, const TestIdentity *other)
{
    BIO *in = BIO_new_mem_buf("\r\ntext\r\n", -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, CMS_PARTIAL | CMS_BINARY);
    unsigned char *der = NULL;
    int len = 0;
    g_autofree char *base64 = NULL;
    g_autofree char *text = NULL;

    g_assert_nonnull(CMS_add1_signer(cms, one->certificate, one->key, NULL, CMS_BINARY));
    g_assert_nonnull(CMS_add1_signer(cms, other->certificate, other->key, NULL, CMS_BINARY));
    CMS_add1_cert(cms, world->issuer->certificate);
    g_assert_cmpint(CMS_final(cms, in, NULL, CMS_BINARY), ==, 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    base64 = g_base64_encode(der, (gsize)len);
    text = g_strdup_printf("%s\r\nContent-Type: application/pkcs7-mime\r\n"
                           "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n",
                           fields, base64);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return world_bytes(text);
}

static void
test_authors(World *world, gconstpointer data)
{
    static const Row rows[] = {
        {"From: alice@example.org, bob@example.org", SEAL_VERDICT_OK, NULL},
        {"From: bob@example.org", SEAL_VERDICT_OK_PARTIAL, "certified as alice@example.org"},
        {"From: alice@example.org, bob@example.org, eve@example.net", SEAL_VERDICT_ADDRESS_MISMATCH,
         "names eve@example.net"},
        {"From: alice@example.org, bob@example.org\r\nFrom: eve@example.net",
         SEAL_VERDICT_ADDRESS_MISMATCH, "names eve@example.net"},
    };
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestSpec spec = {.name = "Bob", .address = "bob@example.org"};
    const TestIdentity *bob = world_person(world, &spec);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) mail = sign_together(world, rows[i].fields, alice, bob);
        g_autoptr(SealReport) report = open_mail(world, mail);

        expect_report(report, rows[i].verdict, rows[i].reason);
    }
}

/* A thousand authors, all of one name: the ones beyond the limit are nobody. */
static void
test_many_authors(World *world, gconstpointer data)
{
    g_autoptr(GString) fields = g_string_new("From: alice@example.org");
    g_autofree char *text = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(SealReport) report = NULL;

    for (int i = 0; i < 1000; i++)
        g_string_append(fields, ",\r\n alice@example.org");
    text = g_strconcat(fields->str, "\r\n\r\ntext\r\n", NULL);
    mail = world_sign(world, world_alice(world, "ec:P-256"), text, NULL);
    report = open_mail(world, mail);
    expect_report(report, SEAL_VERDICT_ADDRESS_MISMATCH, "cannot be read");
}

/* -- look-alikes ------------------------------------------------------------------------------ */

static void
expect_warning(const char *sentence, const char *expected)
{
    if (!expected)
        g_assert_cmpstr(sentence, ==, NULL);
    else if (!sentence || !strstr(sentence, expected))
        g_error("'%s' is not in: %s", expected, sentence);
}

static void
test_names(void)
{
    static const struct {
        const char *name;
        const char *found; /* (nullable) */
    } rows[] = {
        {NULL, NULL},
        {"", NULL},
        {"Eve", NULL},
        {"Eve @ Example", NULL},
        {"Eve@home", NULL},
        {"@eve", NULL},
        {"eve@example.net", NULL},
        {"Eve@Example.NET", NULL},
        {"Eve <eve@example.net>", NULL},
        {"ceo@bank.example", "ceo@bank.example"},
        {"The CEO (ceo@bank.example)", "ceo@bank.example"},
        {"'ceo@bank.example'", "ceo@bank.example"},
        {"write to ceo@bank.example.", "ceo@bank.example"},
        {"eve@example.net ceo@bank.example", "ceo@bank.example"},
        {"mailto:ceo@bank.example", "ceo@bank.example"},
        {"ceo @ bank.example", "ceo@bank.example"},
        {"ceo\xef\xbc\xa0"
         "bank.example",
         "ceo@bank.example"},
        {"ceo\xef\xb9\xab"
         "bank.example",
         "ceo@bank.example"},
        {"ceo\xe2\x80\x8b@\xe2\x80\x8b"
         "bank.example",
         "ceo@bank.example"},
        {"\xe2\x80\xae"
         "ceo@bank.example",
         "ceo@bank.example"},
        {"\xef\xbd\x83\xef\xbd\x85\xef\xbd\x8f@bank.example", "ceo@bank.example"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *sentence = seal_look_alike_name(rows[i].name, "eve@example.net");

        expect_warning(sentence, rows[i].found);
    }
}

/* The ASCII names as "idn2" writes them. */
static void
test_domains(void)
{
    static const struct {
        const char *address;
        const char *found; /* (nullable) */
    } rows[] = {
        {"a@example.org", NULL},
        {"a@b\xc3\xbc"
         "cher.example",
         NULL},
        {"a@xn--bcher-kva.example", NULL},
        {"a@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.example", NULL}, /* all Cyrillic */
        {"a@\xe6\x97\xa5\xe6\x9c\xac"
         "tv.example",
         NULL},                                               /* Chinese and Latin */
        {"a@p\xd0\xb0ypal.example", "xn--pypal-4ve.example"}, /* Cyrillic a */
        {"a@xn--pypal-4ve.example", "xn--pypal-4ve.example"},
        {"a@xn--99999999.example", NULL},
        {"a", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *sentence = seal_look_alike_domain(rows[i].address);

        expect_warning(sentence, rows[i].found);
    }
}

/* In mails: RFC 2047 words, comments, groups, Sender, and several fields. */
static void
test_warnings(void)
{
    static const struct {
        const char *fields;
        guint count;
    } rows[] = {
        {"From: Alice <alice@example.org>", 0},
        {"From: \"ceo@bank.example\" <eve@example.net>", 1},
        {"From: ceo@bank.example <eve@example.net>", 1},
        {"From: =?utf-8?q?ceo=40bank.example?= <eve@example.net>", 1},
        {"From: =?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?= <eve@example.net>", 1},
        {"From: eve@example.net (ceo@bank.example)", 1},
        {"From: \"ceo@bank.example\": eve@example.net;", 1},
        {"From: \"ceo@bank.example\"@example.net", 1},
        {"From: =?utf-8?q?ceo=40bank.example=00?=@example.net", 1},
        {"From: \"eve\"@example.net", 0},
        {"From: eve@example.net\r\nSender: \"ceo@bank.example\" <eve@example.net>", 1},
        {"From: a@example.org\r\nFrom: a@example.org", 1},
        {"From: a@example.org\r\nSender: a@example.org\r\nSender: a@example.org", 1},
        {"Subject: ceo@bank.example", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(rows[i].fields, "\r\n\r\ntext\r\n", NULL);
        const SealBytes bytes = {(const guint8 *)text, strlen(text)};
        g_autoptr(SealEntity) mail = seal_entity_parse(bytes);
        g_autoptr(GPtrArray) warnings = seal_mail_sender_warnings(mail);

        g_test_message("%s", rows[i].fields);
        g_assert_cmpuint(warnings->len, ==, rows[i].count);
    }
}

static gpointer
list_senders(gpointer mail)
{
    return seal_mail_senders(mail, NULL);
}

/* Whoever reads mail may do it in a thread with a small stack. */
static void
test_nested_groups(void)
{
    g_autoptr(GString) text = g_string_new("From: ");
    g_autoptr(SealEntity) mail = NULL;
    g_autoptr(GPtrArray) senders = NULL;
    pthread_attr_t small;
    pthread_t thread;
    void *result = NULL;

    for (guint i = 0; i < 32000; i++)
        g_string_append(text, "a:");
    g_string_append(text, "\r\n\r\ntext\r\n");
    mail = seal_entity_parse((SealBytes){(const guint8 *)text->str, text->len});
    pthread_attr_init(&small);
    g_assert_cmpint(pthread_attr_setstacksize(&small, (size_t)512 * 1024), ==, 0);
    g_assert_cmpint(pthread_create(&thread, &small, list_senders, mail), ==, 0);
    pthread_attr_destroy(&small);
    g_assert_cmpint(pthread_join(thread, &result), ==, 0);
    senders = result;
    g_assert_cmpuint(senders->len, ==, 1);
    g_assert_cmpstr(senders->pdata[0], ==, "");
}

/* A mail of so many authors is nobody's; who else is in it makes no difference, but time. */
static void
test_warnings_have_an_end(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(SealEntity) mail = NULL;
    g_autoptr(GPtrArray) warnings = NULL;

    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "Sender: a@example.org\r\n");
    g_string_append(text, "Sender: \"ceo@bank.example\" <a@example.org>\r\n\r\ntext\r\n");
    mail = seal_entity_parse((SealBytes){(const guint8 *)text->str, text->len});
    warnings = seal_mail_sender_warnings(mail);
    g_assert_cmpuint(warnings->len, ==, 1); /* there is more than one field */
}

/* A good signature of eve's stays good; the page and the JSON tell of the name. */
static void
test_told(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Eve", .address = "eve@example.net"};
    g_autoptr(GBytes) mail =
        world_sign(world, world_person(world, &spec),
                   "From: \"ceo@bank.example\" <eve@example.net>\r\n\r\ntext\r\n", NULL);
    g_autoptr(SealReport) report = open_mail(world, mail);
    g_autofree char *page = seal_report_to_text(report);
    g_autofree char *json = seal_report_to_json(report);

    expect_report(report, SEAL_VERDICT_OK, NULL);
    g_assert_true(report->good);
    g_assert_nonnull(strstr(page, "\nwarning: the name beside the sender's address "
                                  "eve@example.net contains another address, ceo@bank.example"));
    g_assert_nonnull(strstr(json, "\"warnings\" : [\n    \"the name beside"));
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/sender/mismatch/is-explained", test_explained);
    ADD("/sender/mismatch/is-an-author-whom-only-others-see", test_hidden_authors);
    ADD("/sender/domain-in-unicode/is-the-one-in-ascii", test_domain_in_unicode);
    ADD("/sender/utf8-mailbox/is-certified", test_utf8_mailbox);
    ADD("/sender/several-authors/each-has-signed", test_authors);
    ADD("/sender/several-authors/too-many-are-nobody", test_many_authors);
    g_test_add_func("/sender/look-alike/names", test_names);
    g_test_add_func("/sender/look-alike/domains", test_domains);
    g_test_add_func("/sender/look-alike/fields-of-mails", test_warnings);
    g_test_add_func("/sender/look-alike/has-an-end", test_warnings_have_an_end);
    g_test_add_func("/sender/groups/nested-ones-are-nobody", test_nested_groups);
    ADD("/sender/look-alike/is-told-beside-a-good-signature", test_told);
    return g_test_run();
}
