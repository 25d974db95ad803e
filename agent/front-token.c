/* org.privyseal.Agent1.Token: what is known of a token, its lock, its PIN. */
#include <stddef.h>
#include <string.h>

#include "agent/front-object.h"
#include "agent/leases.h"
#include "agent/pin-change.h"

/* Property name, and where its text lies. */
static const struct {
    const char *property;
    size_t offset;
} texts[] = {
    {"Label", offsetof(SealTokenObject, label)},
    {"Manufacturer", offsetof(SealTokenObject, manufacturer)},
    {"Model", offsetof(SealTokenObject, model)},
    {"Serial", offsetof(SealTokenObject, serial)},
    {"Uri", offsetof(SealTokenObject, uri)},
    {"Module", offsetof(SealTokenObject, module)},
    {"Slot", offsetof(SealTokenObject, slot)},
};

static const struct {
    const char *property;
    guint32 flag;
} flags[] = {
    {"ProtectedAuthentication", SEAL_TOKEN_PROTECTED_AUTHENTICATION},
    {"Removable", SEAL_TOKEN_REMOVABLE},
    {"ReadOnly", SEAL_TOKEN_READ_ONLY},
    {"PinToBeChanged", SEAL_TOKEN_PIN_TO_BE_CHANGED},
};

static int
get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const char *text = "";

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(property, texts[i].property) == 0)
            text = *(char **)((char *)user_data + texts[i].offset);
    return sd_bus_message_append(reply, "s", text ? text : "");
}

static int
get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealTokenObject *token = user_data;
    guint32 flag = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        if (strcmp(property, flags[i].property) == 0)
            flag = flags[i].flag;
    return sd_bus_message_append(reply, "b", (token->flags & flag) != 0);
}

static int
get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
          sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealTokenObject *token = user_data;

    return sd_bus_message_append(reply, "s", seal_token_state_name(token->state));
}

static int
get_tries_left(sd_bus *bus, const char *path, const char *interface, const char *property,
               sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealTokenObject *token = user_data;

    return sd_bus_message_append(reply, "i", token->tries_left);
}

static int
get_left_out(sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealTokenObject *token = user_data;

    return sd_bus_message_append_strv(reply, token->left_out);
}

/* -- methods ------------------------------------------------------------------ */

static void
on_unlocked(SealErrorCode status, const char *message, gpointer user_data)
{
    seal_peer_call_answer(user_data, status, message);
}

static void
cancel_unlock(gpointer unlock)
{
    seal_unlock_cancel(unlock);
}

static int
on_unlock(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));
    SealUnlocker *unlocker = connection->front->context->unlocker;
    SealPeer *peer = NULL;
    SealPeerCall *request = NULL;
    SealUnlock *unlock = NULL;
    SealUnlockAsk ask = {0};
    int result = seal_front_connection_identify(message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    result = seal_front_read_options(message, "option", seal_front_no_option, NULL, ret_error);
    if (result < 0)
        return result;
    ask.caller = peer->caller;
    ask.interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0;
    ask.purpose = "unlock";
    ask.last_try = TRUE;
    request = seal_peer_call_new(peer, message);
    unlock = seal_unlock_async(unlocker, user_data, &ask, on_unlocked, request);
    if (unlock) /* else it has been answered */
        seal_peer_call_on_cancel(request, cancel_unlock, unlock);
    return 1;
}

static int
on_lock(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));
    SealPeer *peer = NULL;
    int result = seal_front_connection_identify(message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    seal_lock_async(
        connection->front->context->unlocker, user_data, seal_front_on_locked,
        seal_front_lock_lanes(connection, user_data, seal_peer_call_new(peer, message)));
    return 1;
}

static void
cancel_pin_change(gpointer change)
{
    seal_pin_change_cancel(change);
}

static int
set_pin(sd_bus_message *message, SealTokenObject *token, SealPinStep step, sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));
    SealPinChanger *changer = seal_unlocker_pin_changer(connection->front->context->unlocker);
    SealPeer *peer = NULL;
    SealPeerCall *request = NULL;
    SealPinChange *change = NULL;
    SealUnlockAsk ask = {0};
    int result = seal_front_connection_identify(message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    result = seal_front_read_options(message, "option", seal_front_no_option, NULL, ret_error);
    if (result < 0)
        return result;
    ask.caller = peer->caller;
    ask.interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0;
    request = seal_peer_call_new(peer, message);
    change = seal_pin_change_async(changer, token, step, &ask, on_unlocked, request);
    if (change) /* else it has been answered */
        seal_peer_call_on_cancel(request, cancel_pin_change, change);
    return 1;
}

static int
on_change_pin(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return set_pin(message, user_data, SEAL_PIN_STEP_CHANGE, ret_error);
}

static int
on_unblock_pin(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return set_pin(message, user_data, SEAL_PIN_STEP_UNBLOCK, ret_error);
}

const sd_bus_vtable seal_front_token_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Label", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Manufacturer", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Model", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Serial", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Uri", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Module", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Slot", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("TriesLeft", "i", get_tries_left, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ProtectedAuthentication", "b", get_flag, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Removable", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ReadOnly", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PinToBeChanged", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("LeftOut", "as", get_left_out, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("Unlock", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, on_unlock,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ChangePin", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            on_change_pin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("UnblockPin", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            on_unblock_pin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Lock", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_lock,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
