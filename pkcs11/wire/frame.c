/* One SEQPACKET message is one frame. The kernel keeps the borders, so there is nothing to
 * resynchronise: a frame that is not exactly what its header says is the peer's mistake and ends
 * the channel.
 *
 * Between agent and host every receive takes ancillary data with MSG_CMSG_CLOEXEC: a descriptor
 * that comes unasked must neither leak into this process nor into its children. On a lane no room
 * is given for any, so that the kernel closes it before this process could hold it, and says so. */
#include "pkcs11/wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PARTS_MAX 6
/* The kernel gives at most SCM_MAX_FD (253) in one message; those beyond our room it closes itself.
 */
#define DESCRIPTORS_SEEN 4

typedef union {
    char bytes[CMSG_SPACE(DESCRIPTORS_SEEN * sizeof(int))];
    struct cmsghdr aligned;
} Control;

/* -- sending ---------------------------------------------------------------------------------- */

/* Puts the frame into `message`, whose vector has room for it. 0, or -errno. */
static int
fill(struct msghdr *message, SealFrameHeader *header, const struct iovec *parts, size_t n_parts)
{
    struct iovec *vector = message->msg_iov;
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
    vector[0] = (struct iovec){header, sizeof *header};
    message->msg_iovlen = n_parts + 1;
    return 0;
}

static int
send_message(int fd, const struct msghdr *message, gboolean wait)
{
    for (;;) {
        if (sendmsg(fd, message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

int
seal_frame_send(int fd, SealFrameHeader *header, const struct iovec *parts, size_t n_parts,
                gboolean wait)
{
    struct iovec vector[PARTS_MAX + 1];
    struct msghdr message = {.msg_iov = vector};
    int result = fill(&message, header, parts, n_parts);

    return result < 0 ? result : send_message(fd, &message, wait);
}

int
seal_frame_send_descriptor(int fd, SealFrameHeader *header, const struct iovec *parts,
                           size_t n_parts, int descriptor)
{
    struct iovec vector[PARTS_MAX + 1];
    Control control = {{0}};
    struct msghdr message = {.msg_iov = vector,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof descriptor)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    int result = fill(&message, header, parts, n_parts);

    if (result < 0)
        return result;
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    return send_message(fd, &message, FALSE);
}

/* -- receiving -------------------------------------------------------------------------------- */

/* What the peer sent along, at most `room` of it in `descriptors`; more is closed. Returns how many
 * there were, the kernel's losses counted as one. */
static size_t
take_descriptors(struct msghdr *message, int *descriptors, size_t room)
{
    size_t found = (message->msg_flags & MSG_CTRUNC) != 0 ? room + 1 : 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        size_t len = part->cmsg_len - CMSG_LEN(0);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            found = room + 1;
            continue;
        }
        for (size_t at = 0; at + sizeof(int) <= len; at += sizeof(int)) {
            int received = -1;

            memcpy(&received, CMSG_DATA(part) + at, sizeof received);
            if (found < room)
                descriptors[found] = received;
            else
                (void)close(received);
            found++;
        }
    }
    return found;
}

static ssize_t
receive_message(int fd, struct msghdr *message, gboolean wait)
{
    ssize_t received = 0;

    do
        received = recvmsg(fd, message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (received < 0 && errno == EINTR);
    return received < 0 ? -errno : received;
}

/* 1 for a frame as it should be, 0 for the end, -EPROTO. */
static int
judge(const struct msghdr *message, const SealFrameHeader *header, ssize_t received,
      gboolean described)
{
    if (message->msg_flags & MSG_TRUNC)
        return -EPROTO;
    if (received == 0 && !described)
        return 0;
    if ((size_t)received < sizeof *header || (size_t)received - sizeof *header != header->length)
        return -EPROTO;
    return described && header->type != SEAL_FRAME_LANE_OPEN ? -EPROTO : 1;
}

int
seal_frame_receive_descriptor(int fd, SealFrameHeader *header, void *body, size_t room,
                              gboolean wait, int *ret_descriptor)
{
    Control control;
    struct iovec vector[2] = {{header, sizeof *header}, {body, room}};
    struct msghdr message = {
        .msg_iov = vector,
        .msg_iovlen = G_N_ELEMENTS(vector),
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    int descriptor = -1, result = 0;
    ssize_t received = receive_message(fd, &message, wait);
    size_t n = 0;

    *ret_descriptor = -1;
    if (received < 0)
        return (int)received;
    n = take_descriptors(&message, &descriptor, 1);
    result = judge(&message, header, received, n > 0);
    if (result == 1 && header->type == SEAL_FRAME_LANE_OPEN && n != 1)
        result = -EPROTO;
    if (result == 1)
        *ret_descriptor = descriptor;
    else if (descriptor >= 0)
        (void)close(descriptor);
    return result;
}

int
seal_frame_receive(int fd, SealFrameHeader *header, void *body, size_t room, gboolean wait)
{
    int descriptor = -1;
    int result = seal_frame_receive_descriptor(fd, header, body, room, wait, &descriptor);

    if (descriptor >= 0)
        (void)close(descriptor);
    return result;
}

int
seal_frame_receive_bare(int fd, SealFrameHeader *header, void *body, size_t room, gboolean wait)
{
    struct iovec vector[2] = {{header, sizeof *header}, {body, room}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = G_N_ELEMENTS(vector)};
    ssize_t received = receive_message(fd, &message, wait);

    if (received < 0)
        return (int)received;
    if (message.msg_flags & MSG_CTRUNC) /* ancillary data came, and found no room */
        return -EPROTO;
    return judge(&message, header, received, FALSE);
}
