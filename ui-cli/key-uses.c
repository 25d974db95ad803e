/* A key can do what its token lets it, but a person can do with it only what its certificates say:
 * mail finds it by them, and readers look at them. The uses are those that the commands would
 * choose it for, by the same questions (mail-certificate.h). Limits are told as far as they matter:
 * an expired certificate is none beside a newer one of the same key, and a key for logging in need
 * not decrypt.
 *
 * What is revoked is told if it is known on this machine. Nobody is asked over the network: a list
 * must be there at once. */
#include "ui-cli/key-uses.h"

#include <string.h>

#include "base/settings.h"
#include "pki/anchors.h"
#include "pki/certificate.h"
#include "pki/crls.h"
#include "pki/online.h"
#include "pki/preferences.h"
#include "pki/trust.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/reach.h"
#include "ui-cli/validity.h"

#include <openssl/x509v3.h>

#define MAIL_USES   (SEAL_USE_SIGN_MAIL | SEAL_USE_DECRYPT_MAIL | SEAL_USE_DECRYPT_OLD_MAIL)
#define DATE_LIMITS (SEAL_LIMIT_REVOKED | SEAL_LIMIT_EXPIRED | SEAL_LIMIT_NOT_YET_VALID)

struct SealKnownRevocations {
    SealTrust *trust;
    STACK_OF(X509) *issuers;
};

/* Of one certificate. */
typedef struct {
    const SealClientCertificate *known;
    X509 *certificate;
    gboolean is_current; /* neither expired, early nor revoked */
} Look;

/* Of one key. */
typedef struct {
    const SealClientObjects *objects;
    const SealClientKey *key;
    const SealKnownRevocations *revocations; /* (nullable) */
    gboolean has_current, has_address;
    SealKeyUses uses;
} Finding;

static gboolean
key_can(const SealClientKey *key, const char *purpose)
{
    return g_strv_contains((const char *const *)key->purposes, purpose);
}

/* OpenSC calls them "Retired KEY MAN 1", ykcs11 "Private key for Retired Key 1". */
static gboolean
is_retired(const SealClientKey *key)
{
    g_autofree char *label = g_ascii_strdown(key->label, -1);

    return strstr(label, "retired") && key_can(key, "decrypt");
}

/* -- one certificate ------------------------------------------------------------------------------
 */

static gboolean
is_revoked(const Finding *finding, X509 *certificate)
{
    SealCertificatePurpose purpose =
        seal_mail_certificate_has_use(certificate, SEAL_PURPOSE_ENCRYPT_MAIL)
            ? SEAL_PURPOSE_ENCRYPT_MAIL
            : SEAL_PURPOSE_SIGN_MAIL;
    g_auto(SealChainResult) result = {0};

    if (!finding->revocations)
        return FALSE;
    seal_trust_judge(finding->revocations->trust, certificate, finding->revocations->issuers,
                     purpose, g_get_real_time() / G_USEC_PER_SEC, &result);
    return g_strcmp0(result.revocation, "revoked") == 0;
}

/* Notes what its dates and lists say. */
static void
look_at_time(Finding *finding, Look *look)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    SealKeyUses *uses = &finding->uses;

    look->is_current = FALSE;
    if (is_revoked(finding, look->certificate)) {
        uses->limits |= SEAL_LIMIT_REVOKED;
    } else if (now < look->known->not_before) {
        uses->limits |= SEAL_LIMIT_NOT_YET_VALID;
        uses->valid_from = look->known->not_before;
    } else if (now > look->known->not_after) {
        uses->limits |= SEAL_LIMIT_EXPIRED;
        uses->expired = MAX(uses->expired, look->known->not_after);
    } else {
        look->is_current = finding->has_current = TRUE;
    }
}

/* TLS clients (RFC 5280 4.2.1.12) and the desktop; without an extended key usage any. */
static gboolean
is_for_login(const Look *look)
{
    static const char *const purposes[] = {"clientAuth", "msSmartcardLogin", "anyExtendedKeyUsage"};
    const char *const *named = (const char *const *)look->known->purposes;
    gboolean is_named = !*named;

    for (gsize i = 0; i < G_N_ELEMENTS(purposes); i++)
        is_named |= g_strv_contains(named, purposes[i]);
    return is_named && (!(X509_get_extension_flags(look->certificate) & EXFLAG_KUSAGE) ||
                        seal_certificate_has_usage(look->certificate, KU_DIGITAL_SIGNATURE));
}

static guint
uses_of_certificate(const Finding *finding, const Look *look)
{
    gboolean is_current = look->is_current;
    guint uses = 0;

    if (key_can(finding->key, "sign") && is_current) {
        if (seal_mail_certificate_has_use(look->certificate, SEAL_PURPOSE_SIGN_MAIL))
            uses |= SEAL_USE_SIGN_MAIL;
        if (is_for_login(look))
            uses |= SEAL_USE_LOG_IN;
    }
    if (key_can(finding->key, "decrypt") &&
        seal_mail_certificate_has_use(look->certificate, SEAL_PURPOSE_ENCRYPT_MAIL))
        uses |= is_current && !is_retired(finding->key) ? SEAL_USE_DECRYPT_MAIL
                                                        : SEAL_USE_DECRYPT_OLD_MAIL;
    return uses;
}

static void
look_at_certificate(Finding *finding, const SealClientCertificate *known)
{
    g_autoptr(X509) certificate = seal_certificate_read(known->certificate, "it", NULL);
    Look look = {known, certificate, FALSE};
    guint uses = 0;

    if (!certificate || !X509_get0_pubkey(certificate))
        return;
    look_at_time(finding, &look);
    uses = uses_of_certificate(finding, &look);
    finding->uses.uses |= uses;
    if (uses & SEAL_USE_SIGN_MAIL && known->addresses[0])
        finding->has_address = TRUE;
    finding->uses.limits |= seal_certificate_is_for_mail(certificate, TRUE)
                                ? SEAL_LIMIT_KEY_USAGE
                                : SEAL_LIMIT_NOT_FOR_MAIL;
}

/* -- one key --------------------------------------------------------------------------------------
 */

/* Leaves those limits that explain something. */
static void
settle_limits(Finding *finding)
{
    SealKeyUses *uses = &finding->uses;

    if (finding->has_current)
        uses->limits &= ~(guint)DATE_LIMITS;
    if (uses->uses & MAIL_USES)
        uses->limits &= ~(guint)SEAL_LIMIT_NOT_FOR_MAIL;
    if (uses->uses || uses->limits & (DATE_LIMITS | SEAL_LIMIT_NOT_FOR_MAIL))
        uses->limits &= ~(guint)SEAL_LIMIT_KEY_USAGE;
    if (uses->uses & SEAL_USE_DECRYPT_MAIL)
        uses->uses &= ~(guint)SEAL_USE_DECRYPT_OLD_MAIL;
    if (uses->uses & SEAL_USE_SIGN_MAIL && !finding->has_address)
        uses->limits |= SEAL_LIMIT_NO_ADDRESS;
}

SealKeyUses
seal_key_uses_find(const SealClientObjects *objects, const SealClientKey *key,
                   const SealKnownRevocations *revocations)
{
    Finding finding = {.objects = objects, .key = key, .revocations = revocations};
    const SealClientToken *token = seal_objects_token(objects, key->token);
    guint n_certificates = 0;

    for (char **path = key->certificates; *path; path++) {
        const SealClientCertificate *known = seal_objects_certificate(objects, *path);

        if (!known)
            continue;
        n_certificates++;
        look_at_certificate(&finding, known);
    }
    if (n_certificates == 0) {
        finding.uses.uses = *key->purposes ? SEAL_USE_PROGRAMS : 0;
        finding.uses.limits = SEAL_LIMIT_NO_CERTIFICATE;
    }
    settle_limits(&finding);
    if (key->fault && *key->fault) {
        finding.uses.uses = 0;
        finding.uses.limits = SEAL_LIMIT_FAULT;
    }
    if (is_retired(key))
        finding.uses.limits |= SEAL_LIMIT_RETIRED;
    if (key->always_authenticate)
        finding.uses.limits |= SEAL_LIMIT_PIN_EACH_TIME;
    if (!token || g_str_equal(token->state, "absent"))
        finding.uses.limits |= SEAL_LIMIT_ABSENT;
    return finding.uses;
}

/* -- words ----------------------------------------------------------------------------------------
 */

typedef struct {
    guint bit;
    const char *word, *text;
} Row;

static const Row use_rows[] = {
    {SEAL_USE_SIGN_MAIL, "sign-mail", "sign mail"},
    {SEAL_USE_DECRYPT_MAIL, "decrypt-mail", "decrypt mail"},
    {SEAL_USE_DECRYPT_OLD_MAIL, "decrypt-old-mail", "decrypt old mail"},
    {SEAL_USE_LOG_IN, "log-in", "log in"},
    {SEAL_USE_PROGRAMS, "programs", "ssh and the like"},
};

static const Row limit_rows[] = {
    {SEAL_LIMIT_FAULT, "fault", "its signatures do not fit its certificate"},
    {SEAL_LIMIT_REVOKED, "revoked", "revoked"},
    {SEAL_LIMIT_EXPIRED, "expired", NULL},
    {SEAL_LIMIT_NOT_YET_VALID, "not-yet-valid", NULL},
    {SEAL_LIMIT_NO_CERTIFICATE, "no-certificate", "no certificate"},
    {SEAL_LIMIT_NOT_FOR_MAIL, "not-for-mail", "not for mail"},
    {SEAL_LIMIT_KEY_USAGE, "key-usage", "its certificate forbids it"},
    {SEAL_LIMIT_NO_ADDRESS, "no-address", "found by --key only"},
    {SEAL_LIMIT_RETIRED, "retired", "retired"},
    {SEAL_LIMIT_PIN_EACH_TIME, "pin-each-time", "PIN each time"},
    {SEAL_LIMIT_ABSENT, "absent", "insert the token"},
};

/* (transfer full) */
static char *
limit_text(const SealKeyUses *uses, const Row *row)
{
    gboolean is_expired = row->bit == SEAL_LIMIT_EXPIRED;
    g_autofree char *date = NULL;

    if (row->text)
        return g_strdup(row->text);
    date = seal_date_text(is_expired ? uses->expired : uses->valid_from);
    return g_strconcat(is_expired ? "expired " : "not before ", date, NULL);
}

char **
seal_key_uses_words(const SealKeyUses *uses)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (gsize i = 0; i < G_N_ELEMENTS(use_rows); i++)
        if (uses->uses & use_rows[i].bit)
            g_strv_builder_add(words, use_rows[i].word);
    return g_strv_builder_end(words);
}

char **
seal_key_limits_words(const SealKeyUses *uses, char ***ret_texts)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();

    for (gsize i = 0; i < G_N_ELEMENTS(limit_rows); i++) {
        g_autofree char *text = limit_text(uses, &limit_rows[i]);

        if (!(uses->limits & limit_rows[i].bit))
            continue;
        g_strv_builder_add(words, limit_rows[i].word);
        g_strv_builder_add(texts, text);
    }
    *ret_texts = g_strv_builder_end(texts);
    return g_strv_builder_end(words);
}

char *
seal_key_uses_text(const SealKeyUses *uses)
{
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
    g_auto(GStrv) list = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(use_rows); i++)
        if (uses->uses & use_rows[i].bit)
            g_strv_builder_add(texts, use_rows[i].text);
    list = g_strv_builder_end(texts);
    return *list ? g_strjoinv(", ", list) : g_strdup("nothing");
}

char *
seal_key_limits_text(const SealKeyUses *uses)
{
    g_auto(GStrv) texts = NULL;
    g_auto(GStrv) words = seal_key_limits_words(uses, &texts);

    return g_strjoinv(", ", texts);
}

/* -- revocation -----------------------------------------------------------------------------------
 */

/* (transfer full) (nullable) */
static SealTrust *
read_trust(GPtrArray *warnings)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    g_autoptr(SealTrust) trust = seal_trust_new();
    g_auto(SealPreferences) preferences = {0};
    g_autoptr(GError) error = NULL;

    if (!seal_preferences_load(user_file, site_file, warnings, &preferences, &error)) {
        g_ptr_array_add(warnings, g_strdup(error->message));
        return NULL;
    }
    if (preferences.revocation == SEAL_REVOCATION_OFF)
        return NULL;
    seal_anchors_add_defaults(trust, warnings);
    if (!seal_trust_has_anchors(trust))
        return NULL;
    if (!seal_crls_add_defaults(trust, &error)) {
        g_ptr_array_add(warnings, g_strdup(error->message));
        return NULL;
    }
    seal_trust_set_revocation(trust, SEAL_REVOCATION_CACHE_ONLY);
    seal_trust_take_online(trust, seal_online_new(NULL));
    return g_steal_pointer(&trust);
}

SealKnownRevocations *
seal_known_revocations_new(const SealClientObjects *objects, GPtrArray *warnings)
{
    g_autoptr(SealTrust) trust = read_trust(warnings);
    SealKnownRevocations *known = NULL;

    if (!trust)
        return NULL;
    known = g_new0(SealKnownRevocations, 1);
    known->trust = g_steal_pointer(&trust);
    known->issuers = seal_mail_certificate_all(objects);
    return known;
}

void
seal_known_revocations_free(SealKnownRevocations *known)
{
    if (!known)
        return;
    seal_trust_free(known->trust);
    sk_X509_pop_free(known->issuers, X509_free);
    g_free(known);
}
