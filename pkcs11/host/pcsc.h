/* PC/SC's library, found at run time, and its service, which comes and goes. */
#pragma once

#include <glib.h>
#include <winscard.h>

typedef struct {
    LONG (*establish)(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context);
    LONG (*release)(SCARDCONTEXT context);
    LONG (*list)(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len);
    LONG (*change)(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD n_states);
    LONG (*connect)
    (SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE card,
     LPDWORD protocol);
    LONG (*disconnect)(SCARDHANDLE card, DWORD disposition);
} SealPcsc;

/* Finds the library's functions. `load`: loads it; else only if somebody has loaded it already, a
 * module that uses it. FALSE if it is not there. */
gboolean seal_pcsc_find(SealPcsc *pcsc, gboolean load);

/* TRUE if nobody listens at the service's socket. Does not wake a service that starts on demand. */
gboolean seal_pcsc_is_dark(void);

/* A context of the service's. FALSE if it does not answer. */
gboolean seal_pcsc_open(const SealPcsc *pcsc, SCARDCONTEXT *ret_context);

/* Sleeps until somebody listens at the service's socket; not at all if somebody does. FALSE if that
 * cannot be waited for. */
gboolean seal_pcsc_await_socket(void);

/* Sleeps until the service gives a context. FALSE if that cannot be waited for. */
gboolean seal_pcsc_await(const SealPcsc *pcsc, SCARDCONTEXT *ret_context);

/* Resets the card in the reader `name`, in a context of its own. Blocks while another program works
 * with it. FALSE if that cannot be done; TRUE if there is no card. */
gboolean seal_pcsc_reset(const SealPcsc *pcsc, const char *name);
