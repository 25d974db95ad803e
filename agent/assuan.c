/* Assuan lines between the agent and a pinentry.
 *
 * libassuan is not used: its client calls wait for the answer inside the call, and the agent has
 * one thread that must not wait for a person. The protocol's share that a pinentry needs is small:
 * lines of at most 1000 bytes, a keyword first, %XX escapes in data (the manual of libassuan,
 * "Assuan protocol").
 *
 * Bytes go by read(2) from the pipe into one SealSecret, and from there, unescaped, into the
 * SealSecret of the answer: a PIN is in no other memory. A line that was taken out is wiped at the
 * next use of the reader. After the first malformed or over-long line nothing is read any more: a
 * peer that speaks something else is ended, not understood. */
#include "agent/assuan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NAME_CHARACTERS 64

struct SealAssuanReader {
    SealSecret *buffer; /* what was read and not taken, from the start */
    size_t taken;       /* bytes of the line that was given out last, LF included */
    gboolean failed;
};

SealAssuanReader *
seal_assuan_reader_new(void)
{
    SealAssuanReader *reader = g_new0(SealAssuanReader, 1);

    reader->buffer = seal_secret_new(SEAL_ASSUAN_LINE_MAX + 1);
    return reader;
}

void
seal_assuan_reader_free(SealAssuanReader *reader)
{
    if (!reader)
        return;
    seal_secret_free(reader->buffer);
    g_free(reader);
}

/* Forgets the line that was given out last; what follows it moves to the start. */
static void
drop_taken(SealAssuanReader *reader)
{
    unsigned char *data = seal_secret_data(reader->buffer);
    size_t left = seal_secret_len(reader->buffer) - reader->taken;

    if (reader->taken == 0)
        return;
    memmove(data, data + reader->taken, left);
    seal_secret_set_len(reader->buffer, left);
    reader->taken = 0;
}

int
seal_assuan_reader_fill(SealAssuanReader *reader, int fd)
{
    size_t len = 0, room = 0;
    ssize_t got = 0;

    drop_taken(reader);
    len = seal_secret_len(reader->buffer);
    room = seal_secret_capacity(reader->buffer) - len;
    if (room == 0)
        return -EMSGSIZE;
    do
        got = read(fd, seal_secret_data(reader->buffer) + len, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    seal_secret_set_len(reader->buffer, len + (size_t)got);
    return (int)got;
}

size_t
seal_assuan_reader_feed(SealAssuanReader *reader, const void *data, size_t len)
{
    size_t room = 0;

    drop_taken(reader);
    room = seal_secret_capacity(reader->buffer) - seal_secret_len(reader->buffer);
    len = MIN(len, room);
    (void)seal_secret_append(reader->buffer, data, len);
    return len;
}

/* What a line can begin with; a keyword stands alone or is followed by a space. */
static const struct {
    const char *word;
    SealAssuanKind kind;
} keywords[] = {
    {"OK", SEAL_ASSUAN_OK},    {"ERR", SEAL_ASSUAN_ERR},         {"D", SEAL_ASSUAN_DATA},
    {"S", SEAL_ASSUAN_STATUS}, {"INQUIRE", SEAL_ASSUAN_INQUIRE},
};

/* The text after `word` in [text, text + len), or NULL if the line does not begin with it. */
static const char *
after_word(const char *text, size_t len, const char *word)
{
    size_t word_len = strlen(word);

    if (len < word_len || memcmp(text, word, word_len) != 0)
        return NULL;
    if (len == word_len)
        return text + len;
    return text[word_len] == ' ' ? text + word_len + 1 : NULL;
}

/* Reads the decimal code of an ERR line; FALSE if there is none or it exceeds 32 bits. */
static gboolean
parse_code(SealAssuanLine *line)
{
    guint64 code = 0;
    size_t digits = 0;

    while (digits < line->rest_len && g_ascii_isdigit(line->rest[digits]) && code <= G_MAXUINT32)
        code = code * 10 + (guint64)(line->rest[digits++] - '0');
    if (digits == 0 || code > G_MAXUINT32)
        return FALSE;
    if (digits < line->rest_len && line->rest[digits] != ' ')
        return FALSE;
    line->code = (uint32_t)code;
    digits += digits < line->rest_len ? 1 : 0;
    line->rest += digits;
    line->rest_len -= digits;
    return TRUE;
}

static SealAssuanLine
parse_line(const char *text, size_t len)
{
    SealAssuanLine line = {.kind = SEAL_ASSUAN_GARBAGE};

    if (memchr(text, '\0', len))
        return line;
    if (len == 0 || text[0] == '#') {
        line.kind = SEAL_ASSUAN_COMMENT;
        return line;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++) {
        const char *rest = after_word(text, len, keywords[i].word);

        if (!rest)
            continue;
        line.kind = keywords[i].kind;
        line.rest = rest;
        line.rest_len = len - (size_t)(rest - text);
        break;
    }
    if (line.kind == SEAL_ASSUAN_ERR && !parse_code(&line))
        line.kind = SEAL_ASSUAN_GARBAGE;
    return line;
}

SealAssuanLine
seal_assuan_reader_next(SealAssuanReader *reader)
{
    SealAssuanLine line = {.kind = SEAL_ASSUAN_NOTHING};
    const char *text = NULL, *end = NULL;
    size_t len = 0;

    drop_taken(reader);
    text = (const char *)seal_secret_peek(reader->buffer);
    len = seal_secret_len(reader->buffer);
    end = memchr(text, '\n', len);
    if (reader->failed)
        line.kind = SEAL_ASSUAN_GARBAGE;
    else if (end)
        line = parse_line(text, (size_t)(end - text));
    else if (len > SEAL_ASSUAN_LINE_MAX)
        line.kind = SEAL_ASSUAN_GARBAGE;
    reader->failed = line.kind == SEAL_ASSUAN_GARBAGE;
    if (end && !reader->failed)
        reader->taken = (size_t)(end - text) + 1;
    return line;
}

gboolean
seal_assuan_data_append(const SealAssuanLine *line, SealSecret *out)
{
    for (size_t i = 0; i < line->rest_len; i++) {
        char byte = line->rest[i];

        if (byte == '%') {
            if (line->rest_len - i < 3 || !g_ascii_isxdigit(line->rest[i + 1]) ||
                !g_ascii_isxdigit(line->rest[i + 2]))
                return FALSE;
            byte = (char)(g_ascii_xdigit_value(line->rest[i + 1]) * 16 +
                          g_ascii_xdigit_value(line->rest[i + 2]));
            i += 2;
        }
        if (!seal_secret_append(out, &byte, 1))
            return FALSE;
    }
    return TRUE;
}

gboolean
seal_assuan_status_is(const SealAssuanLine *line, const char *keyword, const char *text)
{
    const char *rest = NULL;
    size_t left = 0;

    if (line->kind != SEAL_ASSUAN_STATUS)
        return FALSE;
    rest = after_word(line->rest, line->rest_len, keyword);
    if (!rest || !text)
        return rest != NULL;
    left = line->rest_len - (size_t)(rest - line->rest);
    return left == strlen(text) && memcmp(rest, text, left) == 0;
}

/* Characters that hide or reorder others: soft hyphen, Arabic letter mark, the marks, embeddings,
 * overrides and isolates of the bidirectional algorithm (UAX 9), zero-width ones, tags. GLib calls
 * them all "format"; separators of lines and paragraphs are as bad. */
static gboolean
is_deceptive(gunichar character)
{
    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
        return TRUE;
    default:
        return FALSE;
    }
}

/* Up to `characters` of `text`; `line_feeds`: LF stays. */
static char *
clean(const char *text, glong characters, gboolean line_feeds)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    GString *out = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);

        if (characters-- == 0) {
            g_string_append(out, "...");
            break;
        }
        if (character == '\n' && line_feeds)
            g_string_append_c(out, '\n');
        else if (g_unichar_isspace(character))
            g_string_append_c(out, ' ');
        else if (is_deceptive(character))
            g_string_append_c(out, '?');
        else
            g_string_append_unichar(out, character == '<' ? '(' : character);
    }
    return g_string_free(out, FALSE);
}

char *
seal_assuan_text_clean(const char *text)
{
    return clean(text, G_MAXLONG, TRUE);
}

char *
seal_assuan_name_clean(const char *name)
{
    return clean(name, NAME_CHARACTERS, FALSE);
}

char *
seal_assuan_command(const char *verb, const char *text)
{
    GString *line = g_string_new(verb);
    g_autofree char *shown = text ? seal_assuan_text_clean(text) : NULL;

    if (shown)
        g_string_append_c(line, ' ');
    for (const char *at = shown; at && *at; at = g_utf8_next_char(at)) {
        gboolean escaped = *at == '%' || *at == '\r' || *at == '\n';
        gsize len = escaped ? 3 : (gsize)(g_utf8_next_char(at) - at);

        if (line->len + len > SEAL_ASSUAN_LINE_MAX)
            break;
        if (escaped)
            g_string_append_printf(line, "%%%02X", (guint)*at);
        else
            g_string_append_len(line, at, (gssize)len);
    }
    g_string_append_c(line, '\n');
    return g_string_free(line, FALSE);
}
