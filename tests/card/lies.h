/* Data objects of certificates as no honest card has them. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

typedef enum {
    SEAL_LIE_NONE,
    SEAL_LIE_ZIPPED, /* as it may be (SP 800-73-4 part 1, table 10: bit 1 of CertInfo) */
    /* bytes of the certificate */
    SEAL_LIE_RANDOM,
    SEAL_LIE_HALF,
    SEAL_LIE_EMPTY,
    SEAL_LIE_TRAILING, /* others after it */
    SEAL_LIE_64_KIB,   /* as many after it */
    SEAL_LIE_NAME,     /* its subject is no text */
    /* compression */
    SEAL_LIE_CALLED_ZIPPED,
    SEAL_LIE_CALLED_PLAIN,
    SEAL_LIE_ZIPPED_HALF,
    SEAL_LIE_BOMB, /* 64 MiB of zeroes */
    /* the length that stands before the certificate */
    SEAL_LIE_LENGTH_BEYOND,
    SEAL_LIE_LENGTH_HUGE, /* 2^32-1 */
    SEAL_LIE_LENGTH_INDEFINITE,
    /* ... before the whole object */
    SEAL_LIE_OUTER_BEYOND,
    SEAL_LIE_OUTER_HUGE,
    SEAL_LIE_OUTER_INDEFINITE,
} SealLie;

/* Makes a key and, as the file `NAME.pem` in `folder`, its PEM (transfer full): "RSA-1024",
 * "P-384". */
EVP_PKEY *seal_lie_key_new(const char *folder, const char *name, const char *kind);

/* Makes, as the file `NAME.object` in `folder`, the data object of a certificate for signing with
 * CN=`subject` that `key` has signed for itself, spoiled by `lie`. Returns the lines of a card's
 * description (contents.h) that put it there for the retired key number `at` (from 1), which is the
 * file `NAME.pem` (transfer full). */
char *seal_lie_describe(const char *folder, const char *name, const char *subject, EVP_PKEY *key,
                        SealLie lie, guint at);
