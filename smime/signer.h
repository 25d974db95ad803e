/* What making a signature asks of the outside: one certificate and somebody who signs. The library
 * knows no agent; the CLI fills this with calls of Key.Sign, the tests with software keys. */
#pragma once

#include <glib.h>

typedef struct SealSigner SealSigner;

struct SealSigner {
    GBytes *certificate; /* DER of the signer's certificate (X.509) */
    GPtrArray *chain;    /* (nullable) (element-type GBytes) DER of CA certificates in any order; a
                          * self-issued root among them is left out of the message */

    /* Makes one signature with the private key of `certificate`; may block.
     * `mechanism`: "rsa-pkcs1", "rsa-pss", "ecdsa" or "ed25519", as in the D-Bus method Key.Sign.
     * `hash`: "sha256", "sha384" or "sha512"; NULL for "ed25519". For "rsa-pss" it is the MGF1
     * hash too and the salt has its length.
     * `data`: the digest of that hash; for "ed25519" the message itself.
     * Returns (transfer full) the signature as CMS carries it (ECDSA: DER of ECDSA-Sig-Value), or
     * NULL with an error of SEAL_ERROR, which the library passes on as it is. */
    GBytes *(*sign)(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
                    GError **error);
    gpointer user_data; /* for sign() alone; the library does not look at it */
    GBytes *encryption_certificate; /* (nullable) DER of the certificate to which the signer wants
                                     * answers encrypted, if it is another one; it goes along */
};
