/* Bounded bytes: what is written reads back, what is short, long or no text fails for good. */
#include "base/bytes.h"

#include <string.h>

static void
test_values_read_back(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree char *text = NULL;
    SealReader reader;
    SealBytes bytes;

    seal_put_u8(out, 0xfe);
    seal_put_u16(out, 0xfedc);
    seal_put_u32(out, 0xfedcba98);
    seal_put_u64(out, G_GUINT64_CONSTANT(0xfedcba9876543210));
    seal_put_bytes(out, "ab", 2);
    seal_put_sized(out, "cde", 3);
    seal_put_text(out, "Grüße");
    seal_reader_init(&reader, out->data, out->len);
    g_assert_cmphex(seal_reader_u8(&reader), ==, 0xfe);
    g_assert_cmphex(seal_reader_u16(&reader), ==, 0xfedc);
    g_assert_cmphex(seal_reader_u32(&reader), ==, 0xfedcba98);
    g_assert_true(seal_reader_u64(&reader) == G_GUINT64_CONSTANT(0xfedcba9876543210));
    bytes = seal_reader_bytes(&reader, 2);
    g_assert_cmpmem(bytes.data, bytes.len, "ab", 2);
    bytes = seal_reader_sized(&reader, 3);
    g_assert_cmpmem(bytes.data, bytes.len, "cde", 3);
    g_assert_false(seal_reader_done(&reader));
    text = seal_reader_text(&reader, 100);
    g_assert_cmpstr(text, ==, "Grüße");
    g_assert_true(seal_reader_done(&reader));
}

static void
test_reading_beyond_the_end_fails_for_good(void)
{
    SealReader reader;

    seal_reader_init(&reader, "\1\2\3", 3);
    g_assert_cmpuint(seal_reader_u32(&reader), ==, 0);
    g_assert_true(reader.failed);
    /* three bytes are there, but nothing is believed any more */
    g_assert_cmpuint(seal_reader_u8(&reader), ==, 0);
    g_assert_cmpuint(seal_reader_bytes(&reader, 1).len, ==, 0);
    g_assert_null(seal_reader_text(&reader, 10));
    g_assert_false(seal_reader_done(&reader));
}

static void
test_limits_are_kept(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    SealReader reader;

    seal_put_sized(out, "abc", 3);
    seal_reader_init(&reader, out->data, out->len);
    g_assert_cmpuint(seal_reader_sized(&reader, 2).len, ==, 0);
    g_assert_true(reader.failed);
}

static void
test_length_beyond_the_end_fails(void)
{
    static const guint32 huge[] = {G_MAXUINT32, 0};
    SealReader reader;

    seal_reader_init(&reader, huge, sizeof huge);
    g_assert_cmpuint(seal_reader_sized(&reader, G_MAXSIZE).len, ==, 0);
    g_assert_true(reader.failed);
}

static void
expect_no_text(const void *data, gsize len)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    SealReader reader;

    seal_put_sized(out, data, len);
    seal_reader_init(&reader, out->data, out->len);
    g_assert_null(seal_reader_text(&reader, 100));
    g_assert_true(reader.failed);
}

static void
test_text_is_utf8_without_nul(void)
{
    expect_no_text("a\xff", 2);
    expect_no_text("a\0b", 3);
    expect_no_text("\xc3", 1);
}

static void
test_missing_text_is_empty(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree char *text = NULL;
    SealReader reader;

    seal_put_text(out, NULL);
    seal_put_bytes(out, NULL, 0);
    seal_reader_init(&reader, out->data, out->len);
    text = seal_reader_text(&reader, 0);
    g_assert_cmpstr(text, ==, "");
    g_assert_true(seal_reader_done(&reader));
}

static void
test_nothing_is_done_at_once(void)
{
    SealReader reader;

    seal_reader_init(&reader, NULL, 0);
    g_assert_true(seal_reader_done(&reader));
    g_assert_cmpuint(seal_reader_bytes(&reader, 0).len, ==, 0);
    g_assert_true(seal_reader_done(&reader));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bytes/values/read-back", test_values_read_back);
    g_test_add_func("/bytes/beyond-the-end/fails-for-good",
                    test_reading_beyond_the_end_fails_for_good);
    g_test_add_func("/bytes/limits/are-kept", test_limits_are_kept);
    g_test_add_func("/bytes/length/beyond-the-end-fails", test_length_beyond_the_end_fails);
    g_test_add_func("/bytes/text/is-utf8-without-nul", test_text_is_utf8_without_nul);
    g_test_add_func("/bytes/text/missing-is-empty", test_missing_text_is_empty);
    g_test_add_func("/bytes/nothing/is-done", test_nothing_is_done_at_once);
    return g_test_run();
}
