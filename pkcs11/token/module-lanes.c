/* Lanes at a module's host: what the host says of them, and how they are taken back. The word comes
 * first, which the host reads before each use; the frame tells it to close the lane and to say when
 * nothing is under way on it any more. */
#include "pkcs11/token/token.h"

gboolean
seal_module_on_lane_closed(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealLaneBook *book = seal_module_lanes(module);
    SealReader reader;
    guint32 why = 0;

    seal_reader_init(&reader, body.data, body.len);
    why = seal_reader_u32(&reader);
    return seal_reader_done(&reader) && book && why != SEAL_LANE_OPEN &&
           why <= SEAL_LANE_END_LAST && seal_lane_book_close(book, header->lane, (SealLaneEnd)why);
}

gboolean
seal_module_on_doorbell(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealLaneBook *book = seal_module_lanes(module);

    return body.len == 0 && book && seal_lane_book_drain(book);
}

gboolean
seal_module_has_lane(SealModule *module, guint32 lane)
{
    const SealLaneBook *book = seal_module_lanes(module);

    return book && seal_lane_book_has(book, lane);
}

/* A lane that is being taken back. */
typedef struct {
    SealModule *module;
    guint32 lane;
    SealLaneEnd why;
} Revocation;

/* Without a good answer the lane is not over until the host says so, or is lost, which has its lanes
 * closed when its process has ended. */
static void
on_lane_revoked(const SealReply *reply, gpointer user_data)
{
    g_autofree Revocation *revocation = user_data;
    SealLaneBook *book = seal_module_lanes(revocation->module);

    if (reply->status == SEAL_ERROR_NONE && book)
        (void)seal_lane_book_close(book, revocation->lane, revocation->why);
}

void
seal_module_revoke_lane(SealModule *module, guint32 lane, SealLaneEnd why, SealLaneEndedFunc done,
                        gpointer user_data)
{
    SealLaneBook *book = seal_module_lanes(module);
    guint32 number = why;
    struct iovec part = {&number, sizeof number};
    const SealAsk ask = {.type = SEAL_FRAME_LANE_REVOKE,
                         .lane = lane,
                         .parts = &part,
                         .n_parts = 1,
                         .timeout_ms = seal_module_config(module)->operation_timeout_ms};
    Revocation *revocation = NULL;

    if (!book || !seal_lane_book_end(book, lane, why)) {
        if (done)
            done(user_data);
        return;
    }
    if (!seal_lane_book_await(book, lane, done, user_data))
        return;
    revocation = g_new0(Revocation, 1);
    *revocation = (Revocation){module, lane, why};
    (void)seal_channel_ask(seal_module_channel(module), &ask, on_lane_revoked, revocation);
}
