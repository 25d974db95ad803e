/* The agent's book of lanes by itself: words that only the agent can write, and records that must
 * be complete. The test is the host. */
#include "pkcs11/token/lane-book.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    SealLaneBook *book;
    int ours, theirs;
    const guint32 *words;
    guint64 sequence;
    guint n_used, n_closed;
    guint32 closed;
    SealLaneEnd why;
} Scene;

static void
on_used(const SealLaneRecord *record, gpointer user_data)
{
    ((Scene *)user_data)->n_used++;
}

static void
on_closed(guint32 lane, SealLaneEnd why, gpointer user_data)
{
    Scene *scene = user_data;

    scene->n_closed++;
    scene->closed = lane;
    scene->why = why;
}

static const SealLaneBookEvents events = {on_used, on_closed};

static void
scene_set_up(Scene *scene, gconstpointer data)
{
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    scene->ours = ends[0];
    scene->theirs = ends[1];
    scene->book = seal_lane_book_new(scene->ours, &events, scene);
    g_assert_nonnull(scene->book);
    scene->words = mmap(NULL, SEAL_LANES_MAX * sizeof(guint32), PROT_READ, MAP_SHARED,
                        seal_lane_book_words(scene->book), 0);
    g_assert_true(scene->words != MAP_FAILED);
}

static void
scene_tear_down(Scene *scene, gconstpointer data)
{
    (void)munmap((void *)scene->words, SEAL_LANES_MAX * sizeof(guint32));
    seal_lane_book_free(scene->book);
    (void)close(scene->ours);
    (void)close(scene->theirs);
}

static guint32
open_lane(Scene *scene, guint32 lane)
{
    guint32 word = SEAL_LANES_MAX;

    g_assert_true(seal_lane_book_open(scene->book, lane, &word));
    g_assert_cmpuint(word, <, SEAL_LANES_MAX);
    return word;
}

static void
record(Scene *scene, guint32 lane, guint8 use, guint32 lane_sequence)
{
    SealLaneRecord sent = {
        .sequence = ++scene->sequence, .lane = lane, .lane_sequence = lane_sequence, .use = use};

    g_assert_cmpint(send(scene->theirs, &sent, sizeof sent, 0), ==, sizeof sent);
}

static void
test_word_is_the_number_while_open(Scene *scene, gconstpointer data)
{
    guint32 word = open_lane(scene, 7);

    g_assert_cmpuint(scene->words[word], ==, 7);
    g_assert_true(seal_lane_book_end(scene->book, 7, SEAL_LANE_LOCKED));
    g_assert_cmpuint(scene->words[word], ==, seal_lane_word(SEAL_LANE_LOCKED));
    g_assert_true(
        seal_lane_book_end(scene->book, 7, SEAL_LANE_EXPIRED)); /* the first reason stays */
    g_assert_cmpuint(scene->words[word], ==, seal_lane_word(SEAL_LANE_LOCKED));
    g_assert_true(seal_lane_book_close(scene->book, 7, SEAL_LANE_CLOSED));
    g_assert_cmpuint(scene->n_closed, ==, 1);
    g_assert_cmpint(scene->why, ==, SEAL_LANE_LOCKED);
    g_assert_false(seal_lane_book_end(scene->book, 7, SEAL_LANE_LOCKED));
    g_assert_true(seal_lane_book_close(scene->book, 7, SEAL_LANE_CLOSED));
    g_assert_cmpuint(scene->n_closed, ==, 1);
}

/* What the host maps, it maps for reading: sealed, whatever the descriptor allows. */
static void
test_host_cannot_write_words(Scene *scene, gconstpointer data)
{
    int fd = seal_lane_book_words(scene->book);
    const gsize len = SEAL_LANES_MAX * sizeof(guint32);
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    g_assert_true(memory == MAP_FAILED);
    g_assert_cmpint(write(fd, "1234", 4), <, 0);
    g_assert_cmpint(ftruncate(fd, 0), <, 0);
    g_assert_cmpint(mprotect((void *)scene->words, len, PROT_READ | PROT_WRITE), <, 0);
}

static void
test_numbers_and_words_are_limited(Scene *scene, gconstpointer data)
{
    guint32 word = 0;

    for (guint32 lane = 1; lane <= SEAL_LANES_MAX; lane++)
        open_lane(scene, lane);
    g_assert_false(seal_lane_book_open(scene->book, SEAL_LANES_MAX + 1, &word));
    g_assert_true(seal_lane_book_close(scene->book, 9, SEAL_LANE_CLOSED));
    g_assert_true(seal_lane_book_open(scene->book, SEAL_LANES_MAX + 1, &word));
    g_assert_false(seal_lane_book_open(scene->book, SEAL_LANES_MAX + 1, &word));
    seal_lane_book_end_all(scene->book, SEAL_LANE_HOST_ENDED);
    for (guint32 i = 0; i < SEAL_LANES_MAX; i++)
        g_assert_cmpuint(scene->words[i], ==, seal_lane_word(SEAL_LANE_HOST_ENDED));
    seal_lane_book_close_all(scene->book, SEAL_LANE_HOST_ENDED);
    g_assert_cmpuint(scene->n_closed, ==, SEAL_LANES_MAX + 1);
    g_assert_false(seal_lane_book_open(scene->book, 0, &word));
    g_assert_false(seal_lane_book_open(scene->book, SEAL_LANE_WORD_ENDED, &word));
}

static void
test_records_are_told_before_the_end(Scene *scene, gconstpointer data)
{
    open_lane(scene, 1);
    for (guint i = 1; i <= 100; i++)
        record(scene, 1, SEAL_LANE_USE_STARTS, i);
    record(scene, 1, SEAL_LANE_USE_FAILED, 100);
    g_assert_true(seal_lane_book_close(scene->book, 1, SEAL_LANE_CLOSED));
    g_assert_cmpuint(scene->n_used, ==, 101);
    g_assert_cmpuint(scene->n_closed, ==, 1);
}

typedef struct {
    const Scene *scene;
    guint told;
} Waiting;

static void
on_over(gpointer user_data)
{
    Waiting *waiting = user_data;

    waiting->told++;
    g_assert_cmpuint(waiting->scene->n_closed, ==, 1);
}

/* The host is asked by the first, and answers, or ends, for all. */
static void
test_all_waiters_are_told(Scene *scene, gconstpointer ends)
{
    Waiting waiting = {scene, 0};

    open_lane(scene, 1);
    g_assert_true(seal_lane_book_end(scene->book, 1, SEAL_LANE_REVOKED));
    g_assert_true(seal_lane_book_await(scene->book, 1, NULL, NULL));
    g_assert_false(seal_lane_book_await(scene->book, 1, on_over, &waiting));
    g_assert_false(seal_lane_book_await(scene->book, 1, on_over, &waiting));
    g_assert_cmpuint(waiting.told, ==, 0);
    if (ends)
        seal_lane_book_close_all(scene->book, SEAL_LANE_HOST_ENDED);
    else
        g_assert_true(seal_lane_book_close(scene->book, 1, SEAL_LANE_CLOSED));
    g_assert_cmpuint(waiting.told, ==, 2);
    g_assert_cmpint(scene->why, ==, SEAL_LANE_REVOKED);
}

static void
test_records_outlive_the_host(Scene *scene, gconstpointer data)
{
    open_lane(scene, 1);
    for (guint i = 1; i <= 5; i++)
        record(scene, 1, SEAL_LANE_USE_STARTS, i);
    (void)shutdown(scene->theirs, SHUT_RDWR);
    seal_lane_book_close_all(scene->book, SEAL_LANE_HOST_ENDED);
    g_assert_cmpuint(scene->n_used, ==, 5);
    g_assert_cmpint(scene->why, ==, SEAL_LANE_HOST_ENDED);
}

/* -- records that are none -----------------------------------------------------------------------
 */

/* `kind` says which rule the record breaks. */
static void
test_bad_records(Scene *scene, gconstpointer kind)
{
    SealLaneRecord bad = {
        .sequence = 2, .lane = 1, .lane_sequence = 2, .use = SEAL_LANE_USE_STARTS};
    gsize len = sizeof bad;

    open_lane(scene, 1);
    record(scene, 1, SEAL_LANE_USE_STARTS, 1);
    if (strcmp(kind, "gap") == 0)
        bad.sequence = 3;
    else if (strcmp(kind, "lane-gap") == 0)
        bad.lane_sequence = 3;
    else if (strcmp(kind, "again") == 0)
        bad.sequence = 1;
    else if (strcmp(kind, "lane") == 0)
        bad.lane = 2;
    else if (strcmp(kind, "use") == 0)
        bad.use = 9;
    else if (strcmp(kind, "failure") == 0)
        bad.use = SEAL_LANE_USE_FAILED;
    else if (strcmp(kind, "status") == 0)
        bad.status = SEAL_ERROR_LAST + 1;
    else
        len = 63;
    g_assert_cmpint(send(scene->theirs, &bad, len, 0), ==, len);
    g_assert_false(seal_lane_book_drain(scene->book));
    g_assert_cmpuint(scene->n_used, ==, 1);
    g_assert_false(seal_lane_book_drain(scene->book));
}

#define ADD(path, data, test) g_test_add(path, Scene, data, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    ADD("/lane-book/word/is-the-number-while-open", NULL, test_word_is_the_number_while_open);
    ADD("/lane-book/word/host-cannot-write", NULL, test_host_cannot_write_words);
    ADD("/lane-book/word/numbers-are-limited", NULL, test_numbers_and_words_are_limited);
    ADD("/lane-book/end/all-who-wait-are-told", NULL, test_all_waiters_are_told);
    ADD("/lane-book/end/all-who-wait-are-told-of-a-lost-host", "ends", test_all_waiters_are_told);
    ADD("/lane-book/records/are-told-before-the-end", NULL, test_records_are_told_before_the_end);
    ADD("/lane-book/records/outlive-the-host", NULL, test_records_outlive_the_host);
    ADD("/lane-book/records/gap-is-nonsense", "gap", test_bad_records);
    ADD("/lane-book/records/gap-of-a-lane-is-nonsense", "lane-gap", test_bad_records);
    ADD("/lane-book/records/again-is-nonsense", "again", test_bad_records);
    ADD("/lane-book/records/unknown-lane-is-nonsense", "lane", test_bad_records);
    ADD("/lane-book/records/unknown-use-is-nonsense", "use", test_bad_records);
    ADD("/lane-book/records/failure-of-nothing-is-nonsense", "failure", test_bad_records);
    ADD("/lane-book/records/unknown-status-is-nonsense", "status", test_bad_records);
    ADD("/lane-book/records/short-one-is-nonsense", "short", test_bad_records);
    return g_test_run();
}
