/* Dialogues with a person, played by a fake pinentry and by small scripts that misbehave as real
 * ones were seen to. Each ends by one answer with a sentence, and no process stays behind. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/prompter.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* Of a question; our own deadline comes three seconds later. */
#define TIMEOUT_S 1

typedef struct {
    SealTestHome *home;
    SealLoop *loop;
    SealPrompter *prompter;
    SealCaller *caller;
} Scene;

typedef struct {
    guint calls;
    SealErrorCode status;
    char *pin; /* of a test: no secret */
    char *message;
} Answer;

static void
scene_open(Scene *scene, const char *program)
{
    g_autofree char *fake = NULL;

    scene->home = seal_test_home_new();
    fake = seal_test_pinentry_new(scene->home);
    scene->loop = seal_loop_new(NULL);
    scene->prompter = seal_prompter_new(scene->loop, program ? program : fake, TIMEOUT_S);
    scene->caller = seal_caller_new(getuid(), getpid(), TRUE);
}

static void
scene_close(Scene *scene)
{
    g_autoptr(GArray) children = NULL;

    seal_prompter_free(scene->prompter);
    seal_loop_free(scene->loop);
    seal_caller_unref(scene->caller);
    children = seal_test_children(getpid());
    g_assert_cmpuint(children->len, ==, 0);
    seal_test_home_free(scene->home);
}

/* A prompter over a shell script that answers OK to all but what `cases` (of a case statement) say.
 */
static void
scene_open_script(Scene *scene, const char *before, const char *cases)
{
    g_autofree char *text =
        g_strdup_printf("#!/bin/sh\n%s\necho 'OK hello'\nwhile read -r line; do\n"
                        "case \"$line\" in\n%s\n*) echo OK;;\nesac\ndone\n",
                        before, cases);
    g_autofree char *path = NULL;

    scene_open(scene, NULL);
    path = seal_test_home_write(scene->home, "script/pinentry", text);
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    seal_prompter_free(scene->prompter);
    scene->prompter = seal_prompter_new(scene->loop, path, TIMEOUT_S);
}

static void
on_answer(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    Answer *answer = user_data;

    answer->calls++;
    answer->status = status;
    g_free(answer->pin);
    answer->pin = pin ? g_strndup((const char *)seal_secret_peek(pin), seal_secret_len(pin)) : NULL;
    g_free(answer->message);
    answer->message = g_strdup(message);
    seal_secret_free(pin);
}

static gboolean
has_answer(gpointer data)
{
    return ((Answer *)data)->calls > 0;
}

static void
wait_for(Answer *answer)
{
    g_assert_true(seal_test_wait_until(has_answer, answer));
    g_assert_cmpuint(answer->calls, ==, 1);
    answer->calls = 0;
}

static void
answer_clear(Answer *answer)
{
    g_free(answer->pin);
    g_free(answer->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

static const SealPromptText plain = {
    .title = "Privy Seal", .description = "Which PIN?", .prompt = "PIN:", .ok = "Unlock"};

static guint
occurrences(const char *text, const char *part)
{
    guint count = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Asks once, in a prompt of its own, and expects an end without a PIN. */
static void
expect_failure(Scene *scene, SealErrorCode status, const char *part_of_message)
{
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = seal_prompt_new(scene->prompter, scene->caller);

    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    g_assert_cmpuint(answer.calls, ==, 0); /* never from inside the call */
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, status);
    g_assert_null(answer.pin);
    g_assert_nonnull(strstr(answer.message, part_of_message));
    seal_prompt_free(prompt);
}

static gboolean
has_no_children(gpointer data)
{
    g_autoptr(GArray) children = seal_test_children(getpid());

    return children->len == 0;
}

static gboolean
exists(gpointer data)
{
    return g_file_test(data, G_FILE_TEST_EXISTS);
}

static gboolean
keep_looking(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

/* Runs the loop until `done`, which no event of the loop announces, is TRUE. */
static void
look_until(gboolean (*done)(gpointer data), gpointer data)
{
    guint timer = g_timeout_add(5, keep_looking, NULL);

    g_assert_true(seal_test_wait_until(done, data));
    g_source_remove(timer);
}

/* -- answers -------------------------------------------------------------------- */

static void
test_pin(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;
    g_autofree char *log = NULL;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "pin 12%%34 \xc3\xa4\n");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    g_assert_cmpstr(answer.pin, ==, "12%34 \xc3\xa4");
    seal_prompt_free(prompt);
    log = seal_test_pinentry_log(scene.home);
    g_assert_nonnull(strstr(log, "SETDESC Which PIN?\n"));
    g_assert_nonnull(strstr(log, "SETPROMPT PIN:\n"));
    g_assert_nonnull(strstr(log, "SETOK Unlock\n"));
    g_assert_nonnull(strstr(log, "SETTIMEOUT 1\n"));
    g_assert_nonnull(strstr(log, "OPTION owner="));
    g_assert_null(strstr(log, "allow-external-password-cache"));
    g_assert_null(strstr(log, "SETERROR"));
    scene_close(&scene);
}

static void
test_asks_again_in_the_same_process(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPromptText again = plain;
    SealPrompt *prompt = NULL;
    g_autofree char *log = NULL;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "pin 1111\npin 2222\n");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(answer.pin, ==, "1111");
    again.error = "the PIN was wrong";
    seal_prompt_ask_pin(prompt, &again, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(answer.pin, ==, "2222");
    seal_prompt_free(prompt);
    log = seal_test_pinentry_log(scene.home);
    g_assert_cmpuint(occurrences(log, "START"), ==, 1);
    g_assert_cmpuint(occurrences(log, "GETPIN\n"), ==, 2);
    g_assert_nonnull(strstr(log, "SETERROR the PIN was wrong\n"));
    scene_close(&scene);
}

static void
test_empty_pin(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;

    scene_open_script(&scene, "", "GETPIN) echo OK;;");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    g_assert_cmpstr(answer.pin, ==, "");
    seal_prompt_free(prompt);
    scene_close(&scene);
}

static void
test_confirm(void)
{
    static const struct {
        const char *answer;
        SealErrorCode status;
    } cases[] = {
        {"yes", SEAL_ERROR_NONE}, {"no", SEAL_ERROR_DENIED}, {"cancel", SEAL_ERROR_CANCELLED}};
    const SealPromptText text = {.description = "May it?", .ok = "Allow", .refuse = "Refuse"};
    Scene scene;

    scene_open(&scene, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Answer) answer = {0};
        SealPrompt *prompt = seal_prompt_new(scene.prompter, scene.caller);

        seal_test_pinentry_answer(scene.home, "%s\n", cases[i].answer);
        seal_prompt_confirm(prompt, &text, on_answer, &answer);
        wait_for(&answer);
        g_assert_cmpint(answer.status, ==, cases[i].status);
        g_assert_null(answer.pin);
        seal_prompt_free(prompt);
    }
    scene_close(&scene);
}

static void
test_message_stays(void)
{
    Scene scene;
    g_auto(Answer) shown = {0}, answer = {0};
    SealPrompt *message = NULL, *prompt = NULL;
    g_autofree char *put_away = NULL;

    scene_open_script(&scene, "",
                      "MESSAGE) echo OK; : > \"$0.put-away\";;\n"
                      "GETPIN) printf 'D 1\\nOK\\n';;");
    put_away = seal_test_home_path(scene.home, "script/pinentry.put-away");
    message = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_show(message, &plain, on_answer, &shown);
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    look_until(exists, put_away);
    g_assert_cmpuint(answer.calls, ==, 0); /* the turn is still the message's */
    seal_prompt_free(message);
    wait_for(&answer);
    g_assert_cmpuint(shown.calls, ==, 0);
    seal_prompt_free(prompt);
    scene_close(&scene);
}

static void
test_message_is_cancelled(void)
{
    Scene scene;
    g_auto(Answer) shown = {0};
    SealPrompt *message = NULL;

    scene_open(&scene, NULL);
    message = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_show(message, &plain, on_answer, &shown);
    wait_for(&shown);
    g_assert_cmpint(shown.status, ==, SEAL_ERROR_CANCELLED);
    seal_prompt_free(message);
    scene_close(&scene);
}

/* -- what a person, or nobody, does ------------------------------------------------ */

static void
test_endings(void)
{
    static const struct {
        const char *answer;
        SealErrorCode status;
        const char *message;
    } cases[] = {
        {"cancel", SEAL_ERROR_CANCELLED, "cancelled at the prompt"},
        {"close", SEAL_ERROR_CANCELLED, "the prompt was closed"},
        {"die", SEAL_ERROR_CANCELLED, "the prompt was closed"},
        {"timeout", SEAL_ERROR_TIMED_OUT, "nobody answered"},
        {"no-tty", SEAL_ERROR_NO_PROMPTER, "Inappropriate ioctl"},
        {"garbage", SEAL_ERROR_NO_PROMPTER, "does not speak the pinentry protocol"},
        {"flood", SEAL_ERROR_NO_PROMPTER, "talks without answering"},
    };
    Scene scene;

    scene_open(&scene, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        seal_test_pinentry_answer(scene.home, "%s\n", cases[i].answer);
        expect_failure(&scene, cases[i].status, cases[i].message);
    }
    scene_close(&scene);
}

static void
test_hang(void)
{
    Scene scene;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "hang\n");
    expect_failure(&scene, SEAL_ERROR_TIMED_OUT, "nobody answered");
    scene_close(&scene);
}

/* -- programs that cannot ask ---------------------------------------------------- */

static void
test_missing_program(void)
{
    static const char *const programs[] = {"/nonexistent/pinentry", "no-such-pinentry",
                                           "/etc/passwd"};

    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
        Scene scene;

        scene_open(&scene, programs[i]);
        expect_failure(&scene, SEAL_ERROR_NO_PROMPTER, "\"pinentry=\"");
        scene_close(&scene);
    }
}

static void
test_broken_programs(void)
{
    static const struct {
        const char *before, *cases, *message;
    } scripts[] = {
        {"exit 1", "", "ended before it could ask"},
        {"", "SETDESC*) exit 1;;", "ended before it could ask"},
        {"", "GETPIN) kill -SEGV $$;;", "crashed"},
        {"", "GETPIN) printf 'D 1234\\nOK\\nOK\\n';;", "said more than it was asked"},
        {"", "SETDESC*) printf 'D 1234\\nOK\\n';;", "answered what it was not asked"},
        {"", "SETDESC*) echo 'ERR 1 no';;", "refused (no)"},
        {"", "GETPIN) for i in 1 2 3 4 5 6; do printf 'D %0200d\\n' 0; done; echo OK;;",
         "answered what it was not asked"},
        {"", "GETPIN) echo 'ERR 83886246 Locale problem';;", "refused (Locale problem)"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        Scene scene;

        scene_open_script(&scene, scripts[i].before, scripts[i].cases);
        expect_failure(&scene, SEAL_ERROR_NO_PROMPTER, scripts[i].message);
        scene_close(&scene);
    }
}

static void
test_silent_program(void)
{
    Scene scene;

    scene_open_script(&scene, "read -r forever", "");
    expect_failure(&scene, SEAL_ERROR_NO_PROMPTER, "does not answer");
    scene_close(&scene);
}

/* pinentry-tty says "cancelled" when it has no terminal: nobody cancelled. */
static void
test_text_program_without_terminal(void)
{
    Scene scene;

    scene_open_script(&scene, "",
                      "'GETINFO flavor') printf 'D gtk2:curses\\nOK\\n';;\n"
                      "GETPIN) echo 'ERR 83886179 Operation cancelled';;");
    expect_failure(&scene, SEAL_ERROR_NO_PROMPTER, "neither a display nor a terminal");
    scene_close(&scene);
}

static void
test_inquiry_is_declined(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;

    scene_open_script(&scene, "",
                      "GETPIN) echo 'INQUIRE QUALITY 1234'; read -r reply;\n"
                      "printf 'D %s\\nOK\\n' \"$reply\";;");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(answer.pin, ==, "CAN");
    seal_prompt_free(prompt);
    scene_close(&scene);
}

static void
test_program_gone_between_questions(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;

    scene_open_script(&scene, "", "GETPIN) printf 'D 1\\nOK\\n'; exit 0;;");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    for (int i = 0; i < 3; i++) {
        seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
        wait_for(&answer);
        g_assert_cmpstr(answer.pin, ==, "1");
        look_until(has_no_children, NULL);
    }
    seal_prompt_free(prompt);
    scene_close(&scene);
}

/* -- surroundings ------------------------------------------------------------------ */

static void
test_environment_is_the_callers(void)
{
    const char *handed_over[] = {"DISPLAY=:77", "LC_ALL=de_DE.UTF-8", "TERM=vt220", NULL};
    Scene scene;
    g_autofree char *seen = NULL, *options = NULL;

    scene_open_script(&scene, "env > \"$0.environment\"",
                      "GETPIN) echo 'ERR 99';;\n*) echo \"$line\" >> \"$0.options\"; echo OK;;");
    seal_test_home_setenv(scene.home, "WAYLAND_DISPLAY", "wayland-of-the-agent");
    seal_caller_set_environment(scene.caller, handed_over);
    expect_failure(&scene, SEAL_ERROR_CANCELLED, "cancelled");
    seen = seal_test_home_read(scene.home, "script/pinentry.environment");
    options = seal_test_home_read(scene.home, "script/pinentry.options");
    g_assert_nonnull(strstr(seen, "DISPLAY=:77\n"));
    g_assert_nonnull(strstr(seen, "PATH="));
    g_assert_null(strstr(seen, "wayland-of-the-agent"));
    g_assert_nonnull(strstr(options, "OPTION display=:77\n"));
    g_assert_nonnull(strstr(options, "OPTION lc-ctype=de_DE.UTF-8\n"));
    g_assert_nonnull(strstr(options, "OPTION ttytype=vt220\n"));
    scene_close(&scene);
}

/* A label that tries to be a command, or to hide what follows. */
static void
test_text_injects_nothing(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPromptText text = plain;
    SealPrompt *prompt = NULL;
    g_autofree char *log = NULL;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "cancel\n");
    text.description = "Token: x\nSETDESC all is well\r\nGETPIN\n\033[2J";
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &text, on_answer, &answer);
    wait_for(&answer);
    seal_prompt_free(prompt);
    log = seal_test_pinentry_log(scene.home);
    g_assert_cmpuint(occurrences(log, "\nSETDESC"), ==, 1);
    g_assert_cmpuint(occurrences(log, "\nGETPIN"), ==, 1);
    g_assert_null(strchr(log, '\033'));
    scene_close(&scene);
}

/* -- turns ------------------------------------------------------------------------- */

static void
test_one_at_a_time(void)
{
    Scene scene;
    g_auto(Answer) first = {0}, second = {0};
    SealPrompt *one = NULL, *two = NULL;
    g_autofree char *log = NULL;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "pin 1\npin 2\n");
    one = seal_prompt_new(scene.prompter, scene.caller);
    two = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(one, &plain, on_answer, &first);
    seal_prompt_ask_pin(two, &plain, on_answer, &second);
    wait_for(&first);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 1);
    seal_prompt_free(one);
    wait_for(&second);
    g_assert_cmpstr(second.pin, ==, "2");
    log = seal_test_pinentry_log(scene.home);
    g_assert_cmpuint(occurrences(log, "START"), ==, 2);
    seal_prompt_free(two);
    scene_close(&scene);
}

static void
test_queue_is_bounded(void)
{
    enum { SHOWN = 1, WAITING = 64, ALL = SHOWN + WAITING + 1 };
    SealPrompt *prompts[ALL] = {NULL};
    Answer answers[ALL] = {{0}};
    Scene scene;

    scene_open(&scene, NULL);
    seal_test_pinentry_answer(scene.home, "always hang\n");
    for (guint i = 0; i < ALL; i++) {
        prompts[i] = seal_prompt_new(scene.prompter, scene.caller);
        seal_prompt_ask_pin(prompts[i], &plain, on_answer, &answers[i]);
    }
    wait_for(&answers[ALL - 1]);
    g_assert_cmpint(answers[ALL - 1].status, ==, SEAL_ERROR_BUSY);
    for (guint i = ALL; i-- > 0;) {
        g_assert_cmpuint(answers[i].calls, ==, 0);
        seal_prompt_free(prompts[i]);
        answer_clear(&answers[i]);
    }
    scene_close(&scene);
}

static void
test_caller_leaves(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;
    g_autofree char *asked = NULL;

    scene_open_script(&scene, "trap '' TERM", "GETPIN) : > \"$0.asked\"; read -r never;;");
    asked = seal_test_home_path(scene.home, "script/pinentry.asked");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    look_until(exists, asked);
    seal_prompt_free(prompt);
    look_until(has_no_children, NULL);
    g_assert_cmpuint(answer.calls, ==, 0);
    scene_close(&scene);
}

/* One that ignores both its closed stream and SIGTERM is killed. */
static void
test_stubborn_program(void)
{
    Scene scene;
    g_auto(Answer) answer = {0};
    SealPrompt *prompt = NULL;
    g_autofree char *asked = NULL;

    scene_open_script(&scene, "trap '' TERM", "GETPIN) : > \"$0.asked\"; exec tail -f /dev/null;;");
    asked = seal_test_home_path(scene.home, "script/pinentry.asked");
    prompt = seal_prompt_new(scene.prompter, scene.caller);
    seal_prompt_ask_pin(prompt, &plain, on_answer, &answer);
    look_until(exists, asked);
    seal_prompt_free(prompt);
    look_until(has_no_children, NULL);
    scene_close(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prompter/pin/is-handed-over", test_pin);
    g_test_add_func("/prompter/pin/asked-again-in-the-same-process",
                    test_asks_again_in_the_same_process);
    g_test_add_func("/prompter/pin/may-be-empty", test_empty_pin);
    g_test_add_func("/prompter/confirm/yes-no-cancel", test_confirm);
    g_test_add_func("/prompter/message/stays-until-freed", test_message_stays);
    g_test_add_func("/prompter/message/may-be-cancelled", test_message_is_cancelled);
    g_test_add_func("/prompter/endings/are-told-apart", test_endings);
    g_test_add_func("/prompter/endings/hang-is-ended", test_hang);
    g_test_add_func("/prompter/program/missing", test_missing_program);
    g_test_add_func("/prompter/program/misbehaves", test_broken_programs);
    g_test_add_func("/prompter/program/says-nothing", test_silent_program);
    g_test_add_func("/prompter/program/text-without-terminal", test_text_program_without_terminal);
    g_test_add_func("/prompter/program/inquiry-is-declined", test_inquiry_is_declined);
    g_test_add_func("/prompter/program/gone-between-questions",
                    test_program_gone_between_questions);
    g_test_add_func("/prompter/environment/is-the-callers", test_environment_is_the_callers);
    g_test_add_func("/prompter/text/injects-nothing", test_text_injects_nothing);
    g_test_add_func("/prompter/turns/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/prompter/turns/queue-is-bounded", test_queue_is_bounded);
    g_test_add_func("/prompter/caller/leaves/process-ends", test_caller_leaves);
    g_test_add_func("/prompter/caller/leaves/stubborn-process-is-killed", test_stubborn_program);
    return g_test_run();
}
