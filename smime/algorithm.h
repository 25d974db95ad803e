/* AlgorithmIdentifiers of signatures: read strictly, named, and made. */
#pragma once

#include "base/bytes.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* One hash of a signature. */
typedef struct {
    const char *name;   /* "sha256", as in Key.Sign */
    const char *micalg; /* "sha-256" (RFC 8551 3.5.3.2) */
    int nid;
    gboolean weak; /* collisions can be had */
} SealHash;

/* Returns (static) the hash of an AlgorithmIdentifier, by object identifier, or by name; NULL for
 * one that is unknown or, for the first, has parameters other than NULL (SHAKE256: 512 bits). */
const SealHash *seal_hash_of(const X509_ALGOR *algorithm);
const SealHash *seal_hash_by_nid(int nid);
const SealHash *seal_hash_by_name(const char *name);
/* Digests `message` into EVP_MAX_MD_SIZE bytes at `ret_digest`; returns how many of them are used,
 * 0 if OpenSSL could not. */
gsize seal_hash_digest(const SealHash *hash, SealBytes message, unsigned char *ret_digest);
/* Sets `algorithm` to the hash, without parameters (RFC 5754 2). */
void seal_hash_write(const SealHash *hash, X509_ALGOR *algorithm);

/* Returns (transfer full) the AlgorithmIdentifiers of RFC 4055 for a hash inside of the parameters
 * of PSS and OAEP, and of MGF1 with that hash. */
X509_ALGOR *seal_hash_algorithm_new(const SealHash *hash);
X509_ALGOR *seal_mgf1_new(const SealHash *hash);

typedef enum {
    SEAL_SCHEME_RSA_PKCS1,
    SEAL_SCHEME_RSA_PSS,
    SEAL_SCHEME_ECDSA,
    SEAL_SCHEME_ED25519,
    SEAL_SCHEME_ED448, /* read, not made */
} SealSchemeKind;

/* How a signature is made of a message. */
typedef struct {
    SealSchemeKind kind;
    const SealHash *hash;      /* of the message; by rule SHA-512 for Ed25519, SHAKE256 for Ed448 */
    const SealHash *mgf1_hash; /* PSS */
    int salt_len;              /* PSS, bytes */
} SealScheme;

/* Returns (static) the mechanism's name of Key.Sign, e.g. "rsa-pss". */
const char *seal_scheme_name(SealSchemeKind kind);

typedef enum { SEAL_SCHEME_FINE, SEAL_SCHEME_UNKNOWN, SEAL_SCHEME_WRONG } SealSchemeState;

/* Reads the signatureAlgorithm of a signer whose digestAlgorithm is `hash`. UNKNOWN: another
 * algorithm; WRONG: parameters that its RFC forbids, or another hash than `hash`. */
SealSchemeState seal_scheme_read(const X509_ALGOR *algorithm, const SealHash *hash,
                                 SealScheme *ret_scheme);
/* Sets `algorithm` to what seal_scheme_read() reads. */
void seal_scheme_write(const SealScheme *scheme, X509_ALGOR *algorithm);

/* TRUE if `signature` is one over `message` under `key`; FALSE too if the key is of another kind
 * than the scheme. */
gboolean seal_scheme_verify(const SealScheme *scheme, EVP_PKEY *key, gconstpointer message,
                            gsize message_len, gconstpointer signature, gsize signature_len);
