/* Fetching issuers. What comes is as untrusted as what the mail carried, so nothing is verified
 * here; it only must fit in name, and be little. */
#include "pki/issuers.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/certificate.h"
#include "pki/urls.h"

#define BYTES_MAX        ((gsize)64 * 1024) /* certificates have 1 to 4 KiB, bundles some of them */
#define CERTIFICATES_MAX 16

GPtrArray *
seal_issuer_urls(X509 *certificate)
{
    return seal_urls_of_access(certificate, NID_ad_ca_issuers, FALSE);
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
        const SealFetchRequest request = {.url = urls->pdata[i], .max = BYTES_MAX};
        g_autoptr(GBytes) bytes = fetcher->fetch(fetcher, &request, NULL);

        if (bytes && g_bytes_get_size(bytes) <= BYTES_MAX)
            taken = take_all(certificates, bytes, certificate);
    }
    return taken;
}
