/* Answers about one certificate, from the best source that has one. OCSP comes first: it is small
 * and newer than most lists. A responder that says it does not know the certificate has answered:
 * to look for a kinder list then would undo what it said.
 *
 * Whatever comes from the cache or the network is judged alike, with its signature; the cache only
 * saves the way. An answer is put there when it was found good enough to be used. */
#include "pki/online.h"

#include <string.h>

#include "pki/cache.h"
#include "pki/certificate.h"
#include "pki/crl.h"
#include "pki/ocsp.h"
#include "pki/urls.h"

#include <openssl/x509v3.h>

struct SealOnline {
    const SealFetcher *fetcher; /* (nullable) */
    SealHttp *http;             /* (nullable) whose fetcher that is */
    SealCache *cache;
    GHashTable *answers; /* (element-type utf8 SealAnswer) by the two certificates */
};

/* One certificate that is asked about. */
typedef struct {
    SealOnline *online;
    X509 *certificate, *issuer;
    gint64 at;
    SealAnswer *answer;
    GString *failures;     /* what every source said that had no answer */
    gboolean is_responder; /* asked about by a response: another one would lead round in circles */
} Question;

/* -- what is remembered ----------------------------------------------------------------------- */

static void
copy_answer(const SealAnswer *answer, SealAnswer *copy)
{
    seal_answer_clear(copy);
    copy->kind = answer->kind;
    copy->text = g_strdup(answer->text);
    copy->is_hold = answer->is_hold;
}

static void
free_answer(gpointer data)
{
    seal_answer_clear(data);
    g_free(data);
}

static void
note_failure(Question *question, const char *where, const char *why)
{
    if (question->failures->len > 0)
        g_string_append(question->failures, "; ");
    g_string_append_printf(question->failures, "%s: %s", where, why);
}

/* -- revocation lists ------------------------------------------------------------------------- */

static char *
name_of_list(const char *url)
{
    return g_strconcat("crl ", url, NULL);
}

static gboolean
judge_list(Question *question, GBytes *bytes)
{
    return seal_crl_judge(bytes, question->certificate, question->issuer, question->at,
                          question->answer);
}

static gboolean
ask_cached_lists(Question *question)
{
    g_autoptr(GPtrArray) urls = seal_crl_urls(question->certificate);

    for (guint i = 0; i < urls->len; i++) {
        g_autofree char *name = name_of_list(urls->pdata[i]);
        g_autoptr(GBytes) bytes = seal_cache_get(question->online->cache, name, SEAL_CRL_MAX);

        if (bytes && judge_list(question, bytes))
            return TRUE;
    }
    return FALSE;
}

static gboolean
fetch_list(Question *question, const char *url)
{
    const SealFetchRequest request = {.url = url, .max = SEAL_CRL_MAX};
    const SealFetcher *fetcher = question->online->fetcher;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = fetcher->fetch(fetcher, &request, &error);
    g_autofree char *name = name_of_list(url);

    if (!bytes) {
        note_failure(question, url, error->message);
        return FALSE;
    }
    if (!judge_list(question, bytes)) {
        note_failure(question, url, question->answer->text);
        return FALSE;
    }
    seal_cache_put(question->online->cache, name, bytes);
    return TRUE;
}

static gboolean
fetch_lists(Question *question)
{
    g_autoptr(GPtrArray) urls = seal_crl_urls(question->certificate);

    for (guint i = 0; i < urls->len; i++)
        if (fetch_list(question, urls->pdata[i]))
            return TRUE;
    return FALSE;
}

/* -- OCSP ------------------------------------------------------------------------------------- */

static void ask(Question *question);

/* By its list only. */
static gboolean
check_responder(gpointer data, X509 *responder)
{
    const Question *asked = data;
    g_auto(SealAnswer) answer = {0};
    g_autoptr(GString) failures = g_string_new(NULL);
    Question question = *asked;

    question.certificate = responder;
    question.answer = &answer;
    question.failures = failures;
    question.is_responder = TRUE;
    ask(&question);
    return answer.kind == SEAL_ANSWER_GOOD;
}

static gboolean
judge_response(Question *question, const SealOcsp *ocsp, GBytes *bytes, gboolean is_fresh)
{
    const SealOcspJudging how = {question->at, is_fresh, check_responder, question};

    return seal_ocsp_judge(ocsp, bytes, &how, question->answer);
}

static gboolean
ask_cached_response(Question *question, const SealOcsp *ocsp)
{
    g_autofree char *name = seal_ocsp_name(ocsp);
    g_autoptr(GBytes) bytes = seal_cache_get(question->online->cache, name, SEAL_OCSP_MAX);

    return bytes && judge_response(question, ocsp, bytes, FALSE);
}

static gboolean
fetch_response(Question *question, const SealOcsp *ocsp, const char *url)
{
    g_autoptr(GBytes) body = seal_ocsp_request(ocsp);
    const SealFetchRequest request = {url, SEAL_OCSP_MAX, body, "application/ocsp-request"};
    const SealFetcher *fetcher = question->online->fetcher;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = fetcher->fetch(fetcher, &request, &error);
    g_autofree char *name = seal_ocsp_name(ocsp);

    if (!bytes) {
        note_failure(question, url, error->message);
        return FALSE;
    }
    if (!judge_response(question, ocsp, bytes, TRUE)) {
        note_failure(question, url, question->answer->text);
        return FALSE;
    }
    if (question->answer->kind != SEAL_ANSWER_UNKNOWN)
        seal_cache_put(question->online->cache, name, bytes);
    return TRUE;
}

static gboolean
fetch_responses(Question *question, const SealOcsp *ocsp)
{
    g_autoptr(GPtrArray) urls = seal_urls_of_access(question->certificate, NID_ad_OCSP, TRUE);

    for (guint i = 0; i < urls->len; i++)
        if (fetch_response(question, ocsp, urls->pdata[i]))
            return TRUE;
    return FALSE;
}

/* -- all -------------------------------------------------------------------------------------- */

static void
ask(Question *question)
{
    g_autoptr(SealOcsp) ocsp =
        question->is_responder ? NULL : seal_ocsp_new(question->certificate, question->issuer);

    if ((ocsp && ask_cached_response(question, ocsp)) || ask_cached_lists(question))
        return;
    if (!question->online->fetcher) {
        seal_answer_refuse(question->answer,
                           "no answer about it was kept, and nobody may be asked");
        return;
    }
    if ((ocsp && fetch_responses(question, ocsp)) || fetch_lists(question))
        return;
    seal_answer_refuse(question->answer, "%s",
                       question->failures->len > 0 ? question->failures->str
                                                   : "it does not say where to ask");
}

SealOnline *
seal_online_new(const SealFetcher *fetcher)
{
    SealOnline *online = g_new0(SealOnline, 1);

    online->fetcher = fetcher;
    online->cache = seal_cache_new_default();
    online->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_answer);
    return online;
}

SealOnline *
seal_online_new_http(const SealHttpPolicy *policy)
{
    SealHttp *http = seal_http_new(policy);
    SealOnline *online = seal_online_new(seal_http_fetcher(http));

    online->http = http;
    return online;
}

const SealFetcher *
seal_online_fetcher(const SealOnline *online)
{
    return online->fetcher;
}

void
seal_online_free(SealOnline *online)
{
    if (!online)
        return;
    seal_http_free(online->http);
    seal_cache_free(online->cache);
    g_hash_table_unref(online->answers);
    g_free(online);
}

void
seal_online_ask(SealOnline *online, X509 *certificate, X509 *issuer, gint64 at,
                SealAnswer *ret_answer)
{
    g_autofree char *subject = seal_certificate_fingerprint(certificate);
    g_autofree char *above = seal_certificate_fingerprint(issuer);
    g_autofree char *name = g_strconcat(subject, " ", above, NULL);
    g_autoptr(GString) failures = g_string_new(NULL);
    Question question = {online, certificate, issuer, at, ret_answer, failures, FALSE};
    const SealAnswer *known = g_hash_table_lookup(online->answers, name);
    SealAnswer *copy = NULL;

    if (known) {
        copy_answer(known, ret_answer);
        return;
    }
    ask(&question);
    copy = g_new0(SealAnswer, 1);
    copy_answer(ret_answer, copy);
    g_hash_table_insert(online->answers, g_steal_pointer(&name), copy);
}
