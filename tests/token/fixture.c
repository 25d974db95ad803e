/* The fixture of the module's tests. */
#include "tests/token/fixture.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

/* -- events ----------------------------------------------------------------------------------- */

static void
on_state(SealModule *module, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append_printf(fixture->events, "%s ",
                           seal_module_state_name(seal_module_state(module)));
}

static void
on_appeared(SealModule *module, SealToken *token, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append_printf(fixture->events, "+%s ", seal_token_info(token)->label);
    if (fixture->wanted && strcmp(fixture->wanted, seal_token_info(token)->label) != 0)
        return;
    g_clear_pointer(&fixture->token, seal_token_unref);
    fixture->token = seal_token_ref(token);
}

static void
on_changed(SealModule *module, SealToken *token, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append_printf(fixture->events, "~%s ", seal_token_info(token)->label);
}

static void
on_gone(SealModule *module, SealToken *token, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_false(seal_token_is_alive(token));
    g_string_append_printf(fixture->events, "-%s ", seal_token_info(token)->label);
}

static void
on_lane_used(SealModule *module, const SealLaneRecord *record, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_lane_uses += record->use == SEAL_LANE_USE_STARTS;
    fixture->lane_use = *record;
}

static void
on_lane_closed(SealModule *module, guint32 lane, SealLaneEnd why, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_lanes_closed++;
    fixture->lane_end = why;
}

static void
on_readers_told(SealModule *module, const GPtrArray *names, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append(fixture->events, "readers ");
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(fixture->events, "'%s' ", (const char *)names->pdata[i]);
}

static const SealModuleEvents events = {on_state,     on_appeared,    on_changed,     on_gone,
                                        on_lane_used, on_lane_closed, on_readers_told};

/* -- fixture ---------------------------------------------------------------------------------- */

void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->home = seal_test_home_new();
    fixture->journal = seal_test_home_write(fixture->home, "module", "");
    fixture->loop = seal_loop_new(NULL);
    fixture->events = g_string_new(NULL);
}

void
start_with(Fixture *fixture, const char *mood, SealModuleConfig config)
{
    g_autofree char *host = seal_test_built("tests/token/fake-host");

    config.name = (char *)mood;
    config.path = fixture->journal;
    config.host_program = config.host_program ? config.host_program : host;
    if (config.operation_timeout_ms == 0)
        config.operation_timeout_ms = (guint)seal_test_deadline_ms();
    config.login_timeout_ms = (guint)seal_test_deadline_ms();
    if (config.start_timeout_ms == 0)
        config.start_timeout_ms = (guint)seal_test_deadline_ms();
    fixture->module = seal_module_new(fixture->loop, &config, &events, fixture);
}

gboolean
is_settled(gpointer data)
{
    return seal_module_state(((Fixture *)data)->module) != SEAL_MODULE_STARTING;
}

gboolean
is_running(gpointer data)
{
    return seal_module_state(((Fixture *)data)->module) == SEAL_MODULE_RUNNING;
}

gboolean
is_unusable(gpointer data)
{
    return seal_module_state(((Fixture *)data)->module) == SEAL_MODULE_UNUSABLE;
}

void
start(Fixture *fixture, const char *mood)
{
    start_with(fixture, mood, (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
}

guint
count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    return count;
}

/* Nothing of a host stays behind: no process, no zombie. */
void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GArray) children = NULL;

    g_clear_pointer(&fixture->module, seal_module_free);
    g_clear_pointer(&fixture->token, seal_token_unref);
    children = seal_test_children(getpid());
    g_assert_cmpuint(children->len, ==, 0);
    seal_loop_free(fixture->loop);
    g_string_free(fixture->events, TRUE);
    g_free(fixture->journal);
    seal_test_home_free(fixture->home);
}

guint
count_starts(Fixture *fixture)
{
    g_autofree char *text = seal_test_home_read(fixture->home, "module");
    guint count = 0;

    for (const char *at = text; (at = strstr(at, "started\n")); at++)
        count++;
    return count;
}

/* -- asking ----------------------------------------------------------------------------------- */

void
on_answer(const SealReply *reply, gpointer user_data)
{
    Answer *answer = user_data;

    answer->calls++;
    answer->status = reply->status;
    answer->ckr = reply->ckr;
    g_free(answer->message);
    g_free(answer->body);
    answer->message = g_strdup(reply->message);
    answer->body = g_strndup((const char *)reply->body.data, reply->body.len);
}

void
answer_clear(Answer *answer)
{
    g_free(answer->message);
    g_free(answer->body);
    memset(answer, 0, sizeof *answer);
}

static gboolean
is_answered(gpointer data)
{
    return ((Answer *)data)->calls > 0;
}

void
wait_for(Answer *answer)
{
    g_assert_true(seal_test_wait_until(is_answered, answer));
    g_assert_cmpuint(answer->calls, ==, 1);
}

guint64
ask(Fixture *fixture, const char *data, Answer *answer)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA256};
    const SealBytes bytes = {(const uint8_t *)data, strlen(data)};
    const SealKeyInfo *key = seal_token_keys(fixture->token)->pdata[0];
    guint64 id = seal_token_sign(fixture->token, key, SEAL_MECHANISM_ECDSA, &parameters, bytes,
                                 NULL, on_answer, answer);

    g_assert_cmpuint(id, !=, 0);
    g_assert_cmpuint(answer->calls, ==, 0);
    return id;
}

void
ask_and_wait(Fixture *fixture, const char *data, Answer *answer)
{
    answer_clear(answer);
    ask(fixture, data, answer);
    wait_for(answer);
}

/* After any mishap: the host is another one, the token is there again, and works. */
void
expect_recovery(Fixture *fixture)
{
    g_auto(Answer) answer = {0};

    g_assert_true(seal_test_wait_until(is_running, fixture));
    g_assert_true(seal_token_is_alive(fixture->token));
    ask_and_wait(fixture, "hello", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(count_starts(fixture), >=, 2);
}
