/* Between the agent's list and the table of pki/own.c. */
#include "ui-cli/own-memory.h"

#include "pki/certificate.h"
#include "pki/own.h"

struct SealOwnMemory {
    GPtrArray *list; /* (nullable) (element-type SealOwn) */
};

static void
free_own(gpointer own)
{
    seal_own_free(own);
}

static SealDatabase *
open_database(void)
{
    g_autofree char *path = seal_database_user_path();

    return seal_database_open(path, NULL);
}

/* -- noting ----------------------------------------------------------------------------------- */

/* The token, if it is there, on which the certificate's key is. */
static const SealClientToken *
token_of(const SealClientObjects *objects, const SealClientCertificate *certificate)
{
    const SealClientKey *key = seal_objects_key(objects, certificate->key);
    const SealClientToken *token = key ? seal_objects_token(objects, key->token) : NULL;

    return token && !g_str_equal(token->state, "absent") ? token : NULL;
}

void
seal_own_memory_note(const SealClientObjects *objects)
{
    g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(free_own);
    g_autoptr(SealDatabase) database = NULL;

    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];
        const SealClientToken *token = token_of(objects, certificate);
        SealOwn *own = NULL;

        if (!token)
            continue;
        own = g_new0(SealOwn, 1);
        own->certificate = g_bytes_ref(certificate->certificate);
        own->token = g_strdup(token->label);
        own->token_serial = g_strdup(token->serial);
        g_ptr_array_add(seen, own);
    }
    if (seen->len > 0)
        database = open_database();
    if (database)
        seal_own_note(database, seen, g_get_real_time() / G_USEC_PER_SEC, NULL);
}

/* -- recalling -------------------------------------------------------------------------------- */

SealOwnMemory *
seal_own_memory_new(void)
{
    g_autoptr(SealDatabase) database = open_database();
    SealOwnMemory *memory = g_new0(SealOwnMemory, 1);

    if (database)
        memory->list = seal_own_list(database, NULL);
    return memory;
}

void
seal_own_memory_free(SealOwnMemory *memory)
{
    if (!memory)
        return;
    g_clear_pointer(&memory->list, g_ptr_array_unref);
    g_free(memory);
}

SealSeen *
seal_own_memory_recall(const SealOwnMemory *memory, const SealRecipientId *id)
{
    const SealOwn *own = NULL;
    g_autoptr(X509) certificate = NULL;
    SealSeen *seen = NULL;

    if (memory->list)
        own = seal_own_find(memory->list, id->issuer, id->serial, id->subject_key_id);
    if (!own)
        return NULL;
    certificate = seal_certificate_read(own->certificate, "it", NULL);
    seen = g_new0(SealSeen, 1);
    seen->subject = seal_certificate_subject(certificate);
    seen->token = g_strdup(own->token);
    seen->token_serial = g_strdup(own->token_serial);
    seen->last_seen = own->last_seen;
    return seen;
}
