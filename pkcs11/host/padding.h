/* RSA padding that is made or taken off here, in front of CKM_RSA_X_509 (RFC 8017). Taking off runs
 * in constant time: neither time nor memory accesses tell whether, where or why it failed. */
#pragma once

#include <glib.h>

#include "base/bytes.h"
#include "pkcs11/core/mechanism.h"

#define SEAL_DIGEST_INFO_MAX 96u

/* OpenSSL's digest of a hash; NULL for NONE. */
const struct evp_md_st *seal_hash_digest(SealHash hash);

/* Writes the DER DigestInfo (RFC 8017 9.2) of SHA-256, SHA-384 or SHA-512. Returns its length, 0
 * for another hash. */
gsize seal_digest_info(SealHash hash, const guint8 *digest, guint8 out[SEAL_DIGEST_INFO_MAX]);

/* EMSA-PKCS1-v1_5: 00 01 FF.. 00 `content` in `len` bytes. FALSE if it does not fit. */
gboolean seal_pkcs1_pad(const guint8 *content, gsize content_len, guint8 *block, gsize len);

/* EMSA-PSS (RFC 8017 9.1.1) with MGF1 over the same hash and a random salt: fills `len` bytes, the
 * modulus' length. FALSE if hash and salt do not fit or there is no randomness. */
gboolean seal_pss_pad(SealHash hash, const guint8 *digest, gsize salt_len, unsigned modulus_bits,
                      guint8 *block, gsize len);

/* EME-OAEP decoding (RFC 8017 7.1.2). `block` (of `len` bytes, the decrypted representative) is
 * overwritten; the message stands at its front. Returns FALSE for every failure alike. */
gboolean seal_oaep_unpad(SealHash hash, SealHash mgf_hash, SealBytes label, guint8 *block,
                         gsize len, gsize *ret_len);

/* The key of the rejection: an HMAC-SHA256 under `secret` over the hash of the public key and the
 * ciphertext. FALSE only if OpenSSL fails. */
gboolean seal_rejection_key(const guint8 secret[32], const guint8 public_key_hash[32],
                            SealBytes ciphertext, guint8 ret_key[32]);

/* EME-PKCS1-v1_5 decoding with implicit rejection. `block` (of `len` bytes) is overwritten; at its
 * front stands the message, or a pseudo-random one that `rejection_key` determines. `expected_len`:
 * bytes of the right message (at most len - 11; any other counts as a failure), 0 if not known.
 * `usable`: FALSE if `block` is no decryption at all (the token refused): rejects. FALSE only if
 * OpenSSL fails. */
gboolean seal_pkcs1_unpad(const guint8 rejection_key[32], gsize expected_len, gboolean usable,
                          guint8 *block, gsize len, gsize *ret_len);
