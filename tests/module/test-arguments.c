/* Handles that are none, NULL where something is wanted, absurd lengths: every function answers
 * what the standard says (PKCS#11 2.40 and 3.0), and operations elsewhere go on. */
#include <dlfcn.h>
#include <string.h>

#include "tests/module/module-fixture.h"

/* No session and no object ever had it. */
#define NO_HANDLE ((CK_ULONG)-1)

static SealFunctions3 *
appended_of(ModulePlace *place)
{
    CK_RV(*get)
    (CK_UTF8CHAR *, CK_VERSION *, SealInterface **, CK_FLAGS) =
        dlsym(place->library, "C_GetInterface");
    SealInterface *interface = NULL;

    module_is(get(NULL, NULL, &interface, 0), CKR_OK);
    return &((SealFunctionList3 *)interface->functions)->appended;
}

/* -- what is not served ----------------------------------------------------------------------- */

#define UNSERVED(call) module_is(call, CKR_FUNCTION_NOT_SUPPORTED)

/* They look at nothing, so they may be given anything. */
static void
expect_unserved_tokens(CK_FUNCTION_LIST *calls, CK_SESSION_HANDLE session, void *at, CK_ULONG n)
{
    UNSERVED(calls->C_InitToken(n, at, n, at));
    UNSERVED(calls->C_InitPIN(session, at, n));
    UNSERVED(calls->C_SetPIN(session, at, n, at, n));
    UNSERVED(calls->C_GetOperationState(session, at, at));
    UNSERVED(calls->C_SetOperationState(session, at, n, n, n));
    UNSERVED(calls->C_CreateObject(session, at, n, at));
    UNSERVED(calls->C_CopyObject(session, n, at, n, at));
    UNSERVED(calls->C_GenerateKey(session, at, at, n, at));
    UNSERVED(calls->C_GenerateKeyPair(session, at, at, n, at, n, at, at));
    UNSERVED(calls->C_WrapKey(session, at, n, n, at, at));
    module_is(calls->C_SeedRandom(session, at, n), CKR_RANDOM_SEED_NOT_SUPPORTED);
    module_is(calls->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
    module_is(calls->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
}

static void
expect_unserved_data(CK_FUNCTION_LIST *calls, CK_SESSION_HANDLE session, void *at, CK_ULONG n)
{
    UNSERVED(calls->C_EncryptInit(session, at, n));
    UNSERVED(calls->C_Encrypt(session, at, n, at, at));
    UNSERVED(calls->C_EncryptUpdate(session, at, n, at, at));
    UNSERVED(calls->C_EncryptFinal(session, at, at));
    UNSERVED(calls->C_DecryptUpdate(session, at, n, at, at));
    UNSERVED(calls->C_DecryptFinal(session, at, at));
    UNSERVED(calls->C_DigestInit(session, at));
    UNSERVED(calls->C_Digest(session, at, n, at, at));
    UNSERVED(calls->C_DigestUpdate(session, at, n));
    UNSERVED(calls->C_DigestKey(session, n));
    UNSERVED(calls->C_DigestFinal(session, at, at));
    UNSERVED(calls->C_SignRecoverInit(session, at, n));
    UNSERVED(calls->C_SignRecover(session, at, n, at, at));
    UNSERVED(calls->C_VerifyInit(session, at, n));
    UNSERVED(calls->C_Verify(session, at, n, at, n));
    UNSERVED(calls->C_VerifyUpdate(session, at, n));
    UNSERVED(calls->C_VerifyFinal(session, at, n));
    UNSERVED(calls->C_VerifyRecoverInit(session, at, n));
    UNSERVED(calls->C_VerifyRecover(session, at, n, at, at));
    UNSERVED(calls->C_DigestEncryptUpdate(session, at, n, at, at));
    UNSERVED(calls->C_DecryptDigestUpdate(session, at, n, at, at));
    UNSERVED(calls->C_SignEncryptUpdate(session, at, n, at, at));
    UNSERVED(calls->C_DecryptVerifyUpdate(session, at, n, at, at));
}

static void
test_unserved(ModulePlace *place, gconstpointer data)
{
    const CK_SESSION_HANDLE sessions[] = {module_session(place), NO_HANDLE};
    SealFunctions3 *appended = appended_of(place);
    CK_ULONG something[64] = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(sessions); i++) {
        expect_unserved_tokens(place->calls, sessions[i], NULL, 0);
        expect_unserved_tokens(place->calls, sessions[i], NULL, (CK_ULONG)-1);
        expect_unserved_tokens(place->calls, sessions[i], something, (CK_ULONG)-1);
        expect_unserved_data(place->calls, sessions[i], NULL, 0);
        expect_unserved_data(place->calls, sessions[i], NULL, (CK_ULONG)-1);
        expect_unserved_data(place->calls, sessions[i], something, (CK_ULONG)-1);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(appended->messages); i++)
        UNSERVED(appended->messages[i]());
}

/* -- what is served --------------------------------------------------------------------------- */

/* Room and values for whoever wants some. */
typedef struct {
    CK_SLOT_ID slots[16];
    CK_ULONG count;
    CK_BYTE bytes[256];
    CK_OBJECT_HANDLE object;
    CK_MECHANISM mechanism;
    CK_SESSION_INFO session;
    CK_TOKEN_INFO token;
    CK_SLOT_INFO slot;
    CK_MECHANISM_INFO mechanism_info;
    CK_INFO info;
} Things;

/* Every call that takes a session. */
static void
expect_of_session_calls(ModulePlace *place, CK_SESSION_HANDLE session, CK_RV rv)
{
    CK_FUNCTION_LIST *calls = place->calls;
    SealFunctions3 *appended = appended_of(place);
    Things t = {.mechanism = {CKM_ECDSA, NULL, 0}, .count = sizeof t.bytes};

    module_is(calls->C_CloseSession(session), rv);
    module_is(calls->C_GetSessionInfo(session, &t.session), rv);
    module_is(calls->C_Login(session, CKU_USER, NULL, 0), rv);
    module_is(appended->C_LoginUser(session, CKU_USER, NULL, 0, NULL, 0), rv);
    module_is(calls->C_Logout(session), rv);
    module_is(appended->C_SessionCancel(session, CKF_SIGN), rv);
    module_is(calls->C_FindObjectsInit(session, NULL, 0), rv);
    module_is(calls->C_FindObjects(session, &t.object, 1, &t.count), rv);
    module_is(calls->C_FindObjectsFinal(session), rv);
    module_is(calls->C_GetAttributeValue(session, 1, NULL, 0), rv);
    module_is(calls->C_SetAttributeValue(session, 1, NULL, 0), rv);
    module_is(calls->C_GetObjectSize(session, 1, &t.count), rv);
    module_is(calls->C_DestroyObject(session, 1), rv);
    module_is(calls->C_SignInit(session, &t.mechanism, 1), rv);
    module_is(calls->C_Sign(session, t.bytes, 32, t.bytes, &t.count), rv);
    module_is(calls->C_SignUpdate(session, t.bytes, 32), rv);
    module_is(calls->C_SignFinal(session, t.bytes, &t.count), rv);
    module_is(calls->C_DecryptInit(session, &t.mechanism, 1), rv);
    module_is(calls->C_Decrypt(session, t.bytes, 32, t.bytes, &t.count), rv);
    module_is(calls->C_DeriveKey(session, &t.mechanism, 1, NULL, 0, &t.object), rv);
    module_is(calls->C_UnwrapKey(session, &t.mechanism, 1, t.bytes, 32, NULL, 0, &t.object), rv);
    module_is(calls->C_GenerateRandom(session, t.bytes, 32), rv);
}

/* Every other call. */
static void
expect_of_slot_calls(ModulePlace *place, CK_RV rv)
{
    CK_FUNCTION_LIST *calls = place->calls;
    Things t = {.count = G_N_ELEMENTS(t.slots)};

    module_is(calls->C_GetInfo(&t.info), rv);
    module_is(calls->C_GetSlotList(CK_FALSE, t.slots, &t.count), rv);
    module_is(calls->C_GetSlotInfo(1, &t.slot), rv);
    module_is(calls->C_GetTokenInfo(1, &t.token), rv);
    module_is(calls->C_GetMechanismList(1, NULL, &t.count), rv);
    module_is(calls->C_GetMechanismInfo(1, CKM_ECDSA, &t.mechanism_info), rv);
    module_is(calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, t.slots, NULL), rv);
    module_is(calls->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &t.object), rv);
    module_is(calls->C_CloseAllSessions(1), rv);
    module_is(calls->C_Finalize(NULL), rv);
}

static void
test_before_initialize(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    SealFunctions3 *appended = appended_of(place);

    module_is(place->calls->C_Finalize(NULL), CKR_OK);
    expect_of_session_calls(place, session, CKR_CRYPTOKI_NOT_INITIALIZED);
    expect_of_slot_calls(place, CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(place->calls->C_EncryptInit(session, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(place->calls->C_SeedRandom(session, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    module_is(appended->messages[0](), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void
test_invalid_sessions(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE closed = module_session(place);

    module_is(place->calls->C_CloseSession(closed), CKR_OK);
    expect_of_session_calls(place, 0, CKR_SESSION_HANDLE_INVALID);
    expect_of_session_calls(place, NO_HANDLE, CKR_SESSION_HANDLE_INVALID);
    expect_of_session_calls(place, closed, CKR_SESSION_HANDLE_INVALID);
}

static void
test_invalid_slots(ModulePlace *place, gconstpointer data)
{
    static const CK_SLOT_ID slots[] = {0, 9, (CK_SLOT_ID)-1};
    CK_FUNCTION_LIST *calls = place->calls;
    Things t = {.count = 0};

    for (gsize i = 0; i < G_N_ELEMENTS(slots); i++) {
        module_is(calls->C_GetSlotInfo(slots[i], &t.slot), CKR_SLOT_ID_INVALID);
        module_is(calls->C_GetTokenInfo(slots[i], &t.token), CKR_SLOT_ID_INVALID);
        module_is(calls->C_GetMechanismList(slots[i], NULL, &t.count), CKR_SLOT_ID_INVALID);
        module_is(calls->C_GetMechanismInfo(slots[i], CKM_ECDSA, &t.mechanism_info),
                  CKR_SLOT_ID_INVALID);
        module_is(calls->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &t.object),
                  CKR_SLOT_ID_INVALID);
        module_is(calls->C_CloseAllSessions(slots[i]), CKR_SLOT_ID_INVALID);
    }
}

static void
test_invalid_objects(ModulePlace *place, gconstpointer data)
{
    static const CK_OBJECT_HANDLE objects[] = {0, 4711, NO_HANDLE};
    CK_FUNCTION_LIST *calls = place->calls;
    CK_SESSION_HANDLE session = module_session(place);
    CK_ECDH1_DERIVE_PARAMS parameters = {.kdf = CKD_SHA256_KDF};
    CK_MECHANISM derivation = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    Things t = {.mechanism = {CKM_ECDSA, NULL, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(objects); i++) {
        CK_OBJECT_HANDLE none = objects[i];

        module_is(calls->C_GetAttributeValue(session, none, NULL, 0), CKR_OBJECT_HANDLE_INVALID);
        module_is(calls->C_SetAttributeValue(session, none, NULL, 0), CKR_OBJECT_HANDLE_INVALID);
        module_is(calls->C_GetObjectSize(session, none, &t.count), CKR_OBJECT_HANDLE_INVALID);
        module_is(calls->C_DestroyObject(session, none), CKR_OBJECT_HANDLE_INVALID);
        module_is(calls->C_SignInit(session, &t.mechanism, none), CKR_KEY_HANDLE_INVALID);
        module_is(calls->C_DecryptInit(session, &t.mechanism, none), CKR_KEY_HANDLE_INVALID);
        module_is(calls->C_DeriveKey(session, &derivation, none, NULL, 0, &t.object),
                  CKR_KEY_HANDLE_INVALID);
        module_is(calls->C_UnwrapKey(session, &wrap, none, t.bytes, 32, NULL, 0, &t.object),
                  CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    }
}

/* Public keys and certificates are no private keys, and one token's key is none in another's
 * session. */
static void
test_wrong_objects(ModulePlace *place, gconstpointer data)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    CK_FUNCTION_LIST *calls = place->calls;
    CK_SESSION_HANDLE session = module_session(place), elsewhere = 0;
    CK_SLOT_ID alice = module_alice(place), slots[16];
    CK_ULONG count = G_N_ELEMENTS(slots);
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};

    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
        module_is(
            calls->C_SignInit(session, &mechanism, module_find(place, session, classes[i], 4)),
            CKR_KEY_HANDLE_INVALID);
    module_is(calls->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    module_is(calls->C_OpenSession(slots[0] == alice ? slots[1] : slots[0], CKF_SERIAL_SESSION,
                                   NULL, NULL, &elsewhere),
              CKR_OK);
    module_is(
        calls->C_SignInit(elsewhere, &mechanism, module_find(place, session, CKO_PRIVATE_KEY, 4)),
        CKR_KEY_HANDLE_INVALID);
    module_is(calls->C_GetAttributeValue(elsewhere, module_find(place, session, CKO_PRIVATE_KEY, 4),
                                         NULL, 0),
              CKR_OBJECT_HANDLE_INVALID);
}

/* -- NULL
 * ------------------------------------------------------------------------------------------ */

static void
test_null_of_slots(ModulePlace *place, gconstpointer data)
{
    CK_FUNCTION_LIST *calls = place->calls;
    CK_SLOT_ID alice = module_alice(place), slot = 0;
    CK_INFO info;

    module_is(calls->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_Finalize(&info), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetSlotList(CK_TRUE, &slot, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetSlotInfo(alice, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetTokenInfo(alice, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetMechanismList(alice, NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetMechanismInfo(alice, CKM_ECDSA, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot), CKR_ARGUMENTS_BAD);
    module_is(calls->C_OpenSession(alice, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(appended_of(place)->C_GetInterfaceList(NULL, NULL), CKR_ARGUMENTS_BAD);
    module_is(appended_of(place)->C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

static void
test_null_of_objects(ModulePlace *place, gconstpointer data)
{
    CK_FUNCTION_LIST *calls = place->calls;
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 7);
    CK_ATTRIBUTE pointless = {CKA_ID, NULL, 5};
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG n = 0;

    module_is(calls->C_GetSessionInfo(session, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    module_is(calls->C_FindObjectsInit(session, &pointless, 1), CKR_ARGUMENTS_BAD);
    module_is(calls->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    module_is(calls->C_FindObjects(session, NULL, 1, &n), CKR_ARGUMENTS_BAD);
    module_is(calls->C_FindObjects(session, &object, 1, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_FindObjectsFinal(session), CKR_OK);
    module_is(calls->C_GetAttributeValue(session, key, NULL, 1), CKR_ARGUMENTS_BAD);
    module_is(calls->C_SetAttributeValue(session, key, NULL, 1), CKR_ARGUMENTS_BAD);
    module_is(calls->C_GetObjectSize(session, key, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_DeriveKey(session, NULL, key, NULL, 0, &object), CKR_ARGUMENTS_BAD);
    module_is(calls->C_DeriveKey(session, &wrap, key, NULL, 1, &object), CKR_ARGUMENTS_BAD);
    module_is(calls->C_DeriveKey(session, &wrap, key, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_UnwrapKey(session, NULL, key, (CK_BYTE *)"", 1, NULL, 0, &object),
              CKR_ARGUMENTS_BAD);
    module_is(calls->C_UnwrapKey(session, &wrap, key, NULL, 1, NULL, 0, &object),
              CKR_ARGUMENTS_BAD);
    module_is(calls->C_UnwrapKey(session, &wrap, key, (CK_BYTE *)"", 1, NULL, 0, NULL),
              CKR_ARGUMENTS_BAD);
}

static void
test_null_of_uses(ModulePlace *place, gconstpointer data)
{
    CK_FUNCTION_LIST *calls = place->calls;
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 4);
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0}, parameterless = {CKM_ECDSA, NULL, 9};
    CK_BYTE bytes[256] = {0};
    CK_ULONG len = sizeof bytes;

    module_is(calls->C_SignInit(session, NULL, key), CKR_ARGUMENTS_BAD);
    module_is(calls->C_DecryptInit(session, NULL, key), CKR_ARGUMENTS_BAD);
    module_is(calls->C_SignInit(session, &parameterless, key), CKR_MECHANISM_PARAM_INVALID);
    module_is(calls->C_DecryptInit(session, &parameterless, key), CKR_MECHANISM_PARAM_INVALID);
    module_is(calls->C_SignInit(session, &mechanism, key), CKR_OK);
    module_is(calls->C_Sign(session, NULL, 32, bytes, &len), CKR_ARGUMENTS_BAD);
    module_is(calls->C_SignInit(session, &mechanism, key), CKR_OK); /* that had ended */
    module_is(calls->C_SignUpdate(session, NULL, 32), CKR_ARGUMENTS_BAD);
    module_is(calls->C_SignInit(session, &mechanism, key), CKR_OK);
    module_is(calls->C_SignFinal(session, bytes, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_SignFinal(session, bytes, &len), CKR_OPERATION_NOT_INITIALIZED);
    mechanism.mechanism = CKM_RSA_PKCS;
    key = module_find(place, session, CKO_PRIVATE_KEY, 2);
    module_is(calls->C_DecryptInit(session, &mechanism, key), CKR_OK);
    module_is(calls->C_Decrypt(session, NULL, 256, bytes, &len), CKR_ARGUMENTS_BAD);
    module_is(calls->C_DecryptInit(session, &mechanism, key), CKR_OK);
    module_is(calls->C_Decrypt(session, bytes, 256, bytes, NULL), CKR_ARGUMENTS_BAD);
    module_is(calls->C_Decrypt(session, bytes, 256, bytes, &len), CKR_OPERATION_NOT_INITIALIZED);
    module_is(calls->C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
}

/* -- randomness
 * ------------------------------------------------------------------------------------ */

static void
test_random(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_BYTE first[1000] = {0}, second[1000] = {0}, none[1000] = {0};

    module_is(place->calls->C_GenerateRandom(session, NULL, 0), CKR_OK);
    module_is(place->calls->C_GenerateRandom(session, first, sizeof first - 1), CKR_OK);
    module_is(place->calls->C_GenerateRandom(session, second, sizeof second), CKR_OK);
    g_assert_cmpuint(first[sizeof first - 1], ==, 0); /* what was asked for, and no more */
    g_assert_cmpint(memcmp(first, second, sizeof first), !=, 0);
    g_assert_cmpint(memcmp(first + 900, none, 50), !=, 0);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/arguments/unserved/say-so-whatever-they-get", test_unserved},
        {"/arguments/not-initialized/is-told-by-all", test_before_initialize},
        {"/arguments/sessions/invalid", test_invalid_sessions},
        {"/arguments/slots/invalid", test_invalid_slots},
        {"/arguments/objects/invalid", test_invalid_objects},
        {"/arguments/objects/of-another-kind-or-token", test_wrong_objects},
        {"/arguments/null/slots", test_null_of_slots},
        {"/arguments/null/objects", test_null_of_objects},
        {"/arguments/null/uses", test_null_of_uses},
        {"/arguments/random/comes-as-asked", test_random},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
