/* The module as a guest: threads, forks, locks of the program's own, an end in the middle of a
 * call, and an agent or a token that goes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/module/module-fixture.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

#define N_THREADS 8

static CK_RV
sign_once(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature;
    CK_RV rv = place->calls->C_SignInit(session, &mechanism, key);

    return rv == CKR_OK ? place->calls->C_Sign(session, digest, sizeof digest, signature, &len)
                        : rv;
}

static CK_RV
sign_now(ModulePlace *place)
{
    CK_SESSION_HANDLE session = module_session(place);

    return sign_once(place, session, module_find(place, session, CKO_PRIVATE_KEY, 4));
}

/* -- threads ----------------------------------------------------------------------------------- */

static gpointer
sign_often(gpointer data)
{
    ModulePlace *place = data;
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 4);

    for (int i = 0; i < 20; i++)
        module_is(sign_once(place, session, key), CKR_OK);
    module_is(place->calls->C_CloseSession(session), CKR_OK);
    return NULL;
}

static void
run_threads(ModulePlace *place)
{
    GThread *threads[N_THREADS];

    for (int i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("guest", sign_often, place);
    for (int i = 0; i < N_THREADS; i++)
        (void)g_thread_join(threads[i]);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
}

static void
test_threads(ModulePlace *place, gconstpointer data)
{
    run_threads(place);
}

static gint n_mutexes, n_locks; /* atomic */

static CK_RV
create_mutex(void **ret_mutex)
{
    pthread_mutex_t *mutex = g_new0(pthread_mutex_t, 1);

    (void)pthread_mutex_init(mutex, NULL);
    g_atomic_int_inc(&n_mutexes);
    *ret_mutex = mutex;
    return CKR_OK;
}

static CK_RV
destroy_mutex(void *mutex)
{
    (void)pthread_mutex_destroy(mutex);
    g_free(mutex);
    g_atomic_int_add(&n_mutexes, -1);
    return CKR_OK;
}

static CK_RV
lock_mutex(void *mutex)
{
    g_atomic_int_inc(&n_locks);
    return pthread_mutex_lock(mutex) == 0 ? CKR_OK : CKR_MUTEX_BAD;
}

static CK_RV
unlock_mutex(void *mutex)
{
    return pthread_mutex_unlock(mutex) == 0 ? CKR_OK : CKR_MUTEX_BAD;
}

static void
test_own_mutexes(ModulePlace *place, gconstpointer data)
{
    CK_C_INITIALIZE_ARGS arguments = {create_mutex, destroy_mutex, lock_mutex, unlock_mutex, 0,
                                      NULL};

    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    module_is(place->calls->C_Initialize(&arguments), CKR_OK);
    run_threads(place);
    g_assert_cmpint(g_atomic_int_get(&n_locks), >, 0);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    g_assert_cmpint(g_atomic_int_get(&n_mutexes), ==, 0);
}

/* -- signals
 * ----------------------------------------------------------------------------------------- */

static void
on_alarm(int number)
{
}

/* Programs with timers and profilers: system calls are interrupted all the time. */
static void
test_signals(ModulePlace *place, gconstpointer data)
{
    const struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
    struct sigaction before;

    g_assert_cmpint(sigaction(SIGALRM, &action, &before), ==, 0);
    g_assert_cmpint(setitimer(ITIMER_REAL, &often, NULL), ==, 0);
    for (int i = 0; i < 50; i++) {
        module_is(sign_now(place), CKR_OK);
        module_is(place->calls->C_Finalize(NULL), CKR_OK);
        module_is(place->calls->C_Initialize(NULL), CKR_OK);
    }
    g_assert_cmpint(setitimer(ITIMER_REAL, &never, NULL), ==, 0);
    (void)signal(SIGALRM, SIG_IGN); /* also the last one, which may be on its way */
    g_assert_cmpint(sigaction(SIGALRM, &before, NULL), ==, 0);
}

/* -- a person who takes time
 * ------------------------------------------------------------------------ */

static gpointer
sign_in_thread(gpointer data)
{
    return GSIZE_TO_POINTER(sign_now(data));
}

/* While one thread waits for the person, others search; C_Finalize ends the wait. */
static void
test_prompt(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 4);
    GThread *thread = NULL;

    seal_test_pinentry_answer(place->home, "hang\n");
    thread = g_thread_new("asks", sign_in_thread, place);
    g_assert_true(seal_test_pinentry_wait(place->home, "GETPIN"));
    g_assert_cmpuint(module_count(place, session, CKO_CERTIFICATE), ==, 12);
    g_assert_cmpuint(key, !=, 0);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    g_assert_cmphex(GPOINTER_TO_SIZE(g_thread_join(thread)), ==, CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void
test_cancelled(ModulePlace *place, gconstpointer data)
{
    seal_test_pinentry_answer(place->home, "cancel\n");
    module_is(sign_now(place), CKR_FUNCTION_CANCELED);
}

/* The person is told who asks: this test, not the module. */
static void
test_prompt_names_program(ModulePlace *place, gconstpointer data)
{
    /* As the kernel has it: under valgrind that is valgrind, which hides it in /proc/self. */
    g_autofree char *program = g_file_read_link("/proc/thread-self/exe", NULL);
    g_autofree char *name = g_path_get_basename(program);
    g_autofree char *line = g_strdup_printf("Program: %s (pid %d)", name, (int)getpid());
    g_autofree char *said = NULL;

    module_is(sign_now(place), CKR_OK);
    said = seal_test_pinentry_log(place->home);
    g_assert_nonnull(strstr(said, line));
}

typedef struct {
    ModulePlace *place;
    CK_SLOT_ID slot;
} Wait;

static gpointer
wait_for_event(gpointer data)
{
    Wait *wait = data;

    return GSIZE_TO_POINTER(wait->place->calls->C_WaitForSlotEvent(0, &wait->slot, NULL));
}

static void
test_wait_ends(ModulePlace *place, gconstpointer data)
{
    Wait wait = {place, 0};
    GThread *thread = NULL;

    (void)module_alice(place);
    thread = g_thread_new("waits", wait_for_event, &wait);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    g_assert_cmphex(GPOINTER_TO_SIZE(g_thread_join(thread)), ==, CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* -- forks
 * ---------------------------------------------------------------------------------------------- */

static int
be_child(ModulePlace *place)
{
    CK_INFO info;

    if (place->calls->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (place->calls->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 2;
    if (place->calls->C_Initialize(NULL) != CKR_OK)
        return 3;
    if (sign_now(place) != CKR_OK)
        return 4;
    return place->calls->C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static void
test_fork(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 4);

    module_is(sign_once(place, session, key), CKR_OK);
    module_run_child(place, be_child);
    module_is(sign_once(place, session, key), CKR_OK);
}

/* The child is made while other threads are anywhere in the module. AddressSanitizer of gcc 12 does
 * not guard its own allocator at a fork, as glibc does: a child made while another thread allocates
 * hangs in its first malloc(). */
static void
test_fork_among_threads(ModulePlace *place, gconstpointer data)
{
#ifdef __SANITIZE_ADDRESS__
    g_test_skip("AddressSanitizer's allocator does not survive a fork among threads");
#else
    GThread *threads[2];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("guest", sign_often, place);
    for (int i = 0; i < 5; i++)
        module_run_child(place, be_child);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        (void)g_thread_join(threads[i]);
#endif
}

static gpointer
read_time_zone(gpointer data)
{
    tzset();
    return NULL;
}

/* As when another thread is in localtime(), which has a lock that no child gets. The time zone here is a
 * pipe: who reads it has the lock until its other end is closed. */
static void
test_fork_while_time_zone_is_read(ModulePlace *place, gconstpointer data)
{
    g_autofree char *pipe = seal_test_fixture_path(place->home, "zone");
    g_autofree char *zone = g_strconcat(":", pipe, NULL);
    GThread *reader = NULL;
    int writer = -1;

    module_is(sign_now(place), CKR_OK);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    (void)g_setenv("TZ", zone, TRUE);
    reader = g_thread_new("zone", read_time_zone, NULL);
    writer = open(pipe, O_WRONLY | O_CLOEXEC); /* waits for the reader */
    g_assert_cmpint(writer, >=, 0);
    module_run_child(place, be_child);
    (void)close(writer);
    (void)g_thread_join(reader);
    g_unsetenv("TZ");
}

/* -- what goes
 * ---------------------------------------------------------------------------------------------- */

static void
test_agent_restart(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 4);

    module_is(sign_once(place, session, key), CKR_OK);
    module_stop_agent(place);
    /* Sessions hold nothing of the agent's: the same one goes on, with another agent. */
    module_is(sign_once(place, session, key), CKR_OK);
    module_is(sign_now(place), CKR_OK);
}

static guint
count_events(ModulePlace *place)
{
    CK_SLOT_ID slot = 0;
    guint n = 0;

    while (place->calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_OK)
        n++;
    return n;
}

static void
test_token_goes(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_SLOT_ID alice = module_alice(place);
    CK_SESSION_INFO info;
    CK_ULONG count = 0;

    module_tokens_go(place);
    module_is(place->calls->C_GetSessionInfo(session, &info), CKR_DEVICE_REMOVED);
    module_is(place->calls->C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session),
              CKR_TOKEN_NOT_PRESENT);
    module_is(place->calls->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    g_assert_cmpuint(count, ==, 0);
    g_assert_cmpuint(count_events(place), ==, 3);

    module_tokens_return(place);
    g_assert_cmpuint(module_alice(place), ==, alice);
    g_assert_cmpuint(count_events(place), ==, 3);
    module_is(sign_now(place), CKR_OK);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/threads/sign-at-once", test_threads},
        {"/threads/own-mutexes", test_own_mutexes},
        {"/signals/interrupt-nothing", test_signals},
        {"/prompt/holds-up-nobody", test_prompt},
        {"/prompt/cancelled", test_cancelled},
        {"/prompt/names-the-program", test_prompt_names_program},
        {"/finalize/ends-wait-for-event", test_wait_ends},
        {"/fork/child-starts-anew", test_fork},
        {"/fork/among-threads", test_fork_among_threads},
        {"/fork/while-the-time-zone-is-read", test_fork_while_time_zone_is_read},
        {"/gone/agent", test_agent_restart},
        {"/gone/token", test_token_goes},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
