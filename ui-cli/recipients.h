/* To whom a mail is encrypted. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/reach.h"

/* How certificates are looked for. */
typedef struct {
    /* Reached when a source needs the agent: *reach is set then (transfer full). */
    SealReach **reach;
    const SealTrust *trust; /* (nullable) whom to believe that a certificate is its owner's */
    gboolean every_path;    /* judge the paths of files and of one's own certificates, too */
    const char *advice;     /* ends the message that names who is missing: "get one" */
} SealRecipientSearch;

/* A certificate that may be used, and where it was. */
typedef struct {
    char *name; /* as it was asked for */
    GBytes *certificate;
    const char *source; /* "file", or a word of seal_source_words; static */
    gboolean pinned;
    GBytes *capabilities; /* (nullable) as in SealCorrespondent */
} SealFound;

/* NULL is allowed. */
void seal_found_free(SealFound *found);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFound, seal_found_free)

/* Finds the certificate of each of `names` (element-type utf8): a file, or an address (it has an
 * `@`, no `/`, and does not end in .pem, .crt, .cer or .der) in the sources of privyseal.conf, in
 * their order; of several in one source the newest. What is found is for that address, valid now,
 * for encryption, strong enough, and where there are anchors its path is good; what the network
 * gives needs one. A pinned one is used alone and without its path, whatever the sources; where the
 * database cannot be read, so that nobody knows of pins, the network is not asked. Warns on
 * standard error where one from the network is not the one that is kept. Returns (transfer full) (element-type SealFound), one for each; NULL with
 * NOT_FOUND, naming all names that have none at once, or with an error of a file or of
 * privyseal.conf. Blocks. */
GPtrArray *seal_recipients_find(const SealRecipientSearch *search, const GPtrArray *names,
                                GError **error);

/* Whoever is in the list twice, by address and by file, stays in it once. */
void seal_found_make_unique(GPtrArray *found);
/* Returns (transfer full) (element-type GBytes) their certificates. */
GPtrArray *seal_found_certificates(const GPtrArray *found);
