/* Whether a public key may be counted with at all, and counted on. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns NULL if the key of `certificate` is one to do arithmetic with; else (static) a clause
 * that follows "the certificate 'X'" in a sentence: it cannot be read, an RSA modulus of more than
 * 16,384 bits or an exponent that is even, 1 or has more than 64 bits, a curve given by its
 * equation. Ask before verifying with a key that a stranger chose: nothing here multiplies. */
const char *seal_key_problem(const X509 *certificate);

/* Returns NULL if the key is strong enough; else (static) such a clause: RSA of less than 2,048
 * bits, a curve other than NIST P-256, P-384, P-521 and the brainpool curves of the same sizes,
 * Edwards and Montgomery curves aside, or an algorithm that is none of these. */
const char *seal_key_weakness(const X509 *certificate);
