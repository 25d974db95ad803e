/* The agent is never ended, which would cost a start for each input that wants it: it is lost as a
 * client sees it, by broken sockets and an address where nobody listens. */
#include "tests/fuzz/module-scene.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ipc/names.h"
#include "tests/module/agreement.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

/* The module opens two connections and holds each by two descriptors; the rest is this program's.
 */
#define FDS_MAX 64

static SealTestHome *home;
static GByteArray *inputs[8];
static guint n_inputs;

/* -- inputs --------------------------------------------------------------------------- */

static void
add_input(const guint8 *data, gsize len)
{
    g_assert_cmpuint(n_inputs, <, G_N_ELEMENTS(inputs));
    inputs[n_inputs++] = g_byte_array_append(g_byte_array_new(), data, (guint)len);
}

static EVP_PKEY *
read_public_key(const char *name)
{
    g_autofree char *file = g_strdup_printf("certs/%s.pem", name);
    g_autofree char *path = seal_test_fixture_path(home, file);
    BIO *bio = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = X509_get_pubkey(certificate);

    g_assert_nonnull(key);
    X509_free(certificate);
    (void)BIO_free(bio);
    return key;
}

static void
add_encrypted(int padding)
{
    static const guint8 session_key[32] = "a session key of thirty-two byt";
    EVP_PKEY *key = read_public_key("alice-rsa-decrypt");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    guint8 encrypted[256];
    gsize len = sizeof encrypted;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, padding), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, encrypted, &len, session_key, sizeof session_key), ==,
                    1);
    add_input(encrypted, len);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static void
add_agreement(void)
{
    EVP_PKEY *key = read_public_key("alice-p256-decrypt");
    ModuleAgreement agreement = module_agreement_new(key, EVP_sha256());

    add_input(agreement.point->data, agreement.point->len);
    add_input(agreement.shared->data, agreement.shared->len);
    add_input(agreement.wrapped->data, agreement.wrapped->len);
    module_agreement_clear(&agreement);
    EVP_PKEY_free(key);
}

static void
make_inputs(void)
{
    /* RFC 8017 9.2: the DigestInfo of a SHA-256 of zeroes */
    static const guint8 digest_info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                           0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                           0x01, 0x05, 0x00, 0x04, 0x20};

    add_input(digest_info, sizeof digest_info);
    add_encrypted(RSA_PKCS1_PADDING);
    add_encrypted(RSA_PKCS1_OAEP_PADDING);
    add_agreement();
    add_input(digest_info, 32); /* any digest */
}

SealBytes
module_scene_input(guint which)
{
    const GByteArray *input = inputs[which % n_inputs];

    return (SealBytes){input->data, input->len};
}

/* -- the agent ------------------------------------------------------------------------ */

static void
end_scene(void)
{
    while (n_inputs > 0)
        g_byte_array_unref(inputs[--n_inputs]);
    g_clear_pointer(&home, seal_test_home_free);
}

void
module_scene_start_once(void)
{
    g_autofree char *pin = NULL;

    if (home)
        return;
    home = seal_test_home_new();
    seal_test_agent_new(home);
    seal_test_agent_add_groups(home, "[policy raw]\naction=allow\nraw=ecdh;rsa\n");
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s\n", pin);
    make_inputs();
    (void)atexit(end_scene);
}

void
module_scene_lose_agent(void)
{
    seal_test_home_setenv(home, SEAL_ADDRESS_VARIABLE, "unix:path=/nobody/listens/here");
    /* Fails, and harms nothing, where it is no socket. */
    for (int fd = 3; fd < FDS_MAX; fd++)
        (void)shutdown(fd, SHUT_RDWR);
}

void
module_scene_find_agent(void)
{
    seal_test_home_setenv(home, SEAL_ADDRESS_VARIABLE, NULL);
}
