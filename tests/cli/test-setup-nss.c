/* privyseal setup for Thunderbird, Firefox and Evolution: which profiles, when not, and what is
 * left of pkcs11.txt. That NSS reads it is tested in tests/clients/nss.sh. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/setup-scene.h"

#define RECORD "state/privyseal/setup/thunderbird"

/* As NSS 3.87 writes it, shortened. */
#define INTERNAL                                                                                   \
    "library=\n"                                                                                   \
    "name=NSS Internal PKCS #11 Module\n"                                                          \
    "parameters=configdir='sql:/x' certPrefix='' keyPrefix='' secmod='secmod.db' \n"               \
    "NSS=Flags=internal,critical trustOrder=75 cipherOrder=100\n"                                  \
    "\n"

#define OTHER "library=/usr/lib/other.so\nname=Other\n\n"

static char *
ours(SealSetupScene *scene)
{
    return g_strdup_printf("library=%s\nname=Privy Seal\n\n", scene->module);
}

/* Two profiles that were used, one relative and one by its path, and one that never was. */
static void
make_profiles(SealSetupScene *scene)
{
    g_autofree char *elsewhere = seal_test_home_path(scene->home, "elsewhere");
    g_autofree char *ini = g_strdup_printf("[Profile0]\nName=one\nIsRelative=1\nPath=abc.one\n\n"
                                           "[Profile1]\nIsRelative=0\nPath=%s\n\n"
                                           "[Profile2]\nIsRelative=1\nPath=new\n\n"
                                           "[General]\nVersion=2\n",
                                           elsewhere);

    seal_setup_scene_write(scene, ".thunderbird/profiles.ini", ini);
    seal_setup_scene_write(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_write(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
}

static void
expect_ours_first(SealSetupScene *scene, const char *name, const char *rest)
{
    g_autofree char *stanza = ours(scene);
    g_autofree char *expected = g_strconcat(stanza, rest, NULL);

    seal_setup_scene_expect(scene, name, expected);
}

/* -- profiles ------------------------------------------------------------------------------ */

static void
test_all_profiles(SealSetupScene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *again = NULL;

    make_profiles(scene);
    result = seal_setup_scene_run(scene, "thunderbird", "--yes", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "/.thunderbird/new' was never used"));
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    expect_ours_first(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
    again = seal_setup_scene_do(scene, "thunderbird", NULL);
    g_assert_true(g_str_has_prefix(again, "Thunderbird is already set up\n"));
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
    seal_setup_scene_expect(scene, RECORD, NULL);
}

static void
test_one_profile(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *folder = seal_test_home_path(scene->home, "elsewhere/");

    make_profiles(scene);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", "--profile", folder, NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    expect_ours_first(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", "--profile", folder, NULL));
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
}

/* Where new versions of Firefox keep new users' profiles. */
static void
test_xdg_profile(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_write(scene, "config/mozilla/firefox/profiles.ini",
                           "[Profile0]\nIsRelative=1\nPath=p\n");
    seal_setup_scene_write(scene, "config/mozilla/firefox/p/pkcs11.txt", INTERNAL);
    g_free(seal_setup_scene_do(scene, "firefox", "--yes", NULL));
    expect_ours_first(scene, "config/mozilla/firefox/p/pkcs11.txt", INTERNAL);
}

static void
test_sandboxed_profile(SealSetupScene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;

    seal_setup_scene_write(scene, "snap/firefox/common/.mozilla/firefox/profiles.ini",
                           "[Profile0]\nIsRelative=1\nPath=p\n");
    seal_setup_scene_write(scene, "snap/firefox/common/.mozilla/firefox/p/pkcs11.txt", INTERNAL);
    result = seal_setup_scene_run(scene, "firefox", "--yes", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "in a sandbox"));
    expect_ours_first(scene, "snap/firefox/common/.mozilla/firefox/p/pkcs11.txt", INTERNAL);
}

static void
test_evolution(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_refuse(scene, 3, "start Evolution once", "evolution", "--yes", NULL);
    seal_setup_scene_write(scene, ".pki/nssdb/pkcs11.txt", INTERNAL);
    g_free(seal_setup_scene_do(scene, "evolution", "--yes", NULL));
    expect_ours_first(scene, ".pki/nssdb/pkcs11.txt", INTERNAL);
    g_free(seal_setup_scene_do(scene, "evolution", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".pki/nssdb/pkcs11.txt", INTERNAL);
}

static void
test_no_profile(SealSetupScene *scene, gconstpointer data)
{
    seal_setup_scene_refuse(scene, 3, "no profile of it was found", "thunderbird", "--yes", NULL);
    seal_setup_scene_write(scene, ".thunderbird/profiles.ini", "\xff[[Profile0\nPath");
    seal_setup_scene_refuse(scene, 3, "no profile of it was found", "thunderbird", "--yes", NULL);
    seal_setup_scene_refuse(scene, 3, "there is no 'pkcs11.txt'", "firefox", "--profile",
                            "/nonexistent", NULL);
}

/* -- what others did there ------------------------------------------------------------------- */

/* NSS writes a stanza anew when somebody changes the module's settings; one more was added. */
static void
test_rewritten_by_nss(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *text = g_strdup_printf(INTERNAL OTHER "library=\"%s\"\nname=Privy Seal\n"
                                                           "NSS=trustOrder=100\n\n",
                                            scene->module);

    make_profiles(scene);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    seal_setup_scene_write(scene, ".thunderbird/abc.one/pkcs11.txt", text);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL OTHER);
}

/* Who added the module by hand keeps it. */
static void
test_added_by_hand(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *stanza = ours(scene);
    g_autofree char *text = g_strconcat(INTERNAL, stanza, NULL);
    g_autofree char *said = NULL;

    make_profiles(scene);
    seal_setup_scene_write(scene, ".thunderbird/abc.one/pkcs11.txt", text);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", text);
    said = seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL);
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", text);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
}

/* The module was installed elsewhere when it was added; and one that has our name and is not ours.
 */
static void
test_moved_module(SealSetupScene *scene, gconstpointer data)
{
    static const char old[] = "library=/opt/old/privyseal-pkcs11.so\nname=Privy Seal\n\n";
    g_autofree char *path = seal_test_home_path(scene->home, ".thunderbird/abc.one/pkcs11.txt");
    g_autofree char *text = g_strconcat(old, INTERNAL, NULL);
    g_autofree char *record = g_strdup_printf("[%s]\nlibrary=/opt/old/privyseal-pkcs11.so\n", path);

    make_profiles(scene);
    seal_setup_scene_write(scene, ".thunderbird/abc.one/pkcs11.txt", text);
    seal_setup_scene_refuse(scene, 5, "another module with the name 'Privy Seal'", "thunderbird",
                            "--yes", NULL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", INTERNAL OTHER);
    seal_setup_scene_write(scene, RECORD, record);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
}

static void
test_no_list(SealSetupScene *scene, gconstpointer data)
{
    make_profiles(scene);
    seal_setup_scene_write(scene, "elsewhere/pkcs11.txt", "hello\n");
    seal_setup_scene_refuse(scene, 5, "does not look like NSS's list", "thunderbird", "--yes",
                            NULL);
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, RECORD, NULL);
}

/* -- programs that run ------------------------------------------------------------------------ */

static void
expect_in_use(SealSetupScene *scene)
{
    g_autofree char *reason =
        g_strdup_printf("(process %d) is running with the profile", (int)getpid());

    seal_setup_scene_refuse(scene, 5, reason, "thunderbird", "--yes", NULL);
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, RECORD, NULL);
}

/* This test is the program: it holds Mozilla's lock, as nsProfileLock does. */
static void
test_locked(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, ".thunderbird/abc.one/.parentlock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = -1;

    make_profiles(scene);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_SETLK, &lock), ==, 0);
    expect_in_use(scene);
    close(fd);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(fcntl(fd, F_SETLK, &lock), ==, 0);
    seal_setup_scene_refuse(scene, 5, "is running with the profile", "thunderbird", "--undo",
                            "--yes", NULL);
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    close(fd);
}

/* The link alone counts where it says that there is no other lock, while its process lives. */
static void
test_locked_by_link(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, ".thunderbird/abc.one/lock");
    g_autofree char *alive = g_strdup_printf("127.0.1.1:%d", (int)getpid());
    g_autofree char *with_lock = g_strdup_printf("127.0.1.1:+%d", (int)getpid());

    make_profiles(scene);
    g_assert_cmpint(symlink(alive, path), ==, 0);
    expect_in_use(scene);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(symlink(with_lock, path), ==, 0); /* left by a crash */
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
}

static void
test_open_database(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, ".thunderbird/abc.one/key4.db");
    int fd = -1;

    make_profiles(scene);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(fd, >=, 0);
    expect_in_use(scene);
    close(fd);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
}

/* -- crashes ----------------------------------------------------------------------------------- */

/* The kernel ends the program while it writes the second file, which is larger than a file may be
 * here (ulimit -f counts KiB or half of them): the first one is done by then. */
static void
crash_in_the_second(SealSetupScene *scene, const char *second)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *const argv[] = {"sh", "-c", "ulimit -f 8; exec \"$0\" setup thunderbird --yes",
                                program, NULL};
    g_autoptr(SealTestResult) result = NULL;

    make_profiles(scene);
    seal_setup_scene_write(scene, "elsewhere/pkcs11.txt", second);
    result = seal_test_run(scene->home, argv, NULL);
    g_assert_cmpint(result->status, ==, 128 + SIGXFSZ);
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", second);
}

static char *
large_list(void)
{
    GString *text = g_string_new(INTERNAL);

    while (text->len < (gsize)32 * 1024)
        g_string_append(text, OTHER);
    return g_string_free(text, FALSE);
}

static void
test_goes_on_after_a_crash(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *large = large_list();

    crash_in_the_second(scene, large);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--yes", NULL));
    expect_ours_first(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    expect_ours_first(scene, "elsewhere/pkcs11.txt", large);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", large);
}

static void
test_undo_after_a_crash(SealSetupScene *scene, gconstpointer data)
{
    g_autofree char *large = large_list();

    crash_in_the_second(scene, large);
    g_free(seal_setup_scene_do(scene, "thunderbird", "--undo", "--yes", NULL));
    seal_setup_scene_expect(scene, ".thunderbird/abc.one/pkcs11.txt", INTERNAL);
    seal_setup_scene_expect(scene, "elsewhere/pkcs11.txt", large);
    seal_setup_scene_expect(scene, RECORD, NULL);
}

#define ADD(path, function) SEAL_SETUP_SCENE_ADD("/cli/setup/nss/" path, function)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("every-used-profile", test_all_profiles);
    ADD("one-profile-by-its-folder", test_one_profile);
    ADD("profile-in-the-configuration-folder", test_xdg_profile);
    ADD("sandboxed-profile-comes-with-a-word", test_sandboxed_profile);
    ADD("evolution-is-in-the-shared-database", test_evolution);
    ADD("no-profile-is-status-3", test_no_profile);
    ADD("stanza-rewritten-by-nss-is-taken-back", test_rewritten_by_nss);
    ADD("module-added-by-hand-stays", test_added_by_hand);
    ADD("moved-module-is-brought-up-to-date", test_moved_module);
    ADD("what-is-no-list-is-refused", test_no_list);
    ADD("locked-profile-is-left-alone", test_locked);
    ADD("link-is-a-lock-while-its-process-lives", test_locked_by_link);
    ADD("open-database-is-left-alone", test_open_database);
    ADD("goes-on-after-a-crash", test_goes_on_after_a_crash);
    ADD("undo-after-a-crash", test_undo_after_a_crash);
    return g_test_run();
}
