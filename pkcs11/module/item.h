/* An object as programs see it: its attributes, all in memory. */
#pragma once

#include <glib.h>

#include "pkcs11/core/mechanism.h"
#include "pkcs11/module/cryptoki.h"

/* Raw operations of a private key that the agent's policy opens to this program. A set. */
typedef enum {
    SEAL_OPEN_ECDH = 1 << 0,
    SEAL_OPEN_RSA_SIGN = 1 << 1,
    SEAL_OPEN_RSA_DECRYPT = 1 << 2,
} SealOpenRaw;

/* Shared by catalogues and sessions; counted. */
typedef struct {
    CK_OBJECT_CLASS class;
    CK_OBJECT_HANDLE handle; /* set by who lists it */
    CK_SLOT_ID slot;
    GArray *attributes; /* of SealAttribute (item.c) */
    /* of private keys */
    char *key; /* (nullable) object path of the agent's key */
    SealAlgorithm algorithm;
    SealCurve curve;
    guint bits;
    gboolean can_sign, can_decrypt;
    guint raw; /* set of SealOpenRaw */
} SealItem;

/* An object with CKA_CLASS and nothing else (transfer full); _ref counts another holder, _unref one
 * less (NULL is allowed). */
SealItem *seal_item_new(CK_OBJECT_CLASS class);
SealItem *seal_item_ref(SealItem *item);
void seal_item_unref(SealItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealItem, seal_item_unref)

/* Each adds one attribute; the last one takes the reference (nullable: nothing is added). */
void seal_item_add(SealItem *item, CK_ATTRIBUTE_TYPE type, const void *value, gsize len);
void seal_item_add_bool(SealItem *item, CK_ATTRIBUTE_TYPE type, gboolean value);
void seal_item_add_ulong(SealItem *item, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void seal_item_add_text(SealItem *item, CK_ATTRIBUTE_TYPE type, const char *text);
void seal_item_take_bytes(SealItem *item, CK_ATTRIBUTE_TYPE type, GBytes *value);

/* TRUE if it has every attribute of the template with this value. */
gboolean seal_item_matches(const SealItem *item, const CK_ATTRIBUTE *template, CK_ULONG count);
/* C_GetAttributeValue (PKCS#11 5.7) for one object: fills the whole template, whatever fails. */
CK_RV seal_item_read(const SealItem *item, CK_ATTRIBUTE *template, CK_ULONG count);
/* Bytes of all values: C_GetObjectSize. */
gsize seal_item_size(const SealItem *item);
