/* Whether a certificate can be believed: anchors and CRLs in, one verdict on the best path out.
 * Nothing here touches the network by itself: it has to be given a fetcher or SealOnline. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include "pki/fetch.h"
#include "pki/level.h"
#include "pki/online.h"
#include "pki/usage.h"

/* What is asked about revocation (the option --revocation). */
typedef enum {
    SEAL_REVOCATION_PREFER,     /* every answer that is to be had; without one: "not-checked" */
    SEAL_REVOCATION_REQUIRE,    /* without an answer about each certificate: revocation-unknown */
    SEAL_REVOCATION_CACHE_ONLY, /* as prefer; never the network */
    SEAL_REVOCATION_OFF,        /* nobody is asked, CRLs are not looked at */
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
    SEAL_CHAIN_MALFORMED,           /* a certificate in it cannot be read or breaks RFC 5280 */
    SEAL_CHAIN_POLICY_INCONSISTENT, /* the leaf's validation level contradicts its subject */
} SealChainState;

/* Returns "good" or the verdict word, e.g. "incomplete-chain". Static. */
const char *seal_chain_word(SealChainState state);

typedef struct {
    SealChainState state;
    const char *revocation;  /* "good", "revoked", "unknown", "not-checked" */
    char *reason;            /* (nullable) one sentence with the certificate it is about */
    char *revocation_detail; /* (nullable) for "not-checked": of which certificate, and why */
    SealLevel level;         /* as its policy says, if the path allows that policy */
    SealGeneration generation;
} SealChainResult;

/* Frees what is in `result`, not `result` itself; once or twice. */
void seal_chain_result_clear(SealChainResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealChainResult, seal_chain_result_clear)

typedef struct SealTrust SealTrust;

/* Returns a new (transfer full) trust without anchors, with SEAL_REVOCATION_PREFER. */
SealTrust *seal_trust_new(void);
void seal_trust_free(SealTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTrust, seal_trust_free)

/* Sets what is asked about revocation from now on. */
void seal_trust_set_revocation(SealTrust *trust, SealRevocation mode);

/* Sets the least validation level of signers of mail; SEAL_LEVEL_UNKNOWN, the default: any. */
void seal_trust_set_minimum_level(SealTrust *trust, SealLevel minimum);
/* Lets missing issuers be fetched by `fetcher` (nullable, the default: not at all), which must
 * outlive the trust. */
void seal_trust_set_fetcher(SealTrust *trust, const SealFetcher *fetcher);

/* TRUE if there is at least one anchor. */
gboolean seal_trust_has_anchors(const SealTrust *trust);

/* Lets certificates that no CRL of the trust clears be asked about by `online` (transfer full)
 * (nullable, the default: not at all). */
void seal_trust_take_online(SealTrust *trust, SealOnline *online);

/* Adds one anchor, a CA certificate. */
void seal_trust_add_anchor(SealTrust *trust, X509 *anchor);

/* Adds the anchors in a file: PEM with any number of certificates, or one in DER. FALSE with
 * a G_FILE_ERROR (it cannot be read), INVALID_INPUT (no certificate in it, or one that is no CA's)
 * or LIMIT_EXCEEDED (over 16 MiB), naming the file; none of it is added then. Blocks on the disk.
 */
gboolean seal_trust_add_anchor_file(SealTrust *trust, const char *path, GError **error);
/* The same for CRLs; those before the mistake may have been added. Delta and indirect ones, those
 * without an end or signed by MD5 or SHA-1 are mistakes. Whether one is current and of the right
 * issuer is judged with the path. */
gboolean seal_trust_add_crl_file(SealTrust *trust, const char *path, GError **error);
/* The same from memory; `name` stands for the file in messages. */
gboolean seal_trust_add_anchors(SealTrust *trust, GBytes *data, const char *name, GError **error);
gboolean seal_trust_add_crls(SealTrust *trust, GBytes *data, const char *name, GError **error);

/* Judges `leaf` at time `at` (seconds since 1970) for `purpose`, with `untrusted` (nullable,
 * STACK_OF(X509)) to build paths from. Where several lead to anchors the first good one counts;
 * what is tried is bounded, whatever the certificates say of each other. `ret_result` is filled in
 * any case; clear it with seal_chain_result_clear(). Of several defects of a path the one that
 * comes first in SealChainState is the verdict. Blocks as long as those that are asked online. */
void seal_trust_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted,
                      SealCertificatePurpose purpose, gint64 at, SealChainResult *ret_result);
