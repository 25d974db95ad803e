/* A counter of tries only grows when a PIN was right. One that grew without may have been reset by
 * another program, or lie; so what a token once said of its last try counts until it took a PIN
 * from us. */
#include "agent/last-try.h"

#include "agent/pin-dialogue.h"

static void
on_token_added(SealTokenObject *token, gpointer user_data)
{
    seal_pin_note_last_try(token, user_data);
}

static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    seal_pin_note_last_try(token, user_data);
}

void
seal_last_try_watch(SealRegistry *registry, SealRefusedPins *refused)
{
    static const SealRegistryEvents events = {
        .token_added = on_token_added,
        .token_changed = on_token_changed,
    };

    seal_registry_listen(registry, &events, refused);
}
