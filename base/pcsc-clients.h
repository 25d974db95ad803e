/* Who uses the smart card service (pcscd) now. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The service's socket; constant. */
const char *seal_pcsc_socket(void);

typedef struct {
    pid_t pid;
    char *name; /* of the program, as the kernel has it: 15 bytes at most */
} SealPcscClient;

/* The processes of this user that are connected to the service (element-type SealPcscClient,
 * transfer full); those of others cannot be told. Programs of ours are left out, and this process.
 * Empty, too, if the kernel does not tell. Reads /proc: some milliseconds. */
GPtrArray *seal_pcsc_clients(void);

/* A clause that names these programs and says what to do, for the end of a sentence about a card
 * that does not answer or cannot be seen (transfer full); NULL if there are none. Looks at most
 * once in three seconds; for a process with one thread. */
char *seal_pcsc_clients_clause(void);
