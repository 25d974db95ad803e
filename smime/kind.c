/* Media types of S/MIME (RFC 8551 3.2), their x- forms of old, and the file names that stand in for
 * them where a gateway replaced the type by application/octet-stream. */
#include "smime/kind.h"

#include <string.h>

static gboolean
is_type(const char *type, const char *name)
{
    return g_str_has_prefix(type, "application/") &&
           (g_str_equal(type + strlen("application/"), name) ||
            (g_str_has_prefix(type, "application/x-") &&
             g_str_equal(type + strlen("application/x-"), name)));
}

static gboolean
ends_in(const char *text, const char *suffix)
{
    gsize len = text ? strlen(text) : 0;
    gsize suffix_len = strlen(suffix);

    return len >= suffix_len && g_ascii_strcasecmp(text + len - suffix_len, suffix) == 0;
}

/* The file name in Content-Disposition; quotes and what follows are cut off. */
static char *
disposition_name(const SealEntity *entity)
{
    g_autoptr(GPtrArray) values = seal_entity_values(entity, "Content-Disposition");
    g_auto(GStrv) parts = NULL;

    if (values->len != 1)
        return NULL;
    parts = g_strsplit(g_ptr_array_index(values, 0), ";", 16);
    for (gsize i = 1; parts[0] && parts[i]; i++) {
        char *name = g_strstrip(parts[i]);

        if (g_ascii_strncasecmp(name, "filename=", 9) == 0)
            return g_strndup(name + 9 + (name[9] == '"'),
                             strcspn(name + 9 + (name[9] == '"'), "\""));
    }
    return NULL;
}

static gboolean
is_file(const SealEntity *entity, const char *suffix)
{
    g_autofree char *name = NULL;

    if (!g_str_equal(entity->type, "application/octet-stream"))
        return FALSE;
    if (ends_in(seal_entity_parameter(entity, "name"), suffix))
        return TRUE;
    name = disposition_name(entity);
    return ends_in(name, suffix);
}

gboolean
seal_kind_is_signature(const SealEntity *entity)
{
    return is_type(entity->type, "pkcs7-signature") || is_file(entity, ".p7s");
}

/* The protocol parameter decides; without one, the second part's type. */
static SealKind
kind_of_signed(const SealEntity *entity)
{
    g_autofree char *protocol = g_ascii_strdown(seal_entity_parameter(entity, "protocol")
                                                    ? seal_entity_parameter(entity, "protocol")
                                                    : "application/pkcs7-signature",
                                                -1);

    return is_type(protocol, "pkcs7-signature") ? SEAL_KIND_MULTIPART : SEAL_KIND_FOREIGN;
}

SealKind
seal_kind_of(const SealEntity *entity)
{
    if (g_str_equal(entity->type, "multipart/signed"))
        return kind_of_signed(entity);
    if (is_type(entity->type, "pkcs7-mime") || is_file(entity, ".p7m") || is_file(entity, ".p7c") ||
        is_file(entity, ".p7z"))
        return SEAL_KIND_CMS;
    return SEAL_KIND_PLAIN;
}
