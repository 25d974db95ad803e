/* ykcs11 2.2, as Debian 12 has it, measured with cards that answer as YubiKeys do.
 *
 * It keeps the PIN of the last login in its own memory, also after C_Logout, and gives it to a card
 * that was reset, before the next command of whatever kind: a card that we locked would be open to
 * everybody again. If that PIN is not right any more it costs a try, and the card stays taken by
 * this process for good (the transaction is not ended). C_GetSlotList drops the PIN of a card that
 * it finds reset or pulled; so it is called once more after each reset of ours. What is left is a
 * reader that goes with its card, as a YubiKey does: its PIN is kept for the next YubiKey there.
 * Only a new process knows nothing of it (scan.c), nor holds a card that it took, or one that lost
 * its power unseen, with which it does not begin anew (host.c).
 *
 * A YubiKey whose first commands failed, as when somebody reset it at that moment, it never looks at
 * again, until the next reset: readers.c makes one for each insertion. If reading fails it says nothing and shows an empty token
 * (scan.c).
 *
 * It has no C_InitPIN, and its security officer is the management key. C_SetPIN unblocks if the old
 * PIN is the PUK after "puk:" and the new one stands after "pin:". */
#include "pkcs11/host/ykcs11.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/secret.h"
#include "pkcs11/host/library.h"

#define OF_PUK "puk:"
#define OF_PIN "pin:"

/* A process has one module: it is asked once, since another may have its lock held by a card that
 * hangs. */
gboolean
seal_ykcs11_is(CK_FUNCTION_LIST *functions)
{
    enum { NO = 1, YES };
    static gsize answer;

    if (g_once_init_enter(&answer))
        g_once_init_leave(&answer, seal_library_is_made_by(functions, "Yubico") ? YES : NO);
    return answer == YES;
}

gboolean
seal_ykcs11_serves(const char *name)
{
    return g_str_has_prefix(name, "Yubico");
}

gboolean
seal_ykcs11_has_read(CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG count = 0;

    if (functions->C_FindObjectsInit(session, NULL, 0) != CKR_OK)
        return FALSE;
    if (functions->C_FindObjects(session, &object, 1, &count) != CKR_OK)
        count = 0;
    (void)functions->C_FindObjectsFinal(session);
    return count > 0;
}

void
seal_ykcs11_forget_pin(CK_FUNCTION_LIST *functions)
{
    CK_ULONG count = 0;

    (void)functions->C_GetSlotList(CK_FALSE, NULL, &count);
}

gboolean
seal_ykcs11_is_misread(SealBytes pin)
{
    return pin.len >= strlen(OF_PUK) && CRYPTO_memcmp(pin.data, OF_PUK, strlen(OF_PUK)) == 0;
}

static SealSecret *
with_prefix(const char *prefix, SealBytes text)
{
    SealSecret *secret = seal_secret_new(strlen(prefix) + text.len);

    (void)seal_secret_append(secret, prefix, strlen(prefix));
    (void)seal_secret_append(secret, text.data, text.len);
    return secret;
}

CK_RV
seal_ykcs11_unblock(CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session, SealBytes given,
                    SealBytes fresh)
{
    g_autoptr(SealSecret) puk = with_prefix(OF_PUK, given);
    g_autoptr(SealSecret) pin = with_prefix(OF_PIN, fresh);

    return functions->C_SetPIN(session, seal_secret_data(puk), seal_secret_len(puk),
                               seal_secret_data(pin), seal_secret_len(pin));
}
