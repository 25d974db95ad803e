/* What was read off PIV cards before, so that a known card which is put in again is not read once
 * more. It stands between whoever asks a card and the card, command by command. Not thread-safe. */
#pragma once

#include <glib.h>

typedef struct SealCardMemory SealCardMemory;

/* An empty memory (transfer full); NULL may be freed. */
SealCardMemory *seal_card_memory_new(void);
void seal_card_memory_free(SealCardMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCardMemory, seal_card_memory_free)

typedef enum {
    SEAL_CARD_MEMORY_PASS,  /* no matter of the memory: command and answer go through as they are */
    SEAL_CARD_MEMORY_ASK,   /* send what `out` has, and tell the answer by seal_card_memory_hear() */
    SEAL_CARD_MEMORY_KNOWN, /* `out` has the answer */
} SealCardMemoryStep;

/* What to do about a command APDU of `len` bytes; `out` is empty. */
SealCardMemoryStep seal_card_memory_ask(SealCardMemory *memory, const guint8 *command, gsize len,
                                        GByteArray *out);

/* After SEAL_CARD_MEMORY_ASK: the card's answer, `len` bytes with its status word. Fills `out` (empty)
 * with the answer to give. */
void seal_card_memory_hear(SealCardMemory *memory, const guint8 *answer, gsize len, GByteArray *out);

/* From here on another program may have used the card, or it may be another one: what was not read
 * whole is forgotten, and whose card it is has to be read anew. */
void seal_card_memory_pause(SealCardMemory *memory);
