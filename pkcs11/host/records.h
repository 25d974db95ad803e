/* Records of uses on lanes, sent to the agent before the use. Thread-safe. */
#pragma once

#include "pkcs11/host/host.h"
#include "pkcs11/wire/lane.h"

typedef struct SealRecords SealRecords;

/* `socket`: SOCK_SEQPACKET to the agent, of which only this is sent. (transfer full) */
SealRecords *seal_records_new(SealHost *host, int socket);
void seal_records_free(SealRecords *records);

/* Fills in `sequence` and `boottime_us` and queues the record for the agent. `uses` (nullable: not of a
 * start): those of the lane so far, one more with this one, which gives `lane_sequence`; written under
 * the lock that orders the records. Waits up to 250 ms for room. NONE; BUSY if there was none,
 * UNREACHABLE if the agent is gone: what the record tells must not be done then. */
SealErrorCode seal_records_write(SealRecords *records, SealLaneRecord *record, guint32 *uses);

/* Tells the agent of records that it was not told of yet: when no more may follow soon. */
void seal_records_flush(SealRecords *records);

/* CLOCK_BOOTTIME in microseconds. */
guint64 seal_records_now_us(void);
