/* A person who imports a certificate has chosen it, so its path is not asked for: that is judged
 * when mail is encrypted to it. What can never be encrypted to is not kept. */
#include "ui-cli/recipients-keep.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pki/address.h"
#include "pki/anchor-store.h"
#include "pki/certificate.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/terminal.h"
#include "ui-cli/validity.h"

#define PREFIX_LEN_MIN    8
#define FINGERPRINT_SHOWN 16

static void
print_line(const char *line)
{
    g_autofree char *clean = seal_text_clean(line);

    printf("%s\n", clean);
}

/* -- changes ---------------------------------------------------------------------------------- */

char *
seal_recipients_change_text(const char *address, GBytes *certificate, const SealNewsResult *result)
{
    g_autofree char *fingerprint = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, certificate);
    const SealCorrespondent *former = result->former;
    g_autofree char *since = former ? seal_date_text(former->since) : NULL;

    switch (result->kind) {
    case SEAL_NEWS_CHANGED:
        return g_strdup_printf(
            "%s has another certificate now: SHA-256 %.*s... in place of %.*s..., "
            "in use since %s",
            address, FINGERPRINT_SHOWN, fingerprint, FINGERPRINT_SHOWN, former->fingerprint, since);
    case SEAL_NEWS_PINNED:
        return g_strdup_printf(
            "%s has another certificate now, SHA-256 %.*s..., but the pinned one, "
            "%.*s... of %s, stays in use",
            address, FINGERPRINT_SHOWN, fingerprint, FINGERPRINT_SHOWN, former->fingerprint, since);
    default:
        return NULL;
    }
}

/* -- importing -------------------------------------------------------------------------------- */

static gboolean
import_for(SealDatabase *database, const char *address, GBytes *der, GError **error)
{
    const SealNews news = {.address = address,
                           .certificate = der,
                           .origin = SEAL_ORIGIN_IMPORT,
                           .now = g_get_real_time() / G_USEC_PER_SEC};
    g_auto(SealNewsResult) result = {0};
    g_autofree char *change = NULL;
    g_autofree char *line = NULL;

    if (!seal_correspondents_keep(database, &news, &result, error))
        return FALSE;
    change = seal_recipients_change_text(address, der, &result);
    if (!change)
        line = g_strdup_printf("%s: %s", address,
                               result.kind == SEAL_NEWS_OLD      ? "kept already"
                               : result.kind == SEAL_NEWS_BESIDE ? "kept; a newer one stays in use"
                                                                 : "kept");
    print_line(change ? change : line);
    return TRUE;
}

/* Sets *count to how much of it is kept. */
static gboolean
import_one(SealDatabase *database, GBytes *der, guint *count, GError **error)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", error);
    g_autoptr(GPtrArray) addresses = certificate ? seal_address_list(certificate) : NULL;

    if (!certificate)
        return FALSE;
    if (seal_certificate_is_authority(certificate)) {
        g_autofree char *subject = seal_certificate_subject(certificate);
        g_autofree char *line = g_strdup_printf("%s: kept, as the certificate of a CA", subject);

        *count += 1;
        print_line(line);
        return seal_correspondents_keep_issuer(database, certificate, error);
    }
    if (!seal_mail_certificate_has_use(certificate, SEAL_PURPOSE_ENCRYPT_MAIL))
        return TRUE;
    for (guint i = 0; i < addresses->len; i++) {
        if (!import_for(database, addresses->pdata[i], der, error))
            return FALSE;
        *count += 1;
    }
    return TRUE;
}

gboolean
seal_recipients_import(SealDatabase *database, const char *path, GError **error)
{
    g_autoptr(GPtrArray) certificates = seal_certificate_file_read(path, error);
    guint count = 0;

    if (!certificates)
        return FALSE;
    for (guint i = 0; i < certificates->len; i++) {
        if (!import_one(database, certificates->pdata[i], &count, error))
            return FALSE;
    }
    if (count > 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "in '%s' is no certificate to which mail can be encrypted: ask its owner for the "
                "one that is",
                path);
    return FALSE;
}

/* -- naming one ------------------------------------------------------------------------------- */

static char *
find_prefix(const GPtrArray *rows, const char *address, const char *digits, GError **error)
{
    const SealCorrespondent *found = NULL;

    for (guint i = 0; i < rows->len; i++) {
        const SealCorrespondent *row = rows->pdata[i];

        if (!g_str_has_prefix(row->fingerprint, digits))
            continue;
        if (found) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                        "'%s' begins more than one fingerprint of '%s', give more of it", digits,
                        address);
            return NULL;
        }
        found = row;
    }
    if (!found)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "no certificate of '%s' with the fingerprint '%s' is kept, see \"privyseal "
                    "recipients list\"",
                    address, digits);
    return found ? g_strdup(found->fingerprint) : NULL;
}

char *
seal_recipients_fingerprint(SealDatabase *database, const char *address, const char *prefix,
                            GError **error)
{
    g_autofree char *digits = seal_fingerprint_normalize(prefix);
    g_autoptr(GPtrArray) rows = NULL;

    if (!digits || strlen(digits) < PREFIX_LEN_MIN) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "'%s' is no fingerprint: give %d hexadecimal digits of it at least", prefix,
                    PREFIX_LEN_MIN);
        return NULL;
    }
    rows = seal_correspondents_list(database, address, error);
    return rows ? find_prefix(rows, address, digits, error) : NULL;
}
