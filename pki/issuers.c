/* Fetching issuers. What comes is as untrusted as what the mail carried, so nothing is verified
 * here; it only must fit in name, and be little. */
#include "pki/issuers.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/certificate.h"

#define URLS_MAX         4
#define URL_LEN_MAX      2048
#define BYTES_MAX        ((gsize)64 * 1024) /* certificates have 1 to 4 KiB, bundles some of them */
#define CERTIFICATES_MAX 16

static gboolean
is_usable_url(const char *url, gsize len)
{
    if (len > URL_LEN_MAX || len <= 7 || g_ascii_strncasecmp(url, "http://", 7) != 0)
        return FALSE;
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isgraph(url[i]))
            return FALSE;
    return TRUE;
}

GPtrArray *
seal_issuer_urls(X509 *certificate)
{
    GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access) && urls->len < URLS_MAX; i++) {
        const ACCESS_DESCRIPTION *entry = sk_ACCESS_DESCRIPTION_value(access, i);
        const ASN1_IA5STRING *value = NULL;
        const char *url = NULL;
        gsize len = 0;

        if (OBJ_obj2nid(entry->method) != NID_ad_ca_issuers || entry->location->type != GEN_URI)
            continue;
        value = entry->location->d.uniformResourceIdentifier;
        url = (const char *)ASN1_STRING_get0_data(value);
        len = (gsize)ASN1_STRING_length(value);
        if (is_usable_url(url, len))
            g_ptr_array_add(urls, g_strndup(url, len));
    }
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
    return urls;
}

static guint
take_if_issuer(STACK_OF(X509) *certificates, X509 *candidate, X509 *of)
{
    if (X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(of)) != 0)
        return 0;
    X509_up_ref(candidate);
    sk_X509_push(certificates, candidate);
    return 1;
}

static guint
take_cms(STACK_OF(X509) *certificates, GBytes *bytes, X509 *of)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(bytes, &len);
    CMS_ContentInfo *message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
    STACK_OF(X509) *carried = message ? CMS_get1_certs(message) : NULL;
    guint taken = 0;

    for (int i = 0; i < MIN(sk_X509_num(carried), CERTIFICATES_MAX); i++)
        taken += take_if_issuer(certificates, sk_X509_value(carried, i), of);
    sk_X509_pop_free(carried, X509_free);
    CMS_ContentInfo_free(message);
    ERR_clear_error();
    return taken;
}

static guint
take_all(STACK_OF(X509) *certificates, GBytes *bytes, X509 *of)
{
    g_autoptr(GPtrArray) found = seal_certificates_read(bytes, "it", NULL);
    guint taken = 0;

    if (!found)
        return take_cms(certificates, bytes, of);
    for (guint i = 0; i < MIN(found->len, CERTIFICATES_MAX); i++)
        taken += take_if_issuer(certificates, found->pdata[i], of);
    return taken;
}

guint
seal_issuers_fetch(const SealFetcher *fetcher, X509 *certificate, STACK_OF(X509) *certificates)
{
    g_autoptr(GPtrArray) urls = seal_issuer_urls(certificate);
    guint taken = 0;

    for (guint i = 0; i < urls->len && taken == 0; i++) {
        g_autoptr(GBytes) bytes = fetcher->fetch(fetcher, urls->pdata[i], BYTES_MAX, NULL);

        if (bytes && g_bytes_get_size(bytes) <= BYTES_MAX)
            taken = take_all(certificates, bytes, certificate);
    }
    return taken;
}
