/* What goes into a search and what comes out of it, without a network: the parts of a directory
 * that strangers write. */
#include "pki/directory-parts.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <string.h>

#include "pki/certificate.h"

/* -- the filter ------------------------------------------------------------------------------- */

/* Everything but letters, digits and what addresses commonly have: more than RFC 4515 asks. */
static char *
escape(const char *value)
{
    GString *text = g_string_new(NULL);

    for (; *value; value++) {
        if (g_ascii_isalnum(*value) || strchr("@.-_+", *value))
            g_string_append_c(text, *value);
        else
            g_string_append_printf(text, "\\%02x", (guint8)*value);
    }
    return g_string_free(text, FALSE);
}

char *
seal_directory_filter(const char *address)
{
    g_autofree char *value = escape(address);

    return g_strdup_printf("(|(mail=%s)(proxyAddresses=smtp:%s))", value, value);
}

/* -- values ----------------------------------------------------------------------------------- */

static gboolean
read_signed_data(const unsigned char *data, gsize len, GPtrArray *certificates)
{
    const unsigned char *at = data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)len);
    STACK_OF(X509) *list = cms && at == data + len ? CMS_get1_certs(cms) : NULL;
    gboolean well =
        list && certificates->len + (guint)sk_X509_num(list) <= SEAL_DIRECTORY_CERTIFICATES_MAX;

    for (int i = 0; well && i < sk_X509_num(list); i++)
        g_ptr_array_add(certificates, seal_certificate_der(sk_X509_value(list, i)));
    sk_X509_pop_free(list, X509_free);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return well;
}

gboolean
seal_directory_value_read(gconstpointer data, gsize len, GPtrArray *certificates)
{
    g_autoptr(GBytes) der = NULL;
    g_autoptr(X509) certificate = NULL;

    if (len == 0 || len > SEAL_DIRECTORY_VALUE_MAX ||
        certificates->len >= SEAL_DIRECTORY_CERTIFICATES_MAX)
        return FALSE;
    der = g_bytes_new(data, len);
    certificate = seal_certificate_read(der, "it", NULL);
    if (!certificate)
        return read_signed_data(data, len, certificates);
    g_ptr_array_add(certificates, g_steal_pointer(&der));
    return TRUE;
}
