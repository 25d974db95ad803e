/* One file for each anchor that is added, named by its fingerprint: adding twice changes nothing,
 * and no name in a certificate becomes a file name. What others put into the folder by hand is
 * found and removed as well. */
#include "pki/anchor-store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "pki/certificate.h"

#define PREFIX_LEN_MIN 8 /* of a fingerprint: enough to tell one's own anchors apart */

/* -- adding ----------------------------------------------------------------------------------- */

static gboolean
refuse(X509 *certificate, GError **error, const char *reason)
{
    g_autofree char *subject = seal_certificate_subject(certificate);

    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED, "cannot trust '%s': %s", subject,
                reason);
    return FALSE;
}

gboolean
seal_anchor_check(X509 *certificate, gint64 at, GError **error)
{
    gint64 from = 0;
    gint64 until = 0;

    if (!seal_certificate_is_authority(certificate))
        return refuse(certificate, error, "it is no CA certificate, give that of its issuer");
    if (seal_certificate_is_weak(certificate))
        return refuse(certificate, error,
                      "its key can be broken, ask for a certificate with RSA of 2048 bits or more");
    if (!seal_certificate_validity(certificate, &from, &until))
        return refuse(certificate, error, "its validity cannot be read");
    if (at > until)
        return refuse(certificate, error, "it has expired, ask for its successor");
    if (at < from)
        return refuse(certificate, error, "it is not valid yet, check the clock of this machine");
    if (X509_self_signed(certificate, 0) == 1 &&
        X509_verify(certificate, X509_get0_pubkey(certificate)) != 1) {
        ERR_clear_error();
        return refuse(certificate, error, "its signature is wrong, get it again");
    }
    return TRUE;
}

static gboolean
write_pem(const char *path, const GPtrArray *certificates, GError **error)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;
    gboolean written = FALSE;

    for (guint i = 0; i < certificates->len; i++)
        PEM_write_bio_X509(out, certificates->pdata[i]);
    len = BIO_get_mem_data(out, &data);
    written = seal_file_replace(path, data, (size_t)len, 0644, error);
    BIO_free(out);
    return written;
}

gboolean
seal_anchor_store(X509 *certificate, const char *folder, char **ret_path, GError **error)
{
    g_autofree char *fingerprint = seal_certificate_fingerprint(certificate);
    g_autofree char *name = g_strconcat(fingerprint, ".pem", NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    if (g_mkdir_with_parents(folder, 0700) < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make the folder '%s': %s", folder, g_strerror(errno));
        return FALSE;
    }
    g_ptr_array_add(one, certificate);
    if (!write_pem(path, one, error))
        return FALSE;
    *ret_path = g_steal_pointer(&path);
    return TRUE;
}

/* -- removing --------------------------------------------------------------------------------- */

gboolean
seal_anchor_remove(const SealAnchor *anchor, const GPtrArray *anchors, GError **error)
{
    g_autoptr(GPtrArray) rest = g_ptr_array_new();

    for (guint i = 0; i < anchors->len; i++) {
        const SealAnchor *other = anchors->pdata[i];

        if (strcmp(other->path, anchor->path) == 0 &&
            X509_cmp(other->certificate, anchor->certificate) != 0)
            g_ptr_array_add(rest, other->certificate);
    }
    if (rest->len > 0)
        return write_pem(anchor->path, rest, error);
    if (g_unlink(anchor->path) == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot remove '%s': %s",
                anchor->path, g_strerror(errno));
    return FALSE;
}

/* -- finding ---------------------------------------------------------------------------------- */

char *
seal_fingerprint_normalize(const char *text)
{
    g_autoptr(GString) digits = g_string_new(NULL);

    for (; *text; text++) {
        if (g_ascii_isxdigit(*text))
            g_string_append_c(digits, g_ascii_tolower(*text));
        else if (*text != ':' && *text != ' ')
            return NULL;
    }
    return g_string_free(g_steal_pointer(&digits), FALSE);
}

static gboolean
is_named(X509 *certificate, const char *name)
{
    g_autofree char *digits = seal_fingerprint_normalize(name);
    g_autofree char *fingerprint = seal_certificate_fingerprint(certificate);
    g_autofree char *subject = seal_certificate_subject(certificate);
    g_autoptr(GPtrArray) common_names = seal_certificate_common_names(certificate);

    if (digits && strlen(digits) >= PREFIX_LEN_MIN && g_str_has_prefix(fingerprint, digits))
        return TRUE;
    return strcmp(subject, name) == 0 ||
           g_ptr_array_find_with_equal_func(common_names, name, g_str_equal, NULL);
}

const SealAnchor *
seal_anchors_find(const GPtrArray *anchors, const char *name, GError **error)
{
    const SealAnchor *found = NULL;

    for (guint i = 0; i < anchors->len; i++) {
        const SealAnchor *anchor = anchors->pdata[i];

        if (!is_named(anchor->certificate, name))
            continue;
        if (found && X509_cmp(found->certificate, anchor->certificate) != 0) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                        "'%s' names more than one anchor, give more of the fingerprint", name);
            return NULL;
        }
        found = found ? found : anchor;
    }
    if (!found)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "there is no anchor '%s', see \"privyseal trust list\"; a fingerprint needs "
                    "%d digits at least",
                    name, PREFIX_LEN_MIN);
    return found;
}
