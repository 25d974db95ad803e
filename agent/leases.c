/* The agent decides once, when a lane is opened, and from then on can only take it back. So every
 * change that would make it decide otherwise ends leases: a token that is locked, pulled, or no
 * longer unlocked for another reason; a key that is gone or lies; other rules of the policy; the end of the
 * connection; the time. What happened on a lane is told by its host, before each use, and written to the audit in the name of
 * the program that opened it. */
#include "agent/leases.h"

#include <string.h>
#include <time.h>

#include "agent/audit.h"
#include "base/error.h"
#include "base/log.h"

/* Programs with several connections each need a few lanes; a module has SEAL_LANES_MAX of them. */
#define PER_CONNECTION_MAX 64u
#define PER_PROCESS_MAX    256u

struct SealLeases {
    SealLoop *loop;
    SealUnlocker *unlocker; /* NULL once the agent ends */
    GHashTable *table;      /* number -> SealLease * (owned) */
    guint32 last_number;
    SealWatch *timer; /* of the next expiry */
    void (*changed)(gpointer user_data);
    gpointer changed_data;
};

static gint64
boottime_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
tell_changed(SealLeases *leases)
{
    if (leases->changed)
        leases->changed(leases->changed_data);
}

static void
lease_free(gpointer data)
{
    SealLease *lease = data;

    seal_caller_unref(lease->caller);
    g_free(lease->key_id);
    g_free(lease->key_label);
    g_free(lease);
}

static SealLease *
find(const SealLeases *leases, guint32 number)
{
    return g_hash_table_lookup(leases->table, GUINT_TO_POINTER(number));
}

const SealLease *
seal_leases_find(const SealLeases *leases, guint32 number)
{
    return find(leases, number);
}

static gint
compare_numbers(gconstpointer left, gconstpointer right)
{
    const SealLease *a = *(const SealLease *const *)left;
    const SealLease *b = *(const SealLease *const *)right;

    return (a->number > b->number) - (a->number < b->number);
}

GPtrArray *
seal_leases_list(const SealLeases *leases)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer lease = NULL;

    g_hash_table_iter_init(&iter, leases->table);
    while (g_hash_table_iter_next(&iter, NULL, &lease))
        g_ptr_array_add(list, lease);
    g_ptr_array_sort(list, compare_numbers);
    return list;
}

guint
seal_leases_count(const SealLeases *leases)
{
    return g_hash_table_size(leases->table);
}

guint32
seal_lease_seconds_left(const SealLease *lease)
{
    gint64 left_us = (gint64)lease->grant.expires_us - boottime_us();

    return (guint32)((MAX(left_us, 0) + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

/* -- taking back ------------------------------------------------------------------------------- */

/* Who waits for the end of a lane. */
typedef struct {
    SealLaneEndedFunc done;
    gpointer user_data;
} Waiter;

/* The host's answer that they wait for. It knows one request for each lane: a second one would take
 * the place of the first, which would never be answered. */
struct SealRevocation {
    SealLeases *leases;
    guint32 number;
    GArray *waiters; /* of Waiter */
};

/* The lease may be gone by now. */
static void
on_revoked(gpointer user_data)
{
    struct SealRevocation *revocation = user_data;
    SealLease *lease = find(revocation->leases, revocation->number);

    if (lease)
        lease->revocation = NULL;
    for (guint i = 0; i < revocation->waiters->len; i++) {
        const Waiter *waiter = &g_array_index(revocation->waiters, Waiter, i);

        waiter->done(waiter->user_data);
    }
    g_array_unref(revocation->waiters);
    g_free(revocation);
}

static void
take_back(SealLeases *leases, SealLease *lease, const Waiter *waiter)
{
    struct SealRevocation *revocation = lease->revocation;
    gboolean is_new = !revocation;

    if (is_new) {
        revocation = g_new0(struct SealRevocation, 1);
        *revocation = (struct SealRevocation){leases, lease->number,
                                              g_array_new(FALSE, FALSE, sizeof(Waiter))};
        lease->revocation = revocation;
    }
    if (waiter->done)
        g_array_append_vals(revocation->waiters, waiter, 1);
    if (is_new)
        seal_module_revoke_lane(lease->module, lease->number, lease->end, on_revoked, revocation);
}

void
seal_leases_end(SealLeases *leases, guint32 number, SealLaneEnd why, SealLaneEndedFunc done,
                gpointer user_data)
{
    SealLease *lease = find(leases, number);

    if (!lease) {
        if (done)
            done(user_data);
        return;
    }
    if (lease->end == SEAL_LANE_OPEN)
        lease->end = why;
    take_back(leases, lease, &(Waiter){done, user_data});
}

/* Ends those that match; each at most once. */
static void
end_matching(SealLeases *leases, gboolean (*matches)(const SealLease *lease, gconstpointer data),
             gconstpointer data, SealLaneEnd why)
{
    g_autoptr(GPtrArray) list = seal_leases_list(leases);

    for (guint i = 0; i < list->len; i++) {
        const SealLease *lease = list->pdata[i];

        if (lease->end == SEAL_LANE_OPEN && matches(lease, data))
            seal_leases_end(leases, lease->number, why, NULL, NULL);
    }
}

static gboolean
is_of_owner(const SealLease *lease, gconstpointer owner)
{
    return lease->owner == owner;
}

static gboolean
is_of_token(const SealLease *lease, gconstpointer token)
{
    return !token || lease->token == token;
}

static gboolean
is_of_key(const SealLease *lease, gconstpointer key)
{
    return strcmp(lease->key_id, ((const SealKeyObject *)key)->id) == 0;
}

static gboolean
is_at_doubted_place(const SealLease *lease, gconstpointer data)
{
    const SealKeyObject *key = data;

    for (guint i = 0; i < key->places->len; i++) {
        const SealKeyPlace *place = key->places->pdata[i];

        if (place->token == lease->token && seal_key_place_is_doubted(place))
            return is_of_key(lease, key);
    }
    return FALSE;
}

static gboolean
is_over(const SealLease *lease, gconstpointer now_us)
{
    return (gint64)lease->grant.expires_us <= *(const gint64 *)now_us;
}

void
seal_leases_end_owner(SealLeases *leases, gconstpointer owner)
{
    end_matching(leases, is_of_owner, owner, SEAL_LANE_ABANDONED);
}

void
seal_leases_end_token(SealLeases *leases, const SealTokenObject *token, SealLaneEnd why)
{
    end_matching(leases, is_of_token, token, why);
}

/* Several leases that end. */
typedef struct {
    guint n_waiting;
    SealLaneEndedFunc done;
    gpointer user_data;
} Ending;

static void
on_one_ended(gpointer user_data)
{
    Ending *ending = user_data;

    if (--ending->n_waiting > 0)
        return;
    ending->done(ending->user_data);
    g_free(ending);
}

/* Those that are being taken back already are waited for, too. */
void
seal_leases_lock(SealLeases *leases, const SealTokenObject *token, SealLaneEndedFunc done,
                 gpointer user_data)
{
    g_autoptr(GPtrArray) list = seal_leases_list(leases);
    Ending *ending = g_new0(Ending, 1);

    *ending = (Ending){1, done, user_data}; /* this function */
    for (guint i = 0; i < list->len; i++) {
        const SealLease *lease = list->pdata[i];

        if (!is_of_token(lease, token))
            continue;
        ending->n_waiting++;
        seal_leases_end(leases, lease->number, SEAL_LANE_LOCKED, on_one_ended, ending);
    }
    on_one_ended(ending);
}

/* -- other rules ----------------------------------------------------------------------------------
 */

void
seal_leases_judge(SealLeases *leases, const SealKeyUseContext *context)
{
    g_autoptr(GPtrArray) list = seal_leases_list(leases);

    for (guint i = 0; i < list->len; i++) {
        SealLease *lease = list->pdata[i];
        const SealKeyObject *key = seal_registry_key(context->registry, lease->key_id);
        const gboolean signs = strcmp(lease->operation, "sign") == 0;
        const SealPolicyUse use = {signs ? SEAL_PURPOSE_SIGN : SEAL_PURPOSE_DECRYPT, SEAL_RAW_NONE};
        SealPolicyVerdict verdict = {0};

        if (lease->end != SEAL_LANE_OPEN || !key)
            continue;
        verdict = seal_key_object_judge(context, key, lease->caller, &use);
        lease->rule = verdict.rule;
        if (!verdict.lanes)
            seal_leases_end(leases, lease->number, SEAL_LANE_FORBIDDEN, NULL, NULL);
    }
}

/* -- time ---------------------------------------------------------------------------------------
 */

/* The host keeps the time too, by the clock that runs while the machine sleeps. */
static void
arm(SealLeases *leases)
{
    GHashTableIter iter;
    SealLease *lease = NULL;
    gint64 first_us = G_MAXINT64;

    g_hash_table_iter_init(&iter, leases->table);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&lease))
        if (lease->end == SEAL_LANE_OPEN)
            first_us = MIN(first_us, (gint64)lease->grant.expires_us);
    if (first_us == G_MAXINT64)
        seal_watch_set_deadline(leases->timer, -1);
    else
        seal_watch_set_deadline(leases->timer,
                                g_get_monotonic_time() + MAX(first_us - boottime_us(), 0));
}

static void
on_time(uint32_t events, gpointer user_data)
{
    SealLeases *leases = user_data;
    gint64 now_us = boottime_us();

    end_matching(leases, is_over, &now_us, SEAL_LANE_EXPIRED);
    arm(leases);
}

/* -- what the registry tells ----------------------------------------------------------------------
 */

static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    SealLeases *leases = user_data;

    if (token->state == SEAL_TOKEN_STATE_LOCKED || token->state == SEAL_TOKEN_STATE_BLOCKED)
        seal_leases_end_token(leases, token, SEAL_LANE_LOCKED);
    else if (token->state != SEAL_TOKEN_STATE_UNLOCKED && token->state != SEAL_TOKEN_STATE_BUSY)
        seal_leases_end_token(leases, token, SEAL_LANE_REMOVED);
}

/* A key whose signatures do not fit serves nobody, on lanes neither. */
static void
on_key_changed(SealKeyObject *key, const char *const *properties, gpointer user_data)
{
    end_matching(user_data, is_at_doubted_place, key, SEAL_LANE_REMOVED);
}

static void
on_key_removed(SealKeyObject *key, gpointer user_data)
{
    end_matching(user_data, is_of_key, key, SEAL_LANE_REMOVED);
}

static void
on_lane_used(const SealLaneRecord *record, gpointer user_data)
{
    SealLeases *leases = user_data;
    SealLease *lease = find(leases, record->lane);
    SealAuditRecord audit = {0};

    if (!lease)
        return;
    audit = (SealAuditRecord){
        .caller = lease->caller,
        .operation = lease->operation,
        .key_id = lease->key_id,
        .key_label = lease->key_label,
        .token_label = lease->token->label,
        .token_serial = lease->token->serial,
        .mechanism = seal_mechanism_name((SealMechanism)record->mechanism),
        .rule = lease->rule,
        .result = (SealErrorCode)record->status,
        .lane = record->lane,
        .lane_use = record->lane_sequence,
    };
    seal_audit_write(&audit);
    if (record->use == SEAL_LANE_USE_STARTS)
        lease->used++;
    if (leases->unlocker)
        seal_unlock_touch(leases->unlocker, lease->token);
}

static void
on_lane_closed(guint32 lane, SealLaneEnd why, gpointer user_data)
{
    SealLeases *leases = user_data;
    const SealLease *lease = find(leases, lane);

    if (!lease)
        return;
    seal_log_info("lane %u of %s ended after %u uses: %s", lane, lease->caller->name, lease->used,
                  seal_lane_end_name(why));
    g_hash_table_remove(leases->table, GUINT_TO_POINTER(lane));
    tell_changed(leases);
}

static const SealRegistryEvents registry_events = {
    .token_changed = on_token_changed,
    .key_changed = on_key_changed,
    .key_removed = on_key_removed,
};
static const SealRegistryLaneEvents lane_events = {on_lane_used, on_lane_closed};

/* -- opening -------------------------------------------------------------------------------------
 */

gboolean
seal_leases_have_room(const SealLeases *leases, gconstpointer owner, const SealCaller *caller,
                      GError **error)
{
    guint of_owner = 0, of_process = 0;
    GHashTableIter iter;
    const SealLease *lease = NULL;

    g_hash_table_iter_init(&iter, leases->table);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&lease)) {
        of_owner += lease->owner == owner;
        of_process += lease->caller->pid == caller->pid;
    }
    if (of_owner < PER_CONNECTION_MAX && of_process < PER_PROCESS_MAX)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                "%u lanes of this connection and %u of this program are open, close one first",
                of_owner, of_process);
    return FALSE;
}

static SealLease *
lease_new(guint32 number, const SealLeaseTerms *terms)
{
    SealLease *lease = g_new0(SealLease, 1);

    lease->number = number;
    lease->owner = terms->owner;
    lease->caller = seal_caller_ref((SealCaller *)terms->caller);
    lease->key_id = g_strdup(terms->key_id);
    lease->key_label = g_strdup(terms->key->label);
    lease->token = terms->token;
    lease->module = seal_token_module(terms->token->token);
    lease->rule = terms->rule;
    lease->operation = terms->operation;
    lease->grant = terms->grant;
    lease->grant.expires_us = (guint64)(boottime_us() + (gint64)terms->seconds * G_USEC_PER_SEC);
    return lease;
}

guint64
seal_leases_open(SealLeases *leases, const SealLeaseTerms *terms, SealFd *descriptor,
                 SealReplyFunc done, gpointer user_data, guint32 *ret_number)
{
    SealLease *lease = lease_new(++leases->last_number, terms);
    guint64 request = 0;

    request = seal_token_open_lane(terms->token->token, terms->key, lease->number, &lease->grant,
                                   descriptor, done, user_data);
    *ret_number = 0;
    if (!seal_module_has_lane(lease->module, lease->number)) { /* nobody would tell of its end */
        lease_free(lease);
        return request;
    }
    g_hash_table_insert(leases->table, GUINT_TO_POINTER(lease->number), lease);
    *ret_number = lease->number;
    arm(leases);
    tell_changed(leases);
    return request;
}

/* -- life ----------------------------------------------------------------------------------------
 */

SealLeases *
seal_leases_new(SealLoop *loop, SealRegistry *registry, SealUnlocker *unlocker)
{
    SealLeases *leases = g_new0(SealLeases, 1);

    leases->loop = loop;
    leases->unlocker = unlocker;
    leases->table = g_hash_table_new_full(NULL, NULL, NULL, lease_free);
    leases->timer = seal_loop_watch(loop, -1, 0, on_time, leases);
    seal_registry_listen(registry, &registry_events, leases);
    seal_registry_follow_lanes(registry, &lane_events, leases);
    return leases;
}

void
seal_leases_follow(SealLeases *leases, void (*changed)(gpointer user_data), gpointer user_data)
{
    leases->changed = changed;
    leases->changed_data = user_data;
}

void
seal_leases_close(SealLeases *leases)
{
    seal_leases_end_token(leases, NULL, SEAL_LANE_LOCKED);
    leases->unlocker = NULL;
    leases->changed = NULL;
}

void
seal_leases_free(SealLeases *leases)
{
    if (!leases)
        return;
    seal_watch_free(leases->timer);
    g_hash_table_unref(leases->table);
    g_free(leases);
}
