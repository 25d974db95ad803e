/* Mail that has to travel: what is signed in the open is 7-bit text, and says what it said.
 * Python's email package is the judge of the latter. */
#include "base/error.h"
#include "smime/mail.h"
#include "tests/smime/world.h"
#include "tests/support/process.h"

#include <string.h>

#define HEADER                                                                                     \
    "From: Alice <alice@example.org>\r\n"                                                          \
    "MIME-Version: 1.0\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"

/* What Python reads in it (transfer full). */
static char *
read_leaves(GBytes *mail)
{
    const char *const argv[] = {"python3", TEST_LEAVES, NULL};
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, mail);

    g_assert_cmpint(result->status, ==, 0);
    return g_strdup(result->out);
}

/* RFC 5322 2.1.1, RFC 8551 3.1.3; mailboxes quote "From ", gateways strip blanks. */
static void
assert_travels(GBytes *mail)
{
    gsize len = 0;
    const char *data = g_bytes_get_data(mail, &len);
    g_autofree char *text = g_strndup(data, len);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);

    g_assert_cmpuint(strlen(text), ==, len); /* no NUL */
    for (char **line = lines; *line; line++) {
        gsize line_len = strlen(*line);

        g_assert_cmpuint(line_len, <=, 998);
        g_assert_false(g_str_has_prefix(*line, "From "));
        g_assert_cmpstr(*line, !=, "Content-Transfer-Encoding: 8bit");
        g_assert_false(line_len > 0 && strchr(" \t", (*line)[line_len - 1]));
        for (const char *at = *line; *at; at++)
            g_assert_true((guchar)*at < 0x80 && *at != '\r' && *at != '\n');
    }
}

typedef struct {
    const char *path;
    const char *text;
    const char *encoding; /* (nullable) that must have been used */
} Letter;

static const Letter letters[] = {
    {"/transfer/8-bit-text/becomes-quoted-printable",
     HEADER PLAIN "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
                  "e = 1\r\n-- \r\nAlice\r\n",
     "quoted-printable"},
    {"/transfer/no-content-type/is-stated-and-encoded",
     HEADER "\r\nMit sehr freundlichen und den besten Gr\xc3\xbc\xc3\x9f"
            "e\r\n",
     "quoted-printable"},
    {"/transfer/from-line-and-blanks/are-protected",
     HEADER PLAIN "\r\nFrom here on \r\n\tFrom\t\r\n \r\nend ", "quoted-printable"},
    {"/transfer/quoted-printable/is-mended",
     HEADER PLAIN "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe=\r\n and\r\n"
                  "From here=20\r\n",
     "quoted-printable"},
    {"/transfer/no-line-end/stays-without-one",
     HEADER PLAIN "\r\nMit sehr freundlichen und den besten Gr\xc3\xbc\xc3\x9f"
                  "e",
     "quoted-printable"},
    {"/transfer/mostly-beyond-ascii/becomes-base64",
     HEADER "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            "\xf0\xd2\xc9\xd7\xc5\xd4, \xd3\xd4\xd2\xc1\xd6\r\n",
     "base64"},
    {"/transfer/binary-part/becomes-base64",
     HEADER "Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            "%PDF\n\r\r\n\n\x80\xff",
     "base64"},
    {"/transfer/one-part-of-three/is-encoded-alone",
     HEADER MIXED
     "Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--b\r\n" PLAIN "\r\nplain\r\n--b\r\n" PLAIN
     "Content-Transfer-Encoding: 8bit\r\nContent-Language: de\r\n\r\nein Wort: \xc3\xbc\r\n"
     "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "iVBORw0K\r\n--b--\r\nepilogue\r\n",
     "quoted-printable"},
    {"/transfer/part-without-header/gets-one",
     HEADER MIXED "\r\n--b\r\nW\xc3\xbcrde: ein Wort\r\n\r\nEnde\r\n--b--\r\n", "quoted-printable"},
    {"/transfer/part-that-ends-in-its-encoding/keeps-it",
     HEADER MIXED "\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n"
                  "--b--\r\n",
     "base64"},
    {"/transfer/mail-in-a-mail/is-encoded-inside",
     HEADER MIXED
     "\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"
     "\r\nFrom: Bob <bob@example.org>\r\n" PLAIN
     "Content-Transfer-Encoding: 8bit\r\n\r\nFrom Bob to you, \xc3\xbc\r\n\r\n--b--\r\n",
     "quoted-printable"},
    {"/transfer/boundary-in-quoted-printable/stays-escaped",
     HEADER MIXED "\r\n--b\r\n" PLAIN
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n=2D-b--\r\nFrom here\r\n"
                  "--b--\r\n",
     "quoted-printable"},
    {"/transfer/binary-part-without-a-body/keeps-its-fields",
     HEADER MIXED "\r\n--b\r\nContent-Transfer-Encoding: binary\r\nContent-Type: image/png\r\n"
                  "--b--\r\n",
     "base64"},
    {"/transfer/html/keeps-its-type",
     HEADER
     "Content-Type: text/html; charset=\"utf-8\"\r\n\r\n<p class=\"plain\">\xe2\x82\xac \r\n",
     "quoted-printable"},
};

static void
test_letter(World *world, gconstpointer data)
{
    const Letter *letter = data;
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) plain = world_bytes(letter->text);
    g_autoptr(GBytes) mail = world_sign(world, alice, letter->text, NULL);
    g_autofree char *expected = read_leaves(plain);
    g_autofree char *actual = read_leaves(mail);

    assert_travels(mail);
    g_assert_true(world_has(mail, letter->encoding));
    g_assert_false(world_has(mail, ": 8bit")); /* of a container, too */
    g_assert_cmpstr(actual, ==, expected);
    world_expect(world, mail, SEAL_VERDICT_OK);
}

/* Lines of every length around the limits of quoted-printable, and every byte there is. */
static void
test_all_bytes(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GString) text = g_string_new(HEADER "Content-Type: text/plain; charset=iso-8859-1\r\n"
                                                  "Content-Transfer-Encoding: 8bit\r\n\r\n");
    g_autoptr(GBytes) plain = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *actual = NULL;

    for (guint len = 0; len < 320; len++) {
        for (guint column = 0; column < len; column++)
            g_string_append_c(text, "-b From \x80=."[(column + len / 160) % 11]);
        g_string_append(text, "\r\n");
    }
    for (guint c = 1; c < 256; c++)
        if (c != '\n' && c != '\r') /* Python ends a line at either */
            g_string_append_c(text, (char)c);
    plain = world_bytes(text->str);
    mail = world_sign(world, alice, text->str, NULL);
    assert_travels(mail);
    g_assert_true(world_has(mail, "quoted-printable"));
    expected = read_leaves(plain);
    actual = read_leaves(mail);
    g_assert_cmpstr(actual, ==, expected);
    world_expect(world, mail, SEAL_VERDICT_OK);
}

/* A continued line must not be taken for the boundary of the part around it. */
static void
test_boundary_in_the_middle(World *world, gconstpointer data)
{
    g_autofree char *dots = g_strnfill(75 - strlen("=C3=BC"), '.');
    g_autofree char *text = g_strdup_printf(
        HEADER MIXED "\r\n--b\r\n" PLAIN "\r\n\xc3\xbc%s--b--\r\n\r\n--b--\r\n", dots);
    g_autoptr(GBytes) plain = world_bytes(text);
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), text, NULL);
    g_autofree char *expected = read_leaves(plain);
    g_autofree char *actual = read_leaves(mail);

    g_assert_cmpstr(actual, ==, expected);
    assert_travels(mail);
}

/* RFC 8551 3.1: nothing is done without need. */
static void
test_safe_mail_is_kept(World *world, gconstpointer data)
{
    static const char body[] = MIXED "\r\n--b\r\n" PLAIN "\r\n.\r\n > From me\r\n=3D\r\n--b\r\n"
                                     "Content-Type: application/pdf\r\n"
                                     "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n"
                                     "--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
                                     "`\r\nend\r\n\r\n--b--\r\n";
    g_autofree char *text = g_strconcat(HEADER, body, NULL);
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), text, NULL);

    g_assert_true(world_has(mail, body));
}

/* What base64 goes around needs no second encoding. */
static void
test_opaque_keeps_8_bit(World *world, gconstpointer data)
{
    static const SealSignOptions opaque = {.opaque = TRUE};
    static const char text[] =
        HEADER PLAIN "Content-Transfer-Encoding: 8bit\r\n\r\nFrom \xc3\xbc \r\n";
    static const char binary[] = HEADER "Content-Type: application/pdf\r\n"
                                        "Content-Transfer-Encoding: binary\r\n\r\n%PDF\n\xff\n\r";
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_sign(world, alice, text, &opaque);
    g_autoptr(GBytes) binary_mail = world_sign(world, alice, binary, &opaque);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(GBytes) binary_content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, &content);
    g_autoptr(SealReport) binary_report =
        world_open_mail(world, SEAL_OPEN_ALL, binary_mail, SEAL_VERDICT_OK, &binary_content);

    g_assert_true(world_has(content, "8bit\r\n\r\nFrom \xc3\xbc \r\n"));
    g_assert_true(world_has(binary_content, "base64\r\n\r\nJVBERgr/Cg0=\r\n")); /* by base64(1) */
}

/* The inner signature is over bytes that an encoding would change. */
static void
test_signed_part_is_kept(World *world, gconstpointer data)
{
    static const char text[] = HEADER
        "Content-Type: multipart/signed; micalg=sha-256; boundary=s;\r\n"
        "\tprotocol=\"application/pkcs7-signature\"\r\n\r\n--s\r\n" PLAIN "\r\nGr\xc3\xbc\xc3\x9f"
        "e \r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
        "AA==\r\n--s--\r\n";
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), text, NULL);

    g_assert_true(world_has(mail, PLAIN "\r\nGr\xc3\xbc\xc3\x9f"
                                        "e \r\n--s\r\n"));
}

/* Canonical line ends would break it, and so would another encoding. */
static void
test_signed_binary_is_refused(World *world, gconstpointer data)
{
    static const char text[] = HEADER "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n"
                                      "Content-Transfer-Encoding: binary\r\n\r\n\n\n\r\n--s--\r\n";
    g_autoptr(GBytes) bytes = world_bytes(text);
    g_autoptr(GBytes) outer = NULL;
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_mail_split(bytes, SEAL_TRANSFER_ANY, &outer, &inner, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/transfer/every-byte-and-line-length", test_all_bytes},
        {"/transfer/boundary-in-a-long-line/stays-in-it", test_boundary_in_the_middle},
        {"/transfer/safe-mail/keeps-every-byte", test_safe_mail_is_kept},
        {"/transfer/opaque-mail/keeps-8-bit", test_opaque_keeps_8_bit},
        {"/transfer/signed-part/keeps-every-byte", test_signed_part_is_kept},
        {"/transfer/binary-part-that-is-signed/is-refused", test_signed_binary_is_refused},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(letters); i++)
        g_test_add(letters[i].path, World, &letters[i], world_open, test_letter, world_close);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
