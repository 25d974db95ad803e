/* What mutt runs to get at the certificates of a mail, in three steps with a file between each:
 * `pk7out` takes the CMS message out of the mail, `certificates` the certificates out of that, and
 * `import` (ui-cli/mutt-folder.c) keeps them; `addresses` tells whose one is. The files are PEM, as
 * openssl reads and writes them, so that each step can be exchanged for one of openssl's. */
#include "ui-cli/mutt-certificates.h"

#include <openssl/pem.h>

#include "base/error.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "smime/armor.h"
#include "smime/certificates.h"
#include "smime/sign.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/files.h"
#include "ui-cli/mutt.h"
#include "ui-cli/status.h"

gboolean
seal_mutt_print_certificate(GBytes *der, GError **error)
{
    g_autoptr(GBytes) text = seal_pem_write(PEM_STRING_X509, der);

    return seal_output_write(NULL, text, error);
}

int
seal_mutt_pk7out(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(GBytes) mail = seal_input_read(files->pdata[0], SEAL_MAIL_MAX, error);
    g_autoptr(GBytes) cms = mail ? seal_mail_signature(mail, error) : NULL;
    g_autoptr(GBytes) text = cms ? seal_pem_write(PEM_STRING_PKCS7, cms) : NULL;

    return text && seal_output_write(NULL, text, error) ? SEAL_STATUS_DONE : SEAL_STATUS_IO;
}

int
seal_mutt_certificates(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(GBytes) text = seal_input_read(files->pdata[0], SEAL_MAIL_MAX, error);
    g_autoptr(GBytes) cms = text ? seal_armor_read(text, error) : NULL;
    g_autoptr(GPtrArray) certificates = cms ? seal_cms_certificates(cms, error) : NULL;

    if (!certificates)
        return SEAL_STATUS_IO;
    if (certificates->len == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "the signature brings no certificates along: ask its sender for them");
        return SEAL_STATUS_MISSING;
    }
    for (guint i = 0; i < certificates->len; i++) {
        if (!seal_mutt_print_certificate(certificates->pdata[i], error))
            return SEAL_STATUS_IO;
    }
    return SEAL_STATUS_DONE;
}

int
seal_mutt_addresses(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(GPtrArray) certificates = seal_certificate_file_read(files->pdata[0], error);
    g_autoptr(X509) certificate =
        certificates ? seal_certificate_read(certificates->pdata[0], "it", error) : NULL;
    g_autoptr(GPtrArray) addresses = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) lines = NULL;

    if (!certificate)
        return SEAL_STATUS_IO;
    addresses = seal_address_list(certificate);
    if (addresses->len == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "there is no mail address in the certificate '%s'",
                    (const char *)files->pdata[0]);
        return SEAL_STATUS_MISSING;
    }
    for (guint i = 0; i < addresses->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)addresses->pdata[i]);
    lines = g_string_free_to_bytes(g_steal_pointer(&text));
    return seal_output_write(NULL, lines, error) ? SEAL_STATUS_DONE : SEAL_STATUS_IO;
}
