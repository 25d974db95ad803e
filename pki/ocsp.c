/* OCSP. OpenSSL reads, finds the signer and verifies the signature; who may sign is decided here:
 * the issuer itself, or whoever it has issued a certificate for just that (RFC 6960 4.2.2.2), not
 * over other certificates. A responder's certificate without id-pkix-ocsp-nocheck can be revoked,
 * so then it must be known that it is not.
 *
 * A response without a nonce is taken, as most responders give only such (RFC 5019); it can be
 * replayed until its nextUpdate. */
#include "pki/ocsp.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "pki/certificate.h"
#include "pki/strength.h"

#define NONCE_LEN 32 /* RFC 8954 2.1: the longest that every responder must take */

struct SealOcsp {
    X509 *issuer;
    OCSP_CERTID *id;
    OCSP_REQUEST *request;
};

/* -- the question ----------------------------------------------------------------------------- */

SealOcsp *
seal_ocsp_new(X509 *certificate, X509 *issuer)
{
    g_autoptr(SealOcsp) ocsp = g_new0(SealOcsp, 1);
    OCSP_CERTID *copy = NULL;

    /* RFC 5019 2.1.1: SHA-1, as a name only; many responders know no other. */
    ocsp->id = OCSP_cert_to_id(EVP_sha1(), certificate, issuer);
    ocsp->request = OCSP_REQUEST_new();
    ocsp->issuer = issuer;
    X509_up_ref(issuer);
    copy = ocsp->id ? OCSP_CERTID_dup(ocsp->id) : NULL;
    if (copy && OCSP_request_add0_id(ocsp->request, copy) &&
        OCSP_request_add1_nonce(ocsp->request, NULL, NONCE_LEN))
        return g_steal_pointer(&ocsp);
    ERR_clear_error();
    return NULL;
}

void
seal_ocsp_free(SealOcsp *ocsp)
{
    if (!ocsp)
        return;
    OCSP_CERTID_free(ocsp->id);
    OCSP_REQUEST_free(ocsp->request);
    X509_free(ocsp->issuer);
    g_free(ocsp);
}

static GBytes *
take_der(unsigned char *der, int len)
{
    GBytes *bytes = g_bytes_new(der, len > 0 ? (gsize)len : 0);

    OPENSSL_free(der);
    return bytes;
}

GBytes *
seal_ocsp_request(const SealOcsp *ocsp)
{
    unsigned char *der = NULL;
    int len = i2d_OCSP_REQUEST(ocsp->request, &der);

    return take_der(der, len);
}

char *
seal_ocsp_name(const SealOcsp *ocsp)
{
    unsigned char *der = NULL;
    int len = i2d_OCSP_CERTID(ocsp->id, &der);
    g_autoptr(GBytes) bytes = take_der(der, len);
    g_autofree char *hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);

    return g_strconcat("ocsp ", hash, NULL);
}

/* -- who may answer --------------------------------------------------------------------------- */

/* RFC 6960 4.2.2.2: anyExtendedKeyUsage does not do. */
static gboolean
is_for_ocsp(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    gboolean found = FALSE;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        found |= OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == NID_OCSP_sign;
    EXTENDED_KEY_USAGE_free(usages);
    /* All ones where there is no key usage. */
    return found && (X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION));
}

static gboolean
is_issued_by(X509 *certificate, X509 *issuer)
{
    return X509_check_issued(issuer, certificate) == X509_V_OK &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

static gboolean
is_valid_at(const X509 *certificate, gint64 at)
{
    return !seal_answer_time_problem(X509_get0_notBefore(certificate),
                                     X509_get0_notAfter(certificate), at, FALSE);
}

static gboolean
is_signed_weakly(const X509 *certificate)
{
    const X509_ALGOR *algorithm = NULL;

    X509_get0_signature(NULL, &algorithm, certificate);
    return seal_answer_is_weak(algorithm);
}

static gboolean
may_answer(const SealOcsp *ocsp, X509 *signer, const SealOcspJudging *how, SealAnswer *answer)
{
    if (X509_cmp(signer, ocsp->issuer) == 0)
        return TRUE;
    if (seal_certificate_is_weak(signer) || is_signed_weakly(signer))
        return seal_answer_refuse(answer, "its signer's certificate is too weak");
    if (X509_get_extension_flags(signer) & (EXFLAG_CRITICAL | EXFLAG_INVALID))
        return seal_answer_refuse(answer, "its signer's certificate breaks the rules");
    if (!is_issued_by(signer, ocsp->issuer) || !is_for_ocsp(signer))
        return seal_answer_refuse(answer, "its signer has no right to answer for the issuer");
    if (!is_valid_at(signer, how->at))
        return seal_answer_refuse(answer, "its signer's certificate is out of date");
    if (X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0 &&
        (!how->check || !how->check(how->data, signer)))
        return seal_answer_refuse(answer, "its signer's certificate may be revoked");
    return TRUE;
}

static gboolean
check_signature(const SealOcsp *ocsp, OCSP_BASICRESP *basic, const SealOcspJudging *how,
                SealAnswer *answer)
{
    STACK_OF(X509) *issuers = sk_X509_new_null();
    X509 *signer = NULL;
    gboolean good = FALSE;

    sk_X509_push(issuers, ocsp->issuer);
    /* Both look among these first, then among those in the response. */
    if (!OCSP_resp_get0_signer(basic, &signer, issuers))
        seal_answer_refuse(answer, "its signer is not known");
    else if (seal_answer_is_weak(OCSP_resp_get0_tbs_sigalg(basic)))
        seal_answer_refuse(answer, "it is signed with SHA-1 or MD5");
    else if (seal_key_problem(signer) ||
             OCSP_basic_verify(basic, issuers, NULL, OCSP_NOVERIFY) <= 0)
        seal_answer_refuse(answer, "its signature is wrong");
    else
        good = may_answer(ocsp, signer, how, answer);
    sk_X509_free(issuers);
    return good;
}

/* -- what it says ----------------------------------------------------------------------------- */

static gboolean
take_status(OCSP_SINGLERESP *single, gint64 at, SealAnswer *answer)
{
    ASN1_GENERALIZEDTIME *revoked = NULL;
    ASN1_GENERALIZEDTIME *from = NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    int reason = -1;
    int status = OCSP_single_get0_status(single, &reason, &revoked, &from, &until);
    const char *untimely = NULL;

    seal_answer_clear(answer);
    if (status == V_OCSP_CERTSTATUS_GOOD)
        answer->kind = SEAL_ANSWER_GOOD;
    else if (status == V_OCSP_CERTSTATUS_REVOKED)
        seal_answer_revoke(answer, revoked, reason);
    else
        answer->kind = SEAL_ANSWER_UNKNOWN;
    if (OCSP_SINGLERESP_get_ext_by_critical(single, 1, -1) >= 0)
        return seal_answer_refuse(answer, "it has a critical extension that is not known here");
    untimely = seal_answer_time_problem(from, until, at, seal_answer_is_final(answer));
    return !untimely || seal_answer_refuse(answer, "%s", untimely);
}

static gboolean
find_status(const SealOcsp *ocsp, OCSP_BASICRESP *basic, gint64 at, SealAnswer *answer)
{
    int place = OCSP_resp_find(basic, ocsp->id, -1);

    if (place < 0)
        return seal_answer_refuse(answer, "it is about other certificates");
    if (OCSP_resp_find(basic, ocsp->id, place) >= 0)
        return seal_answer_refuse(answer, "it answers twice");
    if (OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1) >= 0)
        return seal_answer_refuse(answer, "it has a critical extension that is not known here");
    return take_status(OCSP_resp_get0(basic, place), at, answer);
}

static gboolean
judge_basic(const SealOcsp *ocsp, OCSP_BASICRESP *basic, const SealOcspJudging *how,
            SealAnswer *answer)
{
    /* 0: both have one, and they differ; 3: it has one, we sent none */
    if (how->is_fresh && OCSP_check_nonce(ocsp->request, basic) == 0)
        return seal_answer_refuse(answer, "it answers another question (the nonces differ)");
    return check_signature(ocsp, basic, how, answer) && find_status(ocsp, basic, how->at, answer);
}

static OCSP_RESPONSE *
read_response(GBytes *bytes)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(bytes, &len);
    const unsigned char *end = at + len;
    OCSP_RESPONSE *response =
        len > 0 && len <= SEAL_OCSP_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)len) : NULL;

    if (response && at == end)
        return response;
    OCSP_RESPONSE_free(response);
    return NULL;
}

gboolean
seal_ocsp_judge(const SealOcsp *ocsp, GBytes *bytes, const SealOcspJudging *how,
                SealAnswer *ret_answer)
{
    OCSP_RESPONSE *response = read_response(bytes);
    int status = response ? OCSP_response_status(response) : 0;
    OCSP_BASICRESP *basic = NULL;

    if (!response)
        seal_answer_refuse(ret_answer, "it is no readable OCSP response");
    else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        seal_answer_refuse(ret_answer, "it does not answer (%s)", OCSP_response_status_str(status));
    else if (!(basic = OCSP_response_get1_basic(response)))
        seal_answer_refuse(ret_answer, "it is an OCSP response of an unknown kind");
    else
        judge_basic(ocsp, basic, how, ret_answer);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return ret_answer->kind != SEAL_ANSWER_NONE;
}
