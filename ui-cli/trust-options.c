/* Whom to trust: what site and user configured, and what the command line adds or takes away. */
#include "ui-cli/trust-options.h"

#include <stdio.h>

#include "base/error.h"
#include "base/settings.h"
#include "pki/anchors.h"
#include "pki/crls.h"
#include "pki/online.h"
#include "pki/preferences.h"
#include "ui-cli/site-fixed.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"

/* A file that is not there is a matter of input (5), not a missing key or certificate (3). */
static gboolean
as_file_error(GError **error)
{
    if (error && seal_error_is(*error, SEAL_ERROR_NOT_FOUND))
        (*error)->code = SEAL_ERROR_FAILED;
    return FALSE;
}

static gboolean
add_files(SealTrust *trust, const GPtrArray *files,
          gboolean (*add)(SealTrust *trust, const char *path, GError **error), GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        if (!add(trust, files->pdata[i], error))
            return as_file_error(error);
    }
    return TRUE;
}

void
seal_trust_warn(const GPtrArray *warnings)
{
    for (guint i = 0; i < warnings->len; i++) {
        g_autofree char *text = seal_text_clean(warnings->pdata[i]);

        fprintf(stderr, "privyseal: warning: %s\n", text);
    }
}

static gboolean
read_preferences(SealPreferences *ret_preferences, GPtrArray *warnings, GError **error)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();

    return seal_preferences_load(user_file, site_file, warnings, ret_preferences, error);
}

static void
add_defaults(SealTrust *trust, SealOptions *options, const SealPreferences *preferences,
             GPtrArray *warnings)
{
    gboolean none = seal_options_has(options, "no-default-anchors");

    if (!none)
        seal_anchors_add_defaults(trust, warnings);
    if (seal_options_has(options, "system-anchors") || (preferences->system_bundle && !none))
        seal_anchors_add_system(trust, warnings);
}

static gboolean
is_stopped(void)
{
    return !seal_stop_check(NULL);
}

/* What may be asked over the network. */
static void
add_online(SealTrust *trust, const SealPreferences *preferences)
{
    const SealHttpPolicy policy = {preferences->timeout_s, preferences->private_hosts, is_stopped};
    SealOnline *online = NULL;

    if (preferences->revocation == SEAL_REVOCATION_CACHE_ONLY) {
        seal_trust_take_online(trust, seal_online_new(NULL));
        return;
    }
    online = seal_online_new_http(&policy);
    if (preferences->fetch_issuers)
        seal_trust_set_fetcher(trust, seal_online_fetcher(online));
    seal_trust_take_online(trust, online);
}

/* Takes the mode of --revocation; it and --system-anchors must leave what the site has fixed. */
static gboolean
take_options(const SealOptions *options, const char *command, SealPreferences *preferences,
             GError **error)
{
    const char *word = seal_options_value(options, "revocation");
    SealRevocation stated = preferences->revocation;
    g_autoptr(GError) problem = NULL;

    if (word && !seal_revocation_parse(word, &preferences->revocation, &problem)) {
        seal_usage_error_set(error, command, "%s", problem->message);
        return FALSE;
    }
    if (stated != preferences->revocation &&
        !seal_site_allows("revocation", "mode", "--revocation", error))
        return FALSE;
    return preferences->system_bundle || !seal_options_has(options, "system-anchors") ||
           seal_site_allows("trust", "system-bundle", "--system-anchors", error);
}

SealTrust *
seal_trust_read_options(SealOptions *options, const char *command, GPtrArray *warnings,
                        GError **error)
{
    g_autoptr(SealTrust) trust = seal_trust_new();
    g_auto(SealPreferences) preferences = {0};

    if (!read_preferences(&preferences, warnings, error) ||
        !take_options(options, command, &preferences, error))
        return NULL;
    seal_trust_set_revocation(trust, preferences.revocation);
    seal_trust_set_minimum_level(trust, preferences.minimum_level);
    add_online(trust, &preferences);
    add_defaults(trust, options, &preferences, warnings);
    if (!add_files(trust, seal_options_values(options, "anchor"), seal_trust_add_anchor_file,
                   error) ||
        !add_files(trust, seal_options_values(options, "crl"), seal_trust_add_crl_file, error))
        return NULL;
    if (preferences.revocation != SEAL_REVOCATION_OFF && !seal_crls_add_defaults(trust, error))
        return NULL;
    return g_steal_pointer(&trust);
}

SealTrust *
seal_trust_from_options(SealOptions *options, const char *command, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    SealTrust *trust = seal_trust_read_options(options, command, warnings, error);

    seal_trust_warn(warnings);
    return trust;
}
