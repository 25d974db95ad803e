/* Raw operations: the one door through which the bare result of a private key leaves the agent. The
 * input is checked, and key-use.c asks the policy, which opens nothing that no rule names. Sign and
 * Unwrap, whose promises hold without any rule, know nothing of this file. */
#include "agent/raw.h"

typedef struct {
    SealKeyUse use; /* first */
    SealRawAsk query;
} Raw;

struct SealRawOperation {
    const char *name;
    SealMechanism mechanism;
    SealAlgorithm algorithm;
    SealKeyUseKind kind;
};

/* -- what fits the key --------------------------------------------------------------------- */

static gboolean
check_mechanism(const SealRawOperation *operation, const SealKeyInfo *key, GError **error)
{
    if (operation->algorithm == key->algorithm && key->mechanisms & (1u << operation->mechanism))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "the key or its token cannot do operation '%s'", operation->name);
    return FALSE;
}

/* That the point lies on the curve, and the block below the modulus, is the host's to see. */
static gboolean
check_input(const SealRawOperation *operation, SealBytes input, const SealKeyInfo *key,
            GError **error)
{
    gboolean is_point = operation->mechanism == SEAL_MECHANISM_RAW_ECDH;
    gsize len =
        is_point ? 1 + 2 * seal_curve_coordinate_len((SealCurve)key->curve) : (key->bits + 7) / 8;

    if (input.len == len && (!is_point || input.data[0] == 0x04))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                is_point ? "the input must be an uncompressed point of the key's curve, %zu bytes"
                         : "the input must be a block of the modulus' length, %zu bytes",
                len);
    return FALSE;
}

static gboolean
raw_check(SealKeyUse *use, const SealKeyInfo *key, GError **error)
{
    const SealRawAsk *query = &((Raw *)use)->query;

    if (query->is_shared) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED,
                            "a raw result does not cross the shared bus: ask on the private socket "
                            "(PrivateAddress)");
        return FALSE;
    }
    use->mechanism = query->operation->mechanism;
    return check_mechanism(query->operation, key, error) &&
           check_input(query->operation, query->input, key, error);
}

static guint64
raw_submit(SealKeyUse *use, SealToken *token, const SealKeyInfo *key, const SealSecret *pin,
           SealReplyFunc done, gpointer user_data)
{
    return seal_token_raw(token, key, use->mechanism, ((Raw *)use)->query.input, pin, done,
                          user_data);
}

/* -- the operations ------------------------------------------------------------------------- */

#define KIND(text, purpose, raw)                                                                   \
    {                                                                                              \
        .operation = (text), .policy_use = {(purpose), (raw)}, .check = raw_check,                 \
        .submit = raw_submit,                                                                      \
    }

static const SealRawOperation operations[] = {
    {"ecdh", SEAL_MECHANISM_RAW_ECDH, SEAL_ALGORITHM_EC,
     KIND("raw-ecdh", SEAL_PURPOSE_DECRYPT, SEAL_RAW_ECDH)},
    {"rsa-sign", SEAL_MECHANISM_RAW_RSA_SIGN, SEAL_ALGORITHM_RSA,
     KIND("raw-rsa-sign", SEAL_PURPOSE_SIGN, SEAL_RAW_RSA)},
    {"rsa-decrypt", SEAL_MECHANISM_RAW_RSA_DECRYPT, SEAL_ALGORITHM_RSA,
     KIND("raw-rsa-decrypt", SEAL_PURPOSE_DECRYPT, SEAL_RAW_RSA)},
};
G_STATIC_ASSERT(G_N_ELEMENTS(operations) == SEAL_RAW_OPERATIONS);

const SealRawOperation *
seal_raw_operation_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
        if (g_str_equal(operations[i].name, name))
            return &operations[i];
    return NULL;
}

static gboolean
is_opened(const SealRawOperation *operation, const SealKeyUseContext *context,
          const SealKeyObject *key, const SealCaller *caller)
{
    const SealPolicyUse *policy_use = &operation->kind.policy_use;

    return check_mechanism(operation, seal_key_object_place(key)->info, NULL) &&
           seal_key_object_serves(key, policy_use->purpose) &&
           seal_key_object_judge(context, key, caller, policy_use).action <= SEAL_POLICY_ASK;
}

void
seal_raw_operations_opened(const SealKeyUseContext *context, const SealKeyObject *key,
                           const SealCaller *caller, const char *ret_names[SEAL_RAW_OPERATIONS + 1])
{
    gsize n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
        if (is_opened(&operations[i], context, key, caller))
            ret_names[n++] = operations[i].name;
    ret_names[n] = NULL;
}

SealKeyUse *
seal_raw_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask, const SealRawAsk *query,
               SealKeyUseFunc done, gpointer user_data)
{
    Raw *raw = g_new0(Raw, 1);

    raw->query = *query;
    return seal_key_use_start(&raw->use, &query->operation->kind, context, ask, done, user_data);
}
