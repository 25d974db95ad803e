/* What a server answers about a certificate: an OCSP response, a revocation list. As it came nobody
 * may believe it, since the issuer did not sign it; then the issuer signs it, so that the way
 * behind the signature is walked, too. The key and the time are fixed, that seeds stay good. */
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "pki/crl.h"
#include "pki/ocsp.h"
#include "tests/fuzz/fuzz.h"

#define DAY ((gint64)24 * 60 * 60)
#define AT  ((gint64)1800000000) /* 2027-01-15 */

static EVP_PKEY *
make_key(void)
{
    static const unsigned char bytes[32] = {1};

    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes);
}

/* The issuer's for serial number 1, else one that it has issued. */
static X509 *
make_certificate(EVP_PKEY *key, long serial)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(AT - DAY));
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(AT + DAY));
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"Root", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)(serial == 1 ? "Root" : "Leaf"), -1, -1, 0);
    X509_set_pubkey(certificate, key);
    g_assert_cmpint(X509_sign(certificate, key, NULL), >, 0);
    return certificate;
}

/* Made once for all inputs; they live as long as the program. */
static struct {
    EVP_PKEY *key;
    X509 *issuer, *leaf;
    SealOcsp *ocsp;
} scene;

static void
open_scene(void)
{
    if (scene.key)
        return;
    scene.key = make_key();
    scene.issuer = make_certificate(scene.key, 1);
    scene.leaf = make_certificate(scene.key, 2);
    scene.ocsp = seal_ocsp_new(scene.leaf, scene.issuer);
}

static void
judge_response(GBytes *bytes, SealAnswer *answer)
{
    const SealOcspJudging how = {.at = AT, .is_fresh = FALSE};

    g_assert_cmpint(seal_ocsp_judge(scene.ocsp, bytes, &how, answer), ==,
                    answer->kind != SEAL_ANSWER_NONE);
    g_assert_true(answer->text || answer->kind == SEAL_ANSWER_GOOD ||
                  answer->kind == SEAL_ANSWER_UNKNOWN);
}

static void
try_response(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)size);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    OCSP_RESPONSE *signed_one = NULL;
    g_auto(SealAnswer) answer = {0};

    if (basic && OCSP_basic_sign(basic, scene.issuer, scene.key, NULL, NULL, 0) == 1)
        signed_one = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    if (signed_one) {
        unsigned char *der = NULL;
        int len = i2d_OCSP_RESPONSE(signed_one, &der);
        g_autoptr(GBytes) bytes = g_bytes_new(der, len > 0 ? (gsize)len : 0);

        judge_response(bytes, &answer);
        OPENSSL_free(der);
    }
    OCSP_RESPONSE_free(signed_one);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
}

static void
try_list(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)size);
    g_auto(SealAnswer) answer = {0};

    if (list && X509_CRL_sign(list, scene.key, NULL) > 0) {
        unsigned char *der = NULL;
        int len = i2d_X509_CRL(list, &der);
        g_autoptr(GBytes) bytes = g_bytes_new(der, len > 0 ? (gsize)len : 0);

        g_assert_cmpint(seal_crl_judge(bytes, scene.leaf, scene.issuer, AT, &answer), ==,
                        answer.kind != SEAL_ANSWER_NONE);
        g_assert_true(answer.kind != SEAL_ANSWER_UNKNOWN);
        OPENSSL_free(der);
    }
    X509_CRL_free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = NULL;
    g_auto(SealAnswer) answer = {0};

    if (size > 1024 * 1024)
        return 0;
    open_scene();
    bytes = g_bytes_new(data, size);
    judge_response(bytes, &answer);
    g_assert_cmpint(answer.kind, ==, SEAL_ANSWER_NONE);
    g_assert_false(seal_crl_judge(bytes, scene.leaf, scene.issuer, AT, &answer));
    try_response(data, size);
    try_list(data, size);
    ERR_clear_error();
    return 0;
}
