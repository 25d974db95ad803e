/* Directories and DNS. What a directory gives is anybody's until a CA says whose it is; a domain
 * that signs its names may say itself whose certificates are whose (RFC 8162, RFC 6698).
 *
 * Of the four usages of a record, two can vouch: DANE-EE for one certificate, DANE-TA for those
 * that a CA issued. PKIX-EE brings a certificate that needs a trusted path all the same. PKIX-TA,
 * and a PKIX-EE that is only a hash, do no more than restrict what a trusted CA vouches for
 * already; such certificates have been taken from the source that had them, so these records are
 * passed over. */
#include "ui-cli/recipient-network.h"

#include "base/error.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/smimea.h"
#include "pki/trust.h"

#define TYPE_SMIMEA 53 /* RFC 8162 2 */

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static SealCandidate *
add_candidate(GPtrArray *candidates, GBytes *der, SealSource source)
{
    SealCandidate *candidate = seal_candidate_new(der, seal_source_words[source]);

    candidate->foreign = TRUE;
    g_ptr_array_add(candidates, candidate);
    return candidate;
}

/* -- directories ------------------------------------------------------------------------------ */

/* CA certificates are no candidates, but lead to some. */
static void
add_from_directory(SealSources *sources, const GPtrArray *certificates, guint rank,
                   GPtrArray *candidates)
{
    for (guint i = 0; i < certificates->len; i++) {
        g_autoptr(X509) certificate = seal_certificate_read(certificates->pdata[i], "it", NULL);

        if (!certificate)
            continue;
        if (seal_certificate_is_authority(certificate))
            seal_sources_add_other(sources, certificates->pdata[i]);
        else
            add_candidate(candidates, certificates->pdata[i], SEAL_SOURCE_LDAP)->rank = rank;
    }
}

gboolean
seal_network_ask_directories(SealSources *sources, const char *address, GPtrArray *candidates,
                             GError **error)
{
    const GPtrArray *directories = sources->settings->directories;
    g_autofree char *mailbox = seal_address_canonical(address);
    g_autoptr(GError) problem = NULL;

    for (guint i = 0; i < directories->len; i++) {
        g_autoptr(GPtrArray) preferred = g_ptr_array_new_with_free_func(unref_bytes);
        g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(unref_bytes);

        seal_directory_find(directories->pdata[i], mailbox, preferred, others,
                            problem ? NULL : &problem);
        add_from_directory(sources, preferred, 0, candidates);
        add_from_directory(sources, others, 1, candidates);
    }
    if (!problem || candidates->len > 0)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* -- DNS -------------------------------------------------------------------------------------- */

static gboolean
is_issued_below(X509 *certificate, X509 *authority, STACK_OF(X509) *others)
{
    g_autoptr(SealTrust) trust = seal_trust_new();
    g_auto(SealChainResult) result = {0};

    seal_trust_add_anchor(trust, authority);
    seal_trust_judge(trust, certificate, others, SEAL_PURPOSE_ENCRYPT_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    return result.state == SEAL_CHAIN_GOOD;
}

/* TRUE if the record is about this certificate, or (DANE-TA) about a CA that issued it. */
static gboolean
vouches_for(const SealSmimea *record, X509 *certificate, STACK_OF(X509) *others)
{
    if (record->usage == SEAL_SMIMEA_DANE_EE)
        return seal_smimea_matches(record, certificate);
    for (int i = 0; record->usage == SEAL_SMIMEA_DANE_TA && i < sk_X509_num(others); i++) {
        X509 *authority = sk_X509_value(others, i);

        if (seal_smimea_matches(record, authority) && seal_certificate_is_authority(authority) &&
            is_issued_below(certificate, authority, others))
            return TRUE;
    }
    return FALSE;
}

/* What stands in the record itself: its owner's certificate, or a CA's to build paths from. */
static void
add_held(SealSources *sources, const SealSmimea *record, GPtrArray *candidates)
{
    g_autoptr(GBytes) der = seal_smimea_certificate(record);

    if (!der)
        return;
    if (record->usage == SEAL_SMIMEA_PKIX_TA || record->usage == SEAL_SMIMEA_DANE_TA)
        seal_sources_add_other(sources, der);
    else
        add_candidate(candidates, der, SEAL_SOURCE_DNS)->vouched =
            record->usage == SEAL_SMIMEA_DANE_EE;
}

static void
add_vouched(SealSources *sources, const SealSmimea *record, GPtrArray *candidates)
{
    for (guint i = 0; i < sources->seen->len; i++) {
        GBytes *der = sources->seen->pdata[i];
        g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);

        if (certificate && vouches_for(record, certificate, sources->others))
            add_candidate(candidates, der, SEAL_SOURCE_DNS)->vouched = TRUE;
    }
}

gboolean
seal_network_ask_dns(SealSources *sources, const char *address, GPtrArray *candidates,
                     GError **error)
{
    g_autofree char *mailbox = seal_address_canonical(address);
    g_autofree char *name = seal_smimea_name(mailbox);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(unref_bytes);

    if (!name) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "its domain is too long to ask DNS for it");
        return FALSE;
    }
    if (!seal_secure_dns_find(&sources->settings->dns, name, TYPE_SMIMEA, records, error))
        return FALSE;
    for (guint i = 0; i < records->len; i++) {
        gsize len = 0;
        const guint8 *rdata = g_bytes_get_data(records->pdata[i], &len);
        SealSmimea record = {0};

        if (!seal_smimea_read(rdata, len, &record))
            continue;
        add_held(sources, &record, candidates);
        add_vouched(sources, &record, candidates);
    }
    return TRUE;
}
