/* Secrets: bounded, wiped, locked, guarded, left out of children and core files. */
#include "base/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_append_keeps_to_capacity(void)
{
    g_autoptr(SealSecret) secret = seal_secret_new(4);

    g_assert_true(seal_secret_append(secret, "abc", 3));
    g_assert_false(seal_secret_append(secret, "de", 2));
    g_assert_cmpmem(seal_secret_peek(secret), seal_secret_len(secret), "abc", 3);
    g_assert_true(seal_secret_append(secret, "d", 1));
    g_assert_true(seal_secret_append(secret, NULL, 0));
    g_assert_cmpuint(seal_secret_len(secret), ==, 4);
    g_assert_cmpuint(seal_secret_capacity(secret), ==, 4);
}

static void
test_shortening_wipes_the_rest(void)
{
    g_autoptr(SealSecret) secret = seal_secret_new_copy("123456", 6);

    seal_secret_set_len(secret, 2);
    g_assert_cmpmem(seal_secret_peek(secret), 6, "12\0\0\0\0", 6);
    seal_secret_wipe(secret);
    g_assert_cmpuint(seal_secret_len(secret), ==, 0);
    g_assert_cmpmem(seal_secret_peek(secret), 6, "\0\0\0\0\0\0", 6);
}

static void
test_equal_compares_length_and_bytes(void)
{
    g_autoptr(SealSecret) a = seal_secret_new_copy("1234", 4);
    g_autoptr(SealSecret) same = seal_secret_new_copy("1234", 4);
    g_autoptr(SealSecret) other = seal_secret_new_copy("1235", 4);
    g_autoptr(SealSecret) longer = seal_secret_new_copy("12345", 5);

    g_assert_true(seal_secret_equal(a, same));
    g_assert_false(seal_secret_equal(a, other));
    g_assert_false(seal_secret_equal(a, longer));
}

static void
test_empty_secret_works(void)
{
    g_autoptr(SealSecret) empty = seal_secret_new_copy(NULL, 0);
    g_autoptr(SealSecret) other = seal_secret_new_copy("", 0);

    g_assert_cmpuint(seal_secret_len(empty), ==, 0);
    g_assert_true(seal_secret_equal(empty, other));
    seal_secret_free(NULL);
}

static void
test_wipe_clears_a_buffer(void)
{
    char buffer[4] = "abc";

    seal_wipe(buffer, sizeof buffer);
    g_assert_cmpmem(buffer, sizeof buffer, "\0\0\0\0", 4);
    seal_wipe(NULL, 0);
}

/* What proc(5) says of the mapping around `address`: the line of smaps that begins with `field`. */
static char *
mapping_field(const void *address, const char *field)
{
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    gboolean inside = FALSE;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (char **line = lines; *line; line++) {
        gsize start = 0, end = 0;

        if (sscanf(*line, "%zx-%zx ", &start, &end) == 2)
            inside = (gsize)address >= start && (gsize)address < end;
        else if (inside && g_str_has_prefix(*line, field))
            return g_strdup(*line);
    }
    return g_strdup("");
}

static void
test_pages_are_neither_dumped_nor_inherited(void)
{
    g_autoptr(SealSecret) secret = seal_secret_new_copy("1234", 4);
    g_autofree char *flags = mapping_field(seal_secret_peek(secret), "VmFlags:");

    g_assert_nonnull(strstr(flags, " dd")); /* left out of core files */
    g_assert_nonnull(strstr(flags, " wf")); /* wiped in children */
    if (seal_secret_is_locked(secret))
        g_assert_nonnull(strstr(flags, " lo"));
}

static void
test_child_sees_zeroes(void)
{
    g_autoptr(SealSecret) secret = seal_secret_new_copy("1234", 4);
    pid_t pid = fork();
    int status = 0;

    if (pid == 0)
        _exit(memcmp(seal_secret_peek(secret), "\0\0\0\0", 4) == 0 ? 0 : 1);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* The signal that ends a child which reads at `offset` from the start of a secret's page. */
static int
signal_of_access(gssize offset)
{
    g_autoptr(SealSecret) secret = seal_secret_new_copy("1234", 4);
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL);
        _exit(((volatile unsigned char *)seal_secret_data(secret))[offset]);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
test_guard_pages_stop_overruns(void)
{
    g_assert_cmpint(signal_of_access(0), ==, 0);
    g_assert_cmpint(signal_of_access(-1), ==, SIGSEGV);
    g_assert_cmpint(signal_of_access(sysconf(_SC_PAGESIZE)), ==, SIGSEGV);
}

/* -- the pages that are kept for the next secret (secret.c) ------------------------------------- */

static void
test_new_after_free_is_zero(void)
{
    static const guint8 zeroes[64];
    SealSecret *old = seal_secret_new_copy("1234", 4);
    g_autoptr(SealSecret) next = NULL;

    /* also what was written without seal_secret_set_len() */
    memset(seal_secret_data(old) + 32, 0x5a, 32);
    seal_secret_free(old);
    next = seal_secret_new(64);
    g_assert_cmpuint(seal_secret_len(next), ==, 0);
    g_assert_cmpuint(seal_secret_capacity(next), ==, 64);
    g_assert_cmpmem(seal_secret_peek(next), 64, zeroes, 64);
}

static void
test_new_after_free_is_protected(void)
{
    g_autoptr(SealSecret) next = NULL;
    g_autofree char *flags = NULL;

    seal_secret_free(seal_secret_new(64));
    next = seal_secret_new(64);
    flags = mapping_field(seal_secret_peek(next), "VmFlags:");
    g_assert_nonnull(strstr(flags, " dd"));
    g_assert_nonnull(strstr(flags, " wf"));
    g_assert_cmpint(strstr(flags, " lo") != NULL, ==, seal_secret_is_locked(next));
}

/* A child inherits the kept pages, but not their locks. */
static void
test_child_locks_its_own(void)
{
    SealSecret *before = seal_secret_new(64);
    pid_t pid = 0;
    int status = 0;

    seal_secret_free(seal_secret_new(64));
    pid = fork();
    if (pid == 0) {
        SealSecret *kept = seal_secret_new(64), *freed = NULL;
        g_autofree char *flags = mapping_field(seal_secret_peek(kept), "VmFlags:");
        g_autofree char *again = NULL;

        seal_secret_free(before); /* locked in the parent only: not to be kept */
        freed = seal_secret_new(64);
        again = mapping_field(seal_secret_peek(freed), "VmFlags:");
        _exit((strstr(flags, " lo") != NULL) == seal_secret_is_locked(kept) &&
                      (strstr(again, " lo") != NULL) == seal_secret_is_locked(freed)
                  ? 0
                  : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    seal_secret_free(before);
}

static void
test_whole_page_keeps_its_last_byte(void)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE);
    g_autofree guint8 *bytes = g_malloc(page);
    g_autoptr(SealSecret) secret = NULL;

    memset(bytes, 1, page);
    seal_secret_free(seal_secret_new_copy(bytes, page));
    secret = seal_secret_new_copy(bytes, page);
    g_assert_cmpmem(seal_secret_peek(secret), page, bytes, page);
}

static void
test_too_large_aborts(void)
{
    if (g_test_subprocess()) {
        seal_secret_free(seal_secret_new(2 * 1024 * 1024));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*a secret of 2097152 bytes was asked for*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/append/keeps-to-capacity", test_append_keeps_to_capacity);
    g_test_add_func("/secret/shorten/wipes-the-rest", test_shortening_wipes_the_rest);
    g_test_add_func("/secret/equal/length-and-bytes", test_equal_compares_length_and_bytes);
    g_test_add_func("/secret/empty/works", test_empty_secret_works);
    g_test_add_func("/secret/wipe/clears-a-buffer", test_wipe_clears_a_buffer);
    g_test_add_func("/secret/pages/neither-dumped-nor-inherited",
                    test_pages_are_neither_dumped_nor_inherited);
    g_test_add_func("/secret/child/sees-zeroes", test_child_sees_zeroes);
    g_test_add_func("/secret/guards/stop-overruns", test_guard_pages_stop_overruns);
    g_test_add_func("/secret/new-after-free/is-zero", test_new_after_free_is_zero);
    g_test_add_func("/secret/new-after-free/is-protected", test_new_after_free_is_protected);
    g_test_add_func("/secret/child/locks-its-own", test_child_locks_its_own);
    g_test_add_func("/secret/whole-page/keeps-its-last-byte", test_whole_page_keeps_its_last_byte);
    g_test_add_func("/secret/too-large/aborts", test_too_large_aborts);
    return g_test_run();
}
