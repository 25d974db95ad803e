/* Names of signers, as git's user.signingKey or gpgsm's --local-user may hold them. Their forms do
 * not overlap but in one case: forty hex digits may be a fingerprint or a key's id. A fingerprint
 * goes first, since it names exactly one certificate. What has an @ is an address, or else a
 * label. */
#include "ui-cli/signer-name.h"

#include <openssl/x509.h>
#include <string.h>

#include "base/error.h"
#include "pki/certificate.h"
#include "ui-cli/choose.h"
#include "ui-cli/mail-certificate.h"

/* -- fingerprints -------------------------------------------------------------------------- */

/* The hex digits of `name` alone, in lower case; NULL if there is anything else in it. */
static char *
hex_digits(const char *name)
{
    g_autoptr(GString) digits = g_string_new(NULL);

    if (g_ascii_strncasecmp(name, "0x", 2) == 0)
        name += 2;
    for (; *name; name++) {
        if (g_ascii_isxdigit(*name))
            g_string_append_c(digits, g_ascii_tolower(*name));
        else if (*name != ':')
            return NULL;
    }
    return g_string_free(g_steal_pointer(&digits), FALSE);
}

/* GnuPG names certificates by SHA-1. That is safe here: who could make two certificates of one
 * fingerprint would still have to bring one to the user's token. */
static GChecksumType
hash_of_fingerprint(const char *digits)
{
    return strlen(digits) == 40 ? G_CHECKSUM_SHA1 : G_CHECKSUM_SHA256;
}

static const SealClientCertificate *
find_fingerprint(const SealClientObjects *objects, const char *name)
{
    g_autofree char *digits = hex_digits(name);

    if (!digits || (strlen(digits) != 40 && strlen(digits) != 64))
        return NULL;
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];
        g_autofree char *fingerprint =
            g_compute_checksum_for_bytes(hash_of_fingerprint(digits), certificate->certificate);

        if (g_str_equal(fingerprint, digits))
            return certificate;
    }
    return NULL;
}

static const SealClientCertificate *
check_named(const SealClientObjects *objects, const SealClientCertificate *certificate,
            SealCertificatePurpose purpose, GError **error)
{
    g_autofree char *reason = NULL;

    if (seal_mail_certificate_can_sign(objects, certificate, purpose, &reason))
        return certificate;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE,
                "cannot sign with the certificate '%s': %s", certificate->subject, reason);
    return NULL;
}

/* -- addresses ----------------------------------------------------------------------------- */

/* "Alice <alice@example.org>" or the address alone. (transfer full), or NULL if there is none. */
static char *
address_in(const char *name)
{
    const char *open = strrchr(name, '<');
    const char *close = open ? strchr(open, '>') : NULL;
    g_autofree char *address = NULL;

    if (open && (!close || close[1]))
        return NULL;
    address = open ? g_strndup(open + 1, (gsize)(close - open - 1)) : g_strdup(name);
    return strchr(address, '@') ? g_steal_pointer(&address) : NULL;
}

static const SealClientCertificate *
find_by_key(const SealClientObjects *objects, const char *name, SealCertificatePurpose purpose,
            GError **error)
{
    const SealClientKey *key = seal_choose_key(objects, name, "sign", error);

    return key ? seal_mail_certificate_of_key(objects, key, purpose, error) : NULL;
}

static const SealClientCertificate *
find_by_address(const SealClientObjects *objects, const char *name, const char *address,
                SealCertificatePurpose purpose, GError **error)
{
    g_autoptr(GError) problem = NULL;
    const SealClientCertificate *certificate =
        seal_mail_certificate_find(objects, address, purpose, &problem);

    if (!certificate)
        certificate = find_by_key(objects, name, purpose, NULL); /* a label with an @ in it */
    if (!certificate)
        g_propagate_error(error, g_steal_pointer(&problem));
    return certificate;
}

const SealClientCertificate *
seal_signer_by_name(const SealClientObjects *objects, const char *name,
                    SealCertificatePurpose purpose, GError **error)
{
    const SealClientCertificate *certificate = find_fingerprint(objects, name);
    g_autofree char *address = NULL;

    if (certificate)
        return check_named(objects, certificate, purpose, error);
    if (!g_str_has_prefix(name, "pkcs11:"))
        address = address_in(name);
    return address ? find_by_address(objects, name, address, purpose, error)
                   : find_by_key(objects, name, purpose, error);
}
