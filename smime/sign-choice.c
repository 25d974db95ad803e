/* The algorithm of a signature. It follows from the key, so that nobody has to choose: a hash of
 * the key's strength, and PKCS#1 v1.5 for RSA, which every program reads. */
#include "smime/sign-choice.h"

#include "base/error.h"
#include "pki/certificate.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* SHA-256, and for larger curves a hash of their size (RFC 5753 7.1.2 in spirit). */
static const SealHash *
hash_for_key(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return seal_hash_by_nid(NID_sha512); /* RFC 8419 2.3 */
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || bits <= 256)
        return seal_hash_by_nid(NID_sha256);
    return seal_hash_by_nid(bits <= 384 ? NID_sha384 : NID_sha512);
}

/* Those of Key.Sign. */
static gboolean
is_for_signing(const SealHash *hash)
{
    return hash->nid == NID_sha256 || hash->nid == NID_sha384 || hash->nid == NID_sha512;
}

static gboolean
choose_hash(EVP_PKEY *key, const char *name, const SealHash **ret_hash, GError **error)
{
    const SealHash *own = hash_for_key(key);

    *ret_hash = name ? seal_hash_by_name(name) : own;
    if (!*ret_hash || !is_for_signing(*ret_hash)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with the hash '%s': use sha256, sha384 or sha512", name);
        return FALSE;
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 && *ret_hash != own) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with the hash '%s': an Ed25519 key signs with sha512 alone", name);
        return FALSE;
    }
    return TRUE;
}

static gboolean
choose_scheme(EVP_PKEY *key, const SealSignOptions *options, SealScheme *ret_scheme, GError **error)
{
    *ret_scheme = (SealScheme){0};
    if (!choose_hash(key, options->hash, &ret_scheme->hash, error))
        return FALSE;
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        ret_scheme->kind = options->pss ? SEAL_SCHEME_RSA_PSS : SEAL_SCHEME_RSA_PKCS1;
        break;
    case EVP_PKEY_RSA_PSS:
        ret_scheme->kind = SEAL_SCHEME_RSA_PSS;
        break;
    case EVP_PKEY_EC:
        ret_scheme->kind = SEAL_SCHEME_ECDSA;
        break;
    case EVP_PKEY_ED25519:
        ret_scheme->kind = SEAL_SCHEME_ED25519;
        break;
    default:
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with a key of this kind: use an RSA, EC or Ed25519 key");
        return FALSE;
    }
    ret_scheme->mgf1_hash = ret_scheme->hash;
    ret_scheme->salt_len = EVP_MD_get_size(EVP_get_digestbynid(ret_scheme->hash->nid));
    return TRUE;
}

/* A certificate may leave key usage out; one that has it must allow signatures. */
static gboolean
check_usage(X509 *certificate, GError **error)
{
    g_autofree char *subject = NULL;

    if (!(X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) ||
        seal_certificate_has_usage(certificate, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        return TRUE;
    subject = seal_certificate_subject(certificate);
    g_set_error(
        error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE,
        "cannot sign with the certificate '%s': it is not for signatures, choose another key",
        subject);
    return FALSE;
}

gboolean
seal_signing_choose(X509 *certificate, const SealSignOptions *options, SealScheme *ret_scheme,
                    GError **error)
{
    return check_usage(certificate, error) &&
           choose_scheme(X509_get0_pubkey(certificate), options, ret_scheme, error);
}
