/* One revocation list that a certificate names, and what it says of the certificate. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include "pki/answer.h"

/* The largest that is read; the longest public ones are some 10 MB. */
#define SEAL_CRL_MAX ((gsize)16 * 1024 * 1024)

/* Returns (transfer full) (element-type utf8) the http and https URLs of its CRL distribution
 * points (RFC 5280 4.2.1.13), at most four; lists for some reasons only or of other issuers are
 * left out. */
GPtrArray *seal_crl_urls(X509 *certificate);

/* NULL, or (static) the clause why `list` is never used, whatever it says: it is a delta or an
 * indirect one, has no end, or is signed by MD5 or SHA-1. */
const char *seal_crl_problem(const X509_CRL *list);

/* Judges by the list `bytes` (DER or PEM) whether `certificate`, which `issuer` has issued, is
 * revoked at time `at`. TRUE with "good" or "revoked" in `ret_answer`; FALSE with "none" and the
 * reason if the list is not a current, complete one of this issuer's. An old one can still revoke
 * for good. */
gboolean seal_crl_judge(GBytes *bytes, X509 *certificate, X509 *issuer, gint64 at,
                        SealAnswer *ret_answer);
