/* privyseal setup for git, OpenSSL and Java: what git and OpenSSL read back from what it wrote, and
 * a JDK of one file. That the programs then work is tested in tests/clients. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/setup-scene.h"

/* -- git --------------------------------------------------------------------------------- */

#define GIT_RECORD "state/privyseal/setup/git"

#define GIT_CONFIG                                                                                 \
    "# mine\n"                                                                                     \
    "[user]\n"                                                                                     \
    "\tname = Alice\n"                                                                             \
    "\tsigningKey = ABCD1234\n"                                                                    \
    "[gpg]\n"                                                                                      \
    "\tformat = openpgp\n"                                                                         \
    "[alias]\n"                                                                                    \
    "\tst = status\n"

/* "" if it is not set. (transfer full) */
static char *
git_value(SealSetupScene *scene, const char *key)
{
    const char *const argv[] = {"git", "config", "--global", "--default", "", "--get", key, NULL};

    return g_strchomp(seal_setup_scene_other(scene, argv));
}

static void
expect_git(SealSetupScene *scene, const char *key, const char *expected)
{
    g_autofree char *value = git_value(scene, key);

    g_assert_cmpstr(value, ==, expected);
}

static void
set_git(SealSetupScene *scene, const char *key, const char *value)
{
    const char *const argv[] = {"git", "config", "--global", key, value, NULL};

    g_free(seal_setup_scene_other(scene, argv));
}

static void
test_git_sets(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal-git");
    g_autofree char *said = NULL;

    seal_setup_scene_write(scene, ".gitconfig", GIT_CONFIG);
    g_free(seal_setup_scene_do(scene, "git", "--yes", "--key", "pkcs11:id=%01", NULL));
    expect_git(scene, "gpg.format", "x509");
    expect_git(scene, "gpg.x509.program", program);
    expect_git(scene, "user.signingKey", "pkcs11:id=%01");
    said = seal_setup_scene_do(scene, "git", "--key", "pkcs11:id=%01", NULL);
    g_assert_true(g_str_has_prefix(said, "git is already set up\n"));
    g_free(seal_setup_scene_do(scene, "git", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".gitconfig", GIT_CONFIG);
    seal_setup_scene_expect(scene, GIT_RECORD, NULL);
}

/* A second run with another key: what comes back is from before the first. */
static void
test_git_again(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_write(scene, ".gitconfig", GIT_CONFIG);
    g_free(seal_setup_scene_do(scene, "git", "--yes", "--key", "first", NULL));
    g_free(seal_setup_scene_do(scene, "git", "--yes", "--key", "second", NULL));
    expect_git(scene, "user.signingKey", "second");
    g_free(seal_setup_scene_do(scene, "git", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".gitconfig", GIT_CONFIG);
}

static void
test_git_changed_since(SealSetupScene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;

    seal_setup_scene_write(scene, ".gitconfig", GIT_CONFIG);
    g_free(seal_setup_scene_do(scene, "git", "--yes", NULL));
    set_git(scene, "gpg.format", "ssh");
    set_git(scene, "user.email", "alice@example.org");
    result = seal_setup_scene_run(scene, "git", "--undo", "--yes", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "gpg.format was changed since"));
    expect_git(scene, "gpg.format", "ssh");
    expect_git(scene, "gpg.x509.program", "");
    expect_git(scene, "user.email", "alice@example.org");
    expect_git(scene, "user.signingKey", "ABCD1234");
}

/* A key of the person's own that cannot be an X.509 one any more; once --key has set it, no word.
 */
static void
test_git_tells_of_the_key(SealSetupScene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) first = NULL;
    g_autoptr(SealTestResult) second = NULL;

    seal_setup_scene_write(scene, ".gitconfig", GIT_CONFIG);
    first = seal_setup_scene_run(scene, "git", "--yes", NULL);
    g_assert_nonnull(strstr(first->err, "note: user.signingKey is 'ABCD1234'"));
    g_free(seal_setup_scene_do(scene, "git", "--yes", "--key", "mine", NULL));
    second = seal_setup_scene_run(scene, "git", NULL);
    seal_cli_test_assert_status(second, 0);
    g_assert_cmpstr(second->err, ==, "");
}

static void
test_git_files(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *given = seal_test_home_path(scene->home, "given");

    g_free(seal_setup_scene_do(scene, "git", "--yes", NULL));
    expect_git(scene, "gpg.format", "x509");
    g_free(seal_setup_scene_do(scene, "git", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".gitconfig", NULL);

    seal_setup_scene_write(scene, "config/git/config", GIT_CONFIG);
    g_free(seal_setup_scene_do(scene, "git", "--yes", NULL));
    expect_git(scene, "gpg.format", "x509");
    seal_setup_scene_expect(scene, ".gitconfig", NULL);
    g_free(seal_setup_scene_do(scene, "git", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, "config/git/config", GIT_CONFIG);

    seal_test_home_setenv(scene->home, "GIT_CONFIG_GLOBAL", given);
    g_free(seal_setup_scene_do(scene, "git", "--yes", NULL));
    expect_git(scene, "gpg.format", "x509");
    seal_setup_scene_expect(scene, ".gitconfig", NULL);
    seal_setup_scene_expect(scene, "config/git/config", GIT_CONFIG);
    seal_test_home_setenv(scene->home, "GIT_CONFIG_GLOBAL", NULL);
}

static void
test_git_refuses(SealSetupScene *scene, gconstpointer data)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"[gpg]\n\tformat = ssh\n\tformat = openpgp\n", "gpg.format to more than one value"},
        {"[gpg\n", "git says: "},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        seal_setup_scene_write(scene, ".gitconfig", cases[i].text);
        seal_setup_scene_refuse(scene, 5, cases[i].reason, "git", "--yes", NULL);
        seal_setup_scene_expect(scene, ".gitconfig", cases[i].text);
        seal_setup_scene_expect(scene, GIT_RECORD, NULL);
    }
}

/* -- OpenSSL ------------------------------------------------------------------------------ */

#define OPENSSL_FILE "config/privyseal/openssl.cnf"

static void
test_openssl_includes_the_system(SealSetupScene *scene, gconstpointer data)
{
    static const char *const openssl[] = {"openssl",
                                          "req",
                                          "-new",
                                          "-newkey",
                                          "ec",
                                          "-pkeyopt",
                                          "ec_paramgen_curve:P-256",
                                          "-nodes",
                                          "-keyout",
                                          "/dev/null",
                                          "-subj",
                                          "/CN=x",
                                          NULL};
    static const char *const engine[] = {"openssl", "engine", "pkcs11", NULL};
    g_autoptr(SealTestResult) result = seal_setup_scene_run(scene, "openssl", "--yes", NULL);
    g_autofree char *path = seal_test_home_path(scene->home, OPENSSL_FILE);
    g_autofree char *engines = NULL;

    if (result->status == 3 && strstr(result->err, "libengine-pkcs11-openssl")) {
        g_test_skip("libengine-pkcs11-openssl is not installed");
        return;
    }
    seal_cli_test_assert_status(result, 0);
    seal_test_home_setenv(scene->home, "OPENSSL_CONF", path);
    engines = seal_setup_scene_other(scene, engine);
    g_assert_true(g_str_has_prefix(engines, "(pkcs11) "));
    /* `openssl req` does nothing without the section [req], which is the system's. */
    g_free(seal_setup_scene_other(scene, openssl));
    seal_test_home_setenv(scene->home, "OPENSSL_CONF", NULL);
    g_free(seal_setup_scene_do(scene, "openssl", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, OPENSSL_FILE, NULL);

    seal_setup_scene_write(scene, OPENSSL_FILE, "[mine]\n");
    seal_setup_scene_refuse(scene, 5, "was not written by this command", "openssl", "--yes", NULL);
    seal_setup_scene_expect(scene, OPENSSL_FILE, "[mine]\n");
}

/* -- Java ---------------------------------------------------------------------------------- */

#define JAVA_FILE       "config/privyseal/java-pkcs11.cfg"
#define JAVA_PROPERTIES "config/privyseal/java.security"

static void
install_jdk(SealSetupScene *scene, const char *providers)
{
    g_autofree char *home = seal_test_home_path(scene->home, "jdk");

    seal_setup_scene_write(scene, "jdk/conf/security/java.security", providers);
    seal_test_home_setenv(scene->home, "JAVA_HOME", home);
}

static void
test_java_takes_the_next_number(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *configuration = seal_test_home_path(scene->home, JAVA_FILE);
    g_autofree char *line = g_strdup_printf("\nsecurity.provider.10=SunPKCS11 %s\n", configuration);
    g_autofree char *library =
        g_strdup_printf("\nlibrary = %s\nslotListIndex = 0\n", scene->module);
    g_autofree char *properties = NULL;
    g_autofree char *text = NULL;

    install_jdk(scene, "# security.provider.20=X\nsecurity.provider.1=SUN\n"
                       "security.provider.9 = SunPKCS11\nsecurity.provider.tbd=Y\n");
    g_free(seal_setup_scene_do(scene, "java", "--yes", NULL));
    text = seal_test_home_read(scene->home, JAVA_FILE);
    properties = seal_test_home_read(scene->home, JAVA_PROPERTIES);
    g_assert_nonnull(strstr(text, library));
    g_assert_nonnull(strstr(properties, line));
    g_free(seal_setup_scene_do(scene, "java", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, JAVA_FILE, NULL);
    seal_setup_scene_expect(scene, JAVA_PROPERTIES, NULL);
}

static void
test_java_slot(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *text = NULL;

    install_jdk(scene, "security.provider.1=SUN\n");
    g_free(seal_setup_scene_do(scene, "java", "--yes", "--slot", "7", NULL));
    text = seal_test_home_read(scene->home, JAVA_FILE);
    g_assert_nonnull(strstr(text, "\nslot = 7\n"));
    g_assert_null(strstr(text, "slotListIndex"));
    seal_setup_scene_refuse(scene, 2, "'-1' is no number of a slot", "java", "--slot=-1", NULL);
}

static void
test_java_refuses(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *nowhere = seal_test_home_path(scene->home, "nowhere");

    install_jdk(scene, "# nothing\n");
    seal_setup_scene_refuse(scene, 5, "lists no security providers", "java", "--yes", NULL);
    seal_test_home_setenv(scene->home, "JAVA_HOME", nowhere);
    seal_setup_scene_refuse(scene, 3, "Java 9 or newer is needed", "java", "--yes", NULL);
    install_jdk(scene, "security.provider.1=SUN\n");
    seal_setup_scene_write(scene, JAVA_PROPERTIES, "mine=1\n");
    seal_setup_scene_refuse(scene, 5, "was not written by this command", "java", "--yes", NULL);
    seal_setup_scene_expect(scene, JAVA_FILE, NULL);
}

/* -- together ------------------------------------------------------------------------------ */

/* Both write to a folder that the first of them makes: the last to be taken back removes it. */
static void
share_a_folder(SealSetupScene *scene, const char *first_back, const char *last_back)
{
    g_autofree char *folder = seal_test_home_path(scene->home, "config/privyseal");
    g_autoptr(SealTestResult) result = seal_setup_scene_run(scene, "openssl", "--yes", NULL);

    if (result->status == 3 && strstr(result->err, "libengine-pkcs11-openssl")) {
        g_test_skip("libengine-pkcs11-openssl is not installed");
        return;
    }
    seal_cli_test_assert_status(result, 0);
    install_jdk(scene, "security.provider.1=SUN\n");
    g_free(seal_setup_scene_do(scene, "java", "--yes", NULL));
    g_free(seal_setup_scene_do(scene, first_back, "--undo", "--yes", NULL));
    g_assert_true(g_file_test(folder, G_FILE_TEST_IS_DIR));
    g_free(seal_setup_scene_do(scene, last_back, "--undo", "--yes", NULL));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void
test_folder_goes_with_the_last(SealSetupScene *scene, gconstpointer data)
{
    share_a_folder(scene, "openssl", "java");
    share_a_folder(scene, "java", "openssl");
}

/* A folder of the person's own stays, empty as it was. */
static void
test_folder_of_others_stays(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *folder = seal_test_home_path(scene->home, "config/privyseal");

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    install_jdk(scene, "security.provider.1=SUN\n");
    g_free(seal_setup_scene_do(scene, "java", "--yes", NULL));
    g_free(seal_setup_scene_do(scene, "java", "--undo", "--yes", NULL));
    g_assert_true(g_file_test(folder, G_FILE_TEST_IS_DIR));
}

#define ADD(path, function) SEAL_SETUP_SCENE_ADD("/cli/setup/" path, function)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("git/values-come-and-go-back", test_git_sets);
    ADD("git/second-run-remembers-the-first", test_git_again);
    ADD("git/what-was-changed-since-stays", test_git_changed_since);
    ADD("git/tells-of-a-key-that-no-longer-fits", test_git_tells_of_the_key);
    ADD("git/the-file-is-the-one-git-writes", test_git_files);
    ADD("git/files-git-cannot-change-are-refused", test_git_refuses);
    ADD("openssl/system-settings-hold", test_openssl_includes_the_system);
    ADD("java/provider-gets-the-next-number", test_java_takes_the_next_number);
    ADD("java/slot-by-number", test_java_slot);
    ADD("java/other-jdks-and-files-are-refused", test_java_refuses);
    ADD("folder/goes-with-the-last-that-used-it", test_folder_goes_with_the_last);
    ADD("folder/of-others-stays", test_folder_of_others_stays);
    return g_test_run();
}
