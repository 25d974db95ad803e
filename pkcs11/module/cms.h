/* From Cryptoki's parameters to the structures of CMS that the agent's Unwrap takes, and back to
 * their parts. All of it is DER in new GBytes (transfer full). */
#pragma once

#include "base/bytes.h"
#include "pkcs11/core/mechanism.h"

/* AlgorithmIdentifier of PKCS#1 v1.5 (RFC 8017 A.1). */
GBytes *seal_cms_rsa_pkcs1(void);
/* AlgorithmIdentifier of RSAES-OAEP (RFC 8017 A.2.1); NULL for a hash that is not served. */
GBytes *seal_cms_oaep(SealHash hash, SealHash mgf_hash, SealBytes label);

/* What an ECC-CMS-SharedInfo says (RFC 5753 7.2). */
typedef struct {
    SealBytes wrap;     /* AlgorithmIdentifier of the key wrap, whole */
    SealBytes ukm;      /* content; `data` NULL if absent */
    gsize wrap_key_len; /* bytes */
} SealSharedInfo;

/* FALSE unless `der` is one, byte for byte as the agent will write it again. */
gboolean seal_cms_parse_shared_info(SealBytes der, SealSharedInfo *ret);

/* AlgorithmIdentifier of dhSinglePass-stdDH with this KDF hash and key wrap; NULL for another hash.
 */
GBytes *seal_cms_agreement(SealHash hash, SealBytes wrap);
/* OriginatorPublicKey, tagged as a SEQUENCE, of an uncompressed point of the key's own curve. */
GBytes *seal_cms_originator(SealBytes point);
