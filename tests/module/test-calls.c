/* What the standard asks of every PKCS#11 module, whatever its keys: lists, sessions, objects,
 * length questions, and the order of calls (PKCS#11 2.40 and 3.0; section numbers of 2.40). */
#include <dlfcn.h>
#include <string.h>

#include "tests/module/module-fixture.h"

/* -- functions ------------------------------------------------------------------------------- */

static void
test_no_function_is_null(ModulePlace *place, gconstpointer data)
{
    void *const *pointers = (void *const *)&place->calls->C_Initialize;
    gsize n = (sizeof *place->calls - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof *pointers;

    g_assert_cmpuint(n, ==, 68);
    for (gsize i = 0; i < n; i++)
        g_assert_nonnull(pointers[i]);
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
    for (gsize i = 0; i < 20; i++)
        module_is(((SealFunctionList3 *)one->functions)->appended.messages[i](),
                  CKR_FUNCTION_NOT_SUPPORTED);
    module_is(get((CK_UTF8CHAR *)"PKCS 11", &old, &one, 0), CKR_OK);
    g_assert_true(one->functions == place->calls);
    module_is(get((CK_UTF8CHAR *)"PKCS 11", &unknown, &one, 0), CKR_FUNCTION_FAILED);
    module_is(get((CK_UTF8CHAR *)"Vendor", NULL, &one, 0), CKR_FUNCTION_FAILED);
}

static void
test_unserved(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);

    module_is(place->calls->C_CreateObject(session, NULL, 7, NULL), CKR_FUNCTION_NOT_SUPPORTED);
    module_is(place->calls->C_EncryptInit(0, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    module_is(place->calls->C_GenerateKeyPair(0, NULL, NULL, 1, NULL, 1, NULL, NULL),
              CKR_FUNCTION_NOT_SUPPORTED);
    module_is(place->calls->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
    module_is(place->calls->C_SeedRandom(session, NULL, 0), CKR_RANDOM_SEED_NOT_SUPPORTED);
}

/* -- initialisation -----------------------------------------------------------------------------
 */

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
    CK_SESSION_HANDLE session = 0;

    for (int i = 0; i < 10000; i++)
        module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session),
                  CKR_OK);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session),
              CKR_SESSION_COUNT);
    module_is(place->calls->C_CloseSession(session), CKR_OK);
    module_is(place->calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    module_is(place->calls->C_CloseAllSessions(alice), CKR_OK);
}

/* -- objects
 * --------------------------------------------------------------------------------------------- */

static void
test_search(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_CLASS nobodys = CKO_VENDOR_DEFINED | 7;
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG n = 0;

    g_assert_cmpuint(module_count(place, session, CKO_CERTIFICATE), ==, 12);
    g_assert_cmpuint(module_count(place, session, CKO_PRIVATE_KEY), ==, 10);
    g_assert_cmpuint(module_count(place, session, CKO_PUBLIC_KEY), ==, 11);
    g_assert_cmpuint(module_count(place, session, SEAL_CKO_PROFILE), ==, 1);
    g_assert_cmpuint(module_count(place, session, nobodys), ==, 0);
    module_is(place->calls->C_FindObjects(session, &found, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 3), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    module_is(place->calls->C_FindObjects(session, NULL, 1, &n), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_FindObjects(session, &found, 1, &n), CKR_OK);
    g_assert_cmpuint(n, ==, 1);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OK);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
}

/* 5.7 C_GetAttributeValue: each attribute is dealt with, whatever becomes of the others. */
static void
test_attributes(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 1);
    CK_BYTE small[1], modulus[512];
    CK_BBOOL token = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_PRIVATE_EXPONENT, modulus, sizeof modulus},
        {CKA_MODULUS, small, sizeof small},
        {CKA_VENDOR_DEFINED | 1, small, sizeof small},
        {CKA_TOKEN, &token, sizeof token},
        {CKA_MODULUS, NULL, 0},
    };

    module_is(place->calls->C_GetAttributeValue(session, key, template, 5),
              CKR_ATTRIBUTE_SENSITIVE);
    g_assert_cmphex(template[0].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmphex(template[1].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmphex(template[2].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmpuint(token, ==, CK_TRUE);
    g_assert_cmpuint(template[4].ulValueLen, ==, 256);
    template[1].ulValueLen = sizeof small;
    module_is(place->calls->C_GetAttributeValue(session, key, template + 1, 1),
              CKR_BUFFER_TOO_SMALL);
    module_is(place->calls->C_GetAttributeValue(session, key, template + 2, 1),
              CKR_ATTRIBUTE_TYPE_INVALID);
    module_is(place->calls->C_GetAttributeValue(session, key, NULL, 2), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_GetAttributeValue(session, 4711, template, 1),
              CKR_OBJECT_HANDLE_INVALID);
    module_is(place->calls->C_DestroyObject(session, key), CKR_TOKEN_WRITE_PROTECTED);
}

/* A certificate and both halves of its key are found by one id, and say the same. */
static void
test_one_id(ModulePlace *place, gconstpointer data)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    CK_SESSION_HANDLE session = module_session(place);

    for (CK_BYTE id = 1; id <= 10; id++) {
        CK_BYTE info[3][1024];
        CK_ATTRIBUTE value[3];

        for (int i = 0; i < 3; i++) {
            value[i] = (CK_ATTRIBUTE){CKA_PUBLIC_KEY_INFO, info[i], sizeof info[i]};
            module_is(place->calls->C_GetAttributeValue(
                          session, module_find(place, session, classes[i], id), &value[i], 1),
                      CKR_OK);
            g_assert_cmpmem(info[i], value[i].ulValueLen, info[0], value[0].ulValueLen);
        }
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(ModulePlace *place, gconstpointer data);
    } tests[] = {
        {"/functions/none-is-null", test_no_function_is_null},
        {"/functions/interfaces-of-3-0", test_interfaces},
        {"/functions/unserved-say-so", test_unserved},
        {"/initialize/once-and-again", test_initialize},
        {"/slots/present-first", test_slots},
        {"/slots/mechanisms", test_mechanisms},
        {"/slots/no-event", test_no_event},
        {"/sessions/states", test_sessions},
        {"/sessions/ten-thousand", test_ten_thousand_sessions},
        {"/objects/search", test_search},
        {"/objects/attributes", test_attributes},
        {"/objects/one-id", test_one_id},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, ModulePlace, NULL, module_place_set_up, tests[i].test,
                   module_place_tear_down);
    return g_test_run();
}
