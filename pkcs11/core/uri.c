/* A cover over p11-kit's URI functions, which speak in CK_TOKEN_INFO and CK_ATTRIBUTE; the rest of
 * the house has plain fields. */
#include "pkcs11/core/uri.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct SealUri {
    P11KitUri *uri;
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(P11KitUri, p11_kit_uri_free)

/* Fills a field that PKCS#11 pads with spaces; cuts at a character. */
static void
pad(unsigned char *field, gsize width, const char *text)
{
    gsize len = text ? strlen(text) : 0;
    const char *end = text;

    if (len > width) {
        len = width;
        if (!g_utf8_validate_len(text, len, &end))
            len = (gsize)(end - text);
    }
    memset(field, ' ', width);
    if (len > 0)
        memcpy(field, text, len);
}

static void
fill_token(CK_TOKEN_INFO *info, const SealTokenName *token)
{
    pad(info->label, sizeof info->label, token->label);
    pad(info->manufacturerID, sizeof info->manufacturerID, token->manufacturer);
    pad(info->model, sizeof info->model, token->model);
    pad(info->serialNumber, sizeof info->serialNumber, token->serial);
}

static CK_OBJECT_CLASS
class_of(SealUriType type)
{
    return type == SEAL_URI_CERTIFICATE ? CKO_CERTIFICATE : CKO_PRIVATE_KEY;
}

/* The attributes of an object that a URI can name; absent ones are left out. Returns their number.
 * `class` is storage. */
static CK_ULONG
fill_attributes(CK_ATTRIBUTE attributes[3], CK_OBJECT_CLASS *class, GBytes *id, const char *label)
{
    CK_ULONG count = 0;

    attributes[count++] = (CK_ATTRIBUTE){CKA_CLASS, class, sizeof *class};
    if (id && g_bytes_get_size(id) > 0)
        attributes[count++] =
            (CK_ATTRIBUTE){CKA_ID, (void *)g_bytes_get_data(id, NULL), g_bytes_get_size(id)};
    if (label && *label)
        attributes[count++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)label, strlen(label)};
    return count;
}

/* malloc's text as GLib's. */
static char *
format(P11KitUri *uri, P11KitUriType type)
{
    char *text = NULL;
    char *copy = NULL;

    if (p11_kit_uri_format(uri, type, &text) != P11_KIT_URI_OK)
        g_error("out of memory for a PKCS#11 URI");
    copy = g_strdup(text);
    free(text);
    return copy;
}

char *
seal_uri_for_token(const SealTokenName *token)
{
    g_autoptr(P11KitUri) uri = p11_kit_uri_new();

    fill_token(p11_kit_uri_get_token_info(uri), token);
    return format(uri, P11_KIT_URI_FOR_TOKEN);
}

char *
seal_uri_for_object(const SealTokenName *token, SealUriType type, GBytes *id, const char *label)
{
    g_autoptr(P11KitUri) uri = p11_kit_uri_new();
    CK_OBJECT_CLASS class = class_of(type);
    CK_ATTRIBUTE attributes[3];
    CK_ULONG count = fill_attributes(attributes, &class, id, label);

    fill_token(p11_kit_uri_get_token_info(uri), token);
    (void)p11_kit_uri_set_attributes(uri, attributes, count);
    return format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN);
}

SealUri *
seal_uri_parse(const char *text, GError **error)
{
    g_autoptr(P11KitUri) parsed = p11_kit_uri_new();
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, parsed);
    SealUri *uri = NULL;

    if (result != P11_KIT_URI_OK) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "'%s' is no PKCS#11 URI: %s", text,
                    p11_kit_uri_message(result));
        return NULL;
    }
    uri = g_new0(SealUri, 1);
    uri->uri = g_steal_pointer(&parsed);
    return uri;
}

void
seal_uri_free(SealUri *uri)
{
    if (!uri)
        return;
    p11_kit_uri_free(uri->uri);
    g_free(uri);
}

gboolean
seal_uri_matches_token(SealUri *uri, const SealTokenName *token)
{
    CK_TOKEN_INFO info = {{0}};

    fill_token(&info, token);
    return !p11_kit_uri_any_unrecognized(uri->uri) && p11_kit_uri_match_token_info(uri->uri, &info);
}

/* p11-kit ignores what the URI names and the object lacks: an object without id fits no id. */
static gboolean
names_absent(SealUri *uri, CK_ATTRIBUTE_TYPE type, gboolean present)
{
    return !present && p11_kit_uri_get_attribute(uri->uri, type) != NULL;
}

gboolean
seal_uri_matches_object(SealUri *uri, const SealTokenName *token, SealUriType type, GBytes *id,
                        const char *label)
{
    CK_OBJECT_CLASS class = class_of(type);
    CK_ATTRIBUTE attributes[3];
    CK_ULONG count = fill_attributes(attributes, &class, id, label);

    return seal_uri_matches_token(uri, token) &&
           !names_absent(uri, CKA_ID, id && g_bytes_get_size(id) > 0) &&
           !names_absent(uri, CKA_LABEL, label && *label) &&
           p11_kit_uri_match_attributes(uri->uri, attributes, count);
}
