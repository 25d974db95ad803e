/* From a shared secret to a session key: the KDFs of CMS key agreement and AES key wrap. */
#pragma once

#include <glib.h>

#include "base/bytes.h"
#include "pkcs11/core/mechanism.h"

/* ANSI X9.63 KDF (SEC 1 3.6.1). Writes `len` bytes. FALSE only if OpenSSL fails. */
gboolean seal_derive_x963(SealHash hash, SealBytes shared_secret, SealBytes shared_info,
                          guint8 *out, gsize len);

/* HKDF (RFC 5869) as RFC 8418 2.2 uses it: `salt` is the ukm, empty if there is none. */
gboolean seal_derive_hkdf(SealHash hash, SealBytes shared_secret, SealBytes salt,
                          SealBytes shared_info, guint8 *out, gsize len);

/* AES key unwrap (RFC 3394). `key_len`: 16, 24 or 32. Writes wrapped.len - 8 bytes, `room` at most.
 * FALSE if the integrity check fails or a length is impossible. */
gboolean seal_aes_unwrap(const guint8 *key, gsize key_len, SealBytes wrapped, guint8 *out,
                         gsize room, gsize *ret_len);
