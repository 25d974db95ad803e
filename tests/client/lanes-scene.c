/* The real agent, with SoftHSM or the module with moods in front of it. */
#include "tests/client/lanes-scene.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "ipc/names.h"
#include "tests/client/client-loop.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

const guint8 digest[32] = {2, 7, 1, 8};

void
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

static void
begin(Scene *scene)
{
    g_autofree char *pin = seal_test_fixture_pin(scene->home);
    g_autoptr(GError) error = NULL;

    seal_test_pinentry_answer(scene->home, "always pin %s", pin);
    scene->client = seal_client_new(&error);
    g_assert_no_error(error);
    find_key(scene, "Alice P-256 signing");
}

void
scene_set_up(Scene *scene, gconstpointer groups)
{
    scene->home = seal_test_home_new();
    seal_test_agent_new(scene->home);
    if (groups)
        seal_test_agent_add_groups(scene->home, groups);
    begin(scene);
}

void
set_mood(Scene *scene, const char *mood)
{
    g_autofree char *path = seal_test_home_path(scene->home, "mood");
    g_autofree char *log = seal_test_home_path(scene->home, "calls");
    g_autofree char *text = g_strdup_printf("[mood]\nlog=%s\n%s\n", log, mood);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

void
scene_set_up_moody(Scene *scene, gconstpointer lines)
{
    g_autofree char *path = NULL;
    g_autofree char *module = seal_test_built("tests/mock/moody.so");
    g_autofree char *group =
        g_strdup_printf("[module moody]\npath=%s\n%s\n", module, lines ? (const char *)lines : "");

    scene->home = seal_test_home_new();
    path = seal_test_home_path(scene->home, "mood");
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY", path);
    set_mood(scene, "");
    seal_test_agent_new(scene->home);
    seal_test_agent_configure(scene->home, NULL, group);
    begin(scene);
}

guint
count_calls(Scene *scene, const char *name)
{
    g_autofree char *log = seal_test_home_path(scene->home, "calls");
    g_autofree char *text = NULL;
    guint n = 0;

    if (!g_file_get_contents(log, &text, NULL, NULL))
        return 0;
    for (const char *at = text; (at = strstr(at, name)); at++)
        n++;
    return n;
}

void
wait_until_held(Scene *scene)
{
    g_autofree char *log = seal_test_home_path(scene->home, "calls");

    g_assert_true(seal_test_wait_for_text(log, "Held"));
}

guint
count_lanes(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClient) other = seal_client_new(&error);
    g_autoptr(GPtrArray) lanes = seal_client_list_lanes(other, &error);

    g_assert_no_error(error);
    return lanes->len;
}

void
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
void
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

GBytes *
try_to_sign(Scene *scene, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);

    return seal_client_sign(scene->client, scene->key, "ecdsa", "sha256", data, error);
}

void
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
guint
count_notes(Scene *scene, const char *text)
{
    g_autofree char *log = seal_test_agent_log(scene->home);
    guint n = 0;

    for (const char *at = log; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* What the agent notes comes after its answers, and uses of lanes when the host has rung. */
void
expect_notes(Scene *scene, const char *text, guint n)
{
    while (count_notes(scene, text) < n)
        g_thread_yield();
    g_assert_cmpuint(count_notes(scene, text), ==, n);
}

void
wait_for_uses(Scene *scene, guint n)
{
    expect_notes(scene, "on lane ", n);
}

/* A pinentry may be on its way out beside it. */
pid_t
host_pid(Scene *scene)
{
    g_autoptr(GArray) children = seal_test_children(seal_test_agent_pid(scene->home));
    pid_t host = 0;

    for (guint i = 0; i < children->len; i++) {
        pid_t pid = g_array_index(children, pid_t, i);
        g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
        g_autofree char *name = NULL;

        if (g_file_get_contents(path, &name, NULL, NULL) && g_str_equal(name, "privyseal-host\n"))
            host = pid;
    }
    g_assert_cmpint(host, !=, 0);
    return host;
}

/* -- asynchronous ---------------------------------------------------------------------------------
 */

static void
on_signed(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
          gpointer user_data)
{
    Tally *tally = user_data;

    g_assert_true((result != NULL) != (error != NULL));
    tally->finished++;
    if (error) {
        g_assert_true(error->domain == SEAL_ERROR);
        g_assert_cmpint(error->code, <, (int)G_N_ELEMENTS(tally->failed));
        tally->failed[error->code]++;
    } else {
        g_autoptr(GBytes) signature = g_bytes_new(result, result_len);

        assert_good(tally->scene, signature);
        tally->answered++;
    }
    if (tally->to_start > 0) {
        tally->to_start--;
        (void)start(tally);
    }
}

SealCall *
start(Tally *tally)
{
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(GError) error = NULL;
    SealCall *call = seal_client_sign_async(tally->scene->client, tally->scene->key, "ecdsa",
                                            "sha256", data, on_signed, tally, &error);

    g_assert_no_error(error);
    return call;
}

void
start_many(Tally *tally, guint n)
{
    for (guint i = 0; i < n; i++)
        (void)start(tally);
}

void
finish(Tally *tally, guint n)
{
    seal_client_test_run_until(tally->scene->client, &tally->finished, n);
}

void
open_window(Scene *scene)
{
    Tally tally = {.scene = scene};
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClientObjects) objects = NULL;

    (void)seal_client_unlock(scene->client, scene->token, &error);
    g_assert_no_error(error);
    seal_client_set_bulk(scene->client, TRUE);
    start_many(&tally, 1);
    finish(&tally, 1);
    expect_notes(scene, "open-lane", 1);
    /* The agent has answered, and this answer comes behind. */
    objects = seal_client_list(scene->client, FALSE, &error);
    g_assert_no_error(error);
}

void
open_window_and_hold(Scene *scene)
{
    open_window(scene);
    set_mood(scene, "hold=sign");
}

/* -- unwrapping -----------------------------------------------------------------------------------
 */

/* rsaEncryption with its NULL (RFC 8017 A.1). */
static const guint8 rsa_encryption[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

const guint8 session_key[16] = "sixteen octets..";

GBytes *
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

SealSessionKey *
unwrap(Scene *scene, GBytes *encrypted)
{
    g_autoptr(GBytes) algorithm = g_bytes_new_static(rsa_encryption, sizeof rsa_encryption);
    g_autoptr(GError) error = NULL;
    const SealUnwrapQuery query = {.algorithm = algorithm, .encrypted_key = encrypted};
    SealSessionKey *key = seal_client_unwrap(scene->client, scene->key, &query, &error);

    g_assert_no_error(error);
    return key;
}
