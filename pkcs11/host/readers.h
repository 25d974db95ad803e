/* What PC/SC itself says of its readers, for modules that use it. It knows of a card that was
 * pulled and put back between two looks, and of a service that ended: modules often do not. */
#pragma once

#include <glib.h>

#include "pkcs11/host/host.h"

typedef struct SealReaders SealReaders;

/* Before the module is initialised: TRUE if PC/SC's service is not there, so that a module that
 * looks for it once will not find it. Does not wake a service that starts on demand. */
gboolean seal_readers_are_dark(void);

/* After it: watches the readers in a thread of its own, and has the slots looked at when a card
 * comes or goes. When PC/SC's service ends, or comes and `dark` says that it was missing when the
 * module looked for it, the agent is told that the module must be started anew. Returns it, and
 * sets host->readers, for the life of the process (transfer none), or NULL if the module did not
 * load PC/SC's library. A host without a module only tells which readers have a card (READERS). */
SealReaders *seal_readers_watch(SealHost *host, gboolean dark);

/* A number for the card that is in the reader `name`, another for each that is put in; 0 if there
 * is none, or no such reader. `readers` NULL: always 0. */
guint32 seal_readers_insertion(SealReaders *readers, const char *name);

/* Whether the module may be believed that the card of number `insertion` is in the reader `name`:
 * not while it is doubted, and not before PC/SC has told of it (a number of 0 in a reader that is
 * known). */
void seal_readers_doubt(SealReaders *readers, const char *name, guint32 insertion);
void seal_readers_trust(SealReaders *readers, const char *name, guint32 insertion);
gboolean seal_readers_doubts(SealReaders *readers, const char *name, guint32 insertion);

/* Resets the card in the reader `name`, so that nobody finds it open any more: a login that this
 * process gave up is still the card's state to others. Blocks while another program works with the
 * card. FALSE if that cannot be done; TRUE where PC/SC does not know the reader. */
gboolean seal_readers_reset(SealReaders *readers, const char *name);

/* A call failed for a reason that may be a card that was pulled in the middle. Waits until PC/SC
 * has looked at its readers again: TRUE as soon as the card of number `insertion` is not in the
 * reader `name` any more, FALSE when it still is. Blocks for 0.7 s at most; not at all without a
 * number. */
gboolean seal_readers_lost(SealReaders *readers, const char *name, guint32 insertion);

/* Has the slots looked at for a card that was not read. Where a call hangs at a card that was
 * pulled, nothing is asked of the module, and the host retires. */
void seal_readers_look_again(SealReaders *readers);

/* TRUE if more cards lie in readers than the module's `slots` (SealSlot) show: one is none of its
 * cards, or could not be read. `readers` NULL: FALSE. */
gboolean seal_readers_have_unread(SealReaders *readers, const GPtrArray *slots);
