/* The throw-away certification authority of a fixture: a root, an intermediate that issues, and a
 * stranger's root that nobody trusts. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "softhsm-fixtures/profile.h"

typedef struct SealFixtureAuthority SealFixtureAuthority;

/* Makes fresh CA keys and certificates. Returns a new authority (transfer full), or NULL with
 * SEAL_ERROR_FAILED from OpenSSL. */
SealFixtureAuthority *seal_fixture_authority_new(GError **error);

/* Issues the certificate that `key` describes over the public half of `public_key`, and notes it
 * for the CRL if the profile says so. Returns a new certificate (transfer full), or NULL with
 * SEAL_ERROR_INVALID_INPUT (unknown issuer) or SEAL_ERROR_FAILED. */
X509 *seal_fixture_authority_issue(SealFixtureAuthority *authority, const SealFixtureKey *key,
                                   EVP_PKEY *public_key, GError **error);

/* The intermediate's certificate (transfer none): tokens carry it as real cards do. */
X509 *seal_fixture_authority_intermediate(SealFixtureAuthority *authority);

/* Writes root.pem, intermediate.pem, stranger.pem, crl.pem, root-crl.pem and the CA keys
 * (ca-keys/NAME.pem) below `directory`. FALSE with an error that names the file. */
gboolean seal_fixture_authority_write(SealFixtureAuthority *authority, const char *directory,
                                      GError **error);

/* Frees `authority`; NULL is allowed. */
void seal_fixture_authority_free(SealFixtureAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFixtureAuthority, seal_fixture_authority_free)

/* Writes what `encode` puts into a BIO to the file directory/name. FALSE with an error that names
 * the path. */
gboolean seal_fixture_write_pem(const char *directory, const char *name,
                                gboolean (*encode)(BIO *out, gpointer object), gpointer object,
                                GError **error);

/* Encoders for it: a certificate (X509), an unencrypted PKCS#8 key (EVP_PKEY). */
gboolean seal_fixture_encode_certificate(BIO *out, gpointer object);
gboolean seal_fixture_encode_key(BIO *out, gpointer object);

/* Sets SEAL_ERROR_FAILED: `action` and the reason that OpenSSL left. Returns FALSE. */
gboolean seal_fixture_openssl_failed(GError **error, const char *action);
