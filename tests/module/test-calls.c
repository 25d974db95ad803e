/* What the standard asks of every PKCS#11 module, whatever its keys: lists, slots, sessions
 * (PKCS#11 2.40 and 3.0; section numbers of 2.40 unless it says otherwise). */
#include <dlfcn.h>
#include <string.h>

#include "tests/module/module-fixture.h"

/* -- functions ------------------------------------------------------------------------------- */

static void
expect_pointers(const void *first, gsize len, gsize count)
{
    void *const *pointers = first;

    g_assert_cmpuint(len / sizeof *pointers, ==, count);
    for (gsize i = 0; i < count; i++)
        g_assert_nonnull(pointers[i]);
}

static void
test_no_function_is_null(ModulePlace *place, gconstpointer data)
{
    expect_pointers(&place->calls->C_Initialize,
                    sizeof *place->calls - offsetof(CK_FUNCTION_LIST, C_Initialize), 68);
    g_assert_cmpuint(place->calls->version.major, ==, 2);
    g_assert_cmpuint(place->calls->version.minor, ==, 40);
}

static void
test_interfaces(ModulePlace *place, gconstpointer data)
{
    CK_RV (*get_list)(SealInterface *, CK_ULONG *) = dlsym(place->library, "C_GetInterfaceList");
    CK_RV(*get)
    (CK_UTF8CHAR *, CK_VERSION *, SealInterface **, CK_FLAGS) =
        dlsym(place->library, "C_GetInterface");
    SealInterface list[4], *one = NULL;
    const SealFunctionList3 *list3 = NULL;
    CK_ULONG count = 0;
    CK_VERSION old = {2, 40}, unknown = {9, 9};

    module_is(get_list(NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(get_list(NULL, &count), CKR_OK);
    g_assert_cmpuint(count, ==, 2);
    count = 1;
    module_is(get_list(list, &count), CKR_BUFFER_TOO_SMALL);
    module_is(get_list(list, &count), CKR_OK);
    module_is(get(NULL, NULL, &one, 0), CKR_OK);
    g_assert_cmpuint(((CK_VERSION *)one->functions)->major, ==, 3);
    list3 = one->functions;
    expect_pointers(&list3->list.C_Initialize,
                    sizeof list3->list - offsetof(CK_FUNCTION_LIST, C_Initialize), 68);
    expect_pointers(&list3->appended, sizeof list3->appended, 24);
    module_is(get(NULL, NULL, &one, SEAL_CKF_INTERFACE_FORK_SAFE), CKR_OK);
    module_is(get(NULL, NULL, &one, ~SEAL_CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
    module_is(get((CK_UTF8CHAR *)"PKCS 11", &old, &one, 0), CKR_OK);
    g_assert_true(one->functions == place->calls);
    module_is(get((CK_UTF8CHAR *)"PKCS 11", &unknown, &one, 0), CKR_FUNCTION_FAILED);
    module_is(get((CK_UTF8CHAR *)"Vendor", NULL, &one, 0), CKR_FUNCTION_FAILED);
}

/* -- initialisation --------------------------------------------------------------------------- */

static CK_RV
make_nothing(void **mutex)
{
    return CKR_HOST_MEMORY;
}

static void
test_initialize(ModulePlace *place, gconstpointer data)
{
    CK_C_INITIALIZE_ARGS some = {.CreateMutex = make_nothing};
    CK_C_INITIALIZE_ARGS reserved = {.pReserved = &some};
    CK_INFO info;

    module_is(place->calls->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    module_is(place->calls->C_Finalize(&info), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_GetInfo(&info), CKR_OK);
    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    module_is(place->calls->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(place->calls->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(place->calls->C_Sign(1, NULL, 0, NULL, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(place->calls->C_Initialize(&some), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_Initialize(NULL), CKR_OK);
}

/* -- slots
 * ------------------------------------------------------------------------------------------ */

static void
test_slots(ModulePlace *place, gconstpointer data)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 0, present = 0;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;

    module_is(place->calls->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_GetSlotList(CK_TRUE, NULL, &present), CKR_OK);
    g_assert_cmpuint(present, ==, 3);
    module_is(place->calls->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    g_assert_cmpuint(count, ==, 8);
    count = 2;
    module_is(place->calls->C_GetSlotList(CK_TRUE, slots, &count), CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(count, ==, 3);
    count = G_N_ELEMENTS(slots);
    module_is(place->calls->C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        module_is(place->calls->C_GetSlotInfo(slots[i], &slot), CKR_OK);
        g_assert_true(slot.flags & CKF_REMOVABLE_DEVICE);
        /* Those with a token come first. */
        g_assert_cmpint((slot.flags & CKF_TOKEN_PRESENT) != 0, ==, i < present);
        module_is(place->calls->C_GetTokenInfo(slots[i], &token),
                  i < present ? CKR_OK : CKR_TOKEN_NOT_PRESENT);
    }
    module_is(place->calls->C_GetSlotInfo(4711, &slot), CKR_SLOT_ID_INVALID);
    module_is(place->calls->C_GetTokenInfo(module_alice(place), &token), CKR_OK);
    g_assert_false(token.flags & (CKF_LOGIN_REQUIRED | CKF_RNG));
    g_assert_true(token.flags & CKF_TOKEN_INITIALIZED);
}

static void
test_mechanisms(ModulePlace *place, gconstpointer data)
{
    CK_MECHANISM_TYPE list[64];
    CK_ULONG count = 0, small = 1;
    CK_MECHANISM_INFO info;
    CK_SLOT_ID alice = module_alice(place);

    module_is(place->calls->C_GetMechanismList(alice, NULL, &count), CKR_OK);
    module_is(place->calls->C_GetMechanismList(alice, list, &small), CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(small, ==, count);
    count = G_N_ELEMENTS(list);
    module_is(place->calls->C_GetMechanismList(alice, list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        module_is(place->calls->C_GetMechanismInfo(alice, list[i], &info), CKR_OK);
    /* What Java asks for before it signs PSS: a hash that is known, and offered to nobody. */
    module_is(place->calls->C_GetMechanismInfo(alice, CKM_SHA256, &info), CKR_OK);
    g_assert_cmphex(info.flags, ==, 0);
    for (CK_ULONG i = 0; i < count; i++)
        g_assert_cmphex(list[i], !=, CKM_SHA256);
    module_is(place->calls->C_GetMechanismInfo(alice, CKM_RSA_X_509, &info), CKR_MECHANISM_INVALID);
    module_is(place->calls->C_GetMechanismInfo(alice, CKM_AES_CBC, &info), CKR_MECHANISM_INVALID);
}

static void
test_no_event(ModulePlace *place, gconstpointer data)
{
    CK_SLOT_ID slot = 0;

    module_is(place->calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
}

/* -- sessions
 * ------------------------------------------------------------------------------------------ */

static void
test_sessions(ModulePlace *place, gconstpointer data)
{
    CK_SLOT_ID alice = module_alice(place);
    CK_SESSION_HANDLE session = 0, other = module_session(place);
    CK_SESSION_INFO info;

    module_is(place->calls->C_OpenSession(alice, 0, NULL, NULL, &session),
              CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, NULL),
              CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    module_is(place->calls->C_GetSessionInfo(session, &info), CKR_OK);
    g_assert_cmpuint(info.slotID, ==, alice);
    g_assert_cmpuint(info.state, ==, CKS_RO_PUBLIC_SESSION);
    module_is(place->calls->C_Login(session, CKU_SO, NULL, 0), CKR_USER_TYPE_INVALID);
    module_is(place->calls->C_Login(session, CKU_USER, NULL, 0), CKR_OK);
    module_is(place->calls->C_Login(other, CKU_USER, NULL, 0), CKR_USER_ALREADY_LOGGED_IN);
    module_is(place->calls->C_GetSessionInfo(other, &info), CKR_OK);
    g_assert_cmpuint(info.state, ==, CKS_RW_USER_FUNCTIONS);
    module_is(place->calls->C_Logout(session), CKR_OK);
    module_is(place->calls->C_Logout(session), CKR_USER_NOT_LOGGED_IN);
    module_is(place->calls->C_CloseSession(session), CKR_OK);
    module_is(place->calls->C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
    module_is(place->calls->C_CloseAllSessions(alice), CKR_OK);
    module_is(place->calls->C_GetSessionInfo(other, &info), CKR_SESSION_HANDLE_INVALID);
}

static void
test_ten_thousand_sessions(ModulePlace *place, gconstpointer data)
{
    CK_SLOT_ID alice = module_alice(place);
    CK_SESSION_HANDLE session = 0, first = module_session(place);

    for (int i = 1; i < 10000; i++)
        module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session),
                  CKR_OK);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session),
              CKR_SESSION_COUNT);
    module_is(place->calls->C_CloseSession(session), CKR_OK);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    for (; session > first + 5000; session--) /* handles are given out in order */
        (void)place->calls->C_CloseSession(session);
    g_assert_cmpuint(module_count(place, first, CKO_CERTIFICATE), ==, 12);
    module_is(place->calls->C_CloseAllSessions(alice), CKR_OK);
    module_is(place->calls->C_CloseSession(first), CKR_SESSION_HANDLE_INVALID);
}

/* 3.0 5.6.9: what the flags name is ended, and nothing else. C_LoginUser is C_Login. */
static void
test_session_cancel(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_RV(*get)
    (CK_UTF8CHAR *, CK_VERSION *, SealInterface **, CK_FLAGS) =
        dlsym(place->library, "C_GetInterface");
    SealInterface *interface = NULL;
    const SealFunctions3 *appended = NULL;
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;

    module_is(get(NULL, NULL, &interface, 0), CKR_OK);
    appended = &((const SealFunctionList3 *)interface->functions)->appended;
    module_is(place->calls->C_SignInit(session, &mechanism,
                                       module_find(place, session, CKO_PRIVATE_KEY, 4)),
              CKR_OK);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    module_is(appended->C_SessionCancel(session, SEAL_CKF_FIND_OBJECTS | CKF_DECRYPT), CKR_OK);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    module_is(place->calls->C_SignFinal(session, NULL, &len), CKR_OK);
    module_is(appended->C_SessionCancel(session, CKF_SIGN), CKR_OK);
    module_is(place->calls->C_SignFinal(session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
    module_is(appended->C_LoginUser(session, CKU_USER, NULL, 0, NULL, 0), CKR_OK);
    module_is(appended->C_LoginUser(session, CKU_USER, NULL, 0, NULL, 0),
              CKR_USER_ALREADY_LOGGED_IN);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/functions/none-is-null", test_no_function_is_null},
        {"/functions/interfaces-of-3-0", test_interfaces},
        {"/initialize/once-and-again", test_initialize},
        {"/slots/present-first", test_slots},
        {"/slots/mechanisms", test_mechanisms},
        {"/slots/no-event", test_no_event},
        {"/sessions/states", test_sessions},
        {"/sessions/ten-thousand", test_ten_thousand_sessions},
        {"/sessions/cancel-what-is-named", test_session_cancel},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
