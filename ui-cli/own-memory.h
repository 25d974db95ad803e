/* Remembering which token held which certificate of one's own, to say later what old mail needs. */
#pragma once

#include "smime/unwrapper.h"
#include "ui-cli/reach.h"

/* Notes the certificates whose keys are on tokens that are present. What goes wrong is left for
 * another time: nobody asked for it, and some callers take a word on standard error for a failure.
 * Blocks on the disk. */
void seal_own_memory_note(const SealClientObjects *objects);

typedef struct SealOwnMemory SealOwnMemory;

/* Returns (transfer full) what was noted; empty where nothing can be read. Blocks on the disk. */
SealOwnMemory *seal_own_memory_new(void);
/* NULL is allowed. */
void seal_own_memory_free(SealOwnMemory *memory);

/* Returns (transfer full) (nullable) the certificate that `id` names. */
SealSeen *seal_own_memory_recall(const SealOwnMemory *memory, const SealRecipientId *id);
