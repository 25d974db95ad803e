/* The agent's face as stock clients see it: listing, finding, signals, locks, and callers that
 * leave. */
#include <openssl/x509v3.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    GDBusConnection *shared, *private;
} World;

static void
world_init(World *world)
{
    g_autofree char *pin = NULL;

    world->home = seal_test_home_new();
    seal_test_agent_new(world->home);
    pin = seal_test_fixture_pin(world->home);
    seal_test_pinentry_answer(world->home, "always pin %s", pin);
    world->shared = seal_test_shared();
    world->private = seal_test_private();
}

static void
world_clear(World *world)
{
    g_clear_object(&world->shared);
    g_clear_object(&world->private);
    g_clear_pointer(&world->home, seal_test_home_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

/* -- finding keys ------------------------------------------------------------------- */

static char **
find_keys(GDBusConnection *connection, const char *query, GError **error)
{
    g_autoptr(GVariant) answer =
        seal_test_call(connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "FindKeys",
                       g_variant_new("(@a{sv})", g_variant_new_parsed(query)), FALSE, error);
    char **keys = NULL;

    if (answer)
        g_variant_get(answer, "(^ao)", &keys);
    return keys;
}

/* Asks with one byte array under `name`. */
static char **
find_by_bytes(GDBusConnection *connection, const char *name, GVariant *bytes)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) taken = g_variant_ref_sink(bytes);
    g_autofree char *text = g_variant_print(taken, TRUE);
    g_autofree char *query = g_strdup_printf("{'%s': <%s>}", name, text);
    char **keys = find_keys(connection, query, &error);

    g_assert_no_error(error);
    return keys;
}

static void
assert_finds(GDBusConnection *connection, const char *query, guint n)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) keys = find_keys(connection, query, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_strv_length(keys), ==, n);
}

static void
keys_are_found_by_what_mail_says(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autoptr(GVariant) public_key = NULL;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_auto(GStrv) by_hash = NULL;
    guint8 hash[32];
    gsize len = 0, hash_len = sizeof hash;
    const guint8 *der = NULL;

    world_init(&world);
    assert_finds(world.private, "@a{sv} {}", 15);
    assert_finds(world.private, "{'purpose': <'sign'>}", 8);
    assert_finds(world.private, "{'purpose': <'decrypt'>}", 7);
    assert_finds(world.private, "{'address': <'alice@EXAMPLE.org'>, 'purpose': <'decrypt'>}", 5);
    assert_finds(world.private, "{'address': <'Alice@example.org'>}", 0);
    assert_finds(world.private, "{'address': <'alice'>}", 0);
    assert_finds(world.shared, "{'address': <'bob@example.org'>}", 2);

    key = seal_test_key(world.private, "Alice P-256 signing");
    public_key = seal_test_property(world.private, key, SEAL_INTERFACE_KEY, "PublicKey");
    der = g_variant_get_fixed_array(public_key, &len, 1);
    g_checksum_update(checksum, der, (gssize)len);
    g_checksum_get_digest(checksum, hash, &hash_len);
    by_hash = find_by_bytes(world.private, "public-key-hash", seal_test_bytes(hash, sizeof hash));
    g_assert_cmpstr(by_hash[0], ==, key);
    g_assert_null(by_hash[1]);
}

static GVariant *
take_der(unsigned char *der, int len, int skip)
{
    GVariant *bytes = NULL;

    g_assert_cmpint(len, >, skip);
    bytes = seal_test_bytes(der + skip, (gsize)(len - skip));
    OPENSSL_free(der);
    return bytes;
}

/* The certificate of a key, as OpenSSL reads it. */
static X509 *
certificate_of(GDBusConnection *connection, const char *key)
{
    g_autoptr(GVariant) certificates =
        seal_test_property(connection, key, SEAL_INTERFACE_KEY, "Certificates");
    g_autoptr(GVariant) value = NULL;
    const char *path = NULL;
    const guint8 *der = NULL;
    gsize len = 0;
    X509 *certificate = NULL;

    g_variant_get_child(certificates, 0, "&o", &path);
    value = seal_test_property(connection, path, SEAL_INTERFACE_CERTIFICATE, "Certificate");
    der = g_variant_get_fixed_array(value, &len, 1);
    certificate = d2i_X509(NULL, &der, (long)len);
    g_assert_nonnull(certificate);
    return certificate;
}

/* Issuer and serial as a RecipientInfo names them (RFC 5652 6.2.1), in GVariant's text form. */
static void
print_issuer_and_serial(X509 *certificate, char **ret_issuer, char **ret_serial)
{
    unsigned char *name = NULL, *number = NULL;
    int name_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &name);
    int number_len = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &number);
    g_autoptr(GVariant) issuer = g_variant_ref_sink(take_der(name, name_len, 0));
    g_autoptr(GVariant) serial = g_variant_ref_sink(take_der(number, number_len, 2));

    *ret_issuer = g_variant_print(issuer, TRUE);
    *ret_serial = g_variant_print(serial, TRUE);
}

static void
recipients_are_found(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *issuer = NULL;
    g_autofree char *serial = NULL;
    g_autofree char *both = NULL;
    g_autofree char *other = NULL;
    g_auto(GStrv) by_issuer = NULL;
    g_auto(GStrv) by_key_id = NULL;
    g_autoptr(GError) error = NULL;
    const ASN1_OCTET_STRING *key_id = NULL;
    X509 *certificate = NULL;

    world_init(&world);
    key = seal_test_key(world.private, "Alice RSA decryption");
    certificate = certificate_of(world.private, key);
    print_issuer_and_serial(certificate, &issuer, &serial);
    both = g_strdup_printf("{'issuer': <%s>, 'serial': <%s>}", issuer, serial);
    by_issuer = find_keys(world.private, both, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_strv_length(by_issuer), ==, 1);
    g_assert_cmpstr(by_issuer[0], ==, key);
    other = g_strdup_printf("{'issuer': <%s>, 'serial': <@ay [1]>}", issuer);
    assert_finds(world.private, other, 0);

    key_id = X509_get0_subject_key_id(certificate);
    by_key_id = find_by_bytes(world.private, "subject-key-id",
                              seal_test_bytes(ASN1_STRING_get0_data(key_id),
                                              (gsize)ASN1_STRING_length(key_id)));
    g_assert_cmpuint(g_strv_length(by_key_id), ==, 1);
    g_assert_cmpstr(by_key_id[0], ==, key);
    assert_finds(world.private, "{'subject-key-id': <@ay [2]>}", 1); /* CKA_ID of the same key */
    X509_free(certificate);
}

static void
senseless_queries_are_refused(void)
{
    static const struct {
        const char *query, *words;
    } rows[] = {
        {"{'colour': <'red'>}", "unknown query key 'colour'"},
        {"{'address': <uint32 1>}", "wrong type"},
        {"{'issuer': <@ay [1, 2]>}", "issuer and serial go together"},
        {"{'serial': <@ay [1, 2]>}", "issuer and serial go together"},
        {"{'public-key-hash': <@ay [1, 2]>}", "32 bytes"},
        {"{'purpose': <'encrypt'>}", "expected sign or decrypt"},
    };
    g_auto(World) world = {NULL};

    world_init(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        GError *error = NULL;
        g_auto(GStrv) keys = find_keys(world.private, rows[i].query, &error);

        g_assert_null(keys);
        seal_test_assert_error(error, SEAL_ERROR_INVALID_INPUT, rows[i].words);
    }
}

/* Certificate to key and back, and the two identifiers that CMS uses for recipients. */
static void
certificates_and_keys_name_each_other(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autoptr(GVariant) certificates = NULL;
    g_autoptr(GVariant) back = NULL;
    g_autoptr(GVariant) addresses = NULL;
    g_autofree const char **address = NULL;
    const char *path = NULL;

    world_init(&world);
    key = seal_test_key(world.private, "Alice RSA decryption");
    certificates = seal_test_property(world.private, key, SEAL_INTERFACE_KEY, "Certificates");
    g_assert_cmpuint(g_variant_n_children(certificates), ==, 1);
    g_variant_get_child(certificates, 0, "&o", &path);
    back = seal_test_property(world.private, path, SEAL_INTERFACE_CERTIFICATE, "Key");
    g_assert_cmpstr(g_variant_get_string(back, NULL), ==, key);
    addresses = seal_test_property(world.private, path, SEAL_INTERFACE_CERTIFICATE, "Addresses");
    address = g_variant_get_strv(addresses, NULL);
    g_assert_cmpstr(address[0], ==, "alice@example.org");
}

/* -- signals ---------------------------------------------------------------------------- */

typedef struct {
    const char *wanted;
    gboolean seen;
} Watch;

static void
on_changed(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *arguments, gpointer user_data)
{
    Watch *watch = user_data;
    g_autoptr(GVariant) changed = g_variant_get_child_value(arguments, 1);
    const char *state = NULL;

    if (g_variant_lookup(changed, "State", "&s", &state) && g_str_equal(state, watch->wanted))
        watch->seen = TRUE;
}

static gboolean
was_seen(gpointer data)
{
    return ((Watch *)data)->seen;
}

static guint
watch_state(GDBusConnection *connection, const char *token, Watch *watch)
{
    return g_dbus_connection_signal_subscribe(connection, NULL, "org.freedesktop.DBus.Properties",
                                              "PropertiesChanged", token, NULL,
                                              G_DBUS_SIGNAL_FLAGS_NONE, on_changed, watch, NULL);
}

static void
token_call(World *world, const char *token, const char *method, gboolean interactive,
           GError **error)
{
    g_autoptr(GVariant) answer =
        seal_test_call(world->private, token, SEAL_INTERFACE_TOKEN, method,
                       g_str_equal(method, "Unlock") ? g_variant_new_parsed("(@a{sv} {},)") : NULL,
                       interactive, error);
}

static void
locking_is_told_on_both_connections(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *token = NULL;
    g_autoptr(GError) error = NULL;
    Watch watches[2] = {{"unlocked", FALSE}, {"unlocked", FALSE}};
    guint ids[2] = {0};

    world_init(&world);
    token = seal_test_token(world.private, "Alice");
    ids[0] = watch_state(world.shared, token, &watches[0]);
    ids[1] = watch_state(world.private, token, &watches[1]);
    token_call(&world, token, "Unlock", TRUE, &error);
    g_assert_no_error(error);
    g_assert_true(seal_test_wait_until(was_seen, &watches[0]));
    g_assert_true(seal_test_wait_until(was_seen, &watches[1]));

    watches[0] = watches[1] = (Watch){"locked", FALSE};
    token_call(&world, token, "Lock", FALSE, &error);
    g_assert_no_error(error);
    g_assert_true(seal_test_wait_until(was_seen, &watches[0]));
    g_assert_true(seal_test_wait_until(was_seen, &watches[1]));
    g_dbus_connection_signal_unsubscribe(world.shared, ids[0]);
    g_dbus_connection_signal_unsubscribe(world.private, ids[1]);
}

static void
assert_state(World *world, const char *token, const char *expected)
{
    g_autoptr(GVariant) state =
        seal_test_property(world->private, token, SEAL_INTERFACE_TOKEN, "State");

    g_assert_cmpstr(g_variant_get_string(state, NULL), ==, expected);
}

static void
lock_all_locks_every_token(void)
{
    g_auto(World) world = {NULL};
    static const char *const labels[] = {"Alice", "Bob"};
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        g_autofree char *token = seal_test_token(world.private, labels[i]);

        token_call(&world, token, "Unlock", TRUE, &error);
        g_assert_no_error(error);
        assert_state(&world, token, "unlocked");
    }
    answer = seal_test_call(world.shared, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL,
                            FALSE, &error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        g_autofree char *token = seal_test_token(world.private, labels[i]);

        assert_state(&world, token, "locked");
    }
}

static void
unlock_without_the_flag_asks_nobody(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *token = NULL;
    GError *error = NULL;

    world_init(&world);
    token = seal_test_token(world.private, "Alice");
    token_call(&world, token, "Unlock", FALSE, &error);
    seal_test_assert_error(error, SEAL_ERROR_INTERACTION_REQUIRED, "");
    error = NULL;
    {
        g_autoptr(GVariant) answer =
            seal_test_call(world.private, token, SEAL_INTERFACE_TOKEN, "Unlock",
                           g_variant_new_parsed("({'pin': <'1234'>},)"), TRUE, &error);

        g_assert_null(answer);
    }
    seal_test_assert_error(error, SEAL_ERROR_INVALID_INPUT, "unknown option 'pin'");
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
}

static void
rescan_and_modules_tell_what_runs(void)
{
    g_auto(World) world = {NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = NULL;
    g_autoptr(GVariant) modules = NULL;
    const char *name = NULL, *path = NULL, *state = NULL, *reason = NULL;

    world_init(&world);
    answer = seal_test_call(world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Rescan", NULL,
                            FALSE, &error);
    g_assert_no_error(error);
    modules = seal_test_property(world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Modules");
    g_assert_cmpuint(g_variant_n_children(modules), ==, 1);
    g_variant_get_child(modules, 0, "(&s&s&s&s)", &name, &path, &state, &reason);
    g_assert_cmpstr(name, ==, "softhsm");
    g_assert_cmpstr(state, ==, "running");
    g_assert_cmpstr(reason, ==, "");
}

/* -- callers that leave --------------------------------------------------------------------- */

static void
send_sign(GDBusConnection *connection, const char *key, gboolean is_shared)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(
        is_shared ? SEAL_BUS_NAME : NULL, key, SEAL_INTERFACE_KEY, "Sign");
    g_autoptr(GError) error = NULL;
    guint8 digest[32] = {0};
    GVariantBuilder parameters;

    g_variant_builder_init(&parameters, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&parameters, "{sv}", "hash", g_variant_new_string("sha256"));
    g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
    g_dbus_message_set_body(message, g_variant_new("(sa{sv}@ay)", "ecdsa", &parameters,
                                                   seal_test_bytes(digest, sizeof digest)));
    g_dbus_connection_send_message(connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                   &error);
    g_assert_no_error(error);
    g_dbus_connection_flush_sync(connection, NULL, NULL);
}

/* The caller of a PIN prompt goes away; the prompt goes too, and the refusal is on record. */
static void
leaving_closes_the_prompt(gconstpointer data)
{
    gboolean is_shared = GPOINTER_TO_INT(data);
    g_auto(World) world = {NULL};
    g_autoptr(GDBusConnection) caller = NULL;
    g_autofree char *key = NULL;
    g_autofree char *log = NULL;
    g_autoptr(GError) error = NULL;

    world_init(&world);
    seal_test_pinentry_answer(world.home, "hang");
    key = seal_test_key(world.private, "Alice P-256 signing");
    caller = is_shared ? seal_test_shared() : seal_test_private();
    send_sign(caller, key, is_shared);
    g_assert_true(seal_test_pinentry_wait(world.home, "GETPIN"));
    g_dbus_connection_close_sync(caller, NULL, &error);
    g_assert_no_error(error);
    log = seal_test_home_path(world.home, "bus.log");
    g_assert_true(seal_test_wait_for_text(log, "cancelled"));
    /* and the next dialogue can be opened: nothing is left of the first */
    {
        g_autofree char *pin = seal_test_fixture_pin(world.home);
        g_autofree char *token = seal_test_token(world.private, "Alice");

        seal_test_pinentry_answer(world.home, "pin %s", pin);
        token_call(&world, token, "Unlock", TRUE, &error);
        g_assert_no_error(error);
    }
}

/* -- limits ------------------------------------------------------------------------------------ */

typedef struct {
    guint answers, limited;
} Tally;

static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Tally *tally = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : NULL;

    tally->answers++;
    if (name && g_str_equal(name, SEAL_ERROR_PREFIX "LimitExceeded"))
        tally->limited++;
}

static gboolean
is_limited(gpointer data)
{
    return ((Tally *)data)->limited >= 44;
}

static gboolean
is_answered(gpointer data)
{
    return ((Tally *)data)->answers >= 300;
}

/* 300 calls wait for a PIN: 256 may, 44 may not; another peer is served meanwhile. */
static void
one_peer_has_256_calls_in_flight(void)
{
    g_auto(World) world = {NULL};
    g_autoptr(GDBusConnection) greedy = NULL;
    g_autofree char *token = NULL;
    Tally tally = {0};
    g_autoptr(GVariant) state = NULL;

    world_init(&world);
    seal_test_pinentry_answer(world.home, "hang");
    greedy = seal_test_private();
    token = seal_test_token(greedy, "Alice");
    for (int i = 0; i < 300; i++)
        g_dbus_connection_call(greedy, NULL, token, SEAL_INTERFACE_TOKEN, "Unlock",
                               g_variant_new_parsed("(@a{sv} {},)"), NULL,
                               G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, 60000, NULL,
                               on_answer, &tally);
    g_assert_true(seal_test_wait_until(is_limited, &tally));
    g_assert_cmpuint(tally.limited, ==, 44);
    state = seal_test_property(world.private, token, SEAL_INTERFACE_TOKEN, "State");
    {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) answer = seal_test_call(
            world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL, FALSE, &error);

        g_assert_no_error(error);
    }
    g_assert_true(seal_test_wait_until(is_answered, &tally)); /* cancelled by the lock */
}

static void
huge_environments_are_refused(void)
{
    g_auto(World) world = {NULL};
    GVariantBuilder strings;
    GError *error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world);
    g_variant_builder_init(&strings, G_VARIANT_TYPE_STRING_ARRAY);
    for (int i = 0; i < 1025; i++)
        g_variant_builder_add(&strings, "s", "LANG=C");
    answer = seal_test_call(world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "SetEnvironment",
                            g_variant_new("(as)", &strings), FALSE, &error);
    g_assert_null(answer);
    seal_test_assert_error(error, SEAL_ERROR_LIMIT_EXCEEDED, "1024");
}

static void
empty_environment_is_taken(void)
{
    g_auto(World) world = {NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world);
    answer = seal_test_call(world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "SetEnvironment",
                            g_variant_new_parsed("(@as [],)"), FALSE, &error);
    g_assert_no_error(error);
    g_assert_nonnull(answer);
}

static void
prompts_appear_where_the_caller_says(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *token = NULL;
    g_autofree char *log = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world);
    answer = seal_test_call(world.private, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "SetEnvironment",
                            g_variant_new_parsed("(['DISPLAY=:77', 'SECRET=x'],)"), FALSE, &error);
    g_assert_no_error(error);
    token = seal_test_token(world.private, "Alice");
    token_call(&world, token, "Unlock", TRUE, &error);
    g_assert_no_error(error);
    log = seal_test_pinentry_log(world.home);
    g_assert_nonnull(strstr(log, ":77"));
    g_assert_null(strstr(log, "SECRET"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/front/keys-are-found-by-what-mail-says", keys_are_found_by_what_mail_says);
    g_test_add_func("/front/recipients-are-found", recipients_are_found);
    g_test_add_func("/front/senseless-queries-are-refused", senseless_queries_are_refused);
    g_test_add_func("/front/certificates-and-keys-name-each-other",
                    certificates_and_keys_name_each_other);
    g_test_add_func("/front/locking-is-told-on-both-connections",
                    locking_is_told_on_both_connections);
    g_test_add_func("/front/lock-all-locks-every-token", lock_all_locks_every_token);
    g_test_add_func("/front/unlock-without-the-flag-asks-nobody",
                    unlock_without_the_flag_asks_nobody);
    g_test_add_func("/front/rescan-and-modules-tell-what-runs", rescan_and_modules_tell_what_runs);
    g_test_add_data_func("/front/leaving-closes-the-prompt/private", GINT_TO_POINTER(FALSE),
                         leaving_closes_the_prompt);
    g_test_add_data_func("/front/leaving-closes-the-prompt/shared", GINT_TO_POINTER(TRUE),
                         leaving_closes_the_prompt);
    g_test_add_func("/front/one-peer-has-256-calls-in-flight", one_peer_has_256_calls_in_flight);
    g_test_add_func("/front/huge-environments-are-refused", huge_environments_are_refused);
    g_test_add_func("/front/empty-environment-is-taken", empty_environment_is_taken);
    g_test_add_func("/front/prompts-appear-where-the-caller-says",
                    prompts_appear_where_the_caller_says);
    return g_test_run();
}
