/* Adding an anchor. Everything rests on one comparison, that of the fingerprint with one that came
 * another way, so a person at a terminal or a script that knows it has to make it; nothing is
 * trusted because it lay in a file. */
#include "ui-cli/trust-add.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pki/anchor-store.h"
#include "pki/certificate.h"
#include "ui-cli/ask.h"
#include "ui-cli/files.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"
#include "ui-cli/validity.h"

#define FINGERPRINT_LEN 64 /* hexadecimal digits of a SHA-256 */

/* -- which one -------------------------------------------------------------------------------- */

/* The whole fingerprint of --fingerprint in lower-case digits; NULL if it is none. */
static char *
read_fingerprint(const char *text, GError **error)
{
    char *digits = seal_fingerprint_normalize(text);

    if (digits && strlen(digits) == FINGERPRINT_LEN)
        return digits;
    g_free(digits);
    seal_usage_error_set(error, "trust",
                         "--fingerprint needs all %d hexadecimal digits of a SHA-256 fingerprint",
                         FINGERPRINT_LEN);
    return NULL;
}

static X509 *
pick(const GPtrArray *certificates, const char *path, const char *fingerprint, GError **error)
{
    for (guint i = 0; fingerprint && i < certificates->len; i++) {
        g_autofree char *actual = seal_certificate_fingerprint(certificates->pdata[i]);

        if (strcmp(actual, fingerprint) == 0)
            return certificates->pdata[i];
    }
    if (!fingerprint && certificates->len == 1)
        return certificates->pdata[0];
    if (fingerprint)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_DENIED,
                    "cannot trust '%s': it has another fingerprint than --fingerprint says; find "
                    "out which one is right",
                    path);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot add '%s': there are %u certificates in it, choose one with "
                    "--fingerprint",
                    path, certificates->len);
    return NULL;
}

/* -- asking ----------------------------------------------------------------------------------- */

/* As certificate authorities print it: AB:CD:... */
static char *
group_digits(const char *fingerprint)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; fingerprint[i] && fingerprint[i + 1]; i += 2)
        g_string_append_printf(text, "%s%c%c", i > 0 ? ":" : "", g_ascii_toupper(fingerprint[i]),
                               g_ascii_toupper(fingerprint[i + 1]));
    return g_string_free(text, FALSE);
}

/* What a person should see before they decide; lines end in \n. */
static char *
describe(X509 *certificate)
{
    g_autofree char *subject = seal_certificate_subject(certificate);
    g_autofree char *issuer = seal_certificate_issuer(certificate);
    g_autofree char *clean_subject = seal_text_clean(subject);
    g_autofree char *clean_issuer = seal_text_clean(issuer);
    g_autofree char *key = seal_certificate_key_text(certificate);
    g_autofree char *fingerprint = seal_certificate_fingerprint(certificate);
    g_autofree char *digits = group_digits(fingerprint);
    g_autofree char *from_day = NULL;
    g_autofree char *until_day = NULL;
    gint64 from = 0;
    gint64 until = 0;

    seal_certificate_validity(certificate, &from, &until); /* was checked */
    from_day = seal_date_text(from);
    until_day = seal_date_text(until);
    return g_strdup_printf("  subject: %s\n  issuer:  %s\n  valid:   %s to %s\n  key:     %s\n"
                           "  SHA-256: %s\n",
                           clean_subject, strcmp(subject, issuer) == 0 ? "itself" : clean_issuer,
                           from_day, until_day, key, digits);
}

static gboolean
is_confirmation(const char *answer, const char *fingerprint)
{
    g_autofree char *digits = seal_fingerprint_normalize(answer);

    return strcmp(answer, "yes") == 0 || (digits && strcmp(digits, fingerprint) == 0);
}

static gboolean
confirm(X509 *certificate, GError **error)
{
    g_autofree char *fingerprint = seal_certificate_fingerprint(certificate);
    g_autofree char *page = describe(certificate);
    g_autofree char *question =
        g_strdup_printf("%s\nIf it is trusted, whoever holds its key can vouch for every mail "
                        "address. Compare the\nSHA-256 fingerprint with one that reached you "
                        "another way than this file. Is it the same?\nType yes, or that "
                        "fingerprint: ",
                        page);
    g_autofree char *answer = seal_ask(question, error);

    if (!answer) {
        if (error && seal_error_is(*error, SEAL_ERROR_INTERACTION_REQUIRED))
            g_prefix_error(error, "cannot add a CA without a confirmation: give its fingerprint "
                                  "with --fingerprint, since ");
        return FALSE;
    }
    if (is_confirmation(answer, fingerprint))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED,
                "nothing was added: the fingerprint was not confirmed");
    return FALSE;
}

/* -- adding ----------------------------------------------------------------------------------- */

/* The file in which it is trusted already (transfer full) (nullable). */
static char *
find_present(X509 *certificate)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *site = seal_anchors_site_folder();
    g_autofree char *user = seal_anchors_user_folder();
    const char *const folders[] = {site, user};

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GPtrArray) anchors = seal_anchors_read(folders[i], problems);

        for (guint j = 0; j < anchors->len; j++) {
            const SealAnchor *anchor = anchors->pdata[j];

            if (X509_cmp(anchor->certificate, certificate) == 0)
                return g_strdup(anchor->path);
        }
    }
    return NULL;
}

static void
tell(const char *what, X509 *certificate, const char *path)
{
    g_autofree char *subject = seal_certificate_subject(certificate);
    g_autofree char *clean = seal_text_clean(subject);

    printf("%s: %s\n  %s\n", what, clean, path);
}

static int
add_certificate(X509 *certificate, gboolean is_confirmed, GError **error)
{
    g_autofree char *folder = seal_anchors_user_folder();
    g_autofree char *path = NULL;

    if (!seal_anchor_check(certificate, g_get_real_time() / G_USEC_PER_SEC, error))
        return SEAL_STATUS_REFUSED;
    path = find_present(certificate);
    if (path) {
        tell("trusted already", certificate, path);
        return SEAL_STATUS_DONE;
    }
    if (!is_confirmed && !confirm(certificate, error))
        return SEAL_STATUS_REFUSED;
    if (!seal_anchor_store(certificate, folder, &path, error))
        return SEAL_STATUS_IO;
    tell("trusted from now on", certificate, path);
    return SEAL_STATUS_DONE;
}

int
seal_trust_add_run(const char *path, const SealOptions *options, GError **error)
{
    const char *stated = seal_options_value(options, "fingerprint");
    g_autofree char *fingerprint = stated ? read_fingerprint(stated, error) : NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GPtrArray) certificates = NULL;
    X509 *certificate = NULL;

    if (stated && !fingerprint)
        return SEAL_STATUS_USAGE;
    bytes = seal_input_read(path, SEAL_CERTIFICATE_FILE_MAX, error);
    certificates = bytes ? seal_certificates_read(bytes, path, error) : NULL;
    certificate = certificates ? pick(certificates, path, fingerprint, error) : NULL;
    if (!certificate)
        return SEAL_STATUS_IO;
    return add_certificate(certificate, fingerprint != NULL, error);
}
