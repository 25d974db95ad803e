/* One lock makes looking at slots a single matter: events of a token never mix with those of its
 * successor, and nobody opens a session on a slot that is being given up. Locks are taken in the
 * order scan_lock, login_lock, and neither is held while a key is used. */
#include "pkcs11/host/scan.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/again.h"
#include "pkcs11/host/inventory.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/patience.h"
#include "pkcs11/host/readers.h"
#include "pkcs11/host/ykcs11.h"

/* Slots that a module may list at most. */
#define SLOTS_LISTED_MAX 4096u
/* A look at all slots, cards read: what the agent waits for one that it asked for. */
#define LOOK_US (30 * G_USEC_PER_SEC)

/* -- telling --------------------------------------------------------------------------------- */

static void
send_u32(SealHost *host, SealFrameType type, guint32 value, const guint32 *second)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    seal_put_u32(body, value);
    if (second)
        seal_put_u32(body, *second);
    seal_host_send_event(host, type, body);
}

typedef struct {
    SealFrameType type;
    GByteArray *body;
} Frame;

static void
frame_clear(Frame *frame)
{
    g_byte_array_unref(frame->body);
}

static void
add_frame(GArray *frames, SealFrameType type, GByteArray *body)
{
    Frame frame = {type, body};

    g_array_append_val(frames, frame);
}

static GArray *
describe(const SealInventory *inventory, guint32 token)
{
    GArray *frames = g_array_new(FALSE, FALSE, sizeof(Frame));

    g_array_set_clear_func(frames, (GDestroyNotify)frame_clear);
    for (guint i = 0; i < inventory->keys->len; i++) {
        GByteArray *body = g_byte_array_new();
        SealKeyInfo info;

        seal_host_key_describe(inventory->keys->pdata[i], &info);
        seal_key_info_encode(body, &info);
        add_frame(frames, SEAL_FRAME_KEY, body);
    }
    for (guint i = 0; i < inventory->certificates->len; i++) {
        GByteArray *body = g_byte_array_new();

        seal_certificate_info_encode(body, inventory->certificates->pdata[i]);
        add_frame(frames, SEAL_FRAME_CERTIFICATE, body);
    }
    for (guint i = 0; i < inventory->left_out->len; i++) {
        GByteArray *body = g_byte_array_new();

        seal_put_u32(body, token);
        seal_put_text(body, inventory->left_out->pdata[i]);
        add_frame(frames, SEAL_FRAME_LEFT_OUT, body);
    }
    return frames;
}

static void
hash_frames(const GArray *frames, guint8 hash[32])
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();

    (void)EVP_DigestInit_ex2(context, EVP_sha256(), NULL);
    for (guint i = 0; i < frames->len; i++) {
        const Frame *frame = &g_array_index(frames, Frame, i);

        (void)EVP_DigestUpdate(context, frame->body->data, frame->body->len);
    }
    (void)EVP_DigestFinal_ex(context, hash, NULL);
}

static void
tell_token(SealHost *host, SealSlot *slot, const GArray *frames)
{
    g_autoptr(GByteArray) token = g_byte_array_new();

    seal_token_info_encode(token, &slot->info);
    seal_host_send_event(host, SEAL_FRAME_TOKEN, token);
    for (guint i = 0; i < frames->len; i++) {
        const Frame *frame = &g_array_index(frames, Frame, i);

        seal_host_send_event(host, frame->type, frame->body);
    }
    send_u32(host, SEAL_FRAME_TOKEN_DONE, slot->info.reference, NULL);
}

void
seal_scan_tell_flags(SealHost *host, SealSlot *slot)
{
    if (seal_slot_refresh_flags(slot) && !slot->told_gone)
        send_u32(host, SEAL_FRAME_TOKEN_STATE, slot->info.reference, &slot->info.flags);
}

CK_RV
seal_scan_read(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session)
{
    CK_RV rv = CKR_OK;
    g_autoptr(SealInventory) inventory = seal_inventory_read(host->store, slot, session, &rv);
    g_autoptr(GArray) frames = NULL;
    guint8 hash[32];

    if (!inventory)
        return rv;
    if (seal_ykcs11_is(host->functions) && !seal_ykcs11_has_read(host->functions, session))
        return CKR_DEVICE_ERROR;
    seal_store_set_keys(host->store, slot, inventory->keys);
    frames = describe(inventory, slot->info.reference);
    hash_frames(frames, hash);
    if (memcmp(hash, slot->told_hash, sizeof hash) != 0 && !slot->told_gone) {
        memcpy(slot->told_hash, hash, sizeof hash);
        tell_token(host, slot, frames);
    }
    return CKR_OK;
}

/* -- looking --------------------------------------------------------------------------------- */

static CK_RV
read_slot(SealHost *host, SealSlot *slot)
{
    CK_SESSION_HANDLE session = 0;
    CK_RV rv = seal_slot_borrow_session(slot, &session);

    if (rv != CKR_OK)
        return rv;
    g_mutex_lock(&slot->login_lock);
    rv = seal_scan_read(host, slot, session);
    if (rv == CKR_OK)
        seal_scan_tell_flags(host, slot);
    g_mutex_unlock(&slot->login_lock);
    seal_slot_return_session(slot, session, TRUE);
    return rv;
}

void
seal_scan_tell_gone(SealHost *host, SealSlot *slot)
{
    g_mutex_lock(&slot->login_lock);
    if (!slot->told_gone)
        send_u32(host, SEAL_FRAME_TOKEN_GONE, slot->info.reference, NULL);
    slot->told_gone = TRUE;
    g_mutex_unlock(&slot->login_lock);
}

static void
forget(SealHost *host, SealSlot *slot)
{
    gboolean keeps_pin = seal_slot_is_logged_in(slot) && seal_ykcs11_is(host->functions);

    seal_store_remove_slot(host->store, slot);
    seal_scan_tell_gone(host, slot); /* before the module is asked again */
    seal_slot_mark_gone(slot);
    if (keeps_pin)
        seal_host_retire(host, "its module keeps the PIN of a token that was removed");
}

/* FALSE: there is a token that cannot be read. */
static gboolean
welcome(SealHost *host, CK_SLOT_ID id)
{
    CK_RV rv = CKR_OK;
    g_autofree char *reader = seal_slot_describe(host->functions, id);
    /* before the token is read: a card that comes meanwhile has another number */
    guint32 insertion = seal_readers_insertion(host->readers, reader);
    g_autoptr(SealSlot) slot = NULL;

    if (seal_readers_doubts(host->readers, reader, insertion))
        return TRUE;
    slot = seal_slot_new(host->functions, id, seal_store_next_reference(host->store), &rv);

    if (!slot) {
        if (rv != CKR_TOKEN_NOT_RECOGNIZED && !seal_rv_is_removal(rv))
            seal_log_warning("the token in slot %lu cannot be read (%s, 0x%lx)", id,
                             seal_rv_name(rv), rv);
        return rv == CKR_TOKEN_NOT_RECOGNIZED;
    }
    slot->reader = g_steal_pointer(&reader);
    slot->insertion = insertion;
    seal_store_add_slot(host->store, slot);
    rv = read_slot(host, slot);
    if (rv == CKR_OK)
        return TRUE;
    seal_log_warning("token '%s' cannot be read (%s, 0x%lx)", slot->info.label, seal_rv_name(rv),
                     rv);
    seal_slot_mark_gone(slot);
    seal_store_remove_slot(host->store, slot);
    return FALSE;
}

static gboolean
is_listed(const CK_SLOT_ID *slots, guint n, CK_SLOT_ID slot)
{
    for (guint i = 0; i < n; i++)
        if (slots[i] == slot)
            return TRUE;
    return FALSE;
}

/* The slots with a token, SEAL_SLOTS_MAX of them at most; FALSE if the module does not tell. The first call makes OpenSC look at its
 * readers; between the two a token may come, which the room to spare is for. */
static gboolean
list_slots(SealHost *host, CK_SLOT_ID slots[SEAL_SLOTS_MAX], guint *ret_count)
{
    g_autofree CK_SLOT_ID *all = NULL;
    CK_ULONG count = 0, room = 0;
    CK_RV rv = host->functions->C_GetSlotList(CK_TRUE, NULL, &count);

    if (rv == CKR_OK) {
        count = room = MIN(count, SLOTS_LISTED_MAX) + SEAL_SLOTS_MAX;
        all = g_new0(CK_SLOT_ID, room);
        rv = host->functions->C_GetSlotList(CK_TRUE, all, &count);
    }
    if (rv != CKR_OK || count > room) {
        seal_log_warning("the module cannot list its slots (%s, 0x%lx)", seal_rv_name(rv), rv);
        return 0;
    }
    if (count > SEAL_SLOTS_MAX)
        seal_log_warning("the module has %lu tokens, only %u are looked at", count, SEAL_SLOTS_MAX);
    *ret_count = 0;
    for (CK_ULONG i = 0; i < count && *ret_count < SEAL_SLOTS_MAX; i++)
        if (!is_listed(slots, *ret_count, all[i])) /* each token once */
            slots[(*ret_count)++] = all[i];
    return TRUE;
}

/* What became of a token that was known: returns TRUE if it is still there. */
static gboolean
visit(SealHost *host, SealSlot *slot, gboolean listed, gboolean again)
{
    gboolean stayed = seal_readers_insertion(host->readers, slot->reader) == slot->insertion;

    if (!listed || !stayed || !seal_slot_is_same(slot) ||
        (again && read_slot(host, slot) != CKR_OK)) {
        forget(host, slot);
        return FALSE;
    }
    return TRUE;
}

/* FALSE: something that is there cannot be read. */
static gboolean
scan_locked(SealHost *host, gboolean again)
{
    CK_SLOT_ID ids[SEAL_SLOTS_MAX] = {0};
    gboolean known[SEAL_SLOTS_MAX] = {FALSE};
    guint count = 0;
    gboolean good = list_slots(host, ids, &count);
    g_autoptr(GPtrArray) slots = seal_store_slots(host->store);

    for (guint i = 0; i < slots->len; i++) {
        SealSlot *slot = slots->pdata[i];
        guint at = 0;

        while (at < count && ids[at] != slot->id)
            at++;
        if (visit(host, slot, at < count, again) && at < count)
            known[at] = TRUE;
    }
    for (guint i = 0; i < count; i++)
        if (!known[i])
            good &= welcome(host, ids[i]);
    return good;
}

void
seal_scan(SealHost *host, gboolean again)
{
    gboolean good = FALSE;

    if (!host->functions)
        return;
    g_mutex_lock(&host->scan_lock);
    seal_patience_begin(host, LOOK_US);
    good = scan_locked(host, again);
    seal_again_plan(host, !good); /* asks the module, too */
    seal_patience_end();
    g_mutex_unlock(&host->scan_lock);
}

void
seal_scan_lost(SealHost *host, SealSlot *slot)
{
    gboolean is_news = FALSE;

    g_mutex_lock(&host->scan_lock);
    is_news = !seal_slot_is_gone(slot);
    if (is_news) { /* only who forgets it trusts the reader again */
        seal_readers_doubt(host->readers, slot->reader, slot->insertion);
        forget(host, slot);
    }
    g_mutex_unlock(&host->scan_lock);
    if (is_news) {
        /* until PC/SC has seen it, the module may show the token that went */
        (void)seal_readers_lost(host->readers, slot->reader, slot->insertion);
        seal_readers_trust(host->readers, slot->reader, slot->insertion);
        seal_scan(host, FALSE);
    }
}
