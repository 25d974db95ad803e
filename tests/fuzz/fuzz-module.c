/* The whole function list of privyseal-pkcs11.so, called at random: handles that were never given
 * out, NULL where something is wanted, lengths that fit or not, in any order. Each input is a list
 * of calls, a few bytes each, over an agent with the fixture's tokens. What C cannot allow is left
 * out: a pointer to less than its length.
 *
 * Promised is that nothing crashes, hangs or writes beyond its buffer (a sanitizer sees that), and
 * that after all of it the module still signs. */
#include <glib.h>
#include <string.h>

#include "pkcs11/module/cryptoki.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, SealInterface **ret_interface,
                     CK_FLAGS flags);

#define BUFFER_LEN 512

typedef struct {
    const uint8_t *at;
    size_t left;
    CK_FUNCTION_LIST *calls;
    SealFunctions3 *appended;
    CK_SESSION_HANDLE session;            /* the last that was opened */
    CK_OBJECT_HANDLE objects[4], derived; /* what was found, and derived */
} Fuzz;

static SealTestHome *home;

static void
end_home(void)
{
    g_clear_pointer(&home, seal_test_home_free);
}

static void
start_once(void)
{
    g_autofree char *pin = NULL;

    if (home)
        return;
    home = seal_test_home_new();
    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s\n", pin);
    (void)atexit(end_home);
}

/* -- arguments -------------------------------------------------------------------------------- */

static guint
next(Fuzz *fuzz)
{
    if (fuzz->left == 0)
        return 0;
    fuzz->left--;
    return *fuzz->at++;
}

static CK_SESSION_HANDLE
any_session(Fuzz *fuzz)
{
    guint byte = next(fuzz);

    return byte < 240 ? fuzz->session : byte - 240;
}

static CK_OBJECT_HANDLE
any_object(Fuzz *fuzz)
{
    guint byte = next(fuzz);

    if (byte < 128)
        return fuzz->objects[byte % G_N_ELEMENTS(fuzz->objects)];
    return byte < 192 ? fuzz->derived : byte;
}

/* A copy of its own of some of the input, of exactly its length. */
typedef struct {
    CK_BYTE *data;
    CK_ULONG len;
} Input;

static Input
any_input(Fuzz *fuzz)
{
    static const CK_ULONG lengths[] = {0, 1, 20, 32, 40, 48, 51, 64, 256};
    guint byte = next(fuzz);
    Input input = {NULL, lengths[byte % G_N_ELEMENTS(lengths)]};

    if (byte > 240)
        return input; /* NULL and a length */
    input.data = g_malloc0(MAX(input.len, 1));
    for (CK_ULONG i = 0; i < input.len && fuzz->left > 0; i++)
        input.data[i] = (CK_BYTE)next(fuzz);
    return input;
}

/* A buffer of exactly the length that is told, or NULL. */
typedef struct {
    CK_BYTE *data;
    CK_ULONG len;
    CK_ULONG *ret_len;
} Output;

static void
any_output(Fuzz *fuzz, Output *output)
{
    guint byte = next(fuzz);

    output->len = byte > 200 ? BUFFER_LEN : byte;
    output->data = byte % 5 == 0 ? NULL : g_malloc0(MAX(output->len, 1));
    output->ret_len = byte % 11 == 0 ? NULL : &output->len;
}

typedef struct {
    CK_MECHANISM mechanism;
    union {
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        CK_ECDH1_DERIVE_PARAMS ecdh;
    } parameter;
    Input first, second;
} Scheme;

static CK_MECHANISM *
any_mechanism(Fuzz *fuzz, Scheme *scheme)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_RSA_PKCS,      CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS_PSS,     CKM_SHA384_RSA_PKCS_PSS,
        CKM_RSA_PKCS_OAEP, CKM_ECDSA,           CKM_ECDSA_SHA512,     CKM_EDDSA,
        CKM_ECDH1_DERIVE,  CKM_AES_KEY_WRAP,    CKM_NSS_AES_KEY_WRAP, CKM_RSA_X_509,
    };
    guint byte = next(fuzz), shape = next(fuzz);

    *scheme = (Scheme){.mechanism = {types[byte % G_N_ELEMENTS(types)], NULL, 0}};
    if (byte > 250)
        return NULL;
    scheme->first = any_input(fuzz);
    scheme->second = any_input(fuzz);
    if (shape % 4 == 0)
        return &scheme->mechanism;
    if (shape % 4 == 1)
        scheme->parameter.pss = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, next(fuzz)};
    if (shape % 4 == 2)
        scheme->parameter.oaep = (CK_RSA_PKCS_OAEP_PARAMS){
            CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, scheme->first.data, scheme->first.len};
    if (shape % 4 == 3)
        scheme->parameter.ecdh =
            (CK_ECDH1_DERIVE_PARAMS){next(fuzz) % 10, scheme->first.len, scheme->first.data,
                                     scheme->second.len, scheme->second.data};
    scheme->mechanism.pParameter = &scheme->parameter;
    scheme->mechanism.ulParameterLen = shape % 4 == 1   ? sizeof scheme->parameter.pss
                                       : shape % 4 == 2 ? sizeof scheme->parameter.oaep
                                                        : sizeof scheme->parameter.ecdh;
    return &scheme->mechanism;
}

#define TEMPLATE_MAX 4

typedef struct {
    CK_ATTRIBUTE list[TEMPLATE_MAX];
    CK_ULONG count;
} Template;

static void
any_template(Fuzz *fuzz, Template *template)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,     CKA_KEY_TYPE, CKA_ID,    CKA_VALUE,
                                              CKA_VALUE_LEN, CKA_TOKEN,    CKA_LABEL, CKA_MODULUS};

    template->count = next(fuzz) % (TEMPLATE_MAX + 1);
    for (CK_ULONG i = 0; i < template->count; i++) {
        Input value = any_input(fuzz);

        template->list[i] =
            (CK_ATTRIBUTE){types[next(fuzz) % G_N_ELEMENTS(types)], value.data, value.len};
    }
}

static void
template_clear(Template *template)
{
    for (CK_ULONG i = 0; i < template->count; i++)
        g_free(template->list[i].pValue);
}

/* -- calls ---------------------------------------------------------------------------------------
 */

static void
call_slots(Fuzz *fuzz, guint what)
{
    CK_SLOT_ID slots[16], slot = next(fuzz) % 10;
    CK_ULONG count = next(fuzz) % 16;
    CK_MECHANISM_TYPE types[64];
    CK_MECHANISM_INFO mechanism;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;

    switch (what % 6) {
    case 0:
        (void)fuzz->calls->C_GetSlotList(what & 8, what & 16 ? NULL : slots, &count);
        break;
    case 1:
        (void)fuzz->calls->C_GetSlotInfo(slot, what & 8 ? NULL : &info);
        break;
    case 2:
        (void)fuzz->calls->C_GetTokenInfo(slot, what & 8 ? NULL : &token);
        break;
    case 3:
        (void)fuzz->calls->C_GetMechanismList(slot, what & 8 ? NULL : types, &count);
        break;
    case 4:
        (void)fuzz->calls->C_GetMechanismInfo(slot, count, &mechanism);
        break;
    default:
        (void)fuzz->calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, what & 8 ? NULL : &slot, NULL);
    }
}

static void
call_sessions(Fuzz *fuzz, guint what)
{
    CK_SESSION_HANDLE session = any_session(fuzz);
    CK_SESSION_INFO info;

    switch (what % 7) {
    case 0:
        (void)fuzz->calls->C_OpenSession(next(fuzz) % 9, CKF_SERIAL_SESSION, NULL, NULL,
                                         &fuzz->session);
        break;
    case 1:
        (void)fuzz->calls->C_CloseSession(session);
        break;
    case 2:
        (void)fuzz->calls->C_CloseAllSessions(next(fuzz) % 9);
        break;
    case 3:
        (void)fuzz->calls->C_GetSessionInfo(session, what & 8 ? NULL : &info);
        break;
    case 4:
        (void)fuzz->calls->C_Login(session, next(fuzz) % 4, NULL, 0);
        break;
    case 5:
        (void)fuzz->calls->C_Logout(session);
        break;
    default:
        (void)fuzz->appended->C_SessionCancel(session, next(fuzz) << 4);
    }
}

static void
call_objects(Fuzz *fuzz, guint what)
{
    CK_SESSION_HANDLE session = any_session(fuzz);
    CK_OBJECT_HANDLE object = any_object(fuzz);
    Template template = {0};
    CK_ULONG n = 0;

    any_template(fuzz, &template);
    switch (what % 7) {
    case 0:
        (void)fuzz->calls->C_FindObjectsInit(session, template.list, template.count);
        break;
    case 1:
        (void)fuzz->calls->C_FindObjects(session, fuzz->objects, G_N_ELEMENTS(fuzz->objects), &n);
        break;
    case 2:
        (void)fuzz->calls->C_FindObjectsFinal(session);
        break;
    case 3:
        (void)fuzz->calls->C_GetAttributeValue(session, object, template.list, template.count);
        break;
    case 4:
        (void)fuzz->calls->C_GetObjectSize(session, object, what & 8 ? NULL : &n);
        break;
    case 5:
        (void)fuzz->calls->C_DestroyObject(session, object);
        break;
    default:
        (void)fuzz->calls->C_SetAttributeValue(session, object, template.list, template.count);
    }
    template_clear(&template);
}

static void
call_uses(Fuzz *fuzz, guint what)
{
    CK_SESSION_HANDLE session = any_session(fuzz);
    CK_OBJECT_HANDLE object = any_object(fuzz), *ret = what & 64 ? NULL : &fuzz->derived;
    Input input = any_input(fuzz);
    Template template = {0};
    Scheme scheme = {0};
    Output output = {0};
    CK_MECHANISM *mechanism = any_mechanism(fuzz, &scheme);

    any_output(fuzz, &output);
    any_template(fuzz, &template);
    switch (what % 8) {
    case 0:
        (void)fuzz->calls->C_SignInit(session, mechanism, object);
        break;
    case 1:
        (void)fuzz->calls->C_Sign(session, input.data, input.len, output.data, output.ret_len);
        break;
    case 2:
        (void)fuzz->calls->C_SignUpdate(session, input.data, input.len);
        break;
    case 3:
        (void)fuzz->calls->C_SignFinal(session, output.data, output.ret_len);
        break;
    case 4:
        (void)fuzz->calls->C_DecryptInit(session, mechanism, object);
        break;
    case 5:
        (void)fuzz->calls->C_Decrypt(session, input.data, input.len, output.data, output.ret_len);
        break;
    case 6:
        (void)fuzz->calls->C_DeriveKey(session, mechanism, object, template.list, template.count,
                                       ret);
        break;
    default:
        (void)fuzz->calls->C_UnwrapKey(session, mechanism, object, input.data, input.len,
                                       template.list, template.count, ret);
    }
    template_clear(&template);
    g_free(output.data);
    g_free(input.data);
    g_free(scheme.first.data);
    g_free(scheme.second.data);
}

/* Those that look at nothing are called with nothing, and randomness. */
static void
call_rest(Fuzz *fuzz, guint what)
{
    CK_SESSION_HANDLE session = any_session(fuzz);
    CK_BYTE random[64];

    (void)fuzz->calls->C_InitToken(what, NULL, what, NULL);
    (void)fuzz->calls->C_CreateObject(session, NULL, what, NULL);
    (void)fuzz->calls->C_EncryptInit(session, NULL, what);
    (void)fuzz->calls->C_Digest(session, NULL, what, NULL, NULL);
    (void)fuzz->calls->C_VerifyFinal(session, NULL, what);
    (void)fuzz->calls->C_WrapKey(session, NULL, what, what, NULL, NULL);
    (void)fuzz->calls->C_GenerateRandom(session, what & 8 ? NULL : random, what % 65);
    (void)fuzz->appended->messages[what % 20]();
    if (what % 32 == 0) {
        (void)fuzz->calls->C_Finalize(NULL);
        (void)fuzz->calls->C_Initialize(NULL);
    }
}

/* -- promises
 * --------------------------------------------------------------------------------------- */

static void
check_signs(Fuzz *fuzz)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_BYTE id = 4;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {0}, signature[64];
    CK_ULONG len = sizeof signature, n = 0;
    CK_OBJECT_HANDLE key = 0;

    for (CK_SLOT_ID slot = 1; slot <= 8 && key == 0; slot++) {
        if (fuzz->calls->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &fuzz->session) !=
            CKR_OK)
            continue;
        g_assert_cmphex(fuzz->calls->C_FindObjectsInit(fuzz->session, template, 2), ==, CKR_OK);
        g_assert_cmphex(fuzz->calls->C_FindObjects(fuzz->session, &key, 1, &n), ==, CKR_OK);
    }
    g_assert_cmphex(fuzz->calls->C_SignInit(fuzz->session, &mechanism, key), ==, CKR_OK);
    g_assert_cmphex(fuzz->calls->C_Sign(fuzz->session, digest, 32, signature, &len), ==, CKR_OK);
}

/* A session with Alice's token and its first objects: where most calls have an effect. */
static void
begin(Fuzz *fuzz)
{
    CK_ULONG n = 0;

    for (CK_SLOT_ID slot = 1; slot <= 8 && n == 0; slot++) {
        if (fuzz->calls->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &fuzz->session) !=
            CKR_OK)
            continue;
        g_assert_cmphex(fuzz->calls->C_FindObjectsInit(fuzz->session, NULL, 0), ==, CKR_OK);
        g_assert_cmphex(fuzz->calls->C_FindObjects(fuzz->session, fuzz->objects,
                                                   G_N_ELEMENTS(fuzz->objects), &n),
                        ==, CKR_OK);
        g_assert_cmphex(fuzz->calls->C_FindObjectsFinal(fuzz->session), ==, CKR_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const groups[])(Fuzz * fuzz, guint what) = {
        call_slots, call_sessions, call_objects, call_uses, call_uses, call_rest};
    Fuzz fuzz = {.at = data, .left = size};
    SealInterface *interface = NULL;

    start_once();
    g_assert_cmphex(C_GetFunctionList(&fuzz.calls), ==, CKR_OK);
    g_assert_cmphex(C_GetInterface(NULL, NULL, &interface, 0), ==, CKR_OK);
    fuzz.appended = &((SealFunctionList3 *)interface->functions)->appended;
    g_assert_cmphex(fuzz.calls->C_Initialize(NULL), ==, CKR_OK);
    begin(&fuzz);
    while (fuzz.left > 0) {
        guint group = next(&fuzz);

        groups[group % G_N_ELEMENTS(groups)](&fuzz, next(&fuzz));
    }
    check_signs(&fuzz);
    g_assert_cmphex(fuzz.calls->C_Finalize(NULL), ==, CKR_OK);
    return 0;
}
