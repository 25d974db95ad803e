/* What OCSP and CRLs have in common: times, reasons, and which signatures are too weak. */
#include "pki/answer.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <time.h>

#define LASTING_S ((gint64)60 * 60) /* of an answer that names no end */

/* RFC 5280 5.3.1 */
#define REASON_HOLD   6
#define REASON_REMOVE 8
static const char *const reasons[] = {
    [0] = "no reason given",
    [1] = "key compromise",
    [2] = "CA compromise",
    [3] = "affiliation changed",
    [4] = "superseded",
    [5] = "cessation of operation",
    [REASON_HOLD] = "certificate hold",
    [REASON_REMOVE] = "to be removed from the list",
    [9] = "privilege withdrawn",
    [10] = "AA compromise",
};

void
seal_answer_clear(SealAnswer *answer)
{
    g_free(answer->text);
    *answer = (SealAnswer){SEAL_ANSWER_NONE};
}

gboolean
seal_answer_refuse(SealAnswer *answer, const char *format, ...)
{
    va_list arguments;

    seal_answer_clear(answer);
    va_start(arguments, format);
    answer->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return FALSE;
}

static const char *
reason_text(gint64 reason)
{
    const char *text =
        reason >= 0 && reason < (gint64)G_N_ELEMENTS(reasons) ? reasons[reason] : NULL;

    return text ? text : reasons[0];
}

static gboolean
read_time(const ASN1_TIME *time, gint64 *ret_seconds)
{
    struct tm broken = {0};

    if (!time || !ASN1_TIME_to_tm(time, &broken))
        return FALSE;
    *ret_seconds = (gint64)timegm(&broken);
    return TRUE;
}

void
seal_answer_revoke(SealAnswer *answer, const ASN1_TIME *date, gint64 reason)
{
    gint64 seconds = 0;
    g_autoptr(GDateTime) when =
        read_time(date, &seconds) ? g_date_time_new_from_unix_utc(seconds) : NULL;
    g_autofree char *day = when ? g_date_time_format(when, "%Y-%m-%d") : NULL;

    seal_answer_clear(answer);
    answer->kind = SEAL_ANSWER_REVOKED;
    answer->is_hold = reason == REASON_HOLD || reason == REASON_REMOVE;
    answer->text = g_strdup_printf("was revoked by its issuer%s%s (%s), do not rely on it",
                                   day ? " on " : "", day ? day : "", reason_text(reason));
}

void
seal_answer_revoke_by_entry(SealAnswer *answer, const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);

    seal_answer_revoke(answer, X509_REVOKED_get0_revocationDate(entry),
                       reason ? ASN1_ENUMERATED_get(reason) : -1);
    ASN1_ENUMERATED_free(reason);
}

gboolean
seal_answer_is_final(const SealAnswer *answer)
{
    return answer->kind == SEAL_ANSWER_REVOKED && !answer->is_hold;
}

const char *
seal_answer_time_problem(const ASN1_TIME *from, const ASN1_TIME *until, gint64 at,
                         gboolean may_be_old)
{
    gint64 first = 0;
    gint64 last = 0;

    if (!read_time(from, &first) || (until && !read_time(until, &last)))
        return "it has a time that cannot be read";
    if (!until)
        last = first + LASTING_S;
    if (first > at + SEAL_CLOCK_SKEW_S)
        return "it is from the future, check the clock of this machine";
    if (last < first || (!may_be_old && last < at - SEAL_CLOCK_SKEW_S))
        return "it is out of date";
    return NULL;
}

/* RSASSA-PSS names its hash in its parameters; SHA-1 where it does not (RFC 4055 3.1). */
static int
hash_of_pss(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    const void *value = NULL;
    int type = 0;
    RSA_PSS_PARAMS *parameters = NULL;
    int hash = NID_sha1;

    X509_ALGOR_get0(&object, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE)
        parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (parameters && parameters->hashAlgorithm) {
        X509_ALGOR_get0(&object, NULL, NULL, parameters->hashAlgorithm);
        hash = OBJ_obj2nid(object);
    }
    RSA_PSS_PARAMS_free(parameters);
    ERR_clear_error();
    return hash;
}

gboolean
seal_answer_is_weak(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    int hash = NID_undef;

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) == NID_rsassaPss)
        hash = hash_of_pss(algorithm);
    else
        OBJ_find_sigid_algs(OBJ_obj2nid(object), &hash, NULL);
    return hash == NID_sha1 || hash == NID_md5 || hash == NID_md5_sha1 || hash == NID_md4;
}
