/* A slot of vsmartcard-vpcd, into which a card is put: the card's end of its socket. */
#pragma once

#include <glib.h>

#include "tests/card/play.h"

/* Called after each command, when it was counted and before it is answered. */
typedef void (*SealCardHeardFunc)(SealCardPlay *play, gpointer data);

/* A slot whose driver listens on `port` of 127.0.0.1. */
SealCardReader *seal_card_reader_new(guint16 port, SealCardHeardFunc heard, gpointer data);

/* Puts `play` (transfer none) in; the reader must be empty and the card in none. If the driver does
 * not listen, or goes away, it is tried again until it does: the card stays where it is. */
void seal_card_reader_insert(SealCardReader *reader, SealCardPlay *play);

/* Takes the card out, if there is one. Nothing it had to answer is answered. */
void seal_card_reader_eject(SealCardReader *reader);

/* Puts `other` in the place of the card so that nobody sees it: the line stays, and the new card is
 * as selected and open as the old one was. */
void seal_card_reader_swap(SealCardReader *reader, SealCardPlay *other);

/* The card answers what it hangs at, if it does. */
void seal_card_reader_release(SealCardReader *reader);

/* Takes the card out and frees `reader`; NULL is allowed. */
void seal_card_reader_free(SealCardReader *reader);
