/* A PIV card: what it answers to each command (SP 800-73-4 part 2), and what it counts. It knows
 * nothing of readers and faults. One whose description says so speaks as a YubiKey (yubikey.h). */
#pragma once

#include <glib.h>

#include "tests/card/apdu.h"

typedef struct SealCard SealCard;

/* Loads a card from its description (contents.h). Returns (transfer full), or NULL with an error
 * that names the file. */
SealCard *seal_card_load(const char *path, GError **error);

/* The name of its description (transfer none). */
const char *seal_card_name(const SealCard *card);

/* The tries left of its PIN, and another number of them. */
guint seal_card_pin_tries(const SealCard *card);
void seal_card_set_pin_tries(SealCard *card, guint tries);

/* What it says when it is powered up (ISO 7816-3 8.2): the same for each card of a kind. */
SealBytes seal_card_atr(const SealCard *card);

/* Power went or a reset came: no application is selected and no PIN given. */
void seal_card_reset(SealCard *card);

/* Makes `card` as selected and open as `other` is, which then is neither. */
void seal_card_take_state(SealCard *card, SealCard *other);

/* Carries out the command of `len` bytes at `data`. Returns data and status word (transfer full).
 */
GByteArray *seal_card_answer(SealCard *card, const void *data, gsize len);

/* Frees `card`; NULL is allowed. */
void seal_card_free(SealCard *card);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCard, seal_card_free)
