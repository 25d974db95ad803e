/* A card that somebody holds looks like none, or hangs; PC/SC does not say who it is. The kernel
 * does (sock_diag(7)): each connection of the service's socket has a peer, and a peer is a
 * descriptor of a process.
 *
 * What comes from the kernel and /proc is read with bounds all the same: processes end while they
 * are looked at, and names are theirs to choose. */
#include "base/pcsc-clients.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define SOCKET "/run/pcscd/pcscd.comm" /* of pcsc-lite, unless its variable says otherwise */
#define OURS   "privyseal"
/* A program that repeats a call which fails does not have /proc read each time. */
#define CLAUSE_KEPT_US (3 * G_USEC_PER_SEC)
/* What the kernel fills at most with one datagram of a dump. */
#define DATAGRAM_MAX 32768u

const char *
seal_pcsc_socket(void)
{
    const char *path = getenv("PCSCLITE_CSOCK_NAME");

    return path && *path ? path : SOCKET;
}

/* -- the kernel's sockets
 * --------------------------------------------------------------------------- */

static gboolean
ask_kernel(int fd)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } ask = {
        .header = {.nlmsg_len = sizeof ask,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = 1u << TCP_ESTABLISHED,
                    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
    };

    return send(fd, &ask, sizeof ask, 0) == (ssize_t)sizeof ask;
}

/* Adds the inode of the socket's peer to the set if the socket is one of `path`. */
static void
take_socket(const struct nlmsghdr *message, const char *path, GHashTable *inodes)
{
    const struct unix_diag_msg *about = NLMSG_DATA(message);
    int left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof *about);
    gboolean is_of_path = FALSE;
    guint32 peer = 0;

    for (const struct rtattr *at = (const struct rtattr *)(about + 1); left > 0 && RTA_OK(at, left);
         at = RTA_NEXT(at, left)) {
        if (at->rta_type == UNIX_DIAG_NAME)
            is_of_path = RTA_PAYLOAD(at) >= strlen(path) &&
                         memcmp(RTA_DATA(at), path, strlen(path)) == 0 &&
                         strnlen(RTA_DATA(at), RTA_PAYLOAD(at)) == strlen(path);
        if (at->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(at) == sizeof peer)
            memcpy(&peer, RTA_DATA(at), sizeof peer);
    }
    if (is_of_path && peer != 0)
        g_hash_table_add(inodes, GUINT_TO_POINTER(peer));
}

/* FALSE at the end of the dump. */
static gboolean
take_datagram(const struct nlmsghdr *message, gsize len, const char *path, GHashTable *inodes)
{
    for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
            return FALSE; /* done, or an error */
        take_socket(message, path, inodes);
    }
    return TRUE;
}

/* The inodes of the other ends of what is connected to `path` (transfer full). */
static GHashTable *
peers_of(const char *path)
{
    GHashTable *inodes = g_hash_table_new(NULL, NULL);
    g_auto(SealFd) fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    g_autofree struct nlmsghdr *datagram = g_malloc(DATAGRAM_MAX);
    ssize_t len = 0;

    if (fd < 0 || !ask_kernel(fd))
        return inodes;
    do {
        /* the kernel answers while it is asked, and while it is read */
        len = recv(fd, datagram, DATAGRAM_MAX, MSG_DONTWAIT);
    } while (len > 0 && take_datagram(datagram, (gsize)len, path, inodes));
    return inodes;
}

/* -- processes ------------------------------------------------------------------------------------
 */

static gboolean
has_socket(const char *process, GHashTable *inodes)
{
    g_autofree char *folder = g_build_filename(process, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *fd = NULL;

    while (dir && (fd = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, fd, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);
        guint32 inode = 0;

        if (target && sscanf(target, "socket:[%u]", &inode) == 1 &&
            g_hash_table_contains(inodes, GUINT_TO_POINTER(inode)))
            return TRUE;
    }
    return FALSE;
}

static char *
name_of(const char *process)
{
    g_autofree char *path = g_build_filename(process, "comm", NULL);
    char *name = NULL;

    if (!g_file_get_contents(path, &name, NULL, NULL))
        return NULL;
    return g_strcanon(g_strchomp(name), /* it stands in messages */
                      G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS " ._+:/()-", '?');
}

static void
client_free(gpointer data)
{
    SealPcscClient *client = data;

    g_free(client->name);
    g_free(client);
}

static void
look_at_process(GPtrArray *clients, const char *pid, GHashTable *inodes)
{
    g_autofree char *process = g_build_filename("/proc", pid, NULL);
    g_autofree char *name = NULL;
    struct stat about;
    SealPcscClient *client = NULL;

    if (stat(process, &about) != 0 || about.st_uid != getuid() || atoi(pid) == (int)getpid() ||
        !has_socket(process, inodes))
        return;
    name = name_of(process);
    if (!name || g_str_has_prefix(name, OURS))
        return;
    client = g_new0(SealPcscClient, 1);
    client->pid = (pid_t)atoi(pid);
    client->name = g_steal_pointer(&name);
    g_ptr_array_add(clients, client);
}

GPtrArray *
seal_pcsc_clients(void)
{
    GPtrArray *clients = g_ptr_array_new_with_free_func(client_free);
    g_autoptr(GHashTable) inodes = peers_of(seal_pcsc_socket());
    g_autoptr(GDir) dir = g_hash_table_size(inodes) > 0 ? g_dir_open("/proc", 0, NULL) : NULL;
    const char *entry = NULL;

    while (dir && (entry = g_dir_read_name(dir)))
        if (g_ascii_isdigit(*entry))
            look_at_process(clients, entry, inodes);
    return clients;
}

/* -- words ----------------------------------------------------------------------------------------
 */

static char *
make_clause(void)
{
    enum { NAMED_MAX = 3 };
    g_autoptr(GPtrArray) clients = seal_pcsc_clients();
    g_autoptr(GString) text = g_string_new(NULL);
    const SealPcscClient *first = clients->len > 0 ? clients->pdata[0] : NULL;

    if (!first)
        return NULL;
    for (guint i = 0; i < MIN(clients->len, NAMED_MAX); i++) {
        const SealPcscClient *client = clients->pdata[i];

        g_string_append_printf(text, "%s'%s' (pid %d)", i > 0 ? ", " : "", client->name,
                               (int)client->pid);
    }
    if (clients->len > NAMED_MAX)
        g_string_append(text, " and others");
    if (clients->len > 1)
        g_string_append(text, " work with cards as well: close them and try again");
    else if (g_str_equal(first->name, "scdaemon"))
        g_string_append(text, " of GnuPG works with cards as well: end it by \"gpgconf --kill "
                              "scdaemon\" and try again");
    else
        g_string_append(text, " works with cards as well: close it and try again");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
seal_pcsc_clients_clause(void)
{
    /* of the process: there is one service, and its callers have one thread */
    static char *clause;
    static gint64 kept_until_us;

    if (g_get_monotonic_time() >= kept_until_us) {
        g_free(clause);
        clause = make_clause();
        kept_until_us = g_get_monotonic_time() + CLAUSE_KEPT_US;
    }
    return g_strdup(clause);
}
