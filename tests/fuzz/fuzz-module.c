/* The whole function list of privyseal-pkcs11.so, called at random: handles that were never given
 * out, NULL where something is wanted, lengths that fit or not, in any order, with an agent that
 * may go away. Each input is a list of calls, a few bytes each: the number of the call
 * (module-calls.c), then what its arguments are made of (module-input.c).
 *
 * Promised is that nothing crashes, hangs or writes beyond its buffer (a sanitizer sees that), that
 * what is not served says so, and that after all of it the module still signs. */
#include "pkcs11/module/cryptoki.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/module-calls.h"
#include "tests/fuzz/module-scene.h"

/* One run stays far from libFuzzer's 10 s, even where each call is a signature and others load the
 * machine. */
#define CALLS_MAX 200

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, SealInterface **ret_interface,
                     CK_FLAGS flags);

static CK_OBJECT_HANDLE
find(Fuzz *fuzz, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG n = 0;

    g_assert_cmphex(fuzz->calls->C_FindObjectsInit(fuzz->session, template, 2), ==, CKR_OK);
    g_assert_cmphex(fuzz->calls->C_FindObjects(fuzz->session, &object, 1, &n), ==, CKR_OK);
    g_assert_cmphex(fuzz->calls->C_FindObjectsFinal(fuzz->session), ==, CKR_OK);
    return object;
}

/* A session with Alice's token, by her signing key on P-256, which is returned. */
static CK_OBJECT_HANDLE
open_alice(Fuzz *fuzz)
{
    CK_OBJECT_HANDLE key = 0;

    for (CK_SLOT_ID slot = 1; slot <= 8 && key == 0; slot++)
        if (fuzz->calls->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &fuzz->session) ==
            CKR_OK)
            key = find(fuzz, CKO_PRIVATE_KEY, 4);
    g_assert_cmpuint(key, !=, 0);
    return key;
}

/* Objects have the same place in each run, whatever the agent's order: keys, then the public. */
static void
begin(Fuzz *fuzz)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE};

    g_assert_cmphex(fuzz->calls->C_Initialize(NULL), ==, CKR_OK);
    (void)open_alice(fuzz);
    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
        for (CK_BYTE id = 1; id <= 11; id++)
            fuzz->objects[fuzz->n_objects++] = find(fuzz, classes[i], id);
}
G_STATIC_ASSERT(3 * 11 <= FUZZ_OBJECTS);

static void
check_signs(Fuzz *fuzz)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {0}, signature[64];
    CK_ULONG len = sizeof signature;
    CK_OBJECT_HANDLE key = open_alice(fuzz);

    g_assert_cmphex(fuzz->calls->C_SignInit(fuzz->session, &mechanism, key), ==, CKR_OK);
    g_assert_cmphex(fuzz->calls->C_Sign(fuzz->session, digest, 32, signature, &len), ==, CKR_OK);
}

static void
end(Fuzz *fuzz)
{
    if (fuzz->is_lost) {
        /* A new beginning: else the module would wait its second before it asks again. */
        module_scene_find_agent();
        (void)fuzz->calls->C_Finalize(NULL);
    }
    (void)fuzz->calls->C_Initialize(NULL);
    check_signs(fuzz);
    g_assert_cmphex(fuzz->calls->C_Finalize(NULL), ==, CKR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz fuzz = {.at = data, .left = size};
    SealInterface *interface = NULL;

    module_scene_start_once();
    g_assert_cmphex(C_GetFunctionList(&fuzz.calls), ==, CKR_OK);
    g_assert_cmphex(C_GetInterface(NULL, NULL, &interface, 0), ==, CKR_OK);
    fuzz.appended = &((SealFunctionList3 *)interface->functions)->appended;
    begin(&fuzz);
    for (guint i = 0; fuzz.left > 0 && i < CALLS_MAX; i++)
        module_call_next(&fuzz);
    end(&fuzz);
    return 0;
}
