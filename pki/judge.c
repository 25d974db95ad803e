/* From a certificate to its verdict: the path that OpenSSL finds, then others, then issuers
 * fetched.
 *
 * OpenSSL builds one path and does not come back from a wrong turn, so a CA that was cross-signed
 * may have a good path beside a bad one. Others are looked for only then, depth first, with a
 * budget of signatures and of paths: a mail may carry certificates that all issue each other. */
#include "pki/trust-parts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/certificate.h"
#include "pki/cost.h"
#include "pki/issuers.h"
#include "pki/path.h"
#include "pki/strength.h"

#define INTERMEDIATES_MAX 10  /* as in pki/path.c */
#define PATHS_MAX         16  /* judged in full */
#define WORK_MAX          500 /* on signatures in search of paths (pki/cost.h): some 25 ms */
#define ROUNDS_MAX        4   /* of fetching: intermediates that are missing one above the other */

typedef struct {
    const SealTrust *trust;
    X509 *leaf;
    STACK_OF(X509) *pool; /* what paths are built from */
    SealCertificatePurpose purpose;
    gint64 at;
    SealChainResult *result;
    X509 *top; /* (nullable) (owned) where the first path ended */
    SealLevelFinding finding;
    gboolean reached;                 /* whether that path ends in an anchor */
    X509 *way[INTERMEDIATES_MAX + 1]; /* the leaf and the intermediates that are tried */
    guint length;
    guint work, paths; /* that were spent */
} Search;

/* -- one path --------------------------------------------------------------------------------- */

/* Takes the result of `path` if it is better than what is there. */
static void
take_better(Search *search, SealPath *path)
{
    SealChainResult *found = path->result;

    if (found->state != SEAL_CHAIN_GOOD && (search->reached || !path->reached)) {
        seal_chain_result_clear(found);
        return;
    }
    seal_chain_result_clear(search->result);
    *search->result = *found;
    search->finding = path->finding;
    search->reached = path->reached;
}

static void
judge_first(Search *search)
{
    SealPath path = {.result = search->result};

    seal_chain_result_clear(search->result);
    seal_path_judge(search->trust, search->leaf, search->pool, NULL, search->purpose, search->at,
                    &path);
    search->finding = path.finding;
    search->reached = path.reached;
    g_clear_pointer(&search->top, X509_free);
    search->top = g_steal_pointer(&path.top);
}

/* -- other paths ------------------------------------------------------------------------------ */

static guint
cost_of_way(const Search *search, X509 *anchor)
{
    guint cost = 0;

    for (guint i = 0; i < search->length; i++)
        cost += seal_cost_signature(i + 1 < search->length ? search->way[i + 1] : anchor,
                                    search->way[i]);
    return cost;
}

static void
judge_way(Search *search, X509 *anchor)
{
    SealChainResult result = {0};
    SealPath path = {.result = &result};
    STACK_OF(X509) *between = sk_X509_new_null();

    for (guint i = 1; i < search->length; i++)
        sk_X509_push(between, search->way[i]);
    search->paths++;
    search->work += cost_of_way(search, anchor);
    seal_path_judge(search->trust, search->leaf, between, anchor, search->purpose, search->at,
                    &path);
    take_better(search, &path);
    seal_path_clear(&path);
    sk_X509_free(between);
}

static gboolean
is_over(const Search *search)
{
    return search->result->state == SEAL_CHAIN_GOOD || search->paths >= PATHS_MAX ||
           search->work >= WORK_MAX;
}

static gboolean
is_on_way(const Search *search, const X509 *certificate)
{
    for (guint i = 0; i < search->length; i++)
        if (X509_cmp(search->way[i], certificate) == 0)
            return TRUE;
    return FALSE;
}

/* Names, key identifiers and usage first; a signature is dear. */
static gboolean
has_issued(Search *search, X509 *issuer, X509 *certificate)
{
    if (X509_check_issued(issuer, certificate) != X509_V_OK || is_on_way(search, issuer))
        return FALSE;
    search->work += seal_cost_signature(issuer, certificate);
    return X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

/* Tries every way on from the last certificate: to an anchor, else over another intermediate. */
static void
search_on(Search *search)
{
    X509 *last = search->way[search->length - 1];
    STACK_OF(X509) *anchors = search->trust->anchors;

    for (int i = 0; i < sk_X509_num(anchors) && !is_over(search); i++)
        if (has_issued(search, sk_X509_value(anchors, i), last))
            judge_way(search, sk_X509_value(anchors, i));
    if (search->length > INTERMEDIATES_MAX)
        return;
    for (int i = 0; i < sk_X509_num(search->pool) && !is_over(search); i++) {
        X509 *next = sk_X509_value(search->pool, i);

        if (!has_issued(search, next, last))
            continue;
        search->way[search->length++] = next;
        search_on(search);
        search->length--;
    }
}

static void
judge_others(Search *search)
{
    search->way[0] = search->leaf;
    search->length = 1;
    search->work = search->paths = 0;
    search_on(search);
    ERR_clear_error();
}

/* -- all -------------------------------------------------------------------------------------- */

/* Those with which it is safe to verify a signature. */
static STACK_OF(X509) *
keep_usable(STACK_OF(X509) *certificates)
{
    STACK_OF(X509) *usable = sk_X509_new_null();

    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *certificate = sk_X509_value(certificates, i);

        if (seal_key_problem(certificate) || seal_cost_problem(certificate))
            continue;
        X509_up_ref(certificate);
        sk_X509_push(usable, certificate);
    }
    return usable;
}

static gboolean
fetch_issuers(Search *search)
{
    STACK_OF(X509) *fetched = sk_X509_new_null();
    STACK_OF(X509) *usable = NULL;
    gboolean any = FALSE;

    seal_issuers_fetch(search->trust->fetcher, search->top, fetched);
    usable = keep_usable(fetched);
    sk_X509_pop_free(fetched, X509_free);
    while (sk_X509_num(usable) > 0) {
        sk_X509_push(search->pool, sk_X509_pop(usable));
        any = TRUE;
    }
    sk_X509_free(usable);
    return any;
}

static void
judge_all(Search *search)
{
    for (guint round = 0; round <= ROUNDS_MAX; round++) {
        judge_first(search);
        if (search->result->state != SEAL_CHAIN_GOOD)
            judge_others(search);
        if (search->result->state != SEAL_CHAIN_INCOMPLETE || !search->trust->fetcher ||
            !search->top || round == ROUNDS_MAX || !fetch_issuers(search))
            return;
    }
}

static void
judge_level(Search *search)
{
    SealChainResult *result = search->result;
    SealLevel minimum = search->trust->minimum_level;
    g_autofree char *clause = NULL;

    result->level = search->finding.level;
    result->generation = search->finding.generation;
    if (search->finding.contradiction)
        seal_chain_note(result, SEAL_CHAIN_POLICY_INCONSISTENT, search->leaf,
                        search->finding.contradiction);
    if (search->purpose != SEAL_PURPOSE_SIGN_MAIL || seal_level_reaches(result->level, minimum))
        return;
    clause = g_strdup_printf("has the validation level '%s', minimum-level of privyseal.conf wants "
                             "'%s'",
                             seal_level_words[result->level], seal_level_words[minimum]);
    seal_chain_note(result, SEAL_CHAIN_UNTRUSTED, search->leaf, clause);
}

void
seal_trust_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted,
                 SealCertificatePurpose purpose, gint64 at, SealChainResult *ret_result)
{
    Search search = {
        .trust = trust, .leaf = leaf, .purpose = purpose, .at = at, .result = ret_result};
    const char *problem = seal_key_problem(leaf);

    *ret_result = (SealChainResult){.state = SEAL_CHAIN_GOOD, .revocation = "not-checked"};
    if (!problem)
        problem = seal_cost_problem(leaf);
    if (problem) {
        seal_chain_note(ret_result, SEAL_CHAIN_MALFORMED, leaf, problem);
        return;
    }
    search.pool = keep_usable(untrusted);
    judge_all(&search);
    judge_level(&search);
    sk_X509_pop_free(search.pool, X509_free);
    X509_free(search.top);
}
