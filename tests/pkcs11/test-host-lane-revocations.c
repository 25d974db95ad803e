/* Lanes of a real host that are taken back, for each reason that an agent has, from clients that
 * never stop signing. The module tells each start as it happens (starts.h), so that one after the
 * agent's order would be seen. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/pkcs11/lane-scene.h"
#include "tests/pkcs11/lane-signer.h"
#include "tests/support/starts.h"
#include "tests/support/wait.h"

/* Lanes in use at once, each by a client of its own. */
#define LANES 4u
/* For each of the reasons. */
#define REVOCATIONS 400u

typedef struct {
    SealTestLane *lane;
    guint32 number;
    SealTestSigner *signer;
    guint8 mark;
    guint32 before;         /* starts with this mark */
    guint recorded, failed; /* under lock */
} Slot;

typedef struct {
    Scene *scene;
    const guint32 *starts;
    Slot slots[LANES];
    guint opened;
    GMutex lock; /* guards what is recorded */
    guint64 sequence;
    GThread *clerk;
    int stop[2]; /* closed at the end */
} Load;

static void
open_slot(Load *load, Slot *slot)
{
    const guint window = load->opened % 4 + 1;
    Slot opened = {.mark = (guint8)load->opened++};

    load->scene->grant.window = window;
    load->scene->grant.client = load->opened;
    load->scene->grant.count = 1000000;
    opened.before = seal_test_starts(load->starts, opened.mark);
    opened.lane = open_lane(load->scene);
    opened.number = opened.lane->number;
    g_mutex_lock(&load->lock);
    *slot = opened;
    g_mutex_unlock(&load->lock);
    slot->signer = seal_test_signer_new(slot->lane->fd, slot->lane->number, window, slot->mark);
}

/* Each record belongs to a lane that is in use. */
static void
take_records(Load *load)
{
    SealLaneRecord record;

    g_mutex_lock(&load->lock);
    while (seal_test_host_record(load->scene->host, &record)) {
        Slot *slot = load->slots;

        while (slot->number != record.lane)
            g_assert_true(++slot < load->slots + LANES);
        g_assert_cmpuint(record.sequence, ==, ++load->sequence);
        slot->recorded += record.use == SEAL_LANE_USE_STARTS;
        slot->failed += record.use == SEAL_LANE_USE_FAILED;
    }
    g_mutex_unlock(&load->lock);
}

/* An agent that takes records also while it waits for the host. */
static gpointer
clerk_main(gpointer data)
{
    Load *load = data;
    struct pollfd fds[] = {{load->scene->host->audit, POLLIN, 0}, {load->stop[0], POLLIN, 0}};

    while (poll(fds, G_N_ELEMENTS(fds), -1) > 0 && fds[1].revents == 0)
        take_records(load);
    return NULL;
}

static void
wait_for_starts(Load *load, const Slot *slot, guint n)
{
    gint64 until = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (seal_test_starts(load->starts, slot->mark) - slot->before < n) {
        g_assert_cmpint(g_get_monotonic_time(), <, until);
        g_thread_yield();
    }
}

/* Once the agent has its answer, nothing starts, and everything that did was recorded before. */
static void
take_back(Load *load, Slot *slot, SealLaneEnd why)
{
    guint32 started = 0;
    SealTestSigned had;

    seal_test_lane_revoke(slot->lane, why);
    started = seal_test_starts(load->starts, slot->mark);
    take_records(load);
    had = seal_test_signer_join(slot->signer);
    g_assert_cmpint(had.end, ==, why);
    g_assert_cmpuint(seal_test_starts(load->starts, slot->mark), ==, started);
    started -= slot->before;
    g_mutex_lock(&load->lock);
    g_assert_cmpuint(had.refusals, ==, 0);
    g_assert_cmpuint(had.signatures, ==, slot->recorded - slot->failed);
    g_assert_cmpuint(started, >=, had.signatures);
    g_assert_cmpuint(started, <=, slot->recorded);
    g_mutex_unlock(&load->lock);
    seal_test_lane_free(slot->lane);
}

static void
begin(Load *load, const char *mood)
{
    seal_test_mood(load->scene->home, mood);
    g_mutex_init(&load->lock);
    g_assert_no_errno(pipe2(load->stop, O_CLOEXEC));
    load->clerk = g_thread_new("clerk", clerk_main, load);
    for (guint i = 0; i < LANES; i++)
        open_slot(load, &load->slots[i]);
}

static void
end(Load *load, SealLaneEnd why)
{
    for (guint i = 0; i < LANES; i++)
        take_back(load, &load->slots[i], why);
    (void)close(load->stop[1]);
    (void)g_thread_join(load->clerk);
    (void)close(load->stop[0]);
    g_mutex_clear(&load->lock);
}

static void
test_nothing_starts_after_the_order(Scene *scene, gconstpointer data)
{
    const SealLaneEnd why = (SealLaneEnd)GPOINTER_TO_UINT(data);
    g_autofree char *path = seal_test_home_path(scene->home, "starts");
    g_autofree char *mood = g_strdup_printf(INSTANT "\nstarts=%s", path);
    Load load = {.scene = scene, .starts = seal_test_starts_new(scene->home)};

    begin(&load, mood);
    for (guint i = 0; i < REVOCATIONS; i++) {
        Slot *slot = &load.slots[i % LANES];

        wait_for_starts(&load, slot, i % 7);
        take_back(&load, slot, why);
        open_slot(&load, slot);
    }
    end(&load, why);
    g_assert_cmpuint(load.sequence, >, REVOCATIONS);
}

/* -- how long it takes ----------------------------------------------------------------------------
 */

#define WINDOW 4u

/* What is at the token when the order comes is waited for, and what is queued behind it is not: the
 * token holds each operation until the test lets it go. */
static void
test_waits_for_what_is_under_way(Scene *scene, gconstpointer data)
{
    g_autofree char *starts = seal_test_home_path(scene->home, "starts");
    g_autofree char *gate = seal_test_home_path(scene->home, "gate");
    g_autofree char *mood = g_strdup_printf(INSTANT "\nstarts=%s\ngate=%s", starts, gate);
    Load load = {.scene = scene, .starts = seal_test_starts_new(scene->home)};
    guint32 number = SEAL_LANE_LOCKED;
    g_autoptr(GBytes) body = g_bytes_new(&number, sizeof number);
    g_autoptr(SealTestLane) lane = NULL;
    g_autoptr(SealTestAnswer) answer = NULL, none = NULL;
    SealFrameHeader order = {.type = SEAL_FRAME_LANE_REVOKE};
    guint64 request = 0;
    int fd = -1;

    g_assert_no_errno(mkfifo(gate, 0600));
    fd = open(gate, O_RDWR | O_CLOEXEC);
    seal_test_mood(scene->home, mood);
    scene->grant.window = WINDOW;
    lane = open_lane(scene);
    load.slots[0].mark = 1; /* that of seal_test_lane_body() */
    for (guint i = 0; i < 3 * WINDOW; i++) {
        SealFrameHeader header = seal_test_lane_header(lane);
        g_autoptr(GBytes) sign = seal_test_lane_body(1);

        header.load = i + 1;
        (void)seal_test_lane_send(lane, &header, sign);
        if (i == 0)
            wait_for_starts(&load, &load.slots[0], 1);
    }
    order.lane = lane->number;
    seal_test_lane_write_word(lane, SEAL_LANE_LOCKED);
    request = seal_test_host_send(scene->host, &order, body);
    number = seal_test_starts(load.starts, 1);
    g_assert_cmpuint(number, <=, WINDOW);
    for (guint i = 0; i < WINDOW; i++)
        g_assert_cmpint(write(fd, "", 1), ==, 1);
    answer = seal_test_host_wait(scene->host, request);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(seal_test_starts(load.starts, 1), <=, WINDOW);
    none = seal_test_lane_wait(lane);
    g_assert_null(none);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_LOCKED);
    (void)close(fd);
}

static gint
compare_times(gconstpointer a, gconstpointer b)
{
    return (*(const gint *)a > *(const gint *)b) - (*(const gint *)a < *(const gint *)b);
}

/* From the order to the promise that nothing is under way, with a token that needs 2 ms (-m perf).
 */
static void
test_time_of_revocations(Scene *scene, gconstpointer data)
{
    gint times[200];
    Load load = {.scene = scene, .starts = seal_test_starts_new(scene->home)};
    g_autofree char *path = seal_test_home_path(scene->home, "starts");
    g_autofree char *mood = g_strdup_printf(INSTANT "\nsleep-ms=2\nstarts=%s", path);

    begin(&load, mood);
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        Slot *slot = &load.slots[i % LANES];
        gint64 start_us = 0;

        wait_for_starts(&load, slot, 4);
        start_us = g_get_monotonic_time();
        seal_test_lane_revoke(slot->lane, SEAL_LANE_LOCKED);
        times[i] = (gint)(g_get_monotonic_time() - start_us);
        take_records(&load);
        (void)seal_test_signer_join(slot->signer);
        seal_test_lane_free(slot->lane);
        open_slot(&load, slot);
    }
    end(&load, SEAL_LANE_LOCKED);
    qsort(times, G_N_ELEMENTS(times), sizeof times[0], compare_times);
    g_test_minimized_result(times[100] / 1000.0,
                            "revocation at 2 ms an operation: median %.2f ms, 99 of 100 in %.2f ms",
                            times[100] / 1000.0, times[198] / 1000.0);
}

static void
set_up(Scene *scene, gconstpointer data)
{
    scene_set_up(scene, INSTANT);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        SealLaneEnd why;
    } rows[] = {
        {"/lanes/revoke/never-ending-clients/expired", SEAL_LANE_EXPIRED},
        {"/lanes/revoke/never-ending-clients/locked", SEAL_LANE_LOCKED},
        {"/lanes/revoke/never-ending-clients/removed", SEAL_LANE_REMOVED},
        {"/lanes/revoke/never-ending-clients/abandoned", SEAL_LANE_ABANDONED},
        {"/lanes/revoke/never-ending-clients/revoked", SEAL_LANE_REVOKED},
        {"/lanes/revoke/never-ending-clients/forbidden", SEAL_LANE_FORBIDDEN},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].path, Scene, GUINT_TO_POINTER(rows[i].why), set_up,
                   test_nothing_starts_after_the_order, scene_tear_down);
    g_test_add("/lanes/revoke/waits-for-what-is-under-way-only", Scene, NULL, set_up,
               test_waits_for_what_is_under_way, scene_tear_down);
    if (g_test_perf())
        g_test_add("/lanes/revoke/time", Scene, NULL, set_up, test_time_of_revocations,
                   scene_tear_down);
    return g_test_run();
}
