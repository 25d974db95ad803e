/* Where recipients' certificates come from: the groups [recipients], [ldap NAME] and [dns] of
 * privyseal.conf. The manual is privyseal.conf(5). */
#pragma once

#include <glib.h>

#include "pki/directory.h"
#include "pki/secure-dns.h"

typedef enum {
    SEAL_SOURCE_STORE, /* the user's database (pki/correspondents.h) */
    SEAL_SOURCE_TOKEN, /* what the agent lists */
    SEAL_SOURCE_LDAP,  /* directories (pki/directory.h) */
    SEAL_SOURCE_DNS,   /* SMIMEA records (pki/smimea.h) */
    SEAL_SOURCE_LAST = SEAL_SOURCE_DNS,
} SealSource;

/* Their words: "store", "token", "ldap", "dns". */
extern const char *const seal_source_words[];

typedef struct {
    SealSource sources[SEAL_SOURCE_LAST + 1]; /* [recipients] sources, in the order to ask */
    guint source_count;
    gboolean harvest;       /* [recipients] harvest, default yes */
    GPtrArray *directories; /* (element-type SealDirectory) in the order of the files */
    SealSecureDns dns;
} SealRecipientSettings;

/* Reads the user's and the site's privyseal.conf, as seal_preferences_load() does and with its
 * errors. Returns (transfer full). Blocks on the disk. */
SealRecipientSettings *seal_recipient_settings_load(const char *user_file, const char *site_file,
                                                    GPtrArray *overruled, GError **error);
void seal_recipient_settings_free(SealRecipientSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealRecipientSettings, seal_recipient_settings_free)
