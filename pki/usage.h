/* What a certificate may be used for, by what its issuer wrote into it. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* What a certificate is used for here. */
typedef enum {
    SEAL_PURPOSE_SIGN_MAIL,
    SEAL_PURPOSE_ENCRYPT_MAIL,
    SEAL_PURPOSE_SIGN_DATA, /* bytes that are no mail, such as a commit */
} SealCertificatePurpose;

/* Returns NULL if `certificate` may be used for `purpose`; else (static) a clause that follows "the
 * certificate 'X'" in a sentence.
 *
 * RFC 8550 4.4.4: an extended key usage, if there is one, names emailProtection or
 * anyExtendedKeyUsage (for data codeSigning will do, too). RFC 8550 4.4.2: a key usage, if there is
 * one, has digitalSignature or nonRepudiation, or to encrypt keyEncipherment for RSA keys,
 * keyAgreement for others. For mail at least one of the two extensions must be there: RFC 8550
 * would take a certificate without both, but its issuer may have made it for a web server. */
const char *seal_usage_problem(X509 *certificate, SealCertificatePurpose purpose);

/* The same for a CA certificate between anchor and leaf: an extended key usage in it limits what it
 * issues. */
const char *seal_usage_issuer_problem(X509 *authority, SealCertificatePurpose purpose);
