/* The scene is set in the order of the agent's main(), and struck in the reverse. */
#include "tests/agent/unlock-scene.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/process.h"

static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    SealUnlockScene *scene = user_data;

    if (token == scene->token && g_strv_contains(properties, "State"))
        g_ptr_array_add(scene->states, (gpointer)seal_token_state_name(token->state));
}

static const SealRegistryEvents events = {.token_changed = on_token_changed};

static void
add_module(SealUnlockScene *scene, const char *path)
{
    g_autofree char *host = seal_test_built("pkcs11/host/privyseal-host");
    const SealModuleConfig config = {
        .name = (char *)"test",
        .path = (char *)path,
        .host_program = host,
        .operation_timeout_ms = (guint)seal_test_deadline_ms(),
        .login_timeout_ms = (guint)seal_test_deadline_ms(),
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
seal_unlock_scene_open(SealUnlockScene *scene, const char *module, const char *label, guint idle_s,
                       guint max_s)
{
    g_autofree char *pinentry = NULL, *softhsm = NULL;

    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    if (!module) {
        seal_test_fixture_new(scene->home);
        scene->pin = seal_test_fixture_pin(scene->home);
        softhsm = seal_test_fixture_module(scene->home);
    }
    pinentry = seal_test_pinentry_new(scene->home);
    scene->states = g_ptr_array_new();
    scene->loop = seal_loop_new(NULL);
    scene->registry = seal_registry_new();
    scene->prompter = seal_prompter_new(scene->loop, pinentry, 60);
    scene->unlocker = seal_unlocker_new(scene->registry, scene->prompter, idle_s, max_s);
    scene->caller = seal_caller_new(getuid(), getpid(), TRUE);
    seal_registry_listen(scene->registry, &events, scene);
    add_module(scene, module ? module : softhsm);
    g_assert_true(seal_test_wait_until(is_ready, scene->registry));
    scene->token = find_token(scene, label);
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
    g_ptr_array_unref(scene->states);
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

guint
seal_unlock_scene_prompts(SealUnlockScene *scene, const char *part)
{
    g_autofree char *log = seal_test_pinentry_log(scene->home);
    guint count = 0;

    for (const char *at = strstr(log, part); at; at = strstr(at + 1, part))
        count++;
    return count;
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
