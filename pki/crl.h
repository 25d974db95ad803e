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

/* Judges by the list `bytes` (DER or PEM) whether `certificate`, which `issuer` has issued, is
 * revoked at time `at`. TRUE with "good" or "revoked" in `ret_answer`; FALSE with "none" and the
 * reason if the list is not a current, complete one of this issuer's. */
gboolean seal_crl_judge(GBytes *bytes, X509 *certificate, X509 *issuer, gint64 at,
                        SealAnswer *ret_answer);
