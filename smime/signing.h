/* What sign.c offers to the drafts of signed mail: signers, checked beforehand, and the SignedData
 * over a content of which only the digests are known. */
#pragma once

#include "smime/digests.h"
#include "smime/sign.h"

/* Checks each signer's certificate against `options`, and asks for their digests in `digests`.
 * Returns (transfer full), or NULL with an error as seal_draft_sign(). */
GArray *seal_signing_prepare(const SealSigner *const *signers, guint n_signers,
                             const SealSignOptions *options, SealDigests *digests, GError **error);

/* Asks each signer. `mark`: (nullable) what stands for the content of an opaque message
 * (SEAL_DER_MARK_LEN bytes). `signing_time`: seconds since 1970, 0: now. Returns (transfer full)
 * the DER, or NULL with an error. Blocks as long as the signers do. */
GBytes *seal_signing_write(const GArray *prepared, const SealDigests *digests, const uint8_t *mark,
                           gint64 signing_time, GError **error);
