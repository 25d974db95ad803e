/* The folder that mutt calls smime_certificates: each certificate to which mail can be encrypted is
 * a file FOLDER/ID in PEM, where ID is that of `privyseal list certificates`; those of CAs are
 * there to build paths from. Certificates on tokens are written there when they are seen, those of
 * other people when `import` is given them. A file that a person removes is gone. */
#include "ui-cli/mutt-folder.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "smime/armor.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/trust-options.h"

#define ID_LEN    40    /* hex digits, as the agent's ids of certificates */
#define FILES_MAX 10000 /* mutt reads the index line by line at each look-up */
#define FILE_MAX  ((gsize)1024 * 1024)

static void
entry_free(gpointer data)
{
    SealMuttEntry *entry = data;

    g_free(entry->id);
    X509_free(entry->certificate);
    g_ptr_array_unref(entry->addresses);
    g_free(entry->reason);
    g_free(entry);
}

/* -- the folder ------------------------------------------------------------------------------- */

char *
seal_mutt_folder_path(void)
{
    return g_build_filename(g_get_user_data_dir(), "privyseal", "mutt", NULL);
}

/* mutt gives a list of paths to a shell, without quotes. */
static gboolean
is_fit_for_mutt(const char *path)
{
    for (const char *at = path; *at; at++) {
        if ((guchar)*at < 0x80 && !g_ascii_isalnum(*at) && !strchr("/._-+@%,:", *at))
            return FALSE;
    }
    return TRUE;
}

/* Makes the folder and that of the keys in it. (transfer full) */
char *
seal_mutt_folder_open(GError **error)
{
    g_autofree char *path = seal_mutt_folder_path();
    g_autofree char *keys = g_build_filename(path, "keys", NULL);

    if (!is_fit_for_mutt(path)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot use the folder '%s': there are signs in its name that mutt does not "
                    "quote; set XDG_DATA_HOME to a folder of letters and digits",
                    path);
        return NULL;
    }
    if (g_mkdir_with_parents(keys, 0700) == 0)
        return g_steal_pointer(&path);
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot make the folder '%s': %s", keys, g_strerror(errno));
    return NULL;
}

char *
seal_mutt_folder_id(GBytes *der)
{
    g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);

    return g_strndup(digest, ID_LEN);
}

gboolean
seal_mutt_folder_is_id(const char *name)
{
    return strlen(name) == ID_LEN && strspn(name, "0123456789abcdef") == ID_LEN;
}

static gboolean
keep(const char *folder, GBytes *der, GError **error)
{
    g_autofree char *id = seal_mutt_folder_id(der);
    g_autofree char *path = g_build_filename(folder, id, NULL);
    g_autoptr(GBytes) text = NULL;
    gsize len = 0;
    const void *data = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    text = seal_pem_write(PEM_STRING_X509, der);
    data = g_bytes_get_data(text, &len);
    return seal_file_replace(path, data, len, 0600, error);
}

/* To whom mail can be encrypted, now or once; or who issues certificates. */
static gboolean
is_worth_keeping(X509 *certificate)
{
    g_autoptr(GPtrArray) addresses = seal_address_list(certificate);

    if (X509_check_ca(certificate) == 1)
        return TRUE;
    return addresses->len > 0 &&
           seal_mail_certificate_has_use(certificate, SEAL_PURPOSE_ENCRYPT_MAIL);
}

gboolean
seal_mutt_folder_keep(const char *folder, const GPtrArray *certificates, GError **error)
{
    for (guint i = 0; i < certificates->len; i++) {
        g_autoptr(X509) certificate = seal_certificate_read(certificates->pdata[i], "it", NULL);

        if (certificate && is_worth_keeping(certificate) &&
            !keep(folder, certificates->pdata[i], error))
            return FALSE;
    }
    return TRUE;
}

/* -- what is in it ---------------------------------------------------------------------------- */

/* NULL, with a warning, for a file that is no certificate. */
static SealMuttEntry *
read_entry(const char *folder, const char *id, GPtrArray *warnings)
{
    g_autofree char *path = g_build_filename(folder, id, NULL);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GBytes) bytes = seal_file_read(path, FILE_MAX, &problem);
    g_autoptr(GPtrArray) certificates =
        bytes ? seal_certificates_read(bytes, path, &problem) : NULL;
    SealMuttEntry *entry = NULL;

    if (!certificates) {
        g_ptr_array_add(warnings, g_strdup(problem->message));
        return NULL;
    }
    entry = g_new0(SealMuttEntry, 1);
    entry->id = g_strdup(id);
    entry->certificate = X509_dup(certificates->pdata[0]);
    entry->addresses = seal_address_list(entry->certificate);
    return entry;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the certificates' files, sorted. (transfer full) (element-type utf8) */
static GPtrArray *
list_ids(const char *folder, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    const char *name = NULL;

    if (!dir)
        return NULL;
    while (ids->len <= FILES_MAX && (name = g_dir_read_name(dir))) {
        if (seal_mutt_folder_is_id(name))
            g_ptr_array_add(ids, g_strdup(name));
    }
    if (ids->len > FILES_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "there are more than %d certificates in '%s': remove those that you do not "
                    "need",
                    FILES_MAX, folder);
        return NULL;
    }
    g_ptr_array_sort(ids, compare_names);
    return g_steal_pointer(&ids);
}

GPtrArray *
seal_mutt_folder_read(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) ids = list_ids(folder, error);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *entries = NULL;

    if (!ids)
        return NULL;
    entries = g_ptr_array_new_with_free_func(entry_free);
    for (guint i = 0; i < ids->len; i++) {
        SealMuttEntry *entry = read_entry(folder, ids->pdata[i], warnings);

        if (entry)
            g_ptr_array_add(entries, entry);
    }
    seal_trust_warn(warnings);
    return entries;
}
