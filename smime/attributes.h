/* The signed attributes of a mail's signer (RFC 5652 11, RFC 8551 2.5, RFC 5035): made and read. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns (transfer full) content-type (data), message-digest, signing-time (seconds since 1970),
 * smimeCapabilities and signingCertificateV2 of `certificate`, sorted as DER asks. `encryption`:
 * (nullable) the certificate that SMIMEEncryptionKeyPreference names (RFC 8551 2.5.3). */
STACK_OF(X509_ATTRIBUTE) *seal_attributes_new(GBytes *digest, X509 *certificate, X509 *encryption,
                                              gint64 signing_time);

/* How often and with what value an attribute stands in `attributes` (nullable). Exactly once with
 * exactly one value: *ret_value (transfer none) is set. */
typedef enum {
    SEAL_ATTRIBUTE_ONCE,
    SEAL_ATTRIBUTE_ABSENT,
    SEAL_ATTRIBUTE_WRONG
} SealAttributeState;
SealAttributeState seal_attribute_find(const STACK_OF(X509_ATTRIBUTE) *attributes, int nid,
                                       const ASN1_TYPE **ret_value);

/* The signing-time as seconds since 1970; G_MININT64 if there is none that can be read. */
gint64 seal_attribute_signing_time(const STACK_OF(X509_ATTRIBUTE) *attributes);

/* WRONG if a signingCertificate or signingCertificateV2 attribute names another certificate than
 * `certificate` first; ABSENT if there is neither. */
SealAttributeState seal_attribute_names_certificate(const STACK_OF(X509_ATTRIBUTE) *attributes,
                                                    X509 *certificate);
