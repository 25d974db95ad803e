/* A library between OpenSC and PC/SC that shows one reader and hides the others: OpenSC takes one
 * lock for all its readers, so a card that hangs in one would hold up the rest. Each process that
 * has loaded OpenSC gets one, and PRIVYSEAL_READER names it. What was read off a card before comes
 * from memory where that is safe (card-memory.c).
 *
 * Only the functions below are our own; OpenSC finds all others in PC/SC's library, which this one
 * is linked with. Without the variable nothing is hidden. */
#include <dlfcn.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include "pkcs11/host/card-memory.h"

/* As many names as pcsc-lite knows readers, each with its end. */
#define NAMES_MAX (PCSCLITE_MAX_READERS_CONTEXTS * (MAX_READERNAME + 1) + 1)
/* Of what a card answers to a command with short lengths. */
#define ANSWER_MAX 258u

typedef LONG (*ListFunc)(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD len);
typedef LONG (*TransmitFunc)(SCARDHANDLE card, const SCARD_IO_REQUEST *request, LPCBYTE command,
                             DWORD command_len, SCARD_IO_REQUEST *response, LPBYTE answer,
                             LPDWORD answer_len);
typedef LONG (*EndFunc)(SCARDHANDLE card, DWORD disposition);

/* For the life of the process, since PC/SC's functions have no place for it; under `memory_lock`,
 * though OpenSC has a lock of its own. */
static SealCardMemory *memory;
static GMutex memory_lock;

/* -- readers --------------------------------------------------------------------------------------
 */

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

/* -- cards ----------------------------------------------------------------------------------------
 */

static SealCardMemoryStep
look_up(const guint8 *command, gsize len, GByteArray *out)
{
    SealCardMemoryStep step = SEAL_CARD_MEMORY_PASS;

    g_mutex_lock(&memory_lock);
    if (!memory)
        memory = seal_card_memory_new();
    step = seal_card_memory_ask(memory, command, len, out);
    g_mutex_unlock(&memory_lock);
    return step;
}

static void
pause_memory(void)
{
    g_mutex_lock(&memory_lock);
    if (memory)
        seal_card_memory_pause(memory);
    g_mutex_unlock(&memory_lock);
}

static LONG
copy_answer(const GByteArray *from, LPBYTE answer, LPDWORD answer_len)
{
    DWORD room = *answer_len;

    *answer_len = from->len;
    if (from->len > room)
        return SCARD_E_INSUFFICIENT_BUFFER;
    memcpy(answer, from->data, from->len);
    return SCARD_S_SUCCESS;
}

__attribute__((visibility("default"))) LONG
SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *request, LPCBYTE command, DWORD command_len,
              SCARD_IO_REQUEST *response, LPBYTE answer, LPDWORD answer_len)
{
    static TransmitFunc transmit;
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GByteArray) given = g_byte_array_new();
    SealCardMemoryStep step = look_up(command, command_len, out);
    guint8 told[ANSWER_MAX];
    DWORD told_len = sizeof told;
    LONG result = SCARD_S_SUCCESS;

    if (!transmit)
        *(void **)&transmit = dlsym(RTLD_NEXT, "SCardTransmit");
    if (!transmit)
        return SCARD_F_INTERNAL_ERROR;
    if (step == SEAL_CARD_MEMORY_PASS)
        return transmit(card, request, command, command_len, response, answer, answer_len);
    if (step == SEAL_CARD_MEMORY_KNOWN)
        return copy_answer(out, answer, answer_len);
    result = transmit(card, request, out->data, out->len, response, told, &told_len);
    if (result != SCARD_S_SUCCESS) {
        pause_memory();
        return result;
    }
    g_mutex_lock(&memory_lock);
    seal_card_memory_hear(memory, told, told_len, given);
    g_mutex_unlock(&memory_lock);
    return copy_answer(given, answer, answer_len);
}

/* Afterwards another program may have the card. */
__attribute__((visibility("default"))) LONG
SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    static EndFunc end;

    pause_memory();
    if (!end)
        *(void **)&end = dlsym(RTLD_NEXT, "SCardEndTransaction");
    return end ? end(card, disposition) : SCARD_F_INTERNAL_ERROR;
}
