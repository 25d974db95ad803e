/* The server's side of D-Bus authentication on a private socket, and a connection of sd-bus that
 * begins right behind it. */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "base/loop.h"

typedef struct SealHandshake SealHandshake;

/* The peer is ready to speak: `bus` is started, past authentication (transfer full); or NULL if it
 * did not authenticate, left, or took too long. Free the SealHandshake in it, at the earliest. */
typedef void (*SealHandshakeFunc)(SealHandshake *handshake, sd_bus *bus, gpointer user_data);

/* Authenticates the peer at `fd` (transfer full; a connected stream socket, not blocking), which
 * the kernel says is `uid`: mechanism EXTERNAL, for that very user. Descriptors are not passed.
 * Ends by one callback from the loop, unless it is freed before. (transfer full) */
SealHandshake *seal_handshake_new(SealLoop *loop, int fd, uid_t uid, SealHandshakeFunc done,
                                  gpointer user_data);

/* Closes the connection unless it was handed over. NULL is allowed. */
void seal_handshake_free(SealHandshake *handshake);
