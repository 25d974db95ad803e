/* Drafts: what is written is what was measured, at every length that changes the DER around it, and
 * a mail that changes in between gets no end. Other programs read them in test-interop.c. */
#include <string.h>

#include "base/error.h"
#include "smime/der-frame.h"
#include "smime/smime.h"
#include "tests/smime/softkeys.h"
#include "tests/smime/world.h"

/* Lengths around which DER needs one more byte (X.690 8.1.3.4), or a buffer is full. */
static const gsize lengths[] = {0,   1,     127,   128,           255,
                                256, 65535, 65536, SEAL_SINK_LEN, SEAL_SINK_LEN + 1};

static void
put(GByteArray *whole, GBytes *bytes)
{
    seal_put_bytes(whole, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* SEQUENCE { SEQUENCE { INTEGER 5, OCTET STRING mark }, BOOLEAN TRUE } */
static GBytes *
new_nested(const uint8_t *mark)
{
    static const uint8_t head[] = {0x30, 26, 0x30, 21, 0x02, 1, 5, 0x04, SEAL_DER_MARK_LEN};
    static const uint8_t tail[] = {0x01, 1, 0xff};
    GByteArray *der = g_byte_array_new();

    seal_put_bytes(der, head, sizeof head);
    seal_put_bytes(der, mark, SEAL_DER_MARK_LEN);
    seal_put_bytes(der, tail, sizeof tail);
    return g_byte_array_free_to_bytes(der);
}

static GByteArray *
frame(gsize content_len)
{
    g_autofree uint8_t *content = g_malloc0(content_len + 1);
    uint8_t mark[SEAL_DER_MARK_LEN];
    GByteArray *whole = g_byte_array_new();
    g_autoptr(GBytes) der = NULL;
    g_autoptr(GBytes) before = NULL;
    g_autoptr(GBytes) after = NULL;

    seal_der_mark_make(mark);
    der = new_nested(mark);
    seal_der_frame(der, mark, content_len, &before, &after);
    put(whole, before);
    seal_put_bytes(whole, content, content_len);
    put(whole, after);
    return whole;
}

/* OpenSSL reads the frame with its content as one structure, which it writes the same way. */
static void
test_frame(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GByteArray) whole = frame(lengths[i]);
        const unsigned char *at = whole->data;
        unsigned char *again = NULL;
        STACK_OF(ASN1_TYPE) *outer = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)whole->len);
        const ASN1_STRING *middle = NULL;
        STACK_OF(ASN1_TYPE) *inner = NULL;

        g_assert_true(outer && at == whole->data + whole->len);
        g_assert_cmpint(sk_ASN1_TYPE_num(outer), ==, 2);
        middle = sk_ASN1_TYPE_value(outer, 0)->value.sequence;
        at = ASN1_STRING_get0_data(middle);
        inner = d2i_ASN1_SEQUENCE_ANY(NULL, &at, ASN1_STRING_length(middle));
        g_assert_cmpint(sk_ASN1_TYPE_num(inner), ==, 2);
        g_assert_cmpint(ASN1_STRING_length(sk_ASN1_TYPE_value(inner, 1)->value.octet_string), ==,
                        (int)lengths[i]);
        g_assert_cmpint(i2d_ASN1_SEQUENCE_ANY(outer, &again), ==, (int)whole->len);
        g_assert_cmpmem(again, whole->len, whole->data, whole->len);
        OPENSSL_free(again);
        sk_ASN1_TYPE_pop_free(inner, ASN1_TYPE_free);
        sk_ASN1_TYPE_pop_free(outer, ASN1_TYPE_free);
    }
}

/* -- mail ------------------------------------------------------------------------------------- */

#define FIELDS "From: alice@example.org\r\nContent-Type: text/plain\r\n\r\n"
#define INSIDE "Content-Type: text/plain\r\n\r\n"

/* A mail whose body has `len` letters in one line. */
static GBytes *
new_mail(gsize len)
{
    g_autofree char *letters = g_strnfill(len, 'x');

    return g_bytes_new_take(g_strconcat(FIELDS, letters, NULL), strlen(FIELDS) + len);
}

static void
assert_opens(World *world, GBytes *mail, SealVerdict verdict, gsize len)
{
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = world_open_mail(world, SEAL_OPEN_ALL, mail, verdict, &content);
    g_autofree char *letters = g_strnfill(len, 'x');
    g_autofree char *expected = g_strconcat(INSIDE, letters, NULL);

    g_assert_true(report->good);
    g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content), expected,
                    strlen(expected));
}

static void
test_opaque(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    TestIdentity *alice = world_alice(world, "ec:P-256");

    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GBytes) mail = new_mail(lengths[i]);
        g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
        g_autoptr(GBytes) signed_mail = world_sign(world, alice, text, &opaque);

        assert_opens(world, signed_mail, SEAL_VERDICT_OK, lengths[i]);
    }
}

/* `data`: the cipher. */
static void
test_encrypted(World *world, gconstpointer data)
{
    const SealEncryptOptions options = {.cipher = (SealContentCipher)GPOINTER_TO_INT(data)};
    TestIdentity *bob = world_bob(world, "ec:P-256");

    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GBytes) mail = new_mail(lengths[i]);
        g_autoptr(GBytes) encrypted = world_encrypt(mail, &options, bob, NULL);

        assert_opens(world, encrypted,
                     seal_content_cipher_is_authenticated(options.cipher)
                         ? SEAL_VERDICT_DECRYPTED
                         : SEAL_VERDICT_DECRYPTED_NOAUTH,
                     lengths[i]);
    }
}

/* A draft of `letters`, which the caller can change afterwards, signed by Alice. */
static SealDraft *
sign_letters(World *world, char *letters, const SealSignOptions *options)
{
    g_autoptr(GBytes) mail = g_bytes_new_static(letters, strlen(letters));
    SealSigner signer = test_signer(world_alice(world, "ec:P-256"), world->chain);
    const SealSigner *signers[] = {&signer};
    g_autoptr(GError) error = NULL;
    SealDraft *letter = seal_draft_new(mail, SEAL_TRANSFER_ANY, &error);
    SealDraft *draft = seal_draft_sign(letter, signers, 1, options, &error);

    g_assert_no_error(error);
    test_signer_clear(&signer);
    return draft;
}

static void
assert_changed(SealDraft *draft)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = seal_draft_to_bytes(draft, &error);

    g_assert_null(bytes);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_nonnull(strstr(error->message, "changed"));
}

static void
test_changed(World *world, gconstpointer data)
{
    for (int opaque = FALSE; opaque <= TRUE; opaque++) {
        const SealSignOptions options = {.opaque = opaque};
        char letters[] = FIELDS "letters\r\n";
        g_autoptr(SealDraft) draft = sign_letters(world, letters, &options);

        letters[strlen(FIELDS)] = 'L';
        assert_changed(draft);
    }
}

/* Its length was written in front of it already. */
static void
test_grown(World *world, gconstpointer data)
{
    char letters[] = FIELDS "letters\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(letters, strlen(letters));
    g_autoptr(GBytes) bob = test_identity_der(world_bob(world, "ec:P-256"));
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    SealDraft *letter = seal_draft_new(mail, SEAL_TRANSFER_ANY, &error);
    g_autoptr(SealDraft) draft = NULL;

    g_ptr_array_add(recipients, bob);
    draft = seal_draft_encrypt(letter, recipients, NULL, &error);
    g_assert_no_error(error);
    letters[strlen(FIELDS)] = '\n'; /* becomes CRLF */
    assert_changed(draft);
}

/* A signature inside of an encryption, without the bytes between. */
static void
test_nested(World *world, gconstpointer data)
{
    char letters[] = WORLD_MAIL;
    SealDraft *signed_mail = sign_letters(world, letters, NULL);
    g_autoptr(GBytes) bob = test_identity_der(world_bob(world, "ec:P-256"));
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(SealDraft) draft = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(SealReport) report = NULL;

    g_ptr_array_add(recipients, bob);
    draft = seal_draft_encrypt(signed_mail, recipients, NULL, &error);
    mail = seal_draft_to_bytes(draft, &error);
    g_assert_no_error(error);
    report = world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, NULL);
    g_assert_cmpuint(report->layers->len, ==, 2);
}

static void
add(const char *path, gconstpointer data, void (*test)(World *, gconstpointer))
{
    g_test_add(path, World, data, world_open, test, world_close);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/der-frame/each-length/is-der", test_frame);
    add("/draft/opaque/each-length/opens", NULL, test_opaque);
    add("/draft/cbc/each-length/opens", GINT_TO_POINTER(SEAL_CONTENT_AES256_CBC), test_encrypted);
    add("/draft/gcm/each-length/opens", GINT_TO_POINTER(SEAL_CONTENT_AES128_GCM), test_encrypted);
    add("/draft/signed-inside-encrypted/opens", NULL, test_nested);
    add("/draft/mail-changed-after-signing/is-not-ended", NULL, test_changed);
    add("/draft/mail-grown-after-measuring/is-not-ended", NULL, test_grown);
    return g_test_run();
}
