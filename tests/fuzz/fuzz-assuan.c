/* What a pinentry says. The stream is cut into the pieces that its first byte asks for, as a pipe
 * might; whatever comes in, the reader gives lines within their limit and decodes data into a
 * bounded secret. */
#include <glib.h>

#include "agent/assuan.h"
#include "tests/fuzz/fuzz.h"

enum { PIN_CAPACITY = 64 };

/* Takes all lines out. Returns FALSE once the reader gave up. */
static gboolean
take_lines(SealAssuanReader *reader, SealSecret *pin)
{
    for (;;) {
        SealAssuanLine line = seal_assuan_reader_next(reader);

        g_assert_cmpuint(line.rest_len, <=, SEAL_ASSUAN_LINE_MAX);
        if (line.kind == SEAL_ASSUAN_NOTHING)
            return TRUE;
        if (line.kind == SEAL_ASSUAN_GARBAGE)
            return FALSE;
        if (line.kind == SEAL_ASSUAN_DATA)
            (void)seal_assuan_data_append(&line, pin);
        if (line.kind == SEAL_ASSUAN_STATUS)
            (void)seal_assuan_status_is(&line, "BUTTON_INFO", "close");
        g_assert_cmpuint(seal_secret_len(pin), <=, PIN_CAPACITY);
    }
}

static void
try_text(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *shown = seal_assuan_text_clean(text);
    g_autofree char *name = seal_assuan_name_clean(text);

    g_assert_true(g_utf8_validate(shown, -1, NULL));
    g_assert_true(g_utf8_validate(name, -1, NULL));
    g_assert_cmpint(g_utf8_strlen(name, -1), <=, 64 + 3);
    for (const char *at = shown; *at != '\0'; at++)
        g_assert_true(*at == '\n' || (guint8)*at >= 0x20);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(SealAssuanReader) reader = seal_assuan_reader_new();
    g_autoptr(SealSecret) pin = seal_secret_new(PIN_CAPACITY);
    size_t piece = 0;
    gboolean going = TRUE;

    if (size == 0)
        return 0;
    piece = (size_t)data[0] + 1;
    try_text(data + 1, size - 1);
    for (size_t at = 1; at < size && going;) {
        size_t taken = seal_assuan_reader_feed(reader, data + at, MIN(piece, size - at));

        going = taken > 0 && take_lines(reader, pin);
        at += taken;
    }
    return 0;
}
