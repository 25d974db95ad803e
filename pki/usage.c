/* Purposes by our own rules: OpenSSL's S/MIME purposes take certificates without any usage
 * extension, refuse anyExtendedKeyUsage, and know no key agreement. */
#include "pki/usage.h"

#include <openssl/x509v3.h>

#include "pki/certificate.h"

static gboolean
has_extension(X509 *certificate, guint32 flag)
{
    return (X509_get_extension_flags(certificate) & flag) != 0;
}

static gboolean
is_of_kind(X509 *certificate, const char *const *kinds)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    for (; key && *kinds; kinds++)
        if (EVP_PKEY_is_a(key, *kinds))
            return TRUE;
    return FALSE;
}

static gboolean
is_named(X509 *certificate, SealCertificatePurpose purpose)
{
    return purpose == SEAL_PURPOSE_SIGN_DATA ? seal_certificate_is_for_data(certificate, TRUE)
                                             : seal_certificate_is_for_mail(certificate, TRUE);
}

static const char *
signing_problem(X509 *certificate)
{
    static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", NULL};

    if (!is_of_kind(certificate, kinds))
        return "has a key with which nothing can be signed here";
    if (has_extension(certificate, EXFLAG_KUSAGE) &&
        !seal_certificate_has_usage(certificate, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        return "is not issued for signatures, its owner needs one that is";
    return NULL;
}

static const char *
encryption_problem(X509 *certificate)
{
    static const char *const transport[] = {"RSA", NULL};
    static const char *const agreement[] = {"EC", "X25519", "X448", NULL};
    guint32 wanted = KU_KEY_ENCIPHERMENT;

    if (is_of_kind(certificate, agreement))
        wanted = KU_KEY_AGREEMENT;
    else if (!is_of_kind(certificate, transport))
        return "has a key to which nothing can be encrypted";
    if (has_extension(certificate, EXFLAG_KUSAGE) &&
        !seal_certificate_has_usage(certificate, wanted))
        return "is not issued for encryption, its owner needs one that is";
    return NULL;
}

const char *
seal_usage_problem(X509 *certificate, SealCertificatePurpose purpose)
{
    if (!is_named(certificate, purpose))
        return purpose == SEAL_PURPOSE_SIGN_DATA
                   ? "is issued for other uses, its owner needs one for mail or code"
                   : "is not issued for mail, its owner needs one that is";
    if (purpose != SEAL_PURPOSE_SIGN_DATA && !has_extension(certificate, EXFLAG_KUSAGE) &&
        !has_extension(certificate, EXFLAG_XKUSAGE))
        return "does not say what it is for, its owner needs one that names mail";
    return purpose == SEAL_PURPOSE_ENCRYPT_MAIL ? encryption_problem(certificate)
                                                : signing_problem(certificate);
}

const char *
seal_usage_issuer_problem(X509 *authority, SealCertificatePurpose purpose)
{
    return is_named(authority, purpose)
               ? NULL
               : "belongs to a CA that may not issue certificates for this use";
}
