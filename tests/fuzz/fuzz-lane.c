/* The host's side of a lane: a header and a body as a hostile client sends them. The token is one
 * that has no keys, so whatever passes every check fails at the first that needs one. Promised for
 * each frame: at most one use is taken off the lane and recorded, at most one answer leaves, and a
 * lane that was opened for signing only never takes another mechanism to the token. */
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/host/lane.h"
#include "tests/fuzz/fuzz.h"

#define COUNT  4
#define NUMBER 5

typedef struct {
    SealHost host;
    SealServer server;
    SealRecords *records;
    int audit; /* our end */
} Scene;

static Scene *
make_scene(void)
{
    Scene *scene = g_new0(Scene, 1);
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    scene->audit = ends[0];
    scene->host.store = seal_store_new();
    scene->host.channel = open("/dev/null", O_WRONLY | O_CLOEXEC); /* bells are not heard */
    scene->records = seal_records_new(&scene->host, ends[1]);
    seal_server_init(&scene->server, &scene->host);
    return scene;
}

/* Records of uses that started, which must be of what the lane permits. */
static guint
count_records(Scene *scene)
{
    SealLaneRecord record;
    guint n = 0;

    while (recv(scene->audit, &record, sizeof record, MSG_DONTWAIT) == sizeof record) {
        g_assert_cmpuint(record.lane, ==, NUMBER);
        g_assert_cmpuint(record.mechanism, ==, SEAL_MECHANISM_ECDSA);
        n += record.use == SEAL_LANE_USE_STARTS;
    }
    return n;
}

static guint
count_answers(int fd)
{
    guint8 answer[SEAL_FRAME_MAX];
    guint n = 0;

    while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
        n++;
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Scene *scene;
    const guint32 word = NUMBER;
    const SealLaneGrant grant = {.expires_us = G_MAXUINT64,
                                 .count = COUNT,
                                 .mechanisms = 1u << SEAL_MECHANISM_ECDSA,
                                 .hashes = 1u << SEAL_HASH_SHA256,
                                 .window = 1};
    SealFrameHeader header = {0}, key = {.key = 1, .generation = 1};
    SealLaneGrant decoded;
    SealLane *lane = NULL;
    int ends[2];
    guint used = 0;

    if (!scene)
        scene = make_scene();
    (void)seal_lane_grant_decode(data, size, &decoded);
    if (size < sizeof header || size - sizeof header > SEAL_FRAME_MAX)
        return 0;
    memcpy(&header, data, sizeof header);
    header.length = (uint32_t)(size - sizeof header); /* seal_frame_receive_bare() sees to that */
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    lane = seal_lane_new(NUMBER, &key, &grant, &word, ends[1]);
    seal_secret_set_len(scene->server.frame, 0);
    g_assert_true(seal_secret_append(scene->server.frame, data + sizeof header, header.length));
    seal_lane_serve(lane, &scene->server, scene->records, &header);
    used = COUNT - (guint)lane->left;
    g_assert_cmpuint(used, <=, 1);
    g_assert_cmpuint(count_records(scene), ==, used);
    g_assert_cmpuint(count_answers(ends[0]), ==, lane->end == SEAL_LANE_OPEN ? 1 : 0);
    seal_lane_unref(lane);
    (void)close(ends[0]);
    return 0;
}
