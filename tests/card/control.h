/* The socket by which a test moves the cards. */
#pragma once

#include <glib.h>

#include "tests/card/reader.h"

typedef struct SealCardControl SealCardControl;

/* Listens at `path`. A client sends one line and reads the answer up to the end: "ok", "ok NUMBER"
 * or "error: REASON".
 *
 *   insert CARD READER      puts a card into a reader (0, 1, ...)
 *   pull CARD               takes it out
 *   load CARD FILE         while it is in no reader: it gets what the file describes (contents.h)
 *   swap CARD OTHER         puts another in its place unseen
 *   slow CARD MS            each answer takes so long
 *   status CARD INS N WORD  the Nth command INS from now on is answered by a status word (hex)
 *   cut CARD INS N          ... by half of its answer
 *   keep CARD INS N BYTES   ... by the first bytes of its answer
 *   answer CARD INS N HEX   ... by these bytes, which end with the status word
 *   hang CARD INS N         ... not before the release
 *   pull-at CARD INS N      ... never, the card is pulled
 *   swap-at CARD OTHER INS N  ... but OTHER does, which takes its place unseen
 *   release CARD            a hanging card goes on
 *   count CARD INS          how many commands INS came
 *   tries CARD              the tries left of its PIN
 *   leave CARD TRIES        ... are so many, although nobody tried
 *   wait CARD INS N         answers when N commands INS have come
 *   forget CARD             counts anew
 *   calm CARD               counts anew, and nothing planned happens
 *
 * INS is an instruction in hex or "any", N a number or "each". Returns (transfer full), or NULL with an error. */
SealCardControl *seal_card_control_new(const char *path, GError **error);

/* Puts a card (transfer full) or a reader, listening on `port`, under its control. */
void seal_card_control_add_card(SealCardControl *control, SealCard *card);
void seal_card_control_add_reader(SealCardControl *control, guint16 port);

/* Frees it with cards and readers; NULL is allowed. */
void seal_card_control_free(SealCardControl *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCardControl, seal_card_control_free)
