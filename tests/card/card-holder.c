/* A second program at a card: card-holder HOW READER, where HOW is "exclusive" (nobody else may
 * connect) or "transaction" (others wait). Says "held", and keeps the card until its end. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

static LONG
hold(const char *how, const char *reader)
{
    DWORD share = strcmp(how, "exclusive") == 0 ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED;
    SCARDCONTEXT context = 0;
    SCARDHANDLE card = 0;
    DWORD protocol = 0;
    LONG result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

    if (result == SCARD_S_SUCCESS)
        result = SCardConnect(context, reader, share, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                              &protocol);
    if (result == SCARD_S_SUCCESS && share == SCARD_SHARE_SHARED)
        result = SCardBeginTransaction(card);
    return result;
}

int
main(int argc, char **argv)
{
    LONG result = argc == 3 ? hold(argv[1], argv[2]) : SCARD_E_INVALID_PARAMETER;

    if (result != SCARD_S_SUCCESS) {
        (void)fprintf(stderr, "card-holder: 0x%lx\n", (unsigned long)result);
        return 1;
    }
    (void)puts("held");
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}
