/* Slots are places for tokens. A token's place follows from its id, so that it has the same slot id
 * in each program and after each restart as long as no other token wants the same place; it keeps
 * its place for the program's life. More tokens than places make more places. */
#include "pkcs11/module/view.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pkcs11/module/guest.h"

/* After a failure to reach the agent: programs ask hundreds of times, and a hanging bus takes its
 * time. */
#define RETRY_MIN_US G_USEC_PER_SEC
/* The agent answers from its memory, but after its start it waits 10 s for its tokens. */
#define LIST_TIMEOUT_MS 30000u

typedef struct {
    char *path; /* (nullable) */
    gboolean present;
    gboolean changed; /* an event that was not taken yet */
    guint insertion;
} SealPlace;

static void
place_free(gpointer data)
{
    SealPlace *place = data;

    g_free(place->path);
    g_free(place);
}

static void
add_place(SealView *view)
{
    g_ptr_array_add(view->places, g_new0(SealPlace, 1));
}

static SealSlotView *
look_at(const SealPlace *place, guint index)
{
    SealSlotView *slot = g_new0(SealSlotView, 1);

    slot->id = index + 1;
    slot->path = g_strdup(place->path);
    slot->present = place->present;
    slot->insertion = place->insertion;
    return slot;
}

static GPtrArray *
look_at_all(const SealView *view)
{
    GPtrArray *slots = g_ptr_array_new_with_free_func((GDestroyNotify)seal_slot_view_free);

    for (guint i = 0; i < view->places->len; i++)
        g_ptr_array_add(slots, look_at(view->places->pdata[i], i));
    return slots;
}

gboolean
seal_view_init(SealView *view)
{
    view->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    view->client = seal_client_new_unconnected(NULL);
    if (view->news < 0 || !view->client)
        return FALSE;
    seal_client_follow(view->client);
    seal_client_set_timeout(view->client, LIST_TIMEOUT_MS);
    view->handles.handles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    view->places = g_ptr_array_new_with_free_func(place_free);
    while (view->places->len < SEAL_SLOTS_MIN)
        add_place(view);
    view->now = seal_catalogue_new(look_at_all(view), NULL, &view->handles);
    return TRUE;
}

void
seal_view_clear(SealView *view)
{
    g_clear_pointer(&view->client, seal_client_free);
    seal_fd_clear(&view->news);
    g_clear_pointer(&view->now, seal_catalogue_unref);
    g_clear_pointer(&view->handles.handles, g_hash_table_unref);
    g_clear_pointer(&view->places, g_ptr_array_unref);
}

/* -- places ------------------------------------------------------------------------- */

static SealPlace *
find_place(const SealView *view, const char *path)
{
    for (guint i = 0; i < view->places->len; i++) {
        SealPlace *place = view->places->pdata[i];

        if (g_strcmp0(place->path, path) == 0)
            return place;
    }
    return NULL;
}

/* The place that the token's id names, or the next free one. */
static SealPlace *
assign_place(SealView *view, const char *path)
{
    const char *id = strrchr(path, '/');
    guint wanted = id ? (guint)MAX(g_ascii_xdigit_value(id[1]), 0) % SEAL_SLOTS_MIN : 0;
    SealPlace *place = NULL;

    for (guint i = 0; !place && i < view->places->len; i++) {
        place = view->places->pdata[(wanted + i) % view->places->len];
        if (place->path)
            place = NULL;
    }
    if (!place) {
        add_place(view);
        place = view->places->pdata[view->places->len - 1];
    }
    place->path = g_strdup(path);
    return place;
}

static const SealClientToken *
find_token(const SealClientObjects *objects, const char *path)
{
    for (guint i = 0; objects && path && i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];

        if (g_str_equal(token->path, path) && !g_str_equal(token->state, "absent"))
            return token;
    }
    return NULL;
}

static void
tell_news(const SealView *view)
{
    const guint64 one = 1;

    while (write(view->news, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void
end_news(const SealView *view)
{
    guint64 count = 0;

    while (read(view->news, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

/* `objects` (nullable) as listed now. What is there at the first look is no event. */
static void
settle(SealView *view, const SealClientObjects *objects)
{
    for (guint i = 0; objects && i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];

        if (!find_place(view, token->path))
            (void)assign_place(view, token->path);
    }
    for (guint i = 0; i < view->places->len; i++) {
        SealPlace *place = view->places->pdata[i];
        gboolean present = find_token(objects, place->path) != NULL;

        if (present == place->present)
            continue;
        place->present = present;
        place->insertion++;
        place->changed = view->listed;
        if (place->changed)
            tell_news(view);
    }
}

static void
describe(SealSlotView *slot, const SealClientToken *token)
{
    slot->label = g_strdup(token->label);
    slot->manufacturer = g_strdup(token->manufacturer);
    slot->model = g_strdup(token->model);
    slot->serial = g_strdup(token->serial);
    slot->blocked = g_str_equal(token->state, "blocked");
}

static void
adopt(SealView *view, const SealClientObjects *objects)
{
    GPtrArray *slots = NULL;

    settle(view, objects);
    slots = look_at_all(view);
    for (guint i = 0; i < slots->len; i++) {
        SealSlotView *slot = slots->pdata[i];
        const SealClientToken *token = find_token(objects, slot->path);

        if (token)
            describe(slot, token);
    }
    seal_catalogue_unref(view->now);
    view->now = seal_catalogue_new(slots, objects, &view->handles);
}

/* -- following ----------------------------------------------------------------------- */

static void
list(SealView *view)
{
    gint64 started_us = g_get_monotonic_time();
    guint seen = seal_client_count_changes(view->client);
    g_autoptr(SealClientObjects) objects = seal_client_list(view->client, FALSE, NULL);

    if (objects) {
        adopt(view, objects);
        view->seen = seen;
        view->listed = TRUE;
        view->retry_us = 0;
        return;
    }
    /* C_Finalize ended the question: no token went for that. */
    if (seal_guest_is_ending())
        return;
    adopt(view, NULL);
    view->seen = seal_client_count_changes(view->client) - 1;
    view->retry_us = 2 * g_get_monotonic_time() - started_us + RETRY_MIN_US;
}

SealCatalogue *
seal_view_get(SealView *view)
{
    (void)seal_client_process(view->client, NULL);
    if (!view->listed || view->seen != seal_client_count_changes(view->client))
        if (g_get_monotonic_time() >= view->retry_us)
            list(view);
    return seal_catalogue_ref(view->now);
}

int
seal_view_patience_ms(const SealView *view)
{
    gint64 left_us = view->retry_us - g_get_monotonic_time();

    if (view->retry_us == 0)
        return -1;
    return (int)(MAX(left_us, 0) / 1000) + 1;
}

gboolean
seal_view_take_event(SealView *view, CK_SLOT_ID *ret_slot)
{
    for (guint i = 0; i < view->places->len; i++) {
        SealPlace *place = view->places->pdata[i];

        if (!place->changed)
            continue;
        place->changed = FALSE;
        *ret_slot = i + 1;
        return TRUE;
    }
    end_news(view);
    return FALSE;
}
