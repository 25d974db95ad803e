/* A PKCS#11 module with moods, for tests and benchmarks: SoftHSM underneath, and whatever a card, a
 * reader or an HSM may do to its user on top of it.
 *
 * Environment: PRIVYSEAL_MOODY names the control file, PRIVYSEAL_MOODY_MODULE the module underneath
 * (default: Debian's libsofthsm2.so, which reads SOFTHSM2_CONF as always). The control file is
 * looked at before each call, so a test changes the mood by renaming a new file over it. It is a
 * key file with one group, [mood]; what it does not name is off:
 *
 *   sleep-ms=2              C_Sign, C_Decrypt and C_DeriveKey sleep so long first (concurrently)
 *   instant=true            C_Sign answers with constant bytes: costs no processor time
 *   hang=PLACE;...          blocks for ever there: init, login, logout, sign, decrypt, derive, slots
 *   crash=PLACE;...         crashes there
 *   init-rv=0x30            what C_Initialize returns
 *   hold=PLACE;...          writes "Held" into the log and waits there (sign, decrypt, derive) until
 *                           the mood is another
 *   gate=FIFO               the same calls take a byte out of FIFO each, and wait for it
 *   starts=FILE             counts each start of C_Sign in FILE (starts.h), before anything else
 *   find-rv=0x30            what C_FindObjectsInit returns
 *   absent=true             no token is in any slot
 *   insertion=1             a number; changing it means the token was pulled and put back unnoticed
 *   events=true             C_WaitForSlotEvent works, blocking and not (else: not supported)
 *   removable=true          CKF_REMOVABLE_DEVICE
 *   pin-tries=FILE          a counter of 3 tries kept in FILE (a digit): the third wrong PIN says
 *                           PIN_INCORRECT, only the next PIN_LOCKED; flags are set after the second
 *   puk-tries=FILE          the same for the security officer's PIN
 *   must-change=true        CKF_USER_PIN_TO_BE_CHANGED
 *   login-rv=0xa3           what C_Login says of a right PIN of the user (which is logged in)
 *   set-pin-rv=0xa1         what C_SetPIN and C_InitPIN say, doing nothing
 *   protected-path=true     CKF_PROTECTED_AUTHENTICATION_PATH; a NULL PIN is taken from pad-pin=PIN,
 *                           a new one from pad-new-pin=PIN
 *   hide=pss;oaep;x509      mechanisms that the token lacks: pkcs, ecdsa, eddsa, ecdh and these
 *   always-authenticate=true  every private key wants a context login for each use
 *   unknown-type=LABEL      keys of that label are of a vendor's type
 *   garbage=LABEL           the certificate of that label is garbage
 *   wrong-signature=true    signatures come from another card
 *   leave-open=true         C_Decrypt fails with GENERAL_ERROR and forgets to end its operation
 *   session-limit=2         ulMaxSessionCount, enforced
 *   lie=KIND                what C_GetAttributeValue says of every attribute but the class of objects
 *                           with the label lie-label=LABEL: lie.c has the kinds
 *   token-lie=KIND          what C_GetTokenInfo says, likewise
 *   same-id=true            every object has the CKA_ID 01
 *   answer-len=N            C_Sign and C_Decrypt say that their answer has so many bytes
 *   answer-rv=0x30          ... return this, although they did it
 *   find-endless=true       C_FindObjects always finds one more
 *   find-beyond=true        ... says that it found more than there was room for
 *   slots-beyond=true       C_GetSlotList likewise; mechanisms-beyond=true C_GetMechanismList
 *   slots-twice=true        ... names each slot twice
 *   log=FILE                a line for most calls: name and result
 *
 * After a removal the first use of an old session says DEVICE_REMOVED, then all of them say
 * SESSION_HANDLE_INVALID for ever, as OpenSC does. */
#include <dlfcn.h>
#include <fcntl.h>
#include <glib.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/mock/mood.h"

#define PUBLIC __attribute__((visibility("default")))
#define TRIES  3

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST moody;

/* Under lock. */
static GMutex lock;
static GHashTable *sessions; /* handle -> insertion it was opened in */
static gboolean removal_told;
static guint insertion_seen;
static char *last_pin; /* of the last good C_Login: what a context login is compared with */
static gpointer found_last; /* CK_OBJECT_HANDLE; atomic */
static GHashTable *authenticated; /* handles of sessions after a context login */

/* -- what happens everywhere ---------------------------------------------------------------------
 */

static void
hang_or_crash(const Mood *mood, MoodyPlace place)
{
    if (mood->crash & place)
        (void)raise(SIGSEGV);
    while (mood->hang & place)
        (void)pause();
}

static CK_RV
told(const Mood *mood, const char *call, CK_RV rv)
{
    g_autofree char *line = NULL;
    int fd = -1;

    if (!mood->log)
        return rv;
    line = g_strdup_printf("%s 0x%lx\n", call, rv);
    fd = open(mood->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        g_error("moody: cannot write to %s", mood->log);
    (void)close(fd);
    return rv;
}

static void
sleep_us(guint us)
{
    struct timespec time = {us / 1000000, us % 1000000 * 1000};

    if (us > 0)
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static void
hold(const Mood *mood, MoodyPlace place)
{
    if (!(mood->hold & place))
        return;
    (void)told(mood, "Held", CKR_OK);
    while (moody_mood()->hold & place)
        sleep_us(1000);
}

/* Under lock: the module notices that the token was exchanged. */
static void
notice_insertion(const Mood *mood)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = G_N_ELEMENTS(slots);

    if (insertion_seen == mood->insertion)
        return;
    insertion_seen = mood->insertion;
    removal_told = FALSE;
    if (real->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK)
        for (CK_ULONG i = 0; i < count; i++)
            (void)real->C_CloseAllSessions(slots[i]);
}

/* CKR_OK if the session is one of the token that is there. */
static CK_RV
check_session(const Mood *mood, CK_SESSION_HANDLE session)
{
    CK_RV rv = CKR_OK;
    gpointer opened = NULL;

    g_mutex_lock(&lock);
    notice_insertion(mood);
    if (!g_hash_table_lookup_extended(sessions, GSIZE_TO_POINTER(session), NULL, &opened)) {
        rv = CKR_SESSION_HANDLE_INVALID;
    } else if (mood->absent || GPOINTER_TO_UINT(opened) != mood->insertion) {
        rv = removal_told ? CKR_SESSION_HANDLE_INVALID : CKR_DEVICE_REMOVED;
        removal_told = TRUE;
    }
    g_mutex_unlock(&lock);
    return rv;
}

/* -- slots and tokens ----------------------------------------------------------------------------
 */

static CK_RV
moody_initialize(void *arguments)
{
    const Mood *mood = moody_mood();

    hang_or_crash(mood, MOODY_INIT);
    if (mood->init_rv != CKR_OK)
        return told(mood, "C_Initialize", mood->init_rv);
    insertion_seen = mood->insertion;
    return told(mood, "C_Initialize", real->C_Initialize(arguments));
}

static CK_RV
moody_get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    const Mood *mood = moody_mood();
    CK_RV rv = CKR_OK;

    hang_or_crash(mood, MOODY_SLOTS);
    g_mutex_lock(&lock);
    notice_insertion(mood);
    g_mutex_unlock(&lock);
    if (mood->absent && present) {
        *count = 0;
        return told(mood, "C_GetSlotList", CKR_OK);
    }
    rv = real->C_GetSlotList(present, slots, count);
    moody_lie_of_slots(mood, slots, count);
    return told(mood, "C_GetSlotList", rv);
}

static CK_RV
moody_get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    const Mood *mood = moody_mood();
    CK_RV rv = real->C_GetSlotInfo(slot, info);

    if (rv != CKR_OK)
        return rv;
    if (mood->removable)
        info->flags |= CKF_REMOVABLE_DEVICE;
    if (mood->absent)
        info->flags &= ~CKF_TOKEN_PRESENT;
    return rv;
}

/* A counter in the file `path`; NULL: none, it is always full. */
static int
read_tries(const char *path)
{
    g_autofree char *text = NULL;

    if (!path || !g_file_get_contents(path, &text, NULL, NULL))
        return TRIES;
    return CLAMP(atoi(text), 0, TRIES);
}

static void
write_tries(const char *path, int tries)
{
    g_autofree char *text = g_strdup_printf("%d", tries);

    if (path && !g_file_set_contents(path, text, -1, NULL))
        g_error("moody: cannot write to %s", path);
}

static CK_FLAGS
tries_flags(int tries, CK_FLAGS low, CK_FLAGS final, CK_FLAGS locked)
{
    if (tries == 0)
        return locked;
    return tries == 1 ? low | final : 0;
}

static CK_RV
moody_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const Mood *mood = moody_mood();
    CK_RV rv = mood->absent ? CKR_TOKEN_NOT_PRESENT : real->C_GetTokenInfo(slot, info);

    if (rv != CKR_OK)
        return rv;
    if (mood->session_limit > 0)
        info->ulMaxSessionCount = info->ulMaxRwSessionCount = mood->session_limit;
    moody_lie_of_token(mood, info);
    if (mood->protected_path)
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (mood->must_change)
        info->flags |= CKF_USER_PIN_TO_BE_CHANGED;
    if (mood->pin_tries) {
        info->flags &= ~(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
        info->flags |= tries_flags(read_tries(mood->pin_tries), CKF_USER_PIN_COUNT_LOW,
                                   CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED);
    }
    if (mood->puk_tries) {
        info->flags &= ~(CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED);
        info->flags |= tries_flags(read_tries(mood->puk_tries), CKF_SO_PIN_COUNT_LOW,
                                   CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED);
    }
    return rv;
}

static CK_RV
moody_get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    const Mood *mood = moody_mood();
    CK_RV rv = real->C_GetMechanismList(slot, list, count);
    CK_ULONG kept = 0;

    if (rv != CKR_OK || !list)
        return rv;
    for (CK_ULONG i = 0; i < *count; i++)
        if (!moody_hides(mood, list[i]))
            list[kept++] = list[i];
    *count = kept + (mood->mechanisms_beyond ? 900 : 0);
    return rv;
}

static CK_RV
moody_get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    if (moody_hides(moody_mood(), type))
        return CKR_MECHANISM_INVALID;
    return real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV
moody_wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    const Mood *start = moody_mood(), *now = start;
    CK_ULONG count = 1;

    if (!start->events)
        return CKR_FUNCTION_NOT_SUPPORTED;
    if (flags & CKF_DONT_BLOCK)
        return CKR_NO_EVENT;
    while (now->absent == start->absent && now->insertion == start->insertion) {
        moody_wait_for_change();
        now = moody_mood();
    }
    (void)real->C_GetSlotList(CK_TRUE, slot, &count);
    return CKR_OK;
}

/* -- sessions ------------------------------------------------------------------------------------
 */

static CK_RV
moody_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *session)
{
    const Mood *mood = moody_mood();
    CK_RV rv = CKR_OK;

    g_mutex_lock(&lock);
    notice_insertion(mood);
    if (mood->session_limit > 0 && g_hash_table_size(sessions) >= mood->session_limit)
        rv = CKR_SESSION_COUNT;
    if (mood->absent)
        rv = CKR_TOKEN_NOT_PRESENT;
    if (rv == CKR_OK)
        rv = real->C_OpenSession(slot, flags, data, notify, session);
    if (rv == CKR_OK)
        g_hash_table_insert(sessions, GSIZE_TO_POINTER(*session),
                            GUINT_TO_POINTER(mood->insertion));
    g_mutex_unlock(&lock);
    return told(mood, "C_OpenSession", rv);
}

static CK_RV
moody_close_session(CK_SESSION_HANDLE session)
{
    g_mutex_lock(&lock);
    g_hash_table_remove(sessions, GSIZE_TO_POINTER(session));
    g_mutex_unlock(&lock);
    return real->C_CloseSession(session);
}

static CK_RV
moody_close_all_sessions(CK_SLOT_ID slot)
{
    GHashTableIter iter;
    gpointer key = NULL;

    g_mutex_lock(&lock);
    g_hash_table_iter_init(&iter, sessions);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        CK_SESSION_INFO info;

        if (real->C_GetSessionInfo(GPOINTER_TO_SIZE(key), &info) != CKR_OK || info.slotID == slot)
            g_hash_table_iter_remove(&iter);
    }
    g_mutex_unlock(&lock);
    return real->C_CloseAllSessions(slot);
}

static CK_RV
moody_get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    CK_RV rv = check_session(moody_mood(), session);

    return rv == CKR_OK ? real->C_GetSessionInfo(session, info) : rv;
}

/* -- PIN -----------------------------------------------------------------------------------------
 */

static CK_RV
context_login(CK_SESSION_HANDLE session, const CK_UTF8CHAR *pin, CK_ULONG len)
{
    CK_RV rv = CKR_PIN_INCORRECT;

    g_mutex_lock(&lock);
    if (last_pin && strlen(last_pin) == len && memcmp(last_pin, pin, len) == 0) {
        g_hash_table_add(authenticated, GSIZE_TO_POINTER(session));
        rv = CKR_OK;
    }
    g_mutex_unlock(&lock);
    return rv;
}

static CK_RV
submit_pin(const Mood *mood, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
           CK_ULONG len)
{
    CK_RV rv = CKR_OK;

    if (user == CKU_CONTEXT_SPECIFIC && mood->always_authenticate)
        return context_login(session, pin, len);
    rv = real->C_Login(session, user, pin, len);
    if (rv == CKR_OK && user == CKU_USER) {
        g_mutex_lock(&lock);
        g_free(last_pin);
        last_pin = g_strndup((const char *)pin, len);
        g_mutex_unlock(&lock);
    }
    return rv;
}

static CK_RV
moody_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);
    const char *counter = user == CKU_SO ? mood->puk_tries : mood->pin_tries;
    int tries = read_tries(counter);

    hang_or_crash(mood, MOODY_LOGIN);
    if (rv != CKR_OK)
        return told(mood, "C_Login", rv);
    if (counter && tries == 0)
        return told(mood, "C_Login", CKR_PIN_LOCKED);
    if (!pin && mood->protected_path) {
        pin = (CK_UTF8CHAR *)mood->pad_pin;
        len = pin ? strlen(mood->pad_pin) : 0;
    }
    rv = pin ? submit_pin(mood, session, user, pin, len) : CKR_FUNCTION_CANCELED;
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        tries = rv == CKR_OK ? TRIES : tries;
    else if (rv == CKR_PIN_INCORRECT)
        tries--;
    write_tries(counter, tries);
    if (rv == CKR_OK && user == CKU_USER && mood->login_rv != CKR_OK)
        rv = mood->login_rv;
    return told(mood, "C_Login", rv);
}

static CK_RV
moody_set_pin(CK_SESSION_HANDLE session, CK_UTF8CHAR *old, CK_ULONG old_len, CK_UTF8CHAR *fresh,
              CK_ULONG fresh_len)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);

    if (rv == CKR_OK)
        rv = mood->set_pin_rv;
    if (rv != CKR_OK)
        return told(mood, "C_SetPIN", rv);
    if (!old && mood->protected_path && mood->pad_pin && mood->pad_new_pin)
        rv = real->C_SetPIN(session, (CK_UTF8CHAR *)mood->pad_pin, strlen(mood->pad_pin),
                            (CK_UTF8CHAR *)mood->pad_new_pin, strlen(mood->pad_new_pin));
    else
        rv = real->C_SetPIN(session, old, old_len, fresh, fresh_len);
    return told(mood, "C_SetPIN", rv);
}

static CK_RV
moody_init_pin(CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG len)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);

    if (rv == CKR_OK)
        rv = mood->set_pin_rv != CKR_OK ? mood->set_pin_rv : real->C_InitPIN(session, pin, len);
    if (rv == CKR_OK)
        write_tries(mood->pin_tries, TRIES);
    return told(mood, "C_InitPIN", rv);
}

static CK_RV
moody_logout(CK_SESSION_HANDLE session)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);

    hang_or_crash(mood, MOODY_LOGOUT);
    return told(mood, "C_Logout", rv == CKR_OK ? real->C_Logout(session) : rv);
}

/* -- objects -------------------------------------------------------------------------------------
 */

static CK_RV
moody_get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);

    if (rv == CKR_OK && moody_lies(mood, real, session, object))
        return moody_lie(mood, attributes, count);
    if (rv == CKR_OK)
        rv = real->C_GetAttributeValue(session, object, attributes, count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        moody_distort(mood, real, session, object, &attributes[i]);
    return rv;
}

static CK_RV
moody_find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    const Mood *mood = moody_mood();
    CK_RV rv = mood->find_rv != CKR_OK ? mood->find_rv : check_session(mood, session);

    return rv == CKR_OK ? real->C_FindObjectsInit(session, attributes, count) : rv;
}

static CK_RV
moody_find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room,
                   CK_ULONG *count)
{
    const Mood *mood = moody_mood();
    CK_RV rv = real->C_FindObjects(session, objects, room, count);

    if (rv == CKR_OK && mood->find_endless) { /* the one that was found last, again and again */
        if (*count > 0)
            g_atomic_pointer_set(&found_last, GSIZE_TO_POINTER(objects[*count - 1]));
        while (*count < room)
            objects[(*count)++] = GPOINTER_TO_SIZE(g_atomic_pointer_get(&found_last));
    }
    if (rv == CKR_OK && mood->find_beyond)
        *count = room + 1;
    return rv;
}

/* -- keys
 * ------------------------------------------------------------------------------------------ */

static CK_RV
before_init(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism)
{
    const Mood *mood = moody_mood();
    CK_RV rv = check_session(mood, session);

    if (rv == CKR_OK && moody_hides(mood, mechanism->mechanism))
        rv = CKR_MECHANISM_INVALID;
    g_mutex_lock(&lock);
    g_hash_table_remove(authenticated, GSIZE_TO_POINTER(session));
    g_mutex_unlock(&lock);
    return rv;
}

/* A key that wants a login each time and did not get it: the card logs out, too. */
static CK_RV
check_authenticated(const Mood *mood, CK_SESSION_HANDLE session)
{
    gboolean is = FALSE;

    if (!mood->always_authenticate)
        return CKR_OK;
    g_mutex_lock(&lock);
    is = g_hash_table_remove(authenticated, GSIZE_TO_POINTER(session));
    g_mutex_unlock(&lock);
    if (is)
        return CKR_OK;
    (void)real->C_Logout(session);
    return CKR_USER_NOT_LOGGED_IN;
}

static CK_RV
before_use(const Mood *mood, CK_SESSION_HANDLE session, MoodyPlace place)
{
    CK_RV rv = check_session(mood, session);

    hang_or_crash(mood, place);
    if (rv == CKR_OK)
        rv = check_authenticated(mood, session);
    if (rv == CKR_OK)
        hold(mood, place);
    if (rv == CKR_OK)
        moody_pass_gate(mood);
    if (rv == CKR_OK)
        sleep_us(mood->sleep_us);
    return rv;
}

static CK_RV
moody_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = before_init(session, mechanism);

    if (rv != CKR_OK || moody_mood()->instant)
        return rv;
    return real->C_SignInit(session, mechanism, key);
}

static CK_RV
moody_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
           CK_ULONG *signature_len)
{
    const Mood *mood = moody_mood();
    CK_RV rv = CKR_OK;

    moody_note_start(mood, data_len > 0 ? data[0] : 0);
    rv = before_use(mood, session, MOODY_SIGN);

    if (rv == CKR_OK && mood->instant) {
        /* Callers choose the length they take for right: 64 bytes for P-256 and Ed25519. */
        *signature_len = MIN(*signature_len, 64);
        memset(signature, 0x5a, *signature_len);
        return told(mood, "C_Sign", rv);
    }
    if (rv == CKR_OK)
        rv = real->C_Sign(session, data, data_len, signature, signature_len);
    if (rv == CKR_OK && signature && mood->wrong_signature)
        signature[*signature_len / 2] ^= 1;
    if (rv == CKR_OK && mood->answer_len)
        *signature_len = mood->answer_len;
    return told(mood, "C_Sign", mood->answer_rv != CKR_OK ? mood->answer_rv : rv);
}

static CK_RV
moody_decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = before_init(session, mechanism);

    return rv == CKR_OK ? real->C_DecryptInit(session, mechanism, key) : rv;
}

static CK_RV
moody_decrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *result,
              CK_ULONG *result_len)
{
    const Mood *mood = moody_mood();
    CK_RV rv = before_use(mood, session, MOODY_DECRYPT);

    if (rv == CKR_OK && mood->leave_open)
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        rv = real->C_Decrypt(session, data, data_len, result, result_len);
    if (rv == CKR_OK && mood->answer_len)
        *result_len = mood->answer_len;
    return told(mood, "C_Decrypt", mood->answer_rv != CKR_OK ? mood->answer_rv : rv);
}

static CK_RV
moody_derive_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                 CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *derived)
{
    const Mood *mood = moody_mood();
    CK_RV rv = moody_hides(mood, mechanism->mechanism) ? CKR_MECHANISM_INVALID
                                                     : before_use(mood, session, MOODY_DERIVE);

    if (rv == CKR_OK)
        rv = real->C_DeriveKey(session, mechanism, key, attributes, count, derived);
    return told(mood, "C_DeriveKey", rv);
}

/* -- the module ----------------------------------------------------------------------------------
 */

static CK_RV
load(void)
{
    const char *path = g_getenv("PRIVYSEAL_MOODY_MODULE");
    void *library = dlopen(path ? path : "/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;

    if (library)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get || get(&real) != CKR_OK)
        return CKR_LIBRARY_LOAD_FAILED;
    sessions = g_hash_table_new(NULL, NULL);
    authenticated = g_hash_table_new(NULL, NULL);
    moody = *real;
    moody.C_Initialize = moody_initialize;
    moody.C_GetSlotList = moody_get_slot_list;
    moody.C_GetSlotInfo = moody_get_slot_info;
    moody.C_GetTokenInfo = moody_get_token_info;
    moody.C_GetMechanismList = moody_get_mechanism_list;
    moody.C_GetMechanismInfo = moody_get_mechanism_info;
    moody.C_WaitForSlotEvent = moody_wait_for_slot_event;
    moody.C_OpenSession = moody_open_session;
    moody.C_CloseSession = moody_close_session;
    moody.C_CloseAllSessions = moody_close_all_sessions;
    moody.C_GetSessionInfo = moody_get_session_info;
    moody.C_Login = moody_login;
    moody.C_Logout = moody_logout;
    moody.C_SetPIN = moody_set_pin;
    moody.C_InitPIN = moody_init_pin;
    moody.C_GetAttributeValue = moody_get_attribute_value;
    moody.C_FindObjectsInit = moody_find_objects_init;
    moody.C_FindObjects = moody_find_objects;
    moody.C_SignInit = moody_sign_init;
    moody.C_Sign = moody_sign;
    moody.C_DecryptInit = moody_decrypt_init;
    moody.C_Decrypt = moody_decrypt;
    moody.C_DeriveKey = moody_derive_key;
    return CKR_OK;
}

PUBLIC CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    static gsize loaded;
    static CK_RV rv;

    if (g_once_init_enter(&loaded)) {
        rv = load();
        moody.C_GetFunctionList = C_GetFunctionList;
        g_once_init_leave(&loaded, 1);
    }
    *list = &moody;
    return rv;
}
