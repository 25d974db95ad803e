/* A list and a certificate. OpenSSL decides: it gets a path of the two certificates and this list
 * alone, and knows the list's scope, critical extensions, key usage, signature and times. Lists
 * that are no complete one of the issuer's (delta and indirect ones) are refused before, to say so,
 * and so are hashes that OpenSSL takes in lists. */
#include "pki/crl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki/urls.h"

GPtrArray *
seal_crl_urls(X509 *certificate)
{
    GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
    CRL_DIST_POINTS *points =
        X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);

    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        GENERAL_NAMES *names = NULL;

        /* Type 0 is a full name, 1 one relative to the issuer's. */
        if (point->reasons || point->CRLissuer || !point->distpoint || point->distpoint->type != 0)
            continue;
        names = point->distpoint->name.fullname;
        for (int j = 0; j < sk_GENERAL_NAME_num(names); j++)
            seal_urls_add(urls, sk_GENERAL_NAME_value(names, j), TRUE);
    }
    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
    return urls;
}

/* -- the list by itself ----------------------------------------------------------------------- */

static X509_CRL *
read_list(GBytes *bytes)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(bytes, &len);
    const unsigned char *end = at + len;
    X509_CRL *list = NULL;

    if (len == 0 || len > SEAL_CRL_MAX)
        return NULL;
    if (*at == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) {
        list = d2i_X509_CRL(NULL, &at, (long)len);
        if (list && at == end)
            return list;
        X509_CRL_free(list);
        list = NULL;
    } else { /* RFC 2585 wants DER, but PEM is found there */
        BIO *in = BIO_new_mem_buf(at, (int)len);

        list = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
        BIO_free(in);
    }
    return list;
}

static gboolean
is_indirect(const X509_CRL *list)
{
    ISSUING_DIST_POINT *scope =
        X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, NULL, NULL);
    gboolean indirect = scope && scope->indirectCRL > 0;

    ISSUING_DIST_POINT_free(scope);
    return indirect;
}

const char *
seal_crl_problem(const X509_CRL *list)
{
    const X509_ALGOR *algorithm = NULL;

    X509_CRL_get0_signature(list, NULL, &algorithm);
    if (X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0)
        return "it lists changes only (a delta CRL)";
    if (is_indirect(list))
        return "it speaks for several issuers (an indirect CRL)";
    if (seal_answer_is_weak(algorithm))
        return "it is signed with SHA-1 or MD5";
    if (!X509_CRL_get0_nextUpdate(list)) /* RFC 5280 5.1.2.5 */
        return "it does not say how long it is good for";
    return NULL;
}

static gboolean
is_acceptable(const X509_CRL *list, X509 *issuer, SealAnswer *answer)
{
    const char *problem = seal_crl_problem(list);

    if (problem)
        return seal_answer_refuse(answer, "%s", problem);
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0)
        return seal_answer_refuse(answer, "it is of another issuer");
    return TRUE;
}

/* -- the list and the certificate ------------------------------------------------------------- */

typedef struct {
    SealAnswer *answer;
    X509_STORE_CTX_cert_crl_fn look_up; /* OpenSSL's own */
    gboolean looked_up; /* the list was in order, and the certificate is not on it */
    gboolean is_old;
} Question;

static const char *
text_of_defect(int defect)
{
    switch (defect) {
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        return "its signature is wrong";
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return "it is from the future, check the clock of this machine";
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        return "its issuer may not sign lists";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        return "it is for other certificates of its issuer";
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        return "it has a critical extension that is not known here";
    default:
        return NULL;
    }
}

static gboolean
is_about_list(int defect)
{
    return text_of_defect(defect) || defect == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
           defect == X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE ||
           defect == X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD ||
           defect == X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD ||
           defect == X509_V_ERR_CRL_PATH_VALIDATION_ERROR;
}

/* Called for a list without defect. */
static int
look_up(X509_STORE_CTX *context, X509_CRL *list, X509 *certificate)
{
    Question *question = X509_STORE_CTX_get_app_data(context);
    X509_REVOKED *entry = NULL;
    int found = question->look_up(context, list, certificate);

    question->looked_up = found == 1;
    if (question->answer->kind == SEAL_ANSWER_REVOKED &&
        X509_CRL_get0_by_cert(list, &entry, certificate) == 1)
        seal_answer_revoke_by_entry(question->answer, entry);
    return found;
}

/* The first defect of the list ends it, but for age, after which it still can revoke; what is wrong
 * with the certificates is judged with their path. */
static int
on_defect(int ok, X509_STORE_CTX *context)
{
    Question *question = X509_STORE_CTX_get_app_data(context);
    int defect = X509_STORE_CTX_get_error(context);

    if (ok)
        return 1;
    if (defect == X509_V_ERR_CERT_REVOKED) {
        seal_answer_revoke(question->answer, NULL, -1);
        return 0;
    }
    question->is_old |= defect == X509_V_ERR_CRL_HAS_EXPIRED;
    if (!is_about_list(defect))
        return 1;
    seal_answer_refuse(question->answer, "%s",
                       text_of_defect(defect) ? text_of_defect(defect) : "it cannot be verified");
    return 0;
}

static void
ask(X509_STORE_CTX *context, X509_CRL *list, X509 *issuer, gint64 at)
{
    STACK_OF(X509) *anchors = sk_X509_new_null();
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);

    sk_X509_push(anchors, issuer);
    sk_X509_CRL_push(lists, list);
    X509_STORE_CTX_set0_trusted_stack(context, anchors);
    X509_STORE_CTX_set0_crls(context, lists);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CRL_CHECK);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
    X509_STORE_CTX_set_verify_cb(context, on_defect);
    (void)X509_verify_cert(context);
    sk_X509_CRL_free(lists);
    sk_X509_free(anchors);
}

/* A context for one certificate; in *ret_look_up how OpenSSL looks into a list. */
static X509_STORE_CTX *
new_context(X509_STORE *store, X509 *certificate, X509_STORE_CTX_cert_crl_fn *ret_look_up)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    *ret_look_up = NULL;
    if (X509_STORE_CTX_init(context, store, certificate, NULL))
        *ret_look_up = X509_STORE_CTX_get_cert_crl(context);
    X509_STORE_set_cert_crl(store, look_up);
    X509_STORE_CTX_cleanup(context);
    if (X509_STORE_CTX_init(context, store, certificate, NULL))
        return context;
    X509_STORE_CTX_free(context);
    return NULL;
}

static void
judge(X509_CRL *list, X509 *certificate, X509 *issuer, gint64 at, SealAnswer *answer)
{
    X509_STORE *store = X509_STORE_new();
    Question question = {.answer = answer};
    X509_STORE_CTX *context = new_context(store, certificate, &question.look_up);

    seal_answer_refuse(answer, "it cannot be verified");
    if (context && question.look_up) {
        X509_STORE_CTX_set_app_data(context, &question);
        ask(context, list, issuer, at);
    }
    if (question.looked_up) {
        seal_answer_clear(answer);
        answer->kind = SEAL_ANSWER_GOOD;
    }
    if (question.is_old && answer->kind != SEAL_ANSWER_NONE && !seal_answer_is_final(answer))
        seal_answer_refuse(answer, "it is out of date");
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
}

gboolean
seal_crl_judge(GBytes *bytes, X509 *certificate, X509 *issuer, gint64 at, SealAnswer *ret_answer)
{
    X509_CRL *list = read_list(bytes);

    if (!list)
        seal_answer_refuse(ret_answer, "it is no readable revocation list");
    else if (is_acceptable(list, issuer, ret_answer))
        judge(list, certificate, issuer, at, ret_answer);
    X509_CRL_free(list);
    ERR_clear_error();
    return ret_answer->kind != SEAL_ANSWER_NONE;
}
