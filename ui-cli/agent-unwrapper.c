/* A SealUnwrapper over FindKeys and Key.Unwrap: recipients are looked up in the agent's memory, and
 * only a recipient that is ours leads to a prompt. Where a recipient's key is stays known for as
 * long as the command runs; what was prepared is in flight, or waits here until it is asked for. */
#include "ui-cli/agent-unwrapper.h"

#include <unistd.h>

#include "base/bytes.h"
#include "ui-cli/own-memory.h"
#include "ui-cli/progress.h"

struct SealAgentUnwrapper {
    SealUnwrapper unwrapper;
    SealReach *reach;      /* (nullable) until a key is looked for */
    SealOwnMemory *memory; /* (nullable) until it is asked */
    GHashTable *found;     /* (element-type GBytes utf8) recipient to key */
    GPtrArray *prepared;   /* (element-type Prepared) */
    gboolean is_bulk;
};

/* An unwrap that was begun before it was asked for. */
typedef struct {
    char *key;
    GBytes *question; /* all that unwrap() is given */
    gboolean answered;
    SealSecret *secret; /* (nullable) */
    GError *error;      /* (nullable) */
} Prepared;

static void
free_prepared(gpointer data)
{
    Prepared *prepared = data;

    g_free(prepared->key);
    g_bytes_unref(prepared->question);
    seal_secret_free(prepared->secret);
    g_clear_error(&prepared->error);
    g_free(prepared);
}

/* The parts (nullable each), told apart by their lengths. */
static GBytes *
join(GBytes *const *parts, gsize n_parts)
{
    GByteArray *joined = g_byte_array_new();

    for (gsize i = 0; i < n_parts; i++) {
        gsize len = 0;
        gconstpointer data = parts[i] ? g_bytes_get_data(parts[i], &len) : NULL;

        seal_put_sized(joined, data, len);
    }
    return g_byte_array_free_to_bytes(joined);
}

/* -- whose key -------------------------------------------------------------------------------- */

/* A key that several tokens hold is one object, so the first of several different keys is as good
 * as another; one on a token that is present goes first. */
static char *
pick(SealReach *reach, char **paths)
{
    const SealClientObjects *objects = seal_reach_objects(reach, NULL);

    for (char **path = paths; objects && *path; path++) {
        const SealClientKey *key = seal_objects_key(objects, *path);
        const SealClientToken *token = key ? seal_objects_token(objects, key->token) : NULL;

        if (token && !g_str_equal(token->state, "absent"))
            return g_strdup(*path);
    }
    return g_strdup(paths[0]);
}

static GBytes *
name_of(const SealRecipientId *id)
{
    GBytes *const parts[] = {id->issuer, id->serial, id->subject_key_id};

    return join(parts, G_N_ELEMENTS(parts));
}

static char *
ask(SealAgentUnwrapper *self, const SealRecipientId *id, GError **error)
{
    const SealKeyQuery query = {
        .issuer = id->issuer, .serial = id->serial, .subject_key_id = id->subject_key_id};
    g_auto(GStrv) paths = NULL;

    if (!self->reach) {
        self->reach = seal_reach_agent(error);
        if (!self->reach)
            return NULL;
        seal_client_set_bulk(seal_reach_client(self->reach), self->is_bulk);
    }
    {
        g_autoptr(SealProgress) progress = seal_progress_start(FALSE, "waiting for the agent");

        paths = seal_client_find_keys(seal_reach_client(self->reach), &query, error);
    }
    if (!paths || !paths[0])
        return NULL;
    return paths[1] ? pick(self->reach, paths) : g_strdup(paths[0]);
}

static char *
find(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    SealAgentUnwrapper *self = unwrapper->user_data;
    g_autoptr(GBytes) name = name_of(id);
    const char *known = g_hash_table_lookup(self->found, name);
    char *key = known ? g_strdup(known) : ask(self, id, error);

    if (key && !known)
        g_hash_table_insert(self->found, g_steal_pointer(&name), g_strdup(key));
    return key;
}

/* As far as the agent's last list tells. */
static gboolean
asks(const SealUnwrapper *unwrapper, const char *path)
{
    const SealAgentUnwrapper *self = unwrapper->user_data;
    const SealClientObjects *objects = seal_reach_objects(self->reach, NULL);
    const SealClientKey *key = objects ? seal_objects_key(objects, path) : NULL;
    const SealClientToken *token = key ? seal_objects_token(objects, key->token) : NULL;

    return token && (key->always_authenticate || !g_str_equal(token->state, "unlocked"));
}

/* -- unwrapping ------------------------------------------------------------------------------- */

/* The token's name is asked for only where somebody reads it. */
static SealProgress *
start_progress(SealReach *reach, const char *path)
{
    const SealClientObjects *objects =
        isatty(STDERR_FILENO) ? seal_reach_objects(reach, NULL) : NULL;
    const SealClientKey *key = objects ? seal_objects_key(objects, path) : NULL;
    const SealClientToken *token = key ? seal_objects_token(objects, key->token) : NULL;

    if (!token)
        return NULL;
    return seal_progress_start(!g_str_equal(token->state, "unlocked") || key->always_authenticate,
                               "waiting for token '%s' to decrypt with key '%s'", token->label,
                               key->label);
}

static SealUnwrapQuery
query_of(GBytes *key_encryption, GBytes *encrypted_key, const SealUnwrapInput *input)
{
    return (SealUnwrapQuery){.algorithm = key_encryption,
                             .encrypted_key = encrypted_key,
                             .originator = input->originator,
                             .ukm = input->ukm,
                             .content_encryption = input->content_encryption};
}

static GBytes *
question_of(const SealUnwrapQuery *query)
{
    GBytes *const parts[] = {query->algorithm, query->encrypted_key, query->originator, query->ukm,
                             query->content_encryption};

    return join(parts, G_N_ELEMENTS(parts));
}

/* Returns (transfer full) (nullable). */
static Prepared *
take_prepared(SealAgentUnwrapper *self, const char *key, const SealUnwrapQuery *query)
{
    g_autoptr(GBytes) question = question_of(query);

    for (guint i = 0; i < self->prepared->len; i++) {
        const Prepared *prepared = self->prepared->pdata[i];

        if (g_str_equal(prepared->key, key) && g_bytes_equal(prepared->question, question))
            return g_ptr_array_steal_index(self->prepared, i);
    }
    return NULL;
}

/* Waits as a blocking call does: for as long as the agent. */
static SealSecret *
await(const SealAgentUnwrapper *self, Prepared *prepared, GError **error)
{
    SealSecret *secret = NULL;

    while (!prepared->answered) /* a client that fails answers every call */
        seal_client_wait(seal_reach_client(self->reach), -1, NULL);
    secret = g_steal_pointer(&prepared->secret);
    if (!secret)
        g_propagate_error(error, g_steal_pointer(&prepared->error));
    free_prepared(prepared);
    return secret;
}

static SealSecret *
unwrap_now(const SealAgentUnwrapper *self, const char *key, const SealUnwrapQuery *query,
           GError **error)
{
    g_autoptr(SealSessionKey) session_key =
        seal_client_unwrap(seal_reach_client(self->reach), key, query, error);

    return session_key ? seal_secret_new_copy(seal_session_key_data(session_key),
                                              seal_session_key_len(session_key))
                       : NULL;
}

static SealSecret *
unwrap(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
       GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    SealAgentUnwrapper *self = unwrapper->user_data;
    const SealUnwrapQuery query = query_of(key_encryption, encrypted_key, input);
    Prepared *prepared = take_prepared(self, key, &query);
    g_autoptr(SealProgress) progress = start_progress(self->reach, key);
    SealSecret *secret =
        prepared ? await(self, prepared, error) : unwrap_now(self, key, &query, error);

    if (secret)
        seal_reach_objects(self->reach, NULL); /* which notes where this key is now */
    return secret;
}

/* -- preparing -------------------------------------------------------------------------------- */

static void
on_answered(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
            gpointer user_data)
{
    Prepared *prepared = user_data;

    prepared->answered = TRUE;
    if (result)
        prepared->secret = seal_secret_new_copy(result, result_len);
    else
        prepared->error = g_error_copy(error);
}

/* Not with a key that wants its PIN for each use: prompts for mails that nobody opens yet would be
 * in the way. */
static gboolean
may_prepare(const SealAgentUnwrapper *self, const char *path)
{
    const SealClientObjects *objects = seal_reach_objects(self->reach, NULL);
    const SealClientKey *key = objects ? seal_objects_key(objects, path) : NULL;

    return key && !key->always_authenticate;
}

static void
prepare(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
        GBytes *encrypted_key, const SealUnwrapInput *input)
{
    SealAgentUnwrapper *self = unwrapper->user_data;
    const SealUnwrapQuery query = query_of(key_encryption, encrypted_key, input);
    Prepared *prepared = NULL;

    if (!may_prepare(self, key))
        return;
    prepared = g_new0(Prepared, 1);
    prepared->key = g_strdup(key);
    prepared->question = question_of(&query);
    if (seal_client_unwrap_async(seal_reach_client(self->reach), key, &query, on_answered, prepared,
                                 NULL))
        g_ptr_array_add(self->prepared, prepared);
    else
        free_prepared(prepared);
}

static SealSeen *
recall(const SealUnwrapper *unwrapper, const SealRecipientId *id)
{
    SealAgentUnwrapper *self = unwrapper->user_data;

    if (!self->memory)
        self->memory = seal_own_memory_new();
    return seal_own_memory_recall(self->memory, id);
}

SealAgentUnwrapper *
seal_agent_unwrapper_new(void)
{
    SealAgentUnwrapper *unwrapper = g_new0(SealAgentUnwrapper, 1);

    unwrapper->unwrapper.find = find;
    unwrapper->unwrapper.unwrap = unwrap;
    unwrapper->unwrapper.recall = recall;
    unwrapper->unwrapper.prepare = prepare;
    unwrapper->unwrapper.asks = asks;
    unwrapper->unwrapper.user_data = unwrapper;
    unwrapper->found =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
    unwrapper->prepared = g_ptr_array_new_with_free_func(free_prepared);
    return unwrapper;
}

void
seal_agent_unwrapper_expect_many(SealAgentUnwrapper *unwrapper)
{
    unwrapper->is_bulk = TRUE;
}

void
seal_agent_unwrapper_free(SealAgentUnwrapper *unwrapper)
{
    if (!unwrapper)
        return;
    seal_reach_free(unwrapper->reach); /* which answers what is in flight */
    g_ptr_array_unref(unwrapper->prepared);
    g_hash_table_unref(unwrapper->found);
    seal_own_memory_free(unwrapper->memory);
    g_free(unwrapper);
}

const SealUnwrapper *
seal_agent_unwrapper_peek(const SealAgentUnwrapper *unwrapper)
{
    return &unwrapper->unwrapper;
}
