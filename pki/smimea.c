/* Names and records of RFC 8162, by OpenSSL's digests. What is in a record says nothing until
 * DNSSEC has said that it is the domain's. */
#include "pki/smimea.h"

#include <openssl/evp.h>
#include <string.h>

#include "pki/certificate.h"

#define HASH_LEN       28 /* RFC 8162 3: of the 32 octets of SHA-256 */
#define LABEL          "._smimecert."
#define DOMAIN_MAX_LEN 253 /* RFC 1035 2.3.4, as text without the last dot */
#define HEAD_LEN       3   /* usage, selector, matching type */

char *
seal_smimea_name(const char *mailbox)
{
    const char *at = strrchr(mailbox, '@');
    g_autofree char *local = at ? g_strndup(mailbox, (gsize)(at - mailbox)) : NULL;
    g_autofree char *normal = local ? g_utf8_normalize(local, -1, G_NORMALIZE_NFC) : NULL;
    g_autofree char *hash = NULL;
    g_autofree char *name = NULL;

    if (!normal)
        return NULL;
    hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, normal, -1);
    name = g_strdup_printf("%.*s" LABEL "%s", HASH_LEN * 2, hash, at + 1);
    return strlen(name) <= DOMAIN_MAX_LEN ? g_steal_pointer(&name) : NULL;
}

gboolean
seal_smimea_read(const guint8 *rdata, gsize len, SealSmimea *ret_record)
{
    static const struct {
        const char *hash;
        gsize len;                                              /* 0: any */
    } matching[] = {{NULL, 0}, {"SHA256", 32}, {"SHA512", 64}}; /* RFC 6698 2.1.3 */
    gsize data_len = 0;

    if (len <= HEAD_LEN || rdata[0] > SEAL_SMIMEA_DANE_EE || rdata[1] > 1 ||
        rdata[2] >= G_N_ELEMENTS(matching))
        return FALSE;
    data_len = len - HEAD_LEN;
    if (matching[rdata[2]].len != 0 && matching[rdata[2]].len != data_len)
        return FALSE;
    *ret_record = (SealSmimea){.usage = (SealSmimeaUsage)rdata[0],
                               .is_key = rdata[1] == 1,
                               .hash = matching[rdata[2]].hash,
                               .data = rdata + HEAD_LEN,
                               .len = data_len};
    return TRUE;
}

gboolean
seal_smimea_matches(const SealSmimea *record, X509 *certificate)
{
    unsigned char *der = NULL;
    int len = record->is_key ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der)
                             : i2d_X509(certificate, &der);
    unsigned char digest[EVP_MAX_MD_SIZE];
    gsize digest_len = 0;
    const unsigned char *value = der;
    gsize value_len = len > 0 ? (gsize)len : 0;
    gboolean matches = FALSE;

    if (record->hash && value_len > 0) {
        gboolean well =
            EVP_Q_digest(NULL, record->hash, NULL, der, value_len, digest, &digest_len) == 1;

        value = digest;
        value_len = well ? digest_len : 0;
    }
    matches =
        value_len > 0 && value_len == record->len && memcmp(value, record->data, value_len) == 0;
    OPENSSL_free(der);
    return matches;
}

GBytes *
seal_smimea_certificate(const SealSmimea *record)
{
    g_autoptr(GBytes) der = NULL;
    g_autoptr(X509) certificate = NULL;

    if (record->is_key || record->hash)
        return NULL;
    der = g_bytes_new(record->data, record->len);
    certificate = seal_certificate_read(der, "it", NULL);
    return certificate ? g_steal_pointer(&der) : NULL;
}
