/* Memory is read through /proc/PID/mem, mapping by mapping, whatever it is: heap, stacks,
 * libraries' data, locked pages. The process goes on meanwhile, so it should be at rest. */
#include "tests/agent/memory-search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define CHUNK (1024 * 1024)
/* Larger than any memory: AddressSanitizer's shadow, 14 TiB of which nearly nothing exists. */
#define SHADOW_LEN (1ull << 40)

static int
open_memory(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/mem", (int)pid);

    return open(path, O_RDONLY | O_CLOEXEC);
}

gboolean
seal_memory_is_readable(pid_t pid)
{
    g_auto(SealFd) fd = open_memory(pid);

    return fd >= 0;
}

static guint
count_in(const char *text, size_t text_len, const void *needle, size_t len)
{
    const char *at = text;
    guint count = 0;

    while ((at = memmem(at, text_len - (size_t)(at - text), needle, len)) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Chunks overlap by a needle less one byte: each occurrence is seen exactly once. */
static guint
count_in_mapping(int fd, guint64 start, guint64 end, const void *needle, size_t len,
                 guint64 *searched)
{
    g_autofree char *chunk = g_malloc(CHUNK);
    guint count = 0;

    while (end - start >= len) {
        ssize_t got = pread(fd, chunk, MIN(CHUNK, end - start), (off_t)start);

        if (got < (ssize_t)len)
            break;
        count += count_in(chunk, (size_t)got, needle, len);
        *searched += (guint64)got;
        start += (guint64)got - len + 1;
    }
    explicit_bzero(chunk, CHUNK);
    return count;
}

guint
seal_memory_count(pid_t pid, const void *needle, size_t len, guint64 *ret_searched)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", (int)pid);
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    g_auto(SealFd) fd = open_memory(pid);
    guint64 searched = 0;
    guint count = 0;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(g_file_get_contents(path, &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (char **line = lines; *line; line++) {
        unsigned long long start = 0, end = 0;
        char access[5] = "";

        if (sscanf(*line, "%llx-%llx %4s", &start, &end, access) == 3 && access[0] == 'r' &&
            end - start < SHADOW_LEN && !strstr(*line, "[v")) /* [vvar], [vsyscall]: the kernel's */
            count += count_in_mapping(fd, start, end, needle, len, &searched);
    }
    if (ret_searched)
        *ret_searched = searched;
    return count;
}

static gboolean
is_in_file(const char *path, const void *needle, size_t len)
{
    g_autofree char *content = NULL;
    gsize content_len = 0;

    return g_file_get_contents(path, &content, &content_len, NULL) &&
           memmem(content, content_len, needle, len) != NULL;
}

gboolean
seal_memory_in_arguments(pid_t pid, const void *needle, size_t len)
{
    g_autofree char *command = g_strdup_printf("/proc/%d/cmdline", (int)pid);
    g_autofree char *environment = g_strdup_printf("/proc/%d/environ", (int)pid);

    return is_in_file(command, needle, len) || is_in_file(environment, needle, len);
}

static gboolean
is_excepted(const char *path, const char *const *except)
{
    for (; *except; except++) {
        if (g_str_has_prefix(path, *except))
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_link_or_special(const char *path)
{
    struct stat status;

    return lstat(path, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

char *
seal_memory_find_file(const char *folder, const void *needle, size_t len, const char *const *except)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;

    while (dir && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *found = NULL;

        if (is_excepted(path, except))
            continue;
        if (memmem(name, strlen(name), needle, len))
            return g_steal_pointer(&path);
        if (is_link_or_special(path))
            continue;
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            found = seal_memory_find_file(path, needle, len, except);
        else if (is_in_file(path, needle, len))
            found = g_strdup(path);
        if (found)
            return g_steal_pointer(&found);
    }
    return NULL;
}
