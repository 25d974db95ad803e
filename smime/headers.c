/* The writing side of RFC 9788. The copies stand in front of the payload's own Content-* fields, as
 * they stood outside, byte for byte, so that nobody has to compare encodings; only blanks at the
 * end of a line, which some gateways strip, would break the signature. Under encryption
 * HP-Outer says how each field left us outside: who answers can tell what was meant to be hidden
 * from what somebody changed on the way. */
#include "smime/headers.h"

#include "smime/entity.h"
#include "smime/kind.h"

#include <string.h>

/* Written by those who pass a mail on, not by its author. */
static const char *const trace[] = {
    "ARC-Authentication-Results",
    "ARC-Message-Signature",
    "ARC-Seal",
    "Authentication-Results",
    "Delivered-To",
    "DKIM-Signature",
    "HP-Outer",
    "Received",
    "Received-SPF",
    "Return-Path",
};

/* RFC 9788 3.2.1, besides Subject. */
static const char *const removed[] = {"Comments", "Keywords"};

static gboolean
is_one_of(const SealField *field, const char *const *names, gsize n_names)
{
    for (gsize i = 0; i < n_names; i++)
        if (seal_field_is(field, names[i]))
            return TRUE;
    return FALSE;
}

static void
put_text(GByteArray *out, const char *text)
{
    seal_put_bytes(out, text, strlen(text));
}

/* `raw`: one or more lines that end in CRLF. A line of nothing but blanks goes, too. */
static void
put_without_trailing_blanks(GByteArray *out, SealBytes raw)
{
    while (raw.len > 0) {
        const uint8_t *end = memchr(raw.data, '\n', raw.len);
        size_t taken = end ? (size_t)(end + 1 - raw.data) : raw.len;
        size_t len = taken;

        while (len > 0 && g_ascii_isspace(raw.data[len - 1]))
            len--;
        if (len > 0) {
            seal_put_bytes(out, raw.data, len);
            put_text(out, "\r\n");
        }
        raw.data += taken;
        raw.len -= taken;
    }
}

/* The field as it is to be seen outside, after `prefix`. */
static void
put_outer_field(GByteArray *out, const SealField *field, SealHeaders how, const char *prefix)
{
    if (how == SEAL_HEADERS_HIDDEN && is_one_of(field, removed, G_N_ELEMENTS(removed)))
        return;
    put_text(out, prefix);
    if (how == SEAL_HEADERS_HIDDEN && seal_field_is(field, "Subject"))
        put_text(out, "Subject: [...]\r\n");
    else
        seal_put_bytes(out, field->raw.data, field->raw.len);
}

static void
put_copies(GByteArray *out, const SealEntity *outer, SealHeaders how)
{
    for (guint i = 0; i < outer->fields->len; i++) {
        const SealField *field = &g_array_index(outer->fields, SealField, i);

        if (!is_one_of(field, trace, G_N_ELEMENTS(trace)))
            put_without_trailing_blanks(out, field->raw);
    }
    for (guint i = 0; i < outer->fields->len && how != SEAL_HEADERS_SIGNED; i++) {
        const SealField *field = &g_array_index(outer->fields, SealField, i);

        if (!is_one_of(field, trace, G_N_ELEMENTS(trace)))
            put_outer_field(out, field, how, "HP-Outer: ");
    }
}

/* The field with one parameter more; one that ends in ";" has room for it. */
static void
put_content_type(GByteArray *out, const SealField *field, SealHeaders how)
{
    size_t len = field->raw.len;

    while (len > 0 &&
           (g_ascii_isspace(field->raw.data[len - 1]) || field->raw.data[len - 1] == ';'))
        len--;
    seal_put_bytes(out, field->raw.data, len);
    put_text(out,
             how == SEAL_HEADERS_SIGNED ? ";\r\n\thp=\"clear\"\r\n" : ";\r\n\thp=\"cipher\"\r\n");
}

static GBytes *
protect_inner(const SealEntity *outer, const SealEntity *inner, SealHeaders how)
{
    GByteArray *out = g_byte_array_sized_new((guint)(inner->whole.len + 3 * outer->whole.len + 64));
    const uint8_t *header_end = inner->header.data + inner->header.len;

    put_copies(out, outer, how);
    for (guint i = 0; i < inner->fields->len; i++) {
        const SealField *field = &g_array_index(inner->fields, SealField, i);

        if (seal_field_is(field, "Content-Type"))
            put_content_type(out, field, how);
        else
            seal_put_bytes(out, field->raw.data, field->raw.len);
    }
    seal_put_bytes(out, header_end, inner->whole.len - (size_t)(header_end - inner->whole.data));
    return g_byte_array_free_to_bytes(out);
}

static GBytes *
hide_outer(const SealEntity *outer, SealHeaders how)
{
    GByteArray *out = g_byte_array_sized_new((guint)outer->whole.len + 1);

    for (guint i = 0; i < outer->fields->len; i++)
        put_outer_field(out, &g_array_index(outer->fields, SealField, i), how, "");
    return g_byte_array_free_to_bytes(out);
}

void
seal_headers_protect(SealHeaders how, GBytes **outer, GBytes **inner)
{
    g_autoptr(SealEntity) fields = seal_entity_parse(seal_bytes_view(*outer));
    g_autoptr(SealEntity) payload = seal_entity_parse(seal_bytes_view(*inner));
    GBytes *new_outer = NULL;
    GBytes *new_inner = NULL;

    if (how == SEAL_HEADERS_OUTSIDE || seal_kind_of(payload) != SEAL_KIND_PLAIN ||
        seal_entity_parameter(payload, "hp"))
        return;
    new_inner = protect_inner(fields, payload, how);
    new_outer = hide_outer(fields, how);
    g_bytes_unref(*inner);
    g_bytes_unref(*outer);
    *inner = new_inner;
    *outer = new_outer;
}
