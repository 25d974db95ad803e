/* What a host says of its tokens' objects besides describing them. */
#include "pkcs11/token/token.h"
#include "pkcs11/wire/messages.h"

gboolean
seal_module_on_left_out(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    SealToken *token = NULL;
    g_autofree char *sentence = NULL;

    seal_reader_init(&reader, body.data, body.len);
    token = seal_module_find_token(module, seal_reader_u32(&reader));
    sentence = seal_reader_text(&reader, SEAL_TEXT_MAX);
    return seal_reader_done(&reader) && token && seal_token_add_left_out(token, sentence);
}

gboolean
seal_module_on_key_tried(SealModule *module, const SealFrameHeader *header, SealBytes body)
{
    SealReader reader;
    SealToken *token = NULL;
    guint32 key = 0, fits = 0;

    seal_reader_init(&reader, body.data, body.len);
    token = seal_module_find_token(module, seal_reader_u32(&reader));
    key = seal_reader_u32(&reader);
    fits = seal_reader_u32(&reader);
    if (!seal_reader_done(&reader) || fits > 1)
        return FALSE;
    if (token) /* it may have gone meanwhile */
        seal_module_tell_key_tried(module, token, key, fits);
    return TRUE;
}
