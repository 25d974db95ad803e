/* PIN change and unblocking in a host over SoftHSM. Whether a PIN is the token's now is asked of
 * OpenSC's pkcs11-tool, in a process of its own. */
#include <string.h>

#include "pkcs11/wire/messages.h"
#include "tests/pkcs11/host-client.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define TOKEN "Alice"
#define FRESH "2468101214"

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
    char *pin, *puk;
} Scene;

static void
set_up(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    seal_test_fixture_new(scene->home);
    seal_test_mood(scene->home, mood ? mood : "");
    scene->pin = seal_test_fixture_pin(scene->home);
    scene->puk = seal_test_home_read(scene->home, "fixture/so-pin");
    scene->host = seal_test_host_new(scene->home, TRUE);
}

static void
tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_host_free(scene->host);
    seal_test_home_free(scene->home);
    g_free(scene->pin);
    g_free(scene->puk);
}

static guint32
flags_of(Scene *scene)
{
    return seal_test_host_token(scene->host, TOKEN)->flags;
}

static void
log_in(Scene *scene, const char *pin, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = seal_test_host_login(scene->host, TOKEN, pin);

    g_assert_cmpint(answer->status, ==, status);
}

static void
set_pin(Scene *scene, SealFrameType type, const char *given, const char *fresh,
        SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer =
        seal_test_host_set_pin(scene->host, type, TOKEN, given, fresh);

    if (answer->status != status)
        g_error("status %d (%s) instead of %d", answer->status, answer->message, status);
}

static void
expect_sign(Scene *scene, SealErrorCode status)
{
    static const guint8 digest[32] = {1, 2, 3};
    const SealKeyInfo *key = seal_test_host_key(scene->host, "Alice P-256 signing");
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(SealTestAnswer) answer = seal_test_host_sign(scene->host, key, SEAL_MECHANISM_ECDSA,
                                                           SEAL_HASH_SHA256, 0, data, NULL);

    g_assert_cmpint(answer->status, ==, status);
}

/* TRUE if pkcs11-tool can log in with `pin`. */
static gboolean
is_pin(Scene *scene, const char *pin)
{
    g_autofree char *module = seal_test_fixture_module(scene->home);
    const char *const argv[] = {"pkcs11-tool", "--module", module, "--token-label",  TOKEN,
                                "--login",     "--pin",    pin,    "--list-objects", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    return result->status == 0;
}

/* -- change ------------------------------------------------------------------------------------ */

static void
test_change_while_logged_out(Scene *scene, gconstpointer mood)
{
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, scene->pin, FRESH, SEAL_ERROR_NONE);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    g_assert_true(is_pin(scene, FRESH));
    g_assert_false(is_pin(scene, scene->pin));
    log_in(scene, FRESH, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_change_while_logged_in(Scene *scene, gconstpointer mood)
{
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, scene->pin, FRESH, SEAL_ERROR_NONE);
    g_assert_true(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    expect_sign(scene, SEAL_ERROR_NONE);
    g_assert_true(is_pin(scene, FRESH));
}

/* No second try is spent, and the login stays. */
static void
test_change_with_wrong_pin(Scene *scene, gconstpointer mood)
{
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, "99999999", FRESH, SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Login"), ==, 1);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_SetPIN"), ==, 0);
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, "99999999", FRESH, SEAL_ERROR_PIN_INCORRECT);
    expect_sign(scene, SEAL_ERROR_NONE);
    g_assert_true(is_pin(scene, scene->pin));
}

static void
test_new_pin_that_the_token_refuses(Scene *scene, gconstpointer mood)
{
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, scene->pin, "1", SEAL_ERROR_INVALID_INPUT);
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, scene->pin, "", SEAL_ERROR_INVALID_INPUT);
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, "", FRESH, SEAL_ERROR_INVALID_INPUT);
    g_assert_true(is_pin(scene, scene->pin));
}

/* A token that has no session to spare for the change: three tokens have one each. */
static void
test_change_with_no_session_to_spare(Scene *scene, gconstpointer mood)
{
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    set_pin(scene, SEAL_FRAME_PIN_CHANGE, scene->pin, FRESH, SEAL_ERROR_NONE);
    log_in(scene, FRESH, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

/* -- unblock ----------------------------------------------------------------------------------- */

static void
test_unblock(Scene *scene, gconstpointer mood)
{
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
    set_pin(scene, SEAL_FRAME_PIN_UNBLOCK, scene->puk, FRESH, SEAL_ERROR_NONE);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    expect_sign(scene, SEAL_ERROR_PIN_REQUIRED);
    g_assert_true(is_pin(scene, FRESH));
    log_in(scene, FRESH, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_unblock_with_wrong_puk(Scene *scene, gconstpointer mood)
{
    set_pin(scene, SEAL_FRAME_PIN_UNBLOCK, "99999999", FRESH, SEAL_ERROR_PIN_INCORRECT);
    g_assert_true(flags_of(scene) & SEAL_TOKEN_PUK_COUNT_LOW); /* SoftHSM's only sign of it */
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
    set_pin(scene, SEAL_FRAME_PIN_UNBLOCK, scene->puk, FRESH, SEAL_ERROR_NONE);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_PUK_COUNT_LOW);
}

static void
test_unblock_with_new_pin_that_is_refused(Scene *scene, gconstpointer mood)
{
    set_pin(scene, SEAL_FRAME_PIN_UNBLOCK, scene->puk, "1", SEAL_ERROR_INVALID_INPUT);
    g_assert_true(is_pin(scene, scene->pin));
    log_in(scene, scene->pin, SEAL_ERROR_NONE);
}

/* A use that is under way ends first, and the unblocking waits for it. */
static void
test_unblock_waits_for_what_is_under_way(Scene *scene, gconstpointer mood)
{
    static const guint8 digest[32] = {1, 2, 3};
    SealSignParameters parameters = {.hash = SEAL_HASH_SHA256, .data_len = sizeof digest};
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN, .mechanism = SEAL_MECHANISM_ECDSA};
    SealFrameHeader unblock = {.type = SEAL_FRAME_PIN_UNBLOCK};
    SealPinParameters pins = {0, (guint32)strlen(scene->puk), (guint32)strlen(FRESH)};
    g_autoptr(SealTestAnswer) signature = NULL, unblocked = NULL;
    g_autoptr(GByteArray) sign = g_byte_array_new(), change = g_byte_array_new();
    g_autoptr(GBytes) sign_body = NULL, change_body = NULL;
    g_autofree char *calls = seal_test_home_path(scene->home, "calls");
    const SealKeyInfo *key = NULL;
    guint64 first = 0, second = 0;

    log_in(scene, scene->pin, SEAL_ERROR_NONE);
    key = seal_test_host_key(scene->host, "Alice P-256 signing");
    header.key = key->reference;
    header.generation = key->generation;
    pins.token = seal_test_host_token(scene->host, TOKEN)->reference;
    seal_put_bytes(sign, &parameters, sizeof parameters);
    seal_put_bytes(sign, digest, sizeof digest);
    seal_put_bytes(change, &pins, sizeof pins);
    seal_put_bytes(change, scene->puk, strlen(scene->puk));
    seal_put_bytes(change, FRESH, strlen(FRESH));
    sign_body = g_bytes_new(sign->data, sign->len);
    change_body = g_bytes_new(change->data, change->len);
    seal_test_mood(scene->home, "hold=sign");
    first = seal_test_host_send(scene->host, &header, sign_body);
    g_assert_true(seal_test_wait_for_text(calls, "Held"));
    second = seal_test_host_send(scene->host, &unblock, change_body);
    seal_test_mood(scene->home, "");
    signature = seal_test_host_wait(scene->host, first);
    unblocked = seal_test_host_wait(scene->host, second);
    g_assert_cmpint(signature->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpint(unblocked->status, ==, SEAL_ERROR_NONE);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/pin-change/while-logged-out", NULL, test_change_while_logged_out);
    ADD("/host/pin-change/while-logged-in-stays-so", NULL, test_change_while_logged_in);
    ADD("/host/pin-change/wrong-pin-costs-one-try", NULL, test_change_with_wrong_pin);
    ADD("/host/pin-change/new-pin-is-refused", NULL, test_new_pin_that_the_token_refuses);
    ADD("/host/pin-change/no-session-to-spare", "session-limit=3",
        test_change_with_no_session_to_spare);
    ADD("/host/pin-unblock/closes-all-sessions", NULL, test_unblock);
    ADD("/host/pin-unblock/wrong-puk", NULL, test_unblock_with_wrong_puk);
    ADD("/host/pin-unblock/new-pin-is-refused", NULL, test_unblock_with_new_pin_that_is_refused);
    ADD("/host/pin-unblock/waits-for-what-is-under-way", NULL,
        test_unblock_waits_for_what_is_under_way);
    return g_test_run();
}
