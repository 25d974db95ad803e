/* Whom to trust: anchors, CRLs, and what is asked of them. It is filled from files here and used by
 * pki/judge.c.
 *
 * An anchor may be any CA certificate the user named, self-signed or not. */
#include "pki/trust-parts.h"

#include "base/error.h"
#include "base/fd.h"
#include "pki/certificate.h"
#include "pki/crl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#define FILE_MAX SEAL_CERTIFICATE_FILE_MAX /* the longest public CRLs are some 10 MB */

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
    [SEAL_CHAIN_POLICY_INCONSISTENT] = "policy-inconsistent",
};

const char *const seal_revocation_words[] = {[SEAL_REVOCATION_PREFER] = "prefer",
                                             [SEAL_REVOCATION_REQUIRE] = "require",
                                             [SEAL_REVOCATION_CACHE_ONLY] = "cache-only",
                                             [SEAL_REVOCATION_OFF] = "off",
                                             NULL};

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
    g_clear_pointer(&result->revocation_detail, g_free);
}

SealTrust *
seal_trust_new(void)
{
    SealTrust *trust = g_new0(SealTrust, 1);

    trust->store = X509_STORE_new();
    trust->anchors = sk_X509_new_null();
    trust->mode = SEAL_REVOCATION_PREFER;
    return trust;
}

void
seal_trust_free(SealTrust *trust)
{
    if (!trust)
        return;
    sk_X509_pop_free(trust->anchors, X509_free);
    X509_STORE_free(trust->store);
    seal_online_free(trust->online);
    g_free(trust);
}

void
seal_trust_set_revocation(SealTrust *trust, SealRevocation mode)
{
    trust->mode = mode;
}

void
seal_trust_set_minimum_level(SealTrust *trust, SealLevel minimum)
{
    trust->minimum_level = minimum;
}

void
seal_trust_set_fetcher(SealTrust *trust, const SealFetcher *fetcher)
{
    trust->fetcher = fetcher;
}

void
seal_trust_take_online(SealTrust *trust, SealOnline *online)
{
    seal_online_free(trust->online);
    trust->online = online;
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

gboolean
seal_trust_has_anchors(const SealTrust *trust)
{
    return sk_X509_num(trust->anchors) > 0;
}

void
seal_trust_add_anchor(SealTrust *trust, X509 *anchor)
{
    X509_STORE_add_cert(trust->store, anchor);
    X509_up_ref(anchor);
    sk_X509_push(trust->anchors, anchor);
}

gboolean
seal_trust_add_anchors(SealTrust *trust, GBytes *data, const char *name, GError **error)
{
    g_autoptr(GPtrArray) anchors = seal_authorities_read(data, name, error);

    for (guint i = 0; anchors && i < anchors->len; i++)
        seal_trust_add_anchor(trust, anchors->pdata[i]);
    return anchors != NULL;
}

static gboolean
add_crl(SealTrust *trust, X509_CRL *crl, const char *name, GError **error)
{
    const char *problem = seal_crl_problem(crl);

    if (!problem) {
        X509_STORE_add_crl(trust->store, crl);
        return TRUE;
    }
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use '%s': %s, give another list of its issuer's", name, problem);
    return FALSE;
}

gboolean
seal_trust_add_crls(SealTrust *trust, GBytes *data, const char *name, GError **error)
{
    BIO *in = open_bytes(data, name, error);
    gboolean pem = is_pem(data);
    gboolean usable = TRUE;
    gboolean well = TRUE;
    guint found = 0;
    X509_CRL *crl = NULL;

    if (!in)
        return FALSE;
    ERR_clear_error();
    while (usable &&
           (crl = pem ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : d2i_X509_CRL_bio(in, NULL))) {
        usable = add_crl(trust, crl, name, error);
        X509_CRL_free(crl);
        found++;
        if (!pem)
            break;
    }
    well = pem ? ended_well() : BIO_eof(in);
    BIO_free(in);
    ERR_clear_error();
    if (!usable || (found > 0 && well))
        return usable;
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
