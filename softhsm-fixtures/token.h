/* Fills SoftHSM tokens through PKCS#11: C_InitToken, C_CreateObject, C_GenerateKeyPair. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "softhsm-fixtures/profile.h"

typedef struct SealFixtureModule SealFixtureModule;
typedef struct SealFixtureSession SealFixtureSession;

/* Loads the PKCS#11 module at `path`; SOFTHSM2_CONF must be set by then. Returns a new module
 * (transfer full), or NULL with SEAL_ERROR_MODULE_FAILED. */
SealFixtureModule *seal_fixture_module_open(const char *path, GError **error);
/* Finalizes and unloads; NULL is allowed. */
void seal_fixture_module_close(SealFixtureModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFixtureModule, seal_fixture_module_close)

/* Makes a new token with `label` (UTF-8, at most 32 bytes), sets both PINs and logs in. Returns a
 * new session (transfer full; it must not outlive `module`), or NULL with
 * SEAL_ERROR_MODULE_FAILED. */
SealFixtureSession *seal_fixture_session_new(SealFixtureModule *module, const char *label,
                                             const char *so_pin, const char *pin, GError **error);
/* Logs out and frees; NULL is allowed. */
void seal_fixture_session_free(SealFixtureSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFixtureSession, seal_fixture_session_free)

/* Stores the private and public halves of `pair`, with the usages that `key` describes. FALSE with
 * SEAL_ERROR_MODULE_FAILED or SEAL_ERROR_FAILED. */
gboolean seal_fixture_session_import(SealFixtureSession *session, const SealFixtureKey *key,
                                     EVP_PKEY *pair, GError **error);

/* Makes the key on the token. Returns its public half (transfer full), or NULL with an error. */
EVP_PKEY *seal_fixture_session_generate(SealFixtureSession *session, const SealFixtureKey *key,
                                        GError **error);

/* Stores `certificate` under `label` and `id` (nullable: a certificate without a key, stored as an
 * authority's). FALSE with an error. */
gboolean seal_fixture_session_store(SealFixtureSession *session, const char *label, GBytes *id,
                                    X509 *certificate, GError **error);
