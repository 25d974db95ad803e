/* libprivyseal's use of lanes, with the real agent and SoftHSM: when it opens them, and that nobody
 * notices when they are lost. Which way a signature went is read in the agent's audit. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "ipc/client/privyseal.h"
#include "ipc/names.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    SealClient *client;
    char *key, *token;
    GBytes *public_key;
} Scene;

static const guint8 digest[32] = {2, 7, 1, 8};

static void
find_key(Scene *scene, const char *label)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClientObjects) objects = seal_client_list(scene->client, FALSE, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (!g_str_equal(key->label, label))
            continue;
        g_free(scene->key);
        g_free(scene->token);
        g_clear_pointer(&scene->public_key, g_bytes_unref);
        scene->key = g_strdup(key->path);
        scene->token = g_strdup(key->token);
        scene->public_key = g_bytes_ref(key->public_key);
    }
    g_assert_nonnull(scene->key);
}

/* `groups`: policy rules, or NULL. */
static void
scene_set_up(Scene *scene, gconstpointer groups)
{
    g_autofree char *pin = NULL;
    g_autoptr(GError) error = NULL;

    scene->home = seal_test_home_new();
    seal_test_agent_new(scene->home);
    if (groups)
        seal_test_agent_add_groups(scene->home, groups);
    pin = seal_test_fixture_pin(scene->home);
    seal_test_pinentry_answer(scene->home, "always pin %s", pin);
    scene->client = seal_client_new(&error);
    g_assert_no_error(error);
    find_key(scene, "Alice P-256 signing");
}

static void
scene_tear_down(Scene *scene, gconstpointer groups)
{
    seal_client_free(scene->client);
    g_free(scene->key);
    g_free(scene->token);
    g_bytes_unref(scene->public_key);
    g_unsetenv(SEAL_LANES_VARIABLE);
    seal_test_home_free(scene->home);
}

/* OpenSSL judges the signature by the key's own SubjectPublicKeyInfo. */
static void
assert_good(const Scene *scene, GBytes *signature)
{
    const unsigned char *der = g_bytes_get_data(scene->public_key, NULL);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)g_bytes_get_size(scene->public_key));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_verify(context, g_bytes_get_data(signature, NULL),
                                    g_bytes_get_size(signature), digest, sizeof digest),
                    ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static GBytes *
try_to_sign(Scene *scene, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);

    return seal_client_sign(scene->client, scene->key, "ecdsa", "sha256", data, error);
}

static void
sign(Scene *scene, guint times)
{
    for (guint i = 0; i < times; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature = try_to_sign(scene, &error);

        g_assert_no_error(error);
        assert_good(scene, signature);
    }
}

/* How often the agent noted `text`. */
static guint
count_notes(Scene *scene, const char *text)
{
    g_autofree char *log = seal_test_agent_log(scene->home);
    guint n = 0;

    for (const char *at = log; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* What the agent notes comes after its answers, and uses of lanes when the host has rung. */
static void
expect_notes(Scene *scene, const char *text, guint n)
{
    while (count_notes(scene, text) < n)
        g_thread_yield();
    g_assert_cmpuint(count_notes(scene, text), ==, n);
}

static void
wait_for_uses(Scene *scene, guint n)
{
    expect_notes(scene, "on lane ", n);
}

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

static pid_t
host_pid(Scene *scene)
{
    g_autoptr(GArray) children = seal_test_children(seal_test_agent_pid(scene->home));

    g_assert_cmpuint(children->len, ==, 1);
    return g_array_index(children, pid_t, 0);
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

/* rsaEncryption with its NULL (RFC 8017 A.1). */
static const guint8 rsa_encryption[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static const guint8 session_key[16] = "sixteen octets..";

static GBytes *
encrypt(Scene *scene)
{
    const unsigned char *der = g_bytes_get_data(scene->public_key, NULL);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)g_bytes_get_size(scene->public_key));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    guint8 encrypted[256];
    gsize len = sizeof encrypted;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, encrypted, &len, session_key, sizeof session_key), ==,
                    1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return g_bytes_new(encrypted, len);
}

static SealSessionKey *
unwrap(Scene *scene, GBytes *encrypted)
{
    g_autoptr(GBytes) algorithm = g_bytes_new_static(rsa_encryption, sizeof rsa_encryption);
    g_autoptr(GError) error = NULL;
    const SealUnwrapQuery query = {.algorithm = algorithm, .encrypted_key = encrypted};
    SealSessionKey *key = seal_client_unwrap(scene->client, scene->key, &query, &error);

    g_assert_no_error(error);
    return key;
}

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
    ADD("/client/lanes/child-does-not-use-it", NULL, test_child_does_not_use_it);
    ADD("/client/lanes/bad-digests-are-the-agents-matter", NULL,
        test_bad_digests_are_the_agents_matter);
    ADD("/client/lanes/session-keys-come-by-them", NULL, test_session_keys_come_by_lanes);
    ADD("/client/lanes/damaged-key-is-the-same-both-ways", NULL,
        test_damaged_key_is_the_same_both_ways);
    return g_test_run();
}
