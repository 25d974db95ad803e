/* PEM or DER certificates from a file, as DER. */
#include "ui-cli/certificate-file.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "pki/certificate.h"
#include "ui-cli/files.h"

/* The largest certificates with long lists of names have some 100 KiB. */
#define FILE_MAX ((gsize)4 * 1024 * 1024)

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static void
read_pem(BIO *bio, GPtrArray *certificates)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;

    while (PEM_read_bio(bio, &name, &header, &data, &len)) {
        if (g_str_equal(name, PEM_STRING_X509) || g_str_equal(name, PEM_STRING_X509_OLD))
            g_ptr_array_add(certificates, g_bytes_new(data, (gsize)len));
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    ERR_clear_error(); /* the end of the file counts as one */
}

GPtrArray *
seal_certificate_file_read(const char *path, GError **error)
{
    g_autoptr(GPtrArray) certificates = g_ptr_array_new_with_free_func(unref_bytes);
    g_autoptr(GBytes) bytes = seal_input_read(path, FILE_MAX, error);
    g_autofree char *what = g_strdup_printf("'%s'", path);
    gsize len = 0;
    const guint8 *data = NULL;
    BIO *bio = NULL;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &len);
    bio = BIO_new_mem_buf(data, (int)len);
    read_pem(bio, certificates);
    BIO_free(bio);
    if (certificates->len == 0)
        g_ptr_array_add(certificates, g_bytes_ref(bytes));
    for (guint i = 0; i < certificates->len; i++) {
        g_autoptr(X509) certificate = seal_certificate_read(certificates->pdata[i], what, NULL);

        if (!certificate) {
            g_set_error(
                error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use '%s': there is no certificate in it that can be read, neither PEM nor "
                "DER",
                path);
            return NULL;
        }
    }
    return g_steal_pointer(&certificates);
}
