/* Lanes of a real host that want more than there is: what a greedy client leaves to an honest one,
 * which sends its next request when it has the answer. The token does one operation at a time and
 * waits for the test before each, so that operations are counted, not time. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/pkcs11/lane-scene.h"
#include "tests/support/wait.h"

#define ROUNDS    100u
#define LANES_MAX 64u

typedef struct {
    Scene *scene;
    int gate;
    SealTestLane *honest;
    SealTestLane *greedy[LANES_MAX];
    guint n_greedy;
    guint8 in_flight[LANES_MAX];
} Contest;

/* The greedy client has `n` lanes of this window. */
static void
begin(Contest *contest, Scene *scene, guint n, guint window)
{
    g_autofree char *path = seal_test_home_path(scene->home, "gate");
    g_autofree char *mood = g_strdup_printf(INSTANT "\ngate=%s", path);

    g_assert_no_errno(mkfifo(path, 0600));
    *contest = (Contest){.scene = scene, .gate = open(path, O_RDWR | O_CLOEXEC), .n_greedy = n};
    g_assert_cmpint(contest->gate, >=, 0);
    seal_test_mood(scene->home, mood);
    scene->grant.client = 1;
    contest->honest = open_lane(scene);
    scene->grant.client = 2;
    scene->grant.window = window;
    scene->grant.count = 1000000;
    for (guint i = 0; i < n; i++)
        contest->greedy[i] = open_lane(scene);
}

/* Closes the gate for good: what is in the token goes on. */
static void
end(Contest *contest)
{
    seal_test_mood(contest->scene->home, INSTANT);
    (void)close(contest->gate);
    for (guint i = 0; i < contest->n_greedy; i++)
        seal_test_lane_free(contest->greedy[i]);
    seal_test_lane_free(contest->honest);
}

static void
ask(SealTestLane *lane)
{
    SealFrameHeader header = seal_test_lane_header(lane);
    g_autoptr(GBytes) body = seal_test_lane_body(1);

    g_assert_cmpuint(seal_test_lane_send(lane, &header, body), !=, 0);
}

/* On each lane of the greedy client so many requests are in flight. */
static void
fill(Contest *contest, guint n)
{
    for (guint i = 0; i < contest->n_greedy; i++)
        for (; contest->in_flight[i] < n; contest->in_flight[i]++)
            ask(contest->greedy[i]);
}

/* Lets one operation happen. TRUE if it was the honest client's. */
static gboolean
let_one_go(Contest *contest)
{
    struct pollfd fds[LANES_MAX + 1] = {{contest->honest->fd, POLLIN, 0}};
    g_autoptr(SealTestAnswer) answer = NULL;
    SealLaneRecord record;
    guint i = 0;

    for (guint n = 0; n < contest->n_greedy; n++)
        fds[n + 1] = (struct pollfd){contest->greedy[n]->fd, POLLIN, 0};
    g_assert_cmpint(write(contest->gate, "", 1), ==, 1);
    g_assert_cmpint(poll(fds, contest->n_greedy + 1, seal_test_deadline_ms()), ==, 1);
    while (!(fds[i].revents & POLLIN))
        i++;
    answer = seal_test_lane_wait(i == 0 ? contest->honest : contest->greedy[i - 1]);
    g_assert_nonnull(answer);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    while (seal_test_host_record(contest->scene->host, &record))
        ;
    if (i > 0)
        contest->in_flight[i - 1]--;
    return i == 0;
}

/* For each operation of the honest client one of the other, and the one that was in the token when
 * the first was asked for. */
static void
expect_turns(Contest *contest, guint in_flight)
{
    guint others = 0;

    fill(contest, in_flight);
    for (guint round = 0; round < ROUNDS; round++) {
        ask(contest->honest);
        while (!let_one_go(contest)) {
            others++;
            fill(contest, in_flight);
        }
        g_assert_cmpuint(others, <=, round + 2);
    }
}

static void
test_full_window_takes_turns(Scene *scene, gconstpointer mood)
{
    Contest contest;

    begin(&contest, scene, 1, SEAL_LANE_WINDOW_MAX);
    expect_turns(&contest, SEAL_LANE_WINDOW_MAX);
    end(&contest);
}

static void
test_many_lanes_take_turns(Scene *scene, gconstpointer mood)
{
    Contest contest;

    begin(&contest, scene, LANES_MAX, 1);
    expect_turns(&contest, 1);
    end(&contest);
}

/* Beyond its window: half of the honest one's share. The host waits 20 ms for who got an answer; a
 * round that took longer, on a busy machine, may let the flooder go once more. */
static void
expect_half(Contest *contest)
{
    const gint64 surely_us = 10 * 1000;
    guint answered = 0, late = 0, honest = 0;

    fill(contest, 200);
    ask(contest->honest);
    while (honest < 2 * ROUNDS) {
        gint64 start_us = g_get_monotonic_time();

        if (let_one_go(contest)) {
            honest++;
            ask(contest->honest);
        } else {
            answered++;
            fill(contest, 200);
        }
        late += g_get_monotonic_time() - start_us > surely_us;
    }
    g_test_message("%u answers to the flooder, %u to the other, %u late", answered, honest, late);
    g_assert_cmpuint(answered, <=, honest / 2 + late + 2);
}

static void
test_flooder_has_half(Scene *scene, gconstpointer mood)
{
    Contest contest;

    begin(&contest, scene, 1, 8);
    expect_half(&contest);
    end(&contest);
}

/* A single large frame would make room for hundreds of small ones, if it counted. */
static void
test_large_refusal_hides_no_flood(Scene *scene, gconstpointer mood)
{
    Contest contest;
    SealFrameHeader header;
    g_autofree guint8 *zeros = g_malloc0(SEAL_DATA_MAX);
    g_autoptr(GBytes) body = g_bytes_new(zeros, SEAL_DATA_MAX);
    g_autoptr(SealTestAnswer) refusal = NULL;

    begin(&contest, scene, 1, 8);
    header = seal_test_lane_header(contest.greedy[0]);
    header.type = SEAL_FRAME_LOGIN;
    g_assert_cmpuint(seal_test_lane_send(contest.greedy[0], &header, body), !=, 0);
    refusal = seal_test_lane_wait(contest.greedy[0]);
    g_assert_cmpint(refusal->status, ==, SEAL_ERROR_NOT_SUPPORTED);
    expect_half(&contest);
    end(&contest);
}

/* Nobody else is there: it has all it can get. */
static void
test_flooder_alone_goes_on(Scene *scene, gconstpointer mood)
{
    Contest contest;

    begin(&contest, scene, 1, 8);
    fill(&contest, 200);
    for (guint i = 0; i < 200; i++)
        g_assert_false(let_one_go(&contest));
    end(&contest);
}

/* -- threads --------------------------------------------------------------------------------------
 */

/* Those of lanes; the agent's own requests have others. */
static guint
count_threads(Scene *scene)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)scene->host->pid);
    g_autoptr(GDir) threads = g_dir_open(folder, 0, NULL);
    const char *name = NULL;
    guint n = 0;

    while ((name = g_dir_read_name(threads))) {
        g_autofree char *file = g_build_filename(folder, name, "comm", NULL);
        g_autofree char *comm = NULL;

        n += g_file_get_contents(file, &comm, NULL, NULL) && strcmp(comm, "lanes\n") == 0;
    }
    return n;
}

/* Hundreds of lanes that nobody uses, of as many clients, are no threads and in nobody's way. */
static void
test_idle_lanes_cost_no_thread(Scene *scene, gconstpointer mood)
{
    SealTestLane *lanes[200];
    guint before = 0, i = 0;

    lanes[0] = open_lane(scene);
    for (i = 0; i < 50; i++)
        seal_test_lane_expect_signature(lanes[0]);
    before = count_threads(scene);
    for (i = 1; i < G_N_ELEMENTS(lanes); i++) {
        scene->grant.client = i;
        lanes[i] = open_lane(scene);
    }
    for (i = 0; i < 50; i++)
        seal_test_lane_expect_signature(lanes[7]);
    /* one of lane 0 may linger on, one serves, one waits for lanes */
    g_assert_cmpuint(before, >=, 1);
    g_assert_cmpuint(count_threads(scene), <=, 3);
    for (i = 0; i < G_N_ELEMENTS(lanes); i++)
        seal_test_lane_free(lanes[i]);
}

#define MANY_LANES 12u /* more than threads for operations that compute, on a common machine */

static gboolean
look_again(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static gboolean
are_held(gpointer data)
{
    Scene *scene = data;

    return seal_test_mood_count(scene->home, "Held") >= MANY_LANES;
}

/* Operations that hang take nobody's turn: as many as there are lanes are at the token in the end,
 * though they seemed to compute before. `many`: of as many clients. */
static void
expect_all_at_the_token(Scene *scene, gboolean many)
{
    SealTestLane *lanes[MANY_LANES];
    guint timer = 0;

    for (guint i = 0; i < G_N_ELEMENTS(lanes); i++) {
        scene->grant.client = many ? i + 1 : 1;
        lanes[i] = open_lane(scene);
        seal_test_lane_expect_signature(lanes[i]);
    }
    seal_test_mood(scene->home, INSTANT "\nhold=sign");
    for (guint i = 0; i < G_N_ELEMENTS(lanes); i++)
        ask(lanes[i]);
    timer = g_timeout_add(10, look_again, NULL);
    g_assert_true(seal_test_wait_until(are_held, scene));
    g_source_remove(timer);
    seal_test_mood(scene->home, INSTANT);
    for (guint i = 0; i < G_N_ELEMENTS(lanes); i++) {
        g_autoptr(SealTestAnswer) answer = seal_test_lane_wait(lanes[i]);

        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
        seal_test_lane_free(lanes[i]);
    }
}

static void
test_hanging_lanes_of_one_client(Scene *scene, gconstpointer mood)
{
    expect_all_at_the_token(scene, FALSE);
}

static void
test_hanging_lanes_of_many_clients(Scene *scene, gconstpointer mood)
{
    expect_all_at_the_token(scene, TRUE);
}

/* Microseconds of the host's processor time for one of many signatures, with a token that costs
 * nothing: what others do on the machine hardly changes it. */
static gdouble
measure(SealTestLane *lane, Scene *scene)
{
    const guint n = 5000;
    struct timespec before, after;
    SealLaneRecord record;
    clockid_t clock = 0;

    g_assert_cmpint(clock_getcpuclockid(scene->host->pid, &clock), ==, 0);
    g_assert_no_errno(clock_gettime(clock, &before));
    for (guint i = 0; i < n; i++) {
        seal_test_lane_expect_signature(lane);
        while (seal_test_host_record(scene->host, &record))
            ;
    }
    g_assert_no_errno(clock_gettime(clock, &after));
    return ((gdouble)(after.tv_sec - before.tv_sec) * 1e6 +
            (gdouble)(after.tv_nsec - before.tv_nsec) / 1e3) /
           n;
}

/* Of as many other clients (-m perf). */
static void
test_cost_of_idle_lanes(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = NULL;
    SealTestLane *idle[200];
    gdouble alone = 0, beside = 0;

    scene->grant.count = 1000000;
    lane = open_lane(scene);
    for (guint round = 0; round < 4; round++) { /* each lane has a word of its own */
        alone += measure(lane, scene) / 4;
        for (guint i = 0; i < G_N_ELEMENTS(idle); i++) {
            scene->grant.client = i + 1;
            idle[i] = open_lane(scene);
        }
        beside += measure(lane, scene) / 4;
        for (guint i = 0; i < G_N_ELEMENTS(idle); i++)
            seal_test_lane_free(idle[i]);
        seal_test_host_wait_for(scene->host, &scene->host->n_closed,
                                (round + 1) * G_N_ELEMENTS(idle));
    }
    g_test_minimized_result(beside - alone,
                            "200 idle lanes of others: %.2f us an operation in place of %.2f us",
                            beside, alone);
}

static void
set_up_narrow(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    scene->host = seal_test_host_narrow(scene->home, mood, 1);
    scene->grant = seal_test_lane_grant();
}

#define ADD_NARROW(path, test)                                                                     \
    g_test_add(path, Scene, INSTANT, set_up_narrow, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_NARROW("/lanes/share/full-window-takes-turns", test_full_window_takes_turns);
    ADD_NARROW("/lanes/share/many-lanes-take-turns", test_many_lanes_take_turns);
    ADD_NARROW("/lanes/share/flooder-has-half", test_flooder_has_half);
    ADD_NARROW("/lanes/share/large-refusal-hides-no-flood", test_large_refusal_hides_no_flood);
    ADD_NARROW("/lanes/share/flooder-alone-goes-on", test_flooder_alone_goes_on);
    ADD("/lanes/share/idle-lanes-cost-no-thread", INSTANT, test_idle_lanes_cost_no_thread);
    ADD("/lanes/hang/holds-up-no-lane-of-the-client", INSTANT, test_hanging_lanes_of_one_client);
    ADD("/lanes/hang/holds-up-no-other-client", INSTANT, test_hanging_lanes_of_many_clients);
    if (g_test_perf())
        ADD("/lanes/share/cost-of-idle-lanes", INSTANT, test_cost_of_idle_lanes);
    return g_test_run();
}
