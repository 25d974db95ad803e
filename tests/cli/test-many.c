/* open and decrypt over many mails at once: each comes out as it would alone, whatever the others
 * are, while their session keys are asked for ahead. */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"

#define MAILS 12 /* more than are asked for ahead */

/* A folder in the home for what is opened (transfer full), new and empty. */
static char *
new_folder(const char *name)
{
    char *path = seal_cli_test_home_file(name);

    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    return path;
}

/* A mail with this number in it; encrypted to `certificate` unless that is NULL. Its path (transfer
 * full). */
static char *
save_mail(const char *folder, guint number, const char *certificate)
{
    g_autofree char *text = g_strdup_printf("From: alice@example.org\r\nSubject: number\r\n"
                                            "Content-Type: text/plain\r\n\r\nthis is %u\r\n",
                                            number);
    g_autoptr(GBytes) plain = g_bytes_new(text, strlen(text));
    g_autofree char *name = g_strdup_printf("%s-%02u.eml", folder, number);
    g_autoptr(SealTestResult) sealed = NULL;
    g_autoptr(GBytes) mail = NULL;

    if (!certificate)
        return seal_cli_test_save(name, plain);
    sealed = seal_cli_test_privyseal(plain, "encrypt", "--no-to-self", "--to", certificate, NULL);
    seal_cli_test_assert_status(sealed, 0);
    mail = seal_cli_test_output(sealed);
    return seal_cli_test_save(name, mail);
}

/* MAILS mails to Alice's RSA key and her P-256 key in turn (transfer full). */
static GPtrArray *
save_mails(const char *folder)
{
    g_autofree char *rsa = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autofree char *ec = seal_cli_test_fixture_file("certs/alice-p256-decrypt.pem");
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < MAILS; i++)
        g_ptr_array_add(paths, save_mail(folder, i, i % 2 ? ec : rsa));
    return paths;
}

static SealTestResult *
run(const char *command, const char *option, const char *folder, const GPtrArray *paths)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, (gpointer)command);
    if (option)
        g_ptr_array_add(argv, (gpointer)option);
    g_ptr_array_add(argv, (gpointer) "--into");
    g_ptr_array_add(argv, (gpointer)folder);
    for (guint i = 0; i < paths->len; i++)
        g_ptr_array_add(argv, paths->pdata[i]);
    g_ptr_array_add(argv, NULL);
    return seal_cli_test_run((const char *const *)argv->pdata, NULL);
}

/* The text of the mail with that number, in a file named like the mail. */
static void
assert_opened(const char *folder, const char *mail, guint number)
{
    g_autofree char *name = g_path_get_basename(mail);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *words = g_strdup_printf("this is %u\r\n", number);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_suffix(text, words));
}

static gboolean
is_there(const char *folder, const char *mail)
{
    g_autofree char *name = g_path_get_basename(mail);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static guint
count_lines(const char *text)
{
    guint count = 0;

    for (const char *at = text; (at = strchr(at, '\n')); at++)
        count++;
    return count;
}

static void
test_all_good(void)
{
    g_autofree char *folder = new_folder("good");
    g_autoptr(GPtrArray) paths = save_mails("good-mail");
    g_autoptr(SealTestResult) result = NULL;
    guint prompts = 0;

    seal_cli_test_pin_is_right();
    seal_cli_test_lock_all();
    prompts = seal_test_pinentry_count(seal_cli_test_home());
    result = run("decrypt", NULL, folder, paths);
    seal_cli_test_assert_status(result, 0);
    g_assert_cmpuint(count_lines(result->out), ==, MAILS);
    for (guint i = 0; i < MAILS; i++)
        assert_opened(folder, paths->pdata[i], i);
    /* The token was locked: one prompt for all of them. */
    g_assert_cmpuint(seal_test_pinentry_count(seal_cli_test_home()), ==, prompts + 1);
}

/* How many of this program's operations went past the agent. */
static guint
count_on_lanes(void)
{
    g_autofree char *log = seal_test_agent_log(seal_cli_test_home());
    guint n = 0;

    for (const char *at = log; (at = strstr(at, "on lane ")); at++)
        n++;
    return n;
}

static void
test_many_go_by_lanes(void)
{
    g_autofree char *folder = new_folder("lanes");
    g_autoptr(GPtrArray) paths = save_mails("lanes-mail");
    g_autoptr(SealTestResult) unlocked = NULL;
    g_autoptr(SealTestResult) result = NULL;
    guint before = 0;

    seal_cli_test_pin_is_right();
    unlocked = seal_cli_test_privyseal(NULL, "unlock", "Alice", NULL);
    seal_cli_test_assert_status(unlocked, 0);
    before = count_on_lanes();
    result = run("decrypt", NULL, folder, paths);
    seal_cli_test_assert_status(result, 0);
    for (guint i = 0; i < MAILS; i++)
        assert_opened(folder, paths->pdata[i], i);
    while (count_on_lanes() == before) /* the agent hears of them when the lanes are closed */
        g_thread_yield();
}

/* The certificate of somebody whose key is nowhere here; its path (transfer full). */
static char *
make_stranger(void)
{
    char *certificate = seal_cli_test_home_file("stranger.pem");
    g_autofree char *key = seal_cli_test_home_file("stranger.key");
    g_autoptr(SealTestResult) made = seal_cli_test_other(
        NULL, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
        certificate, "-subj", "/CN=Other", "-addext", "keyUsage=keyEncipherment", NULL);

    seal_cli_test_assert_status(made, 0);
    return certificate;
}

/* A mail that openssl encrypts; its path (transfer full). */
static char *
save_openssl_mail(const char *name, const char *certificate)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) made = seal_cli_test_other(mail, "openssl", "cms", "-encrypt",
                                                         "-aes256", "-recip", certificate, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(made);

    seal_cli_test_assert_status(made, 0);
    return seal_cli_test_save(name, sealed);
}

/* One for somebody else and one that was changed, between good ones. */
static void
test_mixed(void)
{
    g_autofree char *folder = new_folder("mixed");
    g_autoptr(GPtrArray) paths = save_mails("mixed-mail");
    g_autofree char *other = make_stranger();
    g_autoptr(SealTestResult) result = NULL;
    char *damaged = paths->pdata[5];
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    gsize len = 0;
    guint at = 0;

    g_free(paths->pdata[3]);
    paths->pdata[3] = save_openssl_mail("mixed-other.eml", other);
    g_assert_true(g_file_get_contents(damaged, &text, &len, NULL));
    g_assert_true(g_file_set_contents(damaged, text, (gssize)len / 2, NULL));
    result = run("open", "--json", folder, paths);
    seal_cli_test_assert_status(result, 1);
    lines = g_strsplit(result->out, "\n", -1);
    for (; *lines[at]; at++) {
        g_autoptr(JsonNode) root = json_from_string(lines[at], NULL);
        JsonObject *object = root ? json_node_get_object(root) : NULL;

        g_assert_nonnull(object);
        g_assert_cmpstr(json_object_get_string_member(object, "file"), ==, paths->pdata[at]);
        g_assert_cmpstr(json_object_get_string_member(object, "verdict"), ==,
                        at == 3   ? "not-recipient"
                        : at == 5 ? "malformed"
                                  : "decrypted-noauth");
        g_assert_cmpint(is_there(folder, paths->pdata[at]), ==, at != 3 && at != 5);
    }
    g_assert_cmpuint(at, ==, MAILS);
}

static void
test_there_already(void)
{
    g_autofree char *folder = new_folder("there");
    g_autofree char *rsa = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *first = NULL;
    g_autofree char *text = NULL;
    g_autoptr(SealTestResult) result = NULL;

    g_ptr_array_add(paths, save_mail("there-mail", 0, rsa));
    g_ptr_array_add(paths, save_mail("there-mail", 1, rsa));
    first = g_build_filename(folder, "there-mail-00.eml", NULL);
    g_assert_true(g_file_set_contents(first, "mine", -1, NULL));
    result = run("open", NULL, folder, paths);
    seal_cli_test_assert_status(result, 1);
    g_assert_nonnull(strstr(result->err, "left alone"));
    g_assert_true(g_file_get_contents(first, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "mine");
    assert_opened(folder, paths->pdata[1], 1);
}

/* Nobody is asked again for the mails that come next. */
static void
test_refused(void)
{
    g_autofree char *folder = new_folder("refused");
    g_autoptr(GPtrArray) paths = save_mails("refused-mail");
    g_autoptr(SealTestResult) result = NULL;
    guint prompts = 0;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "cancel");
    prompts = seal_test_pinentry_count(seal_cli_test_home());
    result = run("decrypt", NULL, folder, paths);
    seal_cli_test_pin_is_right();
    seal_cli_test_assert_status(result, 4);
    g_assert_cmpuint(count_lines(result->out), ==, 2); /* the verdict, and why */
    for (guint i = 0; i < MAILS; i++)
        g_assert_false(is_there(folder, paths->pdata[i]));
    g_assert_cmpuint(seal_test_pinentry_count(seal_cli_test_home()), ==, prompts + 1);
}

/* A mail that is not there ends it in its turn, and takes nothing from those before. */
static void
test_unreadable(void)
{
    g_autofree char *folder = new_folder("unreadable");
    g_autofree char *rsa = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealTestResult) result = NULL;

    g_ptr_array_add(paths, save_mail("unreadable-mail", 0, rsa));
    g_ptr_array_add(paths, g_strdup("/nonexistent.eml"));
    result = run("decrypt", NULL, folder, paths);
    seal_cli_test_assert_status(result, 5);
    g_assert_nonnull(strstr(result->err, "/nonexistent.eml"));
    assert_opened(folder, paths->pdata[0], 0);
}

static void
test_mistakes(void)
{
    static const struct {
        const char *arguments[8];
        int status;
        const char *says;
    } cases[] = {
        {{"open", "a.eml", "b.eml", NULL}, 2, "--into FOLDER"},
        {{"open", "--into", "/tmp", NULL}, 2, "standard input has none"},
        {{"open", "--into", "/tmp", "-", NULL}, 2, "standard input has none"},
        {{"decrypt", "--into", "/tmp", "--output", "c", "a.eml", NULL}, 2, "one of them"},
        {{"decrypt", "--into", "/tmp", "a/x.eml", "b/x.eml", NULL}, 2, "b/x.eml"},
        {{"decrypt", "--into", "/nonexistent", "a.eml", NULL}, 5, "make it first"},
        {{"verify", "a.eml", "b.eml", NULL}, 2, "b.eml"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = seal_cli_test_run(cases[i].arguments, NULL);

        seal_cli_test_assert_error(result, cases[i].status, cases[i].says);
    }
}

static void
add(void)
{
    g_test_add_func("/cli/many/locked-token/all-are-opened-with-one-prompt", test_all_good);
    g_test_add_func("/cli/many/unlocked-token/goes-by-lanes", test_many_go_by_lanes);
    g_test_add_func("/cli/many/mixed/each-has-its-own-verdict", test_mixed);
    g_test_add_func("/cli/many/file-is-there/left-alone", test_there_already);
    g_test_add_func("/cli/many/cancelled-prompt/ends-it", test_refused);
    g_test_add_func("/cli/many/unreadable-mail/told-in-its-turn", test_unreadable);
    g_test_add_func("/cli/many/mistakes-are-told", test_mistakes);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
