/* Where a PIN and a session key are after use: nowhere. The host's own code runs in this process,
 * with SoftHSM, so that its memory can be searched without privileges. What is searched for is kept
 * masked, since the search itself must not be found. */
#include <fcntl.h>
#include <glib.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "pkcs11/host/library.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/serve.h"
#include "tests/support/fixture.h"

#define MASK 0x5a

typedef struct {
    guint8 bytes[64];
    gsize len;
} Masked;

static void
mask(Masked *masked, const guint8 *bytes, gsize len)
{
    g_assert_cmpuint(len, <=, sizeof masked->bytes);
    for (gsize i = 0; i < len; i++)
        masked->bytes[i] = bytes[i] ^ MASK;
    masked->len = len;
}

/* -- searching --------------------------------------------------------------------------------- */

static gsize
count_in(const guint8 *data, gsize len, const Masked *masked)
{
    gsize count = 0;

    for (gsize at = 0; at + masked->len <= len; at++) {
        gsize same = 0;

        while (same < masked->len && (data[at + same] ^ MASK) == masked->bytes[same])
            same++;
        count += same == masked->len;
    }
    return count;
}

/* Searches every writable mapping but the window through which it looks. */
static gsize
count_in_memory(const Masked *masked)
{
    static guint8 window[1 << 16];
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    gsize count = 0;

    g_assert_cmpint(memory, >=, 0);
    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (char **line = lines; *line; line++) {
        char *rest = NULL;
        guint64 start = g_ascii_strtoull(*line, &rest, 16);
        guint64 end = *rest == '-' ? g_ascii_strtoull(rest + 1, &rest, 16) : 0;

        /* Terabytes are AddressSanitizer's bookkeeping. */
        if (!g_str_has_prefix(rest, " rw") || end - start > G_GUINT64_CONSTANT(1) << 30)
            continue;
        /* Windows overlap, so that nothing hides at a border. */
        for (guint64 at = start; at < end; at += sizeof window - masked->len) {
            gssize got = pread(memory, window, MIN(sizeof window, end - at), (off_t)at);

            if (got > 0 && (at + (guint64)got <= (guint64)(gsize)window ||
                            at >= (guint64)(gsize)window + sizeof window))
                count += count_in(window, (gsize)got, masked);
            memset(window, 0, sizeof window);
        }
    }
    (void)close(memory);
    return count;
}

/* -- the host in this process
 * ------------------------------------------------------------------------ */

typedef struct {
    SealTestHome *home;
    SealHost host;
    SealServer server;
    int agent; /* the other end */
} Scene;

static void
scene_set_up(Scene *scene)
{
    static CK_FUNCTION_LIST *functions; /* a process loads one module, once */
    g_autofree char *module = NULL;
    g_autoptr(GError) error = NULL;
    int ends[2];

    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    seal_test_fixture_new(scene->home);
    module = seal_test_fixture_module(scene->home);
    functions = seal_library_load(module, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    scene->agent = ends[0];
    scene->host.channel = ends[1];
    scene->host.functions = functions;
    scene->host.store = seal_store_new();
    g_mutex_init(&scene->host.scan_lock);
    seal_scan(&scene->host, FALSE);
    seal_server_init(&scene->server, &scene->host);
}

static void
scene_tear_down(Scene *scene)
{
    seal_server_clear(&scene->server);
    seal_store_free(scene->host.store);
    (void)scene->host.functions->C_Finalize(NULL);
    (void)close(scene->agent);
    (void)close(scene->host.channel);
    seal_test_home_free(scene->home);
}

/* Serves one frame and hands back the answer's body length; the events before it are dropped. */
static gsize
serve(Scene *scene, SealFrameHeader *header, const struct iovec *parts, gsize n_parts,
      guint8 *answer, gsize room)
{
    SealFrameHeader got;

    header->request = 1;
    g_assert_cmpint(seal_frame_send(scene->agent, header, parts, n_parts, FALSE), ==, 0);
    g_assert_cmpint(seal_server_receive(&scene->server, &got), ==, 1);
    g_assert_true(seal_server_serve(&scene->server, &got));
    do
        g_assert_cmpint(seal_frame_receive(scene->agent, &got, answer, room, FALSE), ==, 1);
    while (!(got.type & SEAL_FRAME_REPLY));
    g_assert_cmpuint(got.status, ==, SEAL_ERROR_NONE);
    return got.length;
}

/* Reads the PIN from its file straight into a secret. */
static SealSecret *
read_pin(Scene *scene)
{
    g_autofree char *path = seal_test_fixture_path(scene->home, "pin");
    SealSecret *pin = seal_secret_new(64);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gssize len = read(fd, seal_secret_data(pin), 64);

    g_assert_cmpint(len, ==, 8);
    seal_secret_set_len(pin, 8);
    (void)close(fd);
    return pin;
}

static SealSlot *
alice(Scene *scene)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(scene->host.store);

    for (guint i = 0; i < slots->len; i++) {
        SealSlot *slot = slots->pdata[i];

        if (g_str_equal(slot->info.label, "Alice"))
            return slot;
    }
    g_error("no token 'Alice'");
}

static void
login(Scene *scene, SealSecret *pin)
{
    static guint8 answer[SEAL_FRAME_MAX];
    SealFrameHeader header = {.type = SEAL_FRAME_LOGIN};
    SealLoginParameters parameters = {alice(scene)->info.reference, (guint32)seal_secret_len(pin)};
    const struct iovec parts[] = {{&parameters, sizeof parameters},
                                  {seal_secret_data(pin), seal_secret_len(pin)}};

    (void)serve(scene, &header, parts, G_N_ELEMENTS(parts), answer, sizeof answer);
    g_assert_true(seal_slot_is_logged_in(alice(scene)));
}

static void
test_pin_is_gone_after_login(void)
{
    Scene scene;
    Masked masked;
    SealSecret *pin = NULL;

    scene_set_up(&scene);
    pin = read_pin(&scene);
    mask(&masked, seal_secret_peek(pin), seal_secret_len(pin));
    g_assert_cmpuint(count_in_memory(&masked), ==, 1); /* the search finds what is there */
    login(&scene, pin);
    seal_secret_free(pin);
    g_assert_cmpuint(count_in_memory(&masked), ==, 0);
    scene_tear_down(&scene);
}

static const SealHostKey *
find_key(Scene *scene, const char *label)
{
    for (guint32 i = 1; i < 100; i++) {
        g_autoptr(SealHostKey) key = seal_store_find_key(scene->host.store, i);

        if (key && g_str_equal(key->label, label))
            return key; /* the store keeps it */
    }
    g_error("no key '%s'", label);
}

static gsize
encrypt(const SealHostKey *key, SealSecret *session_key, guint8 *out)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key->public_key->key, NULL);
    size_t len = 256;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, seal_secret_peek(session_key),
                                     seal_secret_len(session_key)),
                    ==, 1);
    return len;
}

static void
test_session_key_is_gone_after_the_answer(void)
{
    static guint8 encrypted[256], answer[SEAL_FRAME_MAX];
    Scene scene;
    Masked masked;
    SealSecret *pin = NULL, *session_key = seal_secret_new(32);
    const SealHostKey *key = NULL;
    SealFrameHeader header = {.type = SEAL_FRAME_UNWRAP,
                              .mechanism = SEAL_MECHANISM_UNWRAP_RSA_PKCS};
    SealUnwrapParameters parameters = {.encrypted_len = sizeof encrypted};
    const struct iovec parts[] = {{&parameters, sizeof parameters}, {encrypted, sizeof encrypted}};

    scene_set_up(&scene);
    pin = read_pin(&scene);
    login(&scene, pin);
    seal_secret_free(pin);
    key = find_key(&scene, "Alice RSA decryption");
    seal_secret_set_len(session_key, 32);
    g_assert_cmpint(RAND_bytes(seal_secret_data(session_key), 32), ==, 1);
    mask(&masked, seal_secret_peek(session_key), 32);
    g_assert_cmpuint(encrypt(key, session_key, encrypted), ==, sizeof encrypted);
    seal_secret_free(session_key);

    header.key = key->reference;
    header.generation = key->slot->info.reference;
    g_assert_cmpuint(serve(&scene, &header, parts, 2, answer, sizeof answer), ==, 32);
    g_assert_cmpuint(count_in(answer, 32, &masked), ==, 1); /* it was the key */
    seal_wipe(answer, sizeof answer);
    g_assert_cmpuint(count_in_memory(&masked), ==, 0);
    scene_tear_down(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc > 1 && g_str_equal(argv[1], "session-key"))
        g_test_add_func("/host/memory/session-key-is-gone-after-the-answer",
                        test_session_key_is_gone_after_the_answer);
    else
        g_test_add_func("/host/memory/pin-is-gone-after-login", test_pin_is_gone_after_login);
    return g_test_run();
}
