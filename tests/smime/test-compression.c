/* Compressed mail: what is in it, what ends it, and that it never counts as protection. Debian's
 * OpenSSL has no zlib in it, so the other implementation is Bouncy Castle. */
#include "smime/compression.h"
#include "smime/entity.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"
#include "tests/support/home.h"

#include <openssl/objects.h>
#include <string.h>

static GBytes *
compressed(const char *mail)
{
    g_autoptr(GBytes) bytes = world_bytes(mail);
    g_autoptr(GError) error = NULL;
    GBytes *made = seal_mail_compress(bytes, &error);

    g_assert_no_error(error);
    return made;
}

static const SealLayerReport *
layer_of(const SealReport *report, guint index)
{
    g_assert_cmpuint(report->layers->len, >, index);
    return g_ptr_array_index(report->layers, index);
}

/* -- what is in it ---------------------------------------------------------------------------- */

static void
test_alone(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = compressed(WORLD_MAIL);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK_PLAIN, &content);
    g_autoptr(SealReport) asked = NULL;

    g_assert_true(world_has(mail, "Subject: The seal\r\n"));
    g_assert_true(world_has(mail, "smime-type=compressed-data"));
    g_assert_true(world_has(mail, "filename=\"smime.p7z\""));
    g_assert_true(world_has(content, "Content-Type: text/plain; charset=utf-8\r\n\r\n" WORLD_TEXT));
    g_assert_cmpint(layer_of(report, 0)->type, ==, SEAL_LAYER_COMPRESSED);
    g_assert_cmpstr(g_ptr_array_index(layer_of(report, 0)->algorithms, 0), ==, "zlib");
    asked = world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_UNSIGNED, NULL);
    g_assert_false(asked->good);
}

static void
test_signed(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) inner = compressed(WORLD_MAIL);
    g_autofree char *text = g_strndup(g_bytes_get_data(inner, NULL), g_bytes_get_size(inner));
    g_autoptr(GBytes) mail = world_sign(world, alice, text, NULL);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, &content);

    g_assert_true(world_has(content, WORLD_TEXT));
    g_assert_cmpint(layer_of(report, 1)->type, ==, SEAL_LAYER_COMPRESSED);
}

/* Signed, then compressed, then encrypted; to decrypt takes the compression off, too. */
static void
test_encrypted(World *world, gconstpointer data)
{
    g_autoptr(GBytes) signed_mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autoptr(GBytes) smaller = seal_mail_compress(signed_mail, NULL);
    g_autoptr(GBytes) mail = world_encrypt(smaller, NULL, world_bob(world, "x25519"), NULL);
    g_autoptr(GBytes) decrypted = NULL;
    g_autoptr(GBytes) opened = NULL;
    g_autoptr(SealReport) report = NULL;
    g_autoptr(SealReport) half = NULL;

    report = world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, &opened);
    g_assert_true(world_has(opened, WORLD_TEXT));
    g_assert_cmpuint(report->layers->len, ==, 3);
    half =
        world_open_mail(world, SEAL_OPEN_DECRYPT, mail, SEAL_VERDICT_DECRYPTED_NOAUTH, &decrypted);
    g_assert_cmpuint(half->layers->len, ==, 2);
    g_assert_true(world_has(decrypted, "multipart/signed"));
}

/* What Bouncy Castle 1.72 compressed. */
#define VECTOR_CONTENT "Content-Type: text/plain\r\n\r\nFrom the keeper.\r\n"

static GBytes *
vector(void)
{
    g_autofree char *path = seal_test_source("tests/smime/vectors/compressed.p7z");
    char *bytes = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    return g_bytes_new_take(bytes, len);
}

static void
test_bouncy_castle(World *world, gconstpointer data)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_ALL};
    g_autoptr(GBytes) cms = vector();
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    g_assert_true(seal_cms_open(cms, &options, &report, &content, NULL));
    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, "ok-plain");
    g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content), VECTOR_CONTENT,
                    strlen(VECTOR_CONTENT));
}

/* -- what ends it ----------------------------------------------------------------------------- */

static SealCompressedData *
parsed(void)
{
    g_autoptr(GBytes) mail = compressed(WORLD_MAIL);

    return test_take_apart(mail, ASN1_ITEM_rptr(SealCompressedData));
}

static GBytes *
repacked(SealCompressedData *data)
{
    return test_put_together(data, ASN1_ITEM_rptr(SealCompressedData),
                             NID_id_smime_ct_compressedData);
}

static void
test_limit_is_exact(World *world, gconstpointer data)
{
    g_autoptr(SealCompressedData) message = parsed();
    g_autoptr(GBytes) whole = NULL;
    g_autoptr(GBytes) exact = NULL;
    GBytes *beyond = NULL;
    const char *reason = NULL;
    g_autoptr(GBytes) packed = seal_octets_dup(message->encapsulated->content);
    gsize len = 0;

    g_assert_cmpint(seal_compressed_data_expand(message, packed, SEAL_MAIL_MAX, &whole, &reason),
                    ==, SEAL_VERDICT_OK);
    len = g_bytes_get_size(whole);
    g_assert_cmpint(seal_compressed_data_expand(message, packed, len, &exact, &reason), ==,
                    SEAL_VERDICT_OK);
    g_assert_true(g_bytes_equal(whole, exact));
    g_assert_cmpint(seal_compressed_data_expand(message, packed, len - 1, &beyond, &reason), ==,
                    SEAL_VERDICT_RESOURCE_LIMIT);
    g_assert_null(beyond);
}

static void
test_bomb(World *world, gconstpointer data)
{
    g_autoptr(GByteArray) stream = test_stream_of_zeroes(SEAL_MAIL_MAX + 1);
    g_autoptr(SealCompressedData) message = parsed();
    g_autoptr(GBytes) mail = NULL;

    g_assert_cmpuint(stream->len, <, 4 * 1024 * 1024);
    ASN1_OCTET_STRING_set(message->encapsulated->content, stream->data, (int)stream->len);
    mail = repacked(message);
    world_expect_closed(world, mail, SEAL_VERDICT_RESOURCE_LIMIT);
}

/* A few bits between the end of the data and its checksum mean nothing. */
static void
expect_malformed_or_same(GBytes *mail)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_ALL};
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
    if (content)
        g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content), VECTOR_CONTENT,
                        strlen(VECTOR_CONTENT));
    else
        g_assert_cmpstr(seal_verdict_word(report->verdict), ==, "malformed");
}

/* The octets of Bouncy Castle's stream, damaged in one way each; whatever zlib is here, they are
 * the same. */
static void
test_damaged(World *world, gconstpointer data)
{
    g_autoptr(GBytes) cms = vector();
    g_autoptr(SealContentInfo) info = seal_content_info_read(seal_bytes_view(cms));
    g_autoptr(SealCompressedData) message =
        ASN1_item_unpack(info->content->value.sequence, ASN1_ITEM_rptr(SealCompressedData));
    ASN1_OCTET_STRING *octets = message->encapsulated->content;
    int len = ASN1_STRING_length(octets);
    g_autofree guint8 *stream = g_malloc((gsize)len + 1);
    g_autoptr(GBytes) longer = NULL;

    memcpy(stream, ASN1_STRING_get0_data(octets), (gsize)len);
    stream[len] = 0;
    for (int cut = 0; cut < len; cut++) {
        g_autoptr(GBytes) shorter = NULL;

        ASN1_OCTET_STRING_set(octets, stream, cut);
        shorter = repacked(message);
        world_expect_closed(world, shorter, SEAL_VERDICT_MALFORMED);
    }
    for (int at = 0; at < len; at++) {
        g_autoptr(GBytes) flipped = NULL;

        stream[at] ^= 0x20;
        ASN1_OCTET_STRING_set(octets, stream, len);
        stream[at] ^= 0x20;
        flipped = repacked(message);
        expect_malformed_or_same(flipped);
    }
    ASN1_OCTET_STRING_set(octets, stream, len + 1);
    longer = repacked(message);
    world_expect_closed(world, longer, SEAL_VERDICT_MALFORMED);
}

static void
test_other_structures(World *world, gconstpointer data)
{
    g_autoptr(SealCompressedData) algorithm = parsed();
    g_autoptr(SealCompressedData) type = parsed();
    g_autoptr(SealCompressedData) empty = parsed();
    g_autoptr(GBytes) unknown = NULL;
    g_autoptr(GBytes) foreign = NULL;
    g_autoptr(GBytes) nothing = NULL;

    X509_ALGOR_set0(algorithm->algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_UNDEF, NULL);
    unknown = repacked(algorithm);
    world_expect_closed(world, unknown, SEAL_VERDICT_UNSUPPORTED);
    ASN1_OBJECT_free(type->encapsulated->type);
    type->encapsulated->type = OBJ_nid2obj(NID_pkcs7_signed);
    foreign = repacked(type);
    world_expect_closed(world, foreign, SEAL_VERDICT_MALFORMED);
    g_clear_pointer(&empty->encapsulated->content, ASN1_OCTET_STRING_free);
    nothing = repacked(empty);
    world_expect_closed(world, nothing, SEAL_VERDICT_MALFORMED);
}

static void
test_nested(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    for (guint i = 0; i < SEAL_LAYERS_MAX + 1; i++) {
        GBytes *outer = seal_mail_compress(mail, NULL);

        g_bytes_unref(mail);
        mail = outer;
        if (i + 1 == SEAL_LAYERS_MAX)
            world_expect(world, mail, SEAL_VERDICT_OK_PLAIN);
    }
    world_expect_closed(world, mail, SEAL_VERDICT_NESTING_LIMIT);
}

/* Beside other parts a compressed one is an attachment like any: nothing protects it. */
static void
test_part(World *world, gconstpointer data)
{
    g_autoptr(GBytes) inner = compressed(WORLD_MAIL);
    g_autofree char *text = g_strndup(g_bytes_get_data(inner, NULL), g_bytes_get_size(inner));
    g_autofree char *mixed =
        g_strdup_printf("From: alice@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n"
                        "\r\n--b\r\n%s\r\n--b--\r\n",
                        strstr(text, "Content-Type:"));
    g_autoptr(GBytes) mail = world_bytes(mixed);

    world_expect(world, mail, SEAL_VERDICT_OK_PLAIN);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/compression/alone/is-plain-mail", test_alone},
        {"/compression/signed/is-verified-and-expanded", test_signed},
        {"/compression/signed-compressed-encrypted/opens", test_encrypted},
        {"/compression/bouncy-castle-compressed/opens", test_bouncy_castle},
        {"/compression/limit/is-exact", test_limit_is_exact},
        {"/compression/bomb/ends-at-the-limit", test_bomb},
        {"/compression/damaged/is-malformed", test_damaged},
        {"/compression/other-structures/are-refused", test_other_structures},
        {"/compression/nested/ends-at-the-limit", test_nested},
        {"/compression/part-of-a-mail/protects-nothing", test_part},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
