/* The module's beginning and end. No lock and no memory of one process is of use in its forked
 * child: another thread may have held it. So what a child finds is recognised by the pid in one
 * word that is read and swapped atomically, and left alone. (The child keeps the memory; the
 * connections close with its next exec, and the agent sees their end by the parent's shutdown.)
 * For the same reason a call uses nothing of the C library or GLib that has a lock of its own, if it
 * can: of the memory's and the loader's the C library itself takes care at a fork.
 *
 * `inside` counts the calls that are under way, so that C_Finalize frees nothing under their feet.
 */
#include "pkcs11/module/guest.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secret.h"
#include "pkcs11/module/company.h"

enum {
    PHASE_NONE,
    PHASE_STARTING,
    PHASE_RUNNING,
    PHASE_ENDING,
};

static guint64 word;       /* atomic: pid and phase */
static gint inside;        /* atomic */
static SealGuest *current; /* atomic; valid while the word says RUNNING or ENDING */

static guint64
word_of(guint phase)
{
    return (guint64)getpid() << 2 | phase;
}

static gboolean
swap_word(guint64 expected, guint64 wanted)
{
    return __atomic_compare_exchange_n(&word, &expected, wanted, FALSE, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static guint64
read_word(void)
{
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}

static gboolean
is_of_this_process(guint64 some_word)
{
    return some_word >> 2 == (guint64)getpid();
}

/* -- calls ----------------------------------------------------------------------------- */

SealGuest *
seal_guest_enter(void)
{
    guint64 running = word_of(PHASE_RUNNING);

    if (read_word() != running)
        return NULL;
    g_atomic_int_inc(&inside);
    if (read_word() == running)
        return g_atomic_pointer_get(&current);
    (void)g_atomic_int_dec_and_test(&inside);
    return NULL;
}

void
seal_guest_leave(SealGuest *guest)
{
    /* In a child that was forked inside of a call nobody counts any more. */
    if (guest && is_of_this_process(read_word()))
        (void)g_atomic_int_dec_and_test(&inside);
}

gboolean
seal_guest_is_ending(void)
{
    return read_word() != word_of(PHASE_RUNNING);
}

/* -- beginning and end ------------------------------------------------------------------- */

static CK_RV
init_locks(SealGuest *guest, const CK_C_INITIALIZE_ARGS *arguments)
{
    CK_RV rv = seal_lock_init(&guest->lock, arguments);

    if (rv != CKR_OK)
        return rv;
    rv = seal_lock_init(&guest->view_lock, arguments);
    if (rv == CKR_OK) {
        rv = seal_pool_init(&guest->pool, arguments);
        if (rv == CKR_OK)
            return CKR_OK;
        seal_lock_clear(&guest->view_lock);
    }
    seal_lock_clear(&guest->lock);
    return rv;
}

static void
guest_free(SealGuest *guest)
{
    seal_sessions_clear(&guest->sessions);
    seal_view_clear(&guest->view);
    seal_pool_clear(&guest->pool);
    seal_lock_clear(&guest->view_lock);
    seal_lock_clear(&guest->lock);
    seal_fd_clear(&guest->wake);
    g_free(guest);
    seal_secret_drop_spares();
}

static CK_RV
guest_new(const CK_C_INITIALIZE_ARGS *arguments, SealGuest **ret_guest)
{
    SealGuest *guest = g_new0(SealGuest, 1);
    CK_RV rv = init_locks(guest, arguments);

    (void)seal_error_quark(); /* its lock: here, not in a call under which somebody forks */
    if (rv != CKR_OK) {
        g_free(guest);
        return rv;
    }
    seal_sessions_init(&guest->sessions);
    guest->serves_libp11 = seal_company_has_libp11();
    guest->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!seal_view_init(&guest->view) || guest->wake < 0) {
        guest_free(guest);
        return CKR_GENERAL_ERROR;
    }
    *ret_guest = guest;
    return CKR_OK;
}

CK_RV
seal_guest_begin(const CK_C_INITIALIZE_ARGS *arguments)
{
    guint64 starting = word_of(PHASE_STARTING), before = 0;
    SealGuest *guest = NULL;
    CK_RV rv = CKR_OK;

    for (;;) {
        guint phase = PHASE_NONE;

        before = read_word();
        if (is_of_this_process(before))
            phase = before & 3;
        if (phase == PHASE_RUNNING)
            return CKR_CRYPTOKI_ALREADY_INITIALIZED;
        if (phase != PHASE_NONE)
            (void)sched_yield(); /* another thread begins or ends: a matter of moments */
        else if (swap_word(before, starting))
            break;
    }
    /* What a child finds are its parent's calls. In the process itself the count is right, even
     * while a call that came too late takes itself off it. */
    if (!is_of_this_process(before))
        g_atomic_int_set(&inside, 0);
    rv = guest_new(arguments, &guest);
    g_atomic_pointer_set(&current, guest);
    (void)swap_word(starting, word_of(rv == CKR_OK ? PHASE_RUNNING : PHASE_NONE));
    return rv;
}

CK_RV
seal_guest_end(void)
{
    SealGuest *guest = NULL;
    const guint64 one = 1;

    if (!swap_word(word_of(PHASE_RUNNING), word_of(PHASE_ENDING)))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    guest = g_atomic_pointer_get(&current);
    while (write(guest->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
    seal_client_interrupt(guest->view.client);
    seal_pool_interrupt(&guest->pool);
    while (g_atomic_int_get(&inside) > 0)
        (void)poll(NULL, 0, 1);
    g_atomic_pointer_set(&current, NULL);
    guest_free(guest);
    (void)swap_word(word_of(PHASE_ENDING), word_of(PHASE_NONE));
    return CKR_OK;
}

/* -- what calls need ----------------------------------------------------------------------- */

SealCatalogue *
seal_guest_catalogue(SealGuest *guest)
{
    g_autoptr(SealLocked) locked = seal_locked_new(&guest->view_lock);
    g_autoptr(SealCatalogue) catalogue = seal_view_get(&guest->view);

    return seal_guest_is_ending() ? NULL : g_steal_pointer(&catalogue);
}

SealClient *
seal_guest_take_client(SealGuest *guest, CK_RV *ret_rv)
{
    SealClient *client = seal_pool_take(&guest->pool);

    if (!client)
        *ret_rv = seal_guest_is_ending() ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_HOST_MEMORY;
    return client;
}

/* A session belongs to one insertion of its token, but libp11 has it for ever: it comes back with
 * the token, and libp11's program needs no restart. */
static CK_RV
check_token(SealGuest *guest, SealSession *session, const SealSlotView *slot)
{
    if (slot && slot->present && slot->insertion == session->insertion)
        return CKR_OK;
    if (!slot || !guest->serves_libp11) {
        seal_sessions_close(&guest->sessions, session);
        return CKR_DEVICE_REMOVED;
    }
    seal_session_end_operations(session);
    session->insertion = slot->insertion;
    return slot->present ? CKR_OK : CKR_DEVICE_REMOVED;
}

static CK_RV
find_session(SealGuest *guest, const SealCatalogue *catalogue, CK_SESSION_HANDLE handle,
             SealSession **ret_session)
{
    SealSession *session = seal_sessions_find(&guest->sessions, handle);
    CK_RV rv = CKR_SESSION_HANDLE_INVALID;

    if (session)
        rv = check_token(guest, session, seal_catalogue_slot(catalogue, session->slot));
    if (rv == CKR_OK)
        *ret_session = session;
    return rv;
}

SealSession *
seal_guest_open(SealGuest *guest, CK_SESSION_HANDLE handle, SealCatalogue **ret_catalogue,
                CK_RV *ret_rv)
{
    g_autoptr(SealCatalogue) catalogue = NULL;
    SealSession *session = NULL;

    *ret_rv = CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!guest)
        return NULL;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return NULL;
    seal_lock_take(&guest->lock);
    *ret_rv = find_session(guest, catalogue, handle, &session);
    if (!session)
        seal_lock_release(&guest->lock);
    if (ret_catalogue)
        *ret_catalogue = g_steal_pointer(&catalogue);
    return session;
}
