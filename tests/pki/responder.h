/* OCSP responses made by a test, right and wrong ones, and what `openssl ocsp` needs to make them.
 */
#pragma once

#include <glib.h>
#include <openssl/ocsp.h>

#include "tests/pki/authority.h"

/* What is left out is chosen so that the response is good. */
typedef struct {
    int status;         /* V_OCSP_CERTSTATUS_...; 0: good */
    int reason;         /* of a revocation; 0: unspecified */
    gint64 from, until; /* offsets in seconds from now; both 0: an hour ago, in an hour */
    gboolean lasting;   /* names no end */
    enum { TEST_NONCE_SAME, TEST_NONCE_NONE, TEST_NONCE_OTHER } nonce;
    const char *hash;      /* of the signature; NULL: "SHA256" */
    gboolean by_key;       /* the responder is named by its key */
    gboolean twice;        /* the answer is there twice */
    const char *extension; /* (nullable) "critical" is an unknown critical one in the answer */
} TestResponse;

/* Answers `request` (DER) about `certificate` of `issuer`, signed by `signer`. (transfer full) */
GBytes *test_response_new(const TestResponse *spec, GBytes *request, const TestIdentity *issuer,
                          const TestIdentity *certificate, const TestIdentity *signer);

/* Writes files to `folder`: the database of the certificates that `issuer` knows (`known`, ended by
 * NULL; `revoked`, nullable, for a key compromise), the certificates and keys, and
 * NAME.arguments: with these `openssl ocsp` answers, signed by `signer`. */
void test_responder_put(const char *folder, const char *name, const TestIdentity *issuer,
                        const TestIdentity *signer, const TestIdentity *const *known,
                        const TestIdentity *revoked);
