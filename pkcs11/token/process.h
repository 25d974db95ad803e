/* The process of one privyseal-host: spawned with its two sockets and the words of its lanes, killed,
 * reaped. It knows nothing of frames. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "base/loop.h"
#include "pkcs11/token/lane-book.h"

typedef struct SealProcess SealProcess;

/* The process has ended and was reaped; `wait_status` as from waitpid(2). Called once, from the
 * loop, and not after seal_process_free(). */
typedef void (*SealProcessEndedFunc)(SealProcess *process, int wait_status, gpointer user_data);

typedef struct {
    SealProcessEndedFunc ended;
    SealLaneBookEvents lanes;
} SealProcessEvents;

/* Starts `program --module PATH --name NAME --channel 3 --audit 4 --revoke 5` with no other
 * descriptor of ours but stderr, in a process group of its own; without the last where the system
 * cannot have it, and with --reader `reader` if that is given (nullable). `events` static. (transfer full); NULL with SEAL_ERROR_UNREACHABLE if
 * it cannot be started (missing, not executable), SEAL_ERROR_BUSY if the system has no room now.
 * Returns when the program was executed; that takes no longer than the kernel needs for it. */
SealProcess *seal_process_spawn(SealLoop *loop, const char *program, const char *module_path,
                                const char *module_name, const char *reader,
                                const SealProcessEvents *events, gpointer user_data, GError **error);

/* Our end of the channel (transfer none), non-blocking; -1 once it was hung up. */
int seal_process_channel(const SealProcess *process);
pid_t seal_process_pid(const SealProcess *process);

/* The lanes at it; NULL if it can have none. Before `ended` is called, and in seal_process_free(),
 * every record is read and every lane closed. */
SealLaneBook *seal_process_lanes(const SealProcess *process);

/* Ends its lanes, closes our end of the channel: the host sees EOF after what is queued. Watches on
 * it must be freed before. The records stay open until it has ended: what it does until then is told,
 * too. */
void seal_process_hang_up(SealProcess *process);

/* Sends SIGKILL; `ended` follows. Harmless when it has ended. */
void seal_process_kill(SealProcess *process);

/* Sends EOF and waits up to `grace_ms` (blocks!) for the process to finish what was sent and end by
 * itself, then kills and reaps it. Watches on the channel must be freed before. NULL is allowed. */
void seal_process_free(SealProcess *process, guint grace_ms);

/* "was killed by signal 11 (Segmentation fault)", "exited with status 2"; (transfer full). */
char *seal_process_describe_end(int wait_status);
