/* token-maker: fills a folder with a fixture (see README.md). make-token prepares the folder and
 * moves it to its place at the end; this program may stop anywhere in between. */
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "softhsm-fixtures/authority.h"
#include "softhsm-fixtures/profile.h"
#include "softhsm-fixtures/token.h"

enum { PIN_DIGITS = 8 };

typedef struct {
    const char *directory;
    SealFixtureProfile *profile;
    SealFixtureModule *module;
    SealFixtureAuthority *authority;
    GHashTable *sessions; /* token -> SealFixtureSession */
    char pin[PIN_DIGITS + 1];
    char so_pin[PIN_DIGITS + 1];
} Fixture;

static void
fixture_clear(Fixture *fixture)
{
    g_clear_pointer(&fixture->sessions, g_hash_table_unref);
    g_clear_pointer(&fixture->module, seal_fixture_module_close);
    g_clear_pointer(&fixture->authority, seal_fixture_authority_free);
    g_clear_pointer(&fixture->profile, seal_fixture_profile_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void
free_session(gpointer session)
{
    seal_fixture_session_free(session);
}

static gboolean
make_folders(const char *directory, GError **error)
{
    static const char *const names[] = {"tokens", "certs", "software-keys", "ca-keys"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(directory, names[i], NULL);

        if (g_mkdir_with_parents(path, 0700) == 0)
            continue;
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot make folder '%s'", path);
        return FALSE;
    }
    return TRUE;
}

static gboolean
make_pin(const char *directory, const char *name, char *pin, GError **error)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    unsigned char random[PIN_DIGITS];

    if (RAND_bytes(random, sizeof random) != 1)
        return seal_fixture_openssl_failed(error, "draw a PIN");
    for (size_t i = 0; i < PIN_DIGITS; i++)
        pin[i] = (char)('0' + random[i] % 10);
    pin[PIN_DIGITS] = '\0';
    return seal_file_replace(path, pin, PIN_DIGITS, 0600, error);
}

static gboolean
make_tokens(Fixture *fixture, GError **error)
{
    X509 *intermediate = seal_fixture_authority_intermediate(fixture->authority);

    for (guint i = 0; i < fixture->profile->tokens->len; i++) {
        SealFixtureToken *token = g_ptr_array_index(fixture->profile->tokens, i);
        SealFixtureSession *session = seal_fixture_session_new(
            fixture->module, token->label, fixture->so_pin, fixture->pin, error);

        if (session == NULL)
            return FALSE;
        g_hash_table_insert(fixture->sessions, token, session);
        if (!seal_fixture_session_store(session, "Fixture Intermediate", NULL, intermediate, error))
            return FALSE;
    }
    return TRUE;
}

static EVP_PKEY *
make_software_key(const SealFixtureAlgorithm *algorithm)
{
    if (algorithm->bits > 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->family, (size_t)algorithm->bits);
    if (algorithm->group != NULL)
        return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->family, algorithm->group);
    return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->family);
}

/* A new key pair, kept in software-keys/ and on the token if there is one; for a generated key the
 * public half only. */
static EVP_PKEY *
make_key_pair(Fixture *fixture, const SealFixtureKey *key, SealFixtureSession *session,
              GError **error)
{
    g_autofree char *file = g_strconcat("software-keys/", key->name, ".pem", NULL);
    EVP_PKEY *pair = NULL;

    if (session != NULL && key->generate)
        return seal_fixture_session_generate(session, key, error);
    pair = make_software_key(key->algorithm);
    if (pair == NULL) {
        seal_fixture_openssl_failed(error, "make a key");
        return NULL;
    }
    if (seal_fixture_write_pem(fixture->directory, file, seal_fixture_encode_key, pair, error) &&
        (session == NULL || seal_fixture_session_import(session, key, pair, error)))
        return pair;
    EVP_PKEY_free(pair);
    return NULL;
}

static gboolean
make_key(Fixture *fixture, const SealFixtureKey *key, GError **error)
{
    const SealFixtureToken *token = seal_fixture_profile_token_of(fixture->profile, key);
    SealFixtureSession *session = token ? g_hash_table_lookup(fixture->sessions, token) : NULL;
    g_autofree char *file = g_strconcat("certs/", key->name, ".pem", NULL);
    EVP_PKEY *pair = make_key_pair(fixture, key, session, error);
    X509 *certificate = NULL;
    gboolean done = FALSE;

    if (pair != NULL)
        certificate = seal_fixture_authority_issue(fixture->authority, key, pair, error);
    if (certificate != NULL)
        done = seal_fixture_write_pem(fixture->directory, file, seal_fixture_encode_certificate,
                                      certificate, error) &&
               (session == NULL ||
                seal_fixture_session_store(session, key->label, key->id, certificate, error));
    X509_free(certificate);
    EVP_PKEY_free(pair);
    if (!done)
        g_prefix_error(error, "key '%s': ", key->name);
    return done;
}

static gboolean
make_fixture(const char *directory, const char *module, char *const *profiles, GError **error)
{
    g_auto(Fixture) fixture = {.directory = directory};

    fixture.sessions = g_hash_table_new_full(NULL, NULL, NULL, free_session);
    fixture.profile = seal_fixture_profile_load(profiles, error);
    if (fixture.profile == NULL || !make_folders(directory, error) ||
        !make_pin(directory, "pin", fixture.pin, error) ||
        !make_pin(directory, "so-pin", fixture.so_pin, error))
        return FALSE;
    fixture.module = seal_fixture_module_open(module, error);
    if (fixture.module == NULL)
        return FALSE;
    fixture.authority = seal_fixture_authority_new(error);
    if (fixture.authority == NULL || !make_tokens(&fixture, error))
        return FALSE;
    for (guint i = 0; i < fixture.profile->keys->len; i++)
        if (!make_key(&fixture, g_ptr_array_index(fixture.profile->keys, i), error))
            return FALSE;
    return seal_fixture_authority_write(fixture.authority, directory, error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc < 4) {
        g_printerr("usage: token-maker DIR MODULE PROFILE.ini... (run by make-token)\n");
        return 2;
    }
    if (!make_fixture(argv[1], argv[2], argv + 3, &error)) {
        g_printerr("token-maker: %s\n", error->message);
        return 1;
    }
    return 0;
}
