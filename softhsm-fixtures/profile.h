/* What a fixture shall hold, read from profiles (INI files): tokens and keys with their
 * certificates. README.md beside this file explains every setting. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;   /* as profiles write it: "rsa-2048" */
    const char *family; /* "RSA", "EC", "ED25519" or "X25519", OpenSSL's name */
    const char *group;  /* (nullable) of an EC key, OpenSSL's name */
    unsigned bits;      /* of an RSA modulus; 0 for others */
} SealFixtureAlgorithm;

typedef enum {
    SEAL_FIXTURE_SIGN,
    SEAL_FIXTURE_DECRYPT,
} SealFixturePurpose;

typedef struct {
    char *name;
    char *label;
} SealFixtureToken;

typedef struct {
    char *name;  /* of the section, and of the files */
    char *token; /* (nullable) name of a token; a token that no profile declares: software only */
    const SealFixtureAlgorithm *algorithm;
    SealFixturePurpose purpose;
    gboolean generate; /* made on the token instead of imported */
    gboolean always_authenticate;
    gboolean revoked;
    GBytes *id; /* CKA_ID */
    char *label;
    char *subject; /* common name, UTF-8 */
    char *email;   /* (nullable) */
    char *issuer;  /* "intermediate", "root" or "stranger" */
    char *key_usage;
    char *extended_key_usage;
    int valid_from_days; /* counted from now */
    int valid_days;
} SealFixtureKey;

typedef struct {
    GPtrArray *tokens; /* of SealFixtureToken */
    GPtrArray *keys;   /* of SealFixtureKey */
} SealFixtureProfile;

/* Reads and joins the profiles at `paths` (NULL-terminated). Returns a new profile (transfer
 * full), or NULL with SEAL_ERROR_INVALID_INPUT that names file, section and setting. Blocks on the
 * disk. */
SealFixtureProfile *seal_fixture_profile_load(char *const *paths, GError **error);

/* The token that holds `key` (transfer none), or NULL if the key stays in software. */
const SealFixtureToken *seal_fixture_profile_token_of(const SealFixtureProfile *profile,
                                                      const SealFixtureKey *key);

/* Frees `profile` and all in it; NULL is allowed. */
void seal_fixture_profile_free(SealFixtureProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFixtureProfile, seal_fixture_profile_free)
