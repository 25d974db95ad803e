/* Recipients by address or file. All that are missing are told at once: a person who writes to ten
 * people does not want to run the command ten times. */
#include "ui-cli/recipients.h"

#include <string.h>

#include "base/error.h"
#include "pki/certificate.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/mail-certificate.h"

typedef struct {
    SealReach **reach;
    const SealTrust *trust;
    GPtrArray *certificates;
    GString *missing;       /* sentences, parted by "; " */
    const char *advice;     /* for who misses one */
    STACK_OF(X509) *others; /* all certificates seen, to build paths from */
} Search;

static gboolean
is_address(const char *name)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};

    if (!strchr(name, '@') || strchr(name, '/'))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (g_str_has_suffix(name, endings[i]))
            return FALSE;
    }
    return TRUE;
}

static void
note_missing(Search *search, const char *name, const char *reason)
{
    g_string_append_printf(search->missing, "%s'%s' (%s)", search->missing->len > 0 ? ", " : "",
                           name, reason);
}

static void
note_other(Search *search, GBytes *der)
{
    X509 *certificate = seal_certificate_read(der, "it", NULL);

    if (certificate)
        sk_X509_push(search->others, certificate);
}

static void
take_certificate(Search *search, const char *name, GBytes *der)
{
    g_autofree char *reason = NULL;

    if (seal_mail_certificate_check(der, SEAL_PURPOSE_ENCRYPT_MAIL, &reason))
        g_ptr_array_add(search->certificates, g_bytes_ref(der));
    else
        note_missing(search, name, reason);
}

static gboolean
look_up_address(Search *search, const char *name, GError **error)
{
    const SealClientObjects *objects = NULL;
    const SealClientCertificate *certificate = NULL;
    g_autoptr(GError) problem = NULL;

    if (!*search->reach)
        *search->reach = seal_reach_agent(error);
    objects = *search->reach ? seal_reach_objects(*search->reach, error) : NULL;
    if (!objects)
        return FALSE;
    certificate = seal_mail_certificate_find(objects, name, SEAL_PURPOSE_ENCRYPT_MAIL, &problem);
    if (certificate)
        g_ptr_array_add(search->certificates, g_bytes_ref(certificate->certificate));
    else
        note_missing(search, name, problem->message);
    for (guint i = 0; i < objects->certificates->len; i++)
        note_other(search, ((SealClientCertificate *)objects->certificates->pdata[i])->certificate);
    return TRUE;
}

static gboolean
look_up_file(Search *search, const char *name, GError **error)
{
    g_autoptr(GPtrArray) certificates = seal_certificate_file_read(name, error);

    if (!certificates)
        return FALSE;
    /* The first is the recipient's, as in every chain file; the others lead up from it. */
    take_certificate(search, name, certificates->pdata[0]);
    for (guint i = 1; i < certificates->len; i++)
        note_other(search, certificates->pdata[i]);
    return TRUE;
}

static void
judge(Search *search, GBytes *der)
{
    g_auto(SealChainResult) result = {0};
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);
    g_autofree char *subject = seal_certificate_subject(certificate);

    seal_trust_judge(search->trust, certificate, search->others, SEAL_PURPOSE_ENCRYPT_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    if (result.state != SEAL_CHAIN_GOOD)
        note_missing(search, subject,
                     result.reason ? result.reason : seal_chain_word(result.state));
}

static gboolean
search_all(Search *search, const GPtrArray *names, GError **error)
{
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];

        if (!(is_address(name) ? look_up_address(search, name, error)
                               : look_up_file(search, name, error)))
            return FALSE;
    }
    for (guint i = 0; search->trust && i < search->certificates->len; i++)
        judge(search, search->certificates->pdata[i]);
    if (search->missing->len == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "cannot encrypt: no usable certificate for %s; %s", search->missing->str,
                search->advice);
    return FALSE;
}

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

GPtrArray *
seal_recipients_find(SealReach **reach, const GPtrArray *names, const SealTrust *trust,
                     const char *advice, GError **error)
{
    Search search = {.reach = reach,
                     .trust = trust,
                     .certificates = g_ptr_array_new_with_free_func(unref_bytes),
                     .missing = g_string_new(NULL),
                     .advice = advice,
                     .others = sk_X509_new_null()};
    gboolean found = search_all(&search, names, error);

    sk_X509_pop_free(search.others, X509_free);
    g_string_free(search.missing, TRUE);
    if (!found)
        g_clear_pointer(&search.certificates, g_ptr_array_unref);
    return search.certificates;
}
