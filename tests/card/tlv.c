/* Tags of one and two bytes and lengths of up to three are all that PIV knows. What comes from the
 * terminal is read with bounds: a program under test may send anything. */
#include "tests/card/tlv.h"

static void
put_tag(GByteArray *out, guint32 tag)
{
    if (tag > 0xffff)
        seal_put_u8(out, (guint8)(tag >> 16));
    if (tag > 0xff)
        seal_put_u8(out, (guint8)(tag >> 8));
    seal_put_u8(out, (guint8)tag);
}

void
seal_tlv_put(GByteArray *out, guint32 tag, const void *value, gsize len)
{
    g_assert_cmpuint(len, <=, 0xffffff);
    put_tag(out, tag);
    if (len > 0xffff)
        seal_put_bytes(out, (const guint8[]){0x83, (guint8)(len >> 16), (guint8)(len >> 8)}, 3);
    else if (len > 0xff)
        seal_put_bytes(out, (const guint8[]){0x82, (guint8)(len >> 8)}, 2);
    else if (len > 0x7f)
        seal_put_u8(out, 0x81);
    seal_put_u8(out, (guint8)len);
    seal_put_bytes(out, value, len);
}

static guint32
read_tag(SealReader *reader)
{
    guint32 tag = seal_reader_u8(reader);

    return (tag & 0x1f) == 0x1f ? tag << 8 | seal_reader_u8(reader) : tag;
}

static gsize
read_len(SealReader *reader)
{
    guint8 first = seal_reader_u8(reader);
    gsize len = 0;

    if (first < 0x80)
        return first;
    if (first == 0x80 || first > 0x83)
        reader->failed = TRUE;
    for (guint8 i = 0; i < (first & 0x7f) && !reader->failed; i++)
        len = len << 8 | seal_reader_u8(reader);
    return len;
}

gboolean
seal_tlv_next(SealReader *reader, guint32 *ret_tag, SealBytes *ret_value)
{
    if (reader->left == 0)
        return FALSE;
    *ret_tag = read_tag(reader);
    *ret_value = seal_reader_bytes(reader, read_len(reader));
    return !reader->failed;
}

gboolean
seal_tlv_find(SealBytes bytes, guint32 tag, SealBytes *ret_value)
{
    SealReader reader;
    guint32 found = 0;

    seal_reader_init(&reader, bytes.data, bytes.len);
    while (seal_tlv_next(&reader, &found, ret_value))
        if (found == tag)
            return TRUE;
    return FALSE;
}
