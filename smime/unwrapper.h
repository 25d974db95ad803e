/* What opening a message asks of the outside: whether there is a key for a recipient, and the
 * content-encryption key of one RecipientInfo. The CLI fills this with FindKeys and Key.Unwrap. */
#pragma once

#include "base/secret.h"

#include <glib.h>

/* How a RecipientInfo names its certificate: issuer and serial, or subject_key_id. */
typedef struct {
    GBytes *issuer; /* (nullable) DER of the issuer's Name, as the message carries it */
    GBytes *serial; /* (nullable) content octets of the INTEGER (big-endian, two's complement) */
    GBytes *subject_key_id; /* (nullable) the key identifier's octets */
} SealRecipientId;

typedef struct {
    GBytes *originator; /* (nullable) key agreement only: DER of the OriginatorPublicKey of RFC 5652
                         * 6.2.2, a SEQUENCE (tag 0x30, not the message's [1]) of the algorithm and
                         * the BIT STRING with the ephemeral public key */
    GBytes *ukm; /* (nullable) key agreement only: content octets of the UserKeyingMaterial */
    GBytes *content_encryption; /* DER of the content's AlgorithmIdentifier */
} SealUnwrapInput;

/* What is remembered of a certificate of one's own. */
typedef struct {
    char *subject;
    char *token, *token_serial; /* that last held its key: label and serial number */
    gint64 last_seen;           /* seconds since 1970 */
} SealSeen;

/* NULL is allowed. */
void seal_seen_free(SealSeen *seen);

typedef struct SealUnwrapper SealUnwrapper;

struct SealUnwrapper {
    /* Looks for a private key of the certificate that `id` names; may block.
     * Returns (transfer full) a name that unwrap() understands, e.g. an object path; NULL without
     * an error if there is none, NULL with one if nobody could be asked. */
    char *(*find)(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error);

    /* Opens one encrypted key; may block.
     * `key`: what find() returned. `key_encryption`: DER AlgorithmIdentifier, `encrypted_key`:
     * octets, both as the RecipientInfo carries them. Returns (transfer full) the
     * content-encryption key, or NULL with an error of SEAL_ERROR: NOT_SUPPORTED, INVALID_INPUT,
     * KEY_USAGE and DECRYPT_FAILED make the library try the next recipient; TOKEN_REMOVED
     * does, too, but is passed on where none of them works; DENIED, CANCELLED, the
     * PIN_ ones and NO_PROMPTER end in the verdict "refused"; others are passed on. */
    SealSecret *(*unwrap)(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
                          GBytes *encrypted_key, const SealUnwrapInput *input, GError **error);
    gpointer user_data; /* for these functions alone */

    /* (nullable) What is remembered of the certificate that `id` names, for which find() found
     * nothing. Returns (transfer full) (nullable). */
    SealSeen *(*recall)(const SealUnwrapper *unwrapper, const SealRecipientId *id);

    /* (nullable) Says that unwrap() will be called with these, so that work on it can begin. Does not
     * wait for it. */
    void (*prepare)(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
                    GBytes *encrypted_key, const SealUnwrapInput *input);

    /* (nullable) Whether unwrap() with `key`, which find() returned, will ask a person: where a
     * message can be opened with several keys, those go first that ask nobody. Does not block. */
    gboolean (*asks)(const SealUnwrapper *unwrapper, const char *key);
};

/* Whether unwrap() with `key` will ask a person, as far as is known. */
static inline gboolean
seal_unwrapper_asks(const SealUnwrapper *unwrapper, const char *key)
{
    return unwrapper->asks && unwrapper->asks(unwrapper, key);
}
