/* privyseal setup as such: what it shows, asks, writes and takes back, with OpenSSH as the program,
 * whose `ssh -G` tells what a configuration means. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/cli-terminal.h"
#include "tests/cli/setup-scene.h"
#include "tests/support/wait.h"

#define CONFIG ".ssh/config"
#define RECORD "state/privyseal/setup/openssh"

/* What a person has: comments, two hosts, no line end at the end. */
#define HAND_WRITTEN                                                                               \
    "# mine\n"                                                                                     \
    "Host work\n"                                                                                  \
    "    User alice\n"                                                                             \
    "\n"                                                                                           \
    "Host *\n"                                                                                     \
    "    Compression yes"

static char *
provider_by_ssh(SealSetupScene *scene, const char *host)
{
    g_autofree char *path = seal_test_home_path(scene->home, CONFIG);
    const char *const argv[] = {"ssh", "-G", "-F", path, host, NULL};
    g_autofree char *settings = seal_setup_scene_other(scene, argv);
    const char *at = strstr(settings, "pkcs11provider ");

    return at ? g_strndup(at + 15, strcspn(at + 15, "\n")) : NULL;
}

/* -- doing and taking back ------------------------------------------------------------ */

static void
test_new_home(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *said = seal_setup_scene_do(scene, "openssh", "--yes", NULL);
    g_autofree char *provider = provider_by_ssh(scene, "example.org");
    g_autofree char *folder = seal_test_home_path(scene->home, ".ssh");
    g_autofree char *back = NULL;

    g_assert_nonnull(strstr(said, "OpenSSH is set up\n"));
    g_assert_cmpstr(provider, ==, scene->module);
    g_assert_cmpuint(seal_setup_scene_mode(scene, CONFIG), ==, 0600);
    g_assert_cmpuint(seal_setup_scene_mode(scene, ".ssh"), ==, 0700);
    back = seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL);
    g_assert_nonnull(strstr(back, "OpenSSH is no longer set up\n"));
    seal_setup_scene_expect(scene, CONFIG, NULL);
    seal_setup_scene_expect(scene, RECORD, NULL);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void
test_hand_written(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *provider = NULL;

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    provider = provider_by_ssh(scene, "work");
    g_assert_cmpstr(provider, ==, scene->module);
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, HAND_WRITTEN);
}

/* Written around the block after it came. */
static void
test_written_since(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *text = NULL;
    g_autofree char *more = NULL;

    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    text = seal_test_home_read(scene->home, CONFIG);
    more = g_strdup_printf("# before\n%s\nHost after\n", text);
    seal_setup_scene_write(scene, CONFIG, more);
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, "# before\nHost after\n");
}

static void
test_twice(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, CONFIG);
    g_autofree char *said = NULL;
    struct stat before, after;

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    g_assert_cmpint(stat(path, &before), ==, 0);
    said = seal_setup_scene_do(scene, "openssh", NULL);
    g_assert_true(g_str_has_prefix(said, "OpenSSH is already set up\n"));
    g_assert_cmpint(stat(path, &after), ==, 0);
    g_assert_true(before.st_ino == after.st_ino);
}

static void
test_undo_without_setup(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *said = NULL;
    g_autofree char *again = NULL;

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    said = seal_setup_scene_do(scene, "openssh", "--undo", NULL);
    g_assert_nonnull(strstr(said, "nothing is recorded that this command did to OpenSSH"));
    seal_setup_scene_expect(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    again = seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL);
    g_assert_cmpstr(again, ==, said);
}

/* Or by a crash after the file was changed back. */
static void
test_undone_by_hand(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, CONFIG);
    g_autofree char *said = NULL;

    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    g_assert_cmpint(g_unlink(path), ==, 0);
    said = seal_setup_scene_do(scene, "openssh", "--undo", NULL);
    g_assert_nonnull(strstr(said, "there is nothing left to take back"));
    seal_setup_scene_expect(scene, RECORD, NULL);
}

/* A home that came from elsewhere has our block, and no record of it. */
static void
test_lost_record(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *record = seal_test_home_path(scene->home, RECORD);

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    g_assert_cmpint(g_unlink(record), ==, 0);
    g_free(seal_setup_scene_do(scene, "openssh", NULL));
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, HAND_WRITTEN);
}

/* The module lies elsewhere now: the block is brought up to date, once. */
static void
test_brings_up_to_date(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) parts = NULL;
    g_autofree char *older = NULL;

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    text = seal_test_home_read(scene->home, CONFIG);
    parts = g_strsplit(text, scene->module, -1);
    older = g_strjoinv("/opt/old/privyseal-pkcs11.so", parts);
    g_assert_cmpstr(older, !=, text);
    seal_setup_scene_write(scene, CONFIG, older);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, text);
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, HAND_WRITTEN);
}

static void
test_links_and_permissions(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *real = seal_test_home_write(scene->home, "dotfiles/ssh", HAND_WRITTEN);
    g_autofree char *folder = seal_test_home_path(scene->home, ".ssh");
    g_autofree char *link = seal_test_home_path(scene->home, CONFIG);
    g_autofree char *text = NULL;

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_cmpint(symlink("../dotfiles/ssh", link), ==, 0);
    g_assert_cmpint(g_chmod(real, 0640), ==, 0);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_assert_cmpuint(seal_setup_scene_mode(scene, "dotfiles/ssh"), ==, 0640);
    text = seal_test_home_read(scene->home, "dotfiles/ssh");
    g_assert_nonnull(strstr(text, scene->module));
    g_free(seal_setup_scene_do(scene, "openssh", "--undo", "--yes", NULL));
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    seal_setup_scene_expect(scene, "dotfiles/ssh", HAND_WRITTEN);
}

/* -- showing and asking ------------------------------------------------------------------ */

/* patch(1) makes of the file what the command would have made of it. */
static void
test_dry_run(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, CONFIG);
    g_autofree char *diff = NULL;
    g_autofree char *patch = seal_test_home_path(scene->home, "changes");
    g_autofree char *patched = NULL;
    const char *const argv[] = {"patch", "--quiet", path, patch, NULL};

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    diff = seal_setup_scene_do(scene, "openssh", "--dry-run", NULL);
    seal_setup_scene_expect(scene, CONFIG, HAND_WRITTEN);
    seal_setup_scene_expect(scene, RECORD, NULL);
    seal_setup_scene_write(scene, "changes", diff);
    g_free(seal_setup_scene_other(scene, argv));
    patched = seal_test_home_read(scene->home, CONFIG);
    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    g_free(seal_setup_scene_do(scene, "openssh", "--yes", NULL));
    seal_setup_scene_expect(scene, CONFIG, patched);
}

static SealCliTestTerminal
start_on_terminal(void)
{
    static const char *const arguments[] = {"setup", "openssh", NULL};

    return seal_cli_test_terminal_start(arguments, 100);
}

static void
answer(SealCliTestTerminal *terminal, const char *text)
{
    g_assert_true(seal_cli_test_terminal_read_until(terminal, "make these changes? [y/N]"));
    g_assert_cmpint(write(terminal->master, text, strlen(text)), ==, (gssize)strlen(text));
}

static void
test_no(SealSetupScene *scene, gconstpointer data)
{
    SealCliTestTerminal terminal = start_on_terminal();

    answer(&terminal, "\n");
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 4);
    g_assert_nonnull(strstr(terminal.shown->str, "nothing was changed"));
    seal_setup_scene_expect(scene, CONFIG, NULL);
    seal_setup_scene_expect(scene, RECORD, NULL);
    seal_cli_test_terminal_clear(&terminal);
}

static void
test_yes(SealSetupScene *scene, gconstpointer data)
{
    SealCliTestTerminal terminal = start_on_terminal();
    g_autofree char *provider = NULL;

    answer(&terminal, "Y\n");
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 0);
    g_assert_nonnull(strstr(terminal.shown->str, "PKCS11Provider /"));
    provider = provider_by_ssh(scene, "example.org");
    g_assert_cmpstr(provider, ==, scene->module);
    seal_cli_test_terminal_clear(&terminal);
}

/* While the person looked at what would change. */
static void
test_changed_meanwhile(SealSetupScene *scene, gconstpointer data)
{
    SealCliTestTerminal terminal = {0};

    seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
    terminal = start_on_terminal();
    g_assert_true(seal_cli_test_terminal_read_until(&terminal, "[y/N]"));
    seal_setup_scene_write(scene, CONFIG, "Host other\n");
    answer(&terminal, "y\n");
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 5);
    g_assert_nonnull(strstr(terminal.shown->str, "somebody else changed it"));
    seal_setup_scene_expect(scene, CONFIG, "Host other\n");
    seal_cli_test_terminal_clear(&terminal);
}

/* A line of the file that would clear the screen is shown as text. */
static void
test_harmless_content(SealSetupScene *scene, gconstpointer data)
{
    SealCliTestTerminal terminal = {0};

    seal_setup_scene_write(scene, CONFIG, "#\033[2J\033]0;title\007\n");
    terminal = start_on_terminal();
    answer(&terminal, "n\n");
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 4);
    g_assert_null(strstr(terminal.shown->str, "\033[2J"));
    g_assert_null(strstr(terminal.shown->str, "\033]0;"));
    seal_cli_test_terminal_clear(&terminal);
}

static void
test_no_terminal(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *const argv[] = {"setsid", "--wait", program, "setup", "openssh", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    seal_cli_test_assert_status(result, 4);
    g_assert_nonnull(strstr(result->err, "--yes"));
    seal_setup_scene_expect(scene, CONFIG, NULL);
}

/* -- what is refused ----------------------------------------------------------------------- */

static void
test_refused_files(SealSetupScene *scene, gconstpointer data)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"Host x\n  pkcs11provider=/usr/lib/opensc-pkcs11.so\n", "opensc-pkcs11.so' already"},
        {"PKCS11Provider \"none\"\n", "to 'none' already"},
        {"# >>> privyseal setup openssh >>>\nHost x\n", "do not stand in it"},
        {"# <<< privyseal setup openssh <<<\n", "do not stand in it"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        seal_setup_scene_write(scene, CONFIG, cases[i].text);
        seal_setup_scene_refuse(scene, 5, cases[i].reason, "openssh", "--yes", NULL);
        seal_setup_scene_expect(scene, CONFIG, cases[i].text);
        seal_setup_scene_expect(scene, RECORD, NULL);
    }
}

static void
test_refused_kinds(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, CONFIG);
    g_autofree char *folder = seal_test_home_path(scene->home, ".ssh");

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_cmpint(symlink("nowhere", path), ==, 0);
    seal_setup_scene_refuse(scene, 5, "a link to nothing", "openssh", "--yes", NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    seal_setup_scene_refuse(scene, 5, "no regular file", "openssh", "--yes", NULL);
    g_assert_cmpint(g_rmdir(path), ==, 0);
    g_assert_true(g_file_set_contents(path, "Host\0x\n", 7, NULL));
    seal_setup_scene_refuse(scene, 5, "it is no text", "openssh", "--yes", NULL);
    if (geteuid() == 0) { /* who may give files away */
        seal_setup_scene_write(scene, CONFIG, HAND_WRITTEN);
        g_assert_cmpint(chown(path, 65534, (gid_t)-1), ==, 0);
        seal_setup_scene_refuse(scene, 5, "another user", "openssh", "--yes", NULL);
    }
}

static void
test_damaged_record(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_write(scene, RECORD, "this is no key file\n");
    seal_setup_scene_refuse(scene, 5, "says what was set up", "openssh", "--yes", NULL);
    seal_setup_scene_refuse(scene, 5, "says what was set up", "openssh", "--undo", "--yes", NULL);
    seal_setup_scene_expect(scene, CONFIG, NULL);
}

static void
test_usage(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_refuse(scene, 2, "there is no 'emacs' to set up", "emacs", NULL);
    seal_setup_scene_refuse(scene, 2, "--profile is not for openssh", "openssh", "--profile", "x",
                            NULL);
    seal_setup_scene_refuse(scene, 2, "--key is not for java", "java", "--key=x", NULL);
}

#define ADD(path, function) SEAL_SETUP_SCENE_ADD("/cli/setup/" path, function)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("new-home-gets-files-and-loses-them", test_new_home);
    ADD("undo-leaves-what-was-there", test_hand_written);
    ADD("undo-leaves-what-was-written-since", test_written_since);
    ADD("twice-changes-nothing", test_twice);
    ADD("undo-without-setup-says-so", test_undo_without_setup);
    ADD("undo-after-it-was-undone-by-hand", test_undone_by_hand);
    ADD("undo-after-a-lost-record", test_lost_record);
    ADD("again-brings-up-to-date", test_brings_up_to_date);
    ADD("links-and-permissions-are-kept", test_links_and_permissions);
    ADD("dry-run-is-a-patch-and-changes-nothing", test_dry_run);
    ADD("no-changes-nothing", test_no);
    ADD("yes-does-it", test_yes);
    ADD("file-changed-while-asking-is-left-alone", test_changed_meanwhile);
    ADD("content-cannot-command-the-terminal", test_harmless_content);
    ADD("without-terminal-needs-yes", test_no_terminal);
    ADD("other-providers-and-damaged-marks-are-refused", test_refused_files);
    ADD("what-is-no-file-of-ours-is-refused", test_refused_kinds);
    ADD("damaged-record-is-refused", test_damaged_record);
    ADD("mistakes-are-status-2", test_usage);
    return g_test_run();
}
