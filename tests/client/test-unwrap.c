/* Session keys through libprivyseal: in clear on the private socket, sealed where there is only the
 * bus. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/client/client-fixture.h"
#include "tests/client/client-loop.h"

/* -- session keys ----------------------------------------------------------------------- */

static const char wrapped_text[] = "a wrapped key of this test";

static GBytes *
expected_hash(void)
{
    guint8 digest[32];
    gsize len = sizeof digest;
    GChecksum *hash = g_checksum_new(G_CHECKSUM_SHA256);
    GBytes *twice = NULL;

    /* The hash of the session key, so that the key itself stands nowhere in this program. */
    g_checksum_update(hash, (const guchar *)wrapped_text, sizeof wrapped_text);
    g_checksum_get_digest(hash, digest, &len);
    g_checksum_reset(hash);
    g_checksum_update(hash, digest, (gssize)len);
    explicit_bzero(digest, sizeof digest);
    g_checksum_get_digest(hash, digest, &len);
    g_checksum_free(hash);
    twice = g_bytes_new(digest, len);
    return twice;
}

static void
assert_session_key(const guint8 *key, gsize len)
{
    g_autoptr(GBytes) expected = expected_hash();
    g_autofree char *want = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, expected);
    g_autofree char *once = NULL;
    g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize digest_len = sizeof digest;

    g_assert_cmpuint(len, ==, 32);
    g_checksum_update(hash, key, (gssize)len);
    g_checksum_get_digest(hash, digest, &digest_len);
    once = g_compute_checksum_for_data(G_CHECKSUM_SHA256, digest, digest_len);
    g_assert_cmpstr(once, ==, want);
}

static SealUnwrapQuery
wrapped_query(GBytes **ret_algorithm, GBytes **ret_key)
{
    *ret_algorithm = g_bytes_new_static("\x30\x00", 2);
    *ret_key = g_bytes_new_static(wrapped_text, sizeof wrapped_text);
    return (SealUnwrapQuery){.algorithm = *ret_algorithm,
                             .encrypted_key = *ret_key,
                             .content_encryption = *ret_algorithm};
}

static void
test_unwrap(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(GError) error = NULL;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);
    g_autoptr(SealSessionKey) key =
        seal_client_unwrap(fixture->client, KEY("echo"), &query, &error);

    g_assert_no_error(error);
    assert_session_key(seal_session_key_data(key), seal_session_key_len(key));
    /* `data`: the bus is all there is, then the key must have come sealed. */
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "sealed"), ==, data ? 1 : 0);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "in clear"), ==, data ? 0 : 1);
}

/* The key with every bit flipped: computed in a child, so that no trace of the key itself is left
 * here. */
static void
read_flipped_key(const char *wrapped, guint8 flipped[32])
{
    int pipe_fds[2];
    pid_t child = 0;

    g_assert_cmpint(pipe(pipe_fds), ==, 0);
    child = fork();
    if (child == 0) {
        g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
        guint8 digest[32];
        gsize len = sizeof digest;

        g_checksum_update(hash, (const guchar *)wrapped, (gssize)strlen(wrapped));
        g_checksum_get_digest(hash, digest, &len);
        for (gsize i = 0; i < len; i++)
            digest[i] ^= 0xff;
        _exit(write(pipe_fds[1], digest, len) == (ssize_t)len ? 0 : 1);
    }
    g_assert_cmpint(read(pipe_fds[0], flipped, 32), ==, 32);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* AddressSanitizer reserves terabytes for itself; a heap of this test is a thousand times smaller.
 */
#define RANGE_MAX ((guint64)256 * 1024 * 1024)

/* How often the key stands in the writable memory from `start` to `end`. */
static guint
count_in_range(int memory, guint64 start, guint64 end, const guint8 flipped[32])
{
    gsize len = (gsize)(end - start);
    g_autofree guint8 *bytes = g_malloc(len);
    guint count = 0;

    if (pread(memory, bytes, len, (off_t)start) != (ssize_t)len)
        return 0;
    for (gsize i = 0; i + 32 <= len; i++) {
        gsize j = 0;

        while (j < 32 && bytes[i + j] + flipped[j] == 0xff)
            j++;
        count += j == 32;
    }
    explicit_bzero(bytes, len);
    return count;
}

static guint
count_in_memory(const guint8 flipped[32])
{
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    guint count = 0;

    g_assert_cmpint(memory, >=, 0);
    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (char **line = lines; *line; line++) {
        guint64 start = 0;
        guint64 end = 0;
        char mode[5] = "";

        if (sscanf(*line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %4s", &start, &end,
                   mode) == 3 &&
            g_str_has_prefix(mode, "rw") && end - start <= RANGE_MAX)
            count += count_in_range(memory, start, end, flipped);
    }
    close(memory);
    return count;
}

/* It is found while it is there, so the search works; and nowhere after it was freed. */
static void
test_unwrap_leaves_nothing(SealClientTest *fixture, gconstpointer data)
{
    /* One text for each run: other tests compute with their keys. */
    g_autofree char *text = g_strdup_printf("wrapped%s", data ? " for the bus" : "");
    g_autoptr(GBytes) algorithm = g_bytes_new_static("\x30\x00", 2);
    g_autoptr(GBytes) wrapped = g_bytes_new(text, strlen(text));
    const SealUnwrapQuery query = {.algorithm = algorithm, .encrypted_key = wrapped};
    SealSessionKey *key = NULL;
    guint8 flipped[32];

    read_flipped_key(text, flipped);
    key = seal_client_unwrap(fixture->client, KEY("echo"), &query, NULL);
    g_assert_nonnull(key);
    g_assert_cmpuint(count_in_memory(flipped), ==, 1);
    seal_session_key_free(key);
    g_assert_cmpuint(count_in_memory(flipped), ==, 0);
}

/* -- raw operations ------------------------------------------------------------------------- */

/* The agent hashes "ecdh" and what follows it. */
static void
test_raw_leaves_nothing(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) input = g_bytes_new_static("point of this test", 18);
    g_autoptr(GError) error = NULL;
    SealSessionKey *secret = NULL;
    guint8 flipped[32];

    read_flipped_key("ecdhpoint of this test", flipped);
    secret = seal_client_raw(fixture->client, KEY("echo"), "ecdh", input, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(seal_session_key_len(secret), ==, sizeof flipped);
    for (gsize i = 0; i < sizeof flipped; i++)
        g_assert_cmpuint(seal_session_key_data(secret)[i] ^ 0xff, ==, flipped[i]);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "ecdh"), ==, 1);
    seal_session_key_free(secret);
    g_assert_cmpuint(count_in_memory(flipped), ==, 0);
}

static void
test_raw_refused(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) input = g_bytes_new_static("x", 1);
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_raw(fixture->client, KEY("refuse"), "rsa-sign", input, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
    g_clear_error(&error);
    g_assert_null(seal_client_raw(fixture->client, KEY("number"), "rsa-sign", input, &error));
    g_assert_nonnull(error);
}

/* -- more at once ------------------------------------------------------------------------------ */

static void
on_unwrapped(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
             gpointer user_data)
{
    guint *finished = user_data;

    g_assert_no_error(error);
    assert_session_key(result, result_len);
    (*finished)++;
}

static void
test_unwrap_async(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    guint finished = 0;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);

    for (guint i = 0; i < 4; i++)
        g_assert_nonnull(seal_client_unwrap_async(fixture->client, KEY("echo"), &query,
                                                  on_unwrapped, &finished, NULL));
    seal_client_test_run_until(fixture->client, &finished, 4);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "sealed"), ==, data ? 4 : 0);
}

static void
test_unwrap_refused(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(GError) error = NULL;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);

    g_assert_null(seal_client_unwrap(fixture->client, KEY("refuse"), &query, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
}

/* No answer ends this program, however large. */
static void
test_huge_answers(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(GError) error = NULL;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);

    g_assert_null(seal_client_unwrap(fixture->client, KEY("huge"), &query, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_clear_error(&error);
    g_assert_null(seal_client_raw(fixture->client, KEY("huge"), "ecdh", wrapped, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

#define ADD(path, function)                                                                        \
    g_test_add(path, SealClientTest, NULL, seal_client_test_set_up, function,                      \
               seal_client_test_tear_down)
#define ADD_ON_BUS(path, function)                                                                 \
    g_test_add(path, SealClientTest, "FAKE_AGENT_BUS_ONLY", seal_client_test_set_up, function,     \
               seal_client_test_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/client/unwrap/private-socket-in-clear", test_unwrap);
    ADD("/client/unwrap/asynchronous", test_unwrap_async);
    ADD("/client/unwrap/freed-key-is-nowhere-in-memory", test_unwrap_leaves_nothing);
    ADD("/client/unwrap/refused", test_unwrap_refused);
    ADD("/client/unwrap/huge-answers-are-refused", test_huge_answers);
    ADD("/client/raw/freed-secret-is-nowhere-in-memory", test_raw_leaves_nothing);
    ADD("/client/raw/refused", test_raw_refused);
    ADD_ON_BUS("/client/bus-only/unwrap-comes-sealed", test_unwrap);
    ADD_ON_BUS("/client/bus-only/freed-key-is-nowhere-in-memory", test_unwrap_leaves_nothing);
    ADD_ON_BUS("/client/bus-only/unwrap-asynchronous-comes-sealed", test_unwrap_async);
    return g_test_run();
}
