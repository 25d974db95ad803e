/* Which algorithms a mail is encrypted with, so that all its readers can open it, and why. */
#pragma once

#include "smime/encrypt.h"

#include <glib.h>

/* What is known of one reader. Views (transfer none). */
typedef struct {
    const char *name;     /* for people: an address, a file */
    GBytes *certificate;  /* DER */
    GBytes *capabilities; /* (nullable) DER of the SMIMECapabilities that the reader stated; without
                           * them, those in the certificate count (RFC 4262) */
} SealReaderFacts;

typedef enum {
    SEAL_OAEP_STATED, /* RSAES-OAEP where every reader states it */
    SEAL_OAEP_ALWAYS,
    SEAL_OAEP_NEVER,
} SealOaepRule;

typedef struct {
    gboolean insists; /* on `cipher`, whatever is stated */
    SealContentCipher cipher;
    SealOaepRule oaep;
} SealChoicePolicy;

/* Sets the cipher and `oaep` of `options`: the strongest that each of `n_readers` states; where
 * nothing is known of one of them, or they have nothing in common, AES-256 in CBC and PKCS#1 v1.5,
 * which every program reads. Certificates of EC and X25519 keys leave no choice of key encryption.
 *
 * Returns (transfer full) what was chosen and why, for people: "aes-256-cbc (nothing is known of
 * what bob@example.org reads), keys by rsa-pkcs1". */
char *seal_choice_make(const SealReaderFacts *readers, guint n_readers,
                       const SealChoicePolicy *policy, SealEncryptOptions *options);
