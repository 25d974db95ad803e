/* CMS messages that are read without a copy of their content. That such a reading says what
 * OpenSSL's says, whatever comes, is asserted by tests/fuzz/fuzz-cms.c; here, that it is made at
 * all, over what OpenSSL writes in one piece and as a stream. */
#include "smime/compression.h"
#include "smime/entity.h"
#include "smime/message.h"
#include "smime/plain.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"

#include <openssl/cms.h>
#include <string.h>

#define TEXT_LEN 20000 /* bytes: OpenSSL's streams come in segments of fewer */

static GBytes *
text(void)
{
    char *bytes = g_malloc(TEXT_LEN);

    for (gsize i = 0; i < TEXT_LEN; i++)
        bytes[i] = "the seal is kept\n"[i % 17];
    return g_bytes_new_take(bytes, TEXT_LEN);
}

/* What OpenSSL writes (transfer full) of `cms` (transfer full). */
static GBytes *
write_cms(CMS_ContentInfo *cms, GBytes *content, int flags)
{
    BIO *in = BIO_new_mem_buf(g_bytes_get_data(content, NULL), TEXT_LEN);
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;
    GBytes *written = NULL;

    g_assert_nonnull(cms);
    if (!(flags & CMS_STREAM))
        g_assert_cmpint(CMS_final(cms, in, NULL, (unsigned int)flags), ==, 1);
    g_assert_cmpint(i2d_CMS_bio_stream(out, cms, in, flags), ==, 1);
    len = BIO_get_mem_data(out, &data);
    written = g_bytes_new(data, (gsize)len);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    BIO_free(out);
    return written;
}

static GBytes *
sign(World *world, GBytes *content, int flags)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");

    flags |= CMS_BINARY;
    return write_cms(
        CMS_sign(alice->certificate, alice->key, NULL, NULL, (unsigned int)(flags | CMS_PARTIAL)),
        content, flags);
}

static GBytes *
encrypt(World *world, GBytes *content, const EVP_CIPHER *cipher, int flags)
{
    STACK_OF(X509) *recipients = sk_X509_new_null();
    GBytes *made = NULL;

    flags |= CMS_BINARY;
    sk_X509_push(recipients, world_bob(world, "rsa:2048")->certificate);
    made = write_cms(CMS_encrypt(recipients, NULL, cipher, (unsigned int)(flags | CMS_PARTIAL)),
                     content, flags);
    sk_X509_free(recipients);
    return made;
}

/* OpenSSL has no zlib in it here: ours. */
static GBytes *
compress(void)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = seal_mail_compress(plain, NULL);

    return test_cms_of(mail);
}

static gboolean
is_inside(GBytes *part, GBytes *whole)
{
    SealBytes in = seal_bytes_view(part);
    SealBytes all = seal_bytes_view(whole);

    return in.data >= all.data && in.data + in.len <= all.data + all.len;
}

static void
test_one_piece(World *world, gconstpointer data)
{
    g_autoptr(GBytes) content = text();
    g_autoptr(GBytes) signed_data = sign(world, content, 0);
    g_autoptr(GBytes) enveloped = encrypt(world, content, EVP_aes_256_cbc(), 0);
    g_autoptr(GBytes) authenticated = encrypt(world, content, EVP_aes_256_gcm(), 0);
    g_autoptr(GBytes) compressed = compress();
    GBytes *messages[] = {signed_data, enveloped, authenticated, compressed};

    for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(SealMessage) message = seal_message_read(messages[i]);

        g_assert_nonnull(message);
        g_assert_nonnull(message->content);
        g_assert_true(is_inside(message->content, messages[i]));
        g_assert_true(messages[i] == compressed || g_bytes_get_size(message->content) >= TEXT_LEN);
    }
}

static void
test_segments(World *world, gconstpointer data)
{
    g_autoptr(GBytes) content = text();
    g_autoptr(GBytes) signed_data = sign(world, content, CMS_STREAM);
    g_autoptr(GBytes) enveloped = encrypt(world, content, EVP_aes_256_cbc(), CMS_STREAM);
    g_autoptr(SealMessage) first = seal_message_read(signed_data);
    g_autoptr(SealMessage) second = seal_message_read(enveloped);

    g_assert_true(first && first->content);
    g_assert_true(g_bytes_equal(first->content, content));
    g_assert_true(second && second->content);
    g_assert_cmpuint(g_bytes_get_size(second->content), ==, TEXT_LEN / 16 * 16 + 16);
}

/* An end of contents in the middle of a definite length: who read on behind it in an indefinite one
 * would see another message than OpenSSL does. */
static void
test_stray_end(World *world, gconstpointer data)
{
    static const guint8 stray[] = {0x30, 0x17, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                   0x0d, 0x01, 0x07, 0x02, 0xa0, 0x0a, 0x30, 0x08, 0x02,
                                   0x01, 0x01, 0x31, 0x00, 0x00, 0x00, 0x05};
    g_autoptr(GBytes) cms = g_bytes_new_static(stray, sizeof stray);
    g_autoptr(SealMessage) message = seal_message_read(cms);

    g_assert_true(!message || !message->content);
}

static void
test_empty(void)
{
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    g_autoptr(SealMessage) message = seal_message_read(nothing);
    g_autoptr(GBytes) plain = seal_plain_take(NULL, 0);

    g_assert_null(message);
    g_assert_cmpuint(g_bytes_get_size(plain), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/smime/message/in-one-piece/content-is-not-copied", World, NULL, world_open,
               test_one_piece, world_close);
    g_test_add("/smime/message/in-segments/content-is-joined-once", World, NULL, world_open,
               test_segments, world_close);
    g_test_add("/smime/message/stray-end-of-contents/left-to-openssl", World, NULL, world_open,
               test_stray_end, world_close);
    g_test_add_func("/smime/message/nothing/is-no-message", test_empty);
    return g_test_run();
}
