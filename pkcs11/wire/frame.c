/* One SEQPACKET message is one frame. The kernel keeps the borders, so there is nothing to
 * resynchronise: a frame that is not exactly what its header says is the peer's mistake and ends
 * the channel.
 *
 * Every receive takes ancillary data with MSG_CMSG_CLOEXEC although nobody serves lanes yet: a
 * descriptor that a peer sends must neither leak into this process nor into its children. That of a
 * LANE_OPEN is closed too, and the frame is answered like any other of an unknown type. */
#include "pkcs11/wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PARTS_MAX 6
/* The kernel gives at most SCM_MAX_FD (253) in one message; those beyond our room it closes itself.
 */
#define DESCRIPTORS_SEEN 4

int
seal_frame_send(int fd, SealFrameHeader *header, const struct iovec *parts, size_t n_parts,
                gboolean wait)
{
    struct iovec vector[PARTS_MAX + 1] = {{header, sizeof *header}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = n_parts + 1};
    size_t length = 0;

    if (n_parts > PARTS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n_parts; i++) {
        vector[i + 1] = parts[i];
        if (parts[i].iov_len > SEAL_FRAME_MAX)
            return -EMSGSIZE;
        length += parts[i].iov_len;
    }
    if (length > SEAL_FRAME_MAX - sizeof *header)
        return -EMSGSIZE;
    header->length = (uint32_t)length;

    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

/* Closes what the peer sent along. Returns TRUE if there was anything. */
static gboolean
drop_descriptors(struct msghdr *message)
{
    gboolean found = (message->msg_flags & MSG_CTRUNC) != 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        size_t len = part->cmsg_len - CMSG_LEN(0);

        found = TRUE;
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= len; at += sizeof(int)) {
            int received = -1;

            memcpy(&received, CMSG_DATA(part) + at, sizeof received);
            (void)close(received);
        }
    }
    return found;
}

int
seal_frame_receive(int fd, SealFrameHeader *header, void *body, size_t room, gboolean wait)
{
    union {
        char bytes[CMSG_SPACE(DESCRIPTORS_SEEN * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec vector[2] = {{header, sizeof *header}, {body, room}};
    struct msghdr message = {
        .msg_iov = vector,
        .msg_iovlen = G_N_ELEMENTS(vector),
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received = 0;
    gboolean described = FALSE;

    do
        received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -errno;
    described = drop_descriptors(&message);
    if (message.msg_flags & MSG_TRUNC)
        return -EPROTO;
    if (received == 0 && !described)
        return 0;
    if ((size_t)received < sizeof *header || (size_t)received - sizeof *header != header->length)
        return -EPROTO;
    if (described && header->type != SEAL_FRAME_LANE_OPEN)
        return -EPROTO;
    return 1;
}
