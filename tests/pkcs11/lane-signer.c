/* It takes no notice of answers but to count them. That it stops at all shows that the host closed
 * the lane: there is no other way out. */
#include "tests/pkcs11/lane-signer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/messages.h"
#include "tests/support/wait.h"

struct SealTestSigner {
    GThread *thread;
    int fd;
    guint32 lane;
    guint window;
    guint8 mark;
    guint in_flight;
    SealTestSigned had;
};

static void
fill(SealTestSigner *signer, guint64 *request)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA256, .data_len = 32};
    guint8 digest[32] = {signer->mark};
    struct iovec parts[] = {{(void *)&parameters, sizeof parameters}, {digest, sizeof digest}};

    while (signer->in_flight < signer->window) {
        SealFrameHeader header = {.type = SEAL_FRAME_SIGN,
                                  .request = ++*request,
                                  .lane = signer->lane,
                                  .mechanism = SEAL_MECHANISM_ECDSA,
                                  .load = signer->in_flight + 1};

        if (seal_frame_send(signer->fd, &header, parts, G_N_ELEMENTS(parts), FALSE) != 0)
            return;
        signer->in_flight++;
    }
}

/* FALSE at the lane's end. */
static gboolean
take(SealTestSigner *signer)
{
    guint8 body[4096];
    SealFrameHeader header;
    SealFailure failure = {0};
    struct pollfd ready = {signer->fd, POLLIN, 0};
    int received = 0;

    if (poll(&ready, 1, seal_test_deadline_ms()) != 1)
        g_error("nothing comes on the lane");
    received = seal_frame_receive_bare(signer->fd, &header, body, sizeof body, FALSE);
    if (received == -ECONNRESET) /* requests were left unread; what the host said comes next */
        return TRUE;
    if (received != 1)
        return FALSE;
    if (header.type == SEAL_FRAME_LANE_REVOKED) {
        g_assert_true(seal_failure_decode(body, header.length, &failure));
        signer->had.end = (SealLaneEnd)failure.ckr;
        seal_failure_clear(&failure);
        return TRUE;
    }
    g_assert_cmpint(signer->had.end, ==, SEAL_LANE_OPEN); /* that frame is the last one */
    signer->in_flight--;
    if (header.status == SEAL_ERROR_NONE)
        signer->had.signatures++;
    else if (header.status != SEAL_ERROR_BUSY)
        signer->had.refusals++;
    return TRUE;
}

static gpointer
signer_main(gpointer data)
{
    SealTestSigner *signer = data;
    guint64 request = 0;

    do
        fill(signer, &request);
    while (take(signer));
    return NULL;
}

SealTestSigner *
seal_test_signer_new(int fd, guint32 lane, guint window, guint8 mark)
{
    SealTestSigner *signer = g_new0(SealTestSigner, 1);

    signer->fd = fd;
    signer->lane = lane;
    signer->window = window;
    signer->mark = mark;
    signer->thread = g_thread_new("signer", signer_main, signer);
    return signer;
}

SealTestSigned
seal_test_signer_join(SealTestSigner *signer)
{
    SealTestSigned had;

    (void)g_thread_join(signer->thread);
    had = signer->had;
    g_free(signer);
    return had;
}
