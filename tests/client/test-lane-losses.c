/* Every way in which a client loses its lane, with calls under way on it: a blocking one, and more
 * asynchronous ones than the lane's window. Each call must end once, by a signature or by an error
 * that the contract has for it, and what nobody has seen the result of may be asked for again; the
 * next call is served as ever. The module holds what is at the token until the lane is lost. */
#include <signal.h>

#include "base/error.h"
#include "ipc/client/client.h"
#include "tests/client/lanes-scene.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define WINDOW 32
#define CALLS  (WINDOW + 8)

/* One way to lose a lane. */
typedef struct {
    void (*lose)(Scene *scene);
    const char *lines;     /* of the module's group */
    guint32 seconds;       /* of the lane; 0: long */
    gint64 patience_us;    /* of the client; 0: long */
    SealErrorCode code[2]; /* what a call may end with beside a signature */
    guint fail_min;        /* as many of the asynchronous ones end with an error */
    guint prompts_max;     /* PINs that are asked for anew */
} Loss;

/* -- the ways ------------------------------------------------------------------------------------
 */

/* The command waits for what is at the token, which is let go as soon as the lane is taken back. */
static void
run_and_let_go(Scene *scene, const char *const *words)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, words[0], words[1], NULL};

    (void)seal_test_start(scene->home, argv, "command.log");
    while (count_lanes(scene) > 0)
        g_thread_yield();
    set_mood(scene, "");
}

static void
lock(Scene *scene)
{
    run_and_let_go(scene, (const char *const[]){"lock", NULL});
}

static void
take_back(Scene *scene)
{
    run_and_let_go(scene, (const char *const[]){"grants", "revoke"});
}

static void
expire(Scene *scene)
{
    while (count_lanes(scene) > 0)
        g_thread_yield();
    set_mood(scene, "");
}

static void
pull(Scene *scene)
{
    set_mood(scene, "absent=true");
}

static void
kill_host(Scene *scene)
{
    pid_t host = host_pid(scene);

    g_assert_no_errno(kill(host, SIGKILL));
    g_assert_true(seal_test_wait_for_end(host));
    set_mood(scene, "");
}

static void
kill_agent(Scene *scene)
{
    pid_t agent = seal_test_agent_pid(scene->home);

    g_assert_no_errno(kill(agent, SIGKILL));
    g_assert_true(seal_test_wait_for_end(agent));
    set_mood(scene, "");
}

static void
hang(Scene *scene)
{
    set_mood(scene, "hang=sign");
}

static const Loss losses[] = {
    {lock, .prompts_max = 1},
    {take_back},
    {expire, .seconds = 1},
    {pull, .code = {SEAL_ERROR_TOKEN_REMOVED}, .prompts_max = 1},
    {kill_host, .code = {SEAL_ERROR_MODULE_FAILED}, .fail_min = 1, .prompts_max = 1},
    {kill_agent, .code = {SEAL_ERROR_UNREACHABLE, SEAL_ERROR_MODULE_FAILED}, .prompts_max = 1},
    {hang, .lines = "operation-timeout=2", .patience_us = 200 * 1000,
     .code = {SEAL_ERROR_TIMED_OUT, SEAL_ERROR_MODULE_FAILED}, .fail_min = 1, .prompts_max = 3},
};
static const char *const names[] = {"lock",      "revocation", "expiry", "removal",
                                    "host-ends", "agent-ends", "hang"};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == G_N_ELEMENTS(losses));

/* -- with calls under way -------------------------------------------------------------------------
 */

static void
set_up(Scene *scene, gconstpointer data)
{
    const Loss *loss = data;

    scene_set_up_moody(scene, loss->lines);
    scene->client->wish.seconds = loss->seconds;
}

/* Of the calls that are to be lost, not of those around them, which a busy machine may delay. */
static gint64
change_patience(Scene *scene, gint64 patience_us)
{
    gint64 before_us = scene->client->patience_us;

    if (patience_us > 0)
        scene->client->patience_us = patience_us;
    return before_us;
}

/* The token is well again: the next signature comes as if nothing had been. */
static void
expect_recovery(Scene *scene, const Loss *loss, guint prompts)
{
    set_mood(scene, "");
    if (loss->lose == pull) /* the agent looks for it when asked */
        seal_client_objects_free(seal_client_list(scene->client, TRUE, NULL));
    sign(scene, 1);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), <=, prompts + loss->prompts_max);
}

static guint
count_failed(const Tally *tally, const Loss *loss)
{
    guint failed = 0;

    for (guint code = 0; code < G_N_ELEMENTS(tally->failed); code++) {
        if (tally->failed[code] == 0)
            continue;
        g_test_message("%u calls failed: %s", tally->failed[code],
                       seal_error_phrase((SealErrorCode)code));
        if (code == loss->code[0] || code == loss->code[1])
            failed += tally->failed[code];
    }
    return failed;
}

static void
test_asynchronous_calls(Scene *scene, gconstpointer data)
{
    const Loss *loss = data;
    Tally tally = {.scene = scene};
    gint64 patience_us = 0;
    guint prompts = 0, failed = 0;

    open_window_and_hold(scene);
    patience_us = change_patience(scene, loss->patience_us);
    prompts = seal_test_pinentry_count(scene->home);
    start_many(&tally, CALLS);
    wait_until_held(scene);
    loss->lose(scene);
    finish(&tally, CALLS);
    (void)seal_client_wait(scene->client, 0, NULL); /* nobody is called back twice */
    g_assert_cmpuint(tally.finished, ==, CALLS);
    failed = count_failed(&tally, loss);
    g_assert_cmpuint(tally.answered + failed, ==, CALLS);
    g_assert_cmpuint(failed, >=, loss->fail_min);
    (void)change_patience(scene, patience_us);
    expect_recovery(scene, loss, prompts);
}

typedef struct {
    Scene *scene;
    GBytes *signature;
    GError *error;
} Blocking;

static gpointer
sign_once(gpointer data)
{
    Blocking *blocking = data;

    blocking->signature = try_to_sign(blocking->scene, &blocking->error);
    return NULL;
}

static void
test_blocking_call(Scene *scene, gconstpointer data)
{
    const Loss *loss = data;
    Blocking blocking = {.scene = scene};
    GThread *thread = NULL;
    gint64 patience_us = 0;
    guint prompts = 0;

    sign(scene, 1); /* unlocks */
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 1);
    if (loss->seconds == 0)
        g_assert_cmpuint(count_lanes(scene), ==, 1);
    patience_us = change_patience(scene, loss->patience_us);
    prompts = seal_test_pinentry_count(scene->home);
    set_mood(scene, "hold=sign");
    thread = g_thread_new("blocking", sign_once, &blocking);
    wait_until_held(scene);
    loss->lose(scene);
    (void)g_thread_join(thread);
    if (blocking.signature)
        assert_good(scene, blocking.signature);
    else if (!seal_error_is(blocking.error, loss->code[0]))
        g_assert_error(blocking.error, SEAL_ERROR, (gint)loss->code[1]);
    g_assert_true(!blocking.signature != !blocking.error);
    g_clear_pointer(&blocking.signature, g_bytes_unref);
    g_clear_error(&blocking.error);
    (void)change_patience(scene, patience_us);
    expect_recovery(scene, loss, prompts);
}

/* -- used up --------------------------------------------------------------------------------------
 */

/* The lane has fewer operations than calls are given to it: the rest goes to the agent, and none is
 * done twice. */
static void
test_used_up_by_asynchronous_calls(Scene *scene, gconstpointer lines)
{
    Tally tally = {.scene = scene};

    scene->client->wish.count = WINDOW + 4;
    open_window_and_hold(scene);
    start_many(&tally, CALLS);
    wait_until_held(scene);
    set_mood(scene, "");
    finish(&tally, CALLS);
    g_assert_cmpuint(tally.answered, ==, CALLS);
    g_assert_cmpuint(count_calls(scene, "C_Sign "), ==, CALLS + 1);
    expect_notes(scene, ": used-up", 1);
}

static void
test_used_up_by_blocking_calls(Scene *scene, gconstpointer lines)
{
    scene->client->wish.count = 3;
    sign(scene, 1);
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 9);
    g_assert_cmpuint(count_calls(scene, "C_Sign "), ==, 10);
    expect_notes(scene, ": used-up", 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(losses); i++) {
        g_autofree char *calls =
            g_strdup_printf("/client/lane-losses/%s/ends-each-call-once", names[i]);
        g_autofree char *call =
            g_strdup_printf("/client/lane-losses/%s/ends-a-blocking-call", names[i]);

        g_test_add(calls, Scene, &losses[i], set_up, test_asynchronous_calls, scene_tear_down);
        g_test_add(call, Scene, &losses[i], set_up, test_blocking_call, scene_tear_down);
    }
    g_test_add("/client/lane-losses/used-up/does-nothing-twice", Scene, NULL, scene_set_up_moody,
               test_used_up_by_asynchronous_calls, scene_tear_down);
    g_test_add("/client/lane-losses/used-up/opens-the-next", Scene, NULL, scene_set_up_moody,
               test_used_up_by_blocking_calls, scene_tear_down);
    return g_test_run();
}
