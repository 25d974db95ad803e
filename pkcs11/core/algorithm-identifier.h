/* The AlgorithmIdentifiers of CMS that Unwrap serves, read strictly: DER in every octet, an
 * allow-list of object identifiers, nothing guessed. What is malformed is INVALID_INPUT; what is
 * well-formed but not on the list is NOT_SUPPORTED with its name. Nothing here allocates but error
 * messages. */
#pragma once

#include <glib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "pkcs11/core/mechanism.h"

/* A keyEncryptionAlgorithm: how the session key was wrapped. */
typedef struct {
    SealMechanism mechanism; /* one of SEAL_MECHANISM_UNWRAP_... */
    SealHash hash;           /* OAEP's hash, or the KDF's */
    SealHash mgf_hash;       /* OAEP: of MGF1 */
    SealBytes label;         /* OAEP: pSpecified; in the input */
    gboolean cofactor;       /* dhSinglePass-cofactorDH */
    SealBytes wrap;          /* ECDH: DER AlgorithmIdentifier of the key wrap; in the input */
    guint32 wrap_key_len;    /* ECDH: bytes of the key-encryption key */
} SealKeyEncryption;

/* Reads the DER AlgorithmIdentifier `der`: rsaEncryption and id-RSAES-OAEP (RFC 8017 A.1, A.2.1),
 * dhSinglePass-...-scheme (RFC 5753 7.1.4, RFC 8418 2.3) with AES key wrap (RFC 3565 2.3.2). FALSE
 * with INVALID_INPUT or NOT_SUPPORTED; `ret` is untouched then. */
gboolean seal_key_encryption_parse(SealBytes der, SealKeyEncryption *ret, GError **error);

/* Reads a contentEncryptionAlgorithm for the length of its key in bytes: AES-CBC, -GCM, -CCM, 3DES,
 * ChaCha20-Poly1305. Its parameters must be DER, and are not looked at. */
gboolean seal_content_encryption_key_len(SealBytes der, guint32 *ret_key_len, GError **error);

/* Reads an OriginatorPublicKey (RFC 5652 6.2.2) with the tag of a SEQUENCE for a key of `algorithm`
 * (EC or X25519) and `curve`: `ret_point` is the uncompressed point (04 X Y), or the 32 bytes.
 * FALSE with INVALID_INPUT if it is malformed, of another curve or length; NOT_SUPPORTED for
 * compressed points and other algorithms. Whether the point is on the curve is for the host to find
 * out. */
gboolean seal_originator_key_parse(SealBytes der, SealAlgorithm algorithm, SealCurve curve,
                                   SealBytes *ret_point, GError **error);

/* Appends the DER of ECC-CMS-SharedInfo (RFC 5753 7.2) for `encryption` and the content octets of
 * the user keying material (data NULL: none). */
void seal_shared_info_write(GByteArray *out, const SealKeyEncryption *encryption, SealBytes ukm);
