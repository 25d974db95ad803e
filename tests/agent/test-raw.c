/* Key.Raw by a stock client: what no rule opens stays closed, and what one opens is what OpenSSL
 * computes with the public half. */
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/agent/world.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define RSA_LEN 256

static const char agreement[] = "Alice P-256 decryption";
static const char signing[] = "Alice RSA signing";
static const char decryption[] = "Alice RSA decryption";

/* Answers to Raw of the key with this label; NULL with `error`. */
static GBytes *
ask_on(GDBusConnection *connection, const char *label, const char *operation, const void *input,
       gsize len, GError **error)
{
    g_autofree char *key = seal_test_key(connection, label);
    GVariant *answer =
        seal_test_call(connection, key, SEAL_INTERFACE_KEY, "Raw",
                       g_variant_new("(s@ay@a{sv})", operation, seal_test_bytes(input, len),
                                     g_variant_new_parsed("@a{sv} {}")),
                       TRUE, error);

    return answer ? seal_test_take_bytes(answer) : NULL;
}

static void
expect_refusal(GDBusConnection *connection, const char *label, const char *operation,
               const void *input, gsize len, SealErrorCode code, const char *words)
{
    GError *error = NULL;
    g_autoptr(GBytes) answer = ask_on(connection, label, operation, input, len, &error);

    g_assert_null(answer);
    seal_test_assert_error(error, code, words);
}

/* The names in RawOperations of the key with this label, with commas (transfer full). */
static char *
operations_of(GDBusConnection *connection, const char *label)
{
    g_autofree char *key = seal_test_key(connection, label);
    g_autoptr(GVariant) value =
        seal_test_property(connection, key, SEAL_INTERFACE_KEY, "RawOperations");
    g_autofree const char **names = g_variant_get_strv(value, NULL);

    return g_strjoinv(",", (char **)names);
}

static void
expect_operations(GDBusConnection *connection, const char *label, const char *expected)
{
    g_autofree char *names = operations_of(connection, label);

    g_assert_cmpstr(names, ==, expected);
}

/* -- the other half --------------------------------------------------------------------------- */

/* A fresh key of the curve, its point and the secret that it has with the agent's key. */
typedef struct {
    GBytes *point, *secret;
} Agreement;

static Agreement
agree_with(World *world, const char *label, const char *curve)
{
    g_autofree char *path = seal_test_key(world->connection, label);
    EVP_PKEY *theirs = world_public_key(world, path), *ours = EVP_EC_gen(curve);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    guint8 secret[66], *point = NULL;
    gsize len = sizeof secret, point_len = EVP_PKEY_get1_encoded_public_key(ours, &point);
    Agreement made;

    g_assert_cmpint(EVP_PKEY_derive_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, theirs), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(context, secret, &len), ==, 1);
    made = (Agreement){g_bytes_new(point, point_len), g_bytes_new(secret, len)};
    OPENSSL_free(point);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return made;
}

static void
agreement_clear(Agreement *agreed)
{
    g_clear_pointer(&agreed->point, g_bytes_unref);
    g_clear_pointer(&agreed->secret, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Agreement, agreement_clear)

static GBytes *
derive(GDBusConnection *connection, const Agreement *agreed, GError **error)
{
    return ask_on(connection, agreement, "ecdh", g_bytes_get_data(agreed->point, NULL),
                  g_bytes_get_size(agreed->point), error);
}

static void
public_operation(World *world, const char *label, const void *in, guint8 out[RSA_LEN])
{
    g_autofree char *path = seal_test_key(world->connection, label);
    EVP_PKEY *key = world_public_key(world, path);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = RSA_LEN;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, in, RSA_LEN), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static void
expect_record(World *world, const char *text)
{
    g_autofree char *log = seal_test_home_path(world->home, "bus.log");

    g_assert_true(seal_test_wait_for_text(log, text)); /* the answer comes first */
}

/* -- closed ----------------------------------------------------------------------------------- */

static void
expect_all_closed(World *world, const char *rule)
{
    g_auto(Agreement) agreed = agree_with(world, agreement, "P-256");
    g_autofree char *words = g_strdup_printf("policy rule '%s' does not open it to ", rule);
    guint8 block[RSA_LEN] = {0};
    GError *error = NULL;

    g_assert_null(derive(world->connection, &agreed, &error));
    seal_test_assert_error(error, SEAL_ERROR_NOT_PERMITTED, words);
    expect_refusal(world->connection, signing, "rsa-sign", block, sizeof block,
                   SEAL_ERROR_NOT_PERMITTED, words);
    expect_refusal(world->connection, decryption, "rsa-decrypt", block, sizeof block,
                   SEAL_ERROR_NOT_PERMITTED, "a [policy] rule with raw=rsa does");
    expect_operations(world->connection, agreement, "");
    expect_operations(world->connection, signing, "");
    expect_operations(world->connection, decryption, "");
    g_assert_cmpuint(seal_test_pinentry_count(world->home), ==, 0);
}

static void
nothing_is_open_without_a_rule(void)
{
    g_auto(World) world = {NULL};

    world_init(&world, NULL);
    expect_all_closed(&world, "same-user");
    expect_record(&world, "raw-ecdh with key 'Alice P-256 decryption' on token 'Alice' for ");
    expect_record(&world, ": not permitted, rule same-user");
}

static void
a_rule_that_allows_opens_nothing(void)
{
    g_auto(World) world = {NULL};

    world_init(&world, "[policy plain]\naction=allow\n[policy late]\naction=allow\nraw=ecdh;rsa\n");
    expect_all_closed(&world, "plain");
}

static void
a_rule_that_denies_denies(void)
{
    guint8 block[RSA_LEN] = {0};
    g_auto(World) world = {NULL};

    world_init(&world, "[policy shut]\naction=deny\n");
    expect_refusal(world.connection, signing, "rsa-sign", block, sizeof block, SEAL_ERROR_DENIED,
                   "cannot sign without padding (raw RSA) with key 'Alice RSA signing' on token "
                   "'Alice': policy rule 'shut' denies it");
}

/* -- opened ----------------------------------------------------------------------------------- */

static void
opened_operations_give_what_openssl_gives(void)
{
    g_auto(World) world = {NULL};
    g_auto(Agreement) agreed = {NULL};
    g_autoptr(GBytes) secret = NULL, is_signed = NULL, opened = NULL;
    guint8 block[RSA_LEN], other[RSA_LEN];
    GError *error = NULL;

    memset(block, 0x35, sizeof block);
    world_init(&world, "[policy tools]\nprogram=*/test-raw\naction=allow\nraw=ecdh;rsa\n");
    agreed = agree_with(&world, agreement, "P-256");
    secret = derive(world.connection, &agreed, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(secret, agreed.secret));

    is_signed = ask_on(world.connection, signing, "rsa-sign", block, sizeof block, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(is_signed), ==, RSA_LEN);
    public_operation(&world, signing, g_bytes_get_data(is_signed, NULL), other);
    g_assert_cmpmem(other, sizeof other, block, sizeof block);

    public_operation(&world, decryption, block, other);
    opened = ask_on(world.connection, decryption, "rsa-decrypt", other, sizeof other, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(opened, NULL), g_bytes_get_size(opened), block, sizeof block);

    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 1);
    expect_record(&world,
                  "raw-ecdh with key 'Alice P-256 decryption' on token 'Alice' for test-raw");
    expect_record(&world, "raw-rsa-sign with key 'Alice RSA signing'");
    expect_record(&world, "raw-rsa-decrypt with key 'Alice RSA decryption'");
    expect_record(&world, ": done, rule tools");
}

static void
property_tells_what_is_open(void)
{
    g_auto(World) world = {NULL};

    world_init(&world, "[policy agree]\nkey=Alice P-256*\naction=ask\nraw=ecdh\n"
                       "[policy sign]\npurpose=sign\naction=allow\nraw=rsa\n");
    expect_operations(world.connection, agreement, "ecdh");
    expect_operations(world.connection, "Alice P-384 decryption", "");
    expect_operations(world.connection, "Alice P-256 signing", "");
    expect_operations(world.connection, signing, "rsa-sign");
    expect_operations(world.connection, decryption, "");
}

static void
a_rule_for_signing_opens_no_decryption(void)
{
    guint8 block[RSA_LEN] = {0};
    g_auto(World) world = {NULL};

    world_init(&world, "[policy sign]\npurpose=sign\naction=allow\nraw=rsa\n");
    expect_refusal(world.connection, decryption, "rsa-decrypt", block, sizeof block,
                   SEAL_ERROR_NOT_PERMITTED, "'same-user'");
}

static void
shared_bus_gets_nothing(void)
{
    guint8 block[RSA_LEN] = {0};
    g_auto(World) world = {NULL};
    g_autoptr(GDBusConnection) bus = NULL;

    world_init(&world, "[policy all]\naction=allow\nraw=ecdh;rsa\n");
    bus = seal_test_shared();
    expect_refusal(bus, signing, "rsa-sign", block, sizeof block,
                   SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED, "ask on the private socket");
    expect_operations(bus, signing, "");
    expect_operations(world.connection, signing, "rsa-sign");
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
}

/* -- a person --------------------------------------------------------------------------------- */

static void
a_rule_that_asks_asks_a_person(void)
{
    g_auto(World) world = {NULL};
    g_auto(Agreement) agreed = {NULL};
    g_autoptr(GBytes) secret = NULL;
    g_autofree char *pin = NULL;
    g_autofree char *said = NULL;
    GError *error = NULL;

    world_init(&world, "[policy careful]\naction=ask\nraw=ecdh\n");
    agreed = agree_with(&world, agreement, "P-256");
    pin = seal_test_fixture_pin(world.home);
    seal_test_pinentry_answer(world.home, "no");
    g_assert_null(derive(world.connection, &agreed, &error));
    seal_test_assert_error(g_steal_pointer(&error), SEAL_ERROR_DENIED, "");
    said = seal_test_pinentry_log(world.home);
    g_assert_nonnull(strstr(said, "Purpose: derive a raw ECDH secret%0A%0AThis is more than"));
    seal_test_pinentry_answer(world.home, "yes\npin %s", pin);
    secret = derive(world.connection, &agreed, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(secret, agreed.secret));
}

/* A connection to the private socket whose maker has ended: nobody can look at it, so it counts as
 * sandboxed (docs/threat-model.md). */
static GDBusConnection *
connect_by_a_child(SealTestHome *home)
{
    g_autofree char *path = seal_test_socket_path(home);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(GSocketConnection) stream = NULL;
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection = NULL;
    pid_t child = 0;
    int status = 0;

    g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof address.sun_path), <,
                     sizeof address.sun_path);
    child = fork();
    if (child == 0)
        _exit(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : 1);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    socket = g_socket_new_from_fd(fd, &error);
    g_assert_no_error(error);
    stream = g_socket_connection_factory_create_connection(socket);
    connection = g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
                                            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
                                            NULL, &error);
    g_assert_no_error(error);
    return connection;
}

static void
a_sandboxed_caller_is_asked_about(void)
{
    g_auto(World) world = {NULL};
    g_auto(Agreement) agreed = {NULL};
    g_autoptr(GDBusConnection) nobody = NULL;
    g_autoptr(GBytes) open = NULL, confirmed = NULL;
    g_autofree char *pin = NULL;
    GError *error = NULL;

    world_init(&world, "[policy all]\naction=allow\nraw=ecdh\n");
    agreed = agree_with(&world, agreement, "P-256");
    open = derive(world.connection, &agreed, &error);
    g_assert_no_error(error);
    nobody = connect_by_a_child(world.home);
    expect_operations(nobody, agreement, "ecdh");
    seal_test_pinentry_answer(world.home, "no");
    g_assert_null(derive(nobody, &agreed, &error));
    seal_test_assert_error(g_steal_pointer(&error), SEAL_ERROR_DENIED, "");
    seal_test_pinentry_answer(world.home, "yes");
    confirmed = derive(nobody, &agreed, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(confirmed, open));
}

/* -- bad questions
 * --------------------------------------------------------------------------------- */

static void
bad_questions_never_reach_the_token(void)
{
    guint8 block[RSA_LEN + 1] = {0}, point[97] = {4, 1, 2, 3};
    g_auto(World) world = {NULL};
    GDBusConnection *connection = NULL;
    const struct {
        const char *label, *operation;
        const void *input;
        gsize len;
        SealErrorCode code;
        const char *words;
    } rows[] = {
        {signing, "rsa", block, RSA_LEN, SEAL_ERROR_NOT_SUPPORTED,
         "operation 'rsa' is not served, expected ecdh, rsa-sign or rsa-decrypt"},
        {signing, "ecdh", point, 65, SEAL_ERROR_KEY_USAGE, "key usage"},
        {decryption, "ecdh", point, 65, SEAL_ERROR_NOT_SUPPORTED, "cannot do operation 'ecdh'"},
        {"Alice X25519 decryption", "ecdh", point, 32, SEAL_ERROR_NOT_SUPPORTED, "'ecdh'"},
        {signing, "rsa-decrypt", block, RSA_LEN, SEAL_ERROR_KEY_USAGE, "key usage"},
        {signing, "rsa-sign", block, RSA_LEN - 1, SEAL_ERROR_INVALID_INPUT, "256 bytes"},
        {signing, "rsa-sign", block, RSA_LEN + 1, SEAL_ERROR_INVALID_INPUT, "256 bytes"},
        {signing, "rsa-sign", block, 0, SEAL_ERROR_INVALID_INPUT, "256 bytes"},
        {agreement, "ecdh", point, 97, SEAL_ERROR_INVALID_INPUT, "65 bytes"},
        {agreement, "ecdh", block, 65, SEAL_ERROR_INVALID_INPUT, "an uncompressed point"},
        {agreement, "ecdh", point, 0, SEAL_ERROR_INVALID_INPUT, "an uncompressed point"},
    };

    world_init(&world, "[policy all]\naction=allow\nraw=ecdh;rsa\n");
    connection = world.connection;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_refusal(connection, rows[i].label, rows[i].operation, rows[i].input, rows[i].len,
                       rows[i].code, rows[i].words);
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
    /* what only the host can see */
    expect_refusal(connection, agreement, "ecdh", point, 65, SEAL_ERROR_INVALID_INPUT,
                   "no point on the key's curve");
    memset(block, 0xff, sizeof block);
    expect_refusal(connection, signing, "rsa-sign", block, RSA_LEN, SEAL_ERROR_INVALID_INPUT,
                   "below the key's modulus");
}

static void
unknown_options_are_named(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autoptr(GVariant) answer = NULL;
    GError *error = NULL;

    world_init(&world, "[policy all]\naction=allow\nraw=ecdh;rsa\n");
    key = seal_test_key(world.connection, signing);
    answer = seal_test_call(world.connection, key, SEAL_INTERFACE_KEY, "Raw",
                            g_variant_new_parsed("('rsa-sign', @ay [], {'hash': <'sha256'>})"),
                            TRUE, &error);
    g_assert_null(answer);
    seal_test_assert_error(error, SEAL_ERROR_INVALID_INPUT, "unknown option 'hash'");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raw/without-a-rule/nothing-is-open", nothing_is_open_without_a_rule);
    g_test_add_func("/raw/rule-that-allows/opens-nothing", a_rule_that_allows_opens_nothing);
    g_test_add_func("/raw/rule-that-denies/denies", a_rule_that_denies_denies);
    g_test_add_func("/raw/rule-that-opens/gives-what-openssl-gives",
                    opened_operations_give_what_openssl_gives);
    g_test_add_func("/raw/rule-for-signing/opens-no-decryption",
                    a_rule_for_signing_opens_no_decryption);
    g_test_add_func("/raw/rule-that-asks/asks-a-person", a_rule_that_asks_asks_a_person);
    g_test_add_func("/raw/property/tells-what-is-open", property_tells_what_is_open);
    g_test_add_func("/raw/shared-bus/gets-nothing", shared_bus_gets_nothing);
    g_test_add_func("/raw/sandboxed-caller/is-asked-about", a_sandboxed_caller_is_asked_about);
    g_test_add_func("/raw/bad-questions/never-reach-the-token",
                    bad_questions_never_reach_the_token);
    g_test_add_func("/raw/bad-questions/unknown-options-are-named", unknown_options_are_named);
    return g_test_run();
}
