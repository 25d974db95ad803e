/* Judges signed mails in this process: with our library, or as a program would that calls OpenSSL.
 *
 *     judge-mails ours|openssl|cms-verify CERTIFICATE INTERMEDIATE KEY ROOT COUNT
 *
 * COUNT mails of 10 kB are made before the clock starts, then judged one after the other, round and
 * round. All three ask the same: is the signature right, does the certificate lead to the root, for
 * mail and now, and is it the sender's; nobody looks for revocation. `openssl` reads the mail with
 * SMIME_read_CMS(); `cms-verify` finds message and signed bytes ready in memory, and calls
 * d2i_CMS_ContentInfo(), CMS_verify() and X509_check_email(). The protocol on standard input and
 * output is pace.h. */
#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "bench/mails.h"
#include "bench/pace.h"
#include "pki/trust.h"
#include "smime/smime.h"

#define MAIL_LEN 10000
#define SENDER   "alice@example.org"

typedef struct {
    GBytes *der; /* of the ContentInfo */
    GBytes *content;
} Parts;

typedef struct Judge Judge;

struct Judge {
    void (*judge)(const Judge *judge, guint index);
    GPtrArray *mails; /* (element-type GBytes) */
    GPtrArray *parts; /* (nullable) (element-type Parts) */
    SealTrust *trust;
    X509_STORE *store;
    guint next;
};

/* -- ours ------------------------------------------------------------------------------------- */

static void
judge_ours(const Judge *judge, guint index)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_VERIFY, .trust = judge->trust};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;
    GError *error = NULL;

    seal_mail_open(judge->mails->pdata[index], &options, &report, &content, &error);
    seal_pace_require(report && report->good, "verify a mail", error);
}

/* -- OpenSSL ---------------------------------------------------------------------------------- */

static void
verify(const Judge *judge, CMS_ContentInfo *cms, BIO *content)
{
    STACK_OF(X509) *signers = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    gboolean good = CMS_verify(cms, NULL, judge->store, content, out, CMS_BINARY) == 1;

    signers = good ? CMS_get0_signers(cms) : NULL;
    good = signers && sk_X509_num(signers) == 1 &&
           X509_check_email(sk_X509_value(signers, 0), SENDER, 0, 0) == 1;
    if (!good)
        ERR_print_errors_fp(stderr);
    seal_pace_require(good, "verify a mail with OpenSSL", NULL);
    sk_X509_free(signers);
    (void)BIO_free(out);
}

static CMS_ContentInfo *
read_mail(GBytes *mail, BIO **ret_content)
{
    BIO *in = BIO_new_mem_buf(g_bytes_get_data(mail, NULL), (int)g_bytes_get_size(mail));
    CMS_ContentInfo *cms = SMIME_read_CMS(in, ret_content);

    seal_pace_require(cms && *ret_content, "read a mail with OpenSSL", NULL);
    (void)BIO_free(in);
    return cms;
}

static void
judge_openssl(const Judge *judge, guint index)
{
    BIO *content = NULL;
    CMS_ContentInfo *cms = read_mail(judge->mails->pdata[index], &content);

    verify(judge, cms, content);
    CMS_ContentInfo_free(cms);
    (void)BIO_free(content);
}

static void
judge_parts(const Judge *judge, guint index)
{
    const Parts *parts = judge->parts->pdata[index];
    const unsigned char *at = g_bytes_get_data(parts->der, NULL);
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)g_bytes_get_size(parts->der));
    BIO *content = BIO_new_mem_buf(g_bytes_get_data(parts->content, NULL),
                                   (int)g_bytes_get_size(parts->content));

    verify(judge, cms, content);
    CMS_ContentInfo_free(cms);
    (void)BIO_free(content);
}

static void
free_parts(gpointer data)
{
    Parts *parts = data;

    g_bytes_unref(parts->der);
    g_bytes_unref(parts->content);
    g_free(parts);
}

static Parts *
take_apart(GBytes *mail)
{
    Parts *parts = g_new0(Parts, 1);
    BIO *content = NULL;
    CMS_ContentInfo *cms = read_mail(mail, &content);
    unsigned char *der = NULL;
    int der_len = i2d_CMS_ContentInfo(cms, &der);
    char *data = NULL;
    long len = BIO_get_mem_data(content, &data);

    seal_pace_require(der_len > 0, "take a mail apart", NULL);
    parts->der = g_bytes_new(der, (gsize)der_len);
    parts->content = g_bytes_new(data, (gsize)len);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    (void)BIO_free(content);
    return parts;
}

static GPtrArray *
take_all_apart(const GPtrArray *mails)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_parts);

    for (guint i = 0; i < mails->len; i++)
        g_ptr_array_add(all, take_apart(mails->pdata[i]));
    return all;
}

/* -- rounds ----------------------------------------------------------------------------------- */

static guint64
run(gpointer data, gint64 deadline_us)
{
    Judge *judge = data;
    guint64 operations = 0;

    while (g_get_monotonic_time() < deadline_us) {
        judge->judge(judge, judge->next);
        judge->next = (judge->next + 1) % judge->mails->len;
        operations++;
    }
    return operations;
}

static void
trust_root(Judge *judge, const char *root)
{
    GError *error = NULL;

    judge->trust = seal_trust_new();
    seal_trust_set_revocation(judge->trust, SEAL_REVOCATION_OFF);
    seal_pace_require(seal_trust_add_anchor_file(judge->trust, root, &error), "read the root",
                      error);
    judge->store = X509_STORE_new();
    seal_pace_require(X509_STORE_load_file(judge->store, root) == 1, "read the root", NULL);
}

int
main(int argc, char **argv)
{
    Judge judge = {0};
    SealMailsOwner *owner = NULL;
    int status = 0;

    g_set_prgname("judge-mails");
    seal_pace_require(argc == 7 && atoi(argv[6]) > 0, "start: see the usage in judge-mails.c",
                      NULL);
    owner = seal_mails_owner_new(argv[2], argv[3], argv[4]);
    judge.mails = seal_mails_signed(owner, (guint)atoi(argv[6]), MAIL_LEN);
    trust_root(&judge, argv[5]);
    judge.judge = g_str_equal(argv[1], "ours")      ? judge_ours
                  : g_str_equal(argv[1], "openssl") ? judge_openssl
                                                    : judge_parts;
    if (judge.judge == judge_parts)
        judge.parts = take_all_apart(judge.mails);
    status = seal_pace_serve(run, &judge);
    g_clear_pointer(&judge.parts, g_ptr_array_unref);
    g_ptr_array_unref(judge.mails);
    seal_trust_free(judge.trust);
    X509_STORE_free(judge.store);
    seal_mails_owner_free(owner);
    return status;
}
