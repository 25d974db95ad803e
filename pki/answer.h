/* What an issuer says of one of its certificates, by OCSP or by a revocation list. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

typedef enum {
    SEAL_ANSWER_NONE, /* nothing that can be used */
    SEAL_ANSWER_GOOD, /* not revoked */
    SEAL_ANSWER_REVOKED,
    SEAL_ANSWER_UNKNOWN, /* it does not know the certificate, which its own it should (RFC 6960 2.2)
                          */
} SealAnswerKind;

typedef struct {
    SealAnswerKind kind;
    char *text;       /* a clause: why there is none; or when and why it was revoked */
    gboolean is_hold; /* revoked, but the issuer may take it back (RFC 5280 5.3.1) */
} SealAnswer;

/* Frees what is in `answer`, which is "none" then. */
void seal_answer_clear(SealAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealAnswer, seal_answer_clear)

/* Makes `answer` "none" with this text, printf-like. Returns FALSE. */
gboolean seal_answer_refuse(SealAnswer *answer, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Makes it "revoked": "was revoked by its issuer on 2026-01-31 (key compromise), ...". `date`:
 * (nullable); `reason`: CRLReason of RFC 5280 5.3.1, -1 for none. Every reason counts, and so does
 * every date: who stole a key signs with any time. */
void seal_answer_revoke(SealAnswer *answer, const ASN1_TIME *date, gint64 reason);

/* The same, from the entry of a revocation list. */
void seal_answer_revoke_by_entry(SealAnswer *answer, const X509_REVOKED *entry);

/* How far clocks may be apart, in seconds. */
#define SEAL_CLOCK_SKEW_S ((gint64)5 * 60)

/* TRUE if it is "revoked" for good: then it is right however old it is. */
gboolean seal_answer_is_final(const SealAnswer *answer);

/* NULL, or (static) the clause why an answer that is good from `from` until `until` (nullable) is
 * not at time `at`; `may_be_old`: the end does not count. Without `until` it is good for an hour:
 * then there is always a newer one (RFC 6960 4.2.2.1). */
const char *seal_answer_time_problem(const ASN1_TIME *from, const ASN1_TIME *until, gint64 at,
                                     gboolean may_be_old);

/* TRUE if its signature is by MD5 or SHA-1, with which a chosen answer could borrow it. */
gboolean seal_answer_is_weak(const X509_ALGOR *algorithm);
