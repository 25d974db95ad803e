/* A host at a module in every mood: PIN counters, removal, events, hanging operations, few
 * sessions, strange objects. */
#include <glib.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/host/again.h"
#include "tests/pkcs11/host-client.h"
#include "tests/support/fixture.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
    char *pin;
} Scene;

static void
scene_set_up(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    seal_test_fixture_new(scene->home);
    seal_test_mood(scene->home, mood ? mood : "");
    scene->pin = seal_test_fixture_pin(scene->home);
    scene->host = seal_test_host_new(scene->home, TRUE);
}

static void
scene_tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_host_free(scene->host);
    seal_test_home_free(scene->home);
    g_free(scene->pin);
}

static void
login(Scene *scene, const char *pin, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = seal_test_host_login(scene->host, "Alice", pin);

    g_assert_cmpint(answer->status, ==, status);
}

static SealTestAnswer *
sign(Scene *scene, const char *label, const char *pin)
{
    static const guint8 digest[32] = {1, 2, 3};
    const SealKeyInfo *key = seal_test_host_key(scene->host, label);
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);

    return seal_test_host_sign(scene->host, key, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 0, data,
                               pin);
}

static void
expect_sign(Scene *scene, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = sign(scene, "Alice P-256 signing", NULL);

    g_assert_cmpint(answer->status, ==, status);
}

static void
rescan(Scene *scene)
{
    SealFrameHeader header = {.type = SEAL_FRAME_RESCAN};
    g_autoptr(SealTestAnswer) answer = seal_test_host_ask(scene->host, &header, NULL);

    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
}

static guint32
flags_of(Scene *scene)
{
    return seal_test_host_token(scene->host, "Alice")->flags;
}

#define PIN_FLAGS (SEAL_TOKEN_PIN_COUNT_LOW | SEAL_TOKEN_PIN_FINAL_TRY | SEAL_TOKEN_PIN_LOCKED)

/* -- PIN --------------------------------------------------------------------------------------- */

static void
set_up_counter(Scene *scene)
{
    g_autofree char *tries = seal_test_home_path(scene->home, "tries");
    g_autofree char *mood = g_strdup_printf("pin-tries=%s", tries);

    seal_test_mood(scene->home, mood);
}

/* FACTS: as OpenSC tells a card's counter. Each submission is one C_Login, never two. */
static void
test_wrong_pins_are_counted(Scene *scene, gconstpointer mood)
{
    set_up_counter(scene);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpuint(flags_of(scene) & PIN_FLAGS, ==, 0);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpuint(flags_of(scene) & PIN_FLAGS, ==,
                     SEAL_TOKEN_PIN_COUNT_LOW | SEAL_TOKEN_PIN_FINAL_TRY);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpuint(flags_of(scene) & PIN_FLAGS, ==, SEAL_TOKEN_PIN_LOCKED);
    login(scene, scene->pin, SEAL_ERROR_PIN_BLOCKED);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Login"), ==, 4);
}

/* What cannot be read is of no use, and nobody would ever lock it. */
static void
test_unreadable_token_is_logged_out(Scene *scene, gconstpointer mood)
{
    seal_test_mood(scene->home, "find-rv=0x30");
    login(scene, scene->pin, SEAL_ERROR_MODULE_FAILED);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Logout"), ==, 1);
    seal_test_mood(scene->home, "");
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_right_pin_resets_the_counter(Scene *scene, gconstpointer mood)
{
    set_up_counter(scene);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    login(scene, scene->pin, SEAL_ERROR_NONE);
    g_assert_cmpuint(flags_of(scene) & PIN_FLAGS, ==, 0);
    g_assert_true(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_login_twice_checks_the_pin_again(Scene *scene, gconstpointer mood)
{
    login(scene, scene->pin, SEAL_ERROR_NONE);
    login(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    login(scene, scene->pin, SEAL_ERROR_NONE);
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_pad_of_the_reader_takes_the_pin(Scene *scene, gconstpointer mood)
{
    g_autofree char *lines = g_strdup_printf("protected-path=true\npad-pin=%s", scene->pin);

    seal_test_mood(scene->home, lines);
    rescan(scene);
    g_assert_true(flags_of(scene) & SEAL_TOKEN_PROTECTED_AUTHENTICATION);
    login(scene, "", SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_pad_that_is_left_alone_cancels(Scene *scene, gconstpointer mood)
{
    login(scene, "", SEAL_ERROR_CANCELLED);
}

/* -- keys that want the PIN each time
 * ---------------------------------------------------------------- */

static void
expect_sign_with(Scene *scene, const char *pin, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = sign(scene, "Alice P-256 signing", pin);

    g_assert_cmpint(answer->status, ==, status);
}

static void
test_context_login_each_time(Scene *scene, gconstpointer mood)
{
    login(scene, scene->pin, SEAL_ERROR_NONE);
    g_assert_true(seal_test_host_key(scene->host, "Alice P-256 signing")->flags &
                  SEAL_KEY_ALWAYS_AUTHENTICATE);
    expect_sign_with(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign_with(scene, scene->pin, SEAL_ERROR_NONE);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Login"), ==, 3);
    /* Without a PIN the token is not bothered: it would log out. */
    expect_sign_with(scene, NULL, SEAL_ERROR_PIN_REQUIRED);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Sign"), ==, 2);
    expect_sign_with(scene, "99999999", SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Sign"), ==, 2);
    /* The session of the failed login is not left in the middle of an operation. */
    expect_sign_with(scene, scene->pin, SEAL_ERROR_NONE);
}

/* SoftHSM's own: the fixture's 9C key. */
static void
test_context_login_of_softhsm(void)
{
    const char *const profiles[] = {"generated", NULL};
    Scene scene = {.home = seal_test_home_new()};
    g_autoptr(SealTestAnswer) in = NULL, good = NULL, wrong = NULL, again = NULL;

    seal_test_fixture_make(scene.home, profiles);
    seal_test_mood(scene.home, "");
    scene.pin = seal_test_fixture_pin(scene.home);
    scene.host = seal_test_host_new(scene.home, FALSE);
    in = seal_test_host_login(scene.host, "Blue", scene.pin);
    g_assert_cmpint(in->status, ==, SEAL_ERROR_NONE);
    good = sign(&scene, "Blue 9C signing", scene.pin);
    g_assert_cmpint(good->status, ==, SEAL_ERROR_NONE);
    wrong = sign(&scene, "Blue 9C signing", "99999999");
    g_assert_cmpint(wrong->status, ==, SEAL_ERROR_PIN_INCORRECT);
    again = sign(&scene, "Blue 9C signing", scene.pin);
    g_assert_cmpint(again->status, ==, SEAL_ERROR_NONE);
    scene_tear_down(&scene, NULL);
}

/* -- removal
 * --------------------------------------------------------------------------------------- */

static void
test_pulled_token_is_told(Scene *scene, gconstpointer mood)
{
    login(scene, scene->pin, SEAL_ERROR_NONE);
    seal_test_mood(scene->home, "absent=true");
    expect_sign(scene, SEAL_ERROR_TOKEN_REMOVED);
    seal_test_host_wait_for(scene->host, &scene->host->n_gone, 1);
    rescan(scene);
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
    g_assert_cmpuint(scene->host->keys->len, ==, 0);
    g_assert_cmpuint(scene->host->certificates->len, ==, 0);
}

static void
test_token_put_back_is_a_new_one(Scene *scene, gconstpointer mood)
{
    guint32 before = seal_test_host_token(scene->host, "Alice")->reference;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    seal_test_mood(scene->home, "absent=true\ninsertion=1");
    rescan(scene);
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
    seal_test_mood(scene->home, "insertion=2");
    rescan(scene);
    g_assert_cmpuint(seal_test_host_token(scene->host, "Alice")->reference, !=, before);
    g_assert_false(flags_of(scene) & SEAL_TOKEN_LOGGED_IN);
    expect_sign(scene, SEAL_ERROR_PIN_REQUIRED);
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

/* Quicker than anybody polls: the next operation finds out, and what it was told is void. */
static void
test_unnoticed_reinsertion_is_found_by_use(Scene *scene, gconstpointer mood)
{
    SealKeyInfo stale = {0};
    static const guint8 digest[32];
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(SealTestAnswer) answer = NULL;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    stale.reference = seal_test_host_key(scene->host, "Alice P-256 signing")->reference;
    stale.generation = seal_test_host_key(scene->host, "Alice P-256 signing")->generation;
    seal_test_mood(scene->home, "insertion=1");
    expect_sign(scene, SEAL_ERROR_TOKEN_REMOVED);
    seal_test_host_wait_for(scene->host, &scene->host->n_gone, 1); /* told after the answer */
    rescan(scene);
    answer = seal_test_host_sign(scene->host, &stale, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 0,
                                 data, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_TOKEN_REMOVED);
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
}

static void
test_events_tell_without_a_question(Scene *scene, gconstpointer mood)
{
    guint told = scene->host->n_told, tokens = scene->host->tokens->len;

    seal_test_mood(scene->home, "events=true\nabsent=true");
    seal_test_host_wait_for(scene->host, &scene->host->n_gone, tokens);
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
    seal_test_mood(scene->home, "events=true\ninsertion=1");
    seal_test_host_wait_for(scene->host, &scene->host->n_told, told + tokens);
    g_assert_cmpuint(scene->host->tokens->len, ==, tokens);
}

/* Nobody asks, and the module tells of nothing. */
static void
test_unreadable_token_is_looked_at_again(Scene *scene, gconstpointer mood)
{
    guint told = scene->host->n_told, tokens = scene->host->tokens->len;

    seal_test_mood(scene->home, "absent=true\ninsertion=1");
    rescan(scene);
    seal_test_mood(scene->home, "insertion=2\nfind-rv=0x30");
    rescan(scene);
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
    seal_test_mood(scene->home, "insertion=2");
    seal_test_host_wait_for(scene->host, &scene->host->n_told, told + tokens);
    expect_sign(scene, SEAL_ERROR_PIN_REQUIRED);
}

/* A module that uses no PC/SC and has no C_WaitForSlotEvent. */
static void
test_removable_slots_are_polled(Scene *scene, gconstpointer mood)
{
    guint told = scene->host->n_told, tokens = scene->host->tokens->len;

    seal_test_mood(scene->home, "removable=true\nabsent=true");
    seal_test_host_wait_for(scene->host, &scene->host->n_gone, tokens);
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
    seal_test_mood(scene->home, "removable=true\ninsertion=1");
    seal_test_host_wait_for(scene->host, &scene->host->n_told, told + tokens);
    g_assert_cmpuint(scene->host->tokens->len, ==, tokens);
}

/* The thread that looks again is made with the first plan; a rescan would have made one. */
static void
test_fixed_slots_are_not_polled(Scene *scene, gconstpointer mood)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)scene->host->pid);
    g_autoptr(GDir) threads = NULL;
    const char *thread = NULL;

    rescan(scene);
    threads = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(threads);
    while ((thread = g_dir_read_name(threads))) {
        g_autofree char *path = g_build_filename(folder, thread, "comm", NULL);
        g_autofree char *name = NULL;

        if (g_file_get_contents(path, &name, NULL, NULL))
            g_assert_cmpstr(name, !=, "again\n");
    }
}

static void
test_polling_grows_seldom(void)
{
    const SealPace empty = seal_pace_of_polling(FALSE), full = seal_pace_of_polling(TRUE);
    gint64 pause_us = 0, sum_us = 0;

    while ((pause_us = seal_pace_next_us(&empty, pause_us)) > 0)
        sum_us += pause_us;
    g_assert_cmpint(sum_us, ==, 63 * G_USEC_PER_SEC); /* then never again */
    for (int i = 0; i < 20; i++)
        pause_us = seal_pace_next_us(&full, pause_us);
    g_assert_cmpint(pause_us, ==, 32 * G_USEC_PER_SEC);
}

static void
test_signature_of_a_swapped_card_is_kept_back(Scene *scene, gconstpointer mood)
{
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
    expect_sign(scene, SEAL_ERROR_NONE);
    g_assert_cmpuint(scene->host->n_fitting, ==, 1); /* told once */
    seal_test_mood(scene->home, "removable=true\nwrong-signature=true");
    expect_sign(scene, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpuint(scene->host->n_mismatching, ==, 1);
    seal_test_host_wait_for(scene->host, &scene->host->n_gone, 1); /* told after the answer */
}

static void
test_signature_of_a_fixed_token_is_not_verified(Scene *scene, gconstpointer mood)
{
    login(scene, scene->pin, SEAL_ERROR_NONE);
    expect_sign(scene,
                SEAL_ERROR_NONE); /* wrong, and nobody looked: a fixed token cannot be swapped */
}

/* -- hanging and crashing
 * ---------------------------------------------------------------------------- */

/* Nobody listens but the worker that hangs, until the pool's watch sees it. The host ends two
 * seconds after its channel, without the workers. */
static void
test_hung_operation_leaves_others_alone(Scene *scene, gconstpointer mood)
{
    static const guint8 digest[32];
    SealSignParameters parameters = {SEAL_HASH_SHA256, 0, 32, 0};
    const SealKeyInfo *key = NULL;
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN, .mechanism = SEAL_MECHANISM_ECDSA};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    for (int i = 0; i < 40; i++)
        expect_sign(scene, SEAL_ERROR_NONE); /* the pool learns that operations are short */
    key = seal_test_host_key(scene->host, "Alice P-256 signing");
    header.key = key->reference;
    header.generation = key->generation;
    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, digest, sizeof digest);
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    seal_test_mood(scene->home, "hang=sign");
    (void)seal_test_host_send(scene->host, &header, bytes);
    (void)seal_test_host_send(scene->host, &header, bytes);
    (void)seal_test_host_send(scene->host, &header, bytes);
    rescan(scene);
}

static void
test_crash_ends_the_channel(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) answer = NULL;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    seal_test_mood(scene->home, "crash=sign");
    answer = sign(scene, "Alice P-256 signing", NULL);
    g_assert_null(answer);
    g_assert_cmpint(seal_test_host_stop(scene->host), !=, 0);
}

/* -- sessions
 * ---------------------------------------------------------------------------------------- */

static void
test_few_sessions_serve_many_requests(Scene *scene, gconstpointer mood)
{
    static const guint8 digest[32];
    SealSignParameters parameters = {SEAL_HASH_SHA256, 0, 32, 0};
    SealFrameHeader header = {
        .type = SEAL_FRAME_SIGN, .mechanism = SEAL_MECHANISM_ECDSA, .load = 20};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autofree guint8 *reply = g_malloc(SEAL_FRAME_MAX);
    g_autoptr(GBytes) bytes = NULL;
    const SealKeyInfo *key = NULL;
    g_autofree char *calls = NULL;
    SealFrameHeader got;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    key = seal_test_host_key(scene->host, "Alice P-256 signing");
    g_assert_cmpuint(seal_test_host_token(scene->host, "Alice")->session_limit, ==, 4);
    header.key = key->reference;
    header.generation = key->generation;
    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, digest, sizeof digest);
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    for (int i = 0; i < 20; i++)
        (void)seal_test_host_send(scene->host, &header, bytes);
    for (int i = 0; i < 20; i++) {
        g_assert_cmpint(seal_frame_receive(scene->host->channel, &got, reply, SEAL_FRAME_MAX, TRUE),
                        ==, 1);
        g_assert_cmpuint(got.status, ==, SEAL_ERROR_NONE);
    }
    /* The mock counts the sessions of all its tokens, so the limit was met, and waited out. */
    calls = seal_test_home_read(scene->home, "calls");
    g_assert_nonnull(strstr(calls, "C_OpenSession 0xb1"));
}

/* -- strange objects
 * ----------------------------------------------------------------------------------- */

static guint
count_keys(Scene *scene, const char *label)
{
    guint count = 0;

    for (guint i = 0; i < scene->host->keys->len; i++)
        count += g_str_equal(((SealKeyInfo *)scene->host->keys->pdata[i])->label, label);
    return count;
}

static void
test_unknown_key_type_is_skipped(Scene *scene, gconstpointer mood)
{
    g_autofree char *log = NULL;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    g_assert_cmpuint(count_keys(scene, "Alice RSA decryption"), ==, 0);
    expect_sign(scene, SEAL_ERROR_NONE);
    log = seal_test_home_read(scene->home, "host.log");
    g_assert_nonnull(strstr(log,
                            "token 'Alice': private key 'Alice RSA decryption' is left out: it is "
                            "of an unknown type"));
}

static void
test_garbage_certificate_is_skipped(Scene *scene, gconstpointer mood)
{
    g_autofree char *log = seal_test_home_read(scene->home, "host.log");

    g_assert_nonnull(strstr(log, "certificate 'Alice RSA signing' is left out"));
    g_assert_cmpuint(scene->host->left_out->len, ==, 1);
    g_assert_cmpstr(scene->host->left_out->pdata[0], ==,
                    "certificate 'Alice RSA signing' is left out: it is no X.509 certificate");
    for (guint i = 0; i < scene->host->certificates->len; i++) {
        const SealCertificateInfo *info = scene->host->certificates->pdata[i];

        g_assert_cmpstr(info->label, !=, "Alice RSA signing");
    }
    g_assert_cmpuint(count_keys(scene, "Alice RSA signing"), ==,
                     1); /* its public key object is fine */
}

/* Nothing is told twice: a second login changes no object, so only the state is told. */
static void
test_unchanged_objects_are_told_once(Scene *scene, gconstpointer mood)
{
    guint told = 0;

    login(scene, scene->pin, SEAL_ERROR_NONE);
    told = scene->host->n_told;
    rescan(scene);
    {
        g_autoptr(SealTestAnswer) out = seal_test_host_logout(scene->host, "Alice");

        g_assert_cmpint(out->status, ==, SEAL_ERROR_NONE);
    }
    login(scene, scene->pin, SEAL_ERROR_NONE);
    g_assert_cmpuint(scene->host->n_told, ==, told);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/pin/wrong-ones-are-counted", NULL, test_wrong_pins_are_counted);
    ADD("/host/pin/unreadable-token-is-logged-out", NULL, test_unreadable_token_is_logged_out);
    ADD("/host/pin/right-one-resets-the-counter", NULL, test_right_pin_resets_the_counter);
    ADD("/host/pin/login-twice-checks-it-again", NULL, test_login_twice_checks_the_pin_again);
    ADD("/host/pin/pad-of-the-reader-takes-it", NULL, test_pad_of_the_reader_takes_the_pin);
    ADD("/host/pin/pad-that-is-left-alone-cancels", "protected-path=true",
        test_pad_that_is_left_alone_cancels);
    ADD("/host/pin/context-login-each-time", "always-authenticate=true",
        test_context_login_each_time);
    g_test_add_func("/host/pin/context-login-of-softhsm", test_context_login_of_softhsm);
    ADD("/host/removal/pulled-token-is-told", NULL, test_pulled_token_is_told);
    ADD("/host/removal/token-put-back-is-a-new-one", NULL, test_token_put_back_is_a_new_one);
    ADD("/host/removal/unnoticed-reinsertion-is-found-by-use", NULL,
        test_unnoticed_reinsertion_is_found_by_use);
    ADD("/host/removal/events-tell-without-a-question", "events=true",
        test_events_tell_without_a_question);
    ADD("/host/removal/unreadable-token-is-looked-at-again", NULL,
        test_unreadable_token_is_looked_at_again);
    ADD("/host/polling/removable-slots-are-polled", "removable=true",
        test_removable_slots_are_polled);
    ADD("/host/polling/fixed-slots-are-not", NULL, test_fixed_slots_are_not_polled);
    g_test_add_func("/host/polling/ends-without-tokens", test_polling_grows_seldom);
    ADD("/host/removal/signature-of-a-swapped-card-is-kept-back", "removable=true",
        test_signature_of_a_swapped_card_is_kept_back);
    ADD("/host/removal/signature-of-a-fixed-token-is-not-verified", "wrong-signature=true",
        test_signature_of_a_fixed_token_is_not_verified);
    ADD("/host/trouble/hung-operation-leaves-others-alone", NULL,
        test_hung_operation_leaves_others_alone);
    ADD("/host/trouble/crash-ends-the-channel", NULL, test_crash_ends_the_channel);
    ADD("/host/sessions/few-serve-many-requests", "session-limit=4\nsleep-ms=2",
        test_few_sessions_serve_many_requests);
    ADD("/host/objects/unknown-key-type-is-skipped", "unknown-type=Alice RSA decryption",
        test_unknown_key_type_is_skipped);
    ADD("/host/objects/garbage-certificate-is-skipped", "garbage=Alice RSA signing",
        test_garbage_certificate_is_skipped);
    ADD("/host/objects/unchanged-ones-are-told-once", NULL, test_unchanged_objects_are_told_once);
    return g_test_run();
}
