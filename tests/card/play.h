/* A card and what shall happen to it: faults that are planned, delays, and the count of what it was
 * asked. */
#pragma once

#include <glib.h>

#include "tests/card/card.h"

typedef struct SealCardReader SealCardReader;

typedef enum {
    SEAL_FAULT_NONE,
    SEAL_FAULT_STATUS, /* the card answers with a status word and does nothing */
    SEAL_FAULT_CUT,    /* ... does it, but its answer has lost its second half */
    SEAL_FAULT_KEEP,   /* ... does it, but only so many bytes of its answer come */
    SEAL_FAULT_ANSWER, /* ... answers with other bytes and does nothing */
    SEAL_FAULT_HANG,   /* ... does not answer until it is released */
    SEAL_FAULT_PULL,   /* ... is pulled before it answers */
    SEAL_FAULT_SWAP,   /* another answers in its place, unseen */
} SealFaultKind;

typedef struct SealCardPlay SealCardPlay;

typedef struct {
    SealFaultKind kind;
    int ins;             /* of the instruction; -1: any */
    guint nth;           /* of these from now on, the first is 1; 0: each of them */
    guint status;        /* word */
    guint keep;          /* bytes */
    GBytes *answer;      /* data and status word (transfer none) */
    SealCardPlay *other; /* of a swap (transfer none) */
} SealFault;

struct SealCardPlay {
    SealCard *card;
    SealCardReader *reader; /* (nullable) where it is */
    GArray *faults;
    GPtrArray *answers; /* of GBytes: theirs */
    guint slow_ms;
    guint counts[256]; /* of commands, by instruction */
    guint count;
};

/* Begins with a card (transfer full). */
SealCardPlay *seal_card_play_new(SealCard *card);

/* Plans `fault`; those for the same command come in the order they were planned. Keeps a reference to
 * its answer as long as it lives. */
void seal_card_play_plan(SealCardPlay *play, SealFault fault);

/* Counts the command and returns what goes wrong with it. */
SealFault seal_card_play_note(SealCardPlay *play, guint8 ins);

/* Forgets counts, and plans and delays too if `all`. */
void seal_card_play_forget(SealCardPlay *play, gboolean all);

/* Frees `play`; NULL is allowed. */
void seal_card_play_free(SealCardPlay *play);
