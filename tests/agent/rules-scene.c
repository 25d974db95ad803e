/* The recording is made by dbus-monitor, which writes the messages as they are; a marker signal
 * that shows up in it says that it has begun, and that it is complete. */
#include "tests/agent/rules-scene.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

#include "base/seal-box.h"
#include "ipc/names.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* DER AlgorithmIdentifier rsaEncryption, NULL (RFC 8017 A.1) */
static const guint8 rsa_encryption[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* -- the PIN -------------------------------------------------------------------------- */

static void
draw_pin(char *pin)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789__";
    guint8 random[SEAL_RULES_PIN_LEN];

    g_assert_cmpint(RAND_bytes(random, sizeof random), ==, 1);
    for (size_t i = 0; i < sizeof random; i++)
        pin[i] = letters[random[i] % 64];
    pin[SEAL_RULES_PIN_LEN] = '\0';
}

static CK_SLOT_ID
slot_of(CK_FUNCTION_LIST *functions, const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = G_N_ELEMENTS(slots);

    g_assert_cmpuint(functions->C_GetSlotList(CK_TRUE, slots, &count), ==, CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;

        g_assert_cmpuint(functions->C_GetTokenInfo(slots[i], &info), ==, CKR_OK);
        if (strncmp((const char *)info.label, label, strlen(label)) == 0)
            return slots[i];
    }
    g_error("no token '%s'", label);
}

/* The fixture's PIN has eight digits, which could stand in memory by chance. */
static void
change_pin(SealRulesScene *scene, const char *label)
{
    g_autofree char *path = seal_test_fixture_module(scene->home);
    g_autofree char *old = seal_test_fixture_pin(scene->home);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_functions = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    CK_SESSION_HANDLE session = 0;

    g_assert_nonnull(library);
    get_functions = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    g_assert_cmpuint(get_functions(&functions), ==, CKR_OK);
    g_assert_cmpuint(functions->C_Initialize(NULL), ==, CKR_OK);
    g_assert_cmpuint(functions->C_OpenSession(slot_of(functions, label),
                                              CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                              &session),
                     ==, CKR_OK);
    g_assert_cmpuint(functions->C_SetPIN(session, (CK_UTF8CHAR *)old, strlen(old),
                                         (CK_UTF8CHAR *)scene->pin, SEAL_RULES_PIN_LEN),
                     ==, CKR_OK);
    g_assert_cmpuint(functions->C_Finalize(NULL), ==, CKR_OK);
}

/* -- the recording --------------------------------------------------------------------- */

gboolean
seal_rules_was_recorded(const SealRulesScene *scene, const void *bytes, size_t len)
{
    g_autofree char *content = NULL;
    gsize content_len = 0;

    return g_file_get_contents(scene->recording, &content, &content_len, NULL) &&
           memmem(content, content_len, bytes, len) != NULL;
}

void
seal_rules_flush_recording(SealRulesScene *scene)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    g_autofree char *marker = g_strdup_printf("marker-%" G_GINT64_FORMAT, g_get_monotonic_time());

    /* Each round is a round trip to the bus, so this does not spin */
    while (!seal_rules_was_recorded(scene, marker, strlen(marker))) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        g_assert_cmpint(
            sd_bus_emit_signal(scene->bus, "/marker", "org.example.Marker", "Here", "s", marker),
            >=, 0);
        g_assert_cmpint(sd_bus_call_method(scene->bus, "org.freedesktop.DBus",
                                           "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId",
                                           NULL, NULL, NULL),
                        >=, 0);
    }
}

/* -- calls ------------------------------------------------------------------------------ */

/* Calls and returns the answer (transfer full); `message` is consumed. */
static sd_bus_message *
call(SealRulesScene *scene, sd_bus_message *message)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;

    g_assert_cmpint(sd_bus_message_set_allow_interactive_authorization(message, 1), >=, 0);
    if (sd_bus_call(scene->bus, message, (uint64_t)seal_test_deadline_ms() * 1000, &error, &reply) <
        0)
        g_error("%s failed: %s: %s", sd_bus_message_get_member(message), error.name, error.message);
    sd_bus_message_unref(message);
    return reply;
}

static sd_bus_message *
new_call(SealRulesScene *scene, const char *path, const char *interface, const char *method)
{
    sd_bus_message *message = NULL;

    g_assert_cmpint(sd_bus_message_new_method_call(scene->bus, &message, SEAL_BUS_NAME, path,
                                                   interface, method),
                    >=, 0);
    return message;
}

/* `message` is consumed. */
static void
expect_error(SealRulesScene *scene, sd_bus_message *message, const char *name, const char *part)
{
    g_autofree char *full_name = g_strconcat(SEAL_ERROR_PREFIX, name, NULL);
    sd_bus_error error = SD_BUS_ERROR_NULL;

    g_assert_cmpint(sd_bus_message_set_allow_interactive_authorization(message, 1), >=, 0);
    g_assert_cmpint(
        sd_bus_call(scene->bus, message, (uint64_t)seal_test_deadline_ms() * 1000, &error, NULL), <,
        0);
    g_assert_cmpstr(error.name, ==, full_name);
    g_assert_nonnull(strstr(error.message, part));
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
}

/* A call with an empty a{sv}. */
static sd_bus_message *
new_token_call(SealRulesScene *scene, const char *method)
{
    sd_bus_message *message = new_call(scene, scene->token, SEAL_INTERFACE_TOKEN, method);

    g_assert_cmpint(sd_bus_message_append(message, "a{sv}", 0), >=, 0);
    return message;
}

void
seal_rules_unlock(SealRulesScene *scene)
{
    sd_bus_message_unref(call(scene, new_token_call(scene, "Unlock")));
}

void
seal_rules_change_pin(SealRulesScene *scene)
{
    sd_bus_message_unref(call(scene, new_token_call(scene, "ChangePin")));
}

void
seal_rules_unlock_fails(SealRulesScene *scene, const char *name, const char *part)
{
    expect_error(scene, new_token_call(scene, "Unlock"), name, part);
}

void
seal_rules_lock_all(SealRulesScene *scene)
{
    sd_bus_message_unref(
        call(scene, new_call(scene, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll")));
}

static EVP_PKEY *
certified_key(SealRulesScene *scene, const char *name)
{
    g_autofree char *file = g_strdup_printf("certs/%s.pem", name);
    g_autofree char *path = seal_test_fixture_path(scene->home, file);
    BIO *bio = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = X509_get_pubkey(certificate);

    g_assert_nonnull(key);
    X509_free(certificate);
    BIO_free(bio);
    return key;
}

/* An id is the first 20 bytes of SHA-256 over the SubjectPublicKeyInfo (agent/registry.h). */
char *
seal_rules_key_path(SealRulesScene *scene, const char *name)
{
    EVP_PKEY *key = certified_key(scene, name);
    guint8 *info = NULL, digest[32];
    int len = i2d_PUBKEY(key, &info);
    GString *path = g_string_new(SEAL_KEY_PREFIX "/");

    g_assert_cmpint(EVP_Digest(info, (size_t)len, digest, NULL, EVP_sha256(), NULL), ==, 1);
    for (int i = 0; i < 20; i++)
        g_string_append_printf(path, "%02x", digest[i]);
    OPENSSL_free(info);
    EVP_PKEY_free(key);
    return g_string_free(path, FALSE);
}

static void
verify(EVP_PKEY *key, const guint8 digest[32], const void *signature, size_t len)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), ==, 1);
    g_assert_cmpint(EVP_PKEY_verify(context, signature, len, digest, 32), ==, 1);
    EVP_PKEY_CTX_free(context);
}

static sd_bus_message *
new_sign(SealRulesScene *scene, const char *name, const guint8 digest[32])
{
    g_autofree char *path = seal_rules_key_path(scene, name);
    sd_bus_message *message = new_call(scene, path, SEAL_INTERFACE_KEY, "Sign");

    g_assert_cmpint(sd_bus_message_append(message, "sa{sv}", "rsa-pkcs1", 1, "hash", "s", "sha256"),
                    >=, 0);
    g_assert_cmpint(sd_bus_message_append_array(message, 'y', digest, 32), >=, 0);
    return message;
}

void
seal_rules_sign_fails(SealRulesScene *scene, const char *key, const char *name, const char *part)
{
    static const guint8 digest[32] = {0};

    expect_error(scene, new_sign(scene, key, digest), name, part);
}

void
seal_rules_sign(SealRulesScene *scene, const char *name, const guint8 digest[32])
{
    sd_bus_message *reply = NULL;
    EVP_PKEY *key = certified_key(scene, name);
    const void *signature = NULL;
    size_t len = 0;

    reply = call(scene, new_sign(scene, name, digest));
    g_assert_cmpint(sd_bus_message_read_array(reply, 'y', &signature, &len), >, 0);
    verify(key, digest, signature, len);
    sd_bus_message_unref(reply);
    EVP_PKEY_free(key);
}

static GBytes *
wrap(SealRulesScene *scene, const char *name, const guint8 *session_key, size_t len)
{
    EVP_PKEY *key = certified_key(scene, name);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    guint8 *wrapped = g_malloc(1024);
    size_t wrapped_len = 1024;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, wrapped, &wrapped_len, session_key, len), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return g_bytes_new_take(wrapped, wrapped_len);
}

static void
append_seal_to(sd_bus_message *message, const guint8 public_key[SEAL_BOX_KEY_LEN])
{
    g_assert_cmpint(sd_bus_message_open_container(message, 'a', "{sv}"), >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(message, 'e', "sv"), >=, 0);
    g_assert_cmpint(sd_bus_message_append(message, "s", "seal-to"), >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(message, 'v', "ay"), >=, 0);
    g_assert_cmpint(sd_bus_message_append_array(message, 'y', public_key, SEAL_BOX_KEY_LEN), >=, 0);
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(sd_bus_message_close_container(message), >=, 0);
}

void
seal_rules_unwrap(SealRulesScene *scene, const char *name, const guint8 *session_key, size_t len)
{
    g_autofree char *path = seal_rules_key_path(scene, name);
    g_autoptr(GBytes) wrapped = wrap(scene, name, session_key, len);
    guint8 public_key[SEAL_BOX_KEY_LEN];
    g_autoptr(SealSecret) private_key = seal_box_key_new(public_key, NULL);
    g_autoptr(SealSecret) opened = NULL;
    sd_bus_message *message = new_call(scene, path, SEAL_INTERFACE_KEY, "Unwrap");
    sd_bus_message *reply = NULL;
    const void *box = NULL;
    size_t box_len = 0;

    g_assert_cmpint(
        sd_bus_message_append_array(message, 'y', rsa_encryption, sizeof rsa_encryption), >=, 0);
    g_assert_cmpint(sd_bus_message_append_array(message, 'y', g_bytes_get_data(wrapped, NULL),
                                                g_bytes_get_size(wrapped)),
                    >=, 0);
    append_seal_to(message, public_key);
    reply = call(scene, message);
    g_assert_cmpint(sd_bus_message_read_array(reply, 'y', &box, &box_len), >, 0);
    opened = seal_box_open(private_key, (SealBytes){box, box_len}, NULL);
    g_assert_nonnull(opened);
    g_assert_cmpmem(seal_secret_peek(opened), seal_secret_len(opened), session_key, len);
    sd_bus_message_unref(reply);
}

/* -- the scene ---------------------------------------------------------------------------- */

static void
fetch_token(SealRulesScene *scene)
{
    g_autofree char *path = seal_rules_key_path(scene, "alice-rsa-sign");
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *token = NULL;

    if (sd_bus_get_property(scene->bus, SEAL_BUS_NAME, path, SEAL_INTERFACE_KEY, "Token", &error,
                            &reply, "o") < 0)
        g_error("cannot ask for the key's token: %s", error.message);
    g_assert_cmpint(sd_bus_message_read(reply, "o", &token), >, 0);
    scene->token = g_strdup(token);
    sd_bus_message_unref(reply);
}

/* The mood of the module that counts tries. */
static void
count_tries(SealRulesScene *scene, const char *tries)
{
    g_autofree char *counter = seal_test_home_write(scene->home, "tries", tries);
    g_autofree char *calls = seal_test_home_path(scene->home, "calls");
    g_autofree char *mood = g_strdup_printf("[mood]\npin-tries=%s\nlog=%s\n", counter, calls);
    g_autofree char *control = seal_test_home_write(scene->home, "mood", mood);
    g_autofree char *real = seal_test_fixture_module(scene->home);

    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY", control);
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY_MODULE", real);
}

static void
configure_moody(SealRulesScene *scene)
{
    g_autofree char *module = seal_test_built("tests/mock/moody.so");
    g_autofree char *group = g_strdup_printf("[module moody]\npath=%s\n", module);

    seal_test_agent_configure(scene->home, NULL, group);
}

/* `tries` (nullable): with the moody module. The bus, whose environment the agent gets, is started
 * after that of this process is complete. */
static void
open_scene(SealRulesScene *scene, const char *tries)
{
    const char *monitor[] = {"dbus-monitor", "--binary", NULL};

    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    draw_pin(scene->pin);
    seal_test_fixture_new(scene->home);
    change_pin(scene, "Alice");
    if (tries)
        count_tries(scene, tries);
    seal_test_agent_new(scene->home);
    if (tries)
        configure_moody(scene);
    seal_test_pinentry_answer(scene->home, "always pin %s\n", scene->pin);
    scene->recording = seal_test_home_path(scene->home, "recording");
    (void)seal_test_start(scene->home, monitor, "recording");
    g_assert_cmpint(sd_bus_open_user(&scene->bus), >=, 0);
    seal_rules_flush_recording(scene); /* it has begun */
    scene->agent = seal_test_agent_pid(scene->home);
    fetch_token(scene);
}

void
seal_rules_scene_open(SealRulesScene *scene)
{
    open_scene(scene, NULL);
}

void
seal_rules_scene_open_counted(SealRulesScene *scene, const char *tries)
{
    open_scene(scene, tries);
}

void
seal_rules_scene_close(SealRulesScene *scene)
{
    sd_bus_flush_close_unref(scene->bus);
    g_free(scene->recording);
    g_free(scene->token);
    seal_test_home_free(scene->home);
}

pid_t
seal_rules_scene_host(const SealRulesScene *scene)
{
    g_autoptr(GArray) children = seal_test_children(scene->agent);

    for (guint i = 0; i < children->len; i++) {
        pid_t pid = g_array_index(children, pid_t, i);
        g_autofree char *path = g_strdup_printf("/proc/%d/exe", (int)pid);
        g_autofree char *program = g_file_read_link(path, NULL);

        if (program && g_str_has_suffix(program, "/privyseal-host"))
            return pid;
    }
    g_error("the agent has no host");
}
