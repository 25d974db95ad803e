/* The objects of the tree, fed by fake hosts (tests/token/fake-host.c). Ids are computed here anew,
 * from what agent/registry.h says of them. */
#include "agent/registry.h"

#include <string.h>

#include "tests/support/home.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    SealLoop *loop;
    SealRegistry *registry;
    GString *events;
    guint modules_changed;
    gboolean called;
} Fixture;

/* -- listening -------------------------------------------------------------------------------- */

static void
note(Fixture *fixture, const char *what, const char *name, const char *const *properties)
{
    g_autofree char *list = properties ? g_strjoinv(",", (char **)properties) : g_strdup("");

    g_string_append_printf(fixture->events, "%s%s%s%s ", what, name, *list ? ":" : "", list);
}

static const char *
name_of_key(const SealKeyObject *key)
{
    g_assert_cmpuint(key->places->len, <=, 2);
    return key->places->len > 0 ? ((const SealKeyPlace *)key->places->pdata[0])->info->label : "?";
}

static void
on_token_added(SealTokenObject *token, gpointer user_data)
{
    note(user_data, "+token-", token->label, NULL);
}

static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    note(user_data, "~token-", token->label, properties);
}

static void
on_token_gone(SealTokenObject *token, gpointer user_data)
{
    g_assert_null(token->token);
    note(user_data, "-token-", token->label, NULL);
}

static void
on_key_added(SealKeyObject *key, gpointer user_data)
{
    note(user_data, "+key-", name_of_key(key), NULL);
}

static void
on_key_changed(SealKeyObject *key, const char *const *properties, gpointer user_data)
{
    note(user_data, "~key-", name_of_key(key), NULL);
}

static void
on_key_removed(SealKeyObject *key, gpointer user_data)
{
    note(user_data, "-key", "", NULL);
}

static void
on_certificate_added(SealCertificateObject *certificate, gpointer user_data)
{
    note(user_data, "+cert-", certificate->info->label, NULL);
}

static void
on_certificate_removed(SealCertificateObject *certificate, gpointer user_data)
{
    note(user_data, "-cert-", certificate->info->label, NULL);
}

static void
on_modules_changed(gpointer user_data)
{
    ((Fixture *)user_data)->modules_changed++;
}

static const SealRegistryEvents events = {
    .token_added = on_token_added,
    .token_changed = on_token_changed,
    .token_gone = on_token_gone,
    .key_added = on_key_added,
    .key_changed = on_key_changed,
    .key_removed = on_key_removed,
    .certificate_added = on_certificate_added,
    .certificate_removed = on_certificate_removed,
    .modules_changed = on_modules_changed,
};

/* -- fixture ---------------------------------------------------------------------------------- */

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->home = seal_test_home_new();
    fixture->loop = seal_loop_new(NULL);
    fixture->registry = seal_registry_new();
    fixture->events = g_string_new(NULL);
    seal_registry_listen(fixture->registry, &events, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    seal_registry_free(fixture->registry);
    seal_loop_free(fixture->loop);
    g_string_free(fixture->events, TRUE);
    seal_test_home_free(fixture->home);
}

static gboolean
is_ready(gpointer data)
{
    return seal_registry_is_ready(((Fixture *)data)->registry);
}

static void
add(Fixture *fixture, const char *mood)
{
    g_autofree char *file =
        g_strdup_printf("module-%u", seal_registry_modules(fixture->registry)->len);
    g_autofree char *path = seal_test_home_write(fixture->home, file, "");
    g_autofree char *host = seal_test_built("tests/token/fake-host");
    const SealModuleConfig config = {
        .name = (char *)mood,
        .path = path,
        .host_program = host,
        .operation_timeout_ms = (guint)seal_test_deadline_ms(),
        .login_timeout_ms = (guint)seal_test_deadline_ms(),
        .start_timeout_ms = (guint)seal_test_deadline_ms(),
    };

    seal_registry_add_module(fixture->registry, fixture->loop, &config);
}

static void
start(Fixture *fixture, const char *mood)
{
    add(fixture, mood);
    g_assert_true(seal_test_wait_until(is_ready, fixture));
}

static SealTokenObject *
only_token(Fixture *fixture)
{
    g_autoptr(GPtrArray) tokens = seal_registry_tokens(fixture->registry);

    g_assert_cmpuint(tokens->len, ==, 1);
    return tokens->pdata[0];
}

static SealKeyObject *
only_key(Fixture *fixture)
{
    g_autoptr(GPtrArray) keys = seal_registry_keys(fixture->registry);

    g_assert_cmpuint(keys->len, ==, 1);
    return keys->pdata[0];
}

static void
on_done(const SealReply *reply, gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
}

static gboolean
on_called(gpointer user_data)
{
    g_assert_false(((Fixture *)user_data)->called);
    ((Fixture *)user_data)->called = TRUE;
    return G_SOURCE_REMOVE;
}

static gboolean
is_set(gpointer data)
{
    return *(gboolean *)data;
}

/* Has the host of `token` do something; forgets the events before. */
static void
tell_host(Fixture *fixture, SealTokenObject *token, const char *act)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA256};
    gboolean done = FALSE;

    g_string_truncate(fixture->events, 0);
    seal_token_sign(token->token, seal_token_keys(token->token)->pdata[0], SEAL_MECHANISM_ECDSA,
                    &parameters, (SealBytes){(const uint8_t *)act, strlen(act)}, NULL, on_done,
                    &done);
    g_assert_true(seal_test_wait_until(is_set, &done));
}

static void
log_in(Fixture *fixture, SealTokenObject *token)
{
    g_autoptr(SealSecret) pin = seal_secret_new_copy("1234", 4);
    gboolean done = FALSE;

    g_string_truncate(fixture->events, 0);
    seal_token_login(token->token, pin, on_done, &done);
    g_assert_true(seal_test_wait_until(is_set, &done));
}

static char *
id_of(const char *text, gsize len)
{
    char *id = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, len);

    id[40] = '\0';
    return id;
}

#define ID_OF(literal) id_of(literal, sizeof(literal) - 1)

/* -- appearing -------------------------------------------------------------------------------- */

static void
test_objects_are_told_once_complete(Fixture *fixture, gconstpointer data)
{
    g_assert_true(seal_registry_is_ready(fixture->registry));
    add(fixture, "good");
    g_assert_false(seal_registry_is_ready(fixture->registry));
    g_assert_true(seal_test_wait_until(is_ready, fixture));
    g_assert_true(g_str_has_prefix(fixture->events->str, "+token-Fake +key-work "));
    g_assert_nonnull(strstr(fixture->events->str, "+cert-work "));
    g_assert_nonnull(strstr(fixture->events->str, "+cert-keyless "));
    g_assert_null(strstr(fixture->events->str, "~"));
    g_assert_cmpuint(fixture->modules_changed, >=, 1);
}

static void
test_ids_are_hashes(Fixture *fixture, gconstpointer data)
{
    g_autofree char *token_id = ID_OF("Seal\0Test\0"
                                      "0001\0");
    g_autofree char *key_id = ID_OF("work");
    g_autofree char *certificate_id = ID_OF("certificate of work");
    g_autofree char *path = g_strconcat("/org/privyseal/Agent1/token/", token_id, NULL);
    const SealTokenObject *token = NULL;
    const SealKeyObject *key = NULL;
    const SealCertificateObject *certificate = NULL;

    start(fixture, "good");
    token = seal_registry_token(fixture->registry, token_id);
    key = seal_registry_key(fixture->registry, key_id);
    certificate = seal_registry_certificate(fixture->registry, certificate_id);
    g_assert_nonnull(token);
    g_assert_cmpstr(token->path, ==, path);
    g_assert_nonnull(key);
    g_assert_true(g_str_has_prefix(key->path, "/org/privyseal/Agent1/key/"));
    g_assert_nonnull(certificate);
    g_assert_true(certificate->key == key);
    g_assert_cmpuint(key->certificates->len, ==, 1);
    g_assert_null(seal_registry_token(fixture->registry, key_id));
}

static void
test_label_counts_without_serial(Fixture *fixture, gconstpointer data)
{
    g_autofree char *id = ID_OF("Seal\0Test\0\0Fake\0");

    start(fixture, "no-serial");
    g_assert_nonnull(seal_registry_token(fixture->registry, id));
}

static void
test_label_counts_with_serial_zero(Fixture *fixture, gconstpointer data)
{
    g_autofree char *id = ID_OF("Seal\0Test\0" "0000\0Fake\0");

    start(fixture, "zero-serial");
    g_assert_nonnull(seal_registry_token(fixture->registry, id));
}

static void
test_token_has_its_fields(Fixture *fixture, gconstpointer data)
{
    const SealTokenObject *token = NULL;

    start(fixture, "good");
    token = only_token(fixture);
    g_assert_cmpstr(token->label, ==, "Fake");
    g_assert_cmpstr(token->manufacturer, ==, "Seal");
    g_assert_cmpstr(token->model, ==, "Test");
    g_assert_cmpstr(token->serial, ==, "0001");
    g_assert_cmpstr(token->module, ==, "good");
    g_assert_true(g_str_has_prefix(token->uri, "pkcs11:"));
    g_assert_nonnull(strstr(token->uri, "token=Fake"));
    g_assert_cmpint(token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_cmpstr(seal_token_state_name(token->state), ==, "locked");
    g_assert_cmpint(token->tries_left, ==, -1);
    g_assert_true(token->flags & SEAL_TOKEN_REMOVABLE);
}

/* -- changing --------------------------------------------------------------------------------- */

static void
test_login_unlocks(Fixture *fixture, gconstpointer data)
{
    start(fixture, "good");
    log_in(fixture, only_token(fixture));
    g_assert_cmpstr(fixture->events->str, ==, "~token-Fake:State ");
    g_assert_cmpint(only_token(fixture)->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
}

static void
test_reread_tells_only_what_changed(Fixture *fixture, gconstpointer data)
{
    start(fixture, "good");
    tell_host(fixture, only_token(fixture), "reread");
    g_assert_true(g_str_has_prefix(fixture->events->str, "~token-Renamed:Label,Uri +key-other "));
    g_assert_null(strstr(fixture->events->str, "+token"));
    g_assert_null(strstr(fixture->events->str, "+key-work"));
}

static void
test_what_left_the_token_is_removed(Fixture *fixture, gconstpointer data)
{
    g_autofree char *work = ID_OF("work");
    g_autoptr(GPtrArray) certificates = NULL;

    start(fixture, "good");
    tell_host(fixture, only_token(fixture), "shrink");
    g_assert_null(seal_registry_key(fixture->registry, work));
    g_assert_cmpstr(name_of_key(only_key(fixture)), ==, "other");
    certificates = seal_registry_certificates(fixture->registry);
    g_assert_cmpuint(certificates->len, ==, 1);
    g_assert_nonnull(strstr(fixture->events->str, "+key-other "));
    g_assert_nonnull(strstr(fixture->events->str, "-key "));
    g_assert_nonnull(strstr(fixture->events->str, "-cert-work "));
    g_assert_nonnull(strstr(fixture->events->str, "-cert-keyless "));
}

static void
test_keeper_sets_state_and_tries(Fixture *fixture, gconstpointer data)
{
    SealTokenObject *token = NULL;

    start(fixture, "good");
    token = only_token(fixture);
    g_string_truncate(fixture->events, 0);
    seal_registry_set_token_state(fixture->registry, token, SEAL_TOKEN_STATE_BUSY, 2);
    seal_registry_set_token_state(fixture->registry, token, SEAL_TOKEN_STATE_BUSY, 2);
    seal_registry_set_token_state(fixture->registry, token, SEAL_TOKEN_STATE_BLOCKED, 2);
    seal_registry_set_token_state(fixture->registry, token, SEAL_TOKEN_STATE_BLOCKED, 0);
    g_assert_cmpstr(fixture->events->str, ==,
                    "~token-Fake:State,TriesLeft ~token-Fake:State ~token-Fake:TriesLeft ");
}

/* -- going and coming ------------------------------------------------------------------------- */

static void
test_pulled_token_stays_as_absent(Fixture *fixture, gconstpointer data)
{
    SealTokenObject *token = NULL;
    SealKeyObject *key = NULL;

    start(fixture, "good");
    token = only_token(fixture);
    key = only_key(fixture);
    tell_host(fixture, token, "gone");
    g_assert_cmpstr(fixture->events->str, ==, "~token-Fake:State -token-Fake ");
    g_assert_true(only_token(fixture) == token);
    g_assert_true(only_key(fixture) == key);
    g_assert_cmpint(token->state, ==, SEAL_TOKEN_STATE_ABSENT);
    g_assert_null(seal_key_object_best_place(key));
    g_assert_cmpstr(name_of_key(key), ==, "work");
    /* back again: the same objects */
    g_string_truncate(fixture->events, 0);
    seal_registry_rescan(fixture->registry, on_called, fixture);
    g_assert_true(seal_test_wait_until(is_set, &fixture->called));
    g_assert_cmpstr(fixture->events->str, ==, "~token-Fake:State ");
    g_assert_true(only_token(fixture) == token);
    g_assert_cmpint(token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_nonnull(seal_key_object_best_place(key));
}

static void
test_lost_host_makes_its_tokens_unreachable(Fixture *fixture, gconstpointer data)
{
    SealKeyObject *key = NULL;

    start(fixture, "good");
    key = only_key(fixture);
    tell_host(fixture, only_token(fixture), "die");
    g_assert_cmpint(only_token(fixture)->state, ==, SEAL_TOKEN_STATE_UNREACHABLE);
    g_assert_null(seal_key_object_best_place(key));
    seal_registry_await_key(fixture->registry, key, on_called, fixture);
    g_assert_true(seal_test_wait_until(is_set, &fixture->called));
    g_assert_nonnull(seal_key_object_best_place(key));
    g_assert_cmpint(only_token(fixture)->state, ==, SEAL_TOKEN_STATE_LOCKED);
}

static void
test_key_that_is_not_coming_is_not_awaited(Fixture *fixture, gconstpointer data)
{
    start(fixture, "good");
    tell_host(fixture, only_token(fixture), "gone");
    seal_registry_await_key(fixture->registry, only_key(fixture), on_called, fixture);
    g_assert_true(seal_test_wait_until(is_set, &fixture->called));
    g_assert_null(seal_key_object_best_place(only_key(fixture)));
}

static void
test_freed_registry_ends_the_wait(Fixture *fixture, gconstpointer data)
{
    start(fixture, "good");
    tell_host(fixture, only_token(fixture), "die");
    seal_registry_await_key(fixture->registry, only_key(fixture), on_called, fixture);
    g_clear_pointer(&fixture->registry, seal_registry_free);
    g_assert_true(fixture->called);
}

static void
test_forgotten_waiter_is_not_called(Fixture *fixture, gconstpointer data)
{
    guint waiter = 0;

    add(fixture, "good");
    waiter = seal_registry_when_ready(fixture->registry, on_called, fixture);
    seal_registry_forget(fixture->registry, waiter);
    seal_registry_forget(fixture->registry, 4711);
    g_assert_true(seal_test_wait_until(is_ready, fixture));
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_false(fixture->called);
}

static void
test_ready_is_told_from_the_loop(Fixture *fixture, gconstpointer data)
{
    seal_registry_when_ready(fixture->registry, on_called, fixture);
    g_assert_false(fixture->called);
    g_assert_true(seal_test_wait_until(is_set, &fixture->called));
}

static void
test_unusable_module_does_not_hold_up(Fixture *fixture, gconstpointer data)
{
    const SealModule *module = NULL;

    add(fixture, "good");
    add(fixture, "refuses");
    seal_registry_when_ready(fixture->registry, on_called, fixture);
    g_assert_true(seal_test_wait_until(is_set, &fixture->called));
    g_assert_cmpint(only_token(fixture)->state, ==, SEAL_TOKEN_STATE_LOCKED);
    module = seal_registry_modules(fixture->registry)->pdata[1];
    g_assert_cmpint(seal_module_state(module), ==, SEAL_MODULE_UNUSABLE);
    g_assert_cmpstr(seal_module_reason(module), ==, "it is no PKCS#11 module");
}

/* -- twice ------------------------------------------------------------------------------------ */

static void
test_key_on_two_tokens_is_one_object(Fixture *fixture, gconstpointer data)
{
    g_autofree char *second_id = ID_OF("Seal\0Test\0"
                                       "0002\0");
    SealTokenObject *second = NULL;
    SealKeyObject *key = NULL;

    start(fixture, "good");
    start(fixture, "second-card");
    key = only_key(fixture);
    g_assert_cmpuint(key->places->len, ==, 2);
    second = seal_registry_token(fixture->registry, second_id);
    log_in(fixture, second);
    g_assert_true(seal_key_object_best_place(key)->token == second);
    tell_host(fixture, second, "gone");
    g_assert_true(seal_key_object_best_place(key)->token != second);
    g_assert_cmpuint(key->places->len, ==, 2);
}

/* Two modules show one card: one object, and the other module takes over. */
static void
test_twin_takes_over(Fixture *fixture, gconstpointer data)
{
    SealTokenObject *token = NULL;

    start(fixture, "good");
    start(fixture, "twin");
    token = only_token(fixture);
    g_assert_cmpstr(token->module, ==, "good");
    tell_host(fixture, token, "gone");
    g_assert_nonnull(token->token);
    g_assert_cmpstr(token->module, ==, "twin");
    g_assert_cmpint(token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_cmpuint(only_key(fixture)->places->len, ==, 1);
}

static gboolean
is_back(gpointer data)
{
    return ((const SealTokenObject *)data)->token != NULL;
}

/* One module shows two tokens of the same label, without serial numbers. */
static void
test_two_without_serial_are_two(Fixture *fixture, gconstpointer data)
{
    g_autofree char *id = ID_OF("Seal\0Test\0\0Fake\0");
    g_autofree char *twin_id = ID_OF("Seal\0Test\0\0Fake\0slot 1\0");
    g_autofree char *key_id = ID_OF("play");
    SealTokenObject *first = NULL, *second = NULL;
    const SealKeyObject *key = NULL;

    start(fixture, "two");
    first = seal_registry_token(fixture->registry, id);
    second = seal_registry_token(fixture->registry, twin_id);
    key = seal_registry_key(fixture->registry, key_id);
    g_assert_nonnull(first);
    g_assert_nonnull(second);
    g_assert_cmpstr(first->slot, ==, "slot 0");
    g_assert_cmpstr(second->slot, ==, "slot 1");
    g_assert_true(seal_key_object_best_place(key)->token == second);
    log_in(fixture, second);
    g_assert_cmpint(second->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    g_assert_cmpint(first->state, ==, SEAL_TOKEN_STATE_LOCKED);
    /* each comes back as what it was */
    tell_host(fixture, first, "gone");
    g_assert_null(first->token);
    g_assert_nonnull(second->token);
    seal_registry_rescan(fixture->registry, NULL, NULL);
    g_assert_true(seal_test_wait_until(is_back, first));
    g_assert_true(seal_token_info(first->token)->slot_id == 0);
    g_assert_true(seal_token_info(second->token)->slot_id == 1);
    g_assert_true(seal_key_object_best_place(key)->token == second);
}

#define ADD(path, function)                                                                        \
    g_test_add("/registry/" path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Warnings about hosts are expected here. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    ADD("appear/told-once-complete", test_objects_are_told_once_complete);
    ADD("appear/ids-are-hashes", test_ids_are_hashes);
    ADD("appear/label-counts-without-serial", test_label_counts_without_serial);
    ADD("appear/label-counts-with-serial-zero", test_label_counts_with_serial_zero);
    ADD("appear/token-has-its-fields", test_token_has_its_fields);
    ADD("change/login-unlocks", test_login_unlocks);
    ADD("change/reread-tells-only-what-changed", test_reread_tells_only_what_changed);
    ADD("change/what-left-is-removed", test_what_left_the_token_is_removed);
    ADD("change/keeper-sets-state-and-tries", test_keeper_sets_state_and_tries);
    ADD("gone/pulled-stays-as-absent", test_pulled_token_stays_as_absent);
    ADD("gone/lost-host-is-unreachable-and-back", test_lost_host_makes_its_tokens_unreachable);
    ADD("wait/not-for-what-does-not-come", test_key_that_is_not_coming_is_not_awaited);
    ADD("wait/freed-registry-ends-it", test_freed_registry_ends_the_wait);
    ADD("wait/forgotten-is-not-called", test_forgotten_waiter_is_not_called);
    ADD("wait/ready-is-told-from-the-loop", test_ready_is_told_from_the_loop);
    ADD("wait/unusable-module-does-not-hold-up", test_unusable_module_does_not_hold_up);
    ADD("twice/key-on-two-tokens-is-one-object", test_key_on_two_tokens_is_one_object);
    ADD("twice/twin-takes-over", test_twin_takes_over);
    ADD("twice/two-without-serial-are-two", test_two_without_serial_are_two);
    return g_test_run();
}
