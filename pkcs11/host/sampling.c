/* The time in which a thread neither ran nor stood in the queue to run is the time that its
 * operation waited: for a card, or an HSM across a network. A busy machine lets every thread stand
 * in the queue, and that is no reason for more of them. */
#include "pkcs11/host/sampling.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SAMPLE_FIRST 8u
#define SAMPLE_EVERY 16u
/* With fewer samples nothing is known. */
#define ENOUGH 4u
/* An operation that sleeps longer than this on average is one that waits. A context switch and the
 * lock files of SoftHSM stay well below. */
#define WAITING_US 300

SealFd
seal_sampling_open(void)
{
    return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

gboolean
seal_sampling_wants(SealSampling *sampling)
{
    sampling->seen++;
    return sampling->samples < SAMPLE_FIRST || sampling->seen % SAMPLE_EVERY == 0;
}

/* schedstat: nanoseconds run, nanoseconds queued, and the number of turns. A kernel that does not
 * count gives zero: every operation seems to wait then, and every request gets a thread. */
void
seal_sample_take(SealFd schedstat, SealSample *ret_sample)
{
    char text[96] = "";
    char *rest = text;
    guint64 ran = 0, queued = 0;

    if (schedstat >= 0 && pread(schedstat, text, sizeof text - 1, 0) > 0) {
        ran = strtoull(text, &rest, 10);
        queued = strtoull(rest, NULL, 10);
    }
    ret_sample->taken = TRUE;
    ret_sample->wall_us = g_get_monotonic_time();
    ret_sample->awake_us = (gint64)((ran + queued) / 1000);
}

void
seal_sampling_learn(SealSampling *sampling, const SealSample *start, const SealSample *end)
{
    gint64 waited = (end->wall_us - start->wall_us) - (end->awake_us - start->awake_us);

    sampling->average_wait_us += (waited - sampling->average_wait_us) / 4;
    sampling->samples++;
}

gboolean
seal_sampling_computes(const SealSampling *sampling)
{
    return sampling->samples >= ENOUGH && sampling->average_wait_us <= WAITING_US;
}

gboolean
seal_sampling_waits(const SealSampling *sampling)
{
    return sampling->samples >= ENOUGH && sampling->average_wait_us > WAITING_US;
}
