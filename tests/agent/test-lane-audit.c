/* Nothing is done that the audit does not tell, whatever becomes of host and agent: what the module
 * counts as it begins (starts.h) is compared with the agent's log, for lanes and for the agent's
 * own path. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "pkcs11/wire/messages.h"
#include "tests/agent/lane-load.h"
#include "tests/support/agent.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* How often the host is killed. */
#define KILLS 5u
/* What the caller of the agent signs. */
#define MARK 200u
/* Uses that may be recorded and not begun when a host is killed: one for each thread at the
 * clients' lanes. */
#define UNDER_WAY (1u + 2u + 3u)

/* -- what the log says ----------------------------------------------------------------------------
 */

/* Uses that it tells of lane `number`; none is missing. */
static guint
count_uses(const char *log, guint32 number)
{
    g_autofree char *lane = g_strdup_printf(" on lane %u (use ", number);
    guint n = 0;

    for (const char *at = log; (at = strstr(at, lane)); at++) {
        const char *colon = strchr(at, ')');

        colon = strstr(colon + 1, "): ");
        if (!g_str_has_prefix(colon, "): started"))
            continue;
        g_assert_cmpuint(g_ascii_strtoull(at + strlen(lane), NULL, 10), ==, ++n);
    }
    return n;
}

static guint
count_lines(const char *log, const char *start)
{
    guint n = 0;

    for (const char *at = log; (at = strstr(at, start)); at++)
        n++;
    return n;
}

static void
wait_for_no_lanes(Load *load)
{
    while (count_listed(load->world.connection, NULL) > 0)
        g_thread_yield();
}

/* -- killed hosts ---------------------------------------------------------------------------------
 */

/* Asks the agent for signatures, which fail now and then. */
typedef struct {
    GDBusConnection *connection;
    char *key;
    gint is_done; /* atomic */
    guint asked;
} Caller;

static gpointer
caller_main(gpointer data)
{
    Caller *caller = data;
    const guint8 digest[32] = {MARK};

    while (!g_atomic_int_get(&caller->is_done)) {
        g_autoptr(GBytes) signature = seal_test_sign(caller->connection, caller->key, "ecdsa",
                                                     "sha256", digest, sizeof digest, NULL);

        caller->asked++;
    }
    return NULL;
}

static pid_t
host_pid(Load *load)
{
    g_autoptr(GArray) children = seal_test_children(seal_test_agent_pid(load->world.home));

    g_assert_cmpuint(children->len, ==, 1);
    return g_array_index(children, pid_t, 0);
}

/* By the agent's own path, done or not; those of lanes are told with the lane before the program.
 */
static guint
count_calls(const char *log)
{
    return count_lines(log, "sign with key 'Alice P-256 signing' on token 'Alice' for ") +
           count_lines(log, "sign with key 'Alice P-256 signing' for ");
}

static void
expect_every_start_in_the_log(Load *load, const Caller *caller, const guint32 (*numbers)[CLIENTS])
{
    g_autofree char *log = seal_test_agent_log(load->world.home);
    guint direct = 0, uses = 0;

    while ((direct = count_calls(log)) < caller->asked) { /* it writes after it has answered */
        g_free(log);
        log = seal_test_agent_log(load->world.home);
    }

    for (guint i = 0; i < KILLS; i++)
        for (guint n = 0; n < CLIENTS; n++)
            uses += count_uses(log, numbers[i][n]);
    g_test_message("%u starts, %u records; %u asked of the agent, %u lines, %u starts",
                   load_count(load), uses, caller->asked, direct,
                   seal_test_starts(load->starts, MARK));
    g_assert_cmpuint(uses, >=, load_count(load));
    g_assert_cmpuint(uses, <=, load_count(load) + KILLS * UNDER_WAY);
    g_assert_cmpuint(direct, ==, caller->asked);
    g_assert_cmpuint(seal_test_starts(load->starts, MARK), >, 0);
    g_assert_cmpuint(seal_test_starts(load->starts, MARK), <=, direct);
    g_assert_null(strstr(log, "not complete"));
}

static void
test_killed_hosts_lose_no_record(Load *load, gconstpointer data)
{
    guint32 numbers[KILLS][CLIENTS];
    Caller caller = {.connection = seal_test_private()};
    GThread *thread = NULL;

    caller.key = seal_test_key(caller.connection, KEY);
    thread = g_thread_new("caller", caller_main, &caller);
    for (guint i = 0; i < KILLS; i++) {
        load_start(load, "");
        for (guint n = 0; n < CLIENTS; n++)
            numbers[i][n] = load->lanes[n].number;
        load_wait(load);
        g_assert_no_errno(kill(host_pid(load), SIGKILL));
        for (guint n = 0; n < CLIENTS; n++) {
            (void)seal_test_signer_join(load->signers[n]);
            lane_clear(&load->lanes[n]);
        }
        wait_for_no_lanes(load);
        g_clear_object(&load->owner);
    }
    g_atomic_int_set(&caller.is_done, TRUE);
    (void)g_thread_join(thread);
    expect_every_start_in_the_log(load, &caller, (const guint32(*)[CLIENTS])numbers);
    g_clear_object(&caller.connection);
    g_free(caller.key);
}

/* -- an agent that takes no records ---------------------------------------------------------------
 */

/* TRUE: signed. FALSE: refused as BUSY. */
static gboolean
sign_on(Lane *lane)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA256, .data_len = 32};
    const guint8 digest[32] = {0};
    struct iovec parts[] = {{(void *)&parameters, sizeof parameters},
                            {(void *)digest, sizeof digest}};
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN,
                              .request = ++lane->last_request,
                              .lane = lane->number,
                              .mechanism = SEAL_MECHANISM_ECDSA,
                              .load = 1};
    guint8 body[4096];

    g_assert_cmpint(seal_frame_send(lane->fd, &header, parts, 2, FALSE), ==, 0);
    g_assert_cmpint(next(lane, &header, body, sizeof body), ==, 1);
    g_assert_cmpint(header.type, ==, SEAL_FRAME_SIGN | SEAL_FRAME_REPLY);
    if (header.status != SEAL_ERROR_NONE)
        g_assert_cmpint(header.status, ==, SEAL_ERROR_BUSY);
    return header.status == SEAL_ERROR_NONE;
}

/* It is stopped, so its queue fills: what does not fit is refused, and what was done is told once
 * it goes on. */
static void
test_stopped_agent_is_no_way_around(Load *load, gconstpointer data)
{
    g_auto(Lane) lane = {0};
    g_autofree char *log = NULL;
    pid_t agent = 0;
    guint done = 0;

    open_lane(&load->world, ECDSA, &lane);
    agent = seal_test_agent_pid(load->world.home);
    g_assert_no_errno(kill(agent, SIGSTOP));
    while (sign_on(&lane))
        done++;
    g_assert_cmpuint(load_count(load), ==, done);
    g_assert_false(sign_on(&lane));
    g_assert_cmpuint(load_count(load), ==, done);
    g_assert_no_errno(kill(agent, SIGCONT));
    while (!sign_on(&lane)) /* it has to catch up first */
        ;
    lane_clear(&lane);
    lane.fd = -1;
    wait_for_no_lanes(load);
    log = seal_test_agent_log(load->world.home);
    g_assert_cmpuint(count_uses(log, lane.number), ==, done + 1);
    g_assert_cmpuint(load_count(load), ==, done + 1);
}

/* Nobody is left to take records: lanes end with their host, and nothing is done after. */
static void
test_dead_agent_ends_lanes(Load *load, gconstpointer data)
{
    pid_t agent = 0, host = 0;
    guint32 started = 0;

    load_start(load, "");
    load_wait(load);
    agent = seal_test_agent_pid(load->world.home);
    host = host_pid(load);
    g_assert_no_errno(kill(agent, SIGKILL));
    for (guint i = 0; i < CLIENTS; i++) {
        SealTestSigned had = seal_test_signer_join(load->signers[i]);

        /* by whichever thread saw it first; or the process ended before anybody could say */
        if (had.end != SEAL_LANE_OPEN && had.end != SEAL_LANE_UNRECORDED)
            g_assert_cmpint(had.end, ==, SEAL_LANE_HOST_ENDED);
        lane_clear(&load->lanes[i]);
    }
    started = load_count(load);
    g_assert_true(seal_test_wait_for_end(host));
    g_assert_cmpuint(load_count(load), ==, started);
    g_clear_object(&load->owner);
}

static void
set_up(Load *load, gconstpointer data)
{
    load_init(load, NULL);
}

static void
tear_down(Load *load, gconstpointer data)
{
    load_clear(load);
}

#define ADD(path, test) g_test_add(path, Load, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/agent/audit/killed-hosts-lose-no-record", test_killed_hosts_lose_no_record);
    ADD("/agent/audit/stopped-agent-is-no-way-around-it", test_stopped_agent_is_no_way_around);
    ADD("/agent/audit/dead-agent-ends-lanes", test_dead_agent_ends_lanes);
    return g_test_run();
}
