/* Making a mail safe to travel without changing what it says (RFC 8551 3.1.2 and 3.1.3).
 *
 * A part that needs nothing keeps every byte. One that a gateway would change is encoded anew:
 * bytes beyond ASCII, lines over 998 bytes, blanks at the end of a line, which some gateways strip,
 * and lines that begin with "From ", which mailboxes quote. Text becomes quoted-printable, which
 * can still be read by eye, everything else base64. A nested signature covers its own bytes, so its
 * parts are left alone; so is an encoding that is not known here. */
#include "smime/transfer.h"

#include "smime/kind.h"

#include <string.h>

#define LINE_MAX_7BIT 998 /* RFC 5322 2.1.1, without CRLF */
#define QUOTED_LINE   76  /* RFC 2045 6.7, with the "=" of a soft line break */
#define BASE64_BYTES  57  /* of one line, 76 characters: RFC 2045 6.8 */
#define NESTED_MAX    16  /* levels of parts that are looked into; what lies deeper stays */

/* -- line ends -------------------------------------------------------------------------------- */

void
seal_transfer_put_canonical(SealSink *out, SealBytes bytes)
{
    const uint8_t *at = bytes.data;
    const uint8_t *end = bytes.data + bytes.len;

    while (at < end) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));

        if (!lf) {
            seal_sink_put(out, at, (gsize)(end - at));
            return;
        }
        if (lf > bytes.data && lf[-1] == '\r') {
            seal_sink_put(out, at, (gsize)(lf + 1 - at));
        } else {
            seal_sink_put(out, at, (gsize)(lf - at));
            seal_sink_put(out, "\r\n", 2);
        }
        at = lf + 1;
    }
}

static SealBytes
take_line(SealBytes *rest, gboolean *ret_ended)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    SealBytes line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t taken = end ? line.len + 1 : line.len;

    rest->data += taken;
    rest->len -= taken;
    if (end && line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    *ret_ended = end != NULL;
    return line;
}

static gboolean
starts_with_from(SealBytes line)
{
    return line.len >= 5 && memcmp(line.data, "From ", 5) == 0;
}

/* -- what a gateway would change -------------------------------------------------------------- */

static gboolean
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static gboolean
is_safe_line(SealBytes line)
{
    if (line.len > LINE_MAX_7BIT || starts_with_from(line))
        return FALSE;
    if (line.len > 0 && is_blank(line.data[line.len - 1]))
        return FALSE;
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] == 0 || line.data[i] >= 0x80 || line.data[i] == '\r')
            return FALSE;
    return TRUE;
}

static gboolean
is_safe(SealBytes text)
{
    gboolean ended = FALSE;

    while (text.len > 0)
        if (!is_safe_line(take_line(&text, &ended)))
            return FALSE;
    return TRUE;
}

/* One byte in six grows threefold: from there on base64 is shorter. */
static gboolean
is_mostly_text(SealBytes text)
{
    size_t strange = 0;

    for (size_t i = 0; i < text.len; i++)
        strange += text.data[i] >= 0x80 || (text.data[i] < ' ' && !strchr("\t\r\n", text.data[i]));
    return strange <= text.len / 6;
}

static gboolean
is_encoding(const SealEntity *entity, const char *name)
{
    return g_str_equal(entity->encoding, name);
}

/* A signature or an encryption of its own. */
static gboolean
is_sealed(const SealEntity *entity)
{
    return seal_kind_of(entity) != SEAL_KIND_PLAIN ||
           g_str_equal(entity->type, "multipart/encrypted");
}

/* Has parts, and so no encoding but these three (RFC 2045 6.4). */
gboolean
seal_transfer_reaches_parts(const SealEntity *entity)
{
    return (g_str_has_prefix(entity->type, "multipart/") ||
            g_str_equal(entity->type, "message/rfc822")) &&
           !is_sealed(entity) && seal_entity_has_no_encoding(entity);
}

static const char *
choose_for_container(const SealEntity *entity, SealTransfer transfer)
{
    if (is_encoding(entity, "7bit"))
        return NULL;
    if (transfer == SEAL_TRANSFER_7BIT)
        return "7bit";
    return is_encoding(entity, "binary") ? "8bit" : NULL;
}

/* No encoding may go around what is made of parts (RFC 2045 6.4, RFC 2046 5.2). */
static gboolean
is_composite(const SealEntity *entity)
{
    return g_str_has_prefix(entity->type, "multipart/") ||
           g_str_has_prefix(entity->type, "message/");
}

const char *
seal_transfer_choose(const SealEntity *entity, SealTransfer transfer)
{
    if (seal_transfer_reaches_parts(entity))
        return choose_for_container(entity, transfer);
    if (is_composite(entity))
        return NULL;
    if (is_encoding(entity, "binary"))
        return "base64";
    if (transfer == SEAL_TRANSFER_ANY)
        return NULL;
    if (is_encoding(entity, "quoted-printable"))
        return is_safe(entity->body) ? NULL : "quoted-printable";
    if (!seal_entity_has_no_encoding(entity) || is_safe(entity->body))
        return NULL;
    return is_mostly_text(entity->body) ? "quoted-printable" : "base64";
}

/* -- quoted-printable ------------------------------------------------------------------------- */

static gboolean
is_literal(SealBytes line, size_t at, size_t column, gboolean continued)
{
    uint8_t c = line.data[at];
    SealBytes rest = {line.data + at, line.len - at};

    if (is_blank(c))
        return at + 1 < line.len;
    if (c < '!' || c > '~' || c == '=')
        return FALSE;
    if (column > 0)
        return TRUE;
    /* A line that begins anew in the middle of one must not become a boundary. */
    return !starts_with_from(rest) && !(continued && c == '-');
}

/* `continued`: what begins here may be no beginning of a line, once it is decoded. */
static void
put_quoted_line(SealSink *out, SealBytes line, gboolean continued)
{
    size_t column = 0;

    for (size_t i = 0; i < line.len; i++) {
        gboolean literal = is_literal(line, i, column, continued);
        size_t width = literal ? 1 : 3;
        char escaped[4];

        if (column + width > QUOTED_LINE - 1) {
            seal_sink_put_text(out, "=\r\n");
            column = 0;
            continued = TRUE;
            literal = is_literal(line, i, column, continued);
        }
        g_snprintf(escaped, sizeof escaped, literal ? "%c" : "=%02X", line.data[i]);
        seal_sink_put_text(out, escaped);
        column += literal ? 1 : 3;
    }
}

static void
put_quoted(SealSink *out, SealBytes text, gboolean continued)
{
    gboolean ended = FALSE;

    while (text.len > 0) {
        put_quoted_line(out, take_line(&text, &ended), continued);
        if (ended)
            seal_sink_put_text(out, "\r\n");
    }
}

/* A line of it may look like a boundary, and was escaped so that it is none: all of them are. */
static void
put_quoted_again(SealSink *out, SealBytes text)
{
    g_autoptr(GBytes) plain = seal_quoted_printable_decode(text);

    put_quoted(out, seal_bytes_view(plain), TRUE);
}

/* -- base64 ----------------------------------------------------------------------------------- */

/* Lines of text are canonical before they are encoded (RFC 2045 6.8); binary has none. */
static void
put_leaf_base64(SealSink *out, const SealEntity *entity)
{
    SealBase64Sink base64;

    seal_base64_sink_init(&base64, BASE64_BYTES, out);
    if (is_encoding(entity, "binary"))
        seal_sink_put(&base64.sink, entity->body.data, entity->body.len);
    else
        seal_transfer_put_canonical(&base64.sink, entity->body);
    seal_sink_finish(&base64.sink);
}

/* -- parts ------------------------------------------------------------------------------------ */

static void put_body(SealSink *out, const SealEntity *entity, SealTransfer transfer, guint depth);

/* The empty line between header and body; there is none where a part has no header, or no body. */
static SealBytes
separator_of(const SealEntity *entity)
{
    const uint8_t *end = entity->header.data + entity->header.len;

    return (SealBytes){end, (size_t)(entity->body.data - end)};
}

/* The fields of a part whose body will have this encoding (nullable: it keeps its own). */
static void
put_part_header(SealSink *out, const SealEntity *part, const char *encoding)
{
    SealBytes separator = separator_of(part);

    for (guint i = 0; i < part->fields->len; i++) {
        const SealField *field = &g_array_index(part->fields, SealField, i);

        if (encoding && seal_field_is(field, "Content-Transfer-Encoding"))
            continue;
        seal_transfer_put_canonical(out, field->raw);
        if (encoding && field->raw.data[field->raw.len - 1] != '\n') /* the part ends here */
            seal_sink_put_text(out, "\r\n");
    }
    if (encoding) {
        seal_sink_put_text(out, "Content-Transfer-Encoding: ");
        seal_sink_put_text(out, encoding);
        seal_sink_put_text(out, separator.len > 0 ? "\r\n" : "\r\n\r\n");
    }
    seal_transfer_put_canonical(out, separator);
}

static void
put_part(SealSink *out, SealBytes bytes, SealTransfer transfer, guint depth)
{
    g_autoptr(SealEntity) part = seal_entity_parse(bytes);

    if (part->defect || bytes.len == 0) {
        seal_transfer_put_canonical(out, bytes);
        return;
    }
    put_part_header(out, part, seal_transfer_choose(part, transfer));
    put_body(out, part, transfer, depth);
}

static void
put_parts(SealSink *out, const SealEntity *entity, SealTransfer transfer, guint depth)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));
    const uint8_t *done = entity->body.data;

    if (seal_entity_split(entity, parts)) {
        seal_transfer_put_canonical(out, entity->body);
        return;
    }
    for (guint i = 0; i < parts->len; i++) {
        SealBytes part = g_array_index(parts, SealBytes, i);

        seal_transfer_put_canonical(out, (SealBytes){done, (size_t)(part.data - done)});
        put_part(out, part, transfer, depth);
        done = part.data + part.len;
    }
    seal_transfer_put_canonical(
        out, (SealBytes){done, (size_t)(entity->body.data + entity->body.len - done)});
}

static void
put_body(SealSink *out, const SealEntity *entity, SealTransfer transfer, guint depth)
{
    const char *encoding = seal_transfer_choose(entity, transfer);

    if (seal_transfer_reaches_parts(entity) && depth > 0) {
        if (g_str_has_prefix(entity->type, "multipart/"))
            put_parts(out, entity, transfer, depth - 1);
        else
            put_part(out, entity->body, transfer, depth - 1);
    } else if (g_strcmp0(encoding, "base64") == 0) {
        put_leaf_base64(out, entity);
    } else if (g_strcmp0(encoding, "quoted-printable") == 0) {
        if (is_encoding(entity, "quoted-printable"))
            put_quoted_again(out, entity->body);
        else
            put_quoted(out, entity->body, FALSE);
    } else {
        seal_transfer_put_canonical(out, entity->body);
    }
}

void
seal_transfer_put_body(SealSink *out, const SealEntity *entity, SealTransfer transfer)
{
    put_body(out, entity, transfer, NESTED_MAX);
}
