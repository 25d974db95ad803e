/* Secret bytes: one anonymous mapping each, with a guard page on both sides.
 *
 * A mapping of its own makes three promises simple: mlock2(MLOCK_ONFAULT) pins just the pages that
 * were touched, MADV_DONTDUMP and MADV_WIPEONFORK cover nothing else, and an overrun hits a guard
 * page.
 *
 * Making one costs six system calls and a page fault, half of what a client spends on opening a
 * session key. So a few of one page are kept, wiped and locked, for the next. They sit in atomic
 * slots: a lock might be held in the moment of a fork. In a forked child MADV_WIPEONFORK has taken
 * the mark from them, and with it the promise that they are locked: they are thrown away there. */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECRET_MAX (1024 * 1024)
#define SPARES     4
#define MARK       1 /* last byte of the page of a secret that can become a spare */

struct SealSecret {
    size_t len;
    size_t capacity;
    size_t mapped;       /* bytes of the whole mapping, guards included */
    unsigned char *data; /* first byte after the leading guard page */
    gboolean locked;
};

static SealSecret *spares[SPARES]; /* atomic; each NULL or owned */

static size_t
page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t
round_to_pages(size_t len)
{
    size_t page = page_size();

    return (len + page - 1) / page * page;
}

static void
unmap(SealSecret *secret)
{
    (void)munmap(secret->data - page_size(), secret->mapped);
    g_free(secret);
}

/* A page of which the last byte is not asked for: there is room for the mark. */
static gboolean
is_small(size_t capacity)
{
    return capacity < page_size();
}

static gboolean
is_marked(const SealSecret *secret)
{
    return secret->data[page_size() - 1] == MARK;
}

static SealSecret *
take_spare(void)
{
    for (guint i = 0; i < SPARES; i++) {
        SealSecret *secret = g_atomic_pointer_exchange(&spares[i], NULL);

        if (secret && is_marked(secret))
            return secret;
        if (secret)
            unmap(secret);
    }
    return NULL;
}

/* TRUE if it was kept. */
static gboolean
keep_spare(SealSecret *secret)
{
    if (!is_small(secret->capacity) || !secret->locked || !is_marked(secret))
        return FALSE;
    seal_wipe(secret->data, page_size() - 1); /* also what was written beyond the length */
    for (guint i = 0; i < SPARES; i++)
        if (g_atomic_pointer_compare_and_exchange(&spares[i], NULL, secret))
            return TRUE;
    return FALSE;
}

static SealSecret *
map_secret(size_t room)
{
    SealSecret *secret = NULL;
    size_t page = page_size();
    unsigned char *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED || mprotect(map + page, room, PROT_READ | PROT_WRITE) < 0)
        g_error("out of memory for a secret of %zu bytes", room);
    (void)madvise(map + page, room, MADV_DONTDUMP);
    (void)madvise(map + page, room, MADV_WIPEONFORK);

    secret = g_new0(SealSecret, 1);
    secret->mapped = room + 2 * page;
    secret->data = map + page;
    secret->locked = mlock2(secret->data, room, MLOCK_ONFAULT) == 0;
    return secret;
}

SealSecret *
seal_secret_new(size_t capacity)
{
    SealSecret *secret = NULL;
    size_t room = round_to_pages(MAX(capacity, 1));

    if (capacity > SECRET_MAX)
        g_error("a secret of %zu bytes was asked for, at most %d are allowed", capacity,
                SECRET_MAX);
    if (is_small(capacity))
        secret = take_spare();
    if (!secret) {
        secret = map_secret(room);
        if (is_small(capacity))
            secret->data[room - 1] = MARK;
    }
    secret->capacity = capacity;
    secret->len = 0;
    return secret;
}

SealSecret *
seal_secret_new_copy(const void *data, size_t len)
{
    SealSecret *secret = seal_secret_new(len);

    if (len > 0)
        memcpy(secret->data, data, len);
    secret->len = len;
    return secret;
}

void
seal_secret_free(SealSecret *secret)
{
    if (!secret || keep_spare(secret))
        return;
    seal_wipe(secret->data, secret->len);
    unmap(secret);
}

void
seal_secret_drop_spares(void)
{
    for (guint i = 0; i < SPARES; i++) {
        SealSecret *secret = g_atomic_pointer_exchange(&spares[i], NULL);

        if (secret)
            unmap(secret);
    }
}

unsigned char *
seal_secret_data(SealSecret *secret)
{
    return secret->data;
}

const unsigned char *
seal_secret_peek(const SealSecret *secret)
{
    return secret->data;
}

size_t
seal_secret_len(const SealSecret *secret)
{
    return secret->len;
}

size_t
seal_secret_capacity(const SealSecret *secret)
{
    return secret->capacity;
}

void
seal_secret_set_len(SealSecret *secret, size_t len)
{
    if (len > secret->capacity)
        g_error("a secret's length of %zu exceeds its capacity of %zu", len, secret->capacity);
    if (len < secret->len)
        seal_wipe(secret->data + len, secret->len - len);
    secret->len = len;
}

gboolean
seal_secret_append(SealSecret *secret, const void *data, size_t len)
{
    if (len > secret->capacity - secret->len)
        return FALSE;
    if (len > 0)
        memcpy(secret->data + secret->len, data, len);
    secret->len += len;
    return TRUE;
}

void
seal_secret_wipe(SealSecret *secret)
{
    seal_wipe(secret->data, secret->len);
    secret->len = 0;
}

gboolean
seal_secret_is_locked(const SealSecret *secret)
{
    return secret->locked;
}

gboolean
seal_secret_equal(const SealSecret *a, const SealSecret *b)
{
    unsigned char different = 0;

    if (a->len != b->len)
        return FALSE;
    for (size_t i = 0; i < a->len; i++)
        different |= a->data[i] ^ b->data[i];
    return different == 0;
}

void
seal_wipe(void *data, size_t len)
{
    if (len > 0)
        explicit_bzero(data, len);
}
