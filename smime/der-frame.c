/* A structure is written by its template with a short mark where the content goes. Here the
 * elements around the mark get the lengths that they have with the content. DER with definite
 * lengths needs the content's length beforehand; that is worth a pass over the mail, since not
 * every reader takes indefinite ones. */
#include "smime/der-frame.h"

#include <openssl/asn1.h>
#include <openssl/rand.h>
#include <string.h>

#define DEPTH_MAX 16 /* elements around a content; CMS has seven */

/* One element around the mark, or the one that the mark fills. */
typedef struct {
    const uint8_t *start; /* of its header */
    const uint8_t *value;
    const uint8_t *end;
    int tag;
    int class;
    int constructed;
    int new_len; /* of its value */
} Element;

void
seal_der_mark_make(uint8_t mark[SEAL_DER_MARK_LEN])
{
    if (RAND_bytes(mark, SEAL_DER_MARK_LEN) != 1)
        g_error("the random generator failed");
}

static Element
read_element(const uint8_t *at, const uint8_t *end)
{
    Element element = {.start = at};
    long len = 0;
    int flags =
        ASN1_get_object(&at, &len, &element.tag, &element.class, (long)(end - element.start));

    g_assert(!(flags & 0x80)); /* our own DER */
    element.constructed = flags & V_ASN1_CONSTRUCTED;
    element.value = at;
    element.end = at + len;
    return element;
}

/* From the outermost element to the one that the mark fills; returns how many. */
static guint
find_way(SealBytes der, const uint8_t *mark, Element way[DEPTH_MAX])
{
    const uint8_t *at = der.data;
    const uint8_t *end = der.data + der.len;
    guint depth = 0;

    while (depth == 0 || way[depth - 1].value != mark) {
        Element element = read_element(at, end);

        if (element.end <= mark) {
            at = element.end;
            continue;
        }
        g_assert(depth < DEPTH_MAX && (element.constructed || element.value == mark));
        way[depth++] = element;
        at = element.value;
        end = element.end;
    }
    return depth;
}

static void
set_lengths(Element way[DEPTH_MAX], guint depth, gsize content_len)
{
    way[depth - 1].new_len = (int)content_len;
    for (guint i = depth - 1; i > 0; i--) {
        const Element *inner = &way[i];
        Element *outer = &way[i - 1];

        outer->new_len = (int)(inner->start - outer->value) +
                         ASN1_object_size(inner->constructed ? 1 : 0, inner->new_len, inner->tag) +
                         (int)(outer->end - inner->end);
    }
}

static void
put_header(GByteArray *out, const Element *element)
{
    uint8_t header[16];
    uint8_t *end = header;

    ASN1_put_object(&end, element->constructed ? 1 : 0, element->new_len, element->tag,
                    element->class);
    seal_put_bytes(out, header, (gsize)(end - header));
}

void
seal_der_frame(GBytes *der, const uint8_t mark[SEAL_DER_MARK_LEN], gsize content_len,
               GBytes **ret_before, GBytes **ret_after)
{
    GByteArray *before = g_byte_array_new();
    GByteArray *after = g_byte_array_new();
    Element way[DEPTH_MAX];
    SealBytes bytes = {0};
    const uint8_t *found = NULL;
    guint depth = 0;

    bytes.data = g_bytes_get_data(der, &bytes.len);
    found = memmem(bytes.data, bytes.len, mark, SEAL_DER_MARK_LEN);
    g_assert(found && content_len <= G_MAXINT - bytes.len);
    depth = find_way(bytes, found, way);
    set_lengths(way, depth, content_len);
    for (guint i = 0; i < depth; i++) {
        const uint8_t *next = i + 1 < depth ? way[i + 1].start : way[i].value;

        put_header(before, &way[i]);
        seal_put_bytes(before, way[i].value, (gsize)(next - way[i].value));
    }
    for (guint i = depth - 1; i > 0; i--)
        seal_put_bytes(after, way[i].end, (gsize)(way[i - 1].end - way[i].end));
    *ret_before = g_byte_array_free_to_bytes(before);
    *ret_after = g_byte_array_free_to_bytes(after);
}
