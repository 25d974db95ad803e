/* URLs out of certificates. They are as hostile as whoever made the certificate: what is not plain
 * text of a moderate length is left out here, and whether a host may be asked is judged by the
 * fetcher. */
#include "pki/urls.h"

#include <openssl/err.h>
#include <string.h>

#define URLS_MAX    4 /* public certificates have one or two */
#define URL_LEN_MAX 2048

static gboolean
has_scheme(const char *url, gsize len, const char *scheme)
{
    gsize scheme_len = strlen(scheme);

    return len > scheme_len && g_ascii_strncasecmp(url, scheme, scheme_len) == 0;
}

static gboolean
is_usable(const char *url, gsize len, gboolean with_tls)
{
    if (len > URL_LEN_MAX)
        return FALSE;
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isgraph(url[i]))
            return FALSE;
    return has_scheme(url, len, "http://") || (with_tls && has_scheme(url, len, "https://"));
}

void
seal_urls_add(GPtrArray *urls, const GENERAL_NAME *name, gboolean with_tls)
{
    const ASN1_IA5STRING *value = NULL;
    const char *url = NULL;
    gsize len = 0;

    if (name->type != GEN_URI || urls->len >= URLS_MAX)
        return;
    value = name->d.uniformResourceIdentifier;
    url = (const char *)ASN1_STRING_get0_data(value);
    len = (gsize)ASN1_STRING_length(value);
    if (is_usable(url, len, with_tls))
        g_ptr_array_add(urls, g_strndup(url, len));
}

GPtrArray *
seal_urls_of_access(X509 *certificate, int method, gboolean with_tls)
{
    GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *entry = sk_ACCESS_DESCRIPTION_value(access, i);

        if (OBJ_obj2nid(entry->method) == method)
            seal_urls_add(urls, entry->location, with_tls);
    }
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
    return urls;
}
