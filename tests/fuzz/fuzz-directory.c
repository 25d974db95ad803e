/* What comes out of a directory, a value of userSMIMECertificate or userCertificate, and what goes
 * into one: the same bytes as an address in a search filter. */
#include <glib.h>
#include <openssl/x509.h>
#include <string.h>

#include "pki/directory-parts.h"
#include "tests/fuzz/fuzz.h"

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static void
read_value(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) certificates = g_ptr_array_new_with_free_func(unref_bytes);
    gboolean well = seal_directory_value_read(data, size, certificates);

    g_assert_true(well || certificates->len == 0);
    g_assert_cmpuint(certificates->len, <=, SEAL_DIRECTORY_CERTIFICATES_MAX);
    for (guint i = 0; i < certificates->len; i++) {
        gsize len = 0;
        const unsigned char *at = g_bytes_get_data(certificates->pdata[i], &len);
        X509 *certificate = d2i_X509(NULL, &at, (long)len);

        g_assert_nonnull(certificate);
        X509_free(certificate);
    }
}

/* RFC 4515 3: nothing of the address is more than a value, and it can be read back. */
static void
make_filter(const uint8_t *data, size_t size)
{
    static const char head[] = "(|(mail=";
    g_autofree char *address = g_strndup((const char *)data, size);
    g_autofree char *filter = seal_directory_filter(address);
    const char *at = filter + strlen(head);

    g_assert_true(g_str_has_prefix(filter, head));
    for (const char *c = address; *c; c++) {
        if (*at == '\\') {
            g_assert_cmpint(g_ascii_xdigit_value(at[1]) * 16 + g_ascii_xdigit_value(at[2]), ==,
                            (guint8)*c);
            at += 3;
        } else {
            g_assert_true(*at == *c && !strchr("*()\\", *c));
            at++;
        }
    }
    g_assert_true(g_str_has_prefix(at, ")(proxyAddresses=smtp:"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_value(data, size);
    make_filter(data, size);
    return 0;
}
