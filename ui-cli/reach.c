/* Reaching the agent from a command. */
#include "ui-cli/reach.h"

#include "ui-cli/own-memory.h"
#include "ui-cli/progress.h"
#include "ui-cli/stop.h"

struct SealReach {
    SealClient *client;
    SealClientObjects *objects; /* (nullable) until asked for */
};

SealReach *
seal_reach_agent(GError **error)
{
    SealReach *reach = NULL;
    SealClient *client = NULL;

    if (!seal_stop_check(error))
        return NULL;
    client = seal_client_new_unconnected(error);
    if (!client)
        return NULL;
    seal_stop_set_client(client);
    reach = g_new0(SealReach, 1);
    reach->client = client;
    return reach;
}

void
seal_reach_free(SealReach *reach)
{
    if (!reach)
        return;
    seal_stop_set_client(NULL);
    seal_client_objects_free(reach->objects);
    seal_client_free(reach->client);
    g_free(reach);
}

SealClient *
seal_reach_client(SealReach *reach)
{
    return reach->client;
}

static const SealClientObjects *
list(SealReach *reach, gboolean rescan, GError **error)
{
    g_autoptr(SealProgress) progress = seal_progress_start(
        FALSE, rescan ? "waiting for the agent: it looks for tokens"
                      : "waiting for the agent: it starts and reads the tokens");

    reach->objects = seal_client_list(reach->client, rescan, error);
    if (reach->objects)
        seal_own_memory_note(reach->objects);
    return reach->objects;
}

const SealClientObjects *
seal_reach_objects(SealReach *reach, GError **error)
{
    return reach->objects ? reach->objects : list(reach, FALSE, error);
}

const SealClientObjects *
seal_reach_rescan(SealReach *reach, GError **error)
{
    g_clear_pointer(&reach->objects, seal_client_objects_free);
    return list(reach, TRUE, error);
}

const SealClientToken *
seal_objects_token(const SealClientObjects *objects, const char *path)
{
    for (guint i = 0; i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];

        if (g_strcmp0(token->path, path) == 0)
            return token;
    }
    return NULL;
}

const SealClientKey *
seal_objects_key(const SealClientObjects *objects, const char *path)
{
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (g_strcmp0(key->path, path) == 0)
            return key;
    }
    return NULL;
}

const SealClientCertificate *
seal_objects_certificate(const SealClientObjects *objects, const char *path)
{
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];

        if (g_strcmp0(certificate->path, path) == 0)
            return certificate;
    }
    return NULL;
}
