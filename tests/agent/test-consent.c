/* The confirmation that a policy rule may ask for: what it says, and each answer. */
#include <string.h>
#include <unistd.h>

#include "agent/consent.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    SealLoop *loop;
    SealPrompter *prompter;
    SealCaller *caller;
    guint calls;
    SealErrorCode status;
    char *message;
} Scene;

static const SealPolicyUse to_sign = {SEAL_PURPOSE_SIGN, SEAL_RAW_NONE};
static const SealPolicyKey key = {
    .key_id = "00", .key_label = "work\nPurpose: harmless", .token_label = "Blue"};

static void
scene_open(Scene *scene, const char *program, const char *answer)
{
    g_autofree char *fake = NULL;

    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    fake = seal_test_pinentry_new(scene->home);
    seal_test_pinentry_answer(scene->home, "%s\n", answer);
    scene->loop = seal_loop_new(NULL);
    scene->prompter = seal_prompter_new(scene->loop, program ? program : fake, 60);
    scene->caller = seal_caller_new(getuid(), getpid(), TRUE);
}

static void
scene_close(Scene *scene)
{
    g_autoptr(GArray) children = NULL;

    seal_prompter_free(scene->prompter);
    seal_loop_free(scene->loop);
    seal_caller_unref(scene->caller);
    g_free(scene->message);
    children = seal_test_children(getpid());
    g_assert_cmpuint(children->len, ==, 0);
    seal_test_home_free(scene->home);
}

static void
on_answer(SealErrorCode status, const char *message, gpointer user_data)
{
    Scene *scene = user_data;

    scene->calls++;
    scene->status = status;
    g_free(scene->message);
    scene->message = g_strdup(message);
}

static gboolean
is_answered(gpointer data)
{
    return ((Scene *)data)->calls > 0;
}

static void
ask(Scene *scene, SealPolicyUse policy_use, SealErrorCode status)
{
    SealConsent *consent =
        seal_consent_async(scene->prompter, scene->caller, &key, &policy_use, on_answer, scene);

    g_assert_nonnull(consent);
    g_assert_cmpuint(scene->calls, ==, 0);
    g_assert_true(seal_test_wait_until(is_answered, scene));
    g_assert_cmpuint(scene->calls, ==, 1);
    g_assert_cmpint(scene->status, ==, status);
}

static void
test_answers(void)
{
    static const struct {
        const char *answer;
        SealErrorCode status;
    } cases[] = {
        {"yes", SEAL_ERROR_NONE},           {"no", SEAL_ERROR_DENIED},
        {"cancel", SEAL_ERROR_CANCELLED},   {"close", SEAL_ERROR_CANCELLED},
        {"timeout", SEAL_ERROR_TIMED_OUT},  {"garbage", SEAL_ERROR_NO_PROMPTER},
        {"no-tty", SEAL_ERROR_NO_PROMPTER},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Scene scene;

        scene_open(&scene, NULL, cases[i].answer);
        ask(&scene, to_sign, cases[i].status);
        g_assert_true((*scene.message == '\0') == (cases[i].status == SEAL_ERROR_NONE));
        scene_close(&scene);
    }
}

static void
test_text(void)
{
    Scene scene;
    g_autofree char *log = NULL, *program = NULL, *line = NULL;

    scene_open(&scene, NULL, "yes");
    ask(&scene, (SealPolicyUse){SEAL_PURPOSE_DECRYPT}, SEAL_ERROR_NONE);
    log = seal_test_pinentry_log(scene.home);
    program = seal_caller_describe(scene.caller);
    /* The label's line break does not make a line of its own */
    line = g_strdup_printf("Program: %s%%0AKey: work Purpose: harmless%%0AToken: Blue%%0A"
                           "Purpose: decrypt\n",
                           program);
    g_assert_nonnull(strstr(log, line));
    g_assert_nonnull(strstr(log, "SETOK Allow\n"));
    g_assert_nonnull(strstr(log, "SETNOTOK Refuse\n"));
    scene_close(&scene);
}

static void
test_raw_text(void)
{
    static const struct {
        SealPolicyUse policy_use;
        const char *purpose;
    } cases[] = {
        {{SEAL_PURPOSE_DECRYPT, SEAL_RAW_ECDH}, "derive a raw ECDH secret"},
        {{SEAL_PURPOSE_SIGN, SEAL_RAW_RSA}, "sign without padding (raw RSA)"},
        {{SEAL_PURPOSE_DECRYPT, SEAL_RAW_RSA}, "decrypt without padding (raw RSA)"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Scene scene;
        g_autofree char *log = NULL, *text = NULL;

        scene_open(&scene, NULL, "yes");
        ask(&scene, cases[i].policy_use, SEAL_ERROR_NONE);
        log = seal_test_pinentry_log(scene.home);
        text =
            g_strdup_printf("Purpose: %s%%0A%%0AThis is more than signing or reading mail needs.",
                            cases[i].purpose);
        g_assert_nonnull(strstr(log, text));
        scene_close(&scene);
    }
}

static void
test_no_prompter(void)
{
    Scene scene;

    scene_open(&scene, "/nonexistent/pinentry", "yes");
    ask(&scene, to_sign, SEAL_ERROR_NO_PROMPTER);
    scene_close(&scene);
}

static void
test_caller_leaves(void)
{
    Scene scene;
    SealConsent *consent = NULL;

    scene_open(&scene, NULL, "hang");
    consent = seal_consent_async(scene.prompter, scene.caller, &key, &to_sign, on_answer, &scene);
    seal_consent_cancel(consent);
    scene_close(&scene);
    g_assert_cmpuint(scene.calls, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/consent/answers/are-told-apart", test_answers);
    g_test_add_func("/consent/text/names-program-key-purpose", test_text);
    g_test_add_func("/consent/text/says-that-it-is-raw", test_raw_text);
    g_test_add_func("/consent/no-prompter/is-told", test_no_prompter);
    g_test_add_func("/consent/caller-leaves/dialogue-closes", test_caller_leaves);
    return g_test_run();
}
