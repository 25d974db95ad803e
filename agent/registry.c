/* The registry follows the modules and keeps one object for each token, key and certificate that it
 * has met. What a description changes is worked out in registry-objects.c; here is who is present,
 * who waits for whom, and the questions that others ask. */
#include "agent/registry.h"

#include <config.h>
#include <string.h>

#include "agent/registry-objects.h"

/* Somebody waits for tokens to come (back). */
typedef struct {
    guint id;
    char *key_id; /* the key may be removed meanwhile; NULL: for every module's first tokens */
    GSourceFunc func;
    gpointer user_data;
} Waiter;

/* Somebody waits for a rescan of all modules. */
typedef struct {
    SealRegistry *registry;
    guint outstanding; /* modules that have not answered */
    GSourceFunc done;
    gpointer user_data;
} Scan;

const char *
seal_token_state_name(SealTokenState state)
{
    static const char *const names[] = {
        [SEAL_TOKEN_STATE_ABSENT] = "absent",     [SEAL_TOKEN_STATE_LOCKED] = "locked",
        [SEAL_TOKEN_STATE_UNLOCKED] = "unlocked", [SEAL_TOKEN_STATE_BLOCKED] = "blocked",
        [SEAL_TOKEN_STATE_BUSY] = "busy",         [SEAL_TOKEN_STATE_UNREACHABLE] = "unreachable",
    };

    return (guint)state < G_N_ELEMENTS(names) ? names[state] : "";
}

/* -- waiting ---------------------------------------------------------------------------------- */

static SealTokenEntry *
entry_of(const SealTokenObject *token)
{
    return (SealTokenEntry *)token;
}

static gboolean
is_coming(const SealTokenObject *token)
{
    return token->state == SEAL_TOKEN_STATE_UNREACHABLE &&
           seal_module_state(entry_of(token)->owner) == SEAL_MODULE_STARTING;
}

/* TRUE if waiting longer for the key is of no use. */
static gboolean
is_key_settled(const SealKeyObject *key)
{
    if (!key || seal_key_object_best_place(key))
        return TRUE;
    for (guint i = 0; i < key->places->len; i++)
        if (is_coming(((const SealKeyPlace *)key->places->pdata[i])->token))
            return FALSE;
    return TRUE;
}

static gboolean
is_over(SealRegistry *registry, const Waiter *waiter)
{
    if (waiter->key_id)
        return is_key_settled(seal_registry_key(registry, waiter->key_id));
    return seal_registry_is_ready(registry);
}

static void
waiter_free(Waiter *waiter)
{
    g_free(waiter->key_id);
    g_free(waiter);
}

static gboolean
on_idle(gpointer user_data)
{
    SealRegistry *registry = user_data;
    GList *at = registry->waiters;

    registry->idle = 0;
    /* A callback may add or forget waiters: start again after each. */
    while (at) {
        Waiter *waiter = at->data;

        if (!is_over(registry, waiter)) {
            at = at->next;
            continue;
        }
        registry->waiters = g_list_delete_link(registry->waiters, at);
        waiter->func(waiter->user_data);
        waiter_free(waiter);
        at = registry->waiters;
    }
    return G_SOURCE_REMOVE;
}

static void
look_at_waiters(SealRegistry *registry)
{
    if (registry->waiters && registry->idle == 0)
        registry->idle = g_idle_add_full(G_PRIORITY_DEFAULT, on_idle, registry, NULL);
}

static guint
add_waiter(SealRegistry *registry, const char *key_id, GSourceFunc func, gpointer user_data)
{
    Waiter *waiter = g_new0(Waiter, 1);

    waiter->id = ++registry->last_waiter;
    waiter->key_id = g_strdup(key_id);
    waiter->func = func;
    waiter->user_data = user_data;
    registry->waiters = g_list_append(registry->waiters, waiter);
    look_at_waiters(registry);
    return waiter->id;
}

gboolean
seal_registry_is_ready(const SealRegistry *registry)
{
    return g_hash_table_size(registry->settled) == registry->modules->len;
}

guint
seal_registry_when_ready(SealRegistry *registry, GSourceFunc func, gpointer user_data)
{
    return add_waiter(registry, NULL, func, user_data);
}

guint
seal_registry_await_key(SealRegistry *registry, const SealKeyObject *key, GSourceFunc func,
                        gpointer user_data)
{
    for (guint i = 0; i < key->places->len; i++) {
        const SealTokenObject *token = ((const SealKeyPlace *)key->places->pdata[i])->token;

        if (token->state == SEAL_TOKEN_STATE_UNREACHABLE)
            seal_module_wake(entry_of(token)->owner);
    }
    return add_waiter(registry, key->id, func, user_data);
}

void
seal_registry_forget(SealRegistry *registry, guint waiter_id)
{
    for (GList *at = registry->waiters; at; at = at->next) {
        Waiter *waiter = at->data;

        if (waiter->id != waiter_id)
            continue;
        registry->waiters = g_list_delete_link(registry->waiters, at);
        waiter_free(waiter);
        return;
    }
}

/* -- the modules' events ---------------------------------------------------------------------- */

static SealTokenEntry *
entry_serving(SealRegistry *registry, const SealToken *token)
{
    GHashTableIter iter;
    SealTokenEntry *entry = NULL;

    g_hash_table_iter_init(&iter, registry->tokens);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry))
        if (entry->object.token == token)
            return entry;
    return NULL;
}

static void
on_token_appeared(SealModule *module, SealToken *token, gpointer user_data)
{
    SealRegistry *registry = user_data;
    gboolean is_new = FALSE;
    SealTokenEntry *entry = seal_registry_enter_token(registry, token, &is_new);

    if (!g_ptr_array_find(registry->present, token, NULL))
        g_ptr_array_add(registry->present, seal_token_ref(token));
    /* the same token by two modules, or not yet gone from another reader: the first serves */
    if (entry->object.token)
        return;
    entry->object.token = seal_token_ref(token);
    entry->owner = module;
    seal_registry_take_token(registry, entry, is_new);
    look_at_waiters(registry);
}

static void
on_token_gone(SealModule *module, SealToken *token, gpointer user_data)
{
    static const char *const names[] = {"State", NULL};
    SealRegistry *registry = user_data;
    SealTokenEntry *entry = entry_serving(registry, token);
    gboolean is_down = seal_module_state(module) != SEAL_MODULE_RUNNING;

    if (entry) {
        entry->object.state = is_down ? SEAL_TOKEN_STATE_UNREACHABLE : SEAL_TOKEN_STATE_ABSENT;
        g_clear_pointer(&entry->object.token, seal_token_unref);
        SEAL_REGISTRY_TELL(registry, token_changed, &entry->object, names);
        SEAL_REGISTRY_TELL(registry, token_gone, &entry->object);
    }
    g_ptr_array_remove(registry->present, token);
    for (guint i = 0; entry && !entry->object.token && i < registry->present->len; i++) {
        SealToken *other = registry->present->pdata[i];

        if (!entry_serving(registry, other) && seal_token_is_alive(other))
            on_token_appeared(seal_token_module(other), other, registry);
    }
    look_at_waiters(registry);
}

/* A description may change what the token is (its serial number was empty and its label is new): it
 * is another object then. */
static void
on_token_changed(SealModule *module, SealToken *token, gpointer user_data)
{
    SealRegistry *registry = user_data;
    SealTokenEntry *before = entry_serving(registry, token);
    gboolean is_new = FALSE;
    SealTokenEntry *entry = seal_registry_enter_token(registry, token, &is_new);

    if (entry == before) {
        seal_registry_take_token(registry, entry, FALSE);
        return;
    }
    if (before) {
        static const char *const names[] = {"State", NULL};

        before->object.state = SEAL_TOKEN_STATE_ABSENT;
        g_clear_pointer(&before->object.token, seal_token_unref);
        SEAL_REGISTRY_TELL(registry, token_changed, &before->object, names);
        SEAL_REGISTRY_TELL(registry, token_gone, &before->object);
    }
    if (entry->object.token)
        return;
    entry->object.token = seal_token_ref(token);
    entry->owner = module;
    seal_registry_take_token(registry, entry, is_new);
}

/* The module runs and has told what is there: what it did not tell is not there. */
static void
settle_unreachable(SealRegistry *registry, SealModule *module)
{
    static const char *const names[] = {"State", NULL};
    GHashTableIter iter;
    SealTokenEntry *entry = NULL;

    g_hash_table_iter_init(&iter, registry->tokens);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry)) {
        if (entry->owner != module || entry->object.state != SEAL_TOKEN_STATE_UNREACHABLE)
            continue;
        entry->object.state = SEAL_TOKEN_STATE_ABSENT;
        SEAL_REGISTRY_TELL(registry, token_changed, &entry->object, names);
    }
}

static void
on_module_changed(SealModule *module, gpointer user_data)
{
    SealRegistry *registry = user_data;

    if (seal_module_state(module) != SEAL_MODULE_STARTING)
        g_hash_table_add(registry->settled, module);
    if (seal_module_state(module) == SEAL_MODULE_RUNNING)
        settle_unreachable(registry, module);
    for (guint i = 0; i < registry->n_listeners; i++)
        if (registry->listeners[i].events->modules_changed)
            registry->listeners[i].events->modules_changed(registry->listeners[i].user_data);
    look_at_waiters(registry);
}

static void
on_lane_used(SealModule *module, const SealLaneRecord *record, gpointer user_data)
{
    SealRegistry *registry = user_data;

    if (registry->lane_events)
        registry->lane_events->used(record, registry->lane_data);
}

static void
on_lane_closed(SealModule *module, guint32 lane, SealLaneEnd why, gpointer user_data)
{
    SealRegistry *registry = user_data;

    if (registry->lane_events)
        registry->lane_events->closed(lane, why, registry->lane_data);
}

static void add_module(SealRegistry *registry, const SealModuleConfig *config);

/* The module that serves `reader` for the one of `config` (nullable). */
static SealModule *
module_of_reader(SealRegistry *registry, const SealModuleConfig *config, const char *reader)
{
    for (guint i = 0; i < registry->modules->len; i++) {
        SealModule *module = registry->modules->pdata[i];
        const SealModuleConfig *other = seal_module_config(module);

        if (g_str_equal(other->name, config->name) && g_strcmp0(other->reader, reader) == 0)
            return module;
    }
    return NULL;
}

gboolean
seal_registry_has_unread_card(const SealRegistry *registry)
{
    for (guint i = 0; i < registry->cards->len; i++) {
        const char *reader = registry->cards->pdata[i];
        guint n_read = 0;

        for (guint k = 0; k < registry->present->len; k++) {
            const SealModule *module = seal_token_module(registry->present->pdata[k]);

            n_read += g_strcmp0(seal_module_config(module)->reader, reader) == 0;
        }
        if (n_read == 0)
            return TRUE;
    }
    return FALSE;
}

/* A reader that never had a card gets a module of its own: one that hangs holds up no other. One
 * that pauses after losses is started for the card that came. */
static void
on_readers_told(SealModule *module, const GPtrArray *names, gpointer user_data)
{
    SealRegistry *registry = user_data;

    g_ptr_array_set_size(registry->cards, 0);
    for (guint i = 0; i < names->len; i++) {
        SealModuleConfig config = *seal_module_config(module);
        SealModule *served = module_of_reader(registry, &config, names->pdata[i]);

        config.reader = names->pdata[i];
        g_ptr_array_add(registry->cards, g_strdup(names->pdata[i]));
        if (served)
            seal_module_wake(served);
        else
            add_module(registry, &config);
    }
}

static void
on_key_tried(SealModule *module, SealToken *token, guint32 key, gboolean fits, gpointer user_data)
{
    seal_registry_note_tried(user_data, token, key, fits);
}

static const SealModuleEvents module_events = {
    .state_changed = on_module_changed,
    .token_appeared = on_token_appeared,
    .token_changed = on_token_changed,
    .token_gone = on_token_gone,
    .key_tried = on_key_tried,
    .readers_told = on_readers_told,
    .lane_used = on_lane_used,
    .lane_closed = on_lane_closed,
};

/* -- lifecycle -------------------------------------------------------------------------------- */

SealRegistry *
seal_registry_new(void)
{
    SealRegistry *registry = g_new0(SealRegistry, 1);

    registry->modules = g_ptr_array_new_with_free_func((GDestroyNotify)seal_module_free);
    registry->settled = g_hash_table_new(NULL, NULL);
    registry->present = g_ptr_array_new_with_free_func((GDestroyNotify)seal_token_unref);
    registry->cards = g_ptr_array_new_with_free_func(g_free);
    registry->tokens =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)seal_token_entry_free);
    registry->keys =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)seal_key_object_free);
    registry->certificates = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                                   (GDestroyNotify)seal_certificate_object_free);
    return registry;
}

/* Nothing comes any more: who waits for a key must know, to end what hangs on it. */
static void
release_waiters(SealRegistry *registry)
{
    while (registry->waiters) {
        Waiter *waiter = registry->waiters->data;

        registry->waiters = g_list_delete_link(registry->waiters, registry->waiters);
        if (waiter->key_id)
            waiter->func(waiter->user_data);
        waiter_free(waiter);
    }
}

void
seal_registry_free(SealRegistry *registry)
{
    if (!registry)
        return;
    registry->n_listeners = 0;
    g_clear_handle_id(&registry->idle, g_source_remove);
    /* Its callbacks end the scans. */
    g_clear_pointer(&registry->modules, g_ptr_array_unref);
    release_waiters(registry);
    g_clear_handle_id(&registry->idle, g_source_remove);
    g_hash_table_unref(registry->settled);
    g_hash_table_unref(registry->certificates);
    g_hash_table_unref(registry->keys);
    g_hash_table_unref(registry->tokens);
    g_ptr_array_unref(registry->present);
    g_ptr_array_unref(registry->cards);
    g_free(registry);
}

void
seal_registry_listen(SealRegistry *registry, const SealRegistryEvents *events, gpointer user_data)
{
    g_assert(registry->n_listeners < SEAL_REGISTRY_LISTENERS_MAX);
    registry->listeners[registry->n_listeners++] = (SealRegistryListener){events, user_data};
}

void
seal_registry_follow_lanes(SealRegistry *registry, const SealRegistryLaneEvents *events,
                           gpointer user_data)
{
    registry->lane_events = events;
    registry->lane_data = user_data;
}

static void
add_module(SealRegistry *registry, const SealModuleConfig *config)
{
    gboolean was_ready = seal_registry_is_ready(registry);
    SealModule *module = seal_module_new(registry->loop, config, &module_events, registry);

    g_ptr_array_add(registry->modules, module);
    /* what comes later keeps nobody waiting who asks what is there */
    if (was_ready && config->reader && *config->reader)
        g_hash_table_add(registry->settled, module);
    if (seal_module_state(module) != SEAL_MODULE_STARTING)
        on_module_changed(module, registry);
}

/* OpenSC has one lock for all its readers, and PC/SC's names for them. */
static gboolean
is_opensc(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);

    return SEAL_HAVE_PCSC && g_str_equal(name, "opensc-pkcs11.so");
}

void
seal_registry_add_module(SealRegistry *registry, SealLoop *loop, const SealModuleConfig *config)
{
    SealModuleConfig own = *config;
    char none[] = "";

    registry->loop = loop;
    if (is_opensc(config->path))
        own.reader = none; /* tells of readers; each then has a module */
    add_module(registry, &own);
}

const GPtrArray *
seal_registry_modules(const SealRegistry *registry)
{
    return registry->modules;
}

/* -- rescan ----------------------------------------------------------------------------------- */

static gboolean
finish_scan(gpointer user_data)
{
    Scan *scan = user_data;

    if (scan->done)
        scan->done(scan->user_data);
    g_free(scan);
    return G_SOURCE_REMOVE;
}

static void
on_scanned(const SealReply *reply, gpointer user_data)
{
    Scan *scan = user_data;

    if (--scan->outstanding == 0)
        finish_scan(scan);
}

void
seal_registry_rescan(SealRegistry *registry, GSourceFunc done, gpointer user_data)
{
    Scan *scan = g_new0(Scan, 1);

    seal_registry_forget_doubts(registry);
    scan->registry = registry;
    scan->outstanding = registry->modules->len;
    scan->done = done;
    scan->user_data = user_data;
    if (scan->outstanding == 0) {
        g_idle_add(finish_scan, scan);
        return;
    }
    for (guint i = 0; i < registry->modules->len; i++)
        seal_module_rescan(registry->modules->pdata[i], on_scanned, scan);
}

/* -- questions -------------------------------------------------------------------------------- */

SealTokenObject *
seal_registry_token(SealRegistry *registry, const char *id)
{
    return g_hash_table_lookup(registry->tokens, id);
}

SealKeyObject *
seal_registry_key(SealRegistry *registry, const char *id)
{
    return g_hash_table_lookup(registry->keys, id);
}

SealCertificateObject *
seal_registry_certificate(SealRegistry *registry, const char *id)
{
    return g_hash_table_lookup(registry->certificates, id);
}

/* Every object begins with its id, whatever its kind; one prefix of paths a kind. */
static gint
compare_ids(gconstpointer left, gconstpointer right)
{
    const char *const *a = *(const char *const *const *)left;
    const char *const *b = *(const char *const *const *)right;

    return strcmp(*a, *b);
}

static GPtrArray *
sorted(GHashTable *objects)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer object = NULL;

    G_STATIC_ASSERT(G_STRUCT_OFFSET(SealTokenObject, id) == 0);
    G_STATIC_ASSERT(G_STRUCT_OFFSET(SealKeyObject, id) == 0);
    G_STATIC_ASSERT(G_STRUCT_OFFSET(SealCertificateObject, id) == 0);
    g_hash_table_iter_init(&iter, objects);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        g_ptr_array_add(all, object);
    g_ptr_array_sort(all, compare_ids);
    return all;
}

GPtrArray *
seal_registry_tokens(SealRegistry *registry)
{
    return sorted(registry->tokens);
}

GPtrArray *
seal_registry_keys(SealRegistry *registry)
{
    return sorted(registry->keys);
}

GPtrArray *
seal_registry_certificates(SealRegistry *registry)
{
    return sorted(registry->certificates);
}

/* Better is less; those that are not present have no rank. */
static guint
rank_of(const SealKeyPlace *place)
{
    static const guint ranks[] = {
        [SEAL_TOKEN_STATE_UNLOCKED] = 1,    [SEAL_TOKEN_STATE_BUSY] = 2,
        [SEAL_TOKEN_STATE_LOCKED] = 3,      [SEAL_TOKEN_STATE_BLOCKED] = 4,
        [SEAL_TOKEN_STATE_UNREACHABLE] = 0,
    };
    const SealTokenObject *token = place->token;
    guint rank = token->token && seal_token_is_alive(token->token) ? ranks[token->state] : 0;

    /* below all that tell the truth */
    return rank > 0 && seal_key_place_is_doubted(place) ? rank + G_N_ELEMENTS(ranks) : rank;
}

const SealKeyPlace *
seal_key_object_best_place(const SealKeyObject *key)
{
    const SealKeyPlace *best = NULL;

    for (guint i = 0; i < key->places->len; i++) {
        const SealKeyPlace *place = key->places->pdata[i];
        guint rank = rank_of(place);

        if (rank > 0 && (!best || rank < rank_of(best)))
            best = place;
    }
    return best;
}

const SealKeyPlace *
seal_key_object_place(const SealKeyObject *key)
{
    const SealKeyPlace *place = seal_key_object_best_place(key);

    return place ? place : key->places->pdata[0];
}

void
seal_registry_set_token_state(SealRegistry *registry, SealTokenObject *token, SealTokenState state,
                              int tries_left)
{
    const char *names[3] = {NULL};
    guint count = 0;

    if (token->state != state)
        names[count++] = "State";
    if (token->tries_left != tries_left)
        names[count++] = "TriesLeft";
    token->state = state;
    token->tries_left = tries_left;
    if (count > 0)
        SEAL_REGISTRY_TELL(registry, token_changed, token, names);
    look_at_waiters(registry);
}
