/* $XDG_RUNTIME_DIR/privyseal/bus. A lock file beside it says whether an agent listens: the kernel
 * drops the lock when the agent dies, however it dies, so a stale socket cannot be mistaken for a
 * live one. The socket is bound under another name and renamed, so that a client finds the old one
 * or the new one.
 *
 * Who connects is known from SO_PEERCRED before a byte is read; another user's connection is
 * closed. */
#include "agent/private-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

/* Connections that the kernel keeps until we take them. */
#define BACKLOG 128

/* Accepted in one turn, before others get theirs. */
#define ACCEPTS_AT_ONCE 16

/* Without free descriptors accept() fails at once, again and again: look again after so long. */
#define PAUSE_US (G_USEC_PER_SEC / 4)

struct SealPrivateSocket {
    char *path;
    char *address;
    SealFd lock_fd;
    SealFd fd;
    SealWatch *watch;
    gboolean is_bound;
    SealPrivateSocketFunc connected;
    gpointer user_data;
};

static gboolean
fail_with_errno(GError **error, const char *action, const char *path)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot %s '%s': %s", action, path,
                g_strerror(errno));
    return FALSE;
}

/* The folder is ours alone, or we do not listen in it. */
static gboolean
make_folder(const char *path, GError **error)
{
    struct stat info;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail_with_errno(error, "make the folder", path);
    if (lstat(path, &info) < 0)
        return fail_with_errno(error, "look at", path);
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid()) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                    "'%s' is not a folder of this user, remove it", path);
        return FALSE;
    }
    if ((info.st_mode & 0777) != 0700 && chmod(path, 0700) < 0)
        return fail_with_errno(error, "make private the folder", path);
    return TRUE;
}

static gboolean
take_lock(SealPrivateSocket *self, GError **error)
{
    g_autofree char *path = g_strconcat(self->path, ".lock", NULL);

    self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->lock_fd < 0)
        return fail_with_errno(error, "open", path);
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_BUSY,
                "another agent of this user runs already, it listens at '%s'", self->path);
    return FALSE;
}

static gboolean
bind_socket(SealPrivateSocket *self, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *fresh = g_strconcat(self->path, ".new", NULL);

    if (g_strlcpy(address.sun_path, fresh, sizeof address.sun_path) >= sizeof address.sun_path) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                    "'%s' is too long for a socket, choose a shorter XDG_RUNTIME_DIR", self->path);
        return FALSE;
    }
    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self->fd < 0)
        return fail_with_errno(error, "make the socket", self->path);
    (void)unlink(fresh);
    if (bind(self->fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(fresh, 0600) < 0 ||
        listen(self->fd, BACKLOG) < 0 || rename(fresh, self->path) < 0)
        return fail_with_errno(error, "listen at", self->path);
    self->is_bound = TRUE;
    return TRUE;
}

/* D-Bus specification, "Server Addresses": all but [-0-9A-Za-z_/.*\] is escaped. */
static char *
address_of(const char *path)
{
    GString *address = g_string_new("unix:path=");

    for (const char *at = path; *at; at++) {
        if (g_ascii_isalnum(*at) || strchr("-_/.*", *at))
            g_string_append_c(address, *at);
        else
            g_string_append_printf(address, "%%%02x", (unsigned char)*at);
    }
    return g_string_free(address, FALSE);
}

/* Takes one connection; FALSE if there is none. */
static gboolean
accept_one(SealPrivateSocket *self)
{
    g_auto(SealFd) fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            seal_watch_set_events(self->watch, 0);
            seal_watch_set_deadline(self->watch, g_get_monotonic_time() + PAUSE_US);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return TRUE;
    if (peer.uid != geteuid()) {
        seal_log_warning("refused a connection of user %u (process %d)", peer.uid, peer.pid);
        return TRUE;
    }
    if (self->connected(fd, &peer, self->user_data))
        (void)seal_fd_steal(&fd);
    return TRUE;
}

static void
on_ready(uint32_t events, gpointer user_data)
{
    SealPrivateSocket *self = user_data;

    if (events == 0) /* the pause is over */
        seal_watch_set_events(self->watch, EPOLLIN);
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
        if (!accept_one(self))
            return;
}

SealPrivateSocket *
seal_private_socket_new(SealLoop *loop, const char *runtime_dir, SealPrivateSocketFunc connected,
                        gpointer user_data, GError **error)
{
    g_autoptr(SealPrivateSocket) self = g_new0(SealPrivateSocket, 1);
    g_autofree char *folder = g_build_filename(runtime_dir, "privyseal", NULL);

    self->path = g_build_filename(folder, "bus", NULL);
    self->address = address_of(self->path);
    self->lock_fd = self->fd = -1;
    self->connected = connected;
    self->user_data = user_data;
    if (!make_folder(folder, error) || !take_lock(self, error) || !bind_socket(self, error))
        return NULL;
    self->watch = seal_loop_watch(loop, self->fd, EPOLLIN, on_ready, self);
    return g_steal_pointer(&self);
}

const char *
seal_private_socket_address(const SealPrivateSocket *self)
{
    return self->address;
}

void
seal_private_socket_free(SealPrivateSocket *self)
{
    if (!self)
        return;
    seal_watch_free(self->watch);
    if (self->is_bound)
        (void)unlink(self->path);
    seal_fd_clear(&self->fd);
    seal_fd_clear(&self->lock_fd); /* last: nobody else may bind before the file is gone */
    g_free(self->address);
    g_free(self->path);
    g_free(self);
}
