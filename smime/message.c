/* Lifting the content out of a CMS message.
 *
 * OpenSSL's reader copies what it reads, twice where a structure lies in an ANY: a mail of 100 MB
 * would be there three times. So the way down to the content is walked here first (ContentInfo,
 * [0], the structure, what encapsulates the content), and OpenSSL reads the message without it: the
 * same elements around an empty OCTET STRING, where the lengths of what lies on the way become
 * indefinite, because they would be wrong.
 *
 * The walk knows the usual shape only. Whatever else comes (other structures, indefinite lengths
 * beside the way, segments within segments, an end of contents where none belongs) is left to
 * OpenSSL's reader as it stands, so nothing is read here that it would refuse. */
#include "smime/message.h"

#include "smime/entity.h"
#include "smime/plain.h"

#include <openssl/objects.h>
#include <string.h>

/* Identifier octets (X.690 8.1.2). */
enum {
    TAG_END = 0x00,
    TAG_OCTETS = 0x04,
    TAG_SEQUENCE = 0x30,
    TAG_0 = 0x80,
    TAG_0_CONSTRUCTED = 0xa0,
};

#define CONSTRUCTED 0x20 /* in an identifier octet, and in what ASN1_get_object() returns */
#define INDEFINITE  0x01
#define LEVELS_MAX  6 /* of the shapes below, and segments of the content */

/* What lies between the structure and its content. */
typedef struct {
    int nid;
    guint before;   /* elements in front that are passed, whatever their tag */
    uint8_t way[3]; /* tags, outermost first, ended by the content's own */
} Shape;

static const Shape shapes[] = {
    {NID_pkcs7_signed, 0, {TAG_SEQUENCE, TAG_0_CONSTRUCTED, TAG_OCTETS}},
    {NID_pkcs7_enveloped, 0, {TAG_SEQUENCE, TAG_0}},
    {NID_id_smime_ct_authEnvelopedData, 0, {TAG_SEQUENCE, TAG_0}},
    /* RFC 3274 1.1: version and algorithm, a SEQUENCE, too */
    {NID_id_smime_ct_compressedData, 2, {TAG_SEQUENCE, TAG_0_CONSTRUCTED, TAG_OCTETS}},
};

typedef struct {
    const uint8_t *start;    /* the identifier */
    const uint8_t *contents; /* behind the length */
    const uint8_t *end;      /* (nullable) indefinite */
    uint8_t tag;
} Element;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *ends[LEVELS_MAX]; /* of the levels that are open; NULL: indefinite */
    guint depth;
    GByteArray *frame;
} Walk;

static const uint8_t end_of_contents[2] = {0, 0};

/* -- elements --------------------------------------------------------------------------------- */

/* Where the level that is open must end at the latest. */
static const uint8_t *
limit(const Walk *walk)
{
    for (guint i = walk->depth; i > 0; i--)
        if (walk->ends[i - 1])
            return walk->ends[i - 1];
    return walk->end;
}

/* Looks at the element that comes next; FALSE if there is none. */
static gboolean
peek(const Walk *walk, Element *ret_element)
{
    const unsigned char *at = walk->at;
    const uint8_t *end = limit(walk);
    long len = 0;
    int tag = 0;
    int class = 0;
    int said = 0;

    if (at >= end)
        return FALSE;
    said = ASN1_get_object(&at, &len, &tag, &class, end - at);
    if (said & 0x80)
        return FALSE;
    *ret_element = (Element){.start = walk->at, .contents = at, .tag = walk->at[0]};
    ret_element->end = said & INDEFINITE ? NULL : at + len;
    return TRUE;
}

/* Takes one element into the frame; FALSE if it is no whole one. */
static gboolean
copy(Walk *walk)
{
    Element element;

    if (!peek(walk, &element) || !element.end || element.tag == TAG_END)
        return FALSE;
    g_byte_array_append(walk->frame, element.start, (guint)(element.end - element.start));
    walk->at = element.end;
    return TRUE;
}

static gboolean
enter(Walk *walk, uint8_t tag)
{
    const uint8_t head[2] = {tag, 0x80};
    Element element;

    if (walk->depth == LEVELS_MAX || !peek(walk, &element) || element.tag != tag)
        return FALSE;
    walk->ends[walk->depth++] = element.end;
    walk->at = element.contents;
    g_byte_array_append(walk->frame, head, sizeof head);
    return TRUE;
}

/* TRUE where the end of an indefinite length comes next. */
static gboolean
is_at_end(const Walk *walk)
{
    return limit(walk) - walk->at >= 2 && memcmp(walk->at, end_of_contents, 2) == 0;
}

/* Takes what follows in the level that is open, and leaves it. */
static gboolean
leave(Walk *walk)
{
    const uint8_t *end = walk->ends[walk->depth - 1];

    while (end ? walk->at != end : !is_at_end(walk))
        if (!copy(walk))
            return FALSE;
    if (!end)
        walk->at += sizeof end_of_contents;
    walk->depth--;
    g_byte_array_append(walk->frame, end_of_contents, sizeof end_of_contents);
    return TRUE;
}

/* Takes the elements before the one with that tag, which may be a segmented one. */
static gboolean
copy_before(Walk *walk, uint8_t tag)
{
    Element element;

    while (peek(walk, &element)) {
        if (element.tag == tag || element.tag == (tag | CONSTRUCTED))
            return TRUE;
        if (!copy(walk))
            return FALSE;
    }
    return FALSE;
}

/* -- the content ------------------------------------------------------------------------------ */

/* Joins segments: OCTET STRINGs up to the end of the element. */
static GBytes *
join(Walk *walk, const Element *content)
{
    const uint8_t *latest = content->end ? content->end : limit(walk);
    guint8 *joined = g_malloc((gsize)(latest - content->contents));
    gsize len = 0;
    gboolean whole = FALSE;
    Element segment;

    walk->at = content->contents;
    walk->ends[walk->depth++] = content->end;
    while (walk->at != content->end && peek(walk, &segment) && segment.tag == TAG_OCTETS &&
           segment.end) {
        memcpy(joined + len, segment.contents, (gsize)(segment.end - segment.contents));
        len += (gsize)(segment.end - segment.contents);
        walk->at = segment.end;
    }
    whole = content->end ? walk->at == content->end : is_at_end(walk);
    if (!content->end && whole)
        walk->at += sizeof end_of_contents;
    walk->depth--;
    if (whole)
        return seal_plain_take(joined, len);
    g_free(joined);
    return NULL;
}

static GBytes *
lift_content(Walk *walk, GBytes *cms, uint8_t tag)
{
    const uint8_t empty[2] = {tag, 0};
    Element content;
    GBytes *lifted = NULL;

    if (!peek(walk, &content))
        return NULL;
    if (content.tag & CONSTRUCTED) {
        lifted = join(walk, &content);
    } else if (content.end) {
        lifted = seal_bytes_slice(
            cms, (SealBytes){content.contents, (size_t)(content.end - content.contents)});
        walk->at = content.end;
    }
    g_byte_array_append(walk->frame, empty, sizeof empty);
    return lifted;
}

/* -- the way ---------------------------------------------------------------------------------- */

/* The content type that comes next, or NID_undef. */
static int
peek_type(const Walk *walk)
{
    Element element;
    const unsigned char *at = walk->at;
    ASN1_OBJECT *type = NULL;
    int nid = NID_undef;

    if (peek(walk, &element) && element.end)
        type = d2i_ASN1_OBJECT(NULL, &at, element.end - at);
    nid = OBJ_obj2nid(type);
    ASN1_OBJECT_free(type);
    return nid;
}

static const Shape *
find_shape(int nid)
{
    for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++)
        if (shapes[i].nid == nid)
            return &shapes[i];
    return NULL;
}

/* Goes down to the content and up again. Returns (transfer full) (nullable) the content. */
static GBytes *
go(Walk *walk, GBytes *cms)
{
    g_autoptr(GBytes) content = NULL;
    const Shape *shape = NULL;
    const uint8_t *way = NULL;
    gboolean fits = enter(walk, TAG_SEQUENCE);

    shape = fits ? find_shape(peek_type(walk)) : NULL;
    fits = shape && copy(walk) && enter(walk, TAG_0_CONSTRUCTED) && enter(walk, TAG_SEQUENCE);
    for (guint i = 0; fits && i < shape->before; i++)
        fits = copy(walk);
    for (way = fits ? shape->way : NULL; fits && (*way & CONSTRUCTED); way++)
        fits = copy_before(walk, *way) && enter(walk, *way);
    fits = fits && copy_before(walk, *way);
    content = fits ? lift_content(walk, cms, *way) : NULL;
    while (content && walk->depth > 0)
        if (!leave(walk))
            return NULL;
    return walk->at == walk->end ? g_steal_pointer(&content) : NULL;
}

SealMessage *
seal_message_read(GBytes *cms)
{
    SealBytes bytes = seal_bytes_view(cms);
    Walk walk = {.at = bytes.data, .end = bytes.data + bytes.len, .frame = g_byte_array_new()};
    g_autoptr(SealMessage) message = g_new0(SealMessage, 1);

    if (bytes.len > 0)
        message->content = go(&walk, cms);
    if (message->content)
        message->info = seal_content_info_read((SealBytes){walk.frame->data, walk.frame->len});
    g_byte_array_unref(walk.frame);
    if (!message->info) {
        g_clear_pointer(&message->content, g_bytes_unref);
        message->info = seal_content_info_read(bytes);
    }
    return message->info ? g_steal_pointer(&message) : NULL;
}

void
seal_message_free(SealMessage *message)
{
    if (!message)
        return;
    g_clear_pointer(&message->content, g_bytes_unref);
    seal_content_info_free(message->info);
    g_free(message);
}

GBytes *
seal_message_content(const SealMessage *message, const ASN1_STRING *string)
{
    return message->content ? g_bytes_ref(message->content) : seal_octets_dup(string);
}
