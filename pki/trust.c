/* One verdict on one certificate path. OpenSSL builds and checks the path; a callback collects
 * every defect it meets instead of stopping at the first, so that the verdict does not depend on
 * the order of OpenSSL's checks. What OpenSSL's mail purposes get wrong (they accept certificates
 * without any usage extension and refuse anyExtendedKeyUsage) is checked here.
 *
 * An anchor may be any CA certificate the user named, self-signed or not. Nothing is fetched. */
#include "pki/trust.h"

#include "base/error.h"
#include "base/fd.h"
#include "pki/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define FILE_MAX   SEAL_CERTIFICATE_FILE_MAX /* the longest public CRLs are some 10 MB */
#define DEPTH_MAX  10                        /* intermediates; public paths have one to three */
#define AUTH_LEVEL 2                         /* 112 bits: RSA 2048, no MD5 or SHA-1 */

struct SealTrust {
    X509_STORE *store;
    SealRevocation mode;
};

static const char *const state_words[] = {
    [SEAL_CHAIN_GOOD] = "good",
    [SEAL_CHAIN_UNTRUSTED] = "untrusted",
    [SEAL_CHAIN_INCOMPLETE] = "incomplete-chain",
    [SEAL_CHAIN_EXPIRED] = "expired",
    [SEAL_CHAIN_NOT_YET_VALID] = "not-yet-valid",
    [SEAL_CHAIN_REVOKED] = "revoked",
    [SEAL_CHAIN_REVOCATION_UNKNOWN] = "revocation-unknown",
    [SEAL_CHAIN_WRONG_USAGE] = "wrong-usage",
    [SEAL_CHAIN_WEAK_ALGORITHM] = "weak-algorithm",
    [SEAL_CHAIN_MALFORMED] = "malformed",
};

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
};

const char *const seal_revocation_words[] = {[SEAL_REVOCATION_PREFER] = "prefer",
                                             [SEAL_REVOCATION_REQUIRE] = "require",
                                             [SEAL_REVOCATION_CACHE_ONLY] = "cache-only",
                                             [SEAL_REVOCATION_OFF] = "off",
                                             NULL};

/* What a defect found by OpenSSL means; every other one is "untrusted". */
static const struct {
    int defect;
    SealChainState state;
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
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, SEAL_CHAIN_MALFORMED},
};

/* What the callback collects while one path is judged. */
typedef struct {
    SealRevocation mode;
    SealChainResult *result;
    gboolean crl_missing;
    gboolean revoked;
    guint32 unproven; /* depths (bits) whose CRL is not proven to be its issuer's */
} Judgement;

gboolean
seal_revocation_parse(const char *word, SealRevocation *ret_mode, GError **error)
{
    for (guint i = 0; seal_revocation_words[i]; i++)
        if (g_strcmp0(word, seal_revocation_words[i]) == 0) {
            *ret_mode = (SealRevocation)i;
            return TRUE;
        }
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "unknown revocation mode '%s': use require, prefer, cache-only or off",
                word ? word : "");
    return FALSE;
}

const char *
seal_chain_word(SealChainState state)
{
    return state_words[state];
}

void
seal_chain_result_clear(SealChainResult *result)
{
    g_clear_pointer(&result->reason, g_free);
}

SealTrust *
seal_trust_new(void)
{
    SealTrust *trust = g_new0(SealTrust, 1);

    trust->store = X509_STORE_new();
    trust->mode = SEAL_REVOCATION_PREFER;
    return trust;
}

void
seal_trust_free(SealTrust *trust)
{
    if (!trust)
        return;
    X509_STORE_free(trust->store);
    g_free(trust);
}

void
seal_trust_set_revocation(SealTrust *trust, SealRevocation mode)
{
    trust->mode = mode;
}

/* -- filling ---------------------------------------------------------------------------------- */

typedef gboolean (*AddFunc)(SealTrust *trust, GBytes *data, const char *name, GError **error);

static gboolean
add_file(SealTrust *trust, const char *path, AddFunc add, GError **error)
{
    g_autoptr(GBytes) bytes = seal_file_read(path, FILE_MAX, error);

    if (!bytes)
        return FALSE;
    return add(trust, bytes, path, error);
}

static BIO *
open_bytes(GBytes *data, const char *name, GError **error)
{
    gsize len = 0;
    gconstpointer at = g_bytes_get_data(data, &len);

    if (len <= FILE_MAX)
        return BIO_new_mem_buf(at ? at : "", (int)len);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                "cannot use '%s': it has more than 16 MiB, give a smaller file", name);
    return NULL;
}

static gboolean
is_pem(GBytes *data)
{
    gsize len = 0;
    const char *at = g_bytes_get_data(data, &len);

    return g_strstr_len(at ? at : "", (gssize)len, "-----BEGIN ") != NULL;
}

/* PEM readers say "no start line" at the end of a good file, anything else is a damaged block. */
static gboolean
ended_well(void)
{
    unsigned long why = ERR_peek_last_error();
    gboolean well = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;

    ERR_clear_error();
    return well;
}

void
seal_trust_add_anchor(SealTrust *trust, X509 *anchor)
{
    X509_STORE_add_cert(trust->store, anchor);
}

gboolean
seal_trust_add_anchors(SealTrust *trust, GBytes *data, const char *name, GError **error)
{
    g_autoptr(GPtrArray) anchors = seal_authorities_read(data, name, error);

    for (guint i = 0; anchors && i < anchors->len; i++)
        seal_trust_add_anchor(trust, anchors->pdata[i]);
    return anchors != NULL;
}

gboolean
seal_trust_add_crls(SealTrust *trust, GBytes *data, const char *name, GError **error)
{
    BIO *in = open_bytes(data, name, error);
    gboolean pem = is_pem(data);
    gboolean well = TRUE;
    guint found = 0;
    X509_CRL *crl = NULL;

    if (!in)
        return FALSE;
    ERR_clear_error();
    while ((crl = pem ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : d2i_X509_CRL_bio(in, NULL))) {
        X509_STORE_add_crl(trust->store, crl);
        X509_CRL_free(crl);
        found++;
        if (!pem)
            break;
    }
    well = pem ? ended_well() : BIO_eof(in);
    BIO_free(in);
    if (found > 0 && well)
        return TRUE;
    ERR_clear_error();
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use '%s': there is no readable CRL in it, give one in PEM or DER", name);
    return FALSE;
}

gboolean
seal_trust_add_anchor_file(SealTrust *trust, const char *path, GError **error)
{
    return add_file(trust, path, seal_trust_add_anchors, error);
}

gboolean
seal_trust_add_crl_file(SealTrust *trust, const char *path, GError **error)
{
    return add_file(trust, path, seal_trust_add_crls, error);
}

/* -- judging ---------------------------------------------------------------------------------- */

static void
note_defect(SealChainResult *result, SealChainState state, const X509 *certificate)
{
    g_autofree char *subject = NULL;

    if (result->state != SEAL_CHAIN_GOOD && result->state <= state)
        return;
    result->state = state;
    g_free(result->reason);
    subject = certificate ? seal_certificate_subject(certificate) : g_strdup("(unknown)");
    result->reason = g_strdup_printf("the certificate '%s' %s", subject, state_advice[state]);
}

static SealChainState
state_of_defect(int defect)
{
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++)
        if (defects[i].defect == defect)
            return defects[i].state;
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
note_revocation(Judgement *judgement, X509_STORE_CTX *context, int defect)
{
    if (is_about_anchor(context))
        return;
    if (defect == X509_V_ERR_UNABLE_TO_GET_CRL) {
        judgement->crl_missing = TRUE;
        if (judgement->mode != SEAL_REVOCATION_REQUIRE)
            return;
    }
    if (is_unproven(defect))
        judgement->unproven |= depth_bit(context);
    judgement->result->revocation = "unknown";
    note_defect(judgement->result, SEAL_CHAIN_REVOCATION_UNKNOWN,
                X509_STORE_CTX_get_current_cert(context));
}

static int
on_defect(int ok, X509_STORE_CTX *context)
{
    Judgement *judgement = X509_STORE_CTX_get_app_data(context);
    int defect = X509_STORE_CTX_get_error(context);
    SealChainState state = state_of_defect(defect);

    if (ok)
        return 1;
    if (state == SEAL_CHAIN_REVOKED) {
        /* OpenSSL goes on to read a CRL whose signature it has just found wrong. */
        if (judgement->unproven & depth_bit(context))
            return 1;
        judgement->revoked = TRUE;
    }
    if (state == SEAL_CHAIN_REVOCATION_UNKNOWN)
        note_revocation(judgement, context, defect);
    else
        note_defect(judgement->result, state, X509_STORE_CTX_get_current_cert(context));
    return 1;
}

static guint32
usage_bits(SealCertificatePurpose purpose, X509 *leaf)
{
    if (purpose != SEAL_PURPOSE_ENCRYPT_MAIL)
        return KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;
    return EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) == EVP_PKEY_RSA ? KU_KEY_ENCIPHERMENT
                                                                        : KU_KEY_AGREEMENT;
}

static gboolean
is_for(X509 *certificate, SealCertificatePurpose purpose, gboolean otherwise)
{
    return purpose == SEAL_PURPOSE_SIGN_DATA ? seal_certificate_is_for_data(certificate, otherwise)
                                             : seal_certificate_is_for_mail(certificate, otherwise);
}

static void
judge_usage(X509 *leaf, STACK_OF(X509) *path, SealCertificatePurpose purpose,
            SealChainResult *result)
{
    gboolean may_be_silent = purpose == SEAL_PURPOSE_SIGN_DATA;
    gboolean is_silent = !(X509_get_extension_flags(leaf) & EXFLAG_KUSAGE);

    if (!is_for(leaf, purpose, may_be_silent) ||
        !(seal_certificate_has_usage(leaf, usage_bits(purpose, leaf)) ||
          (is_silent && may_be_silent)))
        note_defect(result, SEAL_CHAIN_WRONG_USAGE, leaf);
    /* Extended key usage in a CA limits what it issues; the anchor itself is the user's choice. */
    for (int i = 1; i < sk_X509_num(path) - 1; i++)
        if (!is_for(sk_X509_value(path, i), purpose, TRUE))
            note_defect(result, SEAL_CHAIN_WRONG_USAGE, sk_X509_value(path, i));
}

static void
prepare_context(X509_STORE_CTX *context, const SealTrust *trust, gint64 at)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

    if (trust->mode != SEAL_REVOCATION_OFF)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_USE_DELTAS;
    X509_VERIFY_PARAM_set_flags(parameters, flags);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
    X509_VERIFY_PARAM_set_depth(parameters, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);
    X509_STORE_CTX_set_verify_cb(context, on_defect);
}

static void
name_revocation(const Judgement *judgement)
{
    SealChainResult *result = judgement->result;

    if (judgement->revoked)
        result->revocation = "revoked";
    else if (!result->revocation && judgement->mode != SEAL_REVOCATION_OFF &&
             !judgement->crl_missing && result->state != SEAL_CHAIN_UNTRUSTED &&
             result->state != SEAL_CHAIN_INCOMPLETE)
        result->revocation = "good";
    else if (!result->revocation)
        result->revocation = "not-checked";
}

void
seal_trust_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted,
                 SealCertificatePurpose purpose, gint64 at, SealChainResult *ret_result)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    Judgement judgement = {trust->mode, ret_result, FALSE, FALSE, 0};

    *ret_result = (SealChainResult){SEAL_CHAIN_GOOD, NULL, NULL};
    if (!X509_STORE_CTX_init(context, trust->store, leaf, untrusted)) {
        note_defect(ret_result, SEAL_CHAIN_MALFORMED, leaf);
    } else {
        prepare_context(context, trust, at);
        X509_STORE_CTX_set_app_data(context, &judgement);
        /* <= 0 here is a failure the callback was not asked about, e.g. no memory. */
        if (X509_verify_cert(context) <= 0)
            note_defect(ret_result, SEAL_CHAIN_UNTRUSTED, leaf);
        judge_usage(leaf, X509_STORE_CTX_get0_chain(context), purpose, ret_result);
    }
    name_revocation(&judgement);
    X509_STORE_CTX_free(context);
    ERR_clear_error();
}
