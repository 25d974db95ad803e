/* Signing a mail: multipart/signed, or opaque; and signing bytes that are no mail. */
#pragma once

#include "smime/draft.h"
#include "smime/headers.h"
#include "smime/signer.h"

#include <glib.h>

/* A mail may have at most this many bytes, whether made or read: 256 MiB keep a program on a
 * desktop alive, and no mail server takes more. LIMIT_EXCEEDED beyond. */
#define SEAL_MAIL_MAX ((gsize)256 * 1024 * 1024)

typedef struct {
    gboolean opaque;     /* application/pkcs7-mime; smime-type=signed-data, else multipart/signed */
    gboolean pss;        /* RSASSA-PSS for an RSA key, else PKCS#1 v1.5; nothing for others */
    const char *hash;    /* (nullable) "sha256", "sha384" or "sha512"; NULL: that of the key */
    gint64 signing_time; /* seconds since 1970, 0: now */
    SealHeaders headers; /* whether the other fields are copied into the signed part; SHOWN or
                          * HIDDEN is for what gets encrypted afterwards (RFC 9788) */
} SealSignOptions;

/* Signatures that one message may carry. */
#define SEAL_MAIL_SIGNERS_MAX 16

/* Signs a mail.
 *
 * `draft`: (transfer full, also on failure) the mail, made with SEAL_TRANSFER_7BIT unless it is
 * opaque. Its Content-* fields and its body go into the signed part, its other fields stay outside
 * and are copied inside if `options` say so.
 * `signers`: 1 to SEAL_MAIL_SIGNERS_MAX, whose signatures stand side by side. Each certificate is
 * checked before the first is asked, each is asked once, and one that fails leaves nothing signed.
 * `options`: (nullable) all defaults.
 *
 * The hash of a key is SHA-256, or SHA-384 and SHA-512 for a P-384 and a P-521 key; for Ed25519 it
 * is SHA-512, and there is no other (RFC 8419 2.3). Signed attributes: content-type,
 * message-digest, signing-time, smimeCapabilities, signingCertificateV2, and
 * SMIMEEncryptionKeyPreference where the signer names another certificate for encryption. The
 * certificates and the chain but the root go along.
 *
 * Returns (transfer full) a draft of the signed mail. Errors: INVALID_INPUT (a signature that does
 * not verify under the certificate; the mail's file was changed meanwhile), NOT_SUPPORTED (kind of
 * key, hash), LIMIT_EXCEEDED, KEY_USAGE (the certificate is not for signatures), and those of
 * signer->sign(). Blocks as long as signer->sign(). */
SealDraft *seal_draft_sign(SealDraft *draft, const SealSigner *const *signers, guint n_signers,
                           const SealSignOptions *options, GError **error);

/* The same in memory, with one signer or more.
 *
 * `mail`: a complete mail (RFC 5322), lines ending in CRLF or LF. Content-* fields and body are
 * signed as they stand, but for line ends, which become CRLF (RFC 8551 3.1), and for parts that
 * would not survive the way: those that are binary, and in multipart/signed all that is not plain
 * lines of ASCII (smime/transfer.h).
 *
 * Returns (transfer full) the signed mail with CRLF line ends. Errors as above, and INVALID_INPUT
 * if it is no mail, or a binary part in it is signed already. */
GBytes *seal_mail_sign(GBytes *mail, const SealSigner *signer, const SealSignOptions *options,
                       GError **error);
GBytes *seal_mail_sign_all(GBytes *mail, const SealSigner *const *signers, guint n_signers,
                           const SealSignOptions *options, GError **error);

/* Signs `content`, exactly these bytes, whatever they are; nothing is made canonical. `signer`,
 * `options` (of which `opaque` is not looked at), hash, attributes and certificates as above.
 *
 * Returns (transfer full) the DER of a CMS SignedData without the content. Errors as above, but for
 * those about a mail. */
GBytes *seal_detached_sign(GBytes *content, const SealSigner *signer,
                           const SealSignOptions *options, GError **error);
