/* What each key can be used for, and what stands in the way: for people who look, and for programs. */
#pragma once

#include "ipc/client/privyseal.h"

/* Bits. */
typedef enum {
    SEAL_USE_SIGN_MAIL = 1 << 0,
    SEAL_USE_DECRYPT_MAIL = 1 << 1,
    SEAL_USE_DECRYPT_OLD_MAIL = 1 << 2, /* nobody should encrypt to it any more */
    SEAL_USE_LOG_IN = 1 << 3,           /* at servers and the desktop, by its certificate */
    SEAL_USE_PROGRAMS = 1 << 4,         /* that need no certificate, such as ssh */
} SealKeyUse;

/* Bits. */
typedef enum {
    SEAL_LIMIT_REVOKED = 1 << 0,
    SEAL_LIMIT_EXPIRED = 1 << 1,
    SEAL_LIMIT_NOT_YET_VALID = 1 << 2,
    SEAL_LIMIT_NO_CERTIFICATE = 1 << 3,
    SEAL_LIMIT_NOT_FOR_MAIL = 1 << 4, /* by its certificate's extended key usage */
    SEAL_LIMIT_KEY_USAGE = 1 << 5,    /* ... key usage, which forbids what the key could do */
    SEAL_LIMIT_NO_ADDRESS = 1 << 6,   /* it signs mail, but no address finds it */
    SEAL_LIMIT_RETIRED = 1 << 7,      /* PIV's places for keys that were replaced */
    SEAL_LIMIT_PIN_EACH_TIME = 1 << 8,
    SEAL_LIMIT_ABSENT = 1 << 9, /* its token is */
    SEAL_LIMIT_FAULT = 1 << 10, /* its signatures are another key's */
} SealKeyLimit;

typedef struct {
    guint uses, limits;
    gint64 expired, valid_from; /* seconds since 1970, of the certificate that is meant */
} SealKeyUses;

/* Which certificates are known to be revoked: by the lists and answers that are on this machine, for CAs
 * that are trusted here. */
typedef struct SealKnownRevocations SealKnownRevocations;

/* (transfer full), NULL if there is nothing to judge by. What cannot be read is added to `warnings`
 * (element-type utf8). `objects` has the issuers. Blocks on the disk. */
SealKnownRevocations *seal_known_revocations_new(const SealClientObjects *objects,
                                                 GPtrArray *warnings);
/* NULL is allowed. */
void seal_known_revocations_free(SealKnownRevocations *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealKnownRevocations, seal_known_revocations_free)

/* What the certificates of `key` say of it now. `revocations`: (nullable). */
SealKeyUses seal_key_uses_find(const SealClientObjects *objects, const SealClientKey *key,
                               const SealKnownRevocations *revocations);

/* "sign mail, log in", or "nothing"; "expired 2026-01-31, PIN each time", or "" (transfer full). */
char *seal_key_uses_text(const SealKeyUses *uses);
char *seal_key_limits_text(const SealKeyUses *uses);

/* Their words for programs, "sign-mail" and "no-certificate" (transfer full), each with what
 * seal_key_limits_text() says of it in `ret_texts`. */
char **seal_key_uses_words(const SealKeyUses *uses);
char **seal_key_limits_words(const SealKeyUses *uses, char ***ret_texts);
