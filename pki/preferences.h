/* What site and user want of trust, revocation and recipients' certificates: the groups of
 * privyseal.conf that the commands read, not the agent. The manual is privyseal.conf(5). */
#pragma once

#include <glib.h>

#include "pki/trust.h"

typedef struct {
    gboolean system_bundle;    /* [trust] system-bundle, default no */
    gboolean fetch_issuers;    /* [trust] fetch-issuers, default no */
    SealLevel minimum_level;   /* [trust] minimum-level, default any (SEAL_LEVEL_UNKNOWN) */
    SealRevocation revocation; /* [revocation] mode, default prefer */
    guint timeout_s;           /* [revocation] timeout, default 10 */
    char *private_hosts;       /* (nullable) (owned) [revocation] private-hosts */
} SealPreferences;

/* Frees what is in `preferences`, not `preferences` itself. */
void seal_preferences_clear(SealPreferences *preferences);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealPreferences, seal_preferences_clear)

/* Reads the user's and the site's privyseal.conf (a missing file is an empty one) into
 * `ret_preferences`; the user's values win, except for keys that the site's `final=` list of the
 * same group names. For each such value of the user's a sentence is added to `overruled`
 * (element-type utf8). FALSE with SEAL_ERROR_INVALID_INPUT that names file, line and what is
 * expected; *ret_preferences is untouched then. Else it is overwritten; clear it with
 * seal_preferences_clear(). Blocks on the disk. */
gboolean seal_preferences_load(const char *user_file, const char *site_file, GPtrArray *overruled,
                               SealPreferences *ret_preferences, GError **error);
