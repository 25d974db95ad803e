/* Objects in memory. An object has some thirty attributes at the most, so they are a list that is
 * walked. */
#include "pkcs11/module/item.h"

#include <string.h>

typedef struct {
    CK_ATTRIBUTE_TYPE type;
    GBytes *value;
} SealAttribute;

static void
clear_attribute(gpointer data)
{
    g_bytes_unref(((SealAttribute *)data)->value);
}

SealItem *
seal_item_new(CK_OBJECT_CLASS class)
{
    SealItem *item = g_atomic_rc_box_new0(SealItem);

    item->class = class;
    item->attributes = g_array_new(FALSE, FALSE, sizeof(SealAttribute));
    g_array_set_clear_func(item->attributes, clear_attribute);
    seal_item_add_ulong(item, CKA_CLASS, class);
    return item;
}

SealItem *
seal_item_ref(SealItem *item)
{
    return g_atomic_rc_box_acquire(item);
}

static void
clear_item(gpointer data)
{
    SealItem *item = data;

    g_array_unref(item->attributes);
    g_free(item->key);
}

void
seal_item_unref(SealItem *item)
{
    if (item)
        g_atomic_rc_box_release_full(item, clear_item);
}

/* -- making ------------------------------------------------------------------------ */

void
seal_item_take_bytes(SealItem *item, CK_ATTRIBUTE_TYPE type, GBytes *value)
{
    SealAttribute attribute = {type, value};

    if (value)
        g_array_append_val(item->attributes, attribute);
}

void
seal_item_add(SealItem *item, CK_ATTRIBUTE_TYPE type, const void *value, gsize len)
{
    seal_item_take_bytes(item, type, g_bytes_new(value, len));
}

void
seal_item_add_bool(SealItem *item, CK_ATTRIBUTE_TYPE type, gboolean value)
{
    CK_BBOOL is = value ? CK_TRUE : CK_FALSE;

    seal_item_add(item, type, &is, sizeof is);
}

void
seal_item_add_ulong(SealItem *item, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    seal_item_add(item, type, &value, sizeof value);
}

void
seal_item_add_text(SealItem *item, CK_ATTRIBUTE_TYPE type, const char *text)
{
    seal_item_add(item, type, text, strlen(text));
}

/* -- reading ----------------------------------------------------------------------- */

static GBytes *
find(const SealItem *item, CK_ATTRIBUTE_TYPE type)
{
    for (guint i = 0; i < item->attributes->len; i++) {
        const SealAttribute *attribute = &g_array_index(item->attributes, SealAttribute, i);

        if (attribute->type == type)
            return attribute->value;
    }
    return NULL;
}

gboolean
seal_item_matches(const SealItem *item, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        GBytes *value = find(item, template[i].type);

        if (!value || g_bytes_get_size(value) != template[i].ulValueLen)
            return FALSE;
        if (template[i].ulValueLen > 0 &&
            memcmp(g_bytes_get_data(value, NULL), template[i].pValue, template[i].ulValueLen) != 0)
            return FALSE;
    }
    return TRUE;
}

/* What a key has and nobody may read. */
static gboolean
is_secret(const SealItem *item, CK_ATTRIBUTE_TYPE type)
{
    static const CK_ATTRIBUTE_TYPE secrets[] = {
        CKA_VALUE,      CKA_PRIVATE_EXPONENT, CKA_PRIME_1,     CKA_PRIME_2,
        CKA_EXPONENT_1, CKA_EXPONENT_2,       CKA_COEFFICIENT,
    };

    if (item->class != CKO_PRIVATE_KEY && item->class != CKO_SECRET_KEY)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++)
        if (secrets[i] == type)
            return TRUE;
    return FALSE;
}

static CK_RV
read_one(const SealItem *item, CK_ATTRIBUTE *attribute)
{
    GBytes *value = find(item, attribute->type);
    CK_ULONG room = attribute->ulValueLen;
    gsize len = 0;
    const void *data = value ? g_bytes_get_data(value, &len) : NULL;

    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!value)
        return is_secret(item, attribute->type) ? CKR_ATTRIBUTE_SENSITIVE
                                                : CKR_ATTRIBUTE_TYPE_INVALID;
    if (attribute->pValue && room < len)
        return CKR_BUFFER_TOO_SMALL;
    if (attribute->pValue && len > 0)
        memcpy(attribute->pValue, data, len);
    attribute->ulValueLen = len;
    return CKR_OK;
}

CK_RV
seal_item_read(const SealItem *item, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = read_one(item, &template[i]);

        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

gsize
seal_item_size(const SealItem *item)
{
    gsize size = 0;

    for (guint i = 0; i < item->attributes->len; i++)
        size += g_bytes_get_size(g_array_index(item->attributes, SealAttribute, i).value);
    return size;
}
