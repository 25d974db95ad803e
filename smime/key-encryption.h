/* One RecipientInfo to write: the content-encryption key, encrypted to one certificate. */
#pragma once

#include "base/secret.h"

#include <glib.h>
#include <openssl/asn1t.h>
#include <openssl/x509.h>

/* Encrypts `key` to the RSA key of `certificate`: PKCS#1 v1.5 or, if `oaep`, RSAES-OAEP with
 * SHA-256. Returns (transfer full) a KeyTransRecipientInfo (RFC 5652 6.2.1) as it stands among the
 * RecipientInfos, or NULL if OpenSSL cannot calculate with the certificate's key. */
ASN1_TYPE *seal_key_transport_new(X509 *certificate, const SealSecret *key, gboolean oaep);

/* The same for an EC key (RFC 5753) or an X25519 key (RFC 8418): a KeyAgreeRecipientInfo for this
 * one recipient. `key` has 16, 24 or 32 bytes. NULL also for a key of another kind. */
ASN1_TYPE *seal_key_agreement_new(X509 *certificate, const SealSecret *key);
