/* The agent's view of the real privyseal-host: over SoftHSM, over a module with moods
 * (tests/mock/moody.c), and over files that are no module at all. */
#include "pkcs11/token/module.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <string.h>

#include "tests/support/fixture.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"
#include "tests/token/fixture.h"

/* -- helpers ---------------------------------------------------------------------------------- */

static void
set_up_host(Fixture *fixture, gconstpointer data)
{
    set_up(fixture, data);
    seal_test_fixture_new(fixture->home);
    fixture->wanted = "Alice";
}

/* `path` (transfer full) takes the place of the fake host's journal. */
static void
load(Fixture *fixture, char *path, guint operation_timeout_ms)
{
    g_autofree char *host = seal_test_built("pkcs11/host/privyseal-host");

    g_free(fixture->journal);
    fixture->journal = path;
    start_with(
        fixture, "module",
        (SealModuleConfig){.host_program = host, .operation_timeout_ms = operation_timeout_ms});
}

static void
load_moody(Fixture *fixture, const char *mood, guint operation_timeout_ms)
{
    g_autofree char *text = g_strconcat("[mood]\n", mood, NULL);
    g_autofree char *file = seal_test_home_write(fixture->home, "mood", text);

    seal_test_home_setenv(fixture->home, "PRIVYSEAL_MOODY", file);
    load(fixture, seal_test_built("tests/mock/moody.so"), operation_timeout_ms);
}

/* The mood is looked at before each call: renamed over, as the module wants it. */
static void
change_mood(Fixture *fixture, const char *mood)
{
    g_autofree char *text = g_strconcat("[mood]\n", mood, NULL);
    g_autofree char *file = seal_test_home_path(fixture->home, "mood");
    g_autoptr(GError) error = NULL;

    g_file_set_contents(file, text, -1, &error);
    g_assert_no_error(error);
}

static gboolean
has_token(gpointer data)
{
    Fixture *fixture = data;

    return fixture->token && seal_token_is_alive(fixture->token);
}

static gboolean
has_no_token(gpointer data)
{
    return !has_token(data);
}

static void
wait_for_token(Fixture *fixture)
{
    g_assert_true(seal_test_wait_until(is_running, fixture));
    g_assert_true(has_token(fixture));
}

static void
log_in(Fixture *fixture)
{
    g_autofree char *text = seal_test_fixture_pin(fixture->home);
    g_autoptr(SealSecret) pin = seal_secret_new_copy(text, strlen(text));
    g_auto(Answer) answer = {0};

    seal_token_login(fixture->token, pin, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
}

static const SealKeyInfo *
p256_key(Fixture *fixture)
{
    const GPtrArray *keys = seal_token_keys(fixture->token);

    for (guint i = 0; i < keys->len; i++) {
        const SealKeyInfo *key = keys->pdata[i];

        if (key->curve == SEAL_CURVE_P256 && (key->flags & SEAL_KEY_SIGN))
            return key;
    }
    g_error("the token has no P-256 key that signs");
}

typedef struct {
    guint calls;
    SealErrorCode status;
    GByteArray *signature;
} Signed;

static void
on_signed(const SealReply *reply, gpointer user_data)
{
    Signed *result = user_data;

    result->calls++;
    result->status = reply->status;
    g_clear_pointer(&result->signature, g_byte_array_unref);
    result->signature = g_byte_array_new();
    if (reply->body.len > 0)
        g_byte_array_append(result->signature, reply->body.data, (guint)reply->body.len);
}

static gboolean
is_signed(gpointer data)
{
    return ((Signed *)data)->calls > 0;
}

static const uint8_t digest[32] = {1, 2, 3, 4};

static void
sign(Fixture *fixture, Signed *result)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA256};

    memset(result, 0, sizeof *result);
    seal_token_sign(fixture->token, p256_key(fixture), SEAL_MECHANISM_ECDSA, &parameters,
                    (SealBytes){digest, sizeof digest}, NULL, on_signed, result);
}

/* OpenSSL judges the signature by the key's own SubjectPublicKeyInfo. */
static gboolean
is_good(const SealKeyInfo *key, const GByteArray *signature)
{
    gsize len = 0;
    const unsigned char *der = g_bytes_get_data(key->public_key, &len);
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &der, (long)len);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);
    gboolean good =
        EVP_PKEY_verify_init(context) == 1 &&
        EVP_PKEY_verify(context, signature->data, signature->len, digest, sizeof digest) == 1;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
    return good;
}

static void
expect_signature(Fixture *fixture)
{
    Signed result;

    sign(fixture, &result);
    g_assert_true(seal_test_wait_until(is_signed, &result));
    g_assert_cmpint(result.status, ==, SEAL_ERROR_NONE);
    g_assert_true(is_good(p256_key(fixture), result.signature));
    g_byte_array_unref(result.signature);
}

/* -- SoftHSM ---------------------------------------------------------------------------------- */

static void
test_softhsm_signs(Fixture *fixture, gconstpointer data)
{
    load(fixture, seal_test_fixture_module(fixture->home), 0);
    wait_for_token(fixture);
    log_in(fixture);
    expect_signature(fixture);
}

static void
test_locked_token_refuses(Fixture *fixture, gconstpointer data)
{
    Signed result;

    load(fixture, seal_test_fixture_module(fixture->home), 0);
    wait_for_token(fixture);
    sign(fixture, &result);
    g_assert_true(seal_test_wait_until(is_signed, &result));
    g_assert_cmpint(result.status, ==, SEAL_ERROR_PIN_REQUIRED);
    g_byte_array_unref(result.signature);
}

/* Killed from outside: the next request works, with one new login. */
static void
test_killed_host_comes_back(Fixture *fixture, gconstpointer data)
{
    pid_t pid = 0;

    load(fixture, seal_test_fixture_module(fixture->home), 0);
    wait_for_token(fixture);
    log_in(fixture);
    pid = seal_module_host_pid(fixture->module);
    g_assert_no_errno(kill(pid, SIGKILL));
    g_assert_true(seal_test_wait_until(has_no_token, fixture));
    g_assert_cmpint(seal_module_host_pid(fixture->module), !=, pid);
    wait_for_token(fixture);
    log_in(fixture);
    expect_signature(fixture);
}

/* -- moods ------------------------------------------------------------------------------------ */

static void
test_hung_operation_times_out(Fixture *fixture, gconstpointer data)
{
    Signed result;
    gint64 began = 0;

    load_moody(fixture, "", 500);
    wait_for_token(fixture);
    log_in(fixture);
    change_mood(fixture, "hang=sign\n");
    began = g_get_monotonic_time();
    sign(fixture, &result);
    g_assert_true(seal_test_wait_until(is_signed, &result));
    g_assert_cmpint(result.status, ==, SEAL_ERROR_TIMED_OUT);
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 500 * 1000);
    g_byte_array_unref(result.signature);
    change_mood(fixture, "");
    wait_for_token(fixture);
    log_in(fixture);
    expect_signature(fixture);
}

static void
test_crash_in_operation_fails_it_alone(Fixture *fixture, gconstpointer data)
{
    Signed result;

    load_moody(fixture, "", 0);
    wait_for_token(fixture);
    log_in(fixture);
    change_mood(fixture, "crash=sign\n");
    sign(fixture, &result);
    g_assert_true(seal_test_wait_until(is_signed, &result));
    g_assert_cmpint(result.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_byte_array_unref(result.signature);
    change_mood(fixture, "");
    wait_for_token(fixture);
    log_in(fixture);
    expect_signature(fixture);
}

static void
test_crash_while_loading_is_unusable(Fixture *fixture, gconstpointer data)
{
    load_moody(fixture, "crash=init\n", 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
#ifndef __SANITIZE_ADDRESS__ /* which turns the signal into a report and an exit */
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "signal"));
#endif
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "moody.so"));
}

static void
test_refusing_initialize_is_unusable(Fixture *fixture, gconstpointer data)
{
    load_moody(fixture, "init-rv=0x30\n", 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "DEVICE_ERROR"));
}

static void
test_pulled_and_put_back_is_told(Fixture *fixture, gconstpointer data)
{
    load_moody(fixture, "events=true\nremovable=true\n", 0);
    wait_for_token(fixture);
    change_mood(fixture, "events=true\nremovable=true\nabsent=true\n");
    g_assert_true(seal_test_wait_until(has_no_token, fixture));
    change_mood(fixture, "events=true\nremovable=true\ninsertion=1\n");
    g_assert_true(seal_test_wait_until(has_token, fixture));
    log_in(fixture);
    expect_signature(fixture);
}

/* -- what is no module ------------------------------------------------------------------------ */

static void
test_missing_file_is_unusable(Fixture *fixture, gconstpointer data)
{
    load(fixture, seal_test_home_path(fixture->home, "nowhere.so"), 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "nowhere.so"));
}

static void
test_text_file_is_unusable(Fixture *fixture, gconstpointer data)
{
    load(fixture, seal_test_home_write(fixture->home, "text.so", "not a library\n"), 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "text.so"));
}

static void
test_wrong_architecture_is_unusable(Fixture *fixture, gconstpointer data)
{
    /* The head of an ELF library for s390x, as far as a loader looks. */
    static const char head[64] = {0x7f, 'E', 'L', 'F', 2, 2, 1, 0, 0, 0,
                                  0,    0,   0,   0,   0, 0, 0, 3, 0, 22};
    g_autofree char *path = seal_test_home_path(fixture->home, "foreign.so");

    g_assert_true(g_file_set_contents(path, head, sizeof head, NULL));
    load(fixture, g_steal_pointer(&path), 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "foreign.so"));
}

static void
test_library_that_is_no_module_is_unusable(Fixture *fixture, gconstpointer data)
{
    load(fixture, seal_test_built("ipc/client/libprivyseal.so.0"), 0);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(seal_module_reason(fixture->module));
}

#define ADD_HOST(path, function)                                                                   \
    g_test_add("/host/" path, Fixture, NULL, set_up_host, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Warnings about hosts are expected here. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    ADD_HOST("softhsm/signs", test_softhsm_signs);
    ADD_HOST("softhsm/locked-token-refuses", test_locked_token_refuses);
    ADD_HOST("softhsm/killed-host-comes-back", test_killed_host_comes_back);
    ADD_HOST("moody/hung-operation-times-out", test_hung_operation_times_out);
    ADD_HOST("moody/crash-in-operation-fails-it", test_crash_in_operation_fails_it_alone);
    ADD_HOST("moody/crash-while-loading-is-unusable", test_crash_while_loading_is_unusable);
    ADD_HOST("moody/refusing-initialize-is-unusable", test_refusing_initialize_is_unusable);
    ADD_HOST("moody/pulled-and-put-back-is-told", test_pulled_and_put_back_is_told);
    ADD_HOST("no-module/missing", test_missing_file_is_unusable);
    ADD_HOST("no-module/text", test_text_file_is_unusable);
    ADD_HOST("no-module/wrong-architecture", test_wrong_architecture_is_unusable);
    ADD_HOST("no-module/library", test_library_that_is_no_module_is_unusable);
    return g_test_run();
}
