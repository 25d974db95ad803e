/* A mail may bring more than a hundred certificates, and each signer's path is built from them. To
 * compare every name with every limit, or to verify signatures by keys of the slowest kind, would
 * make a mail of some hundred kilobytes cost its reader minutes; nobody needs to be able to. */
#include "pki/cost.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NAMES_MAX      256   /* alternative names; limits of each sort */
#define BYTES_PER_UNIT 16384 /* hashed in 50 us */
#define UNIT_BITS      4096

/* -- names ------------------------------------------------------------------------------------ */

static gboolean
has_too_many_names(const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    gboolean too_many = sk_GENERAL_NAME_num(names) > NAMES_MAX;

    GENERAL_NAMES_free(names);
    return too_many || X509_NAME_entry_count(X509_get_subject_name(certificate)) > NAMES_MAX;
}

static gboolean
has_too_many_limits(const X509 *certificate)
{
    NAME_CONSTRAINTS *limits = X509_get_ext_d2i(certificate, NID_name_constraints, NULL, NULL);
    gboolean too_many = limits && (sk_GENERAL_SUBTREE_num(limits->permittedSubtrees) > NAMES_MAX ||
                                   sk_GENERAL_SUBTREE_num(limits->excludedSubtrees) > NAMES_MAX);

    NAME_CONSTRAINTS_free(limits);
    return too_many;
}

const char *
seal_cost_problem(X509 *certificate)
{
    int len = i2d_X509(certificate, NULL);
    const char *problem = NULL;

    if (len < 0 || (gsize)len > SEAL_CERTIFICATE_LEN_MAX)
        problem = "has more than 128 KiB, which is not looked at";
    else if (has_too_many_names(certificate))
        problem = "has more than 256 names, which are not looked at";
    else if (has_too_many_limits(certificate))
        problem = "has more than 256 limits on names, which are not looked at";
    ERR_clear_error();
    return problem;
}

/* -- signatures ------------------------------------------------------------------------------- */

/* Measured on one machine: P-256 and Ed25519 as RSA of 4096 bits, Ed448 three times that, the other
 * curves 5 to 15 times. */
static guint
cost_of_curve(const EVP_PKEY *key)
{
    char name[40] = "";

    if (EVP_PKEY_is_a(key, "ED25519"))
        return 1;
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof name, NULL) &&
        strcmp(name, "prime256v1") == 0)
        return 1;
    return 15;
}

/* A multiplication grows with the square of the modulus, and there are one or two for each bit of
 * the exponent; that of almost all keys has 17. */
static guint
cost_of_rsa(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    guint units = (guint)(EVP_PKEY_get_bits(key) + UNIT_BITS - 1) / UNIT_BITS;
    guint times = 1;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
        times = (guint)MAX(1, BN_num_bits(exponent) / 17) * (BN_num_bits(exponent) > 17 ? 2 : 1);
    BN_free(exponent);
    return units * units * times;
}

guint
seal_cost_signature(const X509 *issuer, const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(issuer);
    int len = i2d_X509(certificate, NULL);
    guint cost = (guint)MAX(len, 0) / BYTES_PER_UNIT;

    if (!key)
        return cost + 1;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return cost + cost_of_rsa(key);
    return cost + cost_of_curve(key);
}
