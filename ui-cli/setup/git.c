/* git: gpg.format, gpg.x509.program and, with --key, user.signingKey, in the file that
 * `git config --global` writes. The values that were there before are remembered and come back,
 * unless somebody has set something else since. */
#include "ui-cli/setup/targets.h"

#include <config.h>

#include "base/program.h"
#include "ui-cli/setup/git-config.h"

/* What is remembered of a setting: under its name the value that was set, and under its name with
 * this the one before, if there was one. */
#define BEFORE ".before"

#define SIGNING_KEY "user.signingKey"

/* git-config(1), FILES: what --global writes to. */
static char *
global_file(void)
{
    const char *given = g_getenv("GIT_CONFIG_GLOBAL");
    g_autofree char *home = g_build_filename(g_get_home_dir(), ".gitconfig", NULL);
    g_autofree char *xdg = g_build_filename(g_get_user_config_dir(), "git", "config", NULL);

    if (given && *given)
        return g_canonicalize_filename(given, NULL);
    if (!g_file_test(home, G_FILE_TEST_EXISTS) && g_file_test(xdg, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&xdg);
    return g_steal_pointer(&home);
}

/* The program that git calls; NULL with an error. (transfer full) */
static char *
find_program(SealSetup *setup, GError **error)
{
    g_autofree char *git = g_find_program_in_path("git");
    g_autofree char *path = seal_program_file("ui-cli/privyseal-git", SEAL_BINDIR);

    if (git && g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer(&path);
    (void)seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND, "there is no %s",
                          git ? path : "git in PATH");
    return NULL;
}

/* -- putting in ------------------------------------------------------------------------- */

/* What stood there before our first run stays what comes back. */
static gboolean
put_setting(SealSetup *setup, const SealEdit *edit, SealGitConfig *config, const char *key,
            const char *value, GError **error)
{
    g_autofree char *key_before = g_strconcat(key, BEFORE, NULL);
    g_autofree char *ours = seal_setup_recall(setup, edit->path, key);
    g_autofree char *now = NULL;

    if (!seal_git_config_get(config, key, &now, error))
        return FALSE;
    if (g_strcmp0(now, value) == 0)
        return TRUE;
    if (!ours || g_strcmp0(now, ours) != 0)
        seal_setup_remember(setup, edit, key_before, now);
    seal_setup_remember(setup, edit, key, value);
    return seal_git_config_set(config, key, value, error);
}

/* A signing key for another format is none for ours. */
static gboolean
note_signing_key(SealSetup *setup, const SealGitConfig *config, GError **error)
{
    g_autofree char *format = NULL;
    g_autofree char *key = NULL;

    if (!seal_git_config_get(config, "gpg.format", &format, error) ||
        !seal_git_config_get(config, SIGNING_KEY, &key, error))
        return FALSE;
    if (key && g_strcmp0(format, "x509") != 0)
        seal_setup_note(setup,
                        "user.signingKey is '%s', which now has to name a key of yours: an "
                        "address, a label, a fingerprint or a PKCS#11 URI; --key sets it",
                        key);
    return TRUE;
}

static gboolean
put_settings(SealSetup *setup, const SealEdit *edit, SealGitConfig *config, const char *program,
             GError **error)
{
    const char *key = seal_setup_option(setup, "key");

    if (!key && !note_signing_key(setup, config, error))
        return FALSE;
    return put_setting(setup, edit, config, "gpg.format", "x509", error) &&
           put_setting(setup, edit, config, "gpg.x509.program", program, error) &&
           (!key || put_setting(setup, edit, config, SIGNING_KEY, key, error));
}

static gboolean
take_text(SealEdit *edit, const SealGitConfig *config, GError **error)
{
    char *text = seal_git_config_text(config, error);

    if (text)
        seal_edit_take(edit, text);
    return text != NULL;
}

static gboolean
plan(SealSetup *setup, GError **error)
{
    g_autofree char *program = find_program(setup, error);
    g_autofree char *path = global_file();
    SealEdit *edit = program ? seal_setup_open(setup, path, error) : NULL;
    g_autoptr(SealGitConfig) config = NULL;

    if (!edit)
        return FALSE;
    config = seal_git_config_new(edit->before ? edit->before : "", error);
    if (config && put_settings(setup, edit, config, program, error) &&
        take_text(edit, config, error))
        return TRUE;
    g_prefix_error(error, "cannot change '%s': ", path);
    return FALSE;
}

/* -- taking back ------------------------------------------------------------------------ */

static gboolean
take_back_setting(SealSetup *setup, const SealEdit *edit, SealGitConfig *config, const char *key,
                  GError **error)
{
    g_autofree char *key_before = g_strconcat(key, BEFORE, NULL);
    g_autofree char *ours = seal_setup_recall(setup, edit->path, key);
    g_autofree char *before = seal_setup_recall(setup, edit->path, key_before);
    g_autofree char *now = NULL;

    if (!ours)
        return TRUE;
    if (!seal_git_config_get(config, key, &now, error))
        return FALSE;
    if (g_strcmp0(now, ours) == 0)
        return seal_git_config_set(config, key, before, error);
    if (g_strcmp0(now, before) != 0)
        seal_setup_note(setup, "%s was changed since, and stays as it is", key);
    return TRUE;
}

static gboolean
take_back(SealSetup *setup, const char *path, GError **error)
{
    static const char *const keys[] = {"gpg.format", "gpg.x509.program", SIGNING_KEY};
    SealEdit *edit = seal_setup_open(setup, path, error);
    g_autoptr(SealGitConfig) config = NULL;
    gboolean done = FALSE;

    if (!edit || !edit->before)
        return edit != NULL;
    config = seal_git_config_new(edit->before, error);
    done = config != NULL;
    for (guint i = 0; done && i < G_N_ELEMENTS(keys); i++)
        done = take_back_setting(setup, edit, config, keys[i], error);
    if (done && take_text(edit, config, error))
        return TRUE;
    g_prefix_error(error, "cannot change '%s': ", path);
    return FALSE;
}

static char *
explain(SealSetup *setup)
{
    return g_strdup("\n"
                    "  git commit -S; git tag -s; git log --show-signature\n"
                    "  git config --global commit.gpgSign true    # to sign every commit\n");
}

static const char *const options[] = {"key", NULL};

const SealSetupTarget seal_setup_git = {
    .name = "git",
    .program = "git",
    .options = options,
    .plan = plan,
    .take_back = take_back,
    .explain = explain,
};
