/* Encrypting a mail to certificates. To sign and encrypt, hand the draft of seal_draft_sign() to
 * seal_draft_encrypt(): the signature is then inside. */
#pragma once

#include "smime/cipher.h"
#include "smime/draft.h"
#include "smime/headers.h"

#include <glib.h>

#define SEAL_RECIPIENTS_MAX 1000

typedef struct {
    SealContentCipher cipher;
    gboolean oaep;       /* RSAES-OAEP with SHA-256 for RSA recipients, else PKCS#1 v1.5 */
    SealHeaders headers; /* whether the fields are copied inside, and which are hidden; OUTSIDE
                          * where they are already (a mail that was signed before) */
} SealEncryptOptions;

/* Encrypts a mail.
 *
 * `draft`: (transfer full, also on failure) the mail. `recipients`: (element-type GBytes) DER
 * certificates, 1 to SEAL_RECIPIENTS_MAX, RSA, EC (ECDH with the SHA-256 KDF and AES key wrap) or
 * X25519 (with HKDF of SHA-256). Their paths are not judged here (pki/trust.h), only that they are
 * for encryption and not weak. `options`: (nullable) all defaults.
 *
 * Returns (transfer full) a draft of the encrypted mail: fields but Content-* stay outside,
 * readable unless `options` say otherwise. Errors: INVALID_INPUT (not a certificate; the mail's
 * file was changed meanwhile), KEY_USAGE (a certificate that is not for encryption), NOT_SUPPORTED
 * (kind of key), LIMIT_EXCEEDED; each names the certificate. Does not block. */
SealDraft *seal_draft_encrypt(SealDraft *draft, GPtrArray *recipients,
                              const SealEncryptOptions *options, GError **error);

/* The same in memory: `mail` as for seal_mail_sign(), whose errors about a mail are added. */
GBytes *seal_mail_encrypt(GBytes *mail, GPtrArray *recipients, const SealEncryptOptions *options,
                          GError **error);

/* The same for `content` as it stands, at most SEAL_MAIL_MAX bytes: returns (transfer full) the DER
 * of a ContentInfo with EnvelopedData or AuthEnvelopedData. */
GBytes *seal_cms_encrypt(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                         GError **error);
