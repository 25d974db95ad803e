/* Where certificates of an address are looked for; nothing is judged here. */
#pragma once

#include "pki/database.h"
#include "pki/recipient-settings.h"
#include "ui-cli/reach.h"

#include <openssl/x509.h>

/* One that a source has for an address. */
typedef struct {
    GBytes *certificate;
    const char *source; /* static */
    gboolean pinned;
    gboolean own;         /* on a token of this person's, or a file that they name */
    gboolean foreign;     /* from the network: its path must say whose it is */
    gboolean vouched;     /* instead of that, the address's domain says so, by DNSSEC */
    guint rank;           /* lower ones go first, whatever their age */
    GBytes *capabilities; /* (nullable) */
} SealCandidate;

/* NULL is allowed. */
void seal_candidate_free(SealCandidate *candidate);
/* `capabilities` is NULL. (transfer full) */
SealCandidate *seal_candidate_new(GBytes *certificate, const char *source);

/* What the sources share during one search. */
typedef struct {
    SealReach **reach; /* set when the agent is reached (transfer full) */
    SealRecipientSettings *settings;
    SealDatabase *database; /* (nullable) until it is asked */
    STACK_OF(X509) *others; /* certificates seen beside, to build paths from */
    gboolean has_issuers;   /* those of the database are among them */
    GPtrArray *seen;        /* (element-type GBytes) whatever the sources had for one address:
                               empty it before the next */
} SealSources;

/* Reads privyseal.conf; `overruled` as for seal_preferences_load(). FALSE with its errors. */
gboolean seal_sources_init(SealSources *sources, SealReach **reach, GPtrArray *overruled,
                           GError **error);
void seal_sources_clear(SealSources *sources);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealSources, seal_sources_clear)

/* Adds to `candidates` (element-type SealCandidate) what `source` has for `address`. FALSE with the
 * source's error if it could not be asked. Blocks. */
gboolean seal_source_ask(SealSources *sources, SealSource source, const char *address,
                         GPtrArray *candidates, GError **error);

/* Returns (transfer full) (nullable) the SMIMECapabilities that are kept with a certificate (DER),
 * whatever the sources are; NULL also if the database cannot be read. Blocks on the disk. */
GBytes *seal_sources_stated(SealSources *sources, GBytes *certificate);

/* Adds one certificate (DER) to `others`; what cannot be read is passed over. */
void seal_sources_add_other(SealSources *sources, GBytes *der);
