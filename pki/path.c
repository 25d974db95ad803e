/* One path. OpenSSL builds and checks it; a callback collects every defect it meets instead of
 * stopping at the first, so that the verdict does not depend on the order of OpenSSL's checks. What
 * OpenSSL leaves out is added: purposes (pki/usage.h), that every issuer is a CA by today's rules,
 * and which curves and RSA keys are strong.
 *
 * Everything is judged for the time that is given, which is now: who steals a key can write any
 * signing time, so a signature does not outlive its certificate here. */
#include "pki/path.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki/answer.h"
#include "pki/certificate.h"
#include "pki/name-limits.h"
#include "pki/revocation.h"
#include "pki/strength.h"
#include "pki/trust-parts.h"

#define DEPTH_MAX  10 /* intermediates; public paths have one to three */
#define AUTH_LEVEL 2  /* 112 bits: RSA 2048, no MD5 or SHA-1 */

#define NAME_CLAUSE "has a name for which its issuer may not vouch"

static const char *const state_advice[] = {
    [SEAL_CHAIN_GOOD] = "is good",
    [SEAL_CHAIN_UNTRUSTED] =
        "leads to no anchor of yours, add its root with \"privyseal trust add\" if you trust it",
    [SEAL_CHAIN_INCOMPLETE] =
        "has an issuer whose certificate is missing, ask the signer to include it, or add it with "
        "\"privyseal trust add\" if you trust it",
    [SEAL_CHAIN_EXPIRED] = "has expired, ask its owner for its successor",
    [SEAL_CHAIN_NOT_YET_VALID] = "is not valid yet, check the clock of this machine",
    [SEAL_CHAIN_REVOKED] = "is revoked by its issuer, do not rely on it",
    [SEAL_CHAIN_REVOCATION_UNKNOWN] =
        "may be revoked, no current CRL says otherwise: put one into ~/.config/privyseal/crls.d",
    [SEAL_CHAIN_WRONG_USAGE] = "is not issued for this use, its owner needs one that is",
    [SEAL_CHAIN_WEAK_ALGORITHM] =
        "rests on a key or hash that can be broken, its owner needs a new one",
    [SEAL_CHAIN_MALFORMED] = "breaks the rules for certificates, its owner needs a new one",
    [SEAL_CHAIN_POLICY_INCONSISTENT] = "contradicts itself",
};

/* What a defect found by OpenSSL means; every other one is "untrusted". */
static const struct {
    int defect;
    SealChainState state;
    const char *clause; /* (nullable) */
} defects[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, SEAL_CHAIN_INCOMPLETE},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SEAL_CHAIN_INCOMPLETE},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, SEAL_CHAIN_INCOMPLETE},
    {X509_V_ERR_CERT_HAS_EXPIRED, SEAL_CHAIN_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, SEAL_CHAIN_NOT_YET_VALID},
    {X509_V_ERR_CERT_REVOKED, SEAL_CHAIN_REVOKED},
    {X509_V_ERR_UNABLE_TO_GET_CRL, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_CRL_NOT_YET_VALID, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_CRL_HAS_EXPIRED, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, SEAL_CHAIN_REVOCATION_UNKNOWN},
    {X509_V_ERR_EE_KEY_TOO_SMALL, SEAL_CHAIN_WEAK_ALGORITHM},
    {X509_V_ERR_CA_KEY_TOO_SMALL, SEAL_CHAIN_WEAK_ALGORITHM},
    {X509_V_ERR_CA_MD_TOO_WEAK, SEAL_CHAIN_WEAK_ALGORITHM},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, SEAL_CHAIN_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, SEAL_CHAIN_MALFORMED},
    {X509_V_ERR_INVALID_EXTENSION, SEAL_CHAIN_MALFORMED},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, SEAL_CHAIN_MALFORMED},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, SEAL_CHAIN_MALFORMED,
     "has a critical extension that is not known here"},
    {X509_V_ERR_SUBTREE_MINMAX, SEAL_CHAIN_MALFORMED},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, SEAL_CHAIN_UNTRUSTED,
     "is limited to names of a kind that cannot be compared here"},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, SEAL_CHAIN_UNTRUSTED,
     "is limited to names that cannot be compared here"},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, SEAL_CHAIN_UNTRUSTED,
     "has a name that cannot be compared with its issuer's limits"},
    {X509_V_ERR_PERMITTED_VIOLATION, SEAL_CHAIN_UNTRUSTED, NAME_CLAUSE},
    {X509_V_ERR_EXCLUDED_VIOLATION, SEAL_CHAIN_UNTRUSTED, NAME_CLAUSE},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, SEAL_CHAIN_UNTRUSTED,
     "stands above more CAs than it may have below it"},
    {X509_V_ERR_INVALID_CA, SEAL_CHAIN_UNTRUSTED, "is no CA's, but has issued another one"},
    {X509_V_ERR_NO_EXPLICIT_POLICY, SEAL_CHAIN_UNTRUSTED,
     "is issued under no policy that its issuers allow"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, SEAL_CHAIN_UNTRUSTED,
     "is not signed by the issuer it names"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, SEAL_CHAIN_UNTRUSTED, "has more issuers than are looked at"},
};

/* What the callback collects while one path is judged. */
typedef struct {
    SealChainResult *result;
    SealListFindings lists;
    guint32 unproven; /* depths (bits) whose CRL is not proven to be its issuer's */
    X509 *leaf;
    gboolean forged; /* some signature in it is wrong */
} Judgement;

void
seal_chain_note(SealChainResult *result, SealChainState state, const X509 *certificate,
                const char *clause)
{
    g_autofree char *subject = NULL;

    if (result->state != SEAL_CHAIN_GOOD && result->state <= state)
        return;
    result->state = state;
    g_free(result->reason);
    subject = certificate ? seal_certificate_subject(certificate) : g_strdup("(unknown)");
    result->reason =
        g_strdup_printf("the certificate '%s' %s", subject, clause ? clause : state_advice[state]);
}

/* -- what OpenSSL finds ----------------------------------------------------------------------- */

static SealChainState
state_of_defect(int defect, const char **ret_clause)
{
    *ret_clause = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++) {
        if (defects[i].defect == defect) {
            *ret_clause = defects[i].clause;
            return defects[i].state;
        }
    }
    return SEAL_CHAIN_UNTRUSTED;
}

/* Nobody revokes an anchor but the user who named it. */
static gboolean
is_about_anchor(X509_STORE_CTX *context)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);

    return X509_STORE_CTX_get_error_depth(context) == sk_X509_num(path) - 1;
}

/* A CRL that is merely old was right when it was made; these say it may be anybody's. */
static gboolean
is_unproven(int defect)
{
    return defect == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
           defect == X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE ||
           defect == X509_V_ERR_CRL_SIGNATURE_FAILURE ||
           defect == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN ||
           defect == X509_V_ERR_CRL_PATH_VALIDATION_ERROR;
}

static guint32
depth_bit(X509_STORE_CTX *context)
{
    return UINT32_C(1) << MIN(X509_STORE_CTX_get_error_depth(context), 31);
}

static void
note_list(Judgement *judgement, X509_STORE_CTX *context, int defect)
{
    if (is_about_anchor(context))
        return;
    if (is_unproven(defect))
        judgement->unproven |= depth_bit(context);
    if (defect == X509_V_ERR_UNABLE_TO_GET_CRL)
        judgement->lists.missing |= depth_bit(context);
    else
        judgement->lists.unusable |= depth_bit(context);
}

static void
note_revoked(Judgement *judgement, X509_STORE_CTX *context)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(context);
    X509_CRL *list = X509_STORE_CTX_get0_current_crl(context);
    X509_REVOKED *entry = NULL;
    g_auto(SealAnswer) answer = {0};

    /* OpenSSL goes on to read a CRL whose signature it has just found wrong. */
    if (judgement->unproven & depth_bit(context))
        return;
    judgement->lists.revoked = TRUE;
    if (list && X509_CRL_get0_by_cert(list, &entry, certificate) == 1)
        seal_answer_revoke_by_entry(&answer, entry);
    seal_chain_note(judgement->result, SEAL_CHAIN_REVOKED, certificate, answer.text);
}

/* What concerns the path as a whole is told of the leaf. */
static X509 *
about(X509_STORE_CTX *context, const Judgement *judgement)
{
    X509 *current = X509_STORE_CTX_get_current_cert(context);

    return current ? current : judgement->leaf;
}

static int
on_defect(int ok, X509_STORE_CTX *context)
{
    Judgement *judgement = X509_STORE_CTX_get_app_data(context);
    int defect = X509_STORE_CTX_get_error(context);
    const char *clause = NULL;
    SealChainState state = state_of_defect(defect, &clause);

    if (ok)
        return 1;
    judgement->forged |= defect == X509_V_ERR_CERT_SIGNATURE_FAILURE;
    if (state == SEAL_CHAIN_REVOKED)
        note_revoked(judgement, context);
    else if (state == SEAL_CHAIN_REVOCATION_UNKNOWN)
        note_list(judgement, context, defect);
    else
        seal_chain_note(judgement->result, state, about(context, judgement), clause);
    return 1;
}

static void
prepare_context(X509_STORE_CTX *context, const SealTrust *trust, gint64 at)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    /* Without POLICY_CHECK OpenSSL passes over the constraints on policies in CA certificates. */
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK;

    if (trust->mode != SEAL_REVOCATION_OFF)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(parameters, flags);
    /* RFC 5280 6.1.1 (c): every policy will do; OpenSSL takes silence for none. */
    X509_VERIFY_PARAM_add0_policy(parameters, OBJ_nid2obj(NID_any_policy));
    X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
    X509_VERIFY_PARAM_set_depth(parameters, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);
    X509_STORE_CTX_set_verify_cb(context, on_defect);
}

/* -- what we find ------------------------------------------------------------------------------ */

/* The anchor itself is the user's choice. */
static void
judge_issuers(STACK_OF(X509) *path, SealCertificatePurpose purpose, SealChainResult *result)
{
    for (int i = 1; i < sk_X509_num(path) - 1; i++) {
        X509 *issuer = sk_X509_value(path, i);
        const char *problem = seal_usage_issuer_problem(issuer, purpose);
        const char *weakness = seal_key_weakness(issuer);

        if (problem)
            seal_chain_note(result, SEAL_CHAIN_WRONG_USAGE, issuer, problem);
        if (weakness)
            seal_chain_note(result, SEAL_CHAIN_WEAK_ALGORITHM, issuer, weakness);
        /* OpenSSL also takes version 1 and key usage alone for a CA's. */
        if (!seal_certificate_is_authority(issuer))
            seal_chain_note(result, SEAL_CHAIN_UNTRUSTED, issuer,
                            "is no CA's, but has issued another one");
    }
}

static void
judge_names(STACK_OF(X509) *path, X509 *leaf, SealChainResult *result)
{
    for (int i = 1; i < sk_X509_num(path); i++)
        if (seal_name_limits_exclude(sk_X509_value(path, i), leaf))
            seal_chain_note(result, SEAL_CHAIN_UNTRUSTED, leaf, NAME_CLAUSE);
}

static void
judge_leaf(X509 *leaf, SealCertificatePurpose purpose, SealChainResult *result)
{
    const char *problem = seal_usage_problem(leaf, purpose);
    const char *weakness = seal_key_weakness(leaf);

    if (problem)
        seal_chain_note(result, SEAL_CHAIN_WRONG_USAGE, leaf, problem);
    if (weakness)
        seal_chain_note(result, SEAL_CHAIN_WEAK_ALGORITHM, leaf, weakness);
}

static void
note_top(X509_STORE_CTX *context, const SealTrust *trust, SealPath *path)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);

    if (sk_X509_num(chain) == 0)
        return;
    path->top = sk_X509_value(chain, sk_X509_num(chain) - 1);
    X509_up_ref(path->top);
    for (int i = 0; i < sk_X509_num(trust->anchors) && !path->reached; i++)
        path->reached = X509_cmp(sk_X509_value(trust->anchors, i), path->top) == 0;
}

/* -- public ----------------------------------------------------------------------------------- */

void
seal_path_clear(SealPath *path)
{
    g_clear_pointer(&path->top, X509_free);
}

static void
verify(X509_STORE_CTX *context, const SealTrust *trust, X509 *leaf, SealCertificatePurpose purpose,
       gint64 at, SealPath *path)
{
    Judgement judgement = {.result = path->result, .leaf = leaf};

    X509_STORE_CTX_set_app_data(context, &judgement);
    /* <= 0 here is a failure the callback was not asked about, e.g. no memory. */
    if (X509_verify_cert(context) <= 0)
        seal_chain_note(path->result, SEAL_CHAIN_UNTRUSTED, leaf, NULL);
    judge_leaf(leaf, purpose, path->result);
    judge_issuers(X509_STORE_CTX_get0_chain(context), purpose, path->result);
    judge_names(X509_STORE_CTX_get0_chain(context), leaf, path->result);
    seal_level_read(leaf, X509_STORE_CTX_get0_policy_tree(context), &path->finding);
    note_top(context, trust, path);
    path->reached = path->reached && !judgement.forged;
    /* Nobody is asked about a certificate that is refused anyway. */
    seal_revocation_settle(trust, X509_STORE_CTX_get0_chain(context), &judgement.lists,
                           path->reached && path->result->state == SEAL_CHAIN_GOOD, at,
                           path->result);
}

void
seal_path_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted, X509 *anchor,
                SealCertificatePurpose purpose, gint64 at, SealPath *path)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *alone = NULL;

    *path->result = (SealChainResult){.state = SEAL_CHAIN_GOOD, .revocation = "not-checked"};
    if (!X509_STORE_CTX_init(context, trust->store, leaf, untrusted)) {
        seal_chain_note(path->result, SEAL_CHAIN_MALFORMED, leaf, NULL);
    } else {
        if (anchor) {
            alone = sk_X509_new_null();
            sk_X509_push(alone, anchor);
            X509_STORE_CTX_set0_trusted_stack(context, alone);
        }
        prepare_context(context, trust, at);
        verify(context, trust, leaf, purpose, at, path);
    }
    X509_STORE_CTX_free(context);
    sk_X509_free(alone);
    ERR_clear_error();
}
