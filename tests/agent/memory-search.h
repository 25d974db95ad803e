/* Looking for bytes where they must not be: in a process, in its command line and environment, in
 * files. Needs root (or CAP_SYS_PTRACE) for processes that are not dumpable. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* TRUE if this process may read the memory of process `pid`. */
gboolean seal_memory_is_readable(pid_t pid);
/* How often the `len` bytes at `needle` stand in the readable memory of process `pid`; what starts in
 * one mapping and ends in the next is not found. `ret_searched` (nullable): bytes that were read. */
guint seal_memory_count(pid_t pid, const void *needle, size_t len, guint64 *ret_searched);
/* TRUE if the bytes stand in the process's command line or first environment. */
gboolean seal_memory_in_arguments(pid_t pid, const void *needle, size_t len);
/* The first file below `folder` that contains the bytes or bears them in its name, leaving out those
 * whose path begins with one of `except` (NULL-terminated); (transfer full), NULL if there is none. */
char *seal_memory_find_file(const char *folder, const void *needle, size_t len,
                            const char *const *except);
