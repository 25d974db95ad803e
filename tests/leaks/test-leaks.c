/* Agent and host under valgrind while a client signs a thousand times and opens a hundred session
 * keys: what is lost for good, or read where nothing is, shows at their end. */
#include <glib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ipc/client/privyseal.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/home.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

enum { SIGNATURES = 1000, UNWRAPS = 100, SESSION_KEY_LEN = 32 };

/* Trace the host too; report only what is lost for good, libraries keep the rest on purpose. */
#define VALGRIND                                                                                   \
    "/usr/bin/env LD_PRELOAD=%s %s --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "      \
    "--child-silent-after-fork=yes --trace-children=yes --log-file=%s/valgrind.%%p --suppressions=%s"

static void
start_agent(SealTestHome *home)
{
    g_autofree char *logs = seal_test_home_path(home, "tmp");
    g_autofree char *suppressions = seal_test_source("tests/leaks/libraries.supp");
    g_autofree char *valgrind = g_find_program_in_path("valgrind"); /* D-Bus does not search */
    g_autofree char *preload = seal_test_built("tests/leaks/libpreload-pidfd.so");
    g_autofree char *wrapper = g_strdup_printf(VALGRIND, preload, valgrind, logs, suppressions);
    g_autofree char *pin = NULL;

    seal_test_home_setenv(home, "SEAL_TEST_AGENT_WRAPPER", wrapper);
    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s\n", pin);
}

static const char *
find_key(const SealClientObjects *objects, const char *label)
{
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = g_ptr_array_index(objects->keys, i);

        if (strcmp(key->label, label) == 0)
            return key->path;
    }
    g_error("the agent does not list the key '%s'", label);
}

static void
sign_often(SealClient *client, const SealClientObjects *objects)
{
    static const struct {
        const char *label, *mechanism, *hash;
    } ways[] = {
        {"Alice P-256 signing", "ecdsa", "sha256"},
        {"Alice RSA signing", "rsa-pss", "sha256"},
        {"Alice P-256 signing", "ecdsa", "sha256"},
        {"Alice Ed25519 signing", "ed25519", NULL},
        {"Alice RSA signing", "rsa-pkcs1", "sha256"},
    };
    g_autoptr(GBytes) digest = g_bytes_new_static("0123456789abcdef0123456789abcdef", 32);

    for (int i = 0; i < SIGNATURES; i++) {
        g_autoptr(GError) error = NULL;
        size_t way = (size_t)i % G_N_ELEMENTS(ways);
        g_autoptr(GBytes) signature =
            seal_client_sign(client, find_key(objects, ways[way].label), ways[way].mechanism,
                             ways[way].hash, digest, &error);

        g_assert_no_error(error);
        g_assert_nonnull(signature);
    }
}

/* RSA v1.5 by OpenSSL for Alice's certificate. */
static GBytes *
encrypt_session_key(SealTestHome *home, const guint8 *session_key)
{
    g_autofree char *path = seal_test_fixture_path(home, "software-keys/alice-rsa-decrypt.pem");
    g_autofree char *pem = NULL;
    gsize pem_len = 0;
    unsigned char out[512];
    size_t out_len = sizeof out;
    BIO *bio = NULL;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = NULL;

    g_assert_true(g_file_get_contents(path, &pem, &pem_len, NULL));
    bio = BIO_new_mem_buf(pem, (int)pem_len);
    key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    context = EVP_PKEY_CTX_new(key, NULL);
    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &out_len, session_key, SESSION_KEY_LEN), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return g_bytes_new(out, out_len);
}

static void
unwrap_often(SealTestHome *home, SealClient *client, const SealClientObjects *objects)
{
    /* SEQUENCE { rsaEncryption, NULL }; SEQUENCE { aes256-CBC, OCTET STRING of 16 } */
    static const guint8 rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const guint8 aes[] = {0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                 0x01, 0x2a, 0x04, 0x10, 0,    0,    0,    0,    0,    0,    0,
                                 0,    0,    0,    0,    0,    0,    0,    0,    0};
    static const guint8 session_key[SESSION_KEY_LEN] = "a session key of thirty-two byte";
    g_autoptr(GBytes) algorithm = g_bytes_new_static(rsa, sizeof rsa);
    g_autoptr(GBytes) content = g_bytes_new_static(aes, sizeof aes);
    g_autoptr(GBytes) encrypted = encrypt_session_key(home, session_key);
    const SealUnwrapQuery query = {
        .algorithm = algorithm, .encrypted_key = encrypted, .content_encryption = content};

    for (int i = 0; i < UNWRAPS; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SealSessionKey) opened = seal_client_unwrap(
            client, find_key(objects, "Alice RSA decryption"), &query, &error);

        g_assert_no_error(error);
        g_assert_cmpmem(seal_session_key_data(opened), seal_session_key_len(opened), session_key,
                        SESSION_KEY_LEN);
    }
}

/* Returns how many programs of ours valgrind reported on, all without a complaint. */
static guint
assert_no_complaints(SealTestHome *home)
{
    g_autofree char *path = seal_test_home_path(home, "tmp");
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name = NULL;
    guint n_programs = 0;

    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename("tmp", name, NULL);
        g_autofree char *log = NULL;

        if (!g_str_has_prefix(name, "valgrind."))
            continue;
        log = seal_test_home_read(home, file);
        if (strstr(log, "Command:") == NULL || strstr(log, "/privyseal") == NULL)
            continue;
        if (strstr(log, "ERROR SUMMARY: 0 errors") == NULL)
            g_test_message("%s", log);
        g_assert_nonnull(strstr(log, "ERROR SUMMARY: 0 errors"));
        n_programs++;
    }
    g_dir_close(folder);
    return n_programs;
}

static void
test_a_thousand_signatures_leak_nothing(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClient) client = NULL;
    g_autoptr(SealClientObjects) objects = NULL;

    start_agent(home);
    client = seal_client_new(&error);
    g_assert_no_error(error);
    objects = seal_client_list(client, TRUE, &error);
    g_assert_no_error(error);
    sign_often(client, objects);
    unwrap_often(home, client, objects);
    g_assert_cmpuint(seal_test_pinentry_count(home), ==, 1);
    seal_test_stop(seal_test_agent_pid(home));
    g_assert_cmpuint(assert_no_complaints(home), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/leaks/a-thousand-signatures-leak-nothing",
                    test_a_thousand_signatures_leak_nothing);
    return g_test_run();
}
