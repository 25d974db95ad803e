/* A SealUnwrapper over FindKeys and Key.Unwrap: recipients are looked up in the agent's memory, and
 * only a recipient that is ours leads to a prompt. */
#include "ui-cli/agent-unwrapper.h"

#include <unistd.h>

#include "ui-cli/own-memory.h"
#include "ui-cli/progress.h"

struct SealAgentUnwrapper {
    SealUnwrapper unwrapper;
    SealReach *reach;      /* (nullable) until a key is looked for */
    SealOwnMemory *memory; /* (nullable) until it is asked */
};

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

static char *
find(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    SealAgentUnwrapper *self = unwrapper->user_data;
    const SealKeyQuery query = {
        .issuer = id->issuer, .serial = id->serial, .subject_key_id = id->subject_key_id};
    g_auto(GStrv) paths = NULL;

    if (!self->reach)
        self->reach = seal_reach_agent(error);
    if (!self->reach)
        return NULL;
    {
        g_autoptr(SealProgress) progress = seal_progress_start(FALSE, "waiting for the agent");

        paths = seal_client_find_keys(seal_reach_client(self->reach), &query, error);
    }
    if (!paths || !paths[0])
        return NULL;
    return paths[1] ? pick(self->reach, paths) : g_strdup(paths[0]);
}

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

static SealSecret *
unwrap(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
       GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    const SealAgentUnwrapper *self = unwrapper->user_data;
    const SealUnwrapQuery query = {.algorithm = key_encryption,
                                   .encrypted_key = encrypted_key,
                                   .originator = input->originator,
                                   .ukm = input->ukm,
                                   .content_encryption = input->content_encryption};
    g_autoptr(SealProgress) progress = start_progress(self->reach, key);
    g_autoptr(SealSessionKey) session_key =
        seal_client_unwrap(seal_reach_client(self->reach), key, &query, error);

    if (!session_key)
        return NULL;
    seal_reach_objects(self->reach, NULL); /* which notes where this key is now */
    return seal_secret_new_copy(seal_session_key_data(session_key),
                                seal_session_key_len(session_key));
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
    unwrapper->unwrapper.user_data = unwrapper;
    return unwrapper;
}

void
seal_agent_unwrapper_free(SealAgentUnwrapper *unwrapper)
{
    if (!unwrapper)
        return;
    seal_reach_free(unwrapper->reach);
    seal_own_memory_free(unwrapper->memory);
    g_free(unwrapper);
}

const SealUnwrapper *
seal_agent_unwrapper_peek(const SealAgentUnwrapper *unwrapper)
{
    return &unwrapper->unwrapper;
}
