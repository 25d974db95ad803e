/* Bounded readers and writers. A reader that runs out stays failed and yields zeroes, so that a
 * decoder reads straight down and asks seal_reader_done() once, before it believes anything. */
#include "base/bytes.h"

#include <string.h>

void
seal_reader_init(SealReader *reader, const void *data, size_t len)
{
    reader->at = data;
    reader->left = len;
    reader->failed = FALSE;
}

static const uint8_t *
take(SealReader *reader, size_t len)
{
    const uint8_t *here = reader->at;

    if (reader->failed || len > reader->left) {
        reader->failed = TRUE;
        return NULL;
    }
    reader->at += len;
    reader->left -= len;
    return here;
}

static void
take_into(SealReader *reader, void *value, size_t len)
{
    const uint8_t *from = take(reader, len);

    if (from)
        memcpy(value, from, len);
}

uint8_t
seal_reader_u8(SealReader *reader)
{
    uint8_t value = 0;

    take_into(reader, &value, sizeof value);
    return value;
}

uint16_t
seal_reader_u16(SealReader *reader)
{
    uint16_t value = 0;

    take_into(reader, &value, sizeof value);
    return value;
}

uint32_t
seal_reader_u32(SealReader *reader)
{
    uint32_t value = 0;

    take_into(reader, &value, sizeof value);
    return value;
}

uint64_t
seal_reader_u64(SealReader *reader)
{
    uint64_t value = 0;

    take_into(reader, &value, sizeof value);
    return value;
}

SealBytes
seal_reader_bytes(SealReader *reader, size_t len)
{
    const uint8_t *from = take(reader, len);

    return (SealBytes){from, from ? len : 0};
}

SealBytes
seal_reader_sized(SealReader *reader, size_t max)
{
    uint32_t len = seal_reader_u32(reader);

    if (len > max)
        reader->failed = TRUE;
    return seal_reader_bytes(reader, len);
}

char *
seal_reader_text(SealReader *reader, size_t max)
{
    SealBytes bytes = seal_reader_sized(reader, max);

    if (reader->failed)
        return NULL;
    if (bytes.len > 0 && !g_utf8_validate_len((const char *)bytes.data, bytes.len, NULL)) {
        reader->failed = TRUE;
        return NULL;
    }
    return bytes.len > 0 ? g_strndup((const char *)bytes.data, bytes.len) : g_strdup("");
}

gboolean
seal_reader_done(const SealReader *reader)
{
    return !reader->failed && reader->left == 0;
}

void
seal_put_bytes(GByteArray *out, const void *data, size_t len)
{
    if (len > 0)
        g_byte_array_append(out, data, (guint)len);
}

void
seal_put_u8(GByteArray *out, uint8_t value)
{
    seal_put_bytes(out, &value, sizeof value);
}

void
seal_put_u16(GByteArray *out, uint16_t value)
{
    seal_put_bytes(out, &value, sizeof value);
}

void
seal_put_u32(GByteArray *out, uint32_t value)
{
    seal_put_bytes(out, &value, sizeof value);
}

void
seal_put_u64(GByteArray *out, uint64_t value)
{
    seal_put_bytes(out, &value, sizeof value);
}

void
seal_put_sized(GByteArray *out, const void *data, size_t len)
{
    seal_put_u32(out, (uint32_t)len);
    seal_put_bytes(out, data, len);
}

void
seal_put_text(GByteArray *out, const char *text)
{
    seal_put_sized(out, text, text ? strlen(text) : 0);
}
