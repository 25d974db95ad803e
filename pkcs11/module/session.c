/* The table of sessions. A session is counted: a call that waits for the agent holds one, and finds
 * it marked as closed when another thread closed it meanwhile. */
#include "pkcs11/module/session.h"

#include "pkcs11/module/decryption.h"
#include "pkcs11/module/secret-key.h"
#include "pkcs11/module/signing.h"

/* Handles of session objects, apart from those of token objects. */
#define FIRST_SESSION_OBJECT 0x40000000ul

static void
clear_session(gpointer data)
{
    SealSession *session = data;

    if (session->found)
        g_array_unref(session->found);
    seal_signing_free(session->signing);
    seal_decryption_free(session->decryption);
    seal_refusal_clear(&session->refusal);
}

void
seal_session_end_operations(SealSession *session)
{
    g_clear_pointer(&session->found, g_array_unref);
    if (session->signing_phase == SEAL_PHASE_READY) {
        g_clear_pointer(&session->signing, seal_signing_free);
        session->signing_phase = SEAL_PHASE_NONE;
    }
    if (session->decryption_phase == SEAL_PHASE_READY) {
        g_clear_pointer(&session->decryption, seal_decryption_free);
        session->decryption_phase = SEAL_PHASE_NONE;
    }
}

SealSession *
seal_session_ref(SealSession *session)
{
    return g_atomic_rc_box_acquire(session);
}

void
seal_session_unref(SealSession *session)
{
    if (session)
        g_atomic_rc_box_release_full(session, clear_session);
}

static void
unref_session(gpointer data)
{
    SealSession *session = data;

    session->closed = TRUE;
    seal_session_unref(session);
}

void
seal_sessions_init(SealSessions *sessions)
{
    sessions->by_handle = g_hash_table_new_full(NULL, NULL, NULL, unref_session);
    sessions->objects =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)seal_secret_key_unref);
    sessions->logins = g_hash_table_new(NULL, NULL);
    sessions->last_object = FIRST_SESSION_OBJECT;
}

void
seal_sessions_clear(SealSessions *sessions)
{
    g_clear_pointer(&sessions->by_handle, g_hash_table_unref);
    g_clear_pointer(&sessions->objects, g_hash_table_unref);
    g_clear_pointer(&sessions->logins, g_hash_table_unref);
}

SealSession *
seal_sessions_open(SealSessions *sessions, CK_SLOT_ID slot, guint insertion, gboolean read_write)
{
    SealSession *session = NULL;

    if (g_hash_table_size(sessions->by_handle) >= SEAL_SESSIONS_MAX)
        return NULL;
    session = g_atomic_rc_box_new0(SealSession);
    session->handle = ++sessions->last_session;
    session->slot = slot;
    session->insertion = insertion;
    session->read_write = read_write;
    g_hash_table_insert(sessions->by_handle, GSIZE_TO_POINTER(session->handle), session);
    return session;
}

SealSession *
seal_sessions_find(SealSessions *sessions, CK_SESSION_HANDLE handle)
{
    return g_hash_table_lookup(sessions->by_handle, GSIZE_TO_POINTER(handle));
}

static gboolean
belongs_to(gpointer handle, gpointer object, gpointer session)
{
    return ((SealSecretKey *)object)->session == ((SealSession *)session)->handle;
}

static gboolean
has_sessions(const SealSessions *sessions, CK_SLOT_ID slot)
{
    GHashTableIter iter;
    SealSession *session = NULL;

    g_hash_table_iter_init(&iter, sessions->by_handle);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&session))
        if (session->slot == slot)
            return TRUE;
    return FALSE;
}

void
seal_sessions_close(SealSessions *sessions, SealSession *session)
{
    CK_SLOT_ID slot = session->slot;

    (void)g_hash_table_foreach_remove(sessions->objects, belongs_to, session);
    (void)g_hash_table_remove(sessions->by_handle, GSIZE_TO_POINTER(session->handle));
    /* PKCS#11 5.6: with a slot's last session ends its login */
    if (!has_sessions(sessions, slot))
        seal_session_set_login(sessions, slot, FALSE);
}

void
seal_sessions_close_slot(SealSessions *sessions, CK_SLOT_ID slot)
{
    g_autoptr(GList) all = g_hash_table_get_values(sessions->by_handle);

    for (GList *at = all; at; at = at->next)
        if (((SealSession *)at->data)->slot == slot)
            seal_sessions_close(sessions, at->data);
}

guint
seal_sessions_count(const SealSessions *sessions, CK_SLOT_ID slot, gboolean only_read_write)
{
    GHashTableIter iter;
    SealSession *session = NULL;
    guint count = 0;

    g_hash_table_iter_init(&iter, sessions->by_handle);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&session))
        count += session->slot == slot && (session->read_write || !only_read_write);
    return count;
}

gboolean
seal_session_is_logged_in(const SealSessions *sessions, CK_SLOT_ID slot)
{
    return g_hash_table_contains(sessions->logins, GSIZE_TO_POINTER(slot));
}

void
seal_session_set_login(SealSessions *sessions, CK_SLOT_ID slot, gboolean logged_in)
{
    if (logged_in)
        g_hash_table_add(sessions->logins, GSIZE_TO_POINTER(slot));
    else
        g_hash_table_remove(sessions->logins, GSIZE_TO_POINTER(slot));
}
