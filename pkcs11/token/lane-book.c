/* A word lies in a page that the host maps read-only and reads before each use; writing it takes a
 * lane back without asking the host, which may be hanging in the vendor's code. Records are read in
 * batches when the host rings, when a lane closes, and when the host has ended. They must be
 * without a gap: whoever uses a key must not choose what is told of it. */
#include "pkcs11/token/lane-book.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#define WORDS_LEN (SEAL_LANES_MAX * sizeof(uint32_t))
#define BATCH     64 /* twice as many as the host rings for: one call takes them all */

typedef struct {
    guint32 word;
    guint32 uses; /* told so far */
    SealLaneEnd end;
    GArray *waiters; /* of Waiter; NULL until it is awaited */
} Entry;

/* Who waits for the end of a lane. */
typedef struct {
    SealLaneEndedFunc done;
    gpointer user_data;
} Waiter;

struct SealLaneBook {
    int audit;
    const SealLaneBookEvents *events;
    gpointer user_data;
    SealFd fd;
    uint32_t *words;
    guint next_word;     /* where to look for a free one */
    GHashTable *entries; /* number -> Entry * (owned) */
    guint64 sequence;    /* of the last record */
    gboolean is_broken;
};

/* -- words ----------------------------------------------------------------------------------------
 */

/* Only the mapping that exists before the seal can be written through. */
static gboolean
make_words(SealLaneBook *book)
{
    void *memory = MAP_FAILED;

    book->fd = memfd_create("privyseal-lanes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (book->fd < 0 || ftruncate(book->fd, WORDS_LEN) < 0)
        return FALSE;
    memory = mmap(NULL, WORDS_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, book->fd, 0);
    if (memory == MAP_FAILED)
        return FALSE;
    book->words = memory;
    return fcntl(book->fd, F_ADD_SEALS,
                 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0;
}

static void
write_word(SealLaneBook *book, guint32 word, uint32_t value)
{
    __atomic_store_n(&book->words[word], value, __ATOMIC_SEQ_CST);
}

/* A free word holds 0, which is no lane's number. */
static gboolean
find_word(SealLaneBook *book, guint32 *ret_word)
{
    for (guint i = 0; i < SEAL_LANES_MAX; i++) {
        guint word = (book->next_word + i) % SEAL_LANES_MAX;

        if (book->words[word] != 0)
            continue;
        book->next_word = word + 1;
        *ret_word = word;
        return TRUE;
    }
    return FALSE;
}

/* -- lanes ----------------------------------------------------------------------------------------
 */

static Entry *
find(const SealLaneBook *book, guint32 lane)
{
    return g_hash_table_lookup(book->entries, GUINT_TO_POINTER(lane));
}

gboolean
seal_lane_book_open(SealLaneBook *book, guint32 lane, guint32 *ret_word)
{
    Entry *entry = NULL;
    guint32 word = 0;

    if (lane == 0 || lane >= SEAL_LANE_WORD_ENDED || find(book, lane) || !find_word(book, &word))
        return FALSE;
    entry = g_new0(Entry, 1);
    entry->word = word;
    g_hash_table_insert(book->entries, GUINT_TO_POINTER(lane), entry);
    write_word(book, word, lane);
    *ret_word = word;
    return TRUE;
}

gboolean
seal_lane_book_has(const SealLaneBook *book, guint32 lane)
{
    return find(book, lane) != NULL;
}

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_clear_pointer(&entry->waiters, g_array_unref);
    g_free(entry);
}

static void
end_entry(SealLaneBook *book, Entry *entry, SealLaneEnd why)
{
    if (entry->end != SEAL_LANE_OPEN)
        return;
    entry->end = why;
    write_word(book, entry->word, seal_lane_word(why));
}

gboolean
seal_lane_book_end(SealLaneBook *book, guint32 lane, SealLaneEnd why)
{
    Entry *entry = find(book, lane);

    if (entry)
        end_entry(book, entry, why);
    return entry != NULL;
}

void
seal_lane_book_end_all(SealLaneBook *book, SealLaneEnd why)
{
    GHashTableIter iter;
    Entry *entry = NULL;

    g_hash_table_iter_init(&iter, book->entries);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry))
        end_entry(book, entry, why);
}

gboolean
seal_lane_book_await(SealLaneBook *book, guint32 lane, SealLaneEndedFunc done, gpointer user_data)
{
    Entry *entry = find(book, lane);
    const Waiter waiter = {done, user_data};
    const gboolean is_first = !entry->waiters;

    if (is_first)
        entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    if (done)
        g_array_append_val(entry->waiters, waiter);
    return is_first;
}

static void
forget(SealLaneBook *book, guint32 lane, SealLaneEnd why)
{
    Entry *entry = find(book, lane);
    g_autoptr(GArray) waiters = g_steal_pointer(&entry->waiters);

    end_entry(book, entry, why);
    why = entry->end;
    write_word(book, entry->word, 0);
    g_hash_table_remove(book->entries, GUINT_TO_POINTER(lane));
    book->events->closed(lane, why, book->user_data);
    for (guint i = 0; waiters && i < waiters->len; i++) {
        const Waiter *waiter = &g_array_index(waiters, Waiter, i);

        waiter->done(waiter->user_data);
    }
}

gboolean
seal_lane_book_close(SealLaneBook *book, guint32 lane, SealLaneEnd why)
{
    gboolean good = seal_lane_book_drain(book);

    if (find(book, lane))
        forget(book, lane, why);
    return good;
}

void
seal_lane_book_close_all(SealLaneBook *book, SealLaneEnd why)
{
    g_autoptr(GList) lanes = g_hash_table_get_keys(book->entries);

    (void)seal_lane_book_drain(book);
    for (GList *at = lanes; at; at = at->next)
        forget(book, GPOINTER_TO_UINT(at->data), why);
}

/* -- records --------------------------------------------------------------------------------------
 */

/* FALSE for one that does not follow those before it. */
static gboolean
take_record(SealLaneBook *book, const SealLaneRecord *record)
{
    Entry *entry = find(book, record->lane);

    if (!entry || record->sequence != book->sequence + 1 || record->status > SEAL_ERROR_LAST)
        return FALSE;
    if (record->use == SEAL_LANE_USE_STARTS && record->lane_sequence == entry->uses + 1)
        entry->uses++;
    else if (record->use != SEAL_LANE_USE_FAILED || record->lane_sequence > entry->uses)
        return FALSE;
    book->sequence++;
    book->events->used(record, book->user_data);
    return TRUE;
}

/* The number of records that were good, -1 for nonsense. */
static int
take_records(SealLaneBook *book, const SealLaneRecord *records, const struct mmsghdr *messages,
             int n)
{
    for (int i = 0; i < n; i++) {
        if (messages[i].msg_len == 0)
            return i; /* the host closed it */
        if (messages[i].msg_len != sizeof records[i] ||
            messages[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
            !take_record(book, &records[i]))
            return -1;
    }
    return MAX(n, 0);
}

/* Up to BATCH records with one system call, and their lines in the audit with another. Their
 * number, 0 if there are none, -1 for nonsense. */
static int
take_batch(SealLaneBook *book)
{
    SealLaneRecord records[BATCH];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    int n = 0;

    memset(messages, 0, sizeof messages);
    for (guint i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){&records[i], sizeof records[i]};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(book->audit, messages, BATCH, MSG_DONTWAIT, NULL);
    seal_log_hold();
    n = take_records(book, records, messages, n);
    seal_log_release();
    return n;
}

gboolean
seal_lane_book_drain(SealLaneBook *book)
{
    int n = BATCH;

    while (n == BATCH && !book->is_broken) {
        n = take_batch(book);
        if (n < 0) {
            seal_log_warning("a host's records of lanes are not complete: it is given up");
            book->is_broken = TRUE;
        }
    }
    return !book->is_broken;
}

/* -- life -----------------------------------------------------------------------------------------
 */

SealLaneBook *
seal_lane_book_new(int audit, const SealLaneBookEvents *events, gpointer user_data)
{
    SealLaneBook *book = g_new0(SealLaneBook, 1);

    book->audit = audit;
    book->events = events;
    book->user_data = user_data;
    book->entries = g_hash_table_new_full(NULL, NULL, NULL, entry_free);
    if (make_words(book))
        return book;
    seal_log_warning("there are no lanes: no memory can be shared with a host: %s",
                     g_strerror(errno));
    seal_lane_book_free(book);
    return NULL;
}

void
seal_lane_book_free(SealLaneBook *book)
{
    if (!book)
        return;
    if (book->words)
        (void)munmap(book->words, WORDS_LEN);
    seal_fd_clear(&book->fd);
    g_hash_table_unref(book->entries);
    g_free(book);
}

int
seal_lane_book_words(const SealLaneBook *book)
{
    return book->fd;
}
