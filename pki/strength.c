/* Limits on keys. A key with a huge modulus or exponent costs its reader minutes, so the numbers
 * are measured before they are used; OpenSSL refuses some of them itself, but not a long exponent
 * beside a modulus of 3,072 bits. */
#include "pki/strength.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define RSA_BITS_MIN      2048  /* SP 800-57: 112 bits of security */
#define RSA_BITS_MAX      16384 /* OpenSSL's own limit; real keys end at 8192 */
#define EXPONENT_BITS_MAX 64    /* real exponents are 3 and 65537 */

/* With a longer modulus a signature by a longer exponent takes milliseconds to verify. */
#define PLAIN_BITS_MAX          4096
#define PLAIN_EXPONENT_BITS_MAX 17

static gboolean
is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
}

static const char *
rsa_problem(EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    const char *problem = NULL;

    if (EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
        return "has an RSA key of more than 16384 bits, which is not looked at";
    if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
        return "has an RSA key that cannot be read";
    if (BN_num_bits(exponent) > EXPONENT_BITS_MAX)
        problem = "has an RSA key with an exponent of more than 64 bits, which is not looked at";
    else if (EVP_PKEY_get_bits(key) > PLAIN_BITS_MAX &&
             BN_num_bits(exponent) > PLAIN_EXPONENT_BITS_MAX)
        problem = "has an RSA key with a long modulus and a long exponent, which is not looked at";
    else if (!BN_is_odd(exponent) || BN_is_one(exponent))
        problem = "has an RSA key with which everybody can sign";
    BN_free(exponent);
    return problem;
}

/* RFC 5480 2.1.1: the curve is named; an equation may be one with a back door. */
static const char *
curve_problem(EVP_PKEY *key)
{
    char encoding[20] = "";

    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof encoding,
                                       NULL) &&
        strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) == 0)
        return NULL;
    return "has a key on a curve without a name, which is not looked at";
}

const char *
seal_key_problem(const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    const char *problem = NULL;

    if (!key)
        problem = "has a key that cannot be read here";
    else if (is_rsa(key))
        problem = rsa_problem(key);
    else if (EVP_PKEY_is_a(key, "EC"))
        problem = curve_problem(key);
    ERR_clear_error();
    return problem;
}

static gboolean
is_accepted_curve(const EVP_PKEY *key)
{
    static const char *const accepted[] = {
        "prime256v1",      "secp384r1",       "secp521r1",
        "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    };
    char name[40] = "";

    if (!EVP_PKEY_get_group_name(key, name, sizeof name, NULL))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(accepted); i++)
        if (strcmp(name, accepted[i]) == 0)
            return TRUE;
    return FALSE;
}

const char *
seal_key_weakness(const X509 *certificate)
{
    static const char *const strong[] = {"ED25519", "ED448", "X25519", "X448"};
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key && is_rsa(key))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN
                   ? NULL
                   : "has an RSA key of less than 2048 bits, its owner needs a new one";
    if (key && EVP_PKEY_is_a(key, "EC"))
        return is_accepted_curve(key)
                   ? NULL
                   : "has a key on a curve that is not used for mail, its owner needs a new one";
    for (gsize i = 0; key && i < G_N_ELEMENTS(strong); i++)
        if (EVP_PKEY_is_a(key, strong[i]))
            return NULL;
    return "has a key of a kind that is not used for mail, its owner needs a new one";
}
