/* From C_Initialize to dlclose: many threads that begin and end it, locks that cannot be made, an
 * agent that is not there or does not answer, and what is left in the end. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/module/module-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* -- beginning and end at once ---------------------------------------------------------------- */

#define N_THREADS 4
#define N_ROUNDS  50

static gint n_begun, n_ended; /* atomic */

/* Every answer is one that the standard has for a module that may be initialised or not. */
static gpointer
begin_and_end(gpointer data)
{
    CK_FUNCTION_LIST *calls = ((ModulePlace *)data)->calls;

    for (int i = 0; i < N_ROUNDS; i++) {
        CK_RV begun = calls->C_Initialize(NULL), asked = CKR_OK, ended = CKR_OK;
        CK_ULONG count = 0;

        g_assert_true(begun == CKR_OK || begun == CKR_CRYPTOKI_ALREADY_INITIALIZED);
        asked = calls->C_GetSlotList(CK_TRUE, NULL, &count);
        g_assert_true(asked == CKR_OK || asked == CKR_CRYPTOKI_NOT_INITIALIZED);
        ended = calls->C_Finalize(NULL);
        g_assert_true(ended == CKR_OK || ended == CKR_CRYPTOKI_NOT_INITIALIZED);
        g_atomic_int_add(&n_begun, begun == CKR_OK);
        g_atomic_int_add(&n_ended, ended == CKR_OK);
    }
    return NULL;
}

static void
test_at_once(ModulePlace *place, gconstpointer data)
{
    GThread *threads[N_THREADS];

    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    for (int i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("life", begin_and_end, place);
    for (int i = 0; i < N_THREADS; i++)
        (void)g_thread_join(threads[i]);
    g_assert_cmpint(g_atomic_int_get(&n_begun), ==, g_atomic_int_get(&n_ended));
    module_is(place->calls->C_Initialize(NULL), CKR_OK);
    (void)module_alice(place);
}

/* -- a program's own locks -------------------------------------------------------------------- */

static int n_made, n_locked, makes_before_failure;

static CK_RV
create_mutex(void **ret_mutex)
{
    if (makes_before_failure-- <= 0)
        return CKR_HOST_MEMORY;
    *ret_mutex = g_new0(char, 1);
    n_made++;
    return CKR_OK;
}

static CK_RV
destroy_mutex(void *mutex)
{
    g_free(mutex);
    n_made--;
    return CKR_OK;
}

static CK_RV
use_mutex(void *mutex)
{
    n_locked++;
    return CKR_OK;
}

/* One thread only: the locks need not lock. */
static CK_C_INITIALIZE_ARGS own_locks = {create_mutex, destroy_mutex, use_mutex, use_mutex, 0,
                                         NULL};

static void
test_failing_mutex(ModulePlace *place, gconstpointer data)
{
    int n = 0;

    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    for (n = 0; n < 16; n++) {
        CK_RV rv = CKR_OK;

        makes_before_failure = n;
        rv = place->calls->C_Initialize(&own_locks);
        if (rv == CKR_OK)
            break;
        module_is(rv, CKR_HOST_MEMORY);
        g_assert_cmpint(n_made, ==, 0);
        module_is(place->calls->C_GetInfo(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    g_assert_cmpint(n, >, 0);
    g_assert_cmpint(n_made, ==, n);
    n_locked = 0;
    (void)module_alice(place);
    g_assert_cmpint(n_locked, >, 0);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    g_assert_cmpint(n_made, ==, 0);
}

/* PKCS#11 5.4: with CKF_OS_LOCKING_OK either kind will do, and the system's is taken. */
static void
test_os_locks_are_preferred(ModulePlace *place, gconstpointer data)
{
    CK_C_INITIALIZE_ARGS either = own_locks;

    either.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS;
    makes_before_failure = 0;
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    module_is(place->calls->C_Initialize(&either), CKR_OK);
    (void)module_alice(place);
}

/* -- slots ------------------------------------------------------------------------------------ */

static CK_SLOT_ID slot_before;

static int
find_alice_again(ModulePlace *place)
{
    if (place->calls->C_Initialize(NULL) != CKR_OK)
        return 1;
    return module_alice(place) == slot_before ? 0 : 2;
}

/* In this program after another beginning, with another agent, and in another program. */
static void
test_slots_keep_their_ids(ModulePlace *place, gconstpointer data)
{
    CK_SLOT_ID alice = module_alice(place);

    module_stop_agent(place);
    g_assert_cmpuint(module_alice(place), ==, alice);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    module_is(place->calls->C_Initialize(NULL), CKR_OK);
    g_assert_cmpuint(module_alice(place), ==, alice);
    slot_before = alice;
    module_run_child(place, find_alice_again);
}

/* -- the agent -------------------------------------------------------------------------------- */

static void
test_agent_is_activated(ModulePlace *place, gconstpointer data)
{
    g_assert_cmpint(seal_test_bus_pid_of(SEAL_TEST_AGENT_NAME), ==, 0);
    (void)module_alice(place);
    g_assert_cmpint(seal_test_bus_pid_of(SEAL_TEST_AGENT_NAME), >, 0);
}

/* Searching asks nobody: an agent that is stopped does not matter. */
static void
test_search_needs_no_agent(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    pid_t agent = seal_test_agent_pid(place->home);
    CK_BYTE value[4096];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};

    (void)alarm(60); /* ends the test where it would wait */
    g_assert_cmpint(kill(agent, SIGSTOP), ==, 0);
    g_assert_cmpuint(module_count(place, session, CKO_CERTIFICATE), ==, 12);
    g_assert_cmpuint(module_find(place, session, CKO_PRIVATE_KEY, 4), !=, 0);
    module_is(place->calls->C_GetAttributeValue(
                  session, module_find(place, session, CKO_CERTIFICATE, 4), &attribute, 1),
              CKR_OK);
    module_is(place->calls->C_CloseSession(module_session(place)), CKR_OK);
    g_assert_cmpint(kill(agent, SIGCONT), ==, 0);
    (void)alarm(0);
}

static guint
count_descriptors(void)
{
    GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(folder))
        n++;
    g_dir_close(folder);
    return n;
}

static gpointer
list_slots(gpointer data)
{
    CK_ULONG count = 0;

    return GSIZE_TO_POINTER(((ModulePlace *)data)->calls->C_GetSlotList(CK_TRUE, NULL, &count));
}

/* An agent that does not answer holds up nobody who wants to end. */
static void
test_finalize_ends_a_hung_listing(ModulePlace *place, gconstpointer data)
{
    pid_t agent = seal_test_agent_pid(place->home);
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    guint before = 0;
    GThread *thread = NULL;

    g_assert_cmpint(kill(agent, SIGSTOP), ==, 0);
    before = count_descriptors();
    thread = g_thread_new("lists", list_slots, place);
    while (count_descriptors() <= before) /* it has a connection, and waits or will */
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    g_assert_cmphex(GPOINTER_TO_SIZE(g_thread_join(thread)), ==, CKR_CRYPTOKI_NOT_INITIALIZED);
    g_assert_cmpint(kill(agent, SIGCONT), ==, 0);
}

/* -- what is left ----------------------------------------------------------------------------- */

static SealTestResult *
run_bare_guest(ModulePlace *place)
{
    g_autofree char *program = seal_test_built("tests/module/bare-guest");
    g_autofree char *module = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    const char *argv[] = {program, module, "4", NULL};

    return seal_test_run(place->home, argv, NULL);
}

/* A program that links nothing of what the module uses: no descriptor, thread, signal handler or
 * mapping of ours stays, and nothing is written. */
static void
test_unloading_leaves_nothing(ModulePlace *place, gconstpointer data)
{
    g_autoptr(SealTestResult) result = run_bare_guest(place);
    g_auto(GStrv) lines = g_strsplit(result->out, "\n", -1);

    g_assert_cmpstr(result->err, ==, "");
    g_assert_cmpint(result->status, ==, 0);
    g_assert_cmpuint(g_strv_length(lines), ==, 6);
    for (gsize i = 0; i < 5; i++)
        g_assert_cmpstr(lines[i], ==, "+0 descriptors, +0 threads, +0 handlers, +0 mappings");
}

/* The program says why it ends; the module says nothing to anybody's terminal. */
static void
test_no_agent_says_nothing(ModulePlace *place, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;

    seal_test_home_setenv(place->home, "PRIVYSEAL_ADDRESS", "unix:path=/nobody/listens/here");
    result = run_bare_guest(place);
    g_assert_cmpstr(result->out, ==, "C_SignInit: 0xb3\n"); /* no slot, no session */
    g_assert_cmpstr(result->err, ==, "");
    seal_test_home_setenv(place->home, "PRIVYSEAL_ADDRESS", NULL);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/life/initialize/at-once-from-many-threads", test_at_once},
        {"/life/initialize/failing-mutex-is-told", test_failing_mutex},
        {"/life/initialize/os-locks-are-preferred", test_os_locks_are_preferred},
        {"/life/slots/keep-their-ids", test_slots_keep_their_ids},
        {"/life/agent/is-activated", test_agent_is_activated},
        {"/life/agent/search-needs-none", test_search_needs_no_agent},
        {"/life/finalize/ends-a-hung-listing", test_finalize_ends_a_hung_listing},
        {"/life/unload/leaves-nothing", test_unloading_leaves_nothing},
        {"/life/no-agent/says-nothing", test_no_agent_says_nothing},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
