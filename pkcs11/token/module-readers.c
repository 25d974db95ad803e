/* The readers of a module whose host only tells of them, and what of a configuration a module
 * keeps. */
#include "pkcs11/token/token.h"

/* More than PC/SC knows. */
#define READERS_MAX     64u
#define READER_NAME_MAX 256u

gboolean
seal_module_on_readers(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    SealReader reader;
    guint32 n = 0;

    seal_reader_init(&reader, body.data, body.len);
    n = seal_reader_u32(&reader);
    for (guint32 i = 0; i < n && i < READERS_MAX && !reader.failed; i++)
        g_ptr_array_add(names, seal_reader_text(&reader, READER_NAME_MAX));
    if (!seal_reader_done(&reader))
        return FALSE;
    seal_module_tell_readers(module, names);
    return TRUE;
}

void
seal_module_config_copy(const SealModuleConfig *config, SealModuleConfig *ret_copy)
{
    *ret_copy = *config;
    ret_copy->name = g_strdup(config->name);
    ret_copy->path = g_strdup(config->path);
    ret_copy->host_program = g_strdup(config->host_program);
    ret_copy->reader = g_strdup(config->reader);
}

void
seal_module_config_clear(SealModuleConfig *config)
{
    seal_wipe(config->rejection_secret, sizeof config->rejection_secret);
    g_free(config->name);
    g_free(config->path);
    g_free(config->host_program);
    g_free(config->reader);
}
