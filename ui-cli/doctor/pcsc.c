/* PC/SC, asked as a module asks it, but without a look at any card: a card that is not connected to
 * is neither powered nor reset. */
#include "ui-cli/doctor/pcsc.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <winscard.h>

#define READERS_MAX 32u

static const char *
state_word(DWORD state)
{
    if (state & SCARD_STATE_MUTE)
        return "mute";
    if (state & SCARD_STATE_EXCLUSIVE)
        return "taken";
    if (state & SCARD_STATE_PRESENT)
        return "card";
    return state & SCARD_STATE_EMPTY ? "empty" : "unknown";
}

static void
tell_reader(int fd, SCARDCONTEXT context, const char *name)
{
    SCARD_READERSTATE state = {.szReader = name};
    LONG result = SCardGetStatusChange(context, 0, &state, 1);

    dprintf(fd, "reader %s %s\n",
            result == SCARD_S_SUCCESS ? state_word(state.dwEventState) : "unknown", name);
}

static void
tell_error(int fd, LONG result)
{
    dprintf(fd, "error %08lX %s\n", (unsigned long)result & 0xffffffffUL,
            pcsc_stringify_error(result));
}

void
seal_pcsc_ask(int fd)
{
    char names[READERS_MAX * (MAX_READERNAME + 1) + 1] = "";
    DWORD len = sizeof names - 1;
    SCARDCONTEXT context = 0;
    LONG result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

    if (result == SCARD_S_SUCCESS) {
        dprintf(fd, "service\n");
        result = SCardListReaders(context, NULL, names, &len);
    }
    if (result == SCARD_E_NO_READERS_AVAILABLE)
        return;
    if (result != SCARD_S_SUCCESS) {
        tell_error(fd, result);
        return;
    }
    for (const char *at = names; *at && at < names + len; at += strlen(at) + 1)
        tell_reader(fd, context, at);
}
