/* How mail is made where the command line does not say: the groups [sign] and [encrypt] of
 * privyseal.conf. The manual is privyseal.conf(5). */
#pragma once

#include "smime/choice.h"
#include "smime/headers.h"

#include <glib.h>

typedef struct {
    SealHeaders sign_headers;    /* [sign] protect-headers, default yes */
    SealHeaders encrypt_headers; /* [encrypt] protect-headers, default hide */
    gboolean to_self;            /* [encrypt] to-self, default yes */
    SealChoicePolicy policy;     /* [encrypt] cipher and oaep, default as readers state */
} SealMakingSettings;

/* Their words by value, ended by NULL: "no", "yes" for signing; "no", "yes", "hide" for encrypting.
 */
extern const char *const seal_sign_headers_words[];
extern const char *const seal_encrypt_headers_words[];

/* The value of a word; FALSE if there is none. */
gboolean seal_sign_headers_parse(const char *word, SealHeaders *ret_headers);
gboolean seal_encrypt_headers_parse(const char *word, SealHeaders *ret_headers);

/* Reads the user's and the site's privyseal.conf; a warning on stderr for each value of the user's
 * that the site overrules. FALSE with INVALID_INPUT that names file, line and what is expected.
 * Blocks on the disk. */
gboolean seal_making_settings_load(SealMakingSettings *ret_settings, GError **error);
