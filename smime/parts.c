/* Parts that are protected among others that are not. Whoever sends the others can choose what they
 * say, so such a part is told of and stays closed: a text decrypted into somebody else's HTML is
 * sent to whomever that HTML asks for pictures (EFAIL). A part that was cut off counts, since mail
 * programs show it; mails that are attached (message/rfc822) are mails of their own. */
#include "smime/parts.h"

#include "smime/kind.h"

SealMessage *
seal_part_read_cms(const SealEntity *entity, GBytes *owner)
{
    g_autoptr(GBytes) der = seal_entity_decode(entity, owner);

    return der && !entity->defect ? seal_message_read(der) : NULL;
}

typedef struct {
    GBytes *owner;
    guint left; /* parts that may still be looked at */
} Search;

static SealVerdict search_in(Search *search, const SealEntity *entity, guint depth);

static SealVerdict
look_at(Search *search, SealBytes bytes, guint depth)
{
    g_autoptr(SealEntity) part = seal_entity_parse(bytes);
    g_autoptr(SealMessage) message = NULL;
    SealKind kind = seal_kind_of(part);
    SealVerdict found = SEAL_VERDICT_OK_PLAIN;

    if (kind == SEAL_KIND_CMS)
        message = seal_part_read_cms(part, search->owner);
    if (message && seal_content_info_is_envelope(message->info))
        return SEAL_VERDICT_PARTIALLY_ENCRYPTED;
    found = search_in(search, part, depth);
    if (kind == SEAL_KIND_MULTIPART || (message && !seal_content_info_is_compressed(message->info)))
        return MAX(found, SEAL_VERDICT_PARTIALLY_SIGNED);
    return found;
}

static SealVerdict
search_in(Search *search, const SealEntity *entity, guint depth)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));
    SealVerdict found = SEAL_VERDICT_OK_PLAIN;

    if (!g_str_has_prefix(entity->type, "multipart/"))
        return found;
    if (depth == 0)
        return SEAL_VERDICT_NESTING_LIMIT;
    if (seal_entity_split(entity, parts) && parts->len > SEAL_PARTS_MAX)
        return SEAL_VERDICT_RESOURCE_LIMIT;
    for (guint i = 0; i < parts->len && found < SEAL_VERDICT_PARTIALLY_ENCRYPTED; i++) {
        SealVerdict inner = SEAL_VERDICT_RESOURCE_LIMIT;

        if (search->left > 0) {
            search->left--;
            inner = look_at(search, g_array_index(parts, SealBytes, i), depth - 1);
        }
        found = MAX(found, inner); /* a macro that may take its arguments twice */
    }
    return found;
}

SealVerdict
seal_parts_search(const SealEntity *entity, GBytes *owner, const char **ret_reason)
{
    Search search = {owner, SEAL_SEARCH_PARTS_MAX};
    SealVerdict found = search_in(&search, entity, SEAL_SEARCH_DEPTH);

    switch (found) {
    case SEAL_VERDICT_NESTING_LIMIT:
        *ret_reason = "its parts are nested more deeply than is looked";
        break;
    case SEAL_VERDICT_RESOURCE_LIMIT:
        *ret_reason = "it has more parts than are looked at";
        break;
    case SEAL_VERDICT_PARTIALLY_ENCRYPTED:
        *ret_reason = "a part of it is encrypted among others that are not; save that part and "
                      "open it by itself";
        break;
    case SEAL_VERDICT_PARTIALLY_SIGNED:
        *ret_reason = "a part of it is signed among others that are not; save that part and "
                      "verify it by itself";
        break;
    default:
        *ret_reason = NULL;
    }
    return found;
}
