/* What a certificate costs who judges it. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Bytes of a certificate in DER that are looked at; the longest real ones have some 20 KiB. */
#define SEAL_CERTIFICATE_LEN_MAX ((gsize)128 * 1024)

/* Returns NULL, or (static) a clause on why `certificate` is not looked at: it is longer than
 * SEAL_CERTIFICATE_LEN_MAX, or has more alternative names, or as a CA's more limits on names, than
 * real ones have. */
const char *seal_cost_problem(X509 *certificate);

/* Returns what it costs to verify the signature of `certificate` by the key of `issuer`: about so
 * many times 50 us, which RSA of 4096 bits takes. */
guint seal_cost_signature(const X509 *issuer, const X509 *certificate);
