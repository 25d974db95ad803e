/* privyseal mutt: import and index. What the index says is judged by the letters that mutt's own
 * smime_keys defines: t trusted, u unverified, e expired. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"

#define DAY ((gint64)24 * 60 * 60)

static char *
save_text(const char *name, const char *text)
{
    return seal_test_home_write(seal_cli_test_home(), name, text);
}

/* A folder of its own for the certificates of one test; its path (transfer full). */
static char *
new_folder(const char *name)
{
    g_autofree char *data = seal_cli_test_home_file(name);

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    return g_build_filename(data, "privyseal", "mutt", NULL);
}

typedef struct {
    TestIdentity *root;
    char *root_file;
    char *folder;
} Circle;

static void
circle_open(Circle *circle, const char *name)
{
    const TestSpec spec = {.name = "Circle", .authority = TRUE};
    g_autoptr(GBytes) pem = NULL;

    circle->root = test_identity_new(&spec, NULL);
    pem = test_identity_pem(circle->root);
    circle->root_file = seal_cli_test_save("circle.pem", pem);
    circle->folder = new_folder(name);
    /* Nobody's tokens: what the index says comes from the files alone. */
    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", "unix:path=/nonexistent/bus");
}

static void
circle_close(Circle *circle)
{
    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", NULL);
    test_identity_free(circle->root);
    g_free(circle->root_file);
    g_free(circle->folder);
}

static SealTestResult *
import(const Circle *circle, const char *file)
{
    return seal_cli_test_privyseal(NULL, "mutt", "import", "--no-default-anchors", "--anchor",
                                   circle->root_file, file, NULL);
}

/* Issues a certificate, by the circle's root or (self) by itself, and has it kept; its id, the name
 * of its file (transfer full). */
static char *
keep_new(const Circle *circle, const TestSpec *spec, gboolean self)
{
    g_autoptr(TestIdentity) identity = test_identity_new(spec, self ? NULL : circle->root);
    g_autoptr(GBytes) der = test_identity_der(identity);
    g_autoptr(GBytes) pem = test_identity_pem(identity);
    g_autofree char *file = seal_cli_test_save("new.pem", pem);
    g_autoptr(SealTestResult) result = import(circle, file);
    g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);

    seal_cli_test_assert_status(result, 0);
    return g_strndup(digest, 40);
}

/* The letter of the index's line for this address and id; 0 if there is none. */
static char
letter(const Circle *circle, const char *address, const char *id)
{
    g_autofree char *path = g_build_filename(circle->folder, ".index", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    char found = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, " ", -1);

        g_assert_cmpuint(g_strv_length(parts), ==, 6);
        if (g_str_equal(parts[0], address) && g_str_equal(parts[1], id))
            found = parts[4][0];
    }
    return found;
}

#define ENCRYPTS .usage = "keyEncipherment", .key = "rsa:2048"

static void
test_letters(void)
{
    const TestSpec good = {.name = "Good", .address = "good@example.org", ENCRYPTS};
    const TestSpec late = {
        .name = "Late", .address = "late@example.org", .from = -9 * DAY, .until = -DAY, ENCRYPTS};
    const TestSpec own = {.name = "Own", .address = "own@example.org", ENCRYPTS};
    const TestSpec odd = {
        .name = "Odd ? t e\nx@example.org y", .address = "odd@example.org", ENCRYPTS};
    Circle circle = {0};

    circle_open(&circle, "letters-data");
    {
        g_autofree char *good_id = keep_new(&circle, &good, FALSE);
        g_autofree char *late_id = keep_new(&circle, &late, FALSE);
        g_autofree char *own_id = keep_new(&circle, &own, TRUE);
        g_autofree char *odd_id = keep_new(&circle, &odd, FALSE);

        g_assert_cmpint(letter(&circle, "good@example.org", good_id), ==, 't');
        g_assert_cmpint(letter(&circle, "late@example.org", late_id), ==, 'e');
        g_assert_cmpint(letter(&circle, "own@example.org", own_id), ==, 'u');
        g_assert_cmpint(letter(&circle, "odd@example.org", odd_id), ==, 't');
    }
    circle_close(&circle);
}

/* Of trusted ones the best alone; of others all, or a stranger's would take their place. */
static void
test_several(void)
{
    const TestSpec old = {
        .name = "Old", .address = "two@example.org", .from = -9 * DAY, .until = 9 * DAY, ENCRYPTS};
    const TestSpec new = {.name = "New", .address = "two@EXAMPLE.org", ENCRYPTS};
    const TestSpec mine = {.name = "Mine", .address = "four@example.org", ENCRYPTS};
    Circle circle = {0};

    circle_open(&circle, "several-data");
    {
        g_autofree char *strangers_id = keep_new(&circle, &old, TRUE);
        g_autofree char *old_id = keep_new(&circle, &old, FALSE);
        g_autofree char *new_id = NULL;
        g_autofree char *first_id = keep_new(&circle, &mine, TRUE);
        g_autofree char *second_id = keep_new(&circle, &mine, TRUE);

        g_assert_cmpint(letter(&circle, "two@example.org", strangers_id), ==, 0);
        g_assert_cmpint(letter(&circle, "two@example.org", old_id), ==, 't');
        new_id = keep_new(&circle, &new, FALSE);
        g_assert_cmpint(letter(&circle, "two@example.org", old_id), ==, 0);
        g_assert_cmpint(letter(&circle, "two@EXAMPLE.org", new_id), ==, 't');
        g_assert_cmpint(letter(&circle, "four@example.org", first_id), ==, 'u');
        g_assert_cmpint(letter(&circle, "four@example.org", second_id), ==, 'u');
    }
    circle_close(&circle);
}

static void
test_import_of_others(void)
{
    const TestSpec signs = {.name = "Signs", .address = "signs@example.org"};
    Circle circle = {0};

    circle_open(&circle, "others-data");
    {
        g_autoptr(TestIdentity) signer = test_identity_new(&signs, circle.root);
        g_autoptr(GBytes) pem = test_identity_pem(signer);
        g_autofree char *file = seal_cli_test_save("signs.pem", pem);
        g_autofree char *text = save_text("text", "no certificate\n");
        g_autoptr(SealTestResult) refused = import(&circle, file);
        g_autoptr(SealTestResult) none = import(&circle, text);
        g_autoptr(SealTestResult) authority = import(&circle, circle.root_file);

        seal_cli_test_assert_error(refused, 3, "no certificate to which mail can be encrypted");
        seal_cli_test_assert_error(none, 5, "text");
        seal_cli_test_assert_status(authority, 0);
        g_assert_nonnull(strstr(authority->out, "CN=Circle"));
        g_assert_nonnull(strstr(authority->out, "as the certificate of a CA"));
    }
    circle_close(&circle);
}

static SealTestResult *
index_anew(const Circle *circle)
{
    return seal_cli_test_privyseal(NULL, "mutt", "index", "--no-default-anchors", "--anchor",
                                   circle->root_file, NULL);
}

static void
test_files_are_all_there_is(void)
{
    const TestSpec good = {.name = "Good", .address = "good@example.org", ENCRYPTS};
    Circle circle = {0};

    circle_open(&circle, "files-data");
    {
        g_autofree char *first_id = keep_new(&circle, &good, FALSE);
        g_autofree char *second_id = keep_new(&circle, &good, FALSE);
        g_autofree char *gone = g_build_filename(circle.folder, first_id, NULL);
        g_autofree char *damaged = g_build_filename(circle.folder, second_id, NULL);
        g_autofree char *line = g_strconcat(circle.folder, "\n", NULL);
        g_autoptr(SealTestResult) result = NULL;

        g_assert_cmpint(unlink(gone), ==, 0);
        g_assert_true(g_file_set_contents(damaged, "damaged", -1, NULL));
        result = index_anew(&circle);
        /* mutt must start without the agent: it is told the folder all the same. */
        seal_cli_test_assert_status(result, 3);
        g_assert_cmpstr(result->out, ==, line);
        g_assert_nonnull(strstr(result->err, "privyseal: warning: "));
        g_assert_nonnull(strstr(result->err, second_id));
        g_assert_nonnull(strstr(result->err, "cannot reach the agent"));
        g_assert_cmpint(letter(&circle, "good@example.org", first_id), ==, 0);
        g_assert_cmpint(letter(&circle, "good@example.org", second_id), ==, 0);
    }
    circle_close(&circle);
}

static void
test_index_of_tokens(void)
{
    g_autofree char *folder = new_folder("tokens-data");
    g_autofree char *keys = g_build_filename(folder, "keys", ".index", NULL);
    g_autofree char *certificates = g_build_filename(folder, ".index", NULL);
    g_autofree char *line = g_strconcat(folder, "\n", NULL);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *text = NULL;
    struct stat attributes = {0};
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "mutt", "index", "--anchor", root, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, "");
    g_assert_cmpstr(result->out, ==, line);
    g_assert_true(g_file_get_contents(keys, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, " Alice_P-256_signing ? t s\n"));
    g_assert_null(strstr(text, "decryption"));
    g_clear_pointer(&text, g_free);
    g_assert_true(g_file_get_contents(certificates, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "alice@example.org "));
    g_assert_nonnull(strstr(text, "CN=Carol_Example,O=Privy_Seal_Fixtures ? t e\n"));
    g_assert_cmpint(stat(folder, &attributes), ==, 0);
    g_assert_cmpuint(attributes.st_mode & 0777, ==, 0700);
}

/* mutt gives these names to a shell as they are. */
static void
test_folder_that_mutt_cannot_name(void)
{
    static const char *const names[] = {"a folder", "a;b", "$x", "it's"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *folder = new_folder(names[i]);
        g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "mutt", "index", NULL);

        seal_cli_test_assert_error(result, 5, "XDG_DATA_HOME");
        g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    }
}

/* Mail to oneself goes to the certificate on the token, not to one that came by mail. */
static void
test_own_address_is_not_taken_over(void)
{
    const TestSpec false_alice = {.name = "Alice", .address = "alice@example.org", ENCRYPTS};
    g_autofree char *entity = save_text("entity", SEAL_CLI_TEST_WORDS "\n");
    g_autofree char *key = seal_cli_test_fixture_file("software-keys/alice-rsa-decrypt.pem");
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    Circle circle = {0};
    g_autofree char *id = NULL;
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(SealTestResult) opened = NULL;

    circle_open(&circle, "own-data");
    id = keep_new(&circle, &false_alice, TRUE);
    g_assert_cmpint(letter(&circle, "alice@example.org", id), ==, 'u');
    circle_close(&circle);
    result =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/keys/alice@example.org", NULL);
    seal_cli_test_assert_status(result, 0);
    sealed = seal_cli_test_output(result);
    opened = seal_cli_test_other(sealed, "openssl", "cms", "-decrypt", "-inform", "DER", "-inkey",
                                 key, "-recip", certificate, NULL);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, SEAL_CLI_TEST_WORDS));
}

/* The agent cannot be reached: a trusted certificate is enough, one that is not does not count. */
static void
test_address_without_a_token(void)
{
    const TestSpec good = {.name = "Good", .address = "good@example.org", ENCRYPTS};
    const TestSpec own = {.name = "Own", .address = "own@example.org", ENCRYPTS};
    g_autofree char *entity = save_text("entity", SEAL_CLI_TEST_WORDS "\n");
    Circle circle = {0};

    circle_open(&circle, "absent-data");
    {
        g_autofree char *good_id = keep_new(&circle, &good, FALSE);
        g_autofree char *own_id = keep_new(&circle, &own, TRUE);
        g_autoptr(SealTestResult) sealed = seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity,
                                                                   "/keys/good@example.org", NULL);
        g_autoptr(SealTestResult) refused =
            seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/keys/own@example.org", NULL);

        g_assert_cmpint(letter(&circle, "good@example.org", good_id), ==, 't');
        g_assert_cmpint(letter(&circle, "own@example.org", own_id), ==, 'u');
        seal_cli_test_assert_status(sealed, 0);
        g_assert_cmpuint(sealed->out_len, >, 0);
        seal_cli_test_assert_error(refused, 3, "cannot reach the agent");
    }
    circle_close(&circle);
}

static void
add(void)
{
    g_test_add_func("/cli/mutt/index/letters-say-what-is-trusted", test_letters);
    g_test_add_func("/cli/mutt/index/several-of-one-address", test_several);
    g_test_add_func("/cli/mutt/index/tokens-and-keys", test_index_of_tokens);
    g_test_add_func("/cli/mutt/index/follows-from-the-files", test_files_are_all_there_is);
    g_test_add_func("/cli/mutt/index/unquotable-folder/is-refused",
                    test_folder_that_mutt_cannot_name);
    g_test_add_func("/cli/mutt/import/not-for-encryption/is-told", test_import_of_others);
    g_test_add_func("/cli/mutt/encrypt/address-without-a-token", test_address_without_a_token);
    g_test_add_func("/cli/mutt/encrypt/own-address-is-not-taken-over",
                    test_own_address_is_not_taken_over);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
