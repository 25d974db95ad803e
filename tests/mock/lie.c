/* Where the moody module does not say the truth of objects and tokens.
 *
 * A kind of lie is what C_GetAttributeValue says of one attribute, whichever it is:
 *
 *   unavailable   CK_UNAVAILABLE_INFORMATION, and CKR_OK
 *   refused       ... and CKR_ATTRIBUTE_SENSITIVE
 *   huge          2^62 bytes, and CKR_OK
 *   grows         600 bytes when asked how many; one more than there is room for when asked for
 * them shrinks       4096 bytes when asked how many, then three empty         no bytes one-byte
 * one, also where it is a number 64-kib        so many, all x beyond-64-kib one more no-text FF FE
 * ESC [ NUL 80 absurd-rv     an error that nobody knows
 *
 * Kinds of a token: `no-text` (its names), `flags` (every flag there is), `pin-lengths` (a shortest
 * that is longer than the longest), `pin-lengths-huge`, `unavailable` (each count and length). */
#include <string.h>

#include "tests/mock/mood.h"

#define HUGE_LEN (1ul << 62)
#define KIB_64   (64u * 1024u)

/* -- objects -------------------------------------------------------------------------------------
 */

static gboolean
has_label(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
          const char *label)
{
    char value[128];
    CK_ATTRIBUTE attribute = {CKA_LABEL, value, sizeof value};

    return label && real->C_GetAttributeValue(session, object, &attribute, 1) == CKR_OK &&
           attribute.ulValueLen == strlen(label) && memcmp(value, label, strlen(label)) == 0;
}

static CK_OBJECT_CLASS
class_of(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_OBJECT_CLASS class = CKO_VENDOR_DEFINED;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof class};

    (void)real->C_GetAttributeValue(session, object, &attribute, 1);
    return class;
}

void
moody_distort(const Mood *mood, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session,
              CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
    CK_KEY_TYPE vendor = CKK_VENDOR_DEFINED | 7;
    CK_BBOOL yes = CK_TRUE;

    if (!attribute->pValue || attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return;
    if (attribute->type == CKA_KEY_TYPE && has_label(real, session, object, mood->unknown_type))
        memcpy(attribute->pValue, &vendor, sizeof vendor);
    if (attribute->type == CKA_ID && mood->same_id)
        memset(attribute->pValue, 1, attribute->ulValueLen);
    if (attribute->type == CKA_VALUE && has_label(real, session, object, mood->garbage))
        memset(attribute->pValue, 0x30, attribute->ulValueLen);
    if (attribute->type == CKA_ALWAYS_AUTHENTICATE && mood->always_authenticate &&
        class_of(real, session, object) == CKO_PRIVATE_KEY)
        memcpy(attribute->pValue, &yes, sizeof yes);
}

gboolean
moody_lies(const Mood *mood, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session,
           CK_OBJECT_HANDLE object)
{
    return mood->lie && has_label(real, session, object, mood->lie_label);
}

/* -- lies of attributes --------------------------------------------------------------------------
 */

/* As an honest module says `len` bytes. */
static CK_RV
say(CK_ATTRIBUTE *attribute, const void *value, CK_ULONG len)
{
    gboolean fits = !attribute->pValue || attribute->ulValueLen >= len;

    if (attribute->pValue && fits && len > 0)
        memcpy(attribute->pValue, value, len);
    attribute->ulValueLen = fits ? len : CK_UNAVAILABLE_INFORMATION;
    return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

static CK_RV
say_unavailable(CK_ATTRIBUTE *attribute)
{
    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_OK;
}

static CK_RV
refuse(CK_ATTRIBUTE *attribute)
{
    (void)say_unavailable(attribute);
    return CKR_ATTRIBUTE_SENSITIVE;
}

static CK_RV
say_huge(CK_ATTRIBUTE *attribute)
{
    attribute->ulValueLen = HUGE_LEN;
    return CKR_OK;
}

static CK_RV
grow(CK_ATTRIBUTE *attribute)
{
    attribute->ulValueLen = attribute->pValue ? attribute->ulValueLen + 1 : 600;
    return CKR_OK;
}

static CK_RV
shrink(CK_ATTRIBUTE *attribute)
{
    if (attribute->pValue && attribute->ulValueLen >= 4096)
        return say(attribute, "abc", 3);
    attribute->ulValueLen = 4096;
    return attribute->pValue ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV
say_nothing(CK_ATTRIBUTE *attribute)
{
    return say(attribute, NULL, 0);
}

static CK_RV
say_one_byte(CK_ATTRIBUTE *attribute)
{
    return say(attribute, "\0", 1);
}

static CK_RV
say_xs(CK_ATTRIBUTE *attribute, gsize len)
{
    g_autofree char *xs = g_strnfill(len, 'x');

    return say(attribute, xs, len);
}

static CK_RV
say_64_kib(CK_ATTRIBUTE *attribute)
{
    return say_xs(attribute, KIB_64);
}

static CK_RV
say_beyond_64_kib(CK_ATTRIBUTE *attribute)
{
    return say_xs(attribute, KIB_64 + 1);
}

static const char no_text[] = "\xff\xfe\x1b[\0\x80";

static CK_RV
say_no_text(CK_ATTRIBUTE *attribute)
{
    return say(attribute, no_text, sizeof no_text - 1);
}

static CK_RV
fail_absurdly(CK_ATTRIBUTE *attribute)
{
    return ~0ul;
}

CK_RV
moody_lie(const Mood *mood, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    static const struct {
        const char *kind;
        CK_RV (*say)(CK_ATTRIBUTE *attribute);
    } rows[] = {
        {"unavailable", say_unavailable},
        {"refused", refuse},
        {"huge", say_huge},
        {"grows", grow},
        {"shrinks", shrink},
        {"empty", say_nothing},
        {"one-byte", say_one_byte},
        {"64-kib", say_64_kib},
        {"no-text", say_no_text},
        {"beyond-64-kib", say_beyond_64_kib},
        {"absurd-rv", fail_absurdly},
    };
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        for (gsize row = 0; row < G_N_ELEMENTS(rows); row++)
            if (g_str_equal(rows[row].kind, mood->lie))
                rv = rows[row].say(&attributes[i]);
    return rv;
}

/* -- lies of tokens ------------------------------------------------------------------------------
 */

static void
fill(CK_UTF8CHAR *field, gsize width)
{
    for (gsize i = 0; i < width; i++)
        field[i] = (CK_UTF8CHAR)no_text[i % (sizeof no_text - 1)];
}

void
moody_lie_of_token(const Mood *mood, CK_TOKEN_INFO *info)
{
    const char *kind = mood->token_lie ? mood->token_lie : "";

    if (g_str_equal(kind, "no-text")) {
        fill(info->manufacturerID, sizeof info->manufacturerID);
        fill(info->model, sizeof info->model);
    }
    if (g_str_equal(kind, "flags")) /* but the ones that say there is nothing to do with it */
        info->flags = ~(CK_FLAGS)CKF_PROTECTED_AUTHENTICATION_PATH;
    if (g_str_equal(kind, "pin-lengths")) {
        info->ulMinPinLen = 200;
        info->ulMaxPinLen = 3;
    }
    if (g_str_equal(kind, "pin-lengths-huge"))
        info->ulMinPinLen = info->ulMaxPinLen = HUGE_LEN;
    if (g_str_equal(kind, "unavailable"))
        info->ulMinPinLen = info->ulMaxPinLen = info->ulMaxSessionCount = info->ulSessionCount =
            CK_UNAVAILABLE_INFORMATION;
}

void
moody_lie_of_slots(const Mood *mood, CK_SLOT_ID *slots, CK_ULONG *count)
{
    if (mood->slots_beyond && slots)
        *count += 1ul << 40;
    if (!mood->slots_twice)
        return;
    if (slots) /* there was room: this doubled the number before */
        memcpy(slots + *count, slots, *count * sizeof *slots);
    *count *= 2;
}
