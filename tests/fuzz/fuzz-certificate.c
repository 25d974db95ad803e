/* Certificates in DER, one behind the other: the first is judged for each purpose, the others are
 * what a mail would carry, and the last is the anchor. What is no certificate is a name and, after
 * a line end, an address, as in From. */
#include <glib.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/trust.h"
#include "smime/look-alike.h"
#include "tests/fuzz/fuzz.h"

#define CERTIFICATES_MAX 20
#define AT               1800000000 /* when the seeds are valid */

static void
expect_addresses(X509 *certificate)
{
    g_autoptr(GPtrArray) addresses = seal_address_list(certificate);

    for (guint i = 0; i < addresses->len; i++) {
        const char *address = addresses->pdata[i];
        g_autofree char *canonical = seal_address_canonical(address);

        g_assert_true(g_utf8_validate(address, -1, NULL));
        g_assert_nonnull(strchr(address, '@'));
        for (const char *c = address; *c; c++)
            g_assert_false(*c == ' ' || g_ascii_iscntrl(*c));
        g_assert_true(seal_address_equal(address, address) == (canonical != NULL));
        g_assert_true(!canonical || g_str_is_ascii(strrchr(canonical, '@')));
    }
}

static void
judge(STACK_OF(X509) *certificates)
{
    static const SealCertificatePurpose purposes[] = {
        SEAL_PURPOSE_SIGN_MAIL, SEAL_PURPOSE_ENCRYPT_MAIL, SEAL_PURPOSE_SIGN_DATA};
    g_autoptr(SealTrust) trust = seal_trust_new();
    X509 *leaf = sk_X509_value(certificates, 0);

    seal_trust_add_anchor(trust, sk_X509_value(certificates, sk_X509_num(certificates) - 1));
    for (gsize i = 0; i < G_N_ELEMENTS(purposes); i++) {
        g_auto(SealChainResult) result = {0};

        seal_trust_judge(trust, leaf, certificates, purposes[i], AT, &result);
        g_assert_true((result.state == SEAL_CHAIN_GOOD) == (result.reason == NULL));
        g_assert_true(!result.reason || g_utf8_validate(result.reason, -1, NULL));
        g_assert_nonnull(seal_level_words[result.level]);
        g_assert_true((result.level == SEAL_LEVEL_UNKNOWN) ==
                      (result.generation == SEAL_GENERATION_UNKNOWN));
    }
}

static void
read_as_text(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_utf8_make_valid((const char *)data, (gssize)size);
    char *address = strchr(text, '\n');
    g_autofree char *name_warning = NULL;
    g_autofree char *domain_warning = NULL;

    if (!address)
        return;
    *address++ = '\0';
    name_warning = seal_look_alike_name(text, address);
    domain_warning = seal_look_alike_domain(address);
    g_assert_true(!name_warning || g_utf8_validate(name_warning, -1, NULL));
    g_assert_true(!domain_warning || g_utf8_validate(domain_warning, -1, NULL));
    g_assert_true(seal_address_equal(text, address) == seal_address_equal(address, text));
    g_assert_false(seal_address_equal(text, address) &&
                   seal_address_differs_in_case(text, address));
}

/* Whether OpenSSL takes them: some, and each once. */
static gboolean
are_policies(const CERTIFICATEPOLICIES *policies)
{
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        for (int j = 0; j < i; j++) {
            if (OBJ_cmp(sk_POLICYINFO_value(policies, i)->policyid,
                        sk_POLICYINFO_value(policies, j)->policyid) == 0)
                return FALSE;
        }
    }
    return sk_POLICYINFO_num(policies) > 0;
}

/* OpenSSL 3.0 does not free the policy constraints of a certificate without policies that it takes:
 * some 40 bytes for each, which a sanitizer would take for a finding. */
static gboolean
is_forgotten_by_openssl(const X509 *certificate)
{
    CERTIFICATEPOLICIES *policies = NULL;
    gboolean forgotten = FALSE;

    if (X509_get_ext_by_NID(certificate, NID_policy_constraints, -1) < 0)
        return FALSE;
    policies = X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
    forgotten = !are_policies(policies);
    CERTIFICATEPOLICIES_free(policies);
    return forgotten;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    const unsigned char *at = data;
    X509 *certificate = NULL;

    while (sk_X509_num(certificates) < CERTIFICATES_MAX &&
           (certificate = d2i_X509(NULL, &at, (long)(data + size - at)))) {
        expect_addresses(certificate);
        if (is_forgotten_by_openssl(certificate))
            X509_free(certificate);
        else
            sk_X509_push(certificates, certificate);
    }
    ERR_clear_error();
    if (sk_X509_num(certificates) > 0)
        judge(certificates);
    else
        read_as_text(data, size);
    sk_X509_pop_free(certificates, X509_free);
    return 0;
}
