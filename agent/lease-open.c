/* A lane is opened as a key is used: policy, consent, unlocked token. Then the agent makes both
 * ends of the lane, gives one to the host and one to the client, and keeps neither.
 *
 * Not everybody who may use a key may have a lane to it: not where a person decides about each use
 * (a rule that asks, a PIN for each use), and a sandboxed program, whose descriptors can go where
 * we do not see, only where a rule says so. They are served by the agent, as ever. */
#include "agent/lease-open.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    SealKeyUse use; /* first */
    SealLeaseAsk query;
    SealLeaseFunc done;
    gpointer user_data;
    guint32 mechanisms; /* bits */
    guint32 number;     /* of the lease, 0 before it is entered */
    SealFd client;      /* the client's end */
    gboolean is_given;  /* the client has it */
} Open;

/* -- what may be asked for --------------------------------------------------------------------- */

static gboolean
refuse(SealErrorCode code, const char *message, GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, (gint)code, message);
    return FALSE;
}

/* Of Key.Sign by their names there, of Unwrap by those in the audit. */
static SealMechanism
find_mechanism(const char *name)
{
    for (unsigned i = 1; i < 32; i++)
        if (!seal_mechanism_is_raw((SealMechanism)i) &&
            strcmp(seal_mechanism_name((SealMechanism)i), name) == 0)
            return (SealMechanism)i;
    return SEAL_MECHANISM_NONE;
}

static gboolean
check_mechanisms(Open *open, const SealKeyInfo *key, GError **error)
{
    gboolean signs = open->use.kind->policy_use.purpose == SEAL_PURPOSE_SIGN;

    for (guint i = 0; i < open->query.n_mechanisms; i++) {
        const char *name = open->query.mechanisms[i];
        SealMechanism mechanism = find_mechanism(name);

        if (mechanism != SEAL_MECHANISM_NONE && seal_mechanism_signs(mechanism) != signs)
            return refuse(SEAL_ERROR_INVALID_INPUT,
                          "option 'mechanisms' must name those that sign, or those that unwrap",
                          error);
        if (mechanism == SEAL_MECHANISM_NONE || !(key->mechanisms & (1u << mechanism))) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                        "the key or its token cannot do mechanism '%.64s'", name);
            return FALSE;
        }
        open->mechanisms |= 1u << mechanism;
        open->use.mechanism = mechanism;
    }
    return TRUE;
}

static gboolean
check_limits(const SealLeaseAsk *query, GError **error)
{
    if (query->seconds <= SEAL_LEASE_SECONDS_MAX && query->window <= SEAL_LANE_WINDOW_MAX &&
        query->count <= SEAL_LANE_COUNT_MAX)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                "a lane is open for %u seconds, %u operations and %u requests at once at the most",
                SEAL_LEASE_SECONDS_MAX, SEAL_LANE_COUNT_MAX, SEAL_LANE_WINDOW_MAX);
    return FALSE;
}

/* A rule that asks wants a person's word for each use; one that denies is told by the policy step.
 */
static gboolean
check_caller(const SealKeyUse *use, GError **error)
{
    const SealCaller *caller = use->ask.caller;
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);
    SealPolicyVerdict verdict =
        seal_key_object_judge(use->context, key, caller, &use->kind->policy_use);

    if (!caller->is_private)
        return refuse(SEAL_ERROR_NOT_PERMITTED, "a lane is not given over the shared bus", error);
    if (verdict.lanes || verdict.action == SEAL_POLICY_DENY)
        return TRUE;
    if (verdict.action == SEAL_POLICY_ASK)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                    "policy rule '%s' asks a person about each use, which a lane would not",
                    verdict.rule);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                    "policy rule '%s' gives no lane to %s, a [policy] rule with lanes=yes does "
                    "(privyseal.conf(5))",
                    verdict.rule, *caller->name ? caller->name : "a program that is not known");
    return FALSE;
}

static gboolean
open_check(SealKeyUse *use, const SealKeyInfo *key, GError **error)
{
    Open *open = (Open *)use;

    if (!use->context->leases)
        return refuse(SEAL_ERROR_NOT_SUPPORTED, "this agent has no lanes", error);
    if (key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE)
        return refuse(SEAL_ERROR_NOT_SUPPORTED,
                      "the key wants the PIN for each use, which a lane does not carry", error);
    return check_mechanisms(open, key, error) && check_limits(&open->query, error) &&
           check_caller(use, error) &&
           seal_leases_have_room(use->context->leases, open->query.owner, use->ask.caller, error);
}

/* -- opening ------------------------------------------------------------------------------------
 */

/* What each mechanism may take: hashes that are signed with, those of OAEP and key derivation. */
static guint32
hashes_for(const Open *open)
{
    const guint32 signing =
        1u << SEAL_HASH_SHA256 | 1u << SEAL_HASH_SHA384 | 1u << SEAL_HASH_SHA512;

    if (open->use.kind->policy_use.purpose == SEAL_PURPOSE_SIGN)
        return signing;
    return signing | 1u << SEAL_HASH_SHA1 | 1u << SEAL_HASH_SHA224;
}

static SealLeaseTerms
terms_for(const Open *open, const SealKeyInfo *key)
{
    const SealLeaseAsk *query = &open->query;

    return (SealLeaseTerms){
        .owner = query->owner,
        .caller = open->use.ask.caller,
        .key_id = open->use.ask.key_id,
        .key = key,
        .token = open->use.token,
        .rule = open->use.rule,
        .operation = open->use.kind->policy_use.purpose == SEAL_PURPOSE_SIGN ? "sign" : "unwrap",
        .grant = {.count = query->count ? query->count : SEAL_LEASE_COUNT_DEFAULT,
                  .mechanisms = open->mechanisms,
                  .hashes = hashes_for(open),
                  .salt_max = (guint32)seal_hash_len(SEAL_HASH_SHA512),
                  .window = query->window ? query->window : 1,
                  .client = (guint32)open->use.ask.caller->pid},
        .seconds = query->seconds ? query->seconds : SEAL_LEASE_SECONDS_DEFAULT,
    };
}

static void
end_lease(Open *open)
{
    if (open->number != 0)
        seal_leases_end(open->use.context->leases, open->number, SEAL_LANE_ABANDONED, NULL, NULL);
    open->number = 0;
}

static guint64
open_submit(SealKeyUse *use, SealToken *token, const SealKeyInfo *key, const SealSecret *pin,
            SealReplyFunc done, gpointer user_data)
{
    Open *open = (Open *)use;
    SealLeaseTerms terms = terms_for(open, key);
    int pair[2] = {-1, -1};

    /* What there was of an attempt before. */
    end_lease(open);
    seal_fd_clear(&open->client);
    /* Without a descriptor the lane is refused. */
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    open->client = pair[0];
    return seal_leases_open(use->context->leases, &terms, &pair[1], done, user_data, &open->number);
}

/* The rules may have changed, or the lane been taken back, while the host opened it. */
static gboolean
check_opened(const Open *open, const SealLease *lease, GError **error)
{
    const SealKeyUse *use = &open->use;
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);
    SealPolicyVerdict verdict = {0};

    if (!lease || !key)
        return refuse(SEAL_ERROR_CANCELLED, "the lane was taken back before it was given", error);
    verdict = seal_key_object_judge(use->context, key, use->ask.caller, &use->kind->policy_use);
    if (verdict.action == SEAL_POLICY_DENY) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_DENIED, "policy rule '%s' denies it to %s",
                    verdict.rule, use->ask.caller->name);
        return FALSE;
    }
    if (!check_caller(use, error))
        return FALSE;
    return lease->end == SEAL_LANE_OPEN ||
           refuse(SEAL_ERROR_CANCELLED, "the lane was taken back before it was given", error);
}

static void
on_opened(SealErrorCode status, const char *message, SealBytes result, gpointer user_data)
{
    Open *open = user_data;
    const SealLease *lease = NULL;
    g_autoptr(GError) error = NULL;

    if (status == SEAL_ERROR_NONE)
        lease = seal_leases_find(open->use.context->leases, open->number);
    if (status == SEAL_ERROR_NONE && !check_opened(open, lease, &error)) {
        status = (SealErrorCode)error->code;
        message = error->message;
        lease = NULL;
    }
    open->done(status, message, lease, &open->client, open->user_data);
    open->is_given = lease && open->client < 0;
}

/* Nobody has the client's end: the lane is of no use. */
static void
open_release(SealKeyUse *use)
{
    Open *open = (Open *)use;

    if (!open->is_given)
        end_lease(open);
    seal_fd_clear(&open->client);
}

static const SealKeyUseKind sign_kind = {
    .operation = "open-lane",
    .policy_use = {SEAL_PURPOSE_SIGN, SEAL_RAW_NONE},
    .check = open_check,
    .submit = open_submit,
    .release = open_release,
};
static const SealKeyUseKind decrypt_kind = {
    .operation = "open-lane",
    .policy_use = {SEAL_PURPOSE_DECRYPT, SEAL_RAW_NONE},
    .check = open_check,
    .submit = open_submit,
    .release = open_release,
};

SealKeyUse *
seal_lease_open_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                      const SealLeaseAsk *query, SealLeaseFunc done, gpointer user_data)
{
    Open *open = g_new0(Open, 1);
    SealMechanism first =
        query->n_mechanisms > 0 ? find_mechanism(query->mechanisms[0]) : SEAL_MECHANISM_NONE;
    gboolean unwraps = first != SEAL_MECHANISM_NONE && !seal_mechanism_signs(first);

    open->query = *query;
    open->done = done;
    open->user_data = user_data;
    open->client = -1;
    return seal_key_use_start(&open->use, unwraps ? &decrypt_kind : &sign_kind, context, ask,
                              on_opened, open);
}
