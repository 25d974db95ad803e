/* SealSigner and SealUnwrapper over keys in this process, written with EVP alone: a second reading
 * of RFC 5652 and 5753 beside the agent's. */
#pragma once

#include "base/error.h"
#include "smime/signer.h"
#include "smime/unwrapper.h"
#include "tests/pki/authority.h"

/* A signer of `identity`; `chain` (nullable, element-type GBytes) is kept. Free with
 * test_signer_clear(). */
SealSigner test_signer(const TestIdentity *identity, GPtrArray *chain);
void test_signer_clear(SealSigner *signer);

/* How the unwrapper behaves besides working. */
typedef enum {
    TEST_UNWRAP_WORKS,
    TEST_UNWRAP_REFUSES, /* find() answers, unwrap() says Denied */
    TEST_UNWRAP_UNABLE,  /* the token lacks the mechanism */
    TEST_UNWRAP_FAILS,   /* as an agent that went away */
    TEST_UNWRAP_WRONG, /* gives a key of the right length that is not it, as implicit rejection does
                        */
} TestMood;

typedef struct {
    GPtrArray *identities; /* (element-type TestIdentity) (transfer none) */
    TestMood mood;
    guint asked; /* how often unwrap() was called */
} TestKeyring;

/* An unwrapper over `keyring`, which must outlive it. */
SealUnwrapper test_unwrapper(TestKeyring *keyring);
