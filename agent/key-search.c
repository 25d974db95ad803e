/* Matching keys by what a RecipientInfo, a SignerInfo or a From line gives. Issuer and serial,
 * address and key identifier must be those of one certificate. */
#include "agent/key-search.h"

#include <string.h>

#include "agent/key-use.h"

static gboolean
same_bytes(SealBytes wanted, GBytes *have)
{
    gsize len = 0;
    const void *data = have ? g_bytes_get_data(have, &len) : NULL;

    return len == wanted.len && (len == 0 || memcmp(data, wanted.data, len) == 0);
}

/* RFC 5321 2.4: the local part is compared as it is, the domain without regard to case. */
static gboolean
same_address(const char *a, const char *b)
{
    const char *at_a = strrchr(a, '@');
    const char *at_b = strrchr(b, '@');

    if (!at_a || !at_b || at_a - a != at_b - b)
        return FALSE;
    return memcmp(a, b, (size_t)(at_a - a)) == 0 && g_ascii_strcasecmp(at_a, at_b) == 0;
}

static gboolean
has_address(const SealCertificateInfo *info, const char *address)
{
    for (char **each = info->addresses; each && *each; each++)
        if (same_address(*each, address))
            return TRUE;
    return FALSE;
}

static gboolean
certificate_matches(const SealKeySearch *query, const SealCertificateInfo *info)
{
    if (query->issuer.data &&
        !(same_bytes(query->issuer, info->issuer_name) && same_bytes(query->serial, info->serial)))
        return FALSE;
    if (query->subject_key_id.data && !same_bytes(query->subject_key_id, info->subject_key_id))
        return FALSE;
    return !query->address || has_address(info, query->address);
}

static gboolean
has_key_id(const SealKeyObject *key, SealBytes id)
{
    for (guint i = 0; i < key->places->len; i++) {
        const SealKeyPlace *place = key->places->pdata[i];

        if (same_bytes(id, place->info->id))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_hash(const SealKeyObject *key, SealBytes wanted)
{
    const SealKeyPlace *place = key->places->pdata[0];
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 hash[32];
    gsize len = sizeof hash;
    gsize key_len = 0;
    const void *public_key = g_bytes_get_data(place->info->public_key, &key_len);

    g_checksum_update(checksum, public_key, (gssize)key_len);
    g_checksum_get_digest(checksum, hash, &len);
    return memcmp(hash, wanted.data, sizeof hash) == 0;
}

gboolean
seal_key_search_check(const SealKeySearch *query, GError **error)
{
    const char *wrong = NULL;

    if (!query->issuer.data != !query->serial.data)
        wrong = "issuer and serial go together, one of them is missing";
    else if (query->public_key_hash.data && query->public_key_hash.len != 32)
        wrong = "public-key-hash must be a SHA-256, 32 bytes";
    else if (query->purpose && strcmp(query->purpose, "sign") != 0 &&
             strcmp(query->purpose, "decrypt") != 0)
        wrong = "unknown purpose, expected sign or decrypt";
    if (!wrong)
        return TRUE;
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, wrong);
    return FALSE;
}

gboolean
seal_key_search_matches(const SealKeySearch *query, const SealKeyObject *key)
{
    gboolean by_certificate = query->issuer.data || query->subject_key_id.data || query->address;

    if (query->purpose &&
        !seal_key_object_serves(key, strcmp(query->purpose, "sign") == 0 ? SEAL_PURPOSE_SIGN
                                                                         : SEAL_PURPOSE_DECRYPT))
        return FALSE;
    if (query->public_key_hash.data && !has_hash(key, query->public_key_hash))
        return FALSE;
    for (guint i = 0; by_certificate && i < key->certificates->len; i++) {
        const SealCertificateObject *certificate = key->certificates->pdata[i];

        if (certificate_matches(query, certificate->info))
            return TRUE;
    }
    if (by_certificate && !query->issuer.data && !query->address)
        return has_key_id(key, query->subject_key_id);
    return !by_certificate;
}
