/* A record is in the kernel's queue before the token is asked, so it survives whatever the module
 * does to this process. The agent does not watch the socket: waking for each record would cost as
 * much as the agent's own path. It is told by a doorbell on the channel, every 32 records, every
 * 100 ms while records come, and when a lane falls silent. */
#include "pkcs11/host/records.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* The queue holds 278 records: far from full, and one wake-up of the agent for 32 of them. */
#define RING_EVERY    32u
#define RING_AFTER_US (100 * 1000)
/* An agent that is alive drains within a millisecond. */
#define ROOM_WAIT_US (250 * 1000)

struct SealRecords {
    SealHost *host;
    int socket;
    GMutex lock; /* guards the rest, and the order of records in the socket */
    guint64 sequence;
    guint unrung;
    guint64 rung_us;
};

SealRecords *
seal_records_new(SealHost *host, int socket)
{
    SealRecords *records = g_new0(SealRecords, 1);

    records->host = host;
    records->socket = socket;
    g_mutex_init(&records->lock);
    return records;
}

void
seal_records_free(SealRecords *records)
{
    if (!records)
        return;
    g_mutex_clear(&records->lock);
    g_free(records);
}

guint64
seal_records_now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (guint64)now.tv_sec * G_USEC_PER_SEC + (guint64)now.tv_nsec / 1000;
}

/* Under lock. A channel that is full wakes the agent by itself; the bell is tried again then. */
static void
ring(SealRecords *records, guint64 now_us)
{
    SealFrameHeader header = {.type = SEAL_FRAME_DOORBELL};

    if (seal_frame_send(records->host->channel, &header, NULL, 0, FALSE) != 0)
        return;
    records->unrung = 0;
    records->rung_us = now_us;
}

/* Under lock. Tries until `deadline_us`; 0 or -errno. */
static int
queue(SealRecords *records, const SealLaneRecord *record, guint64 deadline_us)
{
    for (;;) {
        guint64 now_us = record->boottime_us;
        struct pollfd room = {records->socket, POLLOUT, 0};

        if (send(records->socket, record, sizeof *record, MSG_DONTWAIT | MSG_NOSIGNAL) ==
            (ssize_t)sizeof *record)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        now_us = seal_records_now_us();
        if (now_us >= deadline_us)
            return -EAGAIN;
        ring(records, now_us);
        (void)poll(&room, 1, (int)((deadline_us - now_us) / 1000) + 1);
    }
}

SealErrorCode
seal_records_write(SealRecords *records, SealLaneRecord *record, guint32 *uses)
{
    guint64 entered_us = seal_records_now_us();
    int result = 0;

    g_mutex_lock(&records->lock);
    record->sequence = records->sequence + 1;
    record->boottime_us = entered_us;
    if (uses)
        record->lane_sequence = *uses + 1;
    result = queue(records, record, entered_us + ROOM_WAIT_US);
    if (result == 0) {
        records->sequence++;
        records->unrung++;
        if (uses)
            ++*uses;
        if (records->unrung >= RING_EVERY || entered_us - records->rung_us >= RING_AFTER_US)
            ring(records, entered_us);
    }
    g_mutex_unlock(&records->lock);
    if (result == 0)
        return SEAL_ERROR_NONE;
    return result == -EAGAIN ? SEAL_ERROR_BUSY : SEAL_ERROR_UNREACHABLE;
}

void
seal_records_flush(SealRecords *records)
{
    g_mutex_lock(&records->lock);
    if (records->unrung > 0)
        ring(records, seal_records_now_us());
    g_mutex_unlock(&records->lock);
}
