/* Only git knows all of its format, so git edits; it does so on a copy, for what it will have
 * written is shown before it is written. The copy lies in a folder of its own, readable by its
 * owner alone: git makes a lock file beside it, and people keep passwords of proxies in there. */
#include "ui-cli/setup/git-config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/fd.h"

#define COPY_MAX ((size_t)2 * 1024 * 1024)

struct SealGitConfig {
    char *folder;
    char *file;
};

SealGitConfig *
seal_git_config_new(const char *text, GError **error)
{
    g_autoptr(SealGitConfig) config = g_new0(SealGitConfig, 1);

    config->folder = g_dir_make_tmp("privyseal-XXXXXX", error);
    if (!config->folder)
        return NULL;
    config->file = g_build_filename(config->folder, "config", NULL);
    if (!seal_file_replace(config->file, text, strlen(text), 0600, error))
        return NULL;
    return g_steal_pointer(&config);
}

void
seal_git_config_free(SealGitConfig *config)
{
    if (!config)
        return;
    if (config->file)
        (void)g_unlink(config->file);
    if (config->folder)
        (void)g_rmdir(config->folder);
    g_free(config->file);
    g_free(config->folder);
    g_free(config);
}

/* `git config --file COPY WORDS`: its exit status, 0 or 1 (no such key), or -1 with an error. In
 * "/", where no repository of the working folder has a say. */
static int
run(const SealGitConfig *config, const char *const *words, char **ret_output, GError **error)
{
    const char *const head[] = {"git", "config", "--file", config->file, NULL};
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *complaint = NULL;
    int status = 0;

    for (const char *const *word = head; *word; word++)
        g_ptr_array_add(argv, (gpointer)*word);
    for (; *words; words++)
        g_ptr_array_add(argv, (gpointer)*words);
    g_ptr_array_add(argv, NULL);
    if (!g_spawn_sync("/", (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, ret_output,
                      &complaint, &status, error))
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return WEXITSTATUS(status);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "git says: %s", g_strstrip(complaint));
    return -1;
}

gboolean
seal_git_config_get(const SealGitConfig *config, const char *key, char **ret_value, GError **error)
{
    const char *const words[] = {"--get-all", key, NULL};
    g_autofree char *output = NULL;
    int status = run(config, words, &output, error);
    char *end = NULL;

    *ret_value = NULL;
    if (status != 0)
        return status == 1;
    end = strchr(output, '\n');
    if (!end || end[1]) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "it sets %s to more than one value; leave one of them", key);
        return FALSE;
    }
    *end = '\0';
    *ret_value = g_steal_pointer(&output);
    return TRUE;
}

gboolean
seal_git_config_set(SealGitConfig *config, const char *key, const char *value, GError **error)
{
    const char *const set[] = {key, value, NULL};
    const char *const unset[] = {"--unset", key, NULL};
    int status = run(config, value ? set : unset, NULL, error);

    if (status == 1)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "git cannot change %s", key);
    return status == 0;
}

char *
seal_git_config_text(const SealGitConfig *config, GError **error)
{
    g_autoptr(GBytes) bytes = seal_file_read(config->file, COPY_MAX, error);
    gsize len = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return bytes ? g_strndup(data ? data : "", len) : NULL;
}
