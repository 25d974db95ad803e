/* Small questions to one X.509 certificate. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

/* Reads one DER certificate; `what` names it in the message. Returns (transfer full), or NULL with
 * INVALID_INPUT if it is none or something follows it. */
X509 *seal_certificate_read(GBytes *der, const char *what, GError **error);

/* The largest file of certificates that is read; the bundle of a distribution has 200 KB. */
#define SEAL_CERTIFICATE_FILE_MAX ((gsize)16 * 1024 * 1024)

/* Reads PEM with any number of certificates (other blocks are passed over), or one in DER; `name`
 * stands for the file in messages. Returns (transfer full) (element-type X509) at least one, or
 * NULL with INVALID_INPUT if there is none or any of them is damaged, LIMIT_EXCEEDED if there are
 * more than SEAL_CERTIFICATE_FILE_MAX bytes. */
GPtrArray *seal_certificates_read(GBytes *data, const char *name, GError **error);

/* The same where each must be a CA's, which INVALID_INPUT says too: one that may not issue
 * certificates can vouch for itself only, which makes it no anchor. */
GPtrArray *seal_authorities_read(GBytes *data, const char *name, GError **error);

/* Returns (transfer full) its DER. */
GBytes *seal_certificate_der(const X509 *certificate);

/* Returns (transfer full) the subject as RFC 2253 text in UTF-8, control characters escaped;
 * "(no name)" for an empty one. */
char *seal_certificate_subject(const X509 *certificate);

/* The same of its issuer. */
char *seal_certificate_issuer(const X509 *certificate);

/* Returns (transfer full) (element-type utf8) the common names of its subject; one that has a NUL
 * or cannot be read is "". */
GPtrArray *seal_certificate_common_names(const X509 *certificate);

/* Returns (transfer full) the SHA-256 of its DER as 64 lower-case hexadecimal digits. */
char *seal_certificate_fingerprint(const X509 *certificate);

/* Returns (transfer full) its key in a word or two: "RSA 2048", "P-256", "Ed25519". */
char *seal_certificate_key_text(const X509 *certificate);

/* Sets the first and the last second of its validity, since 1970. FALSE if they cannot be read. */
gboolean seal_certificate_validity(const X509 *certificate, gint64 *ret_from, gint64 *ret_until);

/* TRUE if it may issue certificates: version 3, CA:TRUE in its basic constraints, and keyCertSign
 * in its key usage if it has one (RFC 5280 4.2.1.9). */
gboolean seal_certificate_is_authority(X509 *certificate);

/* TRUE if its key usage says so; FALSE without the extension. `bits`: one or more of KU_... of
 * openssl/x509v3.h, of which one suffices. */
gboolean seal_certificate_has_usage(X509 *certificate, guint32 bits);

/* TRUE if its extended key usage has emailProtection or anyExtendedKeyUsage; `otherwise` where it
 * has no such extension. */
gboolean seal_certificate_is_for_mail(X509 *certificate, gboolean otherwise);

/* The same for bytes that are no mail, such as a commit: codeSigning will do as well. */
gboolean seal_certificate_is_for_data(X509 *certificate, gboolean otherwise);

/* TRUE if its public key is not one to rely on (pki/strength.h). */
gboolean seal_certificate_is_weak(const X509 *certificate);
