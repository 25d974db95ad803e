/* libprivyseal's use of lanes, with the real agent and SoftHSM: when it opens them, and that nobody
 * notices when they are lost. Which way a signature went is read in the agent's audit. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/names.h"
#include "tests/client/lanes-scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

static void
test_third_operation_opens_one(Scene *scene, gconstpointer groups)
{
    guint before = 0;

    sign(scene, 2);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 0);
    while (count_notes(scene, "open-lane") ==
           0) { /* a busy machine needs more for three a second */
        sign(scene, 1);
        before++;
    }
    g_assert_cmpuint(before, <, 100);
    sign(scene, 10);
    while (count_notes(scene, "on lane ") < 10)
        g_thread_yield();
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 1);
}

/* A program that keeps a list need not read it again for a lane. */
static void
test_list_is_not_touched(Scene *scene, gconstpointer groups)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClient) watcher = seal_client_new_unconnected(&error);
    g_autoptr(SealClientObjects) objects = NULL;
    g_autoptr(GPtrArray) lanes = NULL;
    guint before = 0;

    seal_client_follow(watcher);
    g_assert_true(seal_client_unlock(scene->client, scene->token, &error));
    objects = seal_client_list(watcher, FALSE, &error);
    g_assert_no_error(error);
    before = seal_client_count_changes(watcher);
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 3);
    lanes = seal_client_list_lanes(watcher, &error); /* what was announced comes in with it */
    g_assert_cmpuint(lanes->len, ==, 1);
    g_assert_cmpuint(seal_client_count_changes(watcher), ==, before);
    g_assert_true(seal_client_lock(scene->client, scene->token, &error));
    g_clear_pointer(&objects, seal_client_objects_free);
    objects = seal_client_list(watcher, FALSE, &error);
    g_assert_cmpuint(seal_client_count_changes(watcher), >, before);
}

static void
test_bulk_opens_one_at_once(Scene *scene, gconstpointer groups)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_client_unlock(scene->client, scene->token, &error));
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 3);
    expect_notes(scene, "open-lane", 1);
    wait_for_uses(scene, 3);
}

static void
test_variable_turns_them_off(Scene *scene, gconstpointer groups)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(g_setenv(SEAL_LANES_VARIABLE, "0", TRUE));
    seal_client_free(scene->client);
    scene->client = seal_client_new(&error);
    g_assert_no_error(error);
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 10);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 0);
}

/* A locked token is opened by the first two uses, where a person is asked: no lane asks. */
static void
test_lock_leads_back_to_the_agent(Scene *scene, gconstpointer groups)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_client_unlock(scene->client, scene->token, &error));
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 5);
    expect_notes(scene, "open-lane", 1);
    g_assert_true(seal_client_lock(scene->client, scene->token, &error));
    sign(scene, 5);
    expect_notes(scene, ": locked", 1);
    wait_for_uses(scene, 9); /* the first after the lock asked for the PIN, through the agent */
}

static void
test_not_interactive_stays_so(Scene *scene, gconstpointer groups)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) signature = NULL;

    sign(scene, 5);
    g_assert_true(seal_client_lock(scene->client, scene->token, &error));
    seal_client_set_interactive(scene->client, FALSE);
    signature = try_to_sign(scene, &error);
    g_assert_null(signature);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INTERACTION_REQUIRED);
}

static void
test_killed_host_is_not_noticed(Scene *scene, gconstpointer groups)
{
    pid_t host = 0;

    sign(scene, 5);
    host = host_pid(scene);
    g_assert_no_errno(kill(host, SIGKILL));
    g_assert_true(seal_test_wait_for_end(host));
    sign(scene, 5);
}

static void
test_killed_agent_is_not_noticed(Scene *scene, gconstpointer groups)
{
    pid_t agent = seal_test_agent_pid(scene->home);
    pid_t host = 0;

    sign(scene, 5);
    host = host_pid(scene);
    g_assert_no_errno(kill(agent, SIGKILL));
    g_assert_true(seal_test_wait_for_end(agent));
    g_assert_true(seal_test_wait_for_end(host)); /* which does not outlive its agent */
    sign(scene, 5);
}

static void
test_rule_that_asks_keeps_them_away(Scene *scene, gconstpointer groups)
{
    g_autofree char *pin = seal_test_fixture_pin(scene->home);

    seal_test_pinentry_answer(scene->home, "yes\npin %s\nyes\nyes\nyes\nyes", pin);
    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 5);
    g_assert_cmpuint(count_notes(scene, "on lane "), ==, 0);
    expect_notes(scene, "open-lane", 1); /* refused once, and never again */
}

/* -- in a sandbox --------------------------------------------------------------------------------
 */

/* This program again, as it is run below. */
static int
sign_in_sandbox(const char *key)
{
    g_autoptr(GError) error = NULL;
    Scene scene = {.client = seal_client_new(&error), .key = (char *)key};
    gboolean signs = scene.client != NULL;

    if (signs)
        seal_client_set_bulk(scene.client, TRUE);
    for (guint i = 0; i < 5 && signs; i++) {
        g_autoptr(GBytes) signature = try_to_sign(&scene, &error);

        signs = signature != NULL;
    }
    seal_client_free(scene.client);
    if (!signs)
        g_printerr("%s\n", error->message);
    return signs ? 0 : 1;
}

/* All that is here, and a /.flatpak-info of org.example.Mail that is a mount of its own, as Flatpak
 * has it. FALSE and the test is skipped where the kernel allows no mount namespace. */
static gboolean
run_in_sandbox(Scene *scene)
{
    g_autofree char *info =
        seal_test_home_write(scene->home, "info", "[Application]\nname=org.example.Mail\n");
    g_autofree char *root = seal_test_home_path(scene->home, "root");
    g_autofree char *script = g_strdup_printf(
        "set -e; root='%s'; mkdir $root; mount -t tmpfs none $root; "
        "for each in /*; do if [ -L $each ]; then cp -P $each $root/; elif [ -d $each ]; then "
        "mkdir $root$each; mount --rbind $each $root$each; fi; done; "
        "touch $root/.flatpak-info; mount --bind '%s' $root/.flatpak-info; "
        "mkdir $root/.old; cd $root; pivot_root . .old; exec \"$0\" \"$@\"",
        root, info);
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    const char *probe[] = {
        "unshare", "--mount", "--map-current-user", "--keep-caps", "mount", "-t", "tmpfs", "none",
        "/mnt",    NULL};
    const char *argv[] = {"unshare", "--mount", "--map-current-user", "--keep-caps", "sh", "-c",
                          script,    self,      "--sandboxed",        scene->key,    NULL};
    g_autoptr(SealTestResult) probed = seal_test_run(scene->home, probe, NULL);
    g_autoptr(SealTestResult) result = NULL;

    if (probed->status != 0) {
        g_test_skip("the kernel gives this user no mount namespace");
        return FALSE;
    }
    g_assert_true(seal_client_unlock(scene->client, scene->token, NULL));
    result = seal_test_run(scene->home, argv, NULL);
    g_assert_cmpstr(result->err, ==, "");
    g_assert_cmpint(result->status, ==, 0);
    return TRUE;
}

#define MAIL_MAY "[policy mail]\nprogram=flatpak:org.example.Mail\naction=allow\n"

static void
test_sandbox_has_none(Scene *scene, gconstpointer groups)
{
    if (!run_in_sandbox(scene))
        return;
    expect_notes(scene, "open-lane", 1);                 /* refused, and never asked for again */
    expect_notes(scene, "for org.example.Mail (pid", 6); /* that and five signatures */
    g_assert_cmpuint(count_notes(scene, "on lane "), ==, 0);
}

static void
test_sandbox_has_them_by_a_rule(Scene *scene, gconstpointer groups)
{
    if (!run_in_sandbox(scene))
        return;
    wait_for_uses(scene, 5);
    expect_notes(scene, "for org.example.Mail (pid", 6); /* these and the opening */
}

/* A forked child has no business on its parent's lane. */
static void
test_child_does_not_use_it(Scene *scene, gconstpointer groups)
{
    int status = 0;
    pid_t child = 0;

    seal_client_set_bulk(scene->client, TRUE);
    sign(scene, 5);
    child = fork();
    if (child == 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature = try_to_sign(scene, &error);

        _exit(!signature && g_error_matches(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    sign(scene, 5);
    wait_for_uses(scene, 9);
}

static void
test_bad_digests_are_the_agents_matter(Scene *scene, gconstpointer groups)
{
    g_autoptr(GBytes) data = g_bytes_new_static(digest, 31);

    for (guint i = 0; i < 5; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature =
            seal_client_sign(scene->client, scene->key, "ecdsa", "sha256", data, &error);

        g_assert_null(signature);
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    }
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 0);
}

/* -- unwrapping -----------------------------------------------------------------------------------
 */

static void
test_session_keys_come_by_lanes(Scene *scene, gconstpointer groups)
{
    g_autoptr(GBytes) encrypted = NULL;

    find_key(scene, "Alice RSA decryption");
    encrypted = encrypt(scene);
    seal_client_set_bulk(scene->client, TRUE);
    for (guint i = 0; i < 6; i++) {
        g_autoptr(SealSessionKey) key = unwrap(scene, encrypted);

        g_assert_cmpmem(seal_session_key_data(key), seal_session_key_len(key), session_key,
                        sizeof session_key);
    }
    wait_for_uses(scene, 5);
}

/* A damaged key gives the same pseudo-random one, whichever way it goes. */
static void
test_damaged_key_is_the_same_both_ways(Scene *scene, gconstpointer groups)
{
    g_autoptr(GBytes) encrypted = NULL;
    g_autoptr(GBytes) damaged = NULL;
    g_autoptr(SealSessionKey) by_agent = NULL;
    g_autofree guint8 *bytes = NULL;

    find_key(scene, "Alice RSA decryption");
    encrypted = encrypt(scene);
    bytes = g_memdup2(g_bytes_get_data(encrypted, NULL), g_bytes_get_size(encrypted));
    bytes[100] ^= 1;
    damaged = g_bytes_new(bytes, g_bytes_get_size(encrypted));
    by_agent = unwrap(scene, damaged);
    seal_client_set_bulk(scene->client, TRUE);
    for (guint i = 0; i < 5; i++) {
        g_autoptr(SealSessionKey) key = unwrap(scene, damaged);

        g_assert_cmpmem(seal_session_key_data(key), seal_session_key_len(key),
                        seal_session_key_data(by_agent), seal_session_key_len(by_agent));
    }
    wait_for_uses(scene, 5);
}

#define ADD(path, groups, test) g_test_add(path, Scene, groups, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    if (argc == 3 && g_str_equal(argv[1], "--sandboxed"))
        return sign_in_sandbox(argv[2]);
    g_test_init(&argc, &argv, NULL);
    ADD("/client/lanes/third-operation-opens-one", NULL, test_third_operation_opens_one);
    ADD("/client/lanes/list-is-not-touched", NULL, test_list_is_not_touched);
    ADD("/client/lanes/bulk-opens-one-at-once", NULL, test_bulk_opens_one_at_once);
    ADD("/client/lanes/variable-turns-them-off", NULL, test_variable_turns_them_off);
    ADD("/client/lanes/lock-leads-back-to-the-agent", NULL, test_lock_leads_back_to_the_agent);
    ADD("/client/lanes/not-interactive-stays-so", NULL, test_not_interactive_stays_so);
    ADD("/client/lanes/killed-host-is-not-noticed", NULL, test_killed_host_is_not_noticed);
    ADD("/client/lanes/killed-agent-is-not-noticed", NULL, test_killed_agent_is_not_noticed);
    ADD("/client/lanes/rule-that-asks-keeps-them-away", "[policy careful]\naction=ask\n",
        test_rule_that_asks_keeps_them_away);
    ADD("/client/lanes/sandbox-has-none", MAIL_MAY, test_sandbox_has_none);
    ADD("/client/lanes/sandbox-has-them-by-a-rule", MAIL_MAY "lanes=yes\n",
        test_sandbox_has_them_by_a_rule);
    ADD("/client/lanes/child-does-not-use-it", NULL, test_child_does_not_use_it);
    ADD("/client/lanes/bad-digests-are-the-agents-matter", NULL,
        test_bad_digests_are_the_agents_matter);
    ADD("/client/lanes/session-keys-come-by-them", NULL, test_session_keys_come_by_lanes);
    ADD("/client/lanes/damaged-key-is-the-same-both-ways", NULL,
        test_damaged_key_is_the_same_both_ways);
    return g_test_run();
}
