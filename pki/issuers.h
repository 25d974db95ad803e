/* Certificates of issuers that a mail left out: from where the certificate says they are (RFC 5280
 * 4.2.2.1, Authority Information Access). */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include "pki/fetch.h"

/* Returns (transfer full) (element-type utf8) the http URLs of caIssuers in `certificate`, at most
 * four. Others are left out: https would need a path of its own to be judged first. */
GPtrArray *seal_issuer_urls(X509 *certificate);

/* Fetches what these URLs name, one certificate in DER or PEM or a certs-only CMS message, and
 * pushes those whose subject is the issuer of `certificate` onto `certificates`. Returns how many;
 * what cannot be had or read is passed over. May block. */
guint seal_issuers_fetch(const SealFetcher *fetcher, X509 *certificate,
                         STACK_OF(X509) *certificates);
