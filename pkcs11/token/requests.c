/* The book of requests. A request stays in it until it is answered, also when nobody waits for it
 * any more: the host works on it all the same, so it counts towards the window and its deadline
 * tells a hung host. */
#include "pkcs11/token/requests.h"

#include <string.h>

void
seal_requests_init(SealRequests *requests)
{
    requests->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_queue_init(&requests->waiting);
    requests->last_id = 0;
    requests->in_flight = 0;
}

void
seal_requests_clear(SealRequests *requests)
{
    g_assert(g_hash_table_size(requests->by_id) == 0);
    g_queue_clear(&requests->waiting);
    g_clear_pointer(&requests->by_id, g_hash_table_unref);
}

SealRequest *
seal_requests_add(SealRequests *requests, SealReplyFunc done, gpointer user_data)
{
    SealRequest *request = g_new0(SealRequest, 1);

    request->id = ++requests->last_id;
    request->header.request = request->id;
    request->deadline_us = -1;
    request->descriptor = -1;
    request->done = done;
    request->user_data = user_data;
    g_hash_table_insert(requests->by_id, &request->id, request);
    return request;
}

SealRequest *
seal_requests_find(const SealRequests *requests, guint64 id)
{
    return g_hash_table_lookup(requests->by_id, &id);
}

static void
drop_body(SealRequest *request)
{
    g_clear_pointer(&request->body, g_byte_array_unref);
    g_clear_pointer(&request->secret_body, seal_secret_free);
}

static gboolean
is_waiting(const SealRequest *request)
{
    return request->body || request->secret_body;
}

SealRequest *
seal_requests_take(SealRequests *requests, SealRequest *request)
{
    if (is_waiting(request))
        g_queue_remove(&requests->waiting, request);
    if (request->in_flight)
        requests->in_flight--;
    request->in_flight = FALSE;
    g_hash_table_remove(requests->by_id, &request->id);
    return request;
}

void
seal_request_free(SealRequest *request)
{
    if (!request)
        return;
    drop_body(request);
    seal_fd_clear(&request->descriptor);
    g_free(request->refusal);
    g_free(request);
}

void
seal_requests_wait(SealRequests *requests, SealRequest *request, const struct iovec *parts,
                   size_t n_parts, gboolean is_secret)
{
    if (is_secret)
        request->secret_body = seal_secret_new(SEAL_FRAME_MAX);
    else
        request->body = g_byte_array_new();
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].iov_len == 0)
            continue;
        if (is_secret)
            (void)seal_secret_append(request->secret_body, parts[i].iov_base, parts[i].iov_len);
        else
            g_byte_array_append(request->body, parts[i].iov_base, (guint)parts[i].iov_len);
    }
    g_queue_push_tail(&requests->waiting, request);
}

SealRequest *
seal_requests_first_waiting(const SealRequests *requests)
{
    return requests->waiting.head ? requests->waiting.head->data : NULL;
}

struct iovec
seal_request_body(const SealRequest *request)
{
    if (request->secret_body)
        return (struct iovec){seal_secret_data(request->secret_body),
                              seal_secret_len(request->secret_body)};
    return (struct iovec){request->body->data, request->body->len};
}

void
seal_requests_sent(SealRequests *requests, SealRequest *request)
{
    if (is_waiting(request))
        g_queue_remove(&requests->waiting, request);
    drop_body(request);
    seal_fd_clear(&request->descriptor);
    request->in_flight = TRUE;
    requests->in_flight++;
}

gint64
seal_requests_deadline(const SealRequests *requests)
{
    GHashTableIter iter;
    SealRequest *request = NULL;
    gint64 first = -1;

    g_hash_table_iter_init(&iter, requests->by_id);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&request))
        if (request->deadline_us >= 0 && (first < 0 || request->deadline_us < first))
            first = request->deadline_us;
    return first;
}

static gint
compare_ids(gconstpointer left, gconstpointer right)
{
    const SealRequest *a = *(const SealRequest *const *)left;
    const SealRequest *b = *(const SealRequest *const *)right;

    return (a->id > b->id) - (a->id < b->id);
}

GPtrArray *
seal_requests_overdue(const SealRequests *requests, gint64 now_us)
{
    GPtrArray *overdue = g_ptr_array_new();
    GHashTableIter iter;
    SealRequest *request = NULL;

    g_hash_table_iter_init(&iter, requests->by_id);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&request))
        if (now_us < 0 || (request->deadline_us >= 0 && request->deadline_us <= now_us))
            g_ptr_array_add(overdue, request);
    g_ptr_array_sort(overdue, compare_ids);
    return overdue;
}

gboolean
seal_requests_has_patient(const SealRequests *requests)
{
    GHashTableIter iter;
    SealRequest *request = NULL;

    g_hash_table_iter_init(&iter, requests->by_id);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&request))
        if (request->patient && request->in_flight)
            return TRUE;
    return FALSE;
}
