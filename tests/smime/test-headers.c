/* Header protection on the writing side; expected forms are those of RFC 9788's examples. */
#include "smime/headers.h"
#include "smime/mail.h"
#include "tests/smime/world.h"

#include <string.h>

#define FIELDS                                                                                     \
    "From: Alice <alice@example.org>\r\n"                                                          \
    "To: Bob <bob@example.org>\r\n"                                                                \
    "Subject: The seal of\r\n the realm\r\n"                                                       \
    "Keywords: secret\r\n"                                                                         \
    "Message-ID: <1@example.org>\r\n"
#define MAIL                                                                                       \
    "Received: from x by y; Mon, 1 Jun 2026 10:00:00 +0000\r\n" FIELDS                             \
    "Bcc: carol@example.org\r\n"                                                                   \
    "Content-Type: text/plain; charset=utf-8;\r\n"                                                 \
    "MIME-Version: 1.0\r\n"                                                                        \
    "\r\n"                                                                                         \
    "Text\r\n"

static GBytes *
open_it(World *world, GBytes *mail, SealVerdict verdict)
{
    GBytes *content = NULL;
    g_autoptr(SealReport) report = world_open_mail(world, SEAL_OPEN_ALL, mail, verdict, &content);

    g_assert_nonnull(report);
    return content;
}

static void
assert_same(GBytes *bytes, const char *expected)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));

    g_assert_cmpstr(text, ==, expected);
}

/* RFC 9788 2.1.1: the payload has the fields, and says "clear". */
static void
test_signed(World *world, gconstpointer data)
{
    static const SealSignOptions options = {.headers = SEAL_HEADERS_SIGNED};
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), MAIL, &options);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_OK);

    assert_same(content, FIELDS "Content-Type: text/plain; charset=utf-8;\r\n\thp=\"clear\"\r\n"
                                "\r\nText\r\n");
    g_assert_true(world_has(mail, "y; Mon, 1 Jun 2026 10:00:00 +0000\r\n" FIELDS "MIME-Version"));
    g_assert_false(world_has(mail, "carol"));
}

/* RFC 8551 3.1.3: a gateway that strips them would break the signature. */
static void
test_trailing_blanks(World *world, gconstpointer data)
{
    static const char blank[] = "From: alice@example.org\r\n"
                                "Subject: The seal \t\r\n of\r\n  \r\n the realm\r\n";
    static const SealSignOptions options = {.headers = SEAL_HEADERS_SIGNED};
    g_autofree char *text = g_strconcat(blank, "\r\nText\r\n", NULL);
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), text, &options);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_OK);

    g_assert_true(world_has(mail, blank)); /* outside as they were */
    g_assert_true(world_has(content, "Subject: The seal\r\n of\r\n the realm\r\nContent-Type"));
}

/* RFC 9788 2.2 and 3.2.1: hcp_baseline. */
static void
test_hidden(World *world, gconstpointer data)
{
    static const SealEncryptOptions options = {.headers = SEAL_HEADERS_HIDDEN};
    g_autoptr(GBytes) plain = world_bytes(MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, &options, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_DECRYPTED_NOAUTH);

    assert_same(content, FIELDS "HP-Outer: From: Alice <alice@example.org>\r\n"
                                "HP-Outer: To: Bob <bob@example.org>\r\n"
                                "HP-Outer: Subject: [...]\r\n"
                                "HP-Outer: Message-ID: <1@example.org>\r\n"
                                "Content-Type: text/plain; charset=utf-8;\r\n\thp=\"cipher\"\r\n"
                                "\r\nText\r\n");
    g_assert_true(world_has(mail, "\r\nSubject: [...]\r\n"));
    g_assert_true(world_has(mail, "\r\nMessage-ID: <1@example.org>\r\n"));
    g_assert_false(world_has(mail, "realm"));
    g_assert_false(world_has(mail, "Keywords"));
    g_assert_false(world_has(mail, "carol"));
}

static void
test_shown(World *world, gconstpointer data)
{
    static const SealEncryptOptions options = {.headers = SEAL_HEADERS_SHOWN};
    g_autoptr(GBytes) plain = world_bytes(MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, &options, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_DECRYPTED_NOAUTH);

    g_assert_true(world_has(content, FIELDS));
    g_assert_true(world_has(content, "HP-Outer: Subject: The seal of\r\n the realm\r\n"));
    g_assert_true(world_has(content, "HP-Outer: Keywords: secret\r\n"));
    g_assert_true(world_has(mail, FIELDS));
}

/* The payload is what is innermost: inside of the signature, hidden outside of both. */
static void
test_signed_and_encrypted(World *world, gconstpointer data)
{
    static const SealSignOptions options = {.headers = SEAL_HEADERS_HIDDEN};
    static const SealEncryptOptions again = {.headers = SEAL_HEADERS_HIDDEN};
    g_autoptr(GBytes) inner = world_sign(world, world_alice(world, "ec:P-256"), MAIL, &options);
    g_autoptr(GBytes) mail = world_encrypt(inner, &again, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_OK);

    g_assert_true(world_has(content, FIELDS "HP-Outer: From:"));
    g_assert_true(world_has(content, "hp=\"cipher\"\r\n\r\nText\r\n"));
    g_assert_false(world_has(mail, "realm"));
}

/* Its maker chose; a second set of fields would contradict the first. */
static void
test_protected_before(World *world, gconstpointer data)
{
    static const char *const sealed[] = {
        "Content-Type: multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"\r\n",
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n",
        "Content-Type: text/plain; HP=cipher\r\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(sealed); i++) {
        g_autofree char *entity = g_strconcat(sealed[i], "\r\nText\r\n", NULL);
        GBytes *outer = world_bytes(FIELDS);
        GBytes *inner = world_bytes(entity);

        seal_headers_protect(SEAL_HEADERS_HIDDEN, &outer, &inner);
        assert_same(outer, FIELDS);
        assert_same(inner, entity);
        g_bytes_unref(outer);
        g_bytes_unref(inner);
    }
}

static void
test_without_content_type(World *world, gconstpointer data)
{
    static const SealSignOptions options = {.headers = SEAL_HEADERS_SIGNED};
    g_autoptr(GBytes) mail =
        world_sign(world, world_alice(world, "ec:P-256"), "From: alice@example.org", &options);
    g_autoptr(GBytes) content = open_it(world, mail, SEAL_VERDICT_OK);

    assert_same(content, "From: alice@example.org\r\n"
                         "Content-Type: text/plain; charset=us-ascii;\r\n\thp=\"clear\"\r\n\r\n");
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/headers/signed/are-copied-as-they-stand", test_signed},
        {"/headers/blanks-at-line-ends/are-not-copied", test_trailing_blanks},
        {"/headers/encrypted/subject-is-hidden", test_hidden},
        {"/headers/encrypted-and-shown/all-are-told-twice", test_shown},
        {"/headers/signed-and-encrypted/are-innermost", test_signed_and_encrypted},
        {"/headers/protected-before/are-left-alone", test_protected_before},
        {"/headers/mail-without-body/is-protected", test_without_content_type},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
