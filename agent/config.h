/* privyseal.conf: read whole, checked whole, or refused with file, line and what is expected. */
#pragma once

#include <glib.h>

#include "agent/lock-timer.h"
#include "agent/p11-modules.h"
#include "pkcs11/token/module.h"

typedef struct {
    char *pinentry;             /* [agent] pinentry, default "pinentry" found in PATH */
    guint pin_timeout_s;        /* [agent] pin-timeout, 0 to 3600, default 120: of one PIN dialogue */
    SealUnlockLimits limits;    /* [agent] idle-lock, max-unlocked, in seconds, max-uses; defaults 600,
                                   28800, 0 */
    guint idle_exit_s;          /* [agent] idle-exit, default 300; 0 = never */
    gboolean lock_on_screen_lock; /* [agent] lock-on-screen-lock, default yes */
    gboolean lock_on_session_end; /* [agent] lock-on-session-end, default yes */
    gboolean lock_on_suspend;     /* [agent] lock-on-suspend, default yes */
    GPtrArray *modules;         /* of SealModuleConfig*; rejection_secret is the caller's to fill */
    GPtrArray *policy_rules;    /* of SealPolicyRule* */
} SealConfig;

/* Reads $XDG_CONFIG_HOME/privyseal/privyseal.conf and /etc/privyseal/privyseal.conf (paths given so
 * that tests can choose; a missing file is an empty one). The user's values win, except for keys of
 * the site's file that its `final=` list in the same group names. Without a [module] group the
 * modules registered with p11-kit are taken (ours, trust modules and remote ones left out).
 * NULL with a SEAL_ERROR_INVALID_INPUT like "FILE:LINE: unknown key 'pinentri' in [agent], expected
 * one of pinentry, ..." if anything is wrong. */
SealConfig *seal_config_load(const char *user_file, const char *site_file, GError **error);
/* The same from where the agent finds them; `config_file` (nullable), which must be there, takes the
 * place of the user's. */
SealConfig *seal_config_load_from(const char *config_file, GError **error);
/* The same from what was read already (base/settings.h); `places` (nullable: no such modules) says
 * where p11-kit's registration is. */
SealConfig *seal_config_from_settings(const GPtrArray *user, const GPtrArray *site,
                                      const SealP11Places *places, GError **error);
void seal_config_free(SealConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealConfig, seal_config_free)

/* Returns (transfer full) its [agent] and [module ...] groups as privyseal.conf would have them, with
 * what is in force: defaults, and the modules that p11-kit knows. */
char *seal_config_to_text(const SealConfig *config);
