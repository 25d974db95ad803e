/* libp11 0.4.12 in the test's own process. It waits for ever when it is refused a session, and uses
 * the sessions that it has for ever; the module spares its programs both. */
#include <libp11.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "tests/module/module-fixture.h"
#include "tests/support/home.h"

/* A hanging libp11 ends the test. */
#define PATIENCE_S 60

typedef struct {
    ModulePlace place;
    PKCS11_CTX *libp11;
    PKCS11_SLOT *slots;
    unsigned slot_count;
} Scene;

static void
set_up(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_built("pkcs11/module/privyseal-pkcs11.so");

    (void)alarm(PATIENCE_S);
    module_place_begin(&scene->place);
    scene->libp11 = PKCS11_CTX_new();
    g_assert_cmpint(PKCS11_CTX_load(scene->libp11, path), ==, 0);
    g_assert_cmpint(PKCS11_enumerate_slots(scene->libp11, &scene->slots, &scene->slot_count), ==,
                    0);
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    PKCS11_release_all_slots(scene->libp11, scene->slots, scene->slot_count);
    PKCS11_CTX_unload(scene->libp11);
    PKCS11_CTX_free(scene->libp11);
    seal_test_home_free(scene->place.home);
    (void)alarm(0);
}

static PKCS11_TOKEN *
alice(Scene *scene)
{
    for (unsigned i = 0; i < scene->slot_count; i++)
        if (scene->slots[i].token && g_str_equal(scene->slots[i].token->label, "Alice"))
            return scene->slots[i].token;
    g_error("Alice's token is not there");
}

/* (transfer full) */
static EVP_PKEY *
find_key(Scene *scene, guint8 id)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    g_assert_cmpint(PKCS11_enumerate_keys(alice(scene), &keys, &count), ==, 0);
    for (unsigned i = 0; i < count; i++)
        if (keys[i].id_len == 1 && keys[i].id[0] == id)
            return PKCS11_get_private_key(&keys[i]);
    g_error("key %u is not there", id);
}

static gboolean
can_sign(EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    guint8 signature[512];
    size_t len = sizeof signature;
    gboolean done = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestSign(context, signature, &len, (const guint8 *)"seal", 4) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

static void
test_session_refused(Scene *scene, gconstpointer data)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;
    EVP_PKEY *key = NULL;

    module_tokens_go(&scene->place);
    g_assert_cmpint(PKCS11_enumerate_keys(alice(scene), &keys, &count), ==, -1);
    module_tokens_return(&scene->place);
    key = find_key(scene, 4);
    g_assert_true(can_sign(key));
    EVP_PKEY_free(key);
}

static void
test_token_returns(Scene *scene, gconstpointer data)
{
    EVP_PKEY *rsa = find_key(scene, 1);
    EVP_PKEY *ec = find_key(scene, 4);

    g_assert_true(can_sign(rsa));
    g_assert_true(can_sign(ec));
    module_tokens_go(&scene->place);
    for (int i = 0; i < 3; i++)
        g_assert_false(can_sign(rsa) || can_sign(ec));
    module_tokens_return(&scene->place);
    g_assert_true(can_sign(rsa));
    g_assert_true(can_sign(ec));
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/libp11/session-without-token/is-no-wait-for-ever", Scene, NULL, set_up,
               test_session_refused, tear_down);
    g_test_add("/libp11/key/outlives-replug", Scene, NULL, set_up, test_token_returns, tear_down);
    return g_test_run();
}
