/* Opening a mail, whatever it is: layer by layer, with one report. */
#pragma once

#include "pki/trust.h"
#include "smime/report.h"
#include "smime/unwrapper.h"

#include <glib.h>

/* Layers of signature, encryption and compression that are opened; one more is "nesting-limit". Triple wrapping
 * is 3, a gateway adds 2. */
#define SEAL_LAYERS_MAX 8

/* Which question is asked. */
typedef enum {
    SEAL_OPEN_ALL,     /* whatever it is: decrypt, expand and verify every layer */
    SEAL_OPEN_VERIFY,  /* judge signatures; an encrypted layer is reported but stays closed */
    SEAL_OPEN_DECRYPT, /* open encrypted layers; a signature inside of one stays in the plaintext,
                        * unjudged */
} SealOpenMode;

typedef struct {
    SealOpenMode mode;
    const SealTrust *trust; /* (nullable) anchors and CRLs; without, every signer is untrusted */
    const SealUnwrapper
        *unwrapper;   /* (nullable) without, every encrypted layer is "not-recipient" */
    const char *from; /* (nullable) who should have signed, where the mail names nobody
                       * in From or Sender; one address (addr-spec) */
    gint64 at;        /* the time certificates are judged at, 0: now */
} SealOpenOptions;

/* Judges and opens a mail.
 *
 * `mail`: its bytes as received, at most SEAL_MAIL_MAX. `ret_report`: (transfer full) always set on
 * success. `ret_content`: (transfer full) (nullable on return) what the innermost opened layer
 * holds, a MIME entity, byte for byte, with what nothing covers left out; the mail itself if it has
 * no layer; NULL where the verdict is about a layer that could not be opened. Content that a bad
 * signature covers IS given: show it only with its verdict. Nothing decrypted is given before its
 * tag or padding was checked.
 *
 * A mail that is not good is no error: it returns TRUE and the report's verdict says so. FALSE with
 * an error only if the question could not be worked on: what unwrapper's functions failed with
 * beyond a refusal (agent unreachable, token removed, ...). Blocks as long as the unwrapper. */
gboolean seal_mail_open(GBytes *mail, const SealOpenOptions *options, SealReport **ret_report,
                        GBytes **ret_content, GError **error);

/* Judges or opens one CMS message without a mail around it: one layer; what is inside of it is given
 * as it stands.
 *
 * `cms`: a ContentInfo (DER or BER) with SignedData that carries its content, EnvelopedData,
 * AuthEnvelopedData or CompressedData. `options`: `from` is whom a signer must be certified for; NULL: addresses are
 * "not-checked", since no mail says who sent it. `mode` is not looked at. Encrypted content that
 * nothing authenticates must look like a MIME entity. Report, content and errors as for
 * seal_mail_open(); for a detached signature see smime/detached.h. */
gboolean seal_cms_open(GBytes *cms, const SealOpenOptions *options, SealReport **ret_report,
                       GBytes **ret_content, GError **error);
