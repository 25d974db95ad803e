/* SMIMEA records: certificates of mail addresses in DNS (RFC 8162). Text and bytes only; who asks
 * is pki/secure-dns.h. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns (transfer full) the name whose SMIMEA records are about `mailbox` (as
 * seal_address_canonical() writes it): 28 octets of the SHA-256 of its local part in hexadecimal
 * (RFC 8162 3). NULL if that is no name of DNS, whose length has a limit. */
char *seal_smimea_name(const char *mailbox);

/* What the certificate or key in a record is (RFC 6698 2.1.1). */
typedef enum {
    SEAL_SMIMEA_PKIX_TA, /* a CA that must be on the path to an anchor of ours */
    SEAL_SMIMEA_PKIX_EE, /* the owner's, with a path to an anchor of ours */
    SEAL_SMIMEA_DANE_TA, /* a CA that may vouch for the owner's */
    SEAL_SMIMEA_DANE_EE, /* the owner's, as the domain says */
} SealSmimeaUsage;

/* One record. */
typedef struct {
    SealSmimeaUsage usage;
    gboolean is_key;    /* about the SubjectPublicKeyInfo, not the certificate */
    const char *hash;   /* (nullable) OpenSSL's name of a hash; NULL: `data` is the whole */
    const guint8 *data; /* in the bytes that were read */
    gsize len;
} SealSmimea;

/* Reads the `len` bytes of one record's RDATA. FALSE if they are none that is known, or a hash has
 * a wrong length; RFC 6698 4.1 has such records passed over. */
gboolean seal_smimea_read(const guint8 *rdata, gsize len, SealSmimea *ret_record);

/* TRUE if the record is about this very certificate or its key. */
gboolean seal_smimea_matches(const SealSmimea *record, X509 *certificate);

/* Returns (transfer full) the certificate (DER) that the record holds; NULL if it holds a hash, a
 * key, or something that cannot be read. */
GBytes *seal_smimea_certificate(const SealSmimea *record);
