/* Slot events: a thread of its own that blocks in C_WaitForSlotEvent, where the module has it. */
#pragma once

#include "pkcs11/host/host.h"

/* Starts the thread. Returns TRUE if the module lets it wait; FALSE if it said within 20 ms that it
 * does not have the function (SoftHSM and ykcs11 say so at once); then tokens are looked for when
 * the agent asks (RESCAN) and when an operation finds its token gone. Nothing ever polls. */
gboolean seal_events_start(SealHost *host);
