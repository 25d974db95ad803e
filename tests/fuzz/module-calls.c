/* The calls of fuzz-module.c: one function for each function of PKCS#11, or for a few alike. An
 * argument that is read from the input has a line of its own, since C does not say in which order
 * the arguments of a call are looked at. */
#include "tests/fuzz/module-calls.h"

#include "tests/fuzz/module-scene.h"

/* -- slots and tokens ----------------------------------------------------------------- */

static void
call_slot_list(Fuzz *fuzz)
{
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, sizeof(CK_SLOT_ID), &room);
    (void)fuzz->calls->C_GetSlotList(fuzz_next(fuzz) & 1, room.data, room.ret_len);
}

static void
call_slot_info(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    CK_SLOT_INFO info;

    (void)fuzz->calls->C_GetSlotInfo(slot, fuzz_maybe(fuzz, &info));
}

static void
call_token_info(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    CK_TOKEN_INFO info;

    (void)fuzz->calls->C_GetTokenInfo(slot, fuzz_maybe(fuzz, &info));
}

static void
call_mechanism_list(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, sizeof(CK_MECHANISM_TYPE), &room);
    (void)fuzz->calls->C_GetMechanismList(slot, room.data, room.ret_len);
}

static void
call_mechanism_info(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    g_auto(FuzzScheme) scheme = {0};
    CK_MECHANISM_INFO info;

    fuzz_scheme(fuzz, &scheme);
    (void)fuzz->calls->C_GetMechanismInfo(slot, scheme.mechanism.mechanism,
                                          fuzz_maybe(fuzz, &info));
}

static void
call_wait_for_slot_event(Fuzz *fuzz)
{
    CK_SLOT_ID slot = 0;
    gboolean is_reserved_set = fuzz_next(fuzz) >= 240;

    (void)fuzz->calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, fuzz_maybe(fuzz, &slot),
                                          is_reserved_set ? &slot : NULL);
}

/* -- sessions ------------------------------------------------------------------------- */

static void
call_open_session(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    CK_FLAGS flags = fuzz_next(fuzz) ^ CKF_SERIAL_SESSION;

    (void)fuzz->calls->C_OpenSession(slot, flags, NULL, NULL, fuzz_maybe(fuzz, &fuzz->session));
}

static void
call_close_session(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);

    (void)fuzz->calls->C_CloseSession(session);
}

static void
call_close_all_sessions(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);

    (void)fuzz->calls->C_CloseAllSessions(slot);
}

static void
call_session_info(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_SESSION_INFO info;

    (void)fuzz->calls->C_GetSessionInfo(session, fuzz_maybe(fuzz, &info));
}

static void
call_login(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) pin = fuzz_bytes(fuzz);
    guint user = fuzz_next(fuzz) % 4;

    (void)fuzz->calls->C_Login(session, user, pin.data, pin.len);
    (void)fuzz->appended->C_LoginUser(session, user, pin.data, pin.len, pin.data, pin.len);
}

static void
call_logout(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);

    (void)fuzz->calls->C_Logout(session);
}

static void
call_session_cancel(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);

    (void)fuzz->appended->C_SessionCancel(session, fuzz_next(fuzz) << 4);
}

/* -- objects -------------------------------------------------------------------------- */

static void
call_find_objects_init(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzTemplate) template = {0};

    fuzz_template(fuzz, &template);
    (void)fuzz->calls->C_FindObjectsInit(session, template.choice, template.count);
}

static void
call_find_objects(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, sizeof(CK_OBJECT_HANDLE), &room);
    (void)fuzz->calls->C_FindObjects(session, room.data, room.len, room.ret_len);
}

static void
call_find_objects_final(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);

    (void)fuzz->calls->C_FindObjectsFinal(session);
}

static void
call_get_attribute_value(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzTemplate) template = {0};

    fuzz_template(fuzz, &template);
    (void)fuzz->calls->C_GetAttributeValue(session, object, template.choice, template.count);
}

static void
call_set_attribute_value(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzTemplate) template = {0};

    fuzz_template(fuzz, &template);
    (void)fuzz->calls->C_SetAttributeValue(session, object, template.choice, template.count);
}

static void
call_get_object_size(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    CK_ULONG size = 0;

    (void)fuzz->calls->C_GetObjectSize(session, object, fuzz_maybe(fuzz, &size));
}

static void
call_destroy_object(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);

    (void)fuzz->calls->C_DestroyObject(session, object);
}

/* -- signing -------------------------------------------------------------------------- */

static void
call_sign_init(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzScheme) scheme = {0};

    fuzz_scheme(fuzz, &scheme);
    (void)fuzz->calls->C_SignInit(session, scheme.choice, object);
}

static void
call_sign(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) data = fuzz_bytes(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, 1, &room);
    (void)fuzz->calls->C_Sign(session, data.data, data.len, room.data, room.ret_len);
}

static void
call_sign_update(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) data = fuzz_bytes(fuzz);

    (void)fuzz->calls->C_SignUpdate(session, data.data, data.len);
}

static void
call_sign_final(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, 1, &room);
    (void)fuzz->calls->C_SignFinal(session, room.data, room.ret_len);
}

/* -- decrypting ----------------------------------------------------------------------- */

static void
call_decrypt_init(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzScheme) scheme = {0};

    fuzz_scheme(fuzz, &scheme);
    (void)fuzz->calls->C_DecryptInit(session, scheme.choice, object);
}

static void
call_decrypt(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) data = fuzz_bytes(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, 1, &room);
    (void)fuzz->calls->C_Decrypt(session, data.data, data.len, room.data, room.ret_len);
}

static void
call_derive_key(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzScheme) scheme = {0};
    g_auto(FuzzTemplate) template = {0};

    fuzz_scheme(fuzz, &scheme);
    fuzz_template(fuzz, &template);
    (void)fuzz->calls->C_DeriveKey(session, scheme.choice, object, template.choice, template.count,
                                   fuzz_maybe(fuzz, &fuzz->derived));
}

static void
call_unwrap_key(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    CK_OBJECT_HANDLE object = fuzz_object(fuzz);
    g_auto(FuzzScheme) scheme = {0};
    g_auto(FuzzBytes) wrapped = {0};
    g_auto(FuzzTemplate) template = {0};

    fuzz_scheme(fuzz, &scheme);
    wrapped = fuzz_bytes(fuzz);
    fuzz_template(fuzz, &template);
    (void)fuzz->calls->C_UnwrapKey(session, scheme.choice, object, wrapped.data, wrapped.len,
                                   template.choice, template.count,
                                   fuzz_maybe(fuzz, &fuzz->derived));
}

/* -- what is not served --------------------------------------------------------------- */

static void
expect_unserved(CK_RV rv)
{
    g_assert_true(rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* They look at nothing, and get anything. */
static void
call_unserved_of_tokens(Fuzz *fuzz)
{
    CK_SLOT_ID slot = fuzz_slot(fuzz);
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) in = fuzz_bytes(fuzz);
    g_auto(FuzzTemplate) template = {0};
    CK_OBJECT_HANDLE *ret = fuzz_maybe(fuzz, &fuzz->derived);
    CK_FUNCTION_LIST *calls = fuzz->calls;

    fuzz_template(fuzz, &template);
    expect_unserved(calls->C_InitToken(slot, in.data, in.len, in.data));
    expect_unserved(calls->C_InitPIN(session, in.data, in.len));
    expect_unserved(calls->C_SetPIN(session, in.data, in.len, in.data, in.len));
    expect_unserved(calls->C_GetOperationState(session, in.data, NULL));
    expect_unserved(calls->C_SetOperationState(session, in.data, in.len, 0, 0));
    expect_unserved(calls->C_CreateObject(session, template.choice, template.count, ret));
    expect_unserved(calls->C_CopyObject(session, 1, template.choice, template.count, ret));
    expect_unserved(calls->C_GenerateKey(session, NULL, template.choice, template.count, ret));
    expect_unserved(calls->C_GenerateKeyPair(session, NULL, template.choice, template.count,
                                             template.choice, template.count, ret, ret));
    expect_unserved(calls->C_WrapKey(session, NULL, 1, 1, in.data, NULL));
    (void)calls->C_SeedRandom(session, in.data, in.len);
    (void)calls->C_GetFunctionStatus(session);
    (void)calls->C_CancelFunction(session);
}

static void
call_unserved_of_data(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzBytes) in = fuzz_bytes(fuzz);
    g_auto(FuzzRoom) out = {0};
    CK_FUNCTION_LIST *calls = fuzz->calls;
    CK_BYTE *room = NULL;

    fuzz_room(fuzz, 1, &out);
    room = out.data;
    expect_unserved(calls->C_EncryptInit(session, NULL, 1));
    expect_unserved(calls->C_Encrypt(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_EncryptUpdate(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_EncryptFinal(session, room, out.ret_len));
    expect_unserved(calls->C_DecryptUpdate(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_DecryptFinal(session, room, out.ret_len));
    expect_unserved(calls->C_DigestInit(session, NULL));
    expect_unserved(calls->C_Digest(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_DigestUpdate(session, in.data, in.len));
    expect_unserved(calls->C_DigestKey(session, 1));
    expect_unserved(calls->C_DigestFinal(session, room, out.ret_len));
    expect_unserved(calls->C_SignRecoverInit(session, NULL, 1));
    expect_unserved(calls->C_SignRecover(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_VerifyInit(session, NULL, 1));
    expect_unserved(calls->C_Verify(session, in.data, in.len, in.data, in.len));
    expect_unserved(calls->C_VerifyUpdate(session, in.data, in.len));
    expect_unserved(calls->C_VerifyFinal(session, in.data, in.len));
    expect_unserved(calls->C_VerifyRecoverInit(session, NULL, 1));
    expect_unserved(calls->C_VerifyRecover(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_DigestEncryptUpdate(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_DecryptDigestUpdate(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_SignEncryptUpdate(session, in.data, in.len, room, out.ret_len));
    expect_unserved(calls->C_DecryptVerifyUpdate(session, in.data, in.len, room, out.ret_len));
    for (gsize i = 0; i < G_N_ELEMENTS(fuzz->appended->messages); i++)
        expect_unserved(fuzz->appended->messages[i]());
}

/* -- the module itself ---------------------------------------------------------------- */

static void
call_info(Fuzz *fuzz)
{
    g_auto(FuzzRoom) room = {0};
    CK_VERSION version = {(CK_BYTE)(fuzz_next(fuzz) % 4), 40};
    CK_VERSION *wanted = fuzz_maybe(fuzz, &version);
    CK_UTF8CHAR *name = fuzz_maybe(fuzz, (char *)"PKCS 11");
    CK_FLAGS flags = fuzz_next(fuzz) % 3;
    SealInterface *interface = NULL;
    CK_INFO info;

    fuzz_room(fuzz, sizeof(SealInterface), &room);
    (void)fuzz->calls->C_GetInfo(fuzz_maybe(fuzz, &info));
    (void)fuzz->appended->C_GetInterfaceList(room.data, room.ret_len);
    (void)fuzz->appended->C_GetInterface(name, wanted, fuzz_maybe(fuzz, &interface), flags);
}

static void
call_generate_random(Fuzz *fuzz)
{
    CK_SESSION_HANDLE session = fuzz_session(fuzz);
    g_auto(FuzzRoom) room = {0};

    fuzz_room(fuzz, 1, &room);
    (void)fuzz->calls->C_GenerateRandom(session, room.data, room.len);
}

/* A program's own locks. One thread never waits for one. */
static CK_RV
create_mutex(void **ret_mutex)
{
    *ret_mutex = g_new0(char, 1);
    return CKR_OK;
}

static CK_RV
destroy_mutex(void *mutex)
{
    g_free(mutex);
    return CKR_OK;
}

static CK_RV
use_mutex(void *mutex)
{
    char *locked = mutex;

    *locked ^= 1;
    return CKR_OK;
}

static void
call_initialize(Fuzz *fuzz)
{
    guint byte = fuzz_next(fuzz);
    CK_C_INITIALIZE_ARGS arguments = {.flags = byte & CKF_OS_LOCKING_OK};

    if (byte & 4)
        arguments = (CK_C_INITIALIZE_ARGS){create_mutex, destroy_mutex,   use_mutex,
                                           use_mutex,    arguments.flags, NULL};
    if (byte & 8)
        arguments.LockMutex = NULL;
    if (byte & 16)
        arguments.pReserved = &arguments;
    if (byte & 32)
        (void)fuzz->calls->C_Finalize(byte & 64 ? &arguments : NULL);
    (void)fuzz->calls->C_Initialize(fuzz_maybe(fuzz, &arguments));
}

static void
lose_agent(Fuzz *fuzz)
{
    module_scene_lose_agent();
    fuzz->is_lost = TRUE;
}

/* -- all of them ---------------------------------------------------------------------------- */

/* The order is that of the seeds. */
static void (*const calls[])(Fuzz *fuzz) = {
    call_slot_list,
    call_slot_info,
    call_token_info,
    call_mechanism_list,
    call_mechanism_info,
    call_wait_for_slot_event,
    call_open_session,
    call_close_session,
    call_close_all_sessions,
    call_session_info,
    call_login,
    call_logout,
    call_session_cancel,
    call_find_objects_init,
    call_find_objects,
    call_find_objects_final,
    call_get_attribute_value,
    call_set_attribute_value,
    call_get_object_size,
    call_destroy_object,
    call_sign_init,
    call_sign,
    call_sign_update,
    call_sign_final,
    call_decrypt_init,
    call_decrypt,
    call_derive_key,
    call_unwrap_key,
    call_unserved_of_tokens,
    call_unserved_of_data,
    call_info,
    call_generate_random,
    call_initialize,
    lose_agent,
};

void
module_call_next(Fuzz *fuzz)
{
    calls[fuzz_next(fuzz) % G_N_ELEMENTS(calls)](fuzz);
}
