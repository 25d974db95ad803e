/* One question to an OCSP responder, and what its answer is worth (RFC 6960, profile of RFC 5019).
 */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include "pki/answer.h"

/* The largest response that is read; real ones have 0.5 to 5 KiB. */
#define SEAL_OCSP_MAX ((gsize)64 * 1024)

typedef struct SealOcsp SealOcsp;

/* Returns a new (transfer full) question: is `certificate`, issued by `issuer`, revoked? It has a
 * fresh nonce (RFC 8954). NULL if they cannot be named. */
SealOcsp *seal_ocsp_new(X509 *certificate, X509 *issuer);
void seal_ocsp_free(SealOcsp *ocsp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealOcsp, seal_ocsp_free)

/* The DER of the request (transfer full); its media type is "application/ocsp-request". */
GBytes *seal_ocsp_request(const SealOcsp *ocsp);

/* The question without the nonce as text (transfer full): one for each certificate. */
char *seal_ocsp_name(const SealOcsp *ocsp);

/* How to find out whether the certificate of a responder, which names no "nocheck", is revoked.
 * Returns TRUE if it is known not to be. */
typedef gboolean (*SealResponderCheck)(gpointer data, X509 *responder);

typedef struct {
    gint64 at;         /* seconds since 1970 */
    gboolean is_fresh; /* just fetched: a nonce in it must be ours; else it is from a cache */
    SealResponderCheck check; /* (nullable) without: such a responder is not believed */
    gpointer data;
} SealOcspJudging;

/* Judges the response `bytes`. TRUE with "good", "revoked" or "unknown" in `ret_answer`; FALSE with
 * "none" and the reason if the response cannot be used: an error, signed by somebody who has no
 * right to, about others, out of date (unless it revokes for good), with another nonce. */
gboolean seal_ocsp_judge(const SealOcsp *ocsp, GBytes *bytes, const SealOcspJudging *how,
                         SealAnswer *ret_answer);
