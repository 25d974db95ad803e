/* Choosing certificates by address. Several usually fit: after a renewal the old one is still valid
 * for weeks, and a person may have an RSA and an EC key. Any would do, so the choice is made by a
 * fixed order and needs nobody to be asked; who wants another says --key or names a file. */
#include "ui-cli/mail-certificate.h"

#include <openssl/x509v3.h>

#include "base/error.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "ui-cli/choose.h"

#define SECONDS_PER_DAY 86400

/* -- one certificate ----------------------------------------------------------------- */

static char *
date_of(const ASN1_TIME *time)
{
    struct tm parts = {0};

    if (!ASN1_TIME_to_tm(time, &parts))
        return g_strdup("an unreadable date");
    return g_strdup_printf("%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

static char *
check_dates(const X509 *certificate)
{
    g_autofree char *date = NULL;

    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0) {
        date = date_of(X509_get0_notBefore(certificate));
        return g_strdup_printf("it is valid only from %s", date);
    }
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
        date = date_of(X509_get0_notAfter(certificate));
        return g_strdup_printf("it expired on %s", date);
    }
    return NULL;
}

/* As pki/trust.c has it: a certificate may leave its usages out. */
static char *
check_usage_for_data(X509 *certificate)
{
    if (!seal_certificate_is_for_data(certificate, TRUE))
        return g_strdup("it is for neither mail nor code");
    if ((X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) &&
        !seal_certificate_has_usage(certificate, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        return g_strdup("it is not for signatures");
    return NULL;
}

static char *
check_usage(X509 *certificate, SealCertificatePurpose purpose)
{
    int kind = EVP_PKEY_get_base_id(X509_get0_pubkey(certificate));

    if (purpose == SEAL_PURPOSE_SIGN_DATA)
        return check_usage_for_data(certificate);
    if (!seal_certificate_is_for_mail(certificate, TRUE))
        return g_strdup("it is not for mail");
    if (purpose == SEAL_PURPOSE_SIGN_MAIL) {
        if (!seal_certificate_has_usage(certificate, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
            return g_strdup("it is not for signatures");
        return NULL;
    }
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC && kind != EVP_PKEY_X25519)
        return g_strdup("mail can be encrypted to RSA, EC and X25519 keys only");
    if (!seal_certificate_has_usage(certificate,
                                    kind == EVP_PKEY_RSA ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT))
        return g_strdup("it is not for encryption");
    return NULL;
}

gboolean
seal_mail_certificate_has_use(X509 *certificate, SealCertificatePurpose purpose)
{
    g_autofree char *reason = X509_get0_pubkey(certificate) ? check_usage(certificate, purpose)
                                                            : g_strdup("it cannot be read");

    return reason == NULL;
}

gboolean
seal_mail_certificate_check(GBytes *der, SealCertificatePurpose purpose, char **ret_reason)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);
    char *reason = NULL;

    if (!certificate || !X509_get0_pubkey(certificate))
        reason = g_strdup("it cannot be read");
    if (!reason)
        reason = check_usage(certificate, purpose);
    if (!reason)
        reason = check_dates(certificate);
    if (reason)
        *ret_reason = reason;
    return reason == NULL;
}

/* -- one of two ------------------------------------------------------------------------- */

static gint64
day_of(const X509 *certificate)
{
    gint64 from = 0;
    gint64 until = 0;

    return seal_certificate_validity(certificate, &from, &until) ? from / SECONDS_PER_DAY : 0;
}

static gboolean
is_rsa(const X509 *certificate)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_RSA;
}

/* Few programs read mail to such a key, and others stumble over it in mail to them. */
static gboolean
is_x25519(const X509 *certificate)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_X25519;
}

gboolean
seal_mail_certificate_is_better(X509 *a, X509 *b)
{
    gint64 day_a = day_of(a);
    gint64 day_b = day_of(b);
    g_autofree char *print_a = NULL;
    g_autofree char *print_b = NULL;

    if (is_x25519(a) != is_x25519(b))
        return is_x25519(b);
    if (day_a != day_b)
        return day_a > day_b;
    if (is_rsa(a) != is_rsa(b))
        return is_rsa(a);
    print_a = seal_certificate_fingerprint(a);
    print_b = seal_certificate_fingerprint(b);
    return g_strcmp0(print_a, print_b) < 0;
}

/* -- the best of several ---------------------------------------------------------------- */

typedef struct {
    const SealClientObjects *objects;
    SealCertificatePurpose purpose;
    const SealClientCertificate *best; /* (nullable) */
    char *reason;                      /* (nullable) why the last one that was refused was */
} Choice;

static const SealClientKey *
key_of(const Choice *choice, const SealClientCertificate *certificate)
{
    return seal_objects_key(choice->objects, certificate->key);
}

static int
rank_presence(const Choice *choice, const SealClientCertificate *certificate)
{
    const SealClientKey *key = key_of(choice, certificate);
    const SealClientToken *token = key ? seal_objects_token(choice->objects, key->token) : NULL;

    return token && !g_str_equal(token->state, "absent") ? 0 : 1;
}

static gboolean
is_last_resort(const SealClientCertificate *certificate)
{
    g_autoptr(X509) x509 = seal_certificate_read(certificate->certificate, "it", NULL);

    return x509 && is_x25519(x509);
}

static int
rank_algorithm(const SealClientCertificate *certificate)
{
    g_autoptr(X509) x509 = seal_certificate_read(certificate->certificate, "it", NULL);
    int kind = x509 ? EVP_PKEY_get_base_id(X509_get0_pubkey(x509)) : EVP_PKEY_NONE;

    return kind == EVP_PKEY_RSA ? 0 : kind == EVP_PKEY_EC ? 1 : 2;
}

static int
compare_key_ids(const Choice *choice, const SealClientCertificate *a,
                const SealClientCertificate *b)
{
    const SealClientKey *key_a = key_of(choice, a);
    const SealClientKey *key_b = key_of(choice, b);
    int order = key_a && key_b ? g_bytes_compare(key_a->id, key_b->id) : 0;

    return order != 0 ? order : g_strcmp0(a->path, b->path);
}

static gboolean
is_better(const Choice *choice, const SealClientCertificate *a, const SealClientCertificate *b)
{
    gint64 day_a = a->not_before / SECONDS_PER_DAY;
    gint64 day_b = b->not_before / SECONDS_PER_DAY;

    if (choice->purpose != SEAL_PURPOSE_ENCRYPT_MAIL &&
        rank_presence(choice, a) != rank_presence(choice, b))
        return rank_presence(choice, a) < rank_presence(choice, b);
    if (choice->purpose == SEAL_PURPOSE_ENCRYPT_MAIL && is_last_resort(a) != is_last_resort(b))
        return is_last_resort(b);
    if (day_a != day_b)
        return day_a > day_b;
    if (rank_algorithm(a) != rank_algorithm(b))
        return rank_algorithm(a) < rank_algorithm(b);
    return compare_key_ids(choice, a, b) < 0;
}

static char *
check_key(const Choice *choice, const SealClientCertificate *certificate)
{
    const SealClientKey *key = NULL;

    if (choice->purpose == SEAL_PURPOSE_ENCRYPT_MAIL)
        return NULL;
    key = key_of(choice, certificate);
    if (!key)
        return g_strdup("its key is on no token");
    if (!g_strv_contains((const char *const *)key->purposes, "sign"))
        return g_strdup("its key cannot sign");
    return NULL;
}

/* NULL, or a clause that says why not (transfer full). */
static char *
check(const Choice *choice, const SealClientCertificate *certificate)
{
    char *reason = NULL;

    if (seal_mail_certificate_check(certificate->certificate, choice->purpose, &reason))
        reason = check_key(choice, certificate);
    return reason;
}

static void
consider(Choice *choice, const SealClientCertificate *certificate)
{
    g_autofree char *reason = check(choice, certificate);

    if (!reason) {
        if (!choice->best || is_better(choice, certificate, choice->best))
            choice->best = certificate;
        return;
    }
    g_free(choice->reason);
    choice->reason = g_strdup_printf("certificate '%s': %s", certificate->subject, reason);
}

const SealClientCertificate *
seal_mail_certificate_find(const SealClientObjects *objects, const char *address,
                           SealCertificatePurpose purpose, GError **error)
{
    Choice choice = {.objects = objects, .purpose = purpose};
    g_autofree char *reason = NULL;

    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];

        for (char **at = certificate->addresses; *at; at++) {
            if (seal_address_equal(*at, address)) {
                consider(&choice, certificate);
                break;
            }
        }
    }
    reason = choice.reason;
    if (!choice.best)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "no certificate on any token %s '%s'%s%s",
                    purpose == SEAL_PURPOSE_ENCRYPT_MAIL ? "encrypts to" : "signs as", address,
                    reason ? ": " : "", reason ? reason : "");
    return choice.best;
}

const SealClientCertificate *
seal_mail_certificate_of_key(const SealClientObjects *objects, const SealClientKey *key,
                             SealCertificatePurpose purpose, GError **error)
{
    Choice choice = {.objects = objects, .purpose = purpose};
    g_autofree char *reason = NULL;
    g_autofree char *name = seal_describe_key(objects, key);

    for (char **path = key->certificates; *path; path++) {
        const SealClientCertificate *certificate = seal_objects_certificate(objects, *path);

        if (certificate)
            consider(&choice, certificate);
    }
    reason = choice.reason;
    if (!choice.best)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND, "cannot sign with key %s: %s", name,
                    reason ? reason : "it has no certificate on its token");
    return choice.best;
}

gboolean
seal_mail_certificate_can_sign(const SealClientObjects *objects,
                               const SealClientCertificate *certificate,
                               SealCertificatePurpose purpose, char **ret_reason)
{
    const Choice choice = {.objects = objects, .purpose = purpose};
    char *reason = check(&choice, certificate);

    if (reason)
        *ret_reason = reason;
    return reason == NULL;
}

STACK_OF(X509) *
seal_mail_certificate_all(const SealClientObjects *objects)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *known = objects->certificates->pdata[i];
        X509 *certificate = seal_certificate_read(known->certificate, "certificate", NULL);

        if (certificate && sk_X509_push(all, certificate) <= 0)
            X509_free(certificate);
    }
    return all;
}
