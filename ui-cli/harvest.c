/* Harvesting follows the verdict: only a mail that is good as a whole says anything, only about the
 * addresses it is from, and a certificate that came beside the signature must pass the same CAs as
 * the signer's. Who holds a certificate of a trusted CA for an address can change what is in use
 * for it, which is what being trusted means; so each change is told, and a pin ends it. */
#include "ui-cli/harvest.h"

#include "base/settings.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/correspondents.h"
#include "pki/recipient-settings.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/recipients-keep.h"
#include "ui-cli/trust-options.h"

#define ISSUERS_MAX 8 /* of one mail; paths have two or three */

typedef struct {
    SealReport *report;
    const SealTrust *trust;
    SealDatabase *database; /* (nullable) until something is to be kept */
} Harvest;

/* -- is it worth it? -------------------------------------------------------------------------- */

static gboolean
is_wanted(GError **error)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealRecipientSettings) settings =
        seal_recipient_settings_load(user_file, site_file, overruled, error);

    return settings && settings->harvest;
}

static gboolean
is_believed(const Harvest *harvest, X509 *certificate, const GPtrArray *issuers)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    g_auto(SealChainResult) result = {0};

    for (guint i = 0; i < issuers->len; i++) {
        X509 *issuer = seal_certificate_read(issuers->pdata[i], "it", NULL);

        if (issuer)
            sk_X509_push(others, issuer);
    }
    seal_trust_judge(harvest->trust, certificate, others, SEAL_PURPOSE_ENCRYPT_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    sk_X509_pop_free(others, X509_free);
    return result.state == SEAL_CHAIN_GOOD &&
           seal_mail_certificate_has_use(certificate, SEAL_PURPOSE_ENCRYPT_MAIL);
}

/* -- keeping ---------------------------------------------------------------------------------- */

static gboolean
open_database(Harvest *harvest, GError **error)
{
    g_autofree char *path = seal_database_user_path();

    if (!harvest->database)
        harvest->database = seal_database_open(path, error);
    return harvest->database != NULL;
}

static gboolean
keep_for(Harvest *harvest, const SealSignerReport *signer, const char *address, GError **error)
{
    const SealNews news = {.address = address,
                           .certificate = signer->encryption_certificate,
                           .origin = SEAL_ORIGIN_MAIL,
                           .now = g_get_real_time() / G_USEC_PER_SEC,
                           .capabilities =
                               signer->signing_time == G_MININT64 ? NULL : signer->capabilities,
                           .capabilities_time = signer->signing_time};
    g_auto(SealNewsResult) result = {0};
    char *change = NULL;

    if (!seal_correspondents_keep(harvest->database, &news, &result, error))
        return FALSE;
    change = seal_recipients_change_text(address, news.certificate, &result);
    if (change)
        g_ptr_array_add(harvest->report->warnings, change);
    return TRUE;
}

static gboolean
keep_issuers(Harvest *harvest, const GPtrArray *issuers, GError **error)
{
    for (guint i = 0; i < issuers->len && i < ISSUERS_MAX; i++) {
        g_autoptr(X509) issuer = seal_certificate_read(issuers->pdata[i], "it", NULL);

        if (issuer && !seal_correspondents_keep_issuer(harvest->database, issuer, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
learn(Harvest *harvest, const SealSignerReport *signer, const GPtrArray *issuers, GError **error)
{
    g_autoptr(X509) certificate = NULL;
    g_autoptr(GPtrArray) addresses = NULL;

    if (!signer->encryption_certificate || signer->senders->len == 0)
        return TRUE;
    certificate = seal_certificate_read(signer->encryption_certificate, "it", NULL);
    if (!certificate || !is_believed(harvest, certificate, issuers))
        return TRUE;
    addresses = seal_address_list(certificate);
    for (guint i = 0; i < signer->senders->len; i++) {
        const char *address = signer->senders->pdata[i];

        if (seal_address_in(addresses, address) &&
            (!open_database(harvest, error) || !keep_for(harvest, signer, address, error)))
            return FALSE;
    }
    return !harvest->database || keep_issuers(harvest, issuers, error);
}

static gboolean
learn_all(Harvest *harvest, GError **error)
{
    for (guint i = 0; i < harvest->report->layers->len; i++) {
        const SealLayerReport *layer = harvest->report->layers->pdata[i];

        for (guint j = 0; layer->verdict == SEAL_VERDICT_OK && j < layer->signers->len; j++) {
            if (!learn(harvest, layer->signers->pdata[j], layer->issuers, error))
                return FALSE;
        }
    }
    return TRUE;
}

void
seal_harvest(SealReport *report, const SealTrust *trust)
{
    Harvest harvest = {.report = report, .trust = trust};
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    if (report->verdict != SEAL_VERDICT_OK)
        return;
    if (is_wanted(&error))
        learn_all(&harvest, &error);
    seal_database_free(harvest.database);
    if (!error)
        return;
    g_ptr_array_add(warnings,
                    g_strdup_printf("the signer's certificate is not kept: %s", error->message));
    seal_trust_warn(warnings);
}
