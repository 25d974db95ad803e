/* The event loop: watches come when ready, deadlines once, and freeing is allowed anywhere. */
#include "base/loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/wait.h"

typedef struct {
    SealLoop *loop;
    SealWatch *watch;
    SealWatch *victim; /* freed by the callback */
    int read_fd, write_fd;
    guint calls, deadlines;
    uint32_t last;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    int ends[2];

    g_assert_no_errno(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    fixture->read_fd = ends[0];
    fixture->write_fd = ends[1];
    fixture->loop = seal_loop_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    seal_watch_free(fixture->watch);
    seal_watch_free(fixture->victim);
    seal_loop_free(fixture->loop);
    seal_fd_clear(&fixture->read_fd);
    seal_fd_clear(&fixture->write_fd);
}

static void
count(uint32_t events, gpointer user_data)
{
    Fixture *fixture = user_data;
    char byte = 0;

    fixture->calls++;
    fixture->deadlines += events == 0;
    fixture->last = events;
    if (events & EPOLLIN)
        g_assert_cmpint(read(fixture->read_fd, &byte, 1), >=, 0);
}

static gboolean
was_called(gpointer data)
{
    return ((Fixture *)data)->calls > 0;
}

static void
run_dry(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
test_ready_descriptor_is_told(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, EPOLLIN, count, fixture);
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 0);
    g_assert_cmpint(write(fixture->write_fd, "x", 1), ==, 1);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    g_assert_cmphex(fixture->last, ==, EPOLLIN);
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 1);
}

static void
test_hang_up_is_told_without_asking(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, 0, count, fixture);
    seal_fd_clear(&fixture->write_fd);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    g_assert_true(fixture->last & EPOLLHUP);
}

static void
test_events_can_be_changed(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, 0, count, fixture);
    g_assert_cmpint(write(fixture->write_fd, "x", 1), ==, 1);
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 0);
    seal_watch_set_events(fixture->watch, EPOLLIN);
    seal_watch_set_events(fixture->watch, EPOLLIN);
    g_assert_true(seal_test_wait_until(was_called, fixture));
}

static void
test_deadline_comes_once(Fixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    fixture->watch = seal_loop_watch(fixture->loop, -1, 0, count, fixture);
    seal_watch_set_deadline(fixture->watch, began + 20000);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 20000);
    run_dry();
    g_assert_cmpuint(fixture->deadlines, ==, 1);
}

static void
test_cleared_deadline_does_not_come(Fixture *fixture, gconstpointer data)
{
    Fixture other = {.loop = fixture->loop};

    fixture->watch = seal_loop_watch(fixture->loop, -1, 0, count, fixture);
    other.watch = seal_loop_watch(fixture->loop, -1, 0, count, &other);
    seal_watch_set_deadline(fixture->watch, g_get_monotonic_time() + 1000);
    seal_watch_set_deadline(fixture->watch, -1);
    seal_watch_set_deadline(other.watch, g_get_monotonic_time() + 10000);
    g_assert_true(seal_test_wait_until(was_called, &other));
    g_assert_cmpuint(fixture->calls, ==, 0);
    seal_watch_free(other.watch);
}

static void
test_earliest_deadline_comes_first(Fixture *fixture, gconstpointer data)
{
    Fixture late = {.loop = fixture->loop};

    fixture->watch = seal_loop_watch(fixture->loop, -1, 0, count, fixture);
    late.watch = seal_loop_watch(fixture->loop, -1, 0, count, &late);
    seal_watch_set_deadline(late.watch, g_get_monotonic_time() + 60 * G_USEC_PER_SEC);
    seal_watch_set_deadline(fixture->watch, g_get_monotonic_time());
    g_assert_true(seal_test_wait_until(was_called, fixture));
    g_assert_cmpuint(late.calls, ==, 0);
    seal_watch_free(late.watch);
}

static void
rearm(uint32_t events, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->deadlines++;
    if (fixture->deadlines < 3)
        seal_watch_set_deadline(fixture->watch, g_get_monotonic_time() + 100);
    else
        fixture->calls = 1;
}

static void
test_deadline_can_be_set_in_its_callback(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, -1, 0, rearm, fixture);
    seal_watch_set_deadline(fixture->watch, 0);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    g_assert_cmpuint(fixture->deadlines, ==, 3);
}

static void
free_both(uint32_t events, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->calls++;
    g_clear_pointer(&fixture->watch, seal_watch_free);
    g_clear_pointer(&fixture->victim, seal_watch_free);
}

/* Both are ready in one batch; whichever comes first frees the other, which must not be called. */
static void
test_callback_may_free_any_watch(Fixture *fixture, gconstpointer data)
{
    g_auto(SealFd) second = fcntl(fixture->read_fd, F_DUPFD_CLOEXEC, 0);

    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, EPOLLIN, free_both, fixture);
    fixture->victim = seal_loop_watch(fixture->loop, second, EPOLLIN, free_both, fixture);
    g_assert_cmpint(write(fixture->write_fd, "x", 1), ==, 1);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 1);
}

static void
test_callback_may_free_a_watch_with_deadline(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, -1, 0, free_both, fixture);
    fixture->victim = seal_loop_watch(fixture->loop, -1, 0, free_both, fixture);
    seal_watch_set_deadline(fixture->watch, 0);
    seal_watch_set_deadline(fixture->victim, 0);
    g_assert_true(seal_test_wait_until(was_called, fixture));
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 1);
}

static void
test_freed_watch_leaves_its_descriptor(Fixture *fixture, gconstpointer data)
{
    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, EPOLLIN, count, fixture);
    g_clear_pointer(&fixture->watch, seal_watch_free);
    seal_watch_free(NULL);
    g_assert_cmpint(fcntl(fixture->read_fd, F_GETFD), >=, 0);
    g_assert_cmpint(write(fixture->write_fd, "x", 1), ==, 1);
    run_dry();
    g_assert_cmpuint(fixture->calls, ==, 0);
}

#define ADD(path, function) g_test_add("/loop/" path, Fixture, NULL, set_up, function, tear_down)

/* As of a connection that sd-bus closed while a child was between fork and exec. */
static void
test_closed_descriptor_lives_elsewhere(Fixture *fixture, gconstpointer data)
{
    int elsewhere = fcntl(fixture->read_fd, F_DUPFD_CLOEXEC, 0);

    g_assert_no_errno(elsewhere);
    fixture->watch = seal_loop_watch(fixture->loop, fixture->read_fd, EPOLLIN, count, fixture);
    seal_fd_clear(&fixture->read_fd);
    g_clear_pointer(&fixture->watch, seal_watch_free);
    g_assert_cmpint(write(fixture->write_fd, "x", 1), ==, 1);
    g_assert_true(g_main_context_iteration(NULL, FALSE)); /* it is told of, for nobody */
    g_assert_cmpuint(fixture->calls, ==, 0);
    seal_fd_clear(&elsewhere);
    g_assert_false(g_main_context_iteration(NULL, FALSE));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("ready/is-told", test_ready_descriptor_is_told);
    ADD("hang-up/is-told-without-asking", test_hang_up_is_told_without_asking);
    ADD("events/can-be-changed", test_events_can_be_changed);
    ADD("deadline/comes-once", test_deadline_comes_once);
    ADD("deadline/cleared-does-not-come", test_cleared_deadline_does_not_come);
    ADD("deadline/earliest-first", test_earliest_deadline_comes_first);
    ADD("deadline/set-in-its-callback", test_deadline_can_be_set_in_its_callback);
    ADD("free/any-watch-in-a-callback", test_callback_may_free_any_watch);
    ADD("free/watch-with-deadline", test_callback_may_free_a_watch_with_deadline);
    ADD("free/leaves-the-descriptor", test_freed_watch_leaves_its_descriptor);
    ADD("free/closed-descriptor-lives-elsewhere", test_closed_descriptor_lives_elsewhere);
    return g_test_run();
}
