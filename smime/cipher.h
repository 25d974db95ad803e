/* The ciphers that mail is encrypted with, by the names that people type. */
#pragma once

#include <glib.h>

/* No common mail client reads the authenticated ones today, so CBC comes first. */
typedef enum {
    SEAL_CONTENT_AES256_CBC, /* EnvelopedData */
    SEAL_CONTENT_AES192_CBC,
    SEAL_CONTENT_AES128_CBC,
    SEAL_CONTENT_AES128_GCM, /* AuthEnvelopedData (RFC 5084) */
    SEAL_CONTENT_AES192_GCM,
    SEAL_CONTENT_AES256_GCM,
    SEAL_CONTENT_CHACHA20_POLY1305, /* AuthEnvelopedData (RFC 8103) */
    SEAL_CONTENT_LAST = SEAL_CONTENT_CHACHA20_POLY1305,
} SealContentCipher;

/* Finds the cipher of `name`, e.g. "aes-256-gcm" or "chacha20-poly1305". FALSE if there is none. */
gboolean seal_content_cipher_from_name(const char *name, SealContentCipher *ret_cipher);

/* Returns (static) its name. */
const char *seal_content_cipher_name(SealContentCipher cipher);

/* Returns (transfer full) all names as a list for a sentence: "a, b or c". */
char *seal_content_cipher_names(void);

/* TRUE if the cipher shows tampering, and so goes into an AuthEnvelopedData. */
gboolean seal_content_cipher_is_authenticated(SealContentCipher cipher);
