/* DESIGN section 6, rules 2, 3 and 5, looked at from outside: after a real use over a real bus the
 * PIN is in no process, message, command line, environment, log or file, and no session key or mail
 * text went over the bus. Each search is first shown to find what is there. */
#include <openssl/rand.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "tests/agent/memory-search.h"
#include "tests/agent/rules-scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

#define SESSION_KEY_LEN 32

static void
skip_unless_memory_can_be_read(SealRulesScene *scene)
{
    g_assert_true(seal_memory_is_readable(scene->agent));
    g_assert_true(seal_memory_is_readable(seal_rules_scene_host(scene)));
}

/* Searches agent and host. */
static guint
count_in_both(SealRulesScene *scene, const void *needle, size_t len)
{
    guint64 in_agent = 0, in_host = 0;
    guint count = seal_memory_count(scene->agent, needle, len, &in_agent) +
                  seal_memory_count(seal_rules_scene_host(scene), needle, len, &in_host);

    /* A search of next to nothing would find nothing */
    g_assert_cmpuint(in_agent, >, 1024 * 1024);
    g_assert_cmpuint(in_host, >, 1024 * 1024);
    return count;
}

/* -- the searches find what is there ------------------------------------------------------ */

/* Text that stands nowhere by chance (transfer full). */
static char *
draw_text(void)
{
    guint8 random[16];
    GString *text = g_string_new("planted-");

    g_assert_cmpint(RAND_bytes(random, sizeof random), ==, 1);
    for (size_t i = 0; i < sizeof random; i++)
        g_string_append_printf(text, "%02x", random[i]);
    return g_string_free(text, FALSE);
}

/* A process that holds a secret in locked memory, and wipes it when it is told to. */
static void
be_secret_keeper(int channel, const char *planted)
{
    g_autoptr(SealSecret) secret = seal_secret_new_copy(planted, strlen(planted));
    char byte = 0;

    while (write(channel, "x", 1) == 1 && read(channel, &byte, 1) == 1)
        seal_secret_wipe(secret);
    _exit(0);
}

static void
await_byte(int channel)
{
    char byte = 0;

    g_assert_cmpint(read(channel, &byte, 1), ==, 1);
}

static void
test_search_finds(void)
{
    g_autofree char *planted = draw_text();
    int ends[2];
    pid_t keeper = 0;
    guint before = 0;

    if (geteuid() != 0) {
        g_test_skip("only root reads the memory of other processes");
        return;
    }
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    keeper = fork();
    if (keeper == 0) {
        close(ends[0]); /* or it would not see the end of a test that failed */
        be_secret_keeper(ends[1], planted);
    }
    await_byte(ends[0]);
    /* In the heap that it inherited, and in locked memory that is left out of core files */
    before = seal_memory_count(keeper, planted, strlen(planted), NULL);
    g_assert_cmpuint(before, >=, 2);
    g_assert_cmpint(write(ends[0], "x", 1), ==, 1);
    await_byte(ends[0]);
    g_assert_cmpuint(seal_memory_count(keeper, planted, strlen(planted), NULL), ==, before - 1);
    seal_test_stop(keeper);
    close(ends[0]);
    close(ends[1]);
}

static void
test_search_finds_in_agent_and_host(void)
{
    SealRulesScene scene;

    if (geteuid() != 0) {
        g_test_skip("only root reads the memory of other processes");
        return;
    }
    seal_rules_scene_open(&scene);
    skip_unless_memory_can_be_read(&scene);
    /* A token's label is no secret and must be in both */
    g_assert_cmpuint(seal_memory_count(scene.agent, "Alice RSA signing", 17, NULL), >, 0);
    g_assert_cmpuint(
        seal_memory_count(seal_rules_scene_host(&scene), "Alice RSA signing", 17, NULL), >, 0);
    g_assert_true(seal_memory_in_arguments(scene.agent, "SOFTHSM2_CONF=", 14));
    seal_rules_scene_close(&scene);
}

/* -- rule 2 --------------------------------------------------------------------------------- */

static void
assert_no_pin_in_memory(SealRulesScene *scene)
{
    g_assert_cmpuint(count_in_both(scene, scene->pin, SEAL_RULES_PIN_LEN), ==, 0);
    /* Nor half of it: a copy that was partly overwritten */
    g_assert_cmpuint(count_in_both(scene, scene->pin, SEAL_RULES_PIN_LEN / 2), ==, 0);
    g_assert_cmpuint(
        count_in_both(scene, scene->pin + SEAL_RULES_PIN_LEN / 2, SEAL_RULES_PIN_LEN / 2), ==, 0);
}

static void
test_pin_is_in_no_memory(void)
{
    guint8 digest[32], session_key[SESSION_KEY_LEN];
    SealRulesScene scene;

    if (geteuid() != 0) {
        g_test_skip("only root reads the memory of other processes");
        return;
    }
    g_assert_cmpint(RAND_bytes(digest, sizeof digest), ==, 1);
    g_assert_cmpint(RAND_bytes(session_key, sizeof session_key), ==, 1);
    seal_rules_scene_open(&scene);
    skip_unless_memory_can_be_read(&scene);
    seal_rules_unlock(&scene);
    assert_no_pin_in_memory(&scene);
    seal_rules_sign(&scene, "alice-rsa-sign", digest);
    seal_rules_unwrap(&scene, "alice-rsa-decrypt", session_key, sizeof session_key);
    assert_no_pin_in_memory(&scene);
    g_assert_cmpuint(count_in_both(&scene, session_key, sizeof session_key), ==, 0);
    seal_rules_lock_all(&scene);
    assert_no_pin_in_memory(&scene);
    seal_rules_scene_close(&scene);
}

/* Neither the one that was, nor the one that is: not in memory, nor on the bus. */
static void
test_changed_pin_is_nowhere(void)
{
    char fresh[SEAL_RULES_PIN_LEN + 1];
    SealRulesScene scene;

    if (geteuid() != 0) {
        g_test_skip("only root reads the memory of other processes");
        return;
    }
    seal_rules_scene_open(&scene);
    skip_unless_memory_can_be_read(&scene);
    g_strlcpy(fresh, scene.pin, sizeof fresh);
    for (gsize i = 0; i < SEAL_RULES_PIN_LEN / 2; i++) {
        fresh[i] = scene.pin[SEAL_RULES_PIN_LEN - 1 - i];
        fresh[SEAL_RULES_PIN_LEN - 1 - i] = scene.pin[i];
    }
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", scene.pin, fresh, fresh);
    seal_rules_change_pin(&scene);
    assert_no_pin_in_memory(&scene);
    seal_rules_flush_recording(&scene);
    g_assert_false(seal_rules_was_recorded(&scene, scene.pin, SEAL_RULES_PIN_LEN));
    g_assert_false(seal_rules_was_recorded(&scene, fresh, SEAL_RULES_PIN_LEN));
    memcpy(scene.pin, fresh, sizeof fresh); /* the token's now */
    assert_no_pin_in_memory(&scene);
    seal_test_pinentry_answer(scene.home, "pin %s\n", fresh);
    seal_rules_unlock(&scene);
    seal_rules_scene_close(&scene);
}

static void
test_pin_is_in_no_argument_log_or_file(void)
{
    guint8 digest[32] = {1};
    SealRulesScene scene;
    const char *except[] = {NULL, NULL};
    g_autofree char *pinentry = NULL, *folder = NULL, *found = NULL, *log = NULL;

    seal_rules_scene_open(&scene);
    seal_rules_unlock(&scene);
    seal_rules_sign(&scene, "alice-rsa-sign", digest);
    g_assert_false(seal_memory_in_arguments(scene.agent, scene.pin, SEAL_RULES_PIN_LEN));
    g_assert_false(
        seal_memory_in_arguments(seal_rules_scene_host(&scene), scene.pin, SEAL_RULES_PIN_LEN));
    seal_rules_lock_all(&scene);
    log = seal_test_agent_log(scene.home);
    g_assert_null(strstr(log, scene.pin));
    g_assert_nonnull(strstr(log, "Alice RSA signing")); /* the audit record of the signature */
    /* The fake pinentry's answers are the person's memory */
    pinentry = seal_test_home_path(scene.home, "pinentry");
    folder = g_path_get_dirname(pinentry);
    except[0] = pinentry;
    found = seal_memory_find_file(folder, scene.pin, SEAL_RULES_PIN_LEN, except);
    g_assert_cmpstr(found, ==, NULL);
    except[0] = NULL;
    found = seal_memory_find_file(folder, scene.pin, SEAL_RULES_PIN_LEN, except);
    g_assert_nonnull(found); /* this search finds, too */
    seal_rules_scene_close(&scene);
}

/* -- rule 3 -------------------------------------------------------------------------------- */

static guint
count_calls(SealRulesScene *scene, const char *call)
{
    g_autofree char *log = seal_test_home_read(scene->home, "calls");
    guint count = 0;

    for (const char *at = strstr(log, call); at; at = strstr(at + 1, call))
        count++;
    return count;
}

static void
assert_tries(SealRulesScene *scene, const char *expected)
{
    g_autofree char *tries = seal_test_home_read(scene->home, "tries");

    g_assert_cmpstr(tries, ==, expected);
}

/* A program that signs as often as it likes, and a person who mistypes: one try stays. */
static void
test_last_try_is_never_spent(void)
{
    SealRulesScene scene;

    seal_rules_scene_open_counted(&scene, "3");
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin 00000002\nalways pin 00000003\n");
    for (int i = 0; i < 5; i++)
        seal_rules_sign_fails(&scene, "alice-rsa-sign", "PinIncorrect", "one PIN try is left");
    assert_tries(&scene, "1");
    g_assert_cmpuint(count_calls(&scene, "C_Login"), ==, 2);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 2);
    /* The person comes for it, and thinks better of it */
    seal_test_pinentry_answer(scene.home, "no\n");
    seal_rules_unlock_fails(&scene, "Cancelled", "refused at the prompt");
    assert_tries(&scene, "1");
    seal_test_pinentry_answer(scene.home, "yes\npin %s\n", scene.pin);
    seal_rules_unlock(&scene);
    assert_tries(&scene, "3");
    seal_rules_scene_close(&scene);
}

static void
test_refused_pin_is_never_sent_again(void)
{
    SealRulesScene scene;

    seal_rules_scene_open_counted(&scene, "3");
    seal_test_pinentry_answer(scene.home, "pin 00000001\nalways pin 00000001\n");
    for (int i = 0; i < 3; i++)
        seal_rules_sign_fails(&scene, "alice-rsa-sign", "PinIncorrect", "no usable PIN");
    assert_tries(&scene, "2");
    g_assert_cmpuint(count_calls(&scene, "C_Login"), ==, 1);
    seal_rules_scene_close(&scene);
}

/* -- rules 2 and 5 on the bus ------------------------------------------------------------------ */

static void
test_no_secret_crosses_the_bus(void)
{
    guint8 digest[32], session_key[SESSION_KEY_LEN];
    SealRulesScene scene;

    g_assert_cmpint(RAND_bytes(digest, sizeof digest), ==, 1);
    g_assert_cmpint(RAND_bytes(session_key, sizeof session_key), ==, 1);
    seal_rules_scene_open(&scene);
    seal_rules_unlock(&scene);
    seal_rules_sign(&scene, "alice-rsa-sign", digest);
    seal_rules_unwrap(&scene, "alice-rsa-decrypt", session_key, sizeof session_key);
    seal_rules_lock_all(&scene);
    seal_rules_flush_recording(&scene);
    g_assert_true(seal_rules_was_recorded(&scene, "Unwrap", 6));
    g_assert_true(seal_rules_was_recorded(&scene, digest, sizeof digest));
    g_assert_false(seal_rules_was_recorded(&scene, scene.pin, SEAL_RULES_PIN_LEN));
    g_assert_false(seal_rules_was_recorded(&scene, session_key, sizeof session_key));
    seal_rules_scene_close(&scene);
}

static GBytes *
run(SealRulesScene *scene, const char *const *argv, GBytes *input)
{
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, input);

    if (result->status != 0)
        g_error("%s %s: status %d: %s", argv[0], argv[1], result->status, result->err);
    return g_bytes_new(result->out, result->out_len);
}

/* A mail through the command line: signed, encrypted, decrypted. */
static void
test_no_mail_text_reaches_bus_or_agent(void)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *text = draw_text();
    g_autofree char *mail = g_strdup_printf("From: alice@example.org\r\nTo: alice@example.org\r\n"
                                            "Subject: test\r\n\r\n%s\r\n",
                                            text);
    g_autoptr(GBytes) input = g_bytes_new(mail, strlen(mail));
    g_autoptr(GBytes) is_signed = NULL, encrypted = NULL, opened = NULL;
    const char *sign[] = {program, "sign", "--key", "Alice RSA signing", NULL};
    const char *encrypt[] = {program, "encrypt", "--to", NULL, NULL};
    const char *decrypt[] = {program, "decrypt", NULL};
    g_autofree char *certificate = NULL;
    SealRulesScene scene;

    seal_rules_scene_open(&scene);
    certificate = seal_test_fixture_path(scene.home, "certs/alice-rsa-decrypt.pem");
    encrypt[3] = certificate;
    is_signed = run(&scene, sign, input);
    encrypted = run(&scene, encrypt, is_signed);
    opened = run(&scene, decrypt, encrypted);
    g_assert_nonnull(
        memmem(g_bytes_get_data(opened, NULL), g_bytes_get_size(opened), text, strlen(text)));
    seal_rules_flush_recording(&scene);
    g_assert_false(seal_rules_was_recorded(&scene, text, strlen(text)));
    g_assert_false(seal_rules_was_recorded(&scene, scene.pin, SEAL_RULES_PIN_LEN));
    if (geteuid() == 0)
        g_assert_cmpuint(count_in_both(&scene, text, strlen(text)), ==, 0);
    seal_rules_scene_close(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rules/search/finds-what-is-there", test_search_finds);
    g_test_add_func("/rules/search/finds-in-agent-and-host", test_search_finds_in_agent_and_host);
    g_test_add_func("/rules/2/pin/is-in-no-memory", test_pin_is_in_no_memory);
    g_test_add_func("/rules/2/changed-pin/is-nowhere", test_changed_pin_is_nowhere);
    g_test_add_func("/rules/2/pin/is-in-no-argument-log-or-file",
                    test_pin_is_in_no_argument_log_or_file);
    g_test_add_func("/rules/3/last-try/is-never-spent", test_last_try_is_never_spent);
    g_test_add_func("/rules/3/refused-pin/is-never-sent-again",
                    test_refused_pin_is_never_sent_again);
    g_test_add_func("/rules/5/bus/no-secret-crosses-it", test_no_secret_crosses_the_bus);
    g_test_add_func("/rules/6/mail/its-text-reaches-neither-bus-nor-agent",
                    test_no_mail_text_reaches_bus_or_agent);
    return g_test_run();
}
