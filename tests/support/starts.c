/* The module adds before it does anything else, so what this shows has begun, and nothing has that
 * it does not show. */
#include "tests/support/starts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

const guint32 *
seal_test_starts_new(SealTestHome *home)
{
    const gsize len = SEAL_TEST_MARKS * sizeof(guint32);
    g_autofree char *path = seal_test_home_path(home, "starts");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;

    g_assert_no_errno(ftruncate(fd, (off_t)len));
    memory = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    g_assert_true(memory != MAP_FAILED);
    (void)close(fd);
    return memory;
}

guint32
seal_test_starts(const guint32 *starts, guint8 mark)
{
    return __atomic_load_n(&starts[mark], __ATOMIC_SEQ_CST);
}
