/* Encrypting a mail to certificates. To sign and encrypt, hand the result of seal_mail_sign() to
 * seal_mail_encrypt(): the signature is then inside. */
#pragma once

#include "smime/cipher.h"

#include <glib.h>

#define SEAL_RECIPIENTS_MAX 1000

typedef struct {
    SealContentCipher cipher;
    gboolean oaep; /* RSAES-OAEP with SHA-256 for RSA recipients, else PKCS#1 v1.5 */
} SealEncryptOptions;

/* Encrypts a mail.
 *
 * `mail`: as for seal_mail_sign(). `recipients`: (element-type GBytes) DER certificates, 1 to
 * SEAL_RECIPIENTS_MAX, RSA, EC (ECDH with the SHA-256 KDF and AES key wrap) or X25519 (with HKDF of SHA-256). Their paths are not
 * judged here (pki/trust.h), only that they are for encryption and not weak. `options`: (nullable)
 * all defaults.
 *
 * Returns (transfer full) the encrypted mail with CRLF line ends: fields but Content-* stay
 * outside, readable. Errors: INVALID_INPUT (not a mail, not a certificate), KEY_USAGE (a
 * certificate that is not for encryption), NOT_SUPPORTED (kind of key), LIMIT_EXCEEDED; each names
 * the certificate. Does not block. */
GBytes *seal_mail_encrypt(GBytes *mail, GPtrArray *recipients, const SealEncryptOptions *options,
                          GError **error);

/* The same for `content` as it stands, at most SEAL_MAIL_MAX bytes: returns (transfer full) the DER
 * of a ContentInfo with EnvelopedData or AuthEnvelopedData. */
GBytes *seal_cms_encrypt(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                         GError **error);
