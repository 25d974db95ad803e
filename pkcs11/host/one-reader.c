/* A library between OpenSC and PC/SC that shows one reader and hides the others: OpenSC takes one
 * lock for all its readers, so a card that hangs in one would hold up the rest. Each process that
 * has loaded OpenSC gets one, and PRIVYSEAL_READER names it.
 *
 * Only the list of readers is our own function; OpenSC finds all others in PC/SC's library, which
 * this one is linked with. Without the variable nothing is hidden. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

/* As many names as pcsc-lite knows readers, each with its end. */
#define NAMES_MAX (PCSCLITE_MAX_READERS_CONTEXTS * (MAX_READERNAME + 1) + 1)

typedef LONG (*ListFunc)(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD len);

/* The names end with an empty one. */
static int
has_name(const char *names, const char *name)
{
    for (const char *at = names; *at; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return 1;
    return 0;
}

__attribute__((visibility("default"))) LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD len)
{
    static ListFunc list;
    const char *name = getenv("PRIVYSEAL_READER");
    char all[NAMES_MAX] = "";
    DWORD all_len = sizeof all;
    DWORD needed = name ? (DWORD)strlen(name) + 2 : 0;
    DWORD room = names ? *len : needed;
    LONG result = SCARD_S_SUCCESS;

    if (!list)
        *(void **)&list = dlsym(RTLD_NEXT, "SCardListReaders");
    if (!list)
        return SCARD_F_INTERNAL_ERROR;
    if (!name)
        return list(context, groups, names, len);
    result = list(context, groups, all, &all_len);
    if (result != SCARD_S_SUCCESS)
        return result;
    if (!has_name(all, name))
        return SCARD_E_NO_READERS_AVAILABLE;
    *len = needed;
    if (room == SCARD_AUTOALLOCATE || room < needed)
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (names) {
        memset(names, 0, needed);
        memcpy(names, name, needed - 2);
    }
    return SCARD_S_SUCCESS;
}
