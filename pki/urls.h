/* The places on the network that a certificate names. */
#pragma once

#include <glib.h>
#include <openssl/x509v3.h>

/* Adds `name`, if it is an http URL (or https, where `with_tls`) of printable ASCII and at most
 * 2,048 bytes, to `urls` (element-type utf8), which takes four at most. */
void seal_urls_add(GPtrArray *urls, const GENERAL_NAME *name, gboolean with_tls);

/* Returns (transfer full) (element-type utf8) those in its Authority Information Access (RFC 5280
 * 4.2.2.1) for `method`: NID_ad_OCSP or NID_ad_ca_issuers. */
GPtrArray *seal_urls_of_access(X509 *certificate, int method, gboolean with_tls);
