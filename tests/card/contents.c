/* A card is personalised when it is loaded: keys and certificates come from files that somebody
 * else made, the objects around them are made here (SP 800-73-4 part 1, appendix A). */
#include "tests/card/contents.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/card/tlv.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

#define OBJECT_PREFIX "object "

enum { DEFAULT_TRIES = 3 };

typedef enum {
    TAG_CARD_CAPABILITY = 0x5fc107,
    TAG_CARD_HOLDER_ID = 0x5fc102,
    TAG_KEY_HISTORY = 0x5fc10c,
    TAG_RETIRED_FIRST = 0x5fc10d,
} Tag;

/* The FASC-N of a card of no federal agency: 9999-9999-999999-0-1-0000000000-3-0000-1 in five-bit
 * digits (TIG SCEPACS 2.3, table 2-1). It makes programs take the GUID for the card's serial. */
static const guint8 fasc_n[] = {0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce,
                                0x73, 0x9d, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
                                0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb};

static guint32
certificate_tag(guint slot)
{
    static const struct {
        guint slot;
        guint32 tag;
    } rows[] = {
        {SEAL_SLOT_AUTHENTICATION, 0x5fc105},
        {SEAL_SLOT_SIGNATURE, 0x5fc10a},
        {SEAL_SLOT_MANAGEMENT, 0x5fc10b},
        {SEAL_SLOT_CARD, 0x5fc101},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].slot == slot)
            return rows[i].tag;
    return TAG_RETIRED_FIRST + (slot - SEAL_SLOT_RETIRED_FIRST);
}

/* (transfer full) of `object` */
static void
put_object(SealCardContents *contents, guint32 tag, GByteArray *object)
{
    g_hash_table_replace(contents->objects, GUINT_TO_POINTER(tag),
                         g_byte_array_free_to_bytes(object));
}

/* -- the objects around the keys -------------------------------------------------------------- */

static void
put_card_holder_id(SealCardContents *contents)
{
    static const char expiry[] = "20401231";
    GByteArray *object = g_byte_array_new();

    seal_tlv_put(object, 0x30, fasc_n, sizeof fasc_n);
    seal_tlv_put(object, 0x34, contents->guid, SEAL_GUID_LEN);
    seal_tlv_put(object, 0x35, expiry, strlen(expiry));
    seal_tlv_put(object, 0x3e, NULL, 0);
    seal_tlv_put(object, 0xfe, NULL, 0);
    put_object(contents, TAG_CARD_HOLDER_ID, object);
}

static void
put_card_capability(SealCardContents *contents)
{
    static const guint8 identifier[21] = {0xa0, 0x00, 0x00, 0x01, 0x16};
    static const guint8 empty[] = {0xf3, 0xf6, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe};
    GByteArray *object = g_byte_array_new();

    seal_tlv_put(object, 0xf0, identifier, sizeof identifier);
    seal_tlv_put(object, 0xf1, (const guint8[]){0x21}, 1);
    seal_tlv_put(object, 0xf2, (const guint8[]){0x21}, 1);
    seal_tlv_put(object, 0xf4, (const guint8[]){0x00}, 1);
    seal_tlv_put(object, 0xf5, (const guint8[]){0x10}, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(empty); i++)
        seal_tlv_put(object, empty[i], NULL, 0);
    put_object(contents, TAG_CARD_CAPABILITY, object);
}

/* Only the PIN of the card's PIV application opens it (SP 800-73-4 part 1, 3.3.2). */
static void
put_discovery(SealCardContents *contents)
{
    static const guint8 application[] = {0xa0, 0x00, 0x00, 0x03, 0x08, 0x00,
                                         0x00, 0x10, 0x00, 0x01, 0x00};
    GByteArray *object = g_byte_array_new();

    seal_tlv_put(object, 0x4f, application, sizeof application);
    seal_tlv_put(object, 0x5f2f, (const guint8[]){0x40, 0x00}, 2);
    put_object(contents, SEAL_TAG_DISCOVERY, object);
}

static void
put_key_history(SealCardContents *contents)
{
    GByteArray *object = g_byte_array_new();
    guint8 count = 0;

    for (guint32 slot = SEAL_SLOT_RETIRED_FIRST; slot <= SEAL_SLOT_RETIRED_LAST; slot++)
        count += g_hash_table_contains(contents->objects, GUINT_TO_POINTER(certificate_tag(slot)));
    seal_tlv_put(object, 0xc1, &count, 1);
    seal_tlv_put(object, 0xc2, (const guint8[]){0}, 1);
    seal_tlv_put(object, 0xf3, NULL, 0);
    seal_tlv_put(object, 0xfe, NULL, 0);
    put_object(contents, TAG_KEY_HISTORY, object);
}

/* -- keys and certificates -------------------------------------------------------------------- */

static BIO *
open_file(GKeyFile *description, const char *group, const char *setting)
{
    g_autofree char *path = g_key_file_get_string(description, group, setting, NULL);

    return path != NULL ? BIO_new_file(path, "r") : NULL;
}

static gboolean
load_key(SealCardContents *contents, GKeyFile *description, const char *group, guint slot)
{
    g_autoptr(BIO) in = open_file(description, group, "key");
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;

    if (key == NULL)
        return FALSE;
    g_hash_table_replace(contents->keys, GUINT_TO_POINTER(slot), key);
    return TRUE;
}

static gboolean
load_certificate(SealCardContents *contents, GKeyFile *description, const char *group, guint slot)
{
    g_autoptr(BIO) in = open_file(description, group, "certificate");
    g_autoptr(X509) certificate = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    GByteArray *object = NULL;
    guint8 *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : 0;

    if (len <= 0)
        return FALSE;
    object = g_byte_array_new();
    seal_tlv_put(object, 0x70, der, (gsize)len);
    seal_tlv_put(object, 0x71, (const guint8[]){0x00}, 1); /* not compressed */
    seal_tlv_put(object, 0xfe, NULL, 0);
    put_object(contents, certificate_tag(slot), object);
    OPENSSL_free(der);
    return TRUE;
}

static gboolean
load_object(SealCardContents *contents, GKeyFile *description, const char *group, GError **error)
{
    g_autofree char *path = g_key_file_get_string(description, group, "file", error);
    guint32 tag = (guint32)strtoul(group + strlen(OBJECT_PREFIX), NULL, 16);
    g_autofree char *data = NULL;
    gsize len = 0;

    if (path == NULL || !g_file_get_contents(path, &data, &len, error))
        return FALSE;
    g_hash_table_replace(contents->objects, GUINT_TO_POINTER(tag), g_bytes_new(data, len));
    if (g_key_file_get_boolean(description, group, "bare", NULL))
        g_hash_table_add(contents->bare, GUINT_TO_POINTER(tag));
    return TRUE;
}

static gboolean
is_slot(guint64 slot)
{
    return (slot >= SEAL_SLOT_RETIRED_FIRST && slot <= SEAL_SLOT_RETIRED_LAST) ||
           (slot >= SEAL_SLOT_AUTHENTICATION && slot <= SEAL_SLOT_CARD && slot != 0x9b);
}

static gboolean
load_slot(SealCardContents *contents, GKeyFile *description, const char *group, GError **error)
{
    guint64 slot = 0;

    if (!g_ascii_string_to_unsigned(group, 16, 0, 0xff, &slot, NULL) || !is_slot(slot) ||
        !load_key(contents, description, group, (guint)slot) ||
        (g_key_file_has_key(description, group, "certificate", NULL) &&
         !load_certificate(contents, description, group, (guint)slot))) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "card '%s': [%s] is no slot, or its key or certificate cannot be read",
                    contents->name, group);
        return FALSE;
    }
    return TRUE;
}

/* -- the whole -------------------------------------------------------------------------------- */

void
seal_card_pin_pad(const char *pin, guint8 ret_padded[SEAL_PIN_LEN])
{
    memset(ret_padded, 0xff, SEAL_PIN_LEN);
    memcpy(ret_padded, pin, MIN(strlen(pin), SEAL_PIN_LEN));
}

static void
load_pin(GKeyFile *description, const char *setting, const char *preset,
         guint8 ret_padded[SEAL_PIN_LEN])
{
    g_autofree char *pin = g_key_file_get_string(description, "card", setting, NULL);

    seal_card_pin_pad(pin != NULL ? pin : preset, ret_padded);
}

static void
make_guid(SealCardContents *contents)
{
    guint8 digest[EVP_MAX_MD_SIZE];

    (void)EVP_Digest(contents->name, strlen(contents->name), digest, NULL, EVP_sha256(), NULL);
    memcpy(contents->guid, digest, sizeof contents->guid);
}

/* FALSE if it is no version. */
static gboolean
load_firmware(SealCardContents *contents, GKeyFile *description)
{
    g_autofree char *text = g_key_file_get_string(description, "card", "firmware", NULL);
    g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "0.0.0", ".", -1);
    guint64 part = 0;

    if (g_strv_length(parts) != G_N_ELEMENTS(contents->firmware))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(contents->firmware); i++) {
        if (!g_ascii_string_to_unsigned(parts[i], 10, 0, G_MAXUINT8, &part, NULL))
            return FALSE;
        contents->firmware[i] = (guint8)part;
    }
    return TRUE;
}

static SealCardContents *
contents_new(const char *path, GKeyFile *description)
{
    SealCardContents *contents = g_new0(SealCardContents, 1);
    g_autofree char *protocol = g_key_file_get_string(description, "card", "protocol", NULL);
    int tries = g_key_file_get_integer(description, "card", "tries", NULL);
    char *ending = NULL;

    contents->name = g_path_get_basename(path);
    ending = strrchr(contents->name, '.');
    if (ending != NULL)
        *ending = '\0';
    make_guid(contents);
    contents->tries = tries > 0 ? (guint)tries : DEFAULT_TRIES;
    contents->is_t0 = protocol && g_str_equal(protocol, "T=0");
    load_pin(description, "pin", "123456", contents->pin);
    load_pin(description, "puk", "12345678", contents->puk);
    contents->is_careless = g_key_file_get_boolean(description, "card", "careless", NULL);
    contents->bare = g_hash_table_new(NULL, NULL);
    contents->keys = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)EVP_PKEY_free);
    contents->objects = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
    return contents;
}

SealCardContents *
seal_card_contents_load(const char *path, GError **error)
{
    g_autoptr(GKeyFile) description = g_key_file_new();
    g_autoptr(SealCardContents) contents = NULL;
    g_auto(GStrv) groups = NULL;

    if (!g_key_file_load_from_file(description, path, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "'%s': ", path);
        return NULL;
    }
    contents = contents_new(path, description);
    if (!load_firmware(contents, description)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "card '%s': its firmware= is no version such as 5.4.3", contents->name);
        return NULL;
    }
    groups = g_key_file_get_groups(description, NULL);
    for (char **group = groups; *group != NULL; group++)
        if (!g_str_equal(*group, "card") && !g_str_has_prefix(*group, OBJECT_PREFIX) &&
            !load_slot(contents, description, *group, error))
            return NULL;
    put_card_holder_id(contents);
    put_card_capability(contents);
    put_discovery(contents);
    for (char **group = groups; *group != NULL; group++)
        if (g_str_has_prefix(*group, OBJECT_PREFIX) &&
            !load_object(contents, description, *group, error))
            return NULL;
    if (!g_hash_table_contains(contents->objects, GUINT_TO_POINTER(TAG_KEY_HISTORY)))
        put_key_history(contents);
    return g_steal_pointer(&contents);
}

void
seal_card_contents_free(SealCardContents *contents)
{
    if (contents == NULL)
        return;
    g_hash_table_unref(contents->keys);
    g_hash_table_unref(contents->objects);
    g_hash_table_unref(contents->bare);
    g_free(contents->name);
    g_free(contents);
}
