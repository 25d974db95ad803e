/* Mails as `openssl cms -sign` and `-encrypt` write them. A line of each text is drawn afresh, so
 * that no two are alike. */
#include "bench/mails.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

#include "bench/pace.h"

static const char header[] = "From: Alice Example <alice@example.org>\r\n"
                             "To: Bob Example <bob@example.org>\r\n"
                             "Subject: one of many\r\n";

/* -- whose ------------------------------------------------------------------------------------ */

static BIO *
open_file(const char *path)
{
    BIO *file = BIO_new_file(path, "r");

    seal_pace_require(file != NULL, "open a PEM file", NULL);
    return file;
}

static X509 *
read_certificate(const char *path)
{
    BIO *file = open_file(path);
    X509 *certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);

    seal_pace_require(certificate != NULL, "read a certificate", NULL);
    (void)BIO_free(file);
    return certificate;
}

SealMailsOwner *
seal_mails_owner_new(const char *certificate, const char *chain, const char *key)
{
    SealMailsOwner *owner = g_new0(SealMailsOwner, 1);

    owner->certificate = read_certificate(certificate);
    if (chain) {
        owner->chain = sk_X509_new_null();
        (void)sk_X509_push(owner->chain, read_certificate(chain));
    }
    if (key) {
        BIO *file = open_file(key);

        owner->key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
        seal_pace_require(owner->key != NULL, "read a private key", NULL);
        (void)BIO_free(file);
    }
    return owner;
}

void
seal_mails_owner_free(SealMailsOwner *owner)
{
    if (!owner)
        return;
    X509_free(owner->certificate);
    sk_X509_pop_free(owner->chain, X509_free);
    EVP_PKEY_free(owner->key);
    g_free(owner);
}

/* -- texts ------------------------------------------------------------------------------------ */

static BIO *
new_entity(gsize len)
{
    static const char line[] = "the Keeper never lets the seal out of his hands, day and night\r\n";
    BIO *entity = BIO_new(BIO_s_mem());
    guint8 drawn[16];
    gsize put = 0;

    seal_pace_require(RAND_bytes(drawn, sizeof drawn) == 1, "draw random bytes", NULL);
    (void)BIO_printf(entity, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
    for (gsize i = 0; i < sizeof drawn; i++)
        (void)BIO_printf(entity, "%02x", drawn[i]);
    (void)BIO_printf(entity, "\r\n");
    for (; put < len; put += sizeof line - 1)
        (void)BIO_write(entity, line, sizeof line - 1);
    return entity;
}

static GBytes *
take_mail(BIO *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(out, &data);
    GBytes *mail = g_bytes_new(data, (gsize)len);

    (void)BIO_free(out);
    return mail;
}

static GBytes *
write_mail(CMS_ContentInfo *cms, BIO *entity, int flags)
{
    BIO *out = BIO_new(BIO_s_mem());

    (void)BIO_write(out, header, sizeof header - 1);
    seal_pace_require(cms && SMIME_write_CMS(out, cms, entity, flags) == 1, "make a mail", NULL);
    CMS_ContentInfo_free(cms);
    (void)BIO_free(entity);
    return take_mail(out);
}

GPtrArray *
seal_mails_signed(const SealMailsOwner *owner, guint count, gsize len)
{
    GPtrArray *mails = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    int flags = CMS_BINARY | CMS_DETACHED | CMS_STREAM | CMS_CRLFEOL;

    for (guint i = 0; i < count; i++) {
        BIO *entity = new_entity(len);
        CMS_ContentInfo *cms =
            CMS_sign(owner->certificate, owner->key, owner->chain, entity, (unsigned int)flags);

        g_ptr_array_add(mails, write_mail(cms, entity, flags));
    }
    return mails;
}

GPtrArray *
seal_mails_encrypted(const SealMailsOwner *owner, guint count, gsize len)
{
    GPtrArray *mails = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    STACK_OF(X509) *recipients = sk_X509_new_null();
    int flags = CMS_BINARY | CMS_CRLFEOL;

    (void)sk_X509_push(recipients, owner->certificate);
    for (guint i = 0; i < count; i++) {
        BIO *entity = new_entity(len);
        CMS_ContentInfo *cms =
            CMS_encrypt(recipients, entity, EVP_aes_256_cbc(), (unsigned int)flags);

        g_ptr_array_add(mails, write_mail(cms, entity, flags));
    }
    sk_X509_free(recipients);
    return mails;
}
