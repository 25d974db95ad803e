/* The scene is set in the order of the agent's main(), and struck in the reverse. */
#include "tests/agent/unlock-scene.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/process.h"

#define TOKEN "Alice"

static void
add_module(SealUnlockScene *scene, const char *path, const SealUnlockSceneOptions *options)
{
    g_autofree char *host = seal_test_built("pkcs11/host/privyseal-host");
    const SealModuleConfig config = {
        .name = (char *)"test",
        .path = (char *)path,
        .host_program = host,
        .operation_timeout_ms = (guint)seal_test_deadline_ms(),
        .login_timeout_ms =
            options->login_timeout_ms ? options->login_timeout_ms : (guint)seal_test_deadline_ms(),
        .start_timeout_ms = (guint)seal_test_deadline_ms(),
    };

    seal_registry_add_module(scene->registry, scene->loop, &config);
}

static gboolean
is_ready(gpointer data)
{
    return seal_registry_is_ready(data);
}

static SealTokenObject *
find_token(SealUnlockScene *scene, const char *label)
{
    g_autoptr(GPtrArray) tokens = seal_registry_tokens(scene->registry);

    for (guint i = 0; i < tokens->len; i++) {
        SealTokenObject *token = tokens->pdata[i];

        if (strcmp(token->label, label) == 0)
            return token;
    }
    g_error("no token '%s' among %u", label, tokens->len);
}

void
seal_unlock_scene_set_moods(SealUnlockScene *scene, const char *moods)
{
    g_autofree char *tries = seal_test_home_path(scene->home, "moody/tries");
    g_autofree char *puk_tries = seal_test_home_path(scene->home, "moody/puk-tries");
    g_autofree char *log = seal_test_home_path(scene->home, "moody/log");
    g_autofree char *text = g_strdup_printf("[mood]\npin-tries=%s\npuk-tries=%s\nlog=%s\n%s",
                                            tries, puk_tries, log, moods);
    g_autofree char *path = seal_test_home_path(scene->home, "moody/control");

    /* Replaced as a whole: the module may read it at any time */
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

void
seal_unlock_scene_set_tries(SealUnlockScene *scene, const char *tries)
{
    g_autofree char *path = seal_test_home_write(scene->home, "moody/tries", tries);

    g_assert_nonnull(path);
}

void
seal_unlock_scene_set_puk_tries(SealUnlockScene *scene, const char *tries)
{
    g_autofree char *path = seal_test_home_write(scene->home, "moody/puk-tries", tries);

    g_assert_nonnull(path);
}

int
seal_unlock_scene_puk_tries(SealUnlockScene *scene)
{
    g_autofree char *text = seal_test_home_read(scene->home, "moody/puk-tries");

    return atoi(text);
}

/* Returns the path of the module that the host shall load (transfer full). */
static char *
prepare_module(SealUnlockScene *scene, const SealUnlockSceneOptions *options)
{
    g_autofree char *softhsm = seal_test_fixture_module(scene->home);
    g_autofree char *control = seal_test_home_path(scene->home, "moody/control");

    if (!options->moods)
        return g_steal_pointer(&softhsm);
    seal_unlock_scene_set_tries(scene, options->tries ? options->tries : "3");
    seal_unlock_scene_set_puk_tries(scene, options->puk_tries ? options->puk_tries : "3");
    seal_unlock_scene_set_moods(scene, options->moods);
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY", control);
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY_MODULE", softhsm);
    return seal_test_built("tests/mock/moody.so");
}

void
seal_unlock_scene_open(SealUnlockScene *scene, const SealUnlockSceneOptions *options)
{
    g_autofree char *pinentry = NULL, *module = NULL;

    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    seal_test_fixture_new(scene->home);
    scene->pin = seal_test_fixture_pin(scene->home);
    pinentry = seal_test_pinentry_new(scene->home);
    module = prepare_module(scene, options);
    scene->loop = seal_loop_new(NULL);
    scene->registry = seal_registry_new();
    scene->prompter = seal_prompter_new(scene->loop, pinentry, 60);
    scene->unlocker = seal_unlocker_new(scene->registry, scene->prompter, &options->limits);
    scene->caller = seal_caller_new(getuid(), getpid(), TRUE);
    add_module(scene, module, options);
    g_assert_true(seal_test_wait_until(is_ready, scene->registry));
    scene->token = find_token(scene, TOKEN);
}

void
seal_unlock_scene_close(SealUnlockScene *scene)
{
    g_autoptr(GArray) children = NULL;

    seal_unlocker_free(scene->unlocker);
    seal_prompter_free(scene->prompter);
    seal_registry_free(scene->registry);
    seal_loop_free(scene->loop);
    seal_caller_unref(scene->caller);
    g_free(scene->pin);
    children = seal_test_children(getpid());
    g_assert_cmpuint(children->len, ==, 0);
    seal_test_home_free(scene->home);
}

SealUnlockAsk
seal_unlock_scene_ask(const SealUnlockScene *scene)
{
    return (SealUnlockAsk){
        .caller = scene->caller,
        .interactive = TRUE,
        .purpose = "sign",
        .key_label = "work",
    };
}

void
seal_unlock_on_answer(SealErrorCode status, const char *message, gpointer user_data)
{
    SealUnlockAnswer *answer = user_data;

    answer->calls++;
    answer->status = status;
    g_free(answer->message);
    answer->message = g_strdup(message);
}

static gboolean
has_answer(gpointer data)
{
    return ((SealUnlockAnswer *)data)->calls > 0;
}

void
seal_unlock_expect(SealUnlockAnswer *answer, SealErrorCode status, const char *part)
{
    g_assert_true(seal_test_wait_until(has_answer, answer));
    g_assert_cmpuint(answer->calls, ==, 1);
    answer->calls = 0;
    if (answer->status != status)
        g_error("status %d (%s) instead of %d", answer->status, answer->message, status);
    if (part && !strstr(answer->message, part))
        g_error("'%s' is not in '%s'", part, answer->message);
}

void
seal_unlock_answer_clear(SealUnlockAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
}

void
seal_unlock_scene_try(SealUnlockScene *scene, const SealUnlockAsk *ask, SealErrorCode status,
                      const char *part)
{
    g_auto(SealUnlockAnswer) answer = {0};

    (void)seal_unlock_async(scene->unlocker, scene->token, ask, seal_unlock_on_answer, &answer);
    seal_unlock_expect(&answer, status, part);
}

/* -- logs -------------------------------------------------------------------------- */

static guint
occurrences(const char *text, const char *part)
{
    guint count = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

guint
seal_unlock_scene_prompts(SealUnlockScene *scene, const char *part)
{
    g_autofree char *log = seal_test_pinentry_log(scene->home);

    return occurrences(log, part);
}

guint
seal_unlock_scene_calls(SealUnlockScene *scene, const char *call)
{
    g_autofree char *log = seal_test_home_read(scene->home, "moody/log");

    return occurrences(log, call);
}

int
seal_unlock_scene_tries(SealUnlockScene *scene)
{
    g_autofree char *text = seal_test_home_read(scene->home, "moody/tries");

    return atoi(text);
}

typedef struct {
    guint (*count)(SealUnlockScene *scene, const char *text);
    SealUnlockScene *scene;
    const char *text;
    guint awaited;
} AwaitedText;

static gboolean
is_there(gpointer data)
{
    const AwaitedText *text = data;

    return text->count(text->scene, text->text) >= text->awaited;
}

static gboolean
keep_looking(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

/* No event of the loop tells of a file: it is looked at every few milliseconds while the loop runs.
 */
static void
wait_for_text(AwaitedText text)
{
    guint timer = g_timeout_add(5, keep_looking, NULL);

    g_assert_true(seal_test_wait_until(is_there, &text));
    g_source_remove(timer);
}

void
seal_unlock_scene_wait_prompt(SealUnlockScene *scene, const char *text, guint count)
{
    wait_for_text((AwaitedText){seal_unlock_scene_prompts, scene, text, count});
}

void
seal_unlock_scene_wait_call(SealUnlockScene *scene, const char *call, guint count)
{
    wait_for_text((AwaitedText){seal_unlock_scene_calls, scene, call, count});
}

typedef struct {
    SealUnlockScene *scene;
    SealTokenState state;
} AwaitedState;

static gboolean
is_in_state(gpointer data)
{
    const AwaitedState *awaited = data;

    return awaited->scene->token->state == awaited->state;
}

void
seal_unlock_scene_wait_state(SealUnlockScene *scene, SealTokenState state)
{
    AwaitedState awaited = {scene, state};

    g_assert_true(seal_test_wait_until(is_in_state, &awaited));
}
