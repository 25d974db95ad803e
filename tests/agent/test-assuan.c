/* The lines of a pinentry: what is understood, what is refused, and that no text of ours can become
 * a second command. Expected forms are those of the Assuan manual (libassuan 2.5, "Assuan
 * protocol"). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/assuan.h"

static SealAssuanReader *
reader_with(const char *text)
{
    SealAssuanReader *reader = seal_assuan_reader_new();

    g_assert_cmpuint(seal_assuan_reader_feed(reader, text, strlen(text)), ==, strlen(text));
    return reader;
}

static void
assert_rest(const SealAssuanLine *line, const char *expected)
{
    g_assert_cmpmem(line->rest, line->rest_len, expected, strlen(expected));
}

static void
test_each_kind(void)
{
    g_autoptr(SealAssuanReader) reader =
        reader_with("OK Pleased to meet you\n# chat\nS PIN_REPEATED\nINQUIRE QUALITY abc\n"
                    "D 12%2534\nERR 83886179 Operation cancelled <Pinentry>\n");
    SealAssuanLine line = seal_assuan_reader_next(reader);

    g_assert_cmpint(line.kind, ==, SEAL_ASSUAN_OK);
    assert_rest(&line, "Pleased to meet you");
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_COMMENT);
    line = seal_assuan_reader_next(reader);
    g_assert_true(seal_assuan_status_is(&line, "PIN_REPEATED", NULL));
    g_assert_false(seal_assuan_status_is(&line, "PIN", NULL));
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_INQUIRE);
    line = seal_assuan_reader_next(reader);
    g_assert_cmpint(line.kind, ==, SEAL_ASSUAN_DATA);
    assert_rest(&line, "12%2534");
    line = seal_assuan_reader_next(reader);
    g_assert_cmpint(line.kind, ==, SEAL_ASSUAN_ERR);
    g_assert_cmpuint(line.code, ==, 83886179);
    assert_rest(&line, "Operation cancelled <Pinentry>");
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_NOTHING);
}

static void
test_status_text(void)
{
    g_autoptr(SealAssuanReader) reader = reader_with("S BUTTON_INFO close\n");
    SealAssuanLine line = seal_assuan_reader_next(reader);

    g_assert_true(seal_assuan_status_is(&line, "BUTTON_INFO", "close"));
    g_assert_false(seal_assuan_status_is(&line, "BUTTON_INFO", "clos"));
    g_assert_false(seal_assuan_status_is(&line, "BUTTON_INFO", "closed"));
}

static void
test_split_lines(void)
{
    g_autoptr(SealAssuanReader) reader = reader_with("OK");

    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_NOTHING);
    (void)seal_assuan_reader_feed(reader, "\nER", 3);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_OK);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_NOTHING);
    (void)seal_assuan_reader_feed(reader, "R 99\n", 5);
    g_assert_cmpuint(seal_assuan_reader_next(reader).code, ==, 99);
}

static void
test_garbage(void)
{
    static const char *const lines[] = {
        "HELLO\n",
        "OKAY\n",
        "ok\n",
        "ERR\n",
        "ERR x\n",
        "ERR 12x\n",
        "ERR -1\n",
        "Data\n",
        " OK\n",
        "\xff\xfe\n",
        "ERR 4294967296 too large\n",
        "ERR 99999999999999999999999\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(SealAssuanReader) reader = reader_with(lines[i]);

        g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_GARBAGE);
    }
}

static void
test_garbage_is_final(void)
{
    g_autoptr(SealAssuanReader) reader = reader_with("nonsense\nOK\n");

    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_GARBAGE);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_GARBAGE);
}

static void
test_zero_byte(void)
{
    g_autoptr(SealAssuanReader) reader = seal_assuan_reader_new();

    (void)seal_assuan_reader_feed(reader, "OK\0x\n", 5);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_GARBAGE);
}

/* 1000 bytes and the LF are a line, one more is not. */
static void
test_longest_line(void)
{
    g_autofree char *longest = g_strnfill(SEAL_ASSUAN_LINE_MAX, 'x');
    g_autofree char *too_long = g_strnfill(SEAL_ASSUAN_LINE_MAX + 1, 'x');
    g_autoptr(SealAssuanReader) reader = NULL;

    memcpy(longest, "D ", 2);
    memcpy(too_long, "D ", 2);
    reader = reader_with(longest);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_NOTHING);
    (void)seal_assuan_reader_feed(reader, "\n", 1);
    g_assert_cmpuint(seal_assuan_reader_next(reader).rest_len, ==, SEAL_ASSUAN_LINE_MAX - 2);
    g_clear_pointer(&reader, seal_assuan_reader_free);
    reader = reader_with(too_long);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_GARBAGE);
}

static void
test_reads_a_descriptor(void)
{
    g_autoptr(SealAssuanReader) reader = seal_assuan_reader_new();
    int ends[2];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    g_assert_cmpint(seal_assuan_reader_fill(reader, ends[0]), ==, -EAGAIN);
    g_assert_cmpint(write(ends[1], "OK\n", 3), ==, 3);
    g_assert_cmpint(seal_assuan_reader_fill(reader, ends[0]), ==, 3);
    g_assert_cmpint(seal_assuan_reader_next(reader).kind, ==, SEAL_ASSUAN_OK);
    close(ends[1]);
    g_assert_cmpint(seal_assuan_reader_fill(reader, ends[0]), ==, 0);
    close(ends[0]);
}

static void
test_data_is_unescaped(void)
{
    g_autoptr(SealAssuanReader) reader = reader_with("D a%25b%0Ac%0d\n");
    g_autoptr(SealSecret) out = seal_secret_new(64);
    SealAssuanLine line = seal_assuan_reader_next(reader);

    g_assert_true(seal_assuan_data_append(&line, out));
    g_assert_cmpmem(seal_secret_peek(out), seal_secret_len(out), "a%b\nc\r", 6);
}

static void
test_bad_data(void)
{
    static const char *const lines[] = {"D %\n", "D 1%2\n", "D %2g\n", "D %%25\n", "D 123456789\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(SealAssuanReader) reader = reader_with(lines[i]);
        g_autoptr(SealSecret) out = seal_secret_new(8);
        SealAssuanLine line = seal_assuan_reader_next(reader);

        g_assert_cmpint(line.kind, ==, SEAL_ASSUAN_DATA);
        g_assert_false(seal_assuan_data_append(&line, out));
    }
}

/* The bytes of a line that was taken are gone from the reader's memory at its next use. */
static void
test_taken_line_is_wiped(void)
{
    g_autoptr(SealAssuanReader) reader = reader_with("D 123456\nOK\n");
    SealAssuanLine line = seal_assuan_reader_next(reader);
    const char *pin = line.rest;

    g_assert_cmpmem(pin, 6, "123456", 6);
    (void)seal_assuan_reader_next(reader);
    (void)seal_assuan_reader_next(reader);
    for (size_t i = 0; i < 6; i++)
        g_assert_cmpint(pin[i], ==, 0);
}

static void
test_command_escapes(void)
{
    g_autofree char *plain = seal_assuan_command("GETPIN", NULL);
    g_autofree char *text = seal_assuan_command("SETDESC", "100%\nBYE\r\nGETPIN");

    g_assert_cmpstr(plain, ==, "GETPIN\n");
    g_assert_cmpstr(text, ==, "SETDESC 100%25%0ABYE %0AGETPIN\n");
}

/* Whatever a label holds, a command stays one line of at most 1000 bytes. */
static void
test_command_is_bounded(void)
{
    static const char *const units[] = {"x", "%", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xff"};

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        GString *text = g_string_new(NULL);
        g_autofree char *line = NULL;

        for (int n = 0; n < 2000; n++)
            g_string_append(text, units[i]);
        line = seal_assuan_command("SETDESC", text->str);
        g_assert_cmpuint(strlen(line), <=, SEAL_ASSUAN_LINE_MAX + 1);
        g_assert_cmpuint(strlen(line), >, SEAL_ASSUAN_LINE_MAX - 3);
        g_assert_true(strchr(line, '\n') == line + strlen(line) - 1);
        g_assert_true(g_utf8_validate(line, -1, NULL));
        g_string_free(text, TRUE);
    }
}

/* Characters that hide, reorder or pass for markup: right-to-left override, zero-width space,
 * escape, line separator, '<'. */
static void
test_text_is_cleaned(void)
{
    g_autofree char *text = seal_assuan_text_clean("a\xe2\x80\xae"
                                                   "b\xe2\x80\x8b"
                                                   "c\033[2Jd\xe2\x80\xa8"
                                                   "e<b>\tf\n\xff");

    g_assert_cmpstr(text, ==, "a?b?c?[2Jd e(b> f\n\xef\xbf\xbd");
}

static void
test_name_is_one_short_line(void)
{
    g_autofree char *longest = g_strnfill(100, 'n');
    g_autofree char *cut = seal_assuan_name_clean(longest);
    g_autofree char *lines = seal_assuan_name_clean("Blue\nTries left: 99");
    g_autofree char *none = seal_assuan_name_clean(NULL);

    g_assert_cmpuint(strlen(cut), ==, 64 + 3);
    g_assert_true(g_str_has_suffix(cut, "n..."));
    g_assert_cmpstr(lines, ==, "Blue Tries left: 99");
    g_assert_cmpstr(none, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assuan/read/every-kind-of-line", test_each_kind);
    g_test_add_func("/assuan/read/status-with-text", test_status_text);
    g_test_add_func("/assuan/read/line-in-pieces", test_split_lines);
    g_test_add_func("/assuan/read/garbage/is-refused", test_garbage);
    g_test_add_func("/assuan/read/garbage/nothing-after-it-counts", test_garbage_is_final);
    g_test_add_func("/assuan/read/garbage/zero-byte", test_zero_byte);
    g_test_add_func("/assuan/read/longest-line", test_longest_line);
    g_test_add_func("/assuan/read/from-a-descriptor", test_reads_a_descriptor);
    g_test_add_func("/assuan/read/taken-line-is-wiped", test_taken_line_is_wiped);
    g_test_add_func("/assuan/data/is-unescaped", test_data_is_unescaped);
    g_test_add_func("/assuan/data/bad-escape-or-too-long/is-refused", test_bad_data);
    g_test_add_func("/assuan/command/escapes-line-breaks", test_command_escapes);
    g_test_add_func("/assuan/command/is-bounded", test_command_is_bounded);
    g_test_add_func("/assuan/text/deceptive-characters-are-replaced", test_text_is_cleaned);
    g_test_add_func("/assuan/text/name-is-one-short-line", test_name_is_one_short_line);
    return g_test_run();
}
