/* What an agent could list, made by hand: tokens, keys and certificates without an agent. */
#pragma once

#include "ipc/client/privyseal.h"
#include "tests/pki/authority.h"

/* An empty list (transfer full); free it with seal_client_objects_free(). */
SealClientObjects *seal_test_objects_new(void);

/* Adds a token in `state`. Its id is 20 times `digit`, its slot the same, its serial number the label in lower case.
 */
SealClientToken *seal_test_objects_add_token(SealClientObjects *objects, const char *label,
                                             char digit, const char *state);
/* Adds a key of `token` that can do `purpose`; `cka_id` in one byte; its id is 20 times `digit`. */
SealClientKey *seal_test_objects_add_key(SealClientObjects *objects, const SealClientToken *token,
                                         const char *label, char digit, guint8 cka_id,
                                         const char *purpose);
/* Adds a certificate as `spec` says, of `key` (nullable: a key that is not here). */
SealClientCertificate *seal_test_objects_add_certificate(SealClientObjects *objects,
                                                         SealClientKey *key, const TestSpec *spec);

/* The same with the certificate of `identity`, which somebody issued as `spec` says. */
SealClientCertificate *seal_test_objects_add_identity(SealClientObjects *objects,
                                                      SealClientKey *key,
                                                      const TestIdentity *identity,
                                                      const TestSpec *spec);

/* Objects with one token, Blue, which is locked. */
typedef struct {
    SealClientObjects *objects;
    SealClientToken *token;
} SealTestBlue;

/* Fills and empties it, as g_test_add() wants a fixture. */
void seal_test_blue_open(SealTestBlue *blue, gconstpointer data);
void seal_test_blue_close(SealTestBlue *blue, gconstpointer data);
