/* What the site has fixed binds options, too. The site's file is /etc/privyseal/privyseal.conf, so
 * each command runs in a mount namespace with an /etc of its own: links to the real one, and this
 * file. */
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/home.h"

static const char in_own_etc[] =
    "set -e; site=$1; shift; mkdir -p \"$site/old\" \"$site/etc/privyseal\";"
    "mount --rbind /etc \"$site/old\";"
    "for file in \"$site\"/old/*; do"
    "  [ \"${file##*/}\" = privyseal ] || ln -sfn \"$file\" \"$site/etc/\"; done;"
    "mv \"$site/privyseal.conf\" \"$site/etc/privyseal/\"; mount --bind \"$site/etc\" /etc;"
    "exec \"$@\"";

/* FALSE, and the test is skipped, where there are no such namespaces. */
static gboolean
can_have_site(void)
{
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "unshare", "--mount", "--map-root-user", "mount", "--rbind", "/etc", "/mnt", NULL);

    if (result->status == 0)
        return TRUE;
    g_test_skip("the kernel gives this user no mount namespace");
    return FALSE;
}

/* Runs privyseal with `arguments`, parted by blanks ("@" and a name: that file of the fixture),
 * where the site's file says `settings`. */
static SealTestResult *
run(const char *settings, const char *arguments)
{
    g_autofree char *site = seal_cli_test_home_file("site");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *file = g_build_filename(site, "privyseal.conf", NULL);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    const char *const first[] = {
        "unshare", "--mount", "--map-root-user", "sh", "-c", in_own_etc, "sh", site, program};
    g_auto(GStrv) words = g_strsplit(arguments, " ", -1);
    g_autoptr(GBytes) mail = seal_cli_test_mail();

    g_assert_cmpint(g_mkdir_with_parents(site, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, settings, -1, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(argv, g_strdup(first[i]));
    for (char **word = words; *word; word++)
        g_ptr_array_add(argv,
                        **word == '@' ? seal_cli_test_fixture_file(*word + 1) : g_strdup(*word));
    g_ptr_array_add(argv, NULL);
    return seal_test_run(seal_cli_test_home(), (const char *const *)argv->pdata, mail);
}

typedef struct {
    const char *settings, *arguments;
    const char *error; /* NULL: it is done */
} Row;

static void
expect_rows(const Row *rows, gsize count)
{
    for (gsize i = 0; i < count && can_have_site(); i++) {
        g_autoptr(SealTestResult) result = run(rows[i].settings, rows[i].arguments);

        g_test_message("%s: %s", rows[i].arguments, rows[i].settings);
        if (rows[i].error)
            seal_cli_test_assert_error(result, 4, rows[i].error);
        else
            seal_cli_test_assert_status(result, 0);
    }
}

#define TO_BOB "encrypt --no-default-anchors --to @certs/bob-rsa-decrypt.pem "

static void
test_encrypting(void)
{
    static const Row rows[] = {
        {"[encrypt]\ncipher=aes-256-gcm\nfinal=cipher\n", TO_BOB "--cipher aes-128-cbc",
         "--cipher is refused: the site has fixed 'cipher' of [encrypt] in "
         "/etc/privyseal/privyseal.conf:3"},
        {"[encrypt]\ncipher=aes-256-gcm\nfinal=cipher\n", TO_BOB "--cipher aes-256-gcm", NULL},
        {"[encrypt]\ncipher=aes-256-gcm\n", TO_BOB "--cipher aes-128-cbc", NULL},
        {"[encrypt]\nfinal=cipher\n", TO_BOB "--cipher aes-128-cbc", "--cipher is refused"},
        {"[encrypt]\noaep=never\nfinal=to-self oaep\n", TO_BOB "--oaep", "--oaep is refused"},
        {"[encrypt]\noaep=always\nfinal=oaep\n", TO_BOB "--oaep", NULL},
        {"[encrypt]\nfinal=protect-headers\n", TO_BOB "--protect-headers no",
         "--protect-headers is refused"},
        {"[encrypt]\nfinal=to-self\n", TO_BOB "--no-to-self", "--no-to-self is refused"},
        {"[encrypt]\nto-self=no\nfinal=to-self\n", TO_BOB "--to-self", "--to-self is refused"},
        {"[sign]\nfinal=protect-headers\n", TO_BOB "--protect-headers no", NULL},
        {"[sign]\nfinal=protect-headers\n", "sign --protect-headers no",
         "'protect-headers' of [sign]"},
    };

    expect_rows(rows, G_N_ELEMENTS(rows));
}

static void
test_trusting(void)
{
    static const Row rows[] = {
        {"[revocation]\nmode=require\nfinal=mode\n", TO_BOB "--revocation off",
         "--revocation is refused: the site has fixed 'mode' of [revocation]"},
        {"[revocation]\nmode=require\nfinal=mode\n", TO_BOB "--revocation require", NULL},
        {"[revocation]\nmode=require\n", TO_BOB "--revocation off", NULL},
        {"[revocation]\nfinal=mode\n", "recipients find --revocation off bob@example.org",
         "--revocation is refused"},
        {"[trust]\nfinal=system-bundle\n", "verify --system-anchors",
         "--system-anchors is refused"},
        {"[trust]\nsystem-bundle=yes\nfinal=system-bundle\n", TO_BOB "--system-anchors", NULL},
    };

    expect_rows(rows, G_N_ELEMENTS(rows));
}

/* mutt gives a cipher along with every mail: there the site's takes its place. */
static void
test_mutt(void)
{
    g_autofree char *entity = seal_cli_test_home_file("entity");
    g_autofree char *arguments =
        g_strdup_printf("mutt encrypt --cipher aes128 %s @certs/bob-rsa-decrypt.pem", entity);
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(SealTestResult) printed = NULL;

    if (!can_have_site())
        return;
    g_assert_true(g_file_set_contents(entity, "Content-Type: text/plain\n\nhello\n", -1, NULL));
    result = run("[encrypt]\ncipher=aes-256-gcm\nfinal=cipher\n", arguments);
    seal_cli_test_assert_status(result, 0);
    sealed = seal_cli_test_output(result);
    printed =
        seal_cli_test_other(sealed, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", NULL);
    seal_cli_test_assert_status(printed, 0);
    g_assert_nonnull(strstr(printed->out, "aes-256-gcm"));
}

static void
add_tests(void)
{
    g_test_add_func("/cli/site/fixed-for-encrypting/binds-options", test_encrypting);
    g_test_add_func("/cli/site/fixed-for-trusting/binds-options", test_trusting);
    g_test_add_func("/cli/site/fixed-cipher/takes-the-place-of-mutts", test_mutt);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add_tests);
}
