/* Sinks. Each collects a buffer full before it does anything, so that many small pieces (lines,
 * line ends) cost a copy each, and no call of a cipher or of the kernel. */
#include "smime/sink.h"

#include "base/secret.h"

#include <string.h>

void
seal_sink_init(SealSink *sink, void (*take)(SealSink *sink, const uint8_t *data, gsize len))
{
    sink->take = take;
    sink->used = 0;
}

void
seal_sink_put(SealSink *sink, const void *data, gsize len)
{
    const uint8_t *at = data;

    while (len > 0) {
        gsize some = MIN(len, SEAL_SINK_LEN - sink->used);

        memcpy(sink->bytes + sink->used, at, some);
        sink->used += some;
        at += some;
        len -= some;
        if (sink->used < SEAL_SINK_LEN)
            return;
        sink->take(sink, sink->bytes, sink->used);
        sink->used = 0;
    }
}

void
seal_sink_put_text(SealSink *sink, const char *text)
{
    seal_sink_put(sink, text, strlen(text));
}

void
seal_sink_put_bytes(SealSink *sink, GBytes *bytes)
{
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(bytes, &len);

    seal_sink_put(sink, data, len);
}

void
seal_sink_finish(SealSink *sink)
{
    if (sink->used > 0)
        sink->take(sink, sink->bytes, sink->used);
    sink->used = 0;
    seal_wipe(sink->bytes, sizeof sink->bytes);
}

/* -- memory ----------------------------------------------------------------------------------- */

static void
keep(SealSink *sink, const uint8_t *data, gsize len)
{
    seal_put_bytes(((SealMemorySink *)sink)->kept, data, len);
}

void
seal_memory_sink_init(SealMemorySink *memory)
{
    seal_sink_init(&memory->sink, keep);
    memory->kept = g_byte_array_new();
}

GBytes *
seal_memory_sink_finish(SealMemorySink *memory)
{
    seal_sink_finish(&memory->sink);
    return g_byte_array_free_to_bytes(memory->kept);
}

/* -- measures --------------------------------------------------------------------------------- */

static void
measure_some(SealSink *sink, const uint8_t *data, gsize len)
{
    SealMeasureSink *measure = (SealMeasureSink *)sink;

    measure->len += len;
    if (measure->context && EVP_DigestUpdate(measure->context, data, len) != 1)
        g_error("OpenSSL cannot digest");
    if (measure->next)
        seal_sink_put(measure->next, data, len);
}

void
seal_measure_sink_init(SealMeasureSink *measure, const EVP_MD *md, SealSink *next)
{
    seal_sink_init(&measure->sink, measure_some);
    measure->next = next;
    measure->len = 0;
    measure->context = md ? EVP_MD_CTX_new() : NULL;
    if (md && EVP_DigestInit_ex(measure->context, md, NULL) != 1)
        g_error("OpenSSL cannot digest");
}

GBytes *
seal_measure_sink_finish(SealMeasureSink *measure)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;

    seal_sink_finish(&measure->sink);
    if (!measure->context)
        return NULL;
    if (EVP_DigestFinal_ex(measure->context, digest, &digest_len) != 1)
        g_error("OpenSSL cannot digest");
    g_clear_pointer(&measure->context, EVP_MD_CTX_free);
    return g_bytes_new(digest, digest_len);
}

/* -- base64 ----------------------------------------------------------------------------------- */

static void
encode_lines(SealSink *sink, const uint8_t *data, gsize len)
{
    SealBase64Sink *base64 = (SealBase64Sink *)sink;

    for (gsize at = 0; at < len; at += base64->line_len) {
        unsigned char line[80];
        int width = EVP_EncodeBlock(line, data + at, (int)MIN(base64->line_len, len - at));

        memcpy(line + width, "\r\n", 2);
        seal_sink_put(base64->next, line, (gsize)width + 2);
    }
}

void
seal_base64_sink_init(SealBase64Sink *base64, gsize line_len, SealSink *next)
{
    g_assert(line_len == 48 || line_len == 57);
    seal_sink_init(&base64->sink, encode_lines);
    base64->next = next;
    base64->line_len = line_len;
}
