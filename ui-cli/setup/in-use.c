/* Mozilla's programs lock a profile twice: `.parentlock` by fcntl(2), which ends with them, and a
 * symbolic link `lock` to "ADDRESS:+PID", which a crash leaves behind. The plus sign says that the
 * first lock was got, too; then the first one is asked. Where it was not (some network file
 * systems), the process is.
 *
 * Evolution and NSS's own tools lock nothing, but keep cert9.db or key4.db open. */
#include "ui-cli/setup/in-use.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* The lock's owner may be in another namespace, without a number here. */
static char *
describe(gint64 pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/comm", pid);
    g_autofree char *name = NULL;

    if (pid <= 0 || !g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup("a program");
    return g_strdup_printf("%s (process %" G_GINT64_FORMAT ")", g_strchomp(name), pid);
}

static char *
find_owner_of_file(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, ".parentlock", NULL);
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return NULL;
    return describe(lock.l_pid);
}

static char *
find_owner_of_link(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "lock", NULL);
    g_autofree char *target = g_file_read_link(path, NULL);
    const char *colon = target ? strrchr(target, ':') : NULL;
    gint64 pid = 0;

    /* A plus sign is no digit: the number would be read all the same. */
    if (!colon || !g_ascii_isdigit(colon[1]) ||
        !g_ascii_string_to_signed(colon + 1, 10, 1, G_MAXINT, &pid, NULL))
        return NULL;
    return kill((pid_t)pid, 0) == 0 || errno == EPERM ? describe(pid) : NULL;
}

static gboolean
has_open(const char *process, const char *const *files)
{
    g_autofree char *folder = g_build_filename("/proc", process, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);

        if (target && g_strv_contains(files, target))
            return TRUE;
    }
    return FALSE;
}

/* Processes of other users do not show what they have open, and have no business here. */
static char *
find_reader(const char *folder)
{
    char *real = realpath(folder, NULL);
    g_autofree char *certificates = g_build_filename(real ? real : folder, "cert9.db", NULL);
    g_autofree char *keys = g_build_filename(real ? real : folder, "key4.db", NULL);
    const char *const files[] = {certificates, keys, NULL};
    g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
    const char *name = NULL;

    free(real);
    while (processes && (name = g_dir_read_name(processes))) {
        if (g_ascii_isdigit(*name) && has_open(name, files))
            return describe(g_ascii_strtoll(name, NULL, 10));
    }
    return NULL;
}

char *
seal_profile_find_user(const char *folder)
{
    char *user = find_owner_of_file(folder);

    if (!user)
        user = find_owner_of_link(folder);
    return user ? user : find_reader(folder);
}
