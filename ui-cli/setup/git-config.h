/* A configuration file of git's, edited by git itself on a copy of its text. */
#pragma once

#include <glib.h>

typedef struct SealGitConfig SealGitConfig;

/* A copy that holds `text`. (transfer full), or NULL with an error. Blocks on the disk. */
SealGitConfig *seal_git_config_new(const char *text, GError **error);
void seal_git_config_free(SealGitConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealGitConfig, seal_git_config_free)

/* The value of `key` ("gpg.format") in `*ret_value` (transfer full), NULL if it is not set. FALSE
 * with INVALID_INPUT if git cannot read the file, or it sets the key more than once. Runs git. */
gboolean seal_git_config_get(const SealGitConfig *config, const char *key, char **ret_value,
                             GError **error);

/* Sets `key` to `value`, or with NULL takes it out. FALSE with INVALID_INPUT. Runs git. */
gboolean seal_git_config_set(SealGitConfig *config, const char *key, const char *value,
                             GError **error);

/* The text as it is now (transfer full), or NULL with an error. */
char *seal_git_config_text(const SealGitConfig *config, GError **error);
