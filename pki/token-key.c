/* libp11 0.4.12 makes the EVP_PKEY. What it does badly is kept from callers here, or by the module
 * (pkcs11/module/company.h):
 *
 * - It crashes when it looks at its slots again, and what frees a slot's last mention closes all of
 *   its sessions, whoever uses them. So all that it holds is held together, once for the process,
 *   from the first key to the last; C_Initialize is once for a process, too.
 * - A key is of use only as long as all of that lives. So it is given out as an EVP_PKEY of our own
 *   with libp11's RSA or EC_KEY inside, and we are told of its end.
 * - Its RSA keys do PSS as raw RSA, unless they come by its engine. So they come by one of our own
 *   that has libp11's methods and nothing else. EC keys do better without: with it a signature that
 *   failed is tried twice.
 * - It asks for a PIN where a token wants one. Ours never does. It knows no Ed25519 keys. */
#include "pki/token-key.h"

#include <errno.h>
#include <libp11.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/program.h"

typedef struct {
    PKCS11_SLOT *slots;
    unsigned count;
} SlotList;

/* Of the process, as C_Initialize is. One thread at a time: libp11 guards its own beginnings no
 * better. */
static struct {
    PKCS11_CTX *context; /* (nullable) */
    GArray *lists;       /* of SlotList: one, and one more whenever a key was in none of them */
    guint key_count;
} library;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* -- the library's life ------------------------------------------------------------------------ */

static void
release_if_unused(void)
{
    if (!library.context || library.key_count > 0)
        return;
    for (guint i = 0; i < library.lists->len; i++) {
        SlotList *list = &g_array_index(library.lists, SlotList, i);

        PKCS11_release_all_slots(library.context, list->slots, list->count);
    }
    PKCS11_CTX_unload(library.context);
    g_clear_pointer(&library.context, PKCS11_CTX_free);
    g_clear_pointer(&library.lists, g_array_unref);
}

static gboolean
load(GError **error)
{
    g_autofree char *path = seal_program_module();

    if (library.context)
        return TRUE;
    /* libp11 would tell it to stderr. */
    if (access(path, R_OK) < 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED,
                    "cannot load '%s': %s, install Privy Seal completely", path, g_strerror(errno));
        return FALSE;
    }
    library.context = PKCS11_CTX_new();
    if (!library.context || PKCS11_CTX_load(library.context, path) < 0) {
        g_autofree char *action = g_strdup_printf("load '%s'", path);

        g_clear_pointer(&library.context, PKCS11_CTX_free);
        return seal_token_key_set_error(error, action);
    }
    (void)PKCS11_set_ui_method(library.context, (UI_METHOD *)UI_null(), NULL);
    library.lists = g_array_new(FALSE, FALSE, sizeof(SlotList));
    return TRUE;
}

/* -- finding ----------------------------------------------------------------------------------- */

static gboolean
is_it(EVP_PKEY *candidate, const SealClientKey *key)
{
    unsigned char *der = NULL;
    int len = candidate ? i2d_PUBKEY(candidate, &der) : -1;
    gboolean same = len > 0 && g_bytes_get_size(key->public_key) == (gsize)len &&
                    memcmp(g_bytes_get_data(key->public_key, NULL), der, (gsize)len) == 0;

    OPENSSL_free(der);
    return same;
}

/* (transfer full) */
static EVP_PKEY *
find_on_token(PKCS11_TOKEN *token, const SealClientKey *key)
{
    gsize id_len = 0;
    const guint8 *id = g_bytes_get_data(key->id, &id_len);
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    if (PKCS11_enumerate_keys(token, &keys, &count) < 0)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        g_autoptr(EVP_PKEY) candidate = NULL;

        if (keys[i].id_len != id_len || (id_len > 0 && memcmp(keys[i].id, id, id_len) != 0))
            continue;
        candidate = PKCS11_get_private_key(&keys[i]);
        if (is_it(candidate, key))
            return g_steal_pointer(&candidate);
    }
    return NULL;
}

static EVP_PKEY *
find_in_list(const SlotList *list, const SealClientKey *key)
{
    EVP_PKEY *found = NULL;

    for (unsigned i = 0; i < list->count && !found; i++)
        if (list->slots[i].token)
            found = find_on_token(list->slots[i].token, key);
    return found;
}

/* (transfer full) libp11's own. NULL, and why is in OpenSSL's queue, if anywhere. */
static EVP_PKEY *
find(const SealClientKey *key)
{
    EVP_PKEY *found = NULL;
    SlotList list = {NULL, 0};

    for (guint i = 0; i < library.lists->len && !found; i++)
        found = find_in_list(&g_array_index(library.lists, SlotList, i), key);
    if (found)
        return found;
    ERR_clear_error();
    if (PKCS11_enumerate_slots(library.context, &list.slots, &list.count) < 0)
        return NULL;
    g_array_append_val(library.lists, list);
    return find_in_list(&list, key);
}

/* -- giving out -------------------------------------------------------------------------------- */

static void
on_key_freed(void *key, void *ours, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    if (!ours) /* somebody else's key */
        return;
    library.key_count--;
    release_if_unused();
}

/* Has on_key_freed() called when the last holder of `key` frees it; what lies in it is gone then.
 */
static gboolean
watch(EVP_PKEY *key)
{
    static int index = -1; /* OpenSSL has few of them, for the process */

    if (index < 0)
        index =
            CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, on_key_freed);
    if (index < 0 || !EVP_PKEY_set_ex_data(key, index, &library))
        return FALSE;
    library.key_count++;
    return TRUE;
}

/* Never freed: keys refer to it, and OpenSSL keeps it off its lists. Borrowed. */
static ENGINE *
peek_engine(void)
{
    static ENGINE *engine;

    if (engine)
        return engine;
    engine = ENGINE_new();
    if (engine && ENGINE_set_id(engine, "privyseal") && ENGINE_set_name(engine, "Privy Seal") &&
        ENGINE_set_pkey_meths(engine, PKCS11_pkey_meths))
        return engine;
    g_clear_pointer(&engine, ENGINE_free);
    return NULL;
}

static gboolean
fill(EVP_PKEY *key, EVP_PKEY *theirs)
{
    if (EVP_PKEY_get_base_id(theirs) == EVP_PKEY_EC)
        return EVP_PKEY_set1_EC_KEY(key, (EC_KEY *)EVP_PKEY_get0_EC_KEY(theirs)) == 1;
    return EVP_PKEY_set1_RSA(key, (RSA *)EVP_PKEY_get0_RSA(theirs)) == 1 && peek_engine() &&
           EVP_PKEY_set1_engine(key, peek_engine()) == 1;
}

static EVP_PKEY *
open_with_libp11(const SealClientKey *key, GError **error)
{
    g_autofree char *action = g_strdup_printf("use key '%s' through libp11", key->label);
    g_autoptr(EVP_PKEY) theirs = find(key);
    g_autoptr(EVP_PKEY) made = NULL;

    if (!theirs && ERR_peek_error() == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED,
                    "cannot %s: privyseal-pkcs11.so does not show it, try again", action);
        return NULL;
    }
    made = EVP_PKEY_new();
    if (theirs && made && fill(made, theirs) && watch(made))
        return g_steal_pointer(&made);
    (void)seal_token_key_set_error(error, action);
    return NULL;
}

/* -- checking ---------------------------------------------------------------------------------- */

static gboolean
refuse(const SealClientKey *key, SealErrorCode code, const char *reason, GError **error)
{
    g_set_error(error, SEAL_ERROR, code, "cannot use key '%s' through OpenSSL: %s", key->label,
                reason);
    return FALSE;
}

static gboolean
check_token(const SealClientObjects *objects, const SealClientKey *key, GError **error)
{
    for (guint i = 0; i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];
        g_autofree char *reason = NULL;

        if (!g_str_equal(token->path, key->token))
            continue;
        /* One that is unreachable comes back when it is used. */
        if (!g_str_equal(token->state, "absent"))
            return TRUE;
        reason = g_strdup_printf("its token '%s' is not there, insert it", token->label);
        return refuse(key, SEAL_ERROR_TOKEN_REMOVED, reason, error);
    }
    return refuse(key, SEAL_ERROR_TOKEN_REMOVED, "its token is not there, insert it", error);
}

static gboolean
check_key(const SealClientObjects *objects, const SealClientKey *key, GError **error)
{
    if (!g_str_equal(key->algorithm, "rsa") && !g_str_equal(key->algorithm, "ec"))
        return refuse(key, SEAL_ERROR_NOT_SUPPORTED,
                      "libp11 knows RSA and EC keys only, take one of those", error);
    if (!g_strv_contains((const char *const *)key->purposes, "sign"))
        return refuse(key, SEAL_ERROR_KEY_USAGE, "it does not sign, take a key that does", error);
    return check_token(objects, key, error);
}

static const SealClientKey *
look_up(const SealClientObjects *objects, const char *path, GError **error)
{
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (g_str_equal(key->path, path))
            return check_key(objects, key, error) ? key : NULL;
    }
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "cannot use key %s: the agent knows no such key, see \"privyseal list keys\"",
                path);
    return NULL;
}

EVP_PKEY *
seal_token_key_open(SealClient *client, const char *path, GError **error)
{
    g_autoptr(SealClientObjects) objects = seal_client_list(client, FALSE, error);
    const SealClientKey *key = objects ? look_up(objects, path, error) : NULL;
    EVP_PKEY *opened = NULL;

    if (!key)
        return NULL;
    ERR_clear_error();
    if (load(error))
        opened = open_with_libp11(key, error);
    release_if_unused();
    return opened;
}
