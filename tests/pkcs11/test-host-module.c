/* What a host says about modules that cannot be loaded, and about agents out of step. */
#include <elf.h>
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/host/host.h"
#include "tests/pkcs11/host-client.h"
#include "tests/support/fixture.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    char *moody;
} Scene;

static void
scene_set_up(Scene *scene, gconstpointer mood)
{
    g_autofree char *real = NULL, *control = NULL;

    scene->home = seal_test_home_new();
    seal_test_fixture_new(scene->home);
    seal_test_mood(scene->home, mood ? mood : "");
    real = seal_test_fixture_module(scene->home);
    control = seal_test_home_path(scene->home, "mood");
    scene->moody = seal_test_built("tests/mock/moody.so");
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY", control);
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY_MODULE", real);
}

static void
scene_tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_home_free(scene->home);
    g_free(scene->moody);
}

/* The failed answer to HELLO has `words` in its sentence, and the exit status tells, too. */
static void
expect_unloadable(Scene *scene, const char *module, const char *words)
{
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestHost) host = seal_test_host_start(scene->home, module, NULL, &answer);

    g_assert_nonnull(answer);
    g_test_message("%s", answer->message);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_nonnull(strstr(answer->message, words));
    g_assert_nonnull(strstr(answer->message, module));
    g_assert_cmpint(seal_test_host_stop(host), ==, SEAL_HOST_EXIT_MODULE);
}

static void
test_file_that_is_no_module(Scene *scene, gconstpointer mood)
{
    g_autofree char *text = seal_test_home_write(scene->home, "text.so", "not a module\n");
    g_autofree char *empty = seal_test_home_write(scene->home, "empty.so", "");
    g_autofree char *folder = seal_test_home_path(scene->home, "tmp");
    g_autofree char *object = seal_test_built("tests/mock/no-module.so");
    g_autofree char *cut = seal_test_home_path(scene->home, "cut.so");
    g_autofree char *data = NULL;

    expect_unloadable(scene, "/nowhere/module.so", "No such file");
    expect_unloadable(scene, folder, "no regular file");
    expect_unloadable(scene, text, "no shared object");
    expect_unloadable(scene, empty, "no shared object");
    expect_unloadable(scene, object, "no C_GetFunctionList");
    g_assert_true(g_file_get_contents(object, &data, NULL, NULL));
    g_assert_true(g_file_set_contents(cut, data, 200, NULL));
    expect_unloadable(scene, cut, "cannot load module");
}

static void
test_module_for_another_architecture(Scene *scene, gconstpointer mood)
{
    g_autofree char *path = seal_test_home_path(scene->home, "foreign.so");
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_S390,
    };

    g_assert_true(g_file_set_contents(path, (char *)&header, sizeof header, NULL));
    expect_unloadable(scene, path, "another processor architecture");
}

static void
copy_file(const char *from, const char *to)
{
    g_autofree char *data = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(from, &data, &len, NULL));
    g_assert_true(g_file_set_contents(to, data, (gssize)len, NULL));
}

/* By name, and by the name behind a link. */
static void
test_own_module_is_refused(Scene *scene, gconstpointer mood)
{
    g_autofree char *folder = seal_test_home_path(scene->home, "own");
    g_autofree char *own = g_build_filename(folder, "privyseal-pkcs11.so", NULL);
    g_autofree char *link = g_build_filename(folder, "vendor.so", NULL);

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    copy_file(scene->moody, own);
    g_assert_cmpint(symlink(own, link), ==, 0);
    expect_unloadable(scene, own, "Privy Seal's own module");
    expect_unloadable(scene, link, "Privy Seal's own module");
}

/* The real one under a name that says nothing. */
static void
test_copy_of_own_module_is_refused(Scene *scene, gconstpointer mood)
{
    g_autofree char *real = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    g_autofree char *copy = seal_test_home_path(scene->home, "vendor.so");

    copy_file(real, copy);
    expect_unloadable(scene, copy, "Privy Seal's own module");
}

static void
test_library_of_the_host_is_refused(Scene *scene, gconstpointer mood)
{
    g_autofree char *maps = NULL;
    g_autoptr(GRegex) regex = g_regex_new("/\\S*libglib-2\\.0\\.so\\.0", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *path = NULL;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    if (!g_regex_match(regex, maps, 0, &match))
        g_error("no libglib in this process");
    path = g_match_info_fetch(match, 0);
    expect_unloadable(scene, path, "loaded already");
}

static void
test_initialize_that_fails(Scene *scene, gconstpointer mood)
{
    expect_unloadable(scene, scene->moody, "C_Initialize failed (DEVICE_ERROR, 0x30)");
}

static void
test_initialize_that_was_done(Scene *scene, gconstpointer mood)
{
    expect_unloadable(scene, scene->moody, "initialised already");
}

static void
test_initialize_that_crashes(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestHost) host = seal_test_host_start(scene->home, scene->moody, NULL, &answer);

    g_assert_null(answer);
    g_assert_cmpint(seal_test_host_stop(host), !=, 0);
}

/* -- agents out of step
 * ---------------------------------------------------------------------------- */

static void
test_other_version_is_refused(Scene *scene, gconstpointer mood)
{
    const SealHello hello = {.version = SEAL_WIRE_VERSION + 1};
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestHost) host = seal_test_host_start(scene->home, scene->moody, &hello, &answer);

    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NOT_SUPPORTED);
    g_assert_cmpint(seal_test_host_stop(host), ==, SEAL_HOST_EXIT_MODULE);
}

static void
test_features_are_told(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestHost) host = seal_test_host_new(scene->home, TRUE);

    g_assert_cmpuint(host->hello.version, ==, SEAL_WIRE_VERSION);
    g_assert_cmpuint(host->hello.frame_max, ==, SEAL_FRAME_MAX);
    g_assert_cmpuint(host->hello.features, ==,
                     SEAL_FEATURE_LANES | (mood ? SEAL_FEATURE_EVENTS : 0u));
    for (gsize i = 0; i < sizeof host->hello.rejection_secret; i++)
        g_assert_cmpuint(host->hello.rejection_secret[i], ==, 0);
}

static void
expect_unknown(SealTestHost *host, guint type, gsize body_len)
{
    SealFrameHeader header = {.type = (guint16)type};
    g_autofree char *body = g_strnfill(body_len, 'x');
    g_autoptr(GBytes) bytes = g_bytes_new(body, body_len);
    g_autoptr(SealTestAnswer) answer = seal_test_host_ask(host, &header, bytes);

    g_assert_nonnull(answer);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NOT_SUPPORTED);
}

static void
test_unknown_types_are_answered(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestHost) host = seal_test_host_new(scene->home, TRUE);

    expect_unknown(host, 0, 0);
    expect_unknown(host, SEAL_FRAME_HELLO, sizeof(SealHello));
    expect_unknown(host, 9, 100);
    expect_unknown(host, SEAL_FRAME_TOKEN, 3);
    expect_unknown(host, SEAL_FRAME_LANE_CLOSED, 64);
    expect_unknown(host, 0x7fff, SEAL_DATA_MAX);
}

/* A host that gets such a frame closes the channel and exits with SEAL_HOST_EXIT_PROTOCOL. */
static void
expect_closed(Scene *scene, const SealFrameHeader *header, gsize len)
{
    g_autoptr(SealTestHost) host = seal_test_host_new(scene->home, TRUE);
    g_autofree guint8 *frame = g_malloc0(MAX(len, sizeof *header));

    memcpy(frame, header, sizeof *header);
    g_assert_cmpint(send(host->channel, frame, len, MSG_NOSIGNAL), ==, (gssize)len);
    g_assert_null(seal_test_host_wait(host, header->request));
    g_assert_cmpint(seal_test_host_stop(host), ==, SEAL_HOST_EXIT_PROTOCOL);
}

static void
test_malformed_frames_end_the_channel(Scene *scene, gconstpointer mood)
{
    const SealFrameHeader sign = {.type = SEAL_FRAME_SIGN, .request = 9};
    const SealFrameHeader longer = {.type = SEAL_FRAME_SIGN, .request = 9, .length = 17};
    const SealFrameHeader login = {.type = SEAL_FRAME_LOGIN, .request = 9, .length = 7};
    const SealFrameHeader logout = {.type = SEAL_FRAME_LOGOUT, .request = 9, .length = 5};
    const SealFrameHeader rescan = {.type = SEAL_FRAME_RESCAN, .request = 9, .length = 1};
    const SealFrameHeader unwrap = {.type = SEAL_FRAME_UNWRAP, .request = 9, .length = 71};
    const SealFrameHeader no_request = {.type = SEAL_FRAME_RESCAN};
    const SealFrameHeader too_long = {
        .type = SEAL_FRAME_RESCAN, .request = 9, .length = SEAL_FRAME_MAX + 1};

    expect_closed(scene, &sign, sizeof sign); /* no parameters */
    expect_closed(scene, &sign, sizeof sign - 1);
    expect_closed(scene, &longer, sizeof sign + 16);
    expect_closed(scene, &login, sizeof sign + 7);
    expect_closed(scene, &logout, sizeof sign + 5);
    expect_closed(scene, &rescan, sizeof sign + 1);
    expect_closed(scene, &unwrap, sizeof sign + 71);
    expect_closed(scene, &no_request, sizeof sign);
    expect_closed(scene, &too_long, sizeof sign + SEAL_FRAME_MAX + 1);
}

static void
test_no_greeting_ends_the_host(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestHost) host = seal_test_host_spawn(scene->home, scene->moody);
    g_autoptr(SealTestHost) silent = seal_test_host_spawn(scene->home, scene->moody);
    SealFrameHeader header = {.type = SEAL_FRAME_RESCAN};
    g_autoptr(SealTestAnswer) answer = seal_test_host_ask(host, &header, NULL);

    g_assert_null(answer);
    g_assert_cmpint(seal_test_host_stop(host), ==, SEAL_HOST_EXIT_PROTOCOL);
    g_assert_cmpint(seal_test_host_stop(silent), ==, SEAL_HOST_EXIT_PROTOCOL);
}

/* -- what the process gave up
 * ---------------------------------------------------------------------- */

static void
test_process_is_confined(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestHost) host = seal_test_host_new(scene->home, TRUE);
    g_autofree char *status = g_strdup_printf("/proc/%d/status", host->pid);
    g_autofree char *limits = g_strdup_printf("/proc/%d/limits", host->pid);
    g_autofree char *status_text = NULL, *limits_text = NULL;
    g_autoptr(GRegex) core = g_regex_new("Max core file size +0 +0 ", 0, 0, NULL);

    g_assert_true(g_file_get_contents(status, &status_text, NULL, NULL));
    g_assert_true(g_file_get_contents(limits, &limits_text, NULL, NULL));
    g_assert_nonnull(strstr(status_text, "NoNewPrivs:\t1"));
    g_assert_true(g_regex_match(core, limits_text, 0, NULL));
}

/* A descriptor that the agent forgot to close must not live on in vendor code. */
static void
test_foreign_descriptors_are_closed(Scene *scene, gconstpointer mood)
{
    int ends[2];
    char byte = 0;
    g_autoptr(SealTestHost) host = NULL;

    g_assert_cmpint(pipe(ends), ==, 0);
    host = seal_test_host_new(scene->home, TRUE);
    (void)close(ends[1]);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    (void)close(ends[0]);
}

static void
test_host_ends_with_its_channel(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestHost) host = seal_test_host_new(scene->home, TRUE);

    g_assert_cmpint(seal_test_host_stop(host), ==, SEAL_HOST_EXIT_CLOSED);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/module/file-that-is-none", NULL, test_file_that_is_no_module);
    ADD("/host/module/for-another-architecture", NULL, test_module_for_another_architecture);
    ADD("/host/module/own-is-refused", NULL, test_own_module_is_refused);
    ADD("/host/module/copy-of-own-is-refused", NULL, test_copy_of_own_module_is_refused);
    ADD("/host/module/library-of-the-host-is-refused", NULL, test_library_of_the_host_is_refused);
    ADD("/host/module/initialize-that-fails", "init-rv=0x30", test_initialize_that_fails);
    ADD("/host/module/initialize-that-was-done", "init-rv=0x191", test_initialize_that_was_done);
    ADD("/host/module/initialize-that-crashes", "crash=init", test_initialize_that_crashes);
    ADD("/host/channel/other-version-is-refused", NULL, test_other_version_is_refused);
    ADD("/host/channel/features-are-told", NULL, test_features_are_told);
    ADD("/host/channel/events-are-a-feature", "events=true", test_features_are_told);
    ADD("/host/channel/unknown-types-are-answered", NULL, test_unknown_types_are_answered);
    ADD("/host/channel/malformed-frames-end-it", NULL, test_malformed_frames_end_the_channel);
    ADD("/host/channel/no-greeting-ends-the-host", NULL, test_no_greeting_ends_the_host);
    ADD("/host/process/is-confined", NULL, test_process_is_confined);
    ADD("/host/process/foreign-descriptors-are-closed", NULL, test_foreign_descriptors_are_closed);
    ADD("/host/process/ends-with-its-channel", NULL, test_host_ends_with_its_channel);
    return g_test_run();
}
