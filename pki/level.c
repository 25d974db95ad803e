/* Levels by policy, and whether the subject is one that this policy allows (Baseline Requirements
 * for S/MIME 7.1.4.2.3 to 7.1.4.2.6 and 7.1.6.1). A CA that writes an organisation into a
 * certificate which says that only the mailbox was checked shows its readers a name that nobody
 * vouches for. */
#include "pki/level.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/address.h"
#include "pki/certificate.h"

#define POLICY_ARC "2.23.140.1.5."

const char *const seal_level_words[] = {[SEAL_LEVEL_UNKNOWN] = "unknown",
                                        [SEAL_LEVEL_MAILBOX] = "mailbox-validated",
                                        [SEAL_LEVEL_ORGANIZATION] = "organization-validated",
                                        [SEAL_LEVEL_SPONSOR] = "sponsor-validated",
                                        [SEAL_LEVEL_INDIVIDUAL] = "individual-validated",
                                        NULL};

const char *const seal_generation_words[] = {[SEAL_GENERATION_UNKNOWN] = "unknown",
                                             [SEAL_GENERATION_LEGACY] = "legacy",
                                             [SEAL_GENERATION_MULTIPURPOSE] = "multipurpose",
                                             [SEAL_GENERATION_STRICT] = "strict",
                                             NULL};

gboolean
seal_level_reaches(SealLevel level, SealLevel minimum)
{
    if (minimum == SEAL_LEVEL_UNKNOWN || level == minimum)
        return TRUE;
    if (minimum == SEAL_LEVEL_MAILBOX)
        return level != SEAL_LEVEL_UNKNOWN;
    return level == SEAL_LEVEL_SPONSOR;
}

/* -- policies --------------------------------------------------------------------------------- */

/* FALSE if `policy` is none of the twelve. */
static gboolean
parse_policy(const ASN1_OBJECT *policy, SealLevelFinding *ret_finding)
{
    char text[40] = "";
    const char *end = text + strlen(POLICY_ARC);

    if (OBJ_obj2txt(text, sizeof text, policy, 1) != (int)strlen(POLICY_ARC) + 3 ||
        !g_str_has_prefix(text, POLICY_ARC) || end[0] < '1' || end[0] > '4' || end[1] != '.' ||
        end[2] < '1' || end[2] > '3')
        return FALSE;
    *ret_finding =
        (SealLevelFinding){(SealLevel)(end[0] - '0'), (SealGeneration)(end[2] - '0'), NULL};
    return TRUE;
}

static gboolean
is_valid_on_path(const ASN1_OBJECT *policy, const X509_POLICY_TREE *policies)
{
    STACK_OF(X509_POLICY_NODE) *nodes = policies ? X509_policy_tree_get0_policies(policies) : NULL;

    for (int i = 0; i < sk_X509_POLICY_NODE_num(nodes); i++)
        if (OBJ_cmp(X509_policy_node_get0_policy(sk_X509_POLICY_NODE_value(nodes, i)), policy) == 0)
            return TRUE;
    return FALSE;
}

/* The policy of `leaf` among the twelve; two that differ contradict each other. */
static void
read_policies(X509 *leaf, const X509_POLICY_TREE *policies, SealLevelFinding *ret_finding)
{
    CERTIFICATEPOLICIES *stated = X509_get_ext_d2i(leaf, NID_certificate_policies, NULL, NULL);

    for (int i = 0; i < sk_POLICYINFO_num(stated); i++) {
        const ASN1_OBJECT *policy = sk_POLICYINFO_value(stated, i)->policyid;
        SealLevelFinding finding = {0};

        if (!parse_policy(policy, &finding) || !is_valid_on_path(policy, policies))
            continue;
        if (ret_finding->level != SEAL_LEVEL_UNKNOWN)
            finding.contradiction = "states more than one validation level";
        *ret_finding = finding;
    }
    CERTIFICATEPOLICIES_free(stated);
    ERR_clear_error();
}

/* -- the subject ------------------------------------------------------------------------------ */

static gboolean
has_any(X509 *leaf, const int *attributes)
{
    X509_NAME *subject = X509_get_subject_name(leaf);

    for (; *attributes != NID_undef; attributes++)
        if (X509_NAME_get_index_by_NID(subject, *attributes, -1) >= 0)
            return TRUE;
    return FALSE;
}

static gboolean
has_organization(X509 *leaf)
{
    static const int attributes[] = {NID_organizationName, NID_organizationalUnitName,
                                     NID_organizationIdentifier, NID_undef};

    return has_any(leaf, attributes);
}

static gboolean
has_person(X509 *leaf)
{
    static const int attributes[] = {NID_givenName, NID_surname, NID_pseudonym, NID_undef};

    return has_any(leaf, attributes);
}

/* commonName of a mailbox-validated certificate is an address of its subjectAltName. */
static gboolean
has_foreign_common_name(X509 *leaf)
{
    g_autoptr(GPtrArray) addresses = seal_address_list(leaf);
    g_autoptr(GPtrArray) names = seal_certificate_common_names(leaf);

    for (guint i = 0; i < names->len; i++)
        if (!seal_address_in(addresses, names->pdata[i]))
            return TRUE;
    return FALSE;
}

/* 7.1.4.2.3: every other attribute "SHALL NOT" be there. */
static const char *
mailbox_contradiction(X509 *leaf)
{
    X509_NAME *subject = X509_get_subject_name(leaf);
    gboolean more = has_foreign_common_name(leaf);

    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(X509_NAME_get_entry(subject, i)));

        more |= nid != NID_commonName && nid != NID_serialNumber && nid != NID_pkcs9_emailAddress;
    }
    return more ? "says that only its mailbox was checked, but names more than that" : NULL;
}

static const char *
organization_contradiction(X509 *leaf)
{
    static const int name[] = {NID_organizationName, NID_undef};
    static const int identifier[] = {NID_organizationIdentifier, NID_undef};

    if (!has_any(leaf, name) || !has_any(leaf, identifier))
        return "says that its organisation was checked, but does not name it fully";
    return NULL;
}

static const char *
subject_contradiction(X509 *leaf, const SealLevelFinding *finding)
{
    gboolean names_person = has_person(leaf) || finding->generation == SEAL_GENERATION_LEGACY;
    const char *contradiction = NULL;

    switch (finding->level) {
    case SEAL_LEVEL_MAILBOX:
        return mailbox_contradiction(leaf);
    case SEAL_LEVEL_ORGANIZATION:
        contradiction = organization_contradiction(leaf);
        return !contradiction && has_person(leaf)
                   ? "says that its organisation was checked, but names a person"
                   : contradiction;
    case SEAL_LEVEL_SPONSOR:
        contradiction = organization_contradiction(leaf);
        return !contradiction && !names_person ? "says that a person was checked, but names none"
                                               : contradiction;
    case SEAL_LEVEL_INDIVIDUAL:
        if (has_organization(leaf))
            return "says that only a person was checked, but names an organisation";
        return names_person ? NULL : "says that a person was checked, but names none";
    default:
        return NULL;
    }
}

/* 7.1.2.3 f: strict is for mail alone; none of them is for everything. */
static const char *
usage_contradiction(X509 *leaf, SealGeneration generation)
{
    guint32 usages = X509_get_extended_key_usage(leaf);

    if (usages == UINT32_MAX || !(usages & XKU_SMIME))
        return "states a validation level for mail, but is not issued for mail";
    if (usages & XKU_ANYEKU)
        return "states a validation level for mail, but is issued for any use";
    if (generation == SEAL_GENERATION_STRICT && usages != XKU_SMIME)
        return "says that it is for mail alone, but has other uses";
    return NULL;
}

void
seal_level_read(X509 *leaf, const X509_POLICY_TREE *policies, SealLevelFinding *ret_finding)
{
    *ret_finding = (SealLevelFinding){SEAL_LEVEL_UNKNOWN, SEAL_GENERATION_UNKNOWN, NULL};
    read_policies(leaf, policies, ret_finding);
    if (ret_finding->level == SEAL_LEVEL_UNKNOWN || ret_finding->contradiction)
        return;
    ret_finding->contradiction = subject_contradiction(leaf, ret_finding);
    if (!ret_finding->contradiction)
        ret_finding->contradiction = usage_contradiction(leaf, ret_finding->generation);
}
