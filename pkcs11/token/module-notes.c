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
