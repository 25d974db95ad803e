/* What a signer tells those who will answer: the certificate to encrypt to (RFC 8551 2.5.3) and
 * what their program can read (2.5.2). */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns (transfer none) (nullable) the one of `certificates` that mail to the owner of `signer`
 * is encrypted to: the one that SMIMEEncryptionKeyPreference names, if it came along; without that
 * attribute the newest of those for encryption that share an address with `signer`, or `signer`
 * itself if it can be encrypted to. `attributes`: (nullable) the signed ones. Its path, dates and
 * addresses are not judged. */
X509 *seal_preference_certificate(const STACK_OF(X509_ATTRIBUTE) *attributes, X509 *signer,
                                  STACK_OF(X509) *certificates);

/* Returns (transfer full) (nullable) the DER of SMIMECapabilities, if it is a SEQUENCE of at most
 * 16 KiB; what is in it is not read. */
GBytes *seal_preference_capabilities(const STACK_OF(X509_ATTRIBUTE) *attributes);
