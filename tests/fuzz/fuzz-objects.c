/* The objects of a token as a hostile module gives them: attributes of any bytes and any length,
 * which may change between two calls, for the host's reading of a whole token. Promised: what comes
 * of it can be told in frames that the agent takes, no key is there twice, and what is left out has
 * a sentence of bounded length.
 *
 * An input is a list of objects: a byte for the class, then attributes up to a zero byte. An
 * attribute is a byte for its type (from 1, in `types`), one for how it is told, and a byte of
 * length with as many bytes of value; two bytes of length where the way says so. */
#include <glib.h>
#include <string.h>

#include "pkcs11/host/inventory.h"
#include "pkcs11/wire/frame.h"
#include "tests/fuzz/fuzz.h"

#define OBJECTS_MAX    32u
#define ATTRIBUTES_MAX 12u
#define SLOT           1

typedef enum {
    WAY_HONEST,
    WAY_LONG,        /* with two bytes of length, little-endian */
    WAY_UNAVAILABLE, /* CK_UNAVAILABLE_INFORMATION, and OK */
    WAY_REFUSED,
    WAY_BEYOND, /* OK, with a length beyond the buffer */
    WAY_GROWS,  /* one byte longer whenever it is asked for */
    N_WAYS,
} Way;

typedef struct {
    CK_ATTRIBUTE_TYPE type;
    Way way;
    SealBytes value;
    guint asked;
} Attribute;

typedef struct {
    CK_OBJECT_CLASS class;
    Attribute attributes[ATTRIBUTES_MAX];
    guint n_attributes;
} Object;

static Object objects[OBJECTS_MAX]; /* of this input; handles count from 1 */
static guint n_objects;
static CK_OBJECT_CLASS sought; /* by C_FindObjectsInit */
static guint sought_at;

/* -- the module ---------------------------------------------------------------------- */

static CK_RV
get_info(CK_INFO *info)
{
    memset(info, 0, sizeof *info);
    return CKR_OK;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    memset(info, ' ', sizeof *info);
    info->flags = CKF_TOKEN_INITIALIZED;
    info->ulMaxSessionCount = info->ulMinPinLen = info->ulMaxPinLen = 0;
    return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    memset(info, 0, sizeof *info);
    return CKR_OK;
}

static CK_RV
get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    *count = 0;
    return CKR_OK;
}

static CK_RV
find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    sought = *(CK_OBJECT_CLASS *)template->pValue;
    sought_at = 0;
    return CKR_OK;
}

static CK_RV
find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG room, CK_ULONG *count)
{
    *count = 0;
    for (; sought_at < n_objects && *count < room; sought_at++)
        if (objects[sought_at].class == sought)
            found[(*count)++] = sought_at + 1;
    return CKR_OK;
}

static CK_RV
find_final(CK_SESSION_HANDLE session)
{
    return CKR_OK;
}

static Attribute *
find_attribute(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    Object *object = &objects[handle - 1];

    for (guint i = 0; i < object->n_attributes; i++)
        if (object->attributes[i].type == type)
            return &object->attributes[i];
    return NULL;
}

static CK_RV
tell(Attribute *told, CK_ATTRIBUTE *attribute)
{
    CK_ULONG len = told->value.len + (told->way == WAY_GROWS ? told->asked : 0);
    CK_ULONG room = attribute->ulValueLen;

    told->asked++;
    attribute->ulValueLen = len;
    if (!attribute->pValue)
        return CKR_OK;
    if (len > room) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (told->value.len > 0)
        memcpy(attribute->pValue, told->value.data, told->value.len);
    memset((guint8 *)attribute->pValue + told->value.len, 0, len - told->value.len);
    return CKR_OK;
}

static CK_RV
get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attribute,
              CK_ULONG count)
{
    Attribute *told = find_attribute(handle, attribute->type);

    if (!told || told->way == WAY_REFUSED || told->way == WAY_UNAVAILABLE) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return !told                      ? CKR_ATTRIBUTE_TYPE_INVALID
               : told->way == WAY_REFUSED ? CKR_ATTRIBUTE_SENSITIVE
                                          : CKR_OK;
    }
    if (told->way == WAY_BEYOND) {
        attribute->ulValueLen += 1 + told->value.len;
        return CKR_OK;
    }
    return tell(told, attribute);
}

static CK_FUNCTION_LIST functions = {
    .C_GetInfo = get_info,
    .C_GetTokenInfo = get_token_info,
    .C_GetSlotInfo = get_slot_info,
    .C_GetMechanismList = get_mechanism_list,
    .C_FindObjectsInit = find_init,
    .C_FindObjects = find,
    .C_FindObjectsFinal = find_final,
    .C_GetAttributeValue = get_attribute,
};

/* -- the input ----------------------------------------------------------------------- */

static SealBytes
read_value(SealReader *reader, Way way)
{
    gsize len = seal_reader_u8(reader);

    if (way == WAY_LONG)
        len |= (gsize)seal_reader_u8(reader) << 8;
    return seal_reader_bytes(reader, MIN(len, reader->left));
}

static void
read_object(SealReader *reader)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE, CKO_PRIVATE_KEY};
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_KEY_TYPE,         CKA_ID,        CKA_LABEL,    CKA_VALUE,  CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,  CKA_EC_PARAMS, CKA_EC_POINT, 0x129UL, /* CKA_PUBLIC_KEY_INFO */
        CKA_CERTIFICATE_TYPE, CKA_SIGN,      CKA_DECRYPT,  CKA_DERIVE, CKA_PRIVATE};
    Object *object = &objects[n_objects++];
    guint8 type = 0;

    *object = (Object){.class = classes[seal_reader_u8(reader) % G_N_ELEMENTS(classes)]};
    while (object->n_attributes < ATTRIBUTES_MAX && (type = seal_reader_u8(reader)) != 0) {
        Attribute *attribute = &object->attributes[object->n_attributes++];

        *attribute = (Attribute){.type = types[(type - 1u) % G_N_ELEMENTS(types)]};
        attribute->way = (Way)(seal_reader_u8(reader) % N_WAYS);
        attribute->value = read_value(reader, attribute->way);
    }
}

/* -- what is promised ----------------------------------------------------------------- */

static void
expect_key(const SealHostKey *key)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealKeyInfo info, decoded = {0};

    seal_host_key_describe(key, &info);
    seal_key_info_encode(body, &info);
    g_assert_true(seal_key_info_decode(body->data, body->len, &decoded));
    g_assert_cmpuint(decoded.bits, >, 0);
    g_assert_cmpuint(body->len, <, SEAL_FRAME_MAX);
    seal_key_info_clear(&decoded);
}

static void
expect_certificate(const SealCertificateInfo *info)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealCertificateInfo decoded = {0};

    seal_certificate_info_encode(body, info);
    g_assert_true(seal_certificate_info_decode(body->data, body->len, &decoded));
    seal_certificate_info_clear(&decoded);
}

static void
expect_inventory(const SealInventory *inventory)
{
    for (guint i = 0; i < inventory->keys->len; i++) {
        const SealHostKey *key = inventory->keys->pdata[i];

        expect_key(key);
        for (guint j = 0; j < i; j++)
            g_assert_false(seal_public_key_equal(
                key->public_key, ((SealHostKey *)inventory->keys->pdata[j])->public_key));
    }
    for (guint i = 0; i < inventory->certificates->len; i++)
        expect_certificate(inventory->certificates->pdata[i]);
    g_assert_cmpuint(inventory->left_out->len, <=, SEAL_LIST_MAX);
    for (guint i = 0; i < inventory->left_out->len; i++) {
        const char *sentence = inventory->left_out->pdata[i];

        g_assert_true(g_utf8_validate(sentence, -1, NULL));
        g_assert_cmpuint(strlen(sentence), <, SEAL_TEXT_MAX);
    }
}

static GLogWriterOutput
say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    return G_LOG_WRITER_HANDLED;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static SealStore *store;
    static SealSlot *slot;
    g_autoptr(SealInventory) inventory = NULL;
    CK_RV rv = CKR_OK;
    SealReader reader;

    if (!slot) {
        g_log_set_writer_func(say_nothing, NULL, NULL);
        store = seal_store_new();
        slot = seal_slot_new(&functions, SLOT, 1, &rv);
        g_assert_cmphex(rv, ==, CKR_OK);
    }
    seal_reader_init(&reader, data, size);
    n_objects = 0;
    while (reader.left > 0 && n_objects < OBJECTS_MAX)
        read_object(&reader);
    inventory = seal_inventory_read(store, slot, 1, &rv);
    g_assert_nonnull(inventory);
    expect_inventory(inventory);
    return 0;
}
