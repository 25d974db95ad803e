/* The people of the S/MIME tests: a root, an issuer below it, and Alice and Bob with their keys. */
#pragma once

#include "smime/smime.h"
#include "tests/pki/authority.h"
#include "tests/smime/softkeys.h"

#define WORLD_MAIL                                                                                 \
    "From: Alice <alice@example.org>\r\n"                                                          \
    "To: Bob <bob@example.org>\r\n"                                                                \
    "Subject: The seal\r\n"                                                                        \
    "MIME-Version: 1.0\r\n"                                                                        \
    "Content-Type: text/plain; charset=utf-8\r\n"                                                  \
    "\r\n"                                                                                         \
    "Greetings\r\n"                                                                                \
    " From the keeper.\r\n"                                                                        \
    "\r\n"
#define WORLD_TEXT "Greetings\r\n From the keeper.\r\n\r\n"

typedef struct {
    TestIdentity *root;
    TestIdentity *issuer;
    GPtrArray *chain; /* issuer and root, DER */
    SealTrust *trust;
    GPtrArray *people; /* identities made by world_person() */
    TestKeyring keyring;
    SealUnwrapper unwrapper;
} World;

void world_open(World *world, gconstpointer data);
void world_close(World *world, gconstpointer data);

/* A new identity below the issuer (transfer none), whose key opens mail in this world. */
TestIdentity *world_person(World *world, const TestSpec *spec);
/* Alice with a key of this kind, for signing; Bob, for encryption. */
TestIdentity *world_alice(World *world, const char *key);
TestIdentity *world_bob(World *world, const char *key);

/* WORLD_MAIL, or `mail` (nullable), signed by `who`; aborts if it cannot. */
GBytes *world_sign(World *world, const TestIdentity *who, const char *mail,
                   const SealSignOptions *options);
/* `mail` encrypted to NULL-ended identities; aborts if it cannot. */
GBytes *world_encrypt(GBytes *mail, const SealEncryptOptions *options, ...) G_GNUC_NULL_TERMINATED;

/* Opens and compares the verdict; returns the report. `ret_content` may be NULL. */
SealReport *world_open_mail(World *world, SealOpenMode mode, GBytes *mail, SealVerdict expected,
                            GBytes **ret_content);
/* The same, for its verdict alone. */
void world_expect(World *world, GBytes *mail, SealVerdict expected);

/* The same for a layer that stays closed: nothing may be given out. */
void world_expect_closed(World *world, GBytes *mail, SealVerdict verdict);

/* WORLD_MAIL in AES-256-GCM for a new Bob with a P-256 key. */
GBytes *world_encrypt_gcm(World *world);

/* Text as bytes; a copy of `bytes` with the first `from` replaced by `to`, which must be there. */
GBytes *world_bytes(const char *text);
GBytes *world_replace(GBytes *bytes, const char *from, const char *to);
/* TRUE if `text` occurs in `bytes`. */
gboolean world_has(GBytes *bytes, const char *text);
