/* Bounded attribute reading. Most values are short, so the first call already brings a buffer; only
 * a value that does not fit costs a length query and a second call. */
#include "pkcs11/core/template.h"

#include <string.h>

#define SHORT_VALUE 512

/* Reads into `room` bytes. Returns the length, or -1 if there is no such value or it did not fit.
 */
static gssize
read_value(const SealObject *object, CK_ATTRIBUTE_TYPE type, void *buffer, gsize room)
{
    CK_ATTRIBUTE attribute = {type, buffer, room};
    CK_RV rv =
        object->functions->C_GetAttributeValue(object->session, object->object, &attribute, 1);

    if (rv != CKR_OK || attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION ||
        attribute.ulValueLen > room)
        return -1;
    return (gssize)attribute.ulValueLen;
}

/* Asks how long a value is; 0 if it is absent or over the cap. */
static gsize
query_len(const SealObject *object, CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE attribute = {type, NULL, 0};
    CK_RV rv =
        object->functions->C_GetAttributeValue(object->session, object->object, &attribute, 1);

    if (rv != CKR_OK || attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION ||
        attribute.ulValueLen > SEAL_ATTRIBUTE_MAX)
        return 0;
    return attribute.ulValueLen;
}

GBytes *
seal_object_bytes(const SealObject *object, CK_ATTRIBUTE_TYPE type)
{
    guint8 brief[SHORT_VALUE];
    gssize len = read_value(object, type, brief, sizeof brief);
    g_autofree guint8 *value = NULL;
    gsize room = 0;

    if (len >= 0)
        return g_bytes_new(brief, (gsize)len);
    room = query_len(object, type);
    if (room == 0)
        return NULL;
    value = g_malloc(room);
    len = read_value(object, type, value, room);
    return len < 0 ? NULL : g_bytes_new_take(g_steal_pointer(&value), (gsize)len);
}

char *
seal_padded_text(const unsigned char *field, gsize width)
{
    while (width > 0 && (field[width - 1] == ' ' || field[width - 1] == '\0'))
        width--;
    return g_utf8_make_valid((const char *)field, (gssize)width);
}

char *
seal_object_text(const SealObject *object, CK_ATTRIBUTE_TYPE type)
{
    g_autoptr(GBytes) bytes = seal_object_bytes(object, type);
    gsize len = 0;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return len > 0 ? seal_padded_text(data, len) : g_strdup("");
}

gboolean
seal_object_bool(const SealObject *object, CK_ATTRIBUTE_TYPE type, gboolean otherwise)
{
    CK_BBOOL value = CK_FALSE;

    return read_value(object, type, &value, sizeof value) == sizeof value ? value != CK_FALSE
                                                                          : otherwise;
}

gulong
seal_object_ulong(const SealObject *object, CK_ATTRIBUTE_TYPE type, gulong otherwise)
{
    CK_ULONG value = 0;

    return read_value(object, type, &value, sizeof value) == sizeof value ? value : otherwise;
}
