/* Looking for tokens, and telling the agent what was found. */
#pragma once

#include "pkcs11/host/host.h"

/* Slots that are looked at. */
#define SEAL_SLOTS_MAX 64u

/* Asks the module which tokens are there; tells those that are gone and those that came. `again`:
 * tokens that stayed are read anew, too, and told if something changed. Blocks on the tokens. */
void seal_scan(SealHost *host, gboolean again);

/* Reads `slot` through `session` and tells its TOKEN ... TOKEN_DONE if anything differs from what
 * was told before. Needs slot->login_lock. Returns what the token said. */
CK_RV seal_scan_read(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session);

/* Tells the token's flags if they changed. Needs slot->login_lock. */
void seal_scan_tell_flags(SealHost *host, SealSlot *slot);

/* Tells TOKEN_GONE if that was not told yet: before the answer that says why, so that nobody takes the
 * token for present who has read that. Needs no lock. */
void seal_scan_tell_gone(SealHost *host, SealSlot *slot);

/* A call said that the token or its sessions are lost: forgets the slot, tells TOKEN_GONE, and
 * looks what is there now (FACTS: asking C_GetSlotList makes modules notice a reinsertion). */
void seal_scan_lost(SealHost *host, SealSlot *slot);
