/* The private socket: a listener that hands out connections of programs of the same user, and of
 * nobody else. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

#include "base/loop.h"

typedef struct SealPrivateSocket SealPrivateSocket;

/* A program of the same user connected. `fd` (transfer full). FALSE: not taken, because of a limit;
 * the connection is closed. */
typedef gboolean (*SealPrivateSocketFunc)(int fd, const struct ucred *peer, gpointer user_data);

/* Listens at `runtime_dir`/privyseal/bus; makes the folder (0700) and takes the place of a socket
 * that a dead agent left. NULL with BUSY if another agent listens there, FAILED if it cannot be
 * made. (transfer full) */
SealPrivateSocket *seal_private_socket_new(SealLoop *loop, const char *runtime_dir,
                                           SealPrivateSocketFunc connected, gpointer user_data,
                                           GError **error);

/* The socket's D-Bus address (transfer none). */
const char *seal_private_socket_address(const SealPrivateSocket *self);

/* Stops listening and removes the socket's file. NULL is allowed. */
void seal_private_socket_free(SealPrivateSocket *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPrivateSocket, seal_private_socket_free)
