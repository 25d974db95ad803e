/* Where bytes go, piece by piece, so that a mail of 100 MB needs no memory of that size. Sinks are
 * chained: what one takes, it changes or looks at and puts into the next. */
#pragma once

#include "base/bytes.h"

#include <glib.h>
#include <openssl/evp.h>

/* Bytes that are handed on at once: whole blocks of every cipher and whole lines of base64, of 57
 * bytes (RFC 2045) and of 48 (PEM), so that no sink carries a rest over. */
#define SEAL_SINK_LEN (54 * 912)

typedef struct SealSink SealSink;
struct SealSink {
    /* Takes SEAL_SINK_LEN bytes, or fewer the last time. */
    void (*take)(SealSink *sink, const uint8_t *data, gsize len);
    gsize used;
    uint8_t bytes[SEAL_SINK_LEN];
};

/* Sets up a sink of one's own, whose first member is a SealSink. */
void seal_sink_init(SealSink *sink, void (*take)(SealSink *sink, const uint8_t *data, gsize len));

/* Puts bytes, a text, or all of a GBytes into it. */
void seal_sink_put(SealSink *sink, const void *data, gsize len);
void seal_sink_put_text(SealSink *sink, const char *text);
void seal_sink_put_bytes(SealSink *sink, GBytes *bytes);

/* Hands on what is left, and wipes the sink: there was plaintext in it. The next one in the chain
 * is finished by its owner. */
void seal_sink_finish(SealSink *sink);

/* Keeps everything in memory. */
typedef struct {
    SealSink sink;
    GByteArray *kept;
} SealMemorySink;
void seal_memory_sink_init(SealMemorySink *memory);
/* Returns (transfer full) all that was put into it. */
GBytes *seal_memory_sink_finish(SealMemorySink *memory);

/* Counts, digests and hands on. */
typedef struct {
    SealSink sink;
    SealSink *next;      /* (nullable) */
    EVP_MD_CTX *context; /* (nullable) */
    gsize len;           /* bytes that passed, right after seal_measure_sink_finish() */
} SealMeasureSink;
/* `md`: (nullable) only count. `next`: (nullable) nowhere. */
void seal_measure_sink_init(SealMeasureSink *measure, const EVP_MD *md, SealSink *next);
/* Returns (transfer full) the digest; NULL where it only counted. */
GBytes *seal_measure_sink_finish(SealMeasureSink *measure);

/* Writes base64 into `next`: lines of `line_len` bytes before encoding (48 or 57), ending in CRLF.
 */
typedef struct {
    SealSink sink;
    SealSink *next;
    gsize line_len;
} SealBase64Sink;
void seal_base64_sink_init(SealBase64Sink *base64, gsize line_len, SealSink *next);
