/* Transfer encodings for mail that must arrive byte for byte: a signature over bytes that a gateway
 * may change is one over nothing. */
#pragma once

#include "smime/entity.h"
#include "smime/sink.h"

#include <glib.h>

typedef enum {
    SEAL_TRANSFER_ANY,  /* base64 goes around it: only what is stated to be binary is encoded, since
                         * canonical line ends would damage it */
    SEAL_TRANSFER_7BIT, /* it travels as it is: nothing but lines of ASCII (RFC 8551 3.1.3) */
} SealTransfer;

/* What the Content-Transfer-Encoding of `entity` must become: NULL if it stays, else (static)
 * "7bit", "8bit", "quoted-printable" or "base64". The latter two are for entities without parts. */
const char *seal_transfer_choose(const SealEntity *entity, SealTransfer transfer);

/* TRUE if `entity` has parts (or is a mail in a mail) each of which gets an encoding of its own. */
gboolean seal_transfer_reaches_parts(const SealEntity *entity);

/* Puts the body of `entity` into `out`, lines ending in CRLF, in the encoding that
 * seal_transfer_choose() gave, its parts each in theirs. Decoded it is what it was but for line
 * ends. What is signed or encrypted already, or cannot be split into its parts, stays as it is. */
void seal_transfer_put_body(SealSink *out, const SealEntity *entity, SealTransfer transfer);

/* Puts `bytes` into `out`, each line ending in CRLF. */
void seal_transfer_put_canonical(SealSink *out, SealBytes bytes);
