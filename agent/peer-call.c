/* Calls in flight. The list of a peer's requests is what its limit counts and what ends with it. */
#include "agent/peer-call.h"

#include "ipc/errors.h"

SealPeerCall *
seal_peer_call_new(SealPeer *peer, sd_bus_message *message)
{
    SealPeerCall *call = g_new0(SealPeerCall, 1);

    call->peer = peer;
    call->message = sd_bus_message_ref(message);
    call->link.data = call;
    call->queue = &peer->requests;
    g_queue_push_tail_link(call->queue, &call->link);
    return call;
}

void
seal_peer_call_on_cancel(SealPeerCall *call, SealCancelFunc cancel, gpointer handle)
{
    call->cancel = cancel;
    call->handle = handle;
}

void
seal_peer_call_free(SealPeerCall *call)
{
    g_queue_unlink(call->queue, &call->link);
    sd_bus_message_unref(call->message);
    g_free(call);
}

/* Not sent if the peer is gone. */
void
seal_peer_call_answer_message(SealPeerCall *call, sd_bus_message *reply)
{
    if (call->peer && reply) {
        (void)sd_bus_send(NULL, reply, NULL);
        seal_bus_kick(call->peer->link);
    }
    sd_bus_message_unref(reply);
    seal_peer_call_free(call);
}

void
seal_peer_call_answer(SealPeerCall *call, SealErrorCode status, const char *message)
{
    sd_bus_message *reply = NULL;

    if (status == SEAL_ERROR_NONE) {
        (void)sd_bus_message_new_method_return(call->message, &reply);
    } else {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void)sd_bus_error_set(&error, seal_error_dbus_name(status),
                               message && *message ? message : seal_error_phrase(status));
        (void)sd_bus_message_new_method_error(call->message, &reply, &error);
        sd_bus_error_free(&error);
    }
    seal_peer_call_answer_message(call, reply);
}

void
seal_peer_call_answer_bytes(SealPeerCall *call, SealBytes bytes, gboolean sensitive)
{
    sd_bus_message *reply = NULL;

    if (sd_bus_message_new_method_return(call->message, &reply) >= 0) {
        if (sensitive)
            (void)sd_bus_message_sensitive(reply);
        (void)sd_bus_message_append_array(reply, 'y', bytes.data, bytes.len);
    }
    seal_peer_call_answer_message(call, reply);
}

void
seal_peer_call_abandon(SealPeerCall *call)
{
    g_queue_unlink(call->queue, &call->link);
    call->queue = call->peer->orphans;
    g_queue_push_tail_link(call->queue, &call->link);
    call->peer = NULL;
    if (!call->cancel)
        return;
    call->cancel(call->handle);
    seal_peer_call_free(call);
}
