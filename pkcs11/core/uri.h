/* PKCS#11 URIs (RFC 7512) from plain fields, and matching them. p11-kit does the syntax. */
#pragma once

#include <glib.h>

/* What names a token. Each UTF-8 and (nullable: empty). */
typedef struct {
    const char *label;
    const char *manufacturer;
    const char *model;
    const char *serial;
} SealTokenName;

typedef enum {
    SEAL_URI_PRIVATE_KEY, /* type=private */
    SEAL_URI_CERTIFICATE, /* type=cert */
} SealUriType;

/* "pkcs11:token=Alice;..." (transfer full). Fields are cut to PKCS#11's widths. */
char *seal_uri_for_token(const SealTokenName *token);

/* As above for an object on the token; an empty `id` (nullable) or `label` (nullable) is left out.
 * (transfer full) */
char *seal_uri_for_object(const SealTokenName *token, SealUriType type, GBytes *id,
                          const char *label);

typedef struct SealUri SealUri;

/* Parses a URI (transfer full); NULL with SEAL_ERROR_INVALID_INPUT that says what is wrong. */
SealUri *seal_uri_parse(const char *text, GError **error);
void seal_uri_free(SealUri *uri);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealUri, seal_uri_free)

/* TRUE if what the URI says about a token (or an object: then also about the token) fits. A URI
 * that names another type of object, or attributes that nobody knows, fits nothing. */
gboolean seal_uri_matches_token(SealUri *uri, const SealTokenName *token);
gboolean seal_uri_matches_object(SealUri *uri, const SealTokenName *token, SealUriType type,
                                 GBytes *id, const char *label);
