/* Our own messages taken apart, changed and put together again: what no program would write. */
#include "tests/smime/dissect.h"

#include "smime/compression.h"
#include "tests/smime/world.h"

#include <openssl/objects.h>
#include <zlib.h>

GBytes *
test_cms_of(GBytes *mail)
{
    gsize len = 0;
    const char *text = g_bytes_get_data(mail, &len);
    const char *body = g_strstr_len(text, (gssize)len, "\r\n\r\n");
    g_autofree char *base64 = g_strndup(body, (gsize)(text + len - body));
    gsize der_len = 0;
    guchar *der = g_base64_decode(base64, &der_len);

    return g_bytes_new_take(der, der_len);
}

GBytes *
test_mail_of(GBytes *cms)
{
    gsize len = 0;
    const guchar *data = g_bytes_get_data(cms, &len);
    g_autofree char *base64 = g_base64_encode(data, len);
    g_autofree char *mail =
        g_strdup_printf("From: alice@example.org\r\n"
                        "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n",
                        base64);

    return world_bytes(mail);
}

gpointer
test_take_apart(GBytes *mail, const ASN1_ITEM *item)
{
    g_autoptr(GBytes) cms = test_cms_of(mail);
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(cms, &len);
    g_autoptr(SealContentInfo) info = seal_asn1_read(ASN1_ITEM_rptr(SealContentInfo), data, len);
    gpointer value = NULL;

    g_assert_nonnull(info);
    value = ASN1_item_unpack(info->content->value.sequence, item);
    g_assert_nonnull(value);
    return value;
}

GBytes *
test_put_together(gpointer value, const ASN1_ITEM *item, int nid)
{
    g_autoptr(SealContentInfo) info = seal_asn1_new(ASN1_ITEM_rptr(SealContentInfo));
    g_autoptr(GBytes) cms = NULL;
    ASN1_STRING *packed = NULL;

    ASN1_item_pack(value, item, &packed);
    info->type = OBJ_nid2obj(nid);
    info->content = ASN1_TYPE_new();
    ASN1_TYPE_set(info->content, V_ASN1_SEQUENCE, packed);
    cms = seal_asn1_write(ASN1_ITEM_rptr(SealContentInfo), info);
    return test_mail_of(cms);
}

GByteArray *
test_stream_of_zeroes(gsize len)
{
    static guint8 zeroes[1024 * 1024];
    static guint8 out[64 * 1024];
    GByteArray *packed = g_byte_array_new();
    z_stream stream = {0};
    int said = Z_OK;

    g_assert_cmpint(deflateInit(&stream, Z_BEST_SPEED), ==, Z_OK);
    while (said != Z_STREAM_END) {
        if (stream.avail_in == 0 && len > 0) {
            stream.next_in = zeroes;
            stream.avail_in = (uInt)MIN(len, sizeof zeroes);
            len -= stream.avail_in;
        }
        stream.next_out = out;
        stream.avail_out = sizeof out;
        said = deflate(&stream, len > 0 ? Z_NO_FLUSH : Z_FINISH);
        g_byte_array_append(packed, out, (guint)(sizeof out - stream.avail_out));
    }
    deflateEnd(&stream);
    return packed;
}

/* `content` in a compressed mail; at level 0 nothing is made smaller. */
static GBytes *
compress_at(int level, GBytes *content)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) small = seal_mail_compress(plain, NULL);
    g_autoptr(SealCompressedData) data = test_take_apart(small, ASN1_ITEM_rptr(SealCompressedData));
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(content, &len);
    uLongf room = compressBound(len);
    g_autofree guint8 *stream = g_malloc(room);

    g_assert_cmpint(compress2(stream, &room, bytes, len, level), ==, Z_OK);
    ASN1_OCTET_STRING_set(data->encapsulated->content, stream, (int)room);
    return test_put_together(data, ASN1_ITEM_rptr(SealCompressedData),
                             NID_id_smime_ct_compressedData);
}

GBytes *
test_bombs_in_bombs(void)
{
    const gsize len = (gsize)64 * 1024 * 1024;
    g_autoptr(GBytes) innermost = g_bytes_new_take(g_malloc0(len), len);
    g_autoptr(GBytes) second = compress_at(0, innermost);
    g_autoptr(GBytes) third = compress_at(0, second);

    return compress_at(Z_BEST_SPEED, third);
}
