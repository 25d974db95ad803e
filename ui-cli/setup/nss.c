/* Thunderbird, Firefox and Evolution: our module in pkcs11.txt of their NSS databases. A program
 * reads the list when it starts and may write it whenever it runs, so a profile that is in use is
 * left alone. What modutil would write is written here: modutil is not installed with these
 * programs, and would have to load our module, and start the agent, to add it. */
#include "ui-cli/setup/targets.h"

#include <string.h>

#include "ui-cli/setup/in-use.h"
#include "ui-cli/setup/pkcs11-txt.h"
#include "ui-cli/setup/profiles.h"

#define LIST "pkcs11.txt"

/* What is remembered of a list: the library whose stanza was put in. */
#define KEY_LIBRARY "library"

/* -- one list ------------------------------------------------------------------------- */

static gboolean
check_not_in_use(SealSetup *setup, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *user = seal_profile_find_user(folder);

    if (!user)
        return TRUE;
    /* Evolution's services outlive its window. */
    return seal_setup_fail(
        setup, error, SEAL_ERROR_BUSY, "%s is running with the profile '%s'; end it first%s", user,
        folder,
        g_str_has_suffix(folder, "/.pki/nssdb") ? " (Evolution: evolution --force-shutdown)" : "");
}

/* The stanza of an earlier run goes where the module lies elsewhere now; one of the same name that
 * we did not put there is somebody's own. */
static gboolean
replace_stanza(SealSetup *setup, SealEdit *edit, const char *module, GError **error)
{
    g_autofree char *earlier = seal_setup_recall(setup, edit->path, KEY_LIBRARY);
    g_autofree char *others =
        earlier ? seal_pkcs11_txt_remove(edit->before, earlier) : g_strdup(edit->before);

    if (seal_pkcs11_txt_has(others, "name", SEAL_PKCS11_TXT_NAME))
        return seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                               "'%s' has another module with the name '%s'; remove it there first",
                               edit->path, SEAL_PKCS11_TXT_NAME);
    seal_edit_take(edit, seal_pkcs11_txt_add(others, module));
    seal_setup_remember(setup, edit, KEY_LIBRARY, module);
    return TRUE;
}

/* `folder` has a list. */
static gboolean
plan_folder(SealSetup *setup, const char *folder, GError **error)
{
    const char *module = seal_setup_module(setup, error);
    g_autofree char *path = g_build_filename(folder, LIST, NULL);
    SealEdit *edit = module ? seal_setup_open(setup, path, error) : NULL;

    if (!edit)
        return FALSE;
    if (!edit->before || !seal_pkcs11_txt_is_list(edit->before))
        return seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                               "'%s' does not look like NSS's list of modules", path);
    if (seal_pkcs11_txt_has(edit->before, "library", module))
        return TRUE;
    return check_not_in_use(setup, path, error) && replace_stanza(setup, edit, module, error);
}

static gboolean
take_back(SealSetup *setup, const char *path, GError **error)
{
    g_autofree char *library = seal_setup_recall(setup, path, KEY_LIBRARY);
    SealEdit *edit = seal_setup_open(setup, path, error);

    if (!edit || !edit->before || !library)
        return edit != NULL;
    seal_edit_take(edit, seal_pkcs11_txt_remove(edit->before, library));
    return !seal_edit_has_change(edit) || check_not_in_use(setup, path, error);
}

/* -- profiles -------------------------------------------------------------------------- */

static gboolean
has_list(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, LIST, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static gboolean
plan_given(SealSetup *setup, const char *folder, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(folder, NULL);

    if (has_list(absolute))
        return plan_folder(setup, absolute, error);
    return seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                           "there is no '%s' in '%s'; name the folder of a profile that was used",
                           LIST, absolute);
}

/* Flatpak and snap give a program its own file system. */
static void
note_sandbox(SealSetup *setup, const char *folder)
{
    if (strstr(folder, "/.var/app/") || strstr(folder, "/snap/"))
        seal_setup_note(setup,
                        "'%s' is of a program in a sandbox, which must let it read the module and "
                        "reach the agent's socket",
                        folder);
}

static gboolean
plan_profiles(SealSetup *setup, const char *const *roots, const char *program, GError **error)
{
    const char *given = seal_setup_option(setup, "profile");
    g_auto(GStrv) folders = NULL;
    guint used = 0;

    if (given)
        return plan_given(setup, given, error);
    folders = seal_profiles_find(roots);
    for (char **folder = folders; *folder; folder++) {
        if (!has_list(*folder)) {
            seal_setup_note(setup, "left out: '%s' was never used", *folder);
            continue;
        }
        if (!plan_folder(setup, *folder, error))
            return FALSE;
        note_sandbox(setup, *folder);
        used++;
    }
    if (used > 0)
        return TRUE;
    return seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                           "no profile of it was found; start %s once, or name one by --profile",
                           program);
}

static gboolean
plan_thunderbird(SealSetup *setup, GError **error)
{
    static const char *const roots[] = {
        ".thunderbird",
        ".var/app/org.mozilla.Thunderbird/.thunderbird",
        ".var/app/net.thunderbird.Thunderbird/.thunderbird",
        "snap/thunderbird/common/.thunderbird",
        NULL,
    };

    return plan_profiles(setup, roots, "Thunderbird", error);
}

static gboolean
plan_firefox(SealSetup *setup, GError **error)
{
    g_autofree char *config = g_build_filename(g_get_user_config_dir(), "mozilla/firefox", NULL);
    const char *const roots[] = {
        ".mozilla/firefox",
        config, /* new users of new versions */
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/config/mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        NULL,
    };

    return plan_profiles(setup, roots, "Firefox", error);
}

/* Evolution 3.46 (Debian 12) opens ~/.pki/nssdb; the database in ~/.local/share/evolution is that
 * of versions before 3.6. */
static gboolean
plan_evolution(SealSetup *setup, GError **error)
{
    const char *given = seal_setup_option(setup, "profile");
    g_autofree char *folder = g_build_filename(g_get_home_dir(), ".pki", "nssdb", NULL);

    if (given)
        return plan_given(setup, given, error);
    if (has_list(folder))
        return plan_folder(setup, folder, error);
    return seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                           "there is no '%s/%s'; start Evolution once", folder, LIST);
}

/* -- what to do then -------------------------------------------------------------------- */

static char *
explain_thunderbird(SealSetup *setup)
{
    return g_strdup(
        "\n"
        "Choose your certificates in Account Settings, End-To-End Encryption, S/MIME.\n");
}

static char *
explain_firefox(SealSetup *setup)
{
    return g_strdup("\n"
                    "Firefox offers your certificates where a server asks for one.\n");
}

static char *
explain_evolution(SealSetup *setup)
{
    return g_strdup("\n"
                    "Choose your certificates in Edit, Accounts, Security. Programs that share\n"
                    "~/.pki/nssdb with Evolution, as Chromium does, see them, too.\n");
}

static const char *const options[] = {"profile", NULL};

const SealSetupTarget seal_setup_thunderbird = {
    .name = "thunderbird",
    .program = "Thunderbird",
    .options = options,
    .plan = plan_thunderbird,
    .take_back = take_back,
    .explain = explain_thunderbird,
};

const SealSetupTarget seal_setup_firefox = {
    .name = "firefox",
    .program = "Firefox",
    .options = options,
    .plan = plan_firefox,
    .take_back = take_back,
    .explain = explain_firefox,
};

const SealSetupTarget seal_setup_evolution = {
    .name = "evolution",
    .program = "Evolution",
    .options = options,
    .plan = plan_evolution,
    .take_back = take_back,
    .explain = explain_evolution,
};
