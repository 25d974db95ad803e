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

/* Who insists on something, whatever is stated, is named for people: "--cipher". Static. */
typedef struct {
    SealContentCipher cipher;
    const char *cipher_by; /* (nullable) who insists on `cipher`; NULL: it is chosen */
    SealOaepRule oaep;
    const char *oaep_by; /* (nullable if SEAL_OAEP_STATED) */
} SealChoicePolicy;

/* Sets the cipher and `oaep` of `options`: the strongest that each of `n_readers` states; where
 * nothing is known of one of them, or they have nothing in common, AES-256 in CBC and PKCS#1 v1.5,
 * which every program reads. Certificates of EC and X25519 keys leave no choice of key encryption.
 *
 * Returns (transfer full) what was chosen and why, for people: "aes-256-cbc (nothing is known of
 * what bob@example.org reads), keys by rsa-pkcs1". The choice of rsa-pkcs1 or rsa-oaep has its own
 * reason where that is another. Readers who may not be able to read what somebody insists on are
 * named. */
char *seal_choice_make(const SealReaderFacts *readers, guint n_readers,
                       const SealChoicePolicy *policy, SealEncryptOptions *options);
