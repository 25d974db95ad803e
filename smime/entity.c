/* MIME entities as ranges. The header ends at the first empty line. Where two readers could see
 * different things (a Content-Type twice, a header line that is no field) the entity has a defect;
 * whoever judges it decides what that means. Linear in the number of bytes. */
#include "smime/entity.h"

#include "smime/content-type.h"
#include "smime/plain.h"

#include <gmime/gmime.h>
#include <string.h>

SealBytes
seal_bytes_view(GBytes *bytes)
{
    gsize len = 0;
    const uint8_t *data = g_bytes_get_data(bytes, &len);

    return (SealBytes){data, len};
}

GBytes *
seal_bytes_slice(GBytes *owner, SealBytes range)
{
    const uint8_t *start = g_bytes_get_data(owner, NULL);

    if (range.len == 0)
        return g_bytes_new(NULL, 0);
    return g_bytes_new_from_bytes(owner, (gsize)(range.data - start), range.len);
}

/* -- lines ------------------------------------------------------------------------------------ */

/* Takes one line with its line end off the front of `rest`. */
static SealBytes
take_line(SealBytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) + 1 : rest->len;
    SealBytes line = {rest->data, len};

    rest->data += len;
    rest->len -= len;
    return line;
}

static SealBytes
without_line_end(SealBytes line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static gboolean
is_blank_char(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* -- fields ----------------------------------------------------------------------------------- */

/* The length of the field name `line` starts with (RFC 5322 3.6.8: no blanks or controls), or 0. */
static size_t
field_name_len(SealBytes line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == ':')
            return i;
        if (!g_ascii_isgraph(line.data[i]))
            return 0;
    }
    return 0;
}

gboolean
seal_field_is(const SealField *field, const char *name)
{
    return field->name.len == strlen(name) &&
           g_ascii_strncasecmp((const char *)field->name.data, name, field->name.len) == 0;
}

gboolean
seal_field_is_mime(const SealField *field)
{
    static const char prefix[] = "Content-";

    return seal_field_is(field, "MIME-Version") ||
           (field->name.len > sizeof prefix - 1 &&
            g_ascii_strncasecmp((const char *)field->name.data, prefix, sizeof prefix - 1) == 0);
}

static void
grow_last_field(SealEntity *entity, SealBytes line)
{
    SealField *field = &g_array_index(entity->fields, SealField, entity->fields->len - 1);

    field->raw.len += line.len;
    field->value.len = field->raw.len - (size_t)(field->value.data - field->raw.data);
}

static gboolean
add_field(SealEntity *entity, SealBytes line)
{
    size_t name_len = field_name_len(line);
    SealField field = {{line.data, name_len}, {line.data + name_len + 1, 0}, line};

    if (name_len == 0)
        return FALSE;
    field.value.len = line.len - name_len - 1;
    g_array_append_val(entity->fields, field);
    return TRUE;
}

/* For some readers the line ends there, and what follows is another field. */
static gboolean
has_bare_return(SealBytes line)
{
    SealBytes text = without_line_end(line);

    return text.len > 0 && memchr(text.data, '\r', text.len);
}

/* Reads fields up to and with the empty line; what is left is the body. */
static void
read_fields(SealEntity *entity, SealBytes *rest)
{
    while (rest->len > 0) {
        SealBytes before = *rest;
        SealBytes line = take_line(rest);

        if (without_line_end(line).len == 0)
            return;
        if (has_bare_return(line))
            entity->defect = "a line of its header has a carriage return in it";
        if (entity->fields->len > 0 && is_blank_char(line.data[0])) {
            grow_last_field(entity, line);
        } else if (entity->fields->len >= SEAL_FIELDS_MAX) {
            entity->defect = "it has too many header fields";
            return;
        } else if (!add_field(entity, line)) {
            entity->defect = entity->fields->len > 0 ? "a line of its header is no field" : NULL;
            *rest = before;
            return;
        }
        entity->header.len += line.len;
    }
}

static char *
unfold(SealBytes value)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gsize len = MIN(value.len, SEAL_FIELD_LEN_MAX);

    for (gsize i = 0; i < len; i++)
        if (value.data[i] != '\r' && value.data[i] != '\n')
            g_string_append_c(text, value.data[i] ? (char)value.data[i] : '?');
    g_strstrip(text->str);
    return g_utf8_make_valid(text->str, -1);
}

GPtrArray *
seal_entity_values(const SealEntity *entity, const char *name)
{
    GPtrArray *values = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < entity->fields->len; i++) {
        const SealField *field = &g_array_index(entity->fields, SealField, i);

        if (seal_field_is(field, name))
            g_ptr_array_add(values, unfold(field->value));
    }
    return values;
}

gboolean
seal_entity_is_cut(const SealEntity *entity, const char *name)
{
    for (guint i = 0; i < entity->fields->len; i++) {
        const SealField *field = &g_array_index(entity->fields, SealField, i);

        if (seal_field_is(field, name) && field->value.len > SEAL_FIELD_LEN_MAX)
            return TRUE;
    }
    return FALSE;
}

gboolean
seal_entity_has(const SealEntity *entity, const char *name)
{
    for (guint i = 0; i < entity->fields->len; i++)
        if (seal_field_is(&g_array_index(entity->fields, SealField, i), name))
            return TRUE;
    return FALSE;
}

static void
read_content_type(SealEntity *entity)
{
    g_autoptr(GPtrArray) values = seal_entity_values(entity, "Content-Type");

    if (values->len > 1)
        entity->defect = "it has more than one Content-Type";
    if (values->len > 0)
        entity->type = seal_content_type_parse(g_ptr_array_index(values, 0), entity->parameters);
    if (values->len > 0 && (!entity->type || seal_entity_is_cut(entity, "Content-Type")))
        entity->defect = "its Content-Type cannot be read in one way only";
    if (!entity->type)
        entity->type = g_strdup(values->len > 0 ? "application/octet-stream" : "text/plain");
}

static void
read_encoding(SealEntity *entity)
{
    g_autoptr(GPtrArray) values = seal_entity_values(entity, "Content-Transfer-Encoding");

    if (values->len > 1)
        entity->defect = "it has more than one Content-Transfer-Encoding";
    entity->encoding =
        values->len > 0 ? g_ascii_strdown(g_ptr_array_index(values, 0), -1) : g_strdup("7bit");
}

SealEntity *
seal_entity_parse(SealBytes bytes)
{
    SealEntity *entity = g_new0(SealEntity, 1);
    SealBytes rest = bytes;

    entity->whole = bytes;
    entity->header = (SealBytes){bytes.data, 0};
    entity->fields = g_array_new(FALSE, FALSE, sizeof(SealField));
    entity->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    read_fields(entity, &rest);
    entity->body = rest;
    for (guint i = 0; i < entity->fields->len; i++) {
        SealField *field = &g_array_index(entity->fields, SealField, i);

        field->value = without_line_end(field->value);
    }
    read_content_type(entity);
    read_encoding(entity);
    return entity;
}

void
seal_entity_free(SealEntity *entity)
{
    if (!entity)
        return;
    g_array_unref(entity->fields);
    g_hash_table_unref(entity->parameters);
    g_free(entity->type);
    g_free(entity->encoding);
    g_free(entity);
}

const char *
seal_entity_parameter(const SealEntity *entity, const char *name)
{
    return g_hash_table_lookup(entity->parameters, name);
}

/* -- multipart -------------------------------------------------------------------------------- */

typedef enum { LINE_OTHER, LINE_BOUNDARY, LINE_LAST_BOUNDARY } LineKind;

/* RFC 2046 5.1.1: behind two hyphens and the boundary perhaps two more hyphens, perhaps blanks. */
static LineKind
kind_of_rest(SealBytes rest)
{
    LineKind kind = LINE_BOUNDARY;
    size_t at = 0;

    if (rest.len >= 2 && memcmp(rest.data, "--", 2) == 0) {
        kind = LINE_LAST_BOUNDARY;
        at = 2;
    }
    while (at < rest.len && is_blank_char(rest.data[at]))
        at++;
    return at == rest.len ? kind : LINE_OTHER;
}

/* Takes everything up to and with the next line that is a boundary off the front of `rest`, and
 * returns its start; NULL if there is none. `delimiter`: two hyphens and the boundary. Searched for
 * as a whole: a mail of short lines is looked through once for each level of its parts. */
static const uint8_t *
take_boundary(SealBytes *rest, const char *delimiter, LineKind *ret_kind)
{
    const uint8_t *start = rest->data;
    size_t len = strlen(delimiter);

    for (;;) {
        const uint8_t *found = rest->len > 0 ? memmem(rest->data, rest->len, delimiter, len) : NULL;
        SealBytes line = {0};

        if (!found)
            return NULL;
        rest->len -= (size_t)(found - rest->data);
        rest->data = found;
        line = without_line_end(take_line(rest));
        *ret_kind = kind_of_rest((SealBytes){line.data + len, line.len - len});
        if ((found == start || found[-1] == '\n') && *ret_kind != LINE_OTHER)
            return found;
    }
}

static void
add_part(GArray *parts, const uint8_t *start, const uint8_t *boundary_line)
{
    SealBytes part = {start, (size_t)(boundary_line - start)};

    part = without_line_end(part);
    g_array_append_val(parts, part);
}

const char *
seal_entity_split(const SealEntity *entity, GArray *parts)
{
    const char *boundary = seal_entity_parameter(entity, "boundary");
    size_t boundary_len = boundary ? strlen(boundary) : 0;
    g_autofree char *delimiter = NULL;
    const uint8_t *start = NULL;
    const uint8_t *line = NULL;
    SealBytes rest = entity->body;
    LineKind kind = LINE_OTHER;

    if (boundary_len == 0 || boundary_len > 200) /* RFC 2046 allows 70 */
        return "it is multipart without a usable boundary";
    delimiter = g_strconcat("--", boundary, NULL);
    while ((line = take_boundary(&rest, delimiter, &kind))) {
        if (start)
            add_part(parts, start, line);
        if (kind == LINE_LAST_BOUNDARY)
            return start ? NULL : "it ends before its first part";
        start = rest.data;
        if (parts->len == SEAL_PARTS_MAX) {
            add_part(parts, start, entity->body.data + entity->body.len);
            return "it has too many parts";
        }
    }
    if (start)
        add_part(parts, start, entity->body.data + entity->body.len);
    return "its last boundary is missing, it may be cut off";
}

/* -- transfer encodings ----------------------------------------------------------------------- */

static gboolean
is_base64_text(SealBytes text)
{
    gsize digits = 0;
    gsize padding = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];

        if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
            continue;
        if (c == '=')
            padding++;
        else if (padding > 0 || !(g_ascii_isalnum(c) || c == '+' || c == '/'))
            return FALSE;
        else
            digits++;
    }
    return padding <= 2 && (digits + padding) % 4 == 0;
}

GBytes *
seal_base64_decode(SealBytes text)
{
    g_autofree guchar *out = NULL;
    gint state = 0;
    guint save = 0;
    gsize len = 0;

    if (text.len == 0)
        return g_bytes_new(NULL, 0);
    if (!is_base64_text(text))
        return NULL;
    out = g_malloc(text.len / 4 * 3 + 3);
    len = g_base64_decode_step((const char *)text.data, text.len, out, &state, &save);
    return seal_plain_take(g_steal_pointer(&out), len);
}

/* Whoever reads the bytes is strict enough. */
GBytes *
seal_quoted_printable_decode(SealBytes text)
{
    GMimeEncoding state;
    g_autofree char *out = NULL;
    gsize len = 0;

    g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    out = g_malloc(g_mime_encoding_outlen(&state, text.len) + 1);
    len = g_mime_encoding_flush(&state, (const char *)text.data, text.len, out);
    return seal_plain_take((guint8 *)g_steal_pointer(&out), len);
}

gboolean
seal_entity_has_no_encoding(const SealEntity *entity)
{
    return g_str_equal(entity->encoding, "7bit") || g_str_equal(entity->encoding, "8bit") ||
           g_str_equal(entity->encoding, "binary");
}

GBytes *
seal_entity_decode(const SealEntity *entity, GBytes *owner)
{
    if (g_str_equal(entity->encoding, "base64"))
        return seal_base64_decode(entity->body);
    if (g_str_equal(entity->encoding, "quoted-printable"))
        return seal_quoted_printable_decode(entity->body);
    return seal_entity_has_no_encoding(entity) ? seal_bytes_slice(owner, entity->body) : NULL;
}
