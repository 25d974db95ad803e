/* The agent is asked about keys by what they are, their public halves: labels are OpenSC's, and
 * equal on every card. Whatever the agent tells wakes the waiting; it is then asked for the state.
 */
#include "tests/card/scene.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

/* -- keys ---------------------------------------------------------------------------------------
 */

static EVP_PKEY *
public_key_of(SealCardScene *scene, const char *key)
{
    g_autofree char *name = g_strdup_printf("certs/%s.pem", key);
    g_autofree char *path = seal_test_fixture_path(scene->home, name);
    g_autoptr(BIO) in = BIO_new_file(path, "r");
    g_autoptr(X509) certificate = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

    if (!certificate)
        g_error("the fixture has no certificate '%s'", path);
    return X509_get_pubkey(certificate);
}

static gboolean
is_key(GVariant *properties, const guint8 *der, gsize der_len)
{
    g_autoptr(GVariant) value =
        g_variant_lookup_value(properties, "PublicKey", G_VARIANT_TYPE_BYTESTRING);
    gsize len = 0;
    const guint8 *data = value ? g_variant_get_fixed_array(value, &len, 1) : NULL;

    return data && len == der_len && memcmp(data, der, len) == 0;
}

/* The properties of the key (transfer full, nullable), and its path. */
static GVariant *
find_key(SealCardScene *scene, EVP_PKEY *public_key, char **ret_path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->connection, SEAL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", NULL, FALSE, &error);
    g_autoptr(GVariantIter) objects = NULL;
    const char *path = NULL;
    GVariant *members = NULL, *found = NULL;
    guint8 *der = NULL;
    int der_len = i2d_PUBKEY(public_key, &der);

    g_assert_no_error(error);
    g_variant_get(answer, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_loop(objects, "{&o@a{sa{sv}}}", &path, &members)) {
        g_autoptr(GVariant) properties = g_variant_lookup_value(members, SEAL_INTERFACE_KEY, NULL);

        if (found || !properties || !is_key(properties, der, (gsize)der_len))
            continue;
        found = g_steal_pointer(&properties);
        *ret_path = g_strdup(path);
    }
    OPENSSL_free(der);
    return found;
}

char *
seal_card_scene_path_of(SealCardScene *scene, EVP_PKEY *key)
{
    char *path = NULL;
    g_autoptr(GVariant) properties = find_key(scene, key, &path);

    return path;
}

char *
seal_card_scene_key_path(SealCardScene *scene, const char *key)
{
    g_autoptr(EVP_PKEY) public_key = public_key_of(scene, key);

    return seal_card_scene_path_of(scene, public_key);
}

char *
seal_card_scene_token_path(SealCardScene *scene, const char *key)
{
    g_autoptr(EVP_PKEY) public_key = public_key_of(scene, key);
    g_autofree char *path = NULL;
    g_autoptr(GVariant) properties = find_key(scene, public_key, &path);
    char *token = NULL;

    if (properties)
        (void)g_variant_lookup(properties, "Token", "o", &token);
    return token;
}

/* -- what the agent does -------------------------------------------------------------------------
 */

static gboolean
openssl_accepts(EVP_PKEY *key, const guint8 *digest, gsize len, GBytes *signature)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    gsize signature_len = 0;
    const guint8 *data = g_bytes_get_data(signature, &signature_len);

    return EVP_PKEY_verify_init(context) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_verify(context, data, signature_len, digest, len) == 1;
}

gboolean
seal_card_scene_sign(SealCardScene *scene, const char *key, GError **error)
{
    g_autoptr(EVP_PKEY) public_key = public_key_of(scene, key);
    g_autofree char *path = seal_card_scene_key_path(scene, key);
    const char *mechanism = EVP_PKEY_is_a(public_key, "RSA") == 1 ? "rsa-pkcs1" : "ecdsa";
    g_autoptr(GBytes) signature = NULL;
    guint8 digest[32];

    g_assert_nonnull(path);
    memset(digest, 7, sizeof digest);
    signature =
        seal_test_sign(scene->connection, path, mechanism, "sha256", digest, sizeof digest, error);
    if (!signature)
        return FALSE;
    g_assert_true(openssl_accepts(public_key, digest, sizeof digest, signature));
    return TRUE;
}

gboolean
seal_card_scene_unwrap(SealCardScene *scene, const char *key, GError **error)
{
    /* rsaEncryption with NULL parameters (RFC 3370 4.2.1) */
    static const guint8 algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    /* aes256-CBC with a zero IV (RFC 3565 4.1): the key has 32 bytes */
    static const guint8 content[] = {
        0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10, 0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0};
    g_autoptr(EVP_PKEY) public_key = public_key_of(scene, key);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(public_key, NULL);
    g_autofree char *path = seal_card_scene_key_path(scene, key);
    g_autoptr(GBytes) opened = NULL;
    GVariantBuilder options;
    GVariant *answer = NULL;
    guint8 session_key[32], sealed[256];
    gsize len = sizeof sealed;

    g_assert_nonnull(path);
    memset(session_key, 9, sizeof session_key);
    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, sealed, &len, session_key, sizeof session_key), ==,
                    1);
    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "content-encryption",
                          seal_test_bytes(content, sizeof content));
    answer =
        seal_test_call(scene->connection, path, SEAL_INTERFACE_KEY, "Unwrap",
                       g_variant_new("(@ay@aya{sv})", seal_test_bytes(algorithm, sizeof algorithm),
                                     seal_test_bytes(sealed, len), &options),
                       TRUE, error);
    if (!answer)
        return FALSE;
    opened = seal_test_take_bytes(answer);
    g_assert_cmpuint(g_bytes_get_size(opened), ==, sizeof session_key);
    if (memcmp(g_bytes_get_data(opened, NULL), session_key, sizeof session_key) == 0)
        return TRUE;
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "AnotherKey");
    return FALSE;
}

/* -- waiting ------------------------------------------------------------------------------------
 */

typedef struct {
    SealCardScene *scene;
    const char *key;
    const char *state;
} Awaited;

static gboolean
has_state(gpointer data)
{
    Awaited *awaited = data;
    g_autofree char *token = seal_card_scene_token_path(awaited->scene, awaited->key);
    g_autoptr(GVariant) state = NULL;

    if (!token)
        return g_str_equal(awaited->state, "absent");
    state = seal_test_property(awaited->scene->connection, token, SEAL_INTERFACE_TOKEN, "State");
    return g_str_equal(g_variant_get_string(state, NULL), awaited->state);
}

guint
seal_card_scene_wait(SealCardScene *scene, const char *key, const char *state)
{
    Awaited awaited = {scene, key, state};
    gint64 start_us = g_get_monotonic_time();

    if (!seal_test_wait_until(has_state, &awaited)) {
        g_autofree char *log = seal_test_agent_log(scene->home);

        g_error("the token of '%s' does not become %s; the agent's log:\n%s", key, state, log);
    }
    return (guint)((g_get_monotonic_time() - start_us) / 1000);
}

static gboolean
on_alarm(gpointer data)
{
    return G_SOURCE_CONTINUE; /* it has woken the main loop */
}

void
seal_card_scene_doze(SealCardScene *scene)
{
    enum { DOZE_MS = 100 };
    guint alarm = g_timeout_add(DOZE_MS, on_alarm, NULL);

    g_main_context_iteration(NULL, TRUE);
    g_source_remove(alarm);
}

void
seal_card_scene_signal_hosts(SealCardScene *scene, int signal_number)
{
    g_autoptr(GArray) hosts = seal_test_children(seal_test_agent_pid(scene->home));

    for (guint i = 0; i < hosts->len; i++)
        g_assert_cmpint(kill(g_array_index(hosts, pid_t, i), signal_number), ==, 0);
}

static gboolean
has_card(SealCardScene *scene, int reader)
{
    const char *const argv[] = {"opensc-tool", "--list-readers", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);
    g_autofree char *row = g_strdup_printf("\n%d    Yes", reader);

    return strstr(result->out, row) != NULL;
}

void
seal_card_scene_wait_for_reader(SealCardScene *scene, int reader, gboolean with_card)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (has_card(scene, reader) != with_card) {
        if (g_get_monotonic_time() > end_us)
            g_error("reader %d %s", reader, with_card ? "stays empty" : "keeps its card");
        seal_card_scene_doze(scene);
    }
}

static void
on_signal(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
          const char *name, GVariant *arguments, gpointer data)
{
    /* it has woken the main loop */
}

gint64
seal_card_scene_sign_again(SealCardScene *scene, const char *key)
{
    enum { AGAIN_MS = 10000 };
    gint64 start_us = g_get_monotonic_time(), ms = 0;

    for (;;) {
        g_autofree char *path = seal_card_scene_key_path(scene, key);
        g_autoptr(GError) error = NULL;

        if (path && seal_card_scene_sign(scene, key, &error))
            return (g_get_monotonic_time() - start_us) / 1000;
        g_test_message("not yet: %s", error ? error->message : "no such key");
        ms = (g_get_monotonic_time() - start_us) / 1000;
        if (ms > AGAIN_MS)
            g_error("the next signature still fails: %s", error ? error->message : "no such key");
        seal_card_scene_doze(scene);
    }
}

/* -- set up ---------------------------------------------------------------------------------------
 */

gboolean
seal_card_scene_open(SealCardScene *scene)
{
    scene->home = seal_test_home_new();
    scene->connection = NULL;
    if (!scene->firmware)
        return seal_test_cards_new(scene->home, NULL);
    if (access(SEAL_TEST_CARDS_YKCS11, R_OK) != 0) {
        g_test_skip("ykcs11 is not installed (scripts/setup card)");
        return FALSE;
    }
    return seal_test_yubikeys_new(scene->home, scene->firmware);
}

void
seal_card_scene_start_agent(SealCardScene *scene, const char *groups)
{
    g_autofree char *all =
        g_strconcat(scene->firmware ? "[module ykcs11]\npath=" SEAL_TEST_CARDS_YKCS11 "\n"
                                    : "[module opensc]\npath=" SEAL_TEST_CARDS_MODULE "\n",
                    groups, NULL);

    seal_test_agent_new(scene->home);
    seal_test_agent_configure(scene->home, NULL, all);
    seal_test_pinentry_answer(scene->home, "always pin %s", SEAL_TEST_CARD_PIN);
    scene->connection = seal_test_private();
    g_dbus_connection_signal_subscribe(scene->connection, NULL, NULL, NULL, NULL, NULL,
                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, NULL, NULL);
}

void
seal_card_scene_set_up(SealCardScene *scene, gconstpointer data)
{
    if (!seal_card_scene_open(scene))
        return;
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_card_scene_start_agent(scene, data);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
}

void
seal_card_scene_set_up_yubikey(SealCardScene *scene, gconstpointer data)
{
    scene->firmware = "5.4.3";
    seal_card_scene_set_up(scene, data);
}

void
seal_card_scene_tear_down(SealCardScene *scene, gconstpointer data)
{
    g_clear_object(&scene->connection);
    g_clear_pointer(&scene->home, seal_test_home_free);
}

char *
seal_card_scene_send(SealCardScene *scene, const char *command)
{
    const char *const argv[] = {"opensc-tool", "--reader", "0", "--send-apdu", command, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    return g_steal_pointer(&result->out);
}

char *
seal_card_scene_use_by_another(SealCardScene *scene)
{
    /* GENERAL AUTHENTICATE with P-256 and key 82, a digest of 32 bytes (SP 800-73-4 part 2, 3.2.4)
     */
    static const char command[] = "00871182267C2482008120"
                                  "0000000000000000000000000000000000000000000000000000000000000001"
                                  "00";

    return seal_card_scene_send(scene, command);
}
