/* Whether a certificate can be believed: anchors and CRLs in, one verdict on one path out. Files
 * only; nothing here touches the network. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* What is asked of CRLs (the option --revocation). */
typedef enum {
    SEAL_REVOCATION_PREFER,     /* a CRL that is there is used; without one: good, "not-checked" */
    SEAL_REVOCATION_REQUIRE,    /* without a current CRL of each issuer: revocation-unknown */
    SEAL_REVOCATION_CACHE_ONLY, /* as prefer; never the network */
    SEAL_REVOCATION_OFF,        /* CRLs are not looked at */
} SealRevocation;

/* Their words, ended by NULL; the index is the mode. */
extern const char *const seal_revocation_words[];

/* Returns TRUE and sets *ret_mode for "require", "prefer", "cache-only" and "off"; else FALSE with
 * INVALID_INPUT that names the four. */
gboolean seal_revocation_parse(const char *word, SealRevocation *ret_mode, GError **error);

typedef enum {
    SEAL_CHAIN_GOOD,
    SEAL_CHAIN_UNTRUSTED,
    SEAL_CHAIN_INCOMPLETE,
    SEAL_CHAIN_EXPIRED,
    SEAL_CHAIN_NOT_YET_VALID,
    SEAL_CHAIN_REVOKED,
    SEAL_CHAIN_REVOCATION_UNKNOWN,
    SEAL_CHAIN_WRONG_USAGE,
    SEAL_CHAIN_WEAK_ALGORITHM,
    SEAL_CHAIN_MALFORMED, /* a certificate in it cannot be read or breaks RFC 5280 */
} SealChainState;

/* Returns "good" or the verdict word, e.g. "incomplete-chain". Static. */
const char *seal_chain_word(SealChainState state);

/* What a certificate is used for here. */
typedef enum {
    SEAL_PURPOSE_SIGN_MAIL,    /* emailProtection; digitalSignature or nonRepudiation */
    SEAL_PURPOSE_ENCRYPT_MAIL, /* emailProtection; keyEncipherment (RSA) or keyAgreement (EC) */
    SEAL_PURPOSE_SIGN_DATA,    /* bytes that are no mail, such as a commit: emailProtection or
                                * codeSigning; digitalSignature or nonRepudiation. RFC 8550 wants mail
                                * to be named; here a certificate that names no use at all will do
                                * (RFC 5280 4.2.1.12) */
} SealCertificatePurpose;

typedef struct {
    SealChainState state;
    const char *revocation; /* "good", "revoked", "unknown", "not-checked" */
    char *reason;           /* (nullable) one sentence with the certificate it is about */
} SealChainResult;

/* Frees what is in `result`, not `result` itself; once or twice. */
void seal_chain_result_clear(SealChainResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealChainResult, seal_chain_result_clear)

typedef struct SealTrust SealTrust;

/* Returns a new (transfer full) trust without anchors, with SEAL_REVOCATION_PREFER. */
SealTrust *seal_trust_new(void);
void seal_trust_free(SealTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTrust, seal_trust_free)

/* Sets what is asked of CRLs from now on. */
void seal_trust_set_revocation(SealTrust *trust, SealRevocation mode);

/* Adds one anchor, a CA certificate. */
void seal_trust_add_anchor(SealTrust *trust, X509 *anchor);

/* Adds the anchors in a file: PEM with any number of certificates, or one in DER. FALSE with
 * a G_FILE_ERROR (it cannot be read), INVALID_INPUT (no certificate in it, or one that is no CA's)
 * or LIMIT_EXCEEDED (over 16 MiB), naming the file; none of it is added then. Blocks on the disk.
 */
gboolean seal_trust_add_anchor_file(SealTrust *trust, const char *path, GError **error);
/* The same for CRLs; those before the mistake may have been added. Whether one is current and of
 * the right issuer is judged with the path. */
gboolean seal_trust_add_crl_file(SealTrust *trust, const char *path, GError **error);
/* The same from memory; `name` stands for the file in messages. */
gboolean seal_trust_add_anchors(SealTrust *trust, GBytes *data, const char *name, GError **error);
gboolean seal_trust_add_crls(SealTrust *trust, GBytes *data, const char *name, GError **error);

/* Judges `leaf` at time `at` (seconds since 1970) for `purpose`, with `untrusted` (nullable,
 * STACK_OF(X509)) to build the path from. `ret_result` is filled in any case; clear it with
 * seal_chain_result_clear(). Of several defects the one that comes first in SealChainState is
 * the verdict. Does not block. */
void seal_trust_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted,
                      SealCertificatePurpose purpose, gint64 at, SealChainResult *ret_result);
