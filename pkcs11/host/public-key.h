/* A public key in one normal form, wherever it was found: in a public key object, a private key
 * object or a certificate. Equal keys have equal SubjectPublicKeyInfo bytes (RSA as rsaEncryption,
 * EC as named curve with an uncompressed point), so that ids made from them agree. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

#include "base/bytes.h"
#include "pkcs11/core/mechanism.h"
#include "pkcs11/core/template.h"

#define SEAL_RSA_BITS_MIN 1024u
#define SEAL_RSA_BITS_MAX 8192u /* what scratch buffers are made for */

typedef struct {
    gatomicrefcount references;
    SealAlgorithm algorithm;
    SealCurve curve; /* EC only */
    unsigned bits;
    EVP_PKEY *key;
    GBytes *info;         /* DER SubjectPublicKeyInfo */
    guint8 info_hash[32]; /* SHA-256 of it */
} SealPublicKey;

/* Normalises OpenSSL's key (transfer none). NULL if it is of a kind, curve or size that is not
 * served; `ret_reason` (static text) says which. */
SealPublicKey *seal_public_key_from_openssl(EVP_PKEY *key, const char **ret_reason);

/* Reads the public half of a public or private key object. NULL if the object does not tell it, or
 * as above. Blocks on the token. */
SealPublicKey *seal_public_key_from_object(const SealObject *object, const char **ret_reason);

/* An EC point (uncompressed, 04 X Y) or an X25519 or Ed25519 key (32 bytes) as OpenSSL's key
 * (transfer full); NULL if it is not on the curve. `curve` is for EC only. */
EVP_PKEY *seal_public_key_decode_point(SealAlgorithm algorithm, SealCurve curve, SealBytes point);

/* TRUE if that would succeed; a twentieth of its cost. */
gboolean seal_public_key_is_point(SealAlgorithm algorithm, SealCurve curve, SealBytes point);

/* References; a key is constant. NULL may be unreferenced. */
SealPublicKey *seal_public_key_ref(SealPublicKey *key);
void seal_public_key_unref(SealPublicKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPublicKey, seal_public_key_unref)

/* TRUE if both are the same key. */
gboolean seal_public_key_equal(const SealPublicKey *a, const SealPublicKey *b);
/* Bytes of an RSA modulus. */
gsize seal_public_key_modulus_len(const SealPublicKey *key);
