/* The digests of a content that is not kept: one for each hash that a signer uses. */
#pragma once

#include "smime/algorithm.h"
#include "smime/draft.h"

#include <glib.h>

#define SEAL_DIGESTS_MAX 3 /* SHA-256, SHA-384, SHA-512: what is signed with */

typedef struct {
    guint n;
    const SealHash *hashes[SEAL_DIGESTS_MAX];
    GBytes *values[SEAL_DIGESTS_MAX]; /* once taken */
    gsize len;                        /* bytes that were digested */
} SealDigests;

/* Asks for one more digest; each hash counts once. */
void seal_digests_ask(SealDigests *digests, const SealHash *hash);

/* Makes the entity of `draft` in one pass, takes its digests, and puts it into `next` (nullable).
 * FALSE as seal_draft_put_entity(). */
gboolean seal_digests_take(SealDigests *digests, const SealDraft *draft, SealSink *next);

/* The digest (transfer none) with a hash that was asked for. */
GBytes *seal_digests_peek(const SealDigests *digests, const SealHash *hash);

/* TRUE if both have the same hashes and digests. */
gboolean seal_digests_equal(const SealDigests *a, const SealDigests *b);

/* Frees what it holds. */
void seal_digests_clear(SealDigests *digests);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealDigests, seal_digests_clear)
