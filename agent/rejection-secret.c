/* One small file. It is secret in the sense that whoever knows it can tell a rejected message from
 * an accepted one, which is what Bleichenbacher's attack needs; it opens nothing by itself. */
#include "agent/rejection-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/secret.h"

/* TRUE if `fd` is a regular file, ours, closed to others, of the right length. */
static gboolean
is_trustworthy(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_uid == geteuid() &&
           (stat.st_mode & 07777) == 0600 && stat.st_size == SEAL_REJECTION_SECRET_LEN;
}

static gboolean
read_secret(const char *path, guint8 *ret_secret)
{
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return FALSE;
    if (fd < 0 || !is_trustworthy(fd) ||
        read(fd, ret_secret, SEAL_REJECTION_SECRET_LEN) != SEAL_REJECTION_SECRET_LEN) {
        seal_log_warning("'%s' is not a file of ours with 32 bytes and mode 0600: replacing it",
                         path);
        return FALSE;
    }
    return TRUE;
}

static void
make_random(guint8 *ret_secret)
{
    size_t have = 0;

    while (have < SEAL_REJECTION_SECRET_LEN) {
        ssize_t got = getrandom(ret_secret + have, SEAL_REJECTION_SECRET_LEN - have, 0);

        if (got < 0 && errno != EINTR)
            g_error("the kernel gives no random bytes: %s", g_strerror(errno));
        have += got > 0 ? (size_t)got : 0;
    }
}

void
seal_rejection_secret_load(const char *path, guint8 ret_secret[SEAL_REJECTION_SECRET_LEN])
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    if (read_secret(path, ret_secret))
        return;
    make_random(ret_secret);
    if (g_mkdir_with_parents(folder, 0700) < 0)
        seal_log_warning("cannot make '%s': %s", folder, g_strerror(errno));
    if (!seal_file_replace(path, ret_secret, SEAL_REJECTION_SECRET_LEN, 0600, &error))
        seal_log_warning(
            "%s: what damaged messages decrypt to changes with each start of the agent",
            error->message);
}

char *
seal_rejection_secret_path(void)
{
    return g_build_filename(g_get_user_state_dir(), "privyseal", "rejection-secret", NULL);
}
