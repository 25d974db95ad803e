/* The sealed box: how a session key crosses the shared bus. The host seals it to the X25519 key
 * that the caller made for this one request; only the caller's process can open it.
 *
 * box = ephemeral public key (32 bytes) || AES-256-GCM ciphertext || tag (16 bytes), where key (32
 * bytes) and nonce (12 bytes) are HKDF-SHA256 (RFC 5869) of the X25519 shared secret with an empty
 * salt and info = "privyseal unwrap 1" || ephemeral public key || caller's public key. The
 * ephemeral key is used once, so the derived nonce never meets its key again. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"

#define SEAL_BOX_KEY_LEN  32u
#define SEAL_BOX_OVERHEAD (SEAL_BOX_KEY_LEN + 16u)
#define SEAL_BOX_DATA_MAX 4096u /* a session key is 32 bytes; RSA could carry no more than 2 KiB   \
                                 */

/* Makes a fresh X25519 pair: public_key is for `seal-to`. Returns the private key (transfer full);
 * NULL with SEAL_ERROR_FAILED if there is no randomness. */
SealSecret *seal_box_key_new(uint8_t public_key[SEAL_BOX_KEY_LEN], GError **error);

/* Seals `len` bytes (at most SEAL_BOX_DATA_MAX) at `data` to `seal_to`, writes len +
 * SEAL_BOX_OVERHEAD bytes to `box`. FALSE with SEAL_ERROR_INVALID_INPUT if `seal_to` is a point
 * that gives no secret, LIMIT_EXCEEDED for too much data, FAILED if OpenSSL fails. */
gboolean seal_box_seal(const uint8_t seal_to[SEAL_BOX_KEY_LEN], const void *data, size_t len,
                       uint8_t *box, GError **error);

/* Opens `box`, which was sealed to the public half of `key`. Returns the content (transfer full);
 * NULL with SEAL_ERROR_INVALID_INPUT if it was not, or was changed. */
SealSecret *seal_box_open(const SealSecret *key, SealBytes box, GError **error);
