/* Mapped files. The kernel reads them page by page when they are looked at, and drops the pages
 * when memory gets short, so a mail of any size costs none of it; nor is there a copy on another
 * disk that outlives us, as a spool file would be.
 *
 * Who cuts the file off meanwhile makes the kernel send SIGBUS. The handler puts a page of zeros
 * where the file ended, and takes a note; whoever used the bytes asks for it before believing them.
 * A SIGBUS from anywhere else ends the program as ever. There is one mapping at a time, and its
 * place is global because a signal handler can see nothing else. */
#include "ui-cli/mapping.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    uint8_t *start; /* (nullable) */
    gsize len;
    volatile sig_atomic_t lost;
} mapping;

static void
on_bus_error(int number, siginfo_t *info, void *context)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t at = (uintptr_t)info->si_addr & ~(page - 1);
    uintptr_t start = (uintptr_t)mapping.start;

    if (mapping.start && at >= start && at < start + mapping.len &&
        mmap((void *)at, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
            MAP_FAILED) {
        mapping.lost = 1;
        return;
    }
    (void)signal(number, SIG_DFL); /* comes again, and ends us */
}

static gboolean
catch_bus_errors(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, NULL) == 0;
}

static void
unmap(gpointer data)
{
    (void)munmap(mapping.start, mapping.len);
    mapping.start = NULL;
}

GBytes *
seal_mapping_new(int fd, gsize len)
{
    void *start = NULL;

    g_assert(!mapping.start);
    start = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (start == MAP_FAILED)
        return NULL;
    mapping.start = start;
    mapping.len = len;
    mapping.lost = 0;
    if (!catch_bus_errors()) {
        unmap(NULL);
        return NULL;
    }
    (void)madvise(start, len, MADV_SEQUENTIAL);
    return g_bytes_new_with_free_func(start, len, unmap, NULL);
}

gboolean
seal_mapping_check(GError **error)
{
    if (!mapping.lost)
        return TRUE;
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_IO,
                        "cannot read the mail: its file was cut off meanwhile, try again when "
                        "nobody writes to it");
    return FALSE;
}
