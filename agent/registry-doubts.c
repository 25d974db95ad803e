/* Keys whose signatures do not fit their public halves. The host keeps such a signature back; one
 * may come from another card that took this one's place unseen, and the next is right again. When
 * the same key does it a second time, its card lies or fails: the certificate that it shows is not
 * that key's. The key then serves nobody, and says why, until tokens are looked for again.
 *
 * What such a key decrypts cannot be judged: the answer is secret, and its wrongness shows nowhere
 * but in what it does not open. */
#include "agent/registry-objects.h"

#include "base/log.h"

/* The second in a row is no accident. */
#define MISMATCHES_MAX 2u

gboolean
seal_key_place_is_doubted(const SealKeyPlace *place)
{
    return place->mismatches >= MISMATCHES_MAX;
}

static void
tell(SealRegistry *registry, SealKeyObject *key)
{
    static const char *const names[] = {"Fault", "Purposes", "Token", NULL};

    SEAL_REGISTRY_TELL(registry, key_changed, key, names);
}

/* Sets the count; TRUE if it makes a difference. */
static gboolean
set_mismatches(SealKeyPlace *place, guint mismatches)
{
    gboolean was_doubted = seal_key_place_is_doubted(place);

    place->mismatches = MIN(mismatches, MISMATCHES_MAX);
    return was_doubted != seal_key_place_is_doubted(place);
}

static void
log_state(const SealKeyPlace *place)
{
    if (seal_key_place_is_doubted(place))
        seal_log_warning("key '%s' on token '%s' is not used any more: its signatures do not fit "
                         "its public key",
                         place->info->label, place->token->label);
    else
        seal_log_info("key '%s' on token '%s' is used again: a signature fits its public key",
                      place->info->label, place->token->label);
}

void
seal_registry_note_tried(SealRegistry *registry, const SealToken *token, guint32 reference,
                         gboolean fits)
{
    GHashTableIter iter;
    SealKeyObject *key = NULL;

    g_hash_table_iter_init(&iter, registry->keys);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&key)) {
        for (guint i = 0; i < key->places->len; i++) {
            SealKeyPlace *place = key->places->pdata[i];

            if (place->token->token != token || place->info->reference != reference)
                continue;
            if (!set_mismatches(place, fits ? 0 : place->mismatches + 1))
                return;
            log_state(place);
            tell(registry, key);
            return;
        }
    }
}

void
seal_registry_forget_doubts(SealRegistry *registry)
{
    g_autoptr(GList) keys = g_hash_table_get_values(registry->keys);

    for (GList *at = keys; at; at = at->next) {
        SealKeyObject *key = at->data;
        gboolean differs = FALSE;

        for (guint i = 0; i < key->places->len; i++)
            differs |= set_mismatches(key->places->pdata[i], 0);
        if (differs)
            tell(registry, key);
    }
}
