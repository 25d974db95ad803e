/* DER, as far as AlgorithmIdentifiers need it. Every function looks at lengths before it looks at
 * octets, and accepts one encoding of each value only (X.690 10). */
#include "pkcs11/core/der.h"

#define DEPTH_MAX 16

/* Reads a length; FALSE unless it is definite and in the fewest octets. */
static gboolean
read_length(const SealBytes *in, size_t *at, size_t *ret_len)
{
    guint8 first = 0;
    size_t n = 0;
    size_t len = 0;

    if (*at >= in->len)
        return FALSE;
    first = in->data[(*at)++];
    if (first < 0x80) {
        *ret_len = first;
        return TRUE;
    }
    n = first & 0x7f;
    /* 0x80 is the indefinite length of BER; nothing here is longer than three octets can tell */
    if (n == 0 || n > 3 || in->len - *at < n || in->data[*at] == 0)
        return FALSE;
    for (size_t i = 0; i < n; i++)
        len = len << 8 | in->data[(*at)++];
    *ret_len = len;
    return len >= 0x80;
}

gboolean
seal_der_next(SealBytes *rest, SealDerElement *ret_element)
{
    size_t at = 1;
    size_t len = 0;

    /* 0x1f: a tag in several octets, used by nothing that we read */
    if (rest->len < 2 || (rest->data[0] & 0x1f) == 0x1f)
        return FALSE;
    if (!read_length(rest, &at, &len) || rest->len - at < len)
        return FALSE;
    ret_element->tag = rest->data[0];
    ret_element->whole = (SealBytes){rest->data, at + len};
    ret_element->content = (SealBytes){rest->data + at, len};
    rest->data += at + len;
    rest->len -= at + len;
    return TRUE;
}

gboolean
seal_der_take(SealBytes *rest, guint8 tag, SealBytes *ret_content)
{
    SealBytes after = *rest;
    SealDerElement element;

    if (!seal_der_next(&after, &element) || element.tag != tag)
        return FALSE;
    *ret_content = element.content;
    *rest = after;
    return TRUE;
}

gboolean
seal_der_is(SealBytes der, guint8 tag, SealBytes *ret_content)
{
    SealBytes content;

    if (!seal_der_take(&der, tag, &content) || der.len > 0)
        return FALSE;
    *ret_content = content;
    return TRUE;
}

static gboolean
are_elements(SealBytes rest, int depth)
{
    while (rest.len > 0) {
        SealDerElement element;

        if (!seal_der_next(&rest, &element))
            return FALSE;
        if (element.tag & 0x20 && (depth == DEPTH_MAX || !are_elements(element.content, depth + 1)))
            return FALSE;
    }
    return TRUE;
}

gboolean
seal_der_is_valid(SealBytes der)
{
    SealBytes rest = der;
    SealDerElement element;

    return seal_der_next(&rest, &element) && rest.len == 0 && are_elements(der, 0);
}

/* Takes one arc; FALSE at the end or if it is malformed (then something is left). */
static gboolean
take_arc(SealBytes *rest, guint64 *ret_arc)
{
    guint64 arc = 0;

    for (size_t i = 0; i < rest->len; i++) {
        guint8 octet = rest->data[i];

        if ((i == 0 && octet == 0x80) || arc > G_MAXUINT64 >> 7)
            return FALSE;
        arc = arc << 7 | (octet & 0x7f);
        if (octet & 0x80)
            continue;
        rest->data += i + 1;
        rest->len -= i + 1;
        *ret_arc = arc;
        return TRUE;
    }
    return FALSE;
}

char *
seal_der_oid_to_text(SealBytes oid)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 arc = 0;

    if (!take_arc(&oid, &arc))
        return NULL;
    /* X.690 8.19.4: the first two arcs share one number */
    g_string_printf(text, "%d.%" G_GUINT64_FORMAT, (int)MIN(arc / 40, 2),
                    arc - MIN(arc / 40, 2) * 40);
    while (take_arc(&oid, &arc))
        g_string_append_printf(text, ".%" G_GUINT64_FORMAT, arc);
    return oid.len == 0 ? g_strdup(text->str) : NULL;
}

void
seal_der_put_header(GByteArray *out, guint8 tag, size_t len)
{
    int n = 0;

    seal_put_u8(out, tag);
    if (len < 0x80) {
        seal_put_u8(out, (guint8)len);
        return;
    }
    while (len >> (8 * n))
        n++;
    seal_put_u8(out, (guint8)(0x80 | n));
    while (n-- > 0)
        seal_put_u8(out, (guint8)(len >> (8 * n)));
}
