/* A small, patient agent: one request at a time, events are kept as they come. */
#include "tests/pkcs11/host-client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/wait.h"

/* -- starting and stopping -----------------------------------------------------------------------
 */

/* A host's ends. */
typedef struct {
    int channel, audit, words;
} Ends;

static pid_t
spawn(SealTestHome *home, const char *module, const Ends *ends)
{
    g_autofree char *program = seal_test_built("pkcs11/host/privyseal-host");
    g_autofree char *log = seal_test_home_path(home, "host.log");
    g_autofree char *channel = g_strdup_printf("%d", ends->channel);
    g_autofree char *audit = g_strdup_printf("%d", ends->audit);
    g_autofree char *words = g_strdup_printf("%d", ends->words);
    pid_t pid = fork();
    int fd = -1;

    g_assert_cmpint(pid, >=, 0);
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)fcntl(ends->channel, F_SETFD, 0);
    (void)fcntl(ends->audit, F_SETFD, 0);
    (void)fcntl(ends->words, F_SETFD, 0);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)dup2(fd, STDERR_FILENO);
    (void)execl(program, program, "--module", module, "--channel", channel, "--audit", audit,
                "--revoke", words, NULL);
    _exit(127);
}

static void
free_token(SealTokenInfo *info)
{
    seal_token_info_clear(info);
    g_free(info);
}

static void
free_key(SealKeyInfo *info)
{
    seal_key_info_clear(info);
    g_free(info);
}

static void
free_certificate(SealCertificateInfo *info)
{
    seal_certificate_info_clear(info);
    g_free(info);
}

static SealHello
usual_hello(guint workers)
{
    SealHello hello = {
        .version = SEAL_WIRE_VERSION,
        .frame_max = SEAL_FRAME_MAX,
        .window = 64,
        .workers = workers,
        .verify = SEAL_VERIFY_REMOVABLE,
    };

    memset(hello.rejection_secret, 0x52, sizeof hello.rejection_secret);
    return hello;
}

static int
make_words(SealTestHost *host)
{
    const gsize len = SEAL_LANES_MAX * sizeof *host->words;
    int fd = memfd_create("words", MFD_CLOEXEC);

    g_assert_cmpint(ftruncate(fd, (off_t)len), ==, 0);
    host->words = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(host->words != MAP_FAILED);
    return fd;
}

/* Returns the other end. */
static int
make_pair(int *ret_ours)
{
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    *ret_ours = ends[0];
    return ends[1];
}

SealTestHost *
seal_test_host_spawn(SealTestHome *home, const char *module)
{
    SealTestHost *host = g_new0(SealTestHost, 1);
    Ends ends = {make_pair(&host->channel), make_pair(&host->audit), make_words(host)};

    host->tokens = g_ptr_array_new_with_free_func((GDestroyNotify)free_token);
    host->keys = g_ptr_array_new_with_free_func((GDestroyNotify)free_key);
    host->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)free_certificate);
    host->left_out = g_ptr_array_new_with_free_func(g_free);
    host->pid = spawn(home, module, &ends);
    (void)close(ends.channel);
    (void)close(ends.audit);
    (void)close(ends.words);
    return host;
}

SealTestHost *
seal_test_host_start(SealTestHome *home, const char *module, const SealHello *hello,
                     SealTestAnswer **ret_answer)
{
    SealTestHost *host = seal_test_host_spawn(home, module);
    SealFrameHeader header = {.type = SEAL_FRAME_HELLO};
    const SealHello usual = usual_hello(0);
    g_autoptr(GBytes) body = g_bytes_new(hello ? hello : &usual, sizeof usual);

    *ret_answer = seal_test_host_ask(host, &header, body);
    if (*ret_answer && (*ret_answer)->body)
        (void)seal_hello_decode(g_bytes_get_data((*ret_answer)->body, NULL),
                                g_bytes_get_size((*ret_answer)->body), &host->hello);
    return host;
}

static SealTestHost *
start_with_workers(SealTestHome *home, gboolean moody, guint workers)
{
    const SealHello hello = usual_hello(workers);
    g_autofree char *real = seal_test_fixture_module(home);
    g_autofree char *mock = seal_test_built("tests/mock/moody.so");
    g_autofree char *control = seal_test_home_path(home, "mood");
    g_autoptr(SealTestAnswer) answer = NULL, rescan = NULL;
    SealFrameHeader header = {.type = SEAL_FRAME_RESCAN};
    SealTestHost *host = NULL;

    seal_test_home_setenv(home, "PRIVYSEAL_MOODY", control);
    seal_test_home_setenv(home, "PRIVYSEAL_MOODY_MODULE", real);
    host = seal_test_host_start(home, moody ? mock : real, &hello, &answer);
    g_assert_nonnull(answer);
    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    rescan = seal_test_host_ask(host, &header, NULL);
    g_assert_cmpint(rescan->status, ==, SEAL_ERROR_NONE);
    return host;
}

SealTestHost *
seal_test_host_new(SealTestHome *home, gboolean moody)
{
    return start_with_workers(home, moody, 0);
}

int
seal_test_host_stop(SealTestHost *host)
{
    int status = 0;

    if (host->channel >= 0)
        (void)close(host->channel);
    host->channel = -1;
    if (host->pid <= 0)
        return 0;
    if (!seal_test_wait_for_end(host->pid))
        g_error("the host does not end");
    g_assert_cmpint(waitpid(host->pid, &status, 0), ==, host->pid);
    host->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
seal_test_host_free(SealTestHost *host)
{
    if (!host)
        return;
    g_assert_cmpint(seal_test_host_stop(host), ==, 0);
    (void)close(host->audit);
    (void)munmap(host->words, SEAL_LANES_MAX * sizeof *host->words);
    g_ptr_array_unref(host->tokens);
    g_ptr_array_unref(host->keys);
    g_ptr_array_unref(host->certificates);
    g_ptr_array_unref(host->left_out);
    g_free(host);
}

/* -- events
 * ---------------------------------------------------------------------------------------- */

static guint
find_token(SealTestHost *host, guint32 reference)
{
    guint i = 0;

    while (i < host->tokens->len &&
           ((SealTokenInfo *)host->tokens->pdata[i])->reference != reference)
        i++;
    return i;
}

/* All three descriptions begin with the token's reference. */
static void
drop_objects(GPtrArray *objects, guint32 reference)
{
    for (guint i = objects->len; i > 0; i--)
        if (*(guint32 *)objects->pdata[i - 1] == reference)
            g_ptr_array_remove_index(objects, i - 1);
}

static void
forget_token(SealTestHost *host, guint32 reference)
{
    drop_objects(host->tokens, reference);
    drop_objects(host->keys, reference);
    drop_objects(host->certificates, reference);
}

static void
handle_event(SealTestHost *host, const SealFrameHeader *header, const void *body)
{
    SealTokenInfo token = {0};
    SealKeyInfo key = {0};
    SealCertificateInfo certificate = {0};
    SealReader reader;
    guint32 reference = 0, at = 0;

    seal_reader_init(&reader, body, header->length);
    switch (header->type) {
    case SEAL_FRAME_TOKEN:
        g_assert_true(seal_token_info_decode(body, header->length, &token));
        forget_token(host, token.reference);
        g_ptr_array_add(host->tokens, g_memdup2(&token, sizeof token));
        break;
    case SEAL_FRAME_KEY:
        g_assert_true(seal_key_info_decode(body, header->length, &key));
        g_ptr_array_add(host->keys, g_memdup2(&key, sizeof key));
        break;
    case SEAL_FRAME_CERTIFICATE:
        g_assert_true(seal_certificate_info_decode(body, header->length, &certificate));
        g_ptr_array_add(host->certificates, g_memdup2(&certificate, sizeof certificate));
        break;
    case SEAL_FRAME_LEFT_OUT:
        (void)seal_reader_u32(&reader);
        g_ptr_array_add(host->left_out, seal_reader_text(&reader, SEAL_TEXT_MAX));
        g_assert_true(seal_reader_done(&reader));
        break;
    case SEAL_FRAME_TOKEN_DONE:
        host->n_told++;
        break;
    case SEAL_FRAME_TOKEN_GONE:
        forget_token(host, seal_reader_u32(&reader));
        host->n_gone++;
        break;
    case SEAL_FRAME_TOKEN_STATE:
        reference = seal_reader_u32(&reader);
        at = find_token(host, reference);
        g_assert_cmpuint(at, <, host->tokens->len);
        ((SealTokenInfo *)host->tokens->pdata[at])->flags = seal_reader_u32(&reader);
        g_assert_true(seal_reader_done(&reader));
        host->n_states++;
        break;
    case SEAL_FRAME_KEY_TRIED:
        (void)seal_reader_u32(&reader);
        (void)seal_reader_u32(&reader);
        if (seal_reader_u32(&reader) == 1)
            host->n_fitting++;
        else
            host->n_mismatching++;
        g_assert_true(seal_reader_done(&reader));
        break;
    case SEAL_FRAME_DOORBELL:
        host->n_bells++;
        break;
    case SEAL_FRAME_LANE_CLOSED:
        host->closed_lane = header->lane;
        host->closed_why = (SealLaneEnd)seal_reader_u32(&reader);
        g_assert_true(seal_reader_done(&reader));
        host->n_closed++;
        break;
    default:
        g_error("an event of type %u", header->type);
    }
}

/* Receives one frame within the deadline. FALSE at the channel's end. */
static gboolean
receive(SealTestHost *host, SealFrameHeader *header, guint8 *body)
{
    struct pollfd ready = {host->channel, POLLIN, 0};
    int received = 0;

    if (poll(&ready, 1, seal_test_deadline_ms()) <= 0)
        g_error("the host does not answer");
    received = seal_frame_receive(host->channel, header, body, SEAL_FRAME_MAX, FALSE);
    if (received == 1)
        return TRUE;
    /* A host that died with requests unread resets the connection. */
    g_assert_true(received == 0 || received == -ECONNRESET);
    return FALSE;
}

/* -- asking
 * ---------------------------------------------------------------------------------------- */

guint64
seal_test_host_send(SealTestHost *host, SealFrameHeader *header, GBytes *body)
{
    gsize len = 0;
    const void *data = body ? g_bytes_get_data(body, &len) : NULL;
    struct iovec part = {(void *)data, len};
    int sent = 0;

    header->request = ++host->last_request;
    if (header->load == 0)
        header->load = 1;
    sent = seal_frame_send(host->channel, header, &part, 1, TRUE);
    g_assert_true(sent == 0 || sent == -EPIPE || sent == -ECONNRESET);
    return header->request;
}

SealTestAnswer *
seal_test_answer_read(const SealFrameHeader *header, const guint8 *body)
{
    SealTestAnswer *answer = g_new0(SealTestAnswer, 1);
    SealFailure failure = {0};

    answer->status = header->status;
    if (answer->status == SEAL_ERROR_NONE) {
        answer->body = g_bytes_new(body, header->length);
        return answer;
    }
    g_assert_true(seal_failure_decode(body, header->length, &failure));
    answer->ckr = failure.ckr;
    answer->message = failure.message;
    return answer;
}

SealTestAnswer *
seal_test_host_wait(SealTestHost *host, guint64 request)
{
    g_autofree guint8 *body = g_malloc(SEAL_FRAME_MAX);
    SealFrameHeader header;

    while (receive(host, &header, body)) {
        if (!(header.type & SEAL_FRAME_REPLY)) {
            handle_event(host, &header, body);
            continue;
        }
        g_assert_cmpuint(header.request, ==, request);
        return seal_test_answer_read(&header, body);
    }
    return NULL;
}

SealTestAnswer *
seal_test_host_ask(SealTestHost *host, SealFrameHeader *header, GBytes *body)
{
    return seal_test_host_wait(host, seal_test_host_send(host, header, body));
}

void
seal_test_host_wait_for(SealTestHost *host, const guint *counter, guint value)
{
    g_autofree guint8 *body = g_malloc(SEAL_FRAME_MAX);
    SealFrameHeader header;

    while (*counter < value) {
        g_assert_true(receive(host, &header, body));
        handle_event(host, &header, body);
    }
}

void
seal_test_answer_free(SealTestAnswer *answer)
{
    if (!answer)
        return;
    g_free(answer->message);
    g_clear_pointer(&answer->body, g_bytes_unref);
    g_free(answer);
}

const SealTokenInfo *
seal_test_host_token(SealTestHost *host, const char *label)
{
    for (guint i = 0; i < host->tokens->len; i++) {
        const SealTokenInfo *token = host->tokens->pdata[i];

        if (g_str_equal(token->label, label))
            return token;
    }
    g_error("no token '%s'", label);
}

const SealKeyInfo *
seal_test_host_key(SealTestHost *host, const char *label)
{
    for (guint i = 0; i < host->keys->len; i++) {
        const SealKeyInfo *key = host->keys->pdata[i];

        if (g_str_equal(key->label, label))
            return key;
    }
    g_error("no key '%s'", label);
}

SealTestAnswer *
seal_test_host_login(SealTestHost *host, const char *token, const char *pin)
{
    SealFrameHeader header = {.type = SEAL_FRAME_LOGIN};
    SealLoginParameters parameters = {seal_test_host_token(host, token)->reference,
                                      (guint32)strlen(pin)};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, pin, strlen(pin));
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    return seal_test_host_ask(host, &header, bytes);
}

SealTestAnswer *
seal_test_host_set_pin(SealTestHost *host, SealFrameType type, const char *token,
                       const char *given, const char *fresh)
{
    SealFrameHeader header = {.type = type};
    SealPinParameters parameters = {seal_test_host_token(host, token)->reference,
                                    (guint32)strlen(given), (guint32)strlen(fresh)};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, given, strlen(given));
    seal_put_bytes(body, fresh, strlen(fresh));
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    return seal_test_host_ask(host, &header, bytes);
}

SealTestAnswer *
seal_test_host_logout(SealTestHost *host, const char *token)
{
    SealFrameHeader header = {.type = SEAL_FRAME_LOGOUT};
    guint32 reference = seal_test_host_token(host, token)->reference;
    g_autoptr(GBytes) bytes = g_bytes_new(&reference, sizeof reference);

    return seal_test_host_ask(host, &header, bytes);
}

SealTestAnswer *
seal_test_host_sign(SealTestHost *host, const SealKeyInfo *key, SealMechanism mechanism,
                    SealHash hash, guint salt_len, GBytes *data, const char *pin)
{
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN,
                              .key = key->reference,
                              .generation = key->generation,
                              .mechanism = mechanism};
    SealSignParameters parameters = {hash, salt_len, (guint32)g_bytes_get_size(data),
                                     pin ? (guint32)strlen(pin) : 0};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, g_bytes_get_data(data, NULL), g_bytes_get_size(data));
    seal_put_bytes(body, pin, pin ? strlen(pin) : 0);
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    return seal_test_host_ask(host, &header, bytes);
}

SealTestAnswer *
seal_test_host_unwrap(SealTestHost *host, const SealKeyInfo *key, SealMechanism mechanism,
                      SealUnwrapRequest *request)
{
    SealFrameHeader header = {.type = SEAL_FRAME_UNWRAP,
                              .key = key->reference,
                              .generation = key->generation,
                              .mechanism = mechanism};
    const SealBytes parts[] = {request->label, request->originator, request->shared_info,
                               request->encrypted, request->pin};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    request->parameters.label_len = (guint32)request->label.len;
    request->parameters.originator_len = (guint32)request->originator.len;
    request->parameters.shared_info_len = (guint32)request->shared_info.len;
    request->parameters.encrypted_len = (guint32)request->encrypted.len;
    request->parameters.pin_len = (guint32)request->pin.len;
    seal_put_bytes(body, &request->parameters, sizeof request->parameters);
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        seal_put_bytes(body, parts[i].data, parts[i].len);
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    return seal_test_host_ask(host, &header, bytes);
}

SealTestAnswer *
seal_test_host_raw(SealTestHost *host, const SealKeyInfo *key, SealMechanism mechanism,
                   const void *input, gsize len)
{
    SealFrameHeader header = {.type = SEAL_FRAME_RAW,
                              .key = key->reference,
                              .generation = key->generation,
                              .mechanism = mechanism};
    SealRawParameters parameters = {.input_len = (guint32)len};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;

    seal_put_bytes(body, &parameters, sizeof parameters);
    seal_put_bytes(body, input, len);
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&body));
    return seal_test_host_ask(host, &header, bytes);
}

SealTestHost *
seal_test_host_unlocked(SealTestHome *home, const char *mood)
{
    return seal_test_host_narrow(home, mood, 0);
}

SealTestHost *
seal_test_host_narrow(SealTestHome *home, const char *mood, guint workers)
{
    SealTestHost *host = NULL;
    g_autofree char *pin = NULL;
    g_autoptr(SealTestAnswer) login = NULL;

    seal_test_fixture_new(home);
    seal_test_mood(home, mood ? mood : "");
    host = start_with_workers(home, mood != NULL, workers);
    pin = seal_test_fixture_pin(home);
    login = seal_test_host_login(host, "Alice", pin);
    g_assert_cmpint(login->status, ==, SEAL_ERROR_NONE);
    return host;
}

/* -- moods
 * ----------------------------------------------------------------------------------------- */

void
seal_test_mood(SealTestHome *home, const char *lines)
{
    g_autofree char *log = seal_test_home_path(home, "calls");
    g_autofree char *text = g_strdup_printf("[mood]\nlog=%s\n%s\n", log, lines);
    g_autofree char *path = seal_test_home_path(home, "mood");

    /* By rename, so that the module sees the old mood or the new one. */
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

guint
seal_test_mood_count(SealTestHome *home, const char *call)
{
    g_autofree char *text = seal_test_home_read(home, "calls");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *start = g_strdup_printf("%s ", call);
    guint count = 0;

    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, start))
            count++;
    return count;
}
