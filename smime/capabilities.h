/* What a mail program can read, as its signed mail states it: SMIMECapabilities (RFC 8551 2.5.2).
 */
#pragma once

#include "smime/cipher.h"

#include <glib.h>

typedef struct {
    guint ciphers;   /* bit 1 << SealContentCipher for each that is stated */
    gboolean oaep;   /* RSAES-OAEP with SHA-256 (RFC 3560 5), which is what we write */
    gboolean ecdh;   /* ECDH with the SHA-256 KDF (RFC 5753 7) */
    gboolean x25519; /* X25519 with the HKDF of SHA-256 (RFC 8418) */
} SealCapabilities;

/* Returns (transfer full) the DER of ours: what is read here, strongest first, ciphers before key
 * encryption. */
GBytes *seal_capabilities_own(void);

/* Reads the DER of somebody's SMIMECapabilities; what is not known here is passed over. FALSE if it
 * is malformed; *ret_capabilities is untouched then. */
gboolean seal_capabilities_read(GBytes *der, SealCapabilities *ret_capabilities);

/* TRUE if `cipher` is among those that are stated. */
gboolean seal_capabilities_has_cipher(const SealCapabilities *capabilities,
                                      SealContentCipher cipher);
