/* Bounded reading and writing of binary structures in host byte order (both ends run on the same
 * machine). A reader remembers its first mistake: check once at the end. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* A window on bytes that somebody else owns. */
typedef struct {
    const uint8_t *data; /* (nullable) when len is 0 */
    size_t len;
} SealBytes;

typedef struct {
    const uint8_t *at;
    size_t left;
    gboolean failed; /* something was read beyond the end; every later read gives zero or empty */
} SealReader;

/* Starts reading `len` bytes at `data` (transfer none; must outlive the reader). */
void seal_reader_init(SealReader *reader, const void *data, size_t len);
uint8_t seal_reader_u8(SealReader *reader);
uint16_t seal_reader_u16(SealReader *reader);
uint32_t seal_reader_u32(SealReader *reader);
uint64_t seal_reader_u64(SealReader *reader);
/* `len` bytes as they stand (transfer none). */
SealBytes seal_reader_bytes(SealReader *reader, size_t len);
/* A u32 length (at most `max`) and as many bytes (transfer none). */
SealBytes seal_reader_sized(SealReader *reader, size_t max);
/* As seal_reader_sized(), as a new NUL-terminated string (transfer full) that is valid UTF-8 and
 * has no NUL inside; NULL after a failure. */
char *seal_reader_text(SealReader *reader, size_t max);
/* TRUE if nothing failed and nothing is left. */
gboolean seal_reader_done(const SealReader *reader);

/* Appends to a GByteArray. Not for secrets. */
void seal_put_u8(GByteArray *out, uint8_t value);
void seal_put_u16(GByteArray *out, uint16_t value);
void seal_put_u32(GByteArray *out, uint32_t value);
void seal_put_u64(GByteArray *out, uint64_t value);
void seal_put_bytes(GByteArray *out, const void *data, size_t len);
void seal_put_sized(GByteArray *out, const void *data, size_t len);
/* `text` (nullable: written as empty). */
void seal_put_text(GByteArray *out, const char *text);
