/* The first restart follows at once, later ones after a pause that doubles; a minute of health
 * forgets the past. A module that kills its host while it is loaded is given up after some tries.
 * Not so one whose host was killed by others: that says nothing of the module. And not so one that
 * serves a card and takes too long, for the card may wake; it is tried at the pace of the longest
 * pause. */
#include "pkcs11/token/restarts.h"

#include <signal.h>
#include <sys/wait.h>

#define PAUSE_FIRST_MS 500u
#define PAUSE_MAX_MS   30000u
#define HEALTHY_US     (60 * G_USEC_PER_SEC)
/* A host that wants to be replaced more often than this in a minute waits a second for it. */
#define RETIREMENTS_MAX      16u
#define LOSSES_OF_RETIREMENT 2u
/* A module that kills its host while it is loaded gets this many hosts. */
#define LOAD_ATTEMPTS 3u

void
seal_restarts_ran(SealRestarts *restarts)
{
    restarts->load_failures = 0;
    restarts->running_since_us = g_get_monotonic_time();
}

void
seal_restarts_forgive(SealRestarts *restarts)
{
    restarts->load_failures = 0;
}

void
seal_restarts_lost(SealRestarts *restarts, guint at_least)
{
    if (restarts->running_since_us > 0 &&
        g_get_monotonic_time() - restarts->running_since_us >= HEALTHY_US)
        restarts->losses = 0;
    restarts->running_since_us = 0;
    restarts->losses = MAX(restarts->losses + 1, at_least);
}

void
seal_restarts_retired(SealRestarts *restarts)
{
    gint64 now_us = g_get_monotonic_time();

    if (now_us - restarts->retiring_since_us >= HEALTHY_US) {
        restarts->retiring_since_us = now_us;
        restarts->retirements = 0;
    }
    restarts->losses = ++restarts->retirements <= RETIREMENTS_MAX ? 0 : LOSSES_OF_RETIREMENT;
}

guint
seal_restarts_pause_ms(const SealRestarts *restarts)
{
    if (restarts->losses <= 1)
        return 0;
    return MIN(PAUSE_FIRST_MS << MIN(restarts->losses - 2, 8), PAUSE_MAX_MS);
}

/* Modules do not send these to themselves; people, and the kernel when memory is short, do. */
static gboolean
is_killed_by_others(int wait_status)
{
    return WIFSIGNALED(wait_status) &&
           (WTERMSIG(wait_status) == SIGKILL || WTERMSIG(wait_status) == SIGTERM);
}

gboolean
seal_restarts_failed_to_load(SealRestarts *restarts, int wait_status, gboolean given_up,
                             gboolean for_card)
{
    if (given_up && for_card)
        return FALSE;
    if (!given_up && is_killed_by_others(wait_status))
        return FALSE;
    restarts->load_failures++;
    return (WIFEXITED(wait_status) && !given_up) || restarts->load_failures >= LOAD_ATTEMPTS;
}
