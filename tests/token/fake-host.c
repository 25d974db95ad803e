/* A host with moods, in place of privyseal-host. It speaks the frames but loads nothing: `--module`
 * is a file to which it appends a line for each of its starts. `--name` is its mood at the start;
 * later the data of a sign request says what it does with it.
 *
 * It answers in the order of asking, with one thread: `hang` keeps back one answer, `release` gives
 * the oldest of those, `freeze` stops everything. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/messages.h"

#define TOKEN      7u
#define LAST_TOKEN 300u

static const char *mood = "good";
static const char *journal;
static int channel = -1;
static uint32_t flags = SEAL_TOKEN_LOGIN_REQUIRED | SEAL_TOKEN_REMOVABLE;
static const char *label = "Fake";
static const char *serial = "0001";
static GQueue kept = G_QUEUE_INIT; /* of SealFrameHeader *: answers kept back */

static gboolean
is_mood(const char *name)
{
    return strcmp(mood, name) == 0;
}

static void
send_frame(uint16_t type, uint64_t request, uint32_t status, const void *body, size_t len)
{
    SealFrameHeader header = {.type = type, .request = request, .status = status};
    struct iovec part = {(void *)body, len};

    if (seal_frame_send(channel, &header, &part, 1, TRUE) < 0)
        exit(0);
}

static void
reply(const SealFrameHeader *to, const void *body, size_t len)
{
    send_frame(to->type | SEAL_FRAME_REPLY, to->request, SEAL_ERROR_NONE, body, len);
}

static void
reply_failure(const SealFrameHeader *to, SealErrorCode status, uint32_t ckr, const char *message)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    seal_failure_encode(body, ckr, message);
    send_frame(to->type | SEAL_FRAME_REPLY, to->request, status, body->data, body->len);
}

static void
reply_text(const SealFrameHeader *to, const char *text)
{
    reply(to, text, strlen(text));
}

/* -- tokens ----------------------------------------------------------------------------------- */

static void
tell_token(uint32_t reference)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    const SealTokenInfo info = {
        .reference = reference,
        .slot_id = reference - TOKEN,
        .flags = flags,
        .label = (char *)label,
        .manufacturer = (char *)"Seal",
        .model = (char *)"Test",
        .serial = (char *)serial,
    };

    seal_token_info_encode(body, &info);
    send_frame(SEAL_FRAME_TOKEN, 0, 0, body->data, body->len);
}

static void
tell_key(uint32_t token, const char *name)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) id = g_bytes_new_static("\001", 1);
    g_autoptr(GBytes) public_key = g_bytes_new_static(name, strlen(name));
    const SealKeyInfo info = {
        .token = token,
        .reference = 11,
        .generation = 3,
        .flags = SEAL_KEY_SIGN,
        .algorithm = SEAL_ALGORITHM_EC,
        .bits = 256,
        .curve = SEAL_CURVE_P256,
        .mechanisms = 1u << SEAL_MECHANISM_ECDSA,
        .id = id,
        .label = (char *)name,
        .public_key = public_key,
    };

    seal_key_info_encode(body, &info);
    send_frame(SEAL_FRAME_KEY, 0, 0, body->data, body->len);
}

/* "Certificate" and "public key" are just names here. */
static void
tell_certificate(uint32_t token, const char *name)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autofree char *der = g_strconcat("certificate of ", name, NULL);
    g_autoptr(GBytes) certificate = g_bytes_new_static(der, strlen(der));
    g_autoptr(GBytes) public_key = g_bytes_new_static(name, strlen(name));
    g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
    const SealCertificateInfo info = {
        .token = token,
        .flags = SEAL_CERTIFICATE_SIGN,
        .id = empty,
        .label = (char *)name,
        .certificate = certificate,
        .subject = (char *)name,
        .issuer = (char *)"nobody",
        .issuer_name = empty,
        .serial = empty,
        .subject_key_id = empty,
        .public_key = public_key,
    };

    seal_certificate_info_encode(body, &info);
    send_frame(SEAL_FRAME_CERTIFICATE, 0, 0, body->data, body->len);
}

static void
tell_u32(uint16_t type, uint32_t value)
{
    send_frame(type, 0, 0, &value, sizeof value);
}

static void
tell_state(uint32_t token, uint32_t new_flags)
{
    const uint32_t body[] = {token, new_flags};

    send_frame(SEAL_FRAME_TOKEN_STATE, 0, 0, body, sizeof body);
}

static void
tell_all(void)
{
    tell_token(TOKEN);
    tell_key(TOKEN, "work");
    tell_certificate(TOKEN, "work");
    tell_certificate(TOKEN, "keyless");
    tell_u32(SEAL_FRAME_TOKEN_DONE, TOKEN);
    if (is_mood("two")) {
        tell_token(TOKEN + 1);
        tell_key(TOKEN + 1, "play");
        tell_u32(SEAL_FRAME_TOKEN_DONE, TOKEN + 1);
    }
}

/* -- what a sign request can ask for ---------------------------------------------------------- */

static void
send_raw(const void *data, size_t len)
{
    (void)send(channel, data, len, MSG_NOSIGNAL);
}

static void
send_descriptor(const SealFrameHeader *to)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {{0}};
    SealFrameHeader header = {.type = to->type | SEAL_FRAME_REPLY, .request = to->request};
    struct iovec part = {&header, sizeof header};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *carried = CMSG_FIRSTHDR(&message);

    carried->cmsg_level = SOL_SOCKET;
    carried->cmsg_type = SCM_RIGHTS;
    carried->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(carried), &channel, sizeof channel);
    (void)sendmsg(channel, &message, MSG_NOSIGNAL);
}

static void
reply_descriptors(const SealFrameHeader *to)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    g_autoptr(GString) list = g_string_new(NULL);
    const char *name = NULL;

    /* The listing's own descriptor is the lowest free one. */
    while ((name = g_dir_read_name(dir)))
        if (atoi(name) <= 4 || fcntl(atoi(name), F_GETFD) == 0)
            g_string_append_printf(list, "%s ", name);
    reply_text(to, list->str);
}

static void
die_half_way(const SealFrameHeader *to)
{
    label = "Half";
    tell_token(TOKEN);
    tell_key(TOKEN, "never done");
    (void)raise(SIGKILL);
}

static void
flood(const SealFrameHeader *to)
{
    for (uint32_t i = 0;; i++)
        tell_state(TOKEN, i);
}

static void
crowd(const SealFrameHeader *to)
{
    for (uint32_t i = 1; i <= LAST_TOKEN; i++)
        tell_token(TOKEN + i);
    reply_text(to, "told");
}

static void
reread(const SealFrameHeader *to)
{
    label = "Renamed";
    tell_token(TOKEN);
    tell_key(TOKEN, "other");
    tell_key(TOKEN, "work");
    tell_u32(SEAL_FRAME_TOKEN_DONE, TOKEN);
    reply_text(to, "told");
}

static void
shrink(const SealFrameHeader *to)
{
    tell_token(TOKEN);
    tell_key(TOKEN, "other");
    tell_certificate(TOKEN, "other");
    tell_u32(SEAL_FRAME_TOKEN_DONE, TOKEN);
    reply_text(to, "told");
}

static void
give_gone(const SealFrameHeader *to)
{
    tell_u32(SEAL_FRAME_TOKEN_GONE, TOKEN);
    reply_failure(to, SEAL_ERROR_TOKEN_REMOVED, 0x32, "the token was pulled");
}

static void
give_pad(const SealFrameHeader *to)
{
    flags |= SEAL_TOKEN_PROTECTED_AUTHENTICATION;
    tell_state(TOKEN, flags);
    reply_text(to, "told");
}

static void
give_failure(const SealFrameHeader *to)
{
    reply_failure(to, SEAL_ERROR_PIN_REQUIRED, 0x101, "the token wants a login");
}

static void
give_wrong_type(const SealFrameHeader *to)
{
    send_frame(SEAL_FRAME_LOGOUT | SEAL_FRAME_REPLY, to->request, 0, NULL, 0);
}

static void
give_wrong_status(const SealFrameHeader *to)
{
    send_frame(to->type | SEAL_FRAME_REPLY, to->request, SEAL_ERROR_LAST + 1, NULL, 0);
}

static void
give_failure_without_words(const SealFrameHeader *to)
{
    send_frame(to->type | SEAL_FRAME_REPLY, to->request, SEAL_ERROR_FAILED, "??", 2);
}

static void
give_empty(const SealFrameHeader *to)
{
    send_raw("", 0);
}

static void
give_short(const SealFrameHeader *to)
{
    send_raw("short", 5);
}

static void
give_wrong_length(const SealFrameHeader *to)
{
    SealFrameHeader header = {
        .type = to->type | SEAL_FRAME_REPLY, .request = to->request, .length = 9};

    send_raw(&header, sizeof header);
}

static void
give_unknown_event(const SealFrameHeader *to)
{
    send_frame(60, 0, 0, NULL, 0);
}

static void
give_stray_key(const SealFrameHeader *to)
{
    tell_key(TOKEN, "outside of a description");
}

static void
give_stray_reply(const SealFrameHeader *to)
{
    send_frame(to->type | SEAL_FRAME_REPLY, to->request + 1000, 0, "x", 1);
    reply_text(to, "after a stray one");
}

static void
give_load(const SealFrameHeader *to)
{
    g_autofree char *text = g_strdup_printf("%u", to->load);

    reply_text(to, text);
}

static void
keep(const SealFrameHeader *to)
{
    g_queue_push_tail(&kept, g_memdup2(to, sizeof *to));
}

static void
release(const SealFrameHeader *to)
{
    g_autofree SealFrameHeader *oldest = g_queue_pop_head(&kept);

    if (oldest)
        reply_text(oldest, "late");
    reply_text(to, "released");
}

static void
freeze(const SealFrameHeader *to)
{
    for (;;)
        (void)pause();
}

static void
die(const SealFrameHeader *to)
{
    (void)raise(SIGKILL);
}

/* The request stays without an answer, as one does in which the module is stuck. */
static void
retire(const SealFrameHeader *to)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    seal_put_text(body, "the card service has ended");
    send_frame(SEAL_FRAME_RETIRE, 0, 0, body->data, body->len);
}

static void
tell_readers(const SealFrameHeader *to)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    seal_put_u32(body, 2);
    seal_put_text(body, "Reader 00 00");
    seal_put_text(body, "Reader 00 01");
    send_frame(SEAL_FRAME_READERS, 0, 0, body->data, body->len);
    reply_text(to, "told");
}

/* One name for two. */
static void
tell_too_few_readers(const SealFrameHeader *to)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    seal_put_u32(body, 2);
    seal_put_text(body, "Reader 00 00");
    send_frame(SEAL_FRAME_READERS, 0, 0, body->data, body->len);
}

static void
retire_without_words(const SealFrameHeader *to)
{
    send_frame(SEAL_FRAME_RETIRE, 0, 0, "??", 2);
}

static void
leave(const SealFrameHeader *to)
{
    exit(0);
}

static const struct {
    const char *data;
    void (*act)(const SealFrameHeader *to);
} acts[] = {
    {"die", die},
    {"leave", leave},
    {"retire", retire},
    {"retire-mutely", retire_without_words},
    {"readers", tell_readers},
    {"too-few-readers", tell_too_few_readers},
    {"hang", keep},
    {"release", release},
    {"freeze", freeze},
    {"fail", give_failure},
    {"load", give_load},
    {"descriptors", reply_descriptors},
    {"die-half-way", die_half_way},
    {"flood", flood},
    {"crowd", crowd},
    {"reread", reread},
    {"shrink", shrink},
    {"gone", give_gone},
    {"pad", give_pad},
    {"wrong-type", give_wrong_type},
    {"wrong-status", give_wrong_status},
    {"no-words", give_failure_without_words},
    {"empty", give_empty},
    {"short", give_short},
    {"wrong-length", give_wrong_length},
    {"descriptor", send_descriptor},
    {"unknown-event", give_unknown_event},
    {"stray-key", give_stray_key},
    {"stray-reply", give_stray_reply},
};

/* -- requests --------------------------------------------------------------------------------- */

/* Without an act: "key KEY.GENERATION mechanism MECHANISM hash HASH data LEN: DATA". */
static void
on_sign(const SealFrameHeader *header, const void *body)
{
    SealSignRequest request;
    g_autofree char *data = NULL;
    g_autofree char *text = NULL;

    if (!seal_sign_request_decode(body, header->length, &request))
        exit(4);
    data = g_strndup((const char *)request.data.data, request.data.len);
    for (guint i = 0; i < G_N_ELEMENTS(acts); i++) {
        if (strcmp(acts[i].data, data) == 0) {
            acts[i].act(header);
            return;
        }
    }
    text = g_strdup_printf("key %u.%u mechanism %u hash %u pin %zu data %zu: %.40s", header->key,
                           header->generation, header->mechanism, request.parameters.hash,
                           request.pin.len, request.data.len, data);
    reply_text(header, text);
}

static void
on_unwrap(const SealFrameHeader *header, const void *body)
{
    SealUnwrapRequest request;
    g_autofree char *text = NULL;

    if (!seal_unwrap_request_decode(body, header->length, &request))
        exit(4);
    text = g_strdup_printf("label %zu originator %zu shared %zu encrypted %zu pin %zu",
                           request.label.len, request.originator.len, request.shared_info.len,
                           request.encrypted.len, request.pin.len);
    reply_text(header, text);
}

static void
on_login(const SealFrameHeader *header, const void *body)
{
    SealLoginRequest request;

    if (!seal_login_request_decode(body, header->length, &request))
        exit(4);
    if (request.pin.len == 0) {
        keep(header);
        return;
    }
    if (request.pin.len != 4 || strncmp((const char *)request.pin.data, "1234", 4) != 0) {
        reply_failure(header, SEAL_ERROR_PIN_INCORRECT, 0xa0, "the PIN is wrong");
        return;
    }
    flags |= SEAL_TOKEN_LOGGED_IN;
    tell_state(request.parameters.token, flags);
    reply(header, NULL, 0);
}

static void
on_logout(const SealFrameHeader *header, const void *body)
{
    flags &= ~(uint32_t)SEAL_TOKEN_LOGGED_IN;
    tell_state(TOKEN, flags);
    reply(header, NULL, 0);
}

static void
on_rescan(const SealFrameHeader *header, const void *body)
{
    if (is_mood("dies-in-scan"))
        (void)raise(SIGKILL);
    if (is_mood("hangs-in-scan"))
        freeze(header);
    tell_all();
    reply(header, NULL, 0);
}

static void
on_hello(const SealFrameHeader *header, const void *body)
{
    SealHello hello = {.version = SEAL_WIRE_VERSION, .frame_max = SEAL_FRAME_MAX, .window = 256};

    if (is_mood("refuses")) {
        reply_failure(header, SEAL_ERROR_MODULE_FAILED, 0, "it is no PKCS#11 module");
        exit(3);
    }
    if (is_mood("never-greets"))
        return;
    if (is_mood("other-version"))
        hello.version = 99;
    if (is_mood("narrow"))
        hello.window = 1;
    reply(header, &hello, is_mood("short-hello") ? 8 : sizeof hello);
}

static void
on_lane_revoke(const SealFrameHeader *header, const void *body)
{
    keep(header);
}

static void
on_request(const SealFrameHeader *header, const void *body)
{
    static const struct {
        uint16_t type;
        void (*act)(const SealFrameHeader *header, const void *body);
    } requests[] = {
        {SEAL_FRAME_HELLO, on_hello}, {SEAL_FRAME_RESCAN, on_rescan},
        {SEAL_FRAME_LOGIN, on_login}, {SEAL_FRAME_LOGOUT, on_logout},
        {SEAL_FRAME_SIGN, on_sign},   {SEAL_FRAME_UNWRAP, on_unwrap},
        {SEAL_FRAME_LANE_REVOKE, on_lane_revoke},
    };

    for (guint i = 0; i < G_N_ELEMENTS(requests); i++)
        if (requests[i].type == header->type)
            requests[i].act(header, body);
}

/* -- start ------------------------------------------------------------------------------------ */

static void
note(const char *what)
{
    FILE *file = fopen(journal, "ae");

    if (!file || fprintf(file, "%s\n", what) < 0 || fclose(file) != 0)
        exit(5);
}

static guint
count_starts(void)
{
    g_autofree char *text = NULL;
    guint starts = 0;

    if (!g_file_get_contents(journal, &text, NULL, NULL))
        exit(5);
    for (const char *at = text; (at = strstr(at, "started\n")); at++)
        starts++;
    return starts;
}

static void
start(void)
{
    note("started");
    if (is_mood("second-card"))
        serial = "0002";
    if (is_mood("no-serial") || is_mood("two"))
        serial = "";
    if (is_mood("zero-serial"))
        serial = "0000";
    if (is_mood("exits"))
        exit(3);
    if (is_mood("crashes") || (is_mood("crashes-twice") && count_starts() <= 2))
        (void)raise(SIGUSR1);
}

int
main(int argc, char **argv)
{
    static char body[SEAL_FRAME_MAX];
    SealFrameHeader header;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--module") == 0)
            journal = argv[i + 1];
        else if (strcmp(argv[i], "--name") == 0)
            mood = argv[i + 1];
        else if (strcmp(argv[i], "--channel") == 0)
            channel = atoi(argv[i + 1]);
    }
    start();
    while (seal_frame_receive(channel, &header, body, sizeof body, TRUE) == 1)
        on_request(&header, body);
    note("left");
    return 0;
}
