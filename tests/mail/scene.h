/* The people of the corpus: those of the fixture, whose decryption keys lie on tokens behind the
 * agent, with their CAs' keys, so that mails nobody would write can be signed and sealed here. */
#pragma once

#include "tests/smime/world.h"

/* A world whose root and issuer are the fixture's (transfer none); the same for all rows. */
World *scene_world(void);
void scene_end(void);

/* The certificate and software key of `name` in the fixture, "alice-p256-sign" (transfer none). */
const TestIdentity *scene_identity(const char *name);
/* The CA that nobody trusts. */
const TestIdentity *scene_stranger(void);
/* A new person below the issuer (transfer none). */
const TestIdentity *scene_person(const TestSpec *spec);

/* Mails of the world's text, or `mail` (nullable), signed by `who` (transfer full). The detached
 * one has the boundary "the-boundary". */
GBytes *scene_detached(const TestIdentity *who, const char *mail);
GBytes *scene_opaque(const TestIdentity *who, const char *mail);
/* `entity`, byte for byte, or the world's text (nullable), in an opaque mail that OpenSSL signs,
 * whatever the certificate says of it; `chain` (element-type GBytes) goes along. */
GBytes *scene_signed_by_openssl(const TestIdentity *who, GPtrArray *chain, const char *hash,
                                const char *entity);
/* `entity`, byte for byte, sealed to `recipient` of the fixture. */
GBytes *scene_sealed_entity(GBytes *entity, const char *recipient);
/* `mail` sealed to `recipient` of the fixture, in AES-256-GCM or else AES-256-CBC. */
GBytes *scene_sealed(GBytes *mail, const char *recipient, gboolean gcm);

/* `bytes` as text (transfer full). */
char *scene_text(GBytes *bytes);
