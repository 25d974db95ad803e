/* Commands of any kind and answers of a lying card, through the memory. The first byte of each step
 * chooses the command, the next two how much the card answers. Promised: what is given without the
 * card fits into the room that was asked for, with the status word; what the card is asked for fits
 * into an answer with a short length. */
#include <glib.h>

#include "base/bytes.h"
#include "pkcs11/host/card-memory.h"
#include "tests/fuzz/fuzz.h"

#define PIECE_MAX 256u

static gsize
room_of(guint8 le)
{
    return le > 0 ? le : PIECE_MAX;
}

static void
step(SealCardMemory *memory, SealReader *reader)
{
    static const guint8 objects[] = {0x02, 0x05, 0x0a, 0x07};
    guint8 choice = seal_reader_u8(reader), le = seal_reader_u8(reader);
    gsize len = MIN((gsize)seal_reader_u16(reader) % (PIECE_MAX + 3), reader->left);
    SealBytes answer = seal_reader_bytes(reader, len);
    const guint8 get_data[] = {
        0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1, objects[choice >> 6], le};
    const guint8 get_response[] = {0x00, 0xc0, 0x00, 0x00, le};
    gboolean is_data = (choice & 3) != 0;
    gsize command_len = is_data ? sizeof get_data - ((choice & 3) == 1) : sizeof get_response;
    gsize room = command_len == 10 ? 0 : room_of(le);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GByteArray) given = g_byte_array_new();

    if (choice == 0x04)
        seal_card_memory_pause(memory);
    switch (seal_card_memory_ask(memory, is_data ? get_data : get_response, command_len, out)) {
    case SEAL_CARD_MEMORY_KNOWN:
        g_assert_cmpuint(out->len, >=, 2);
        g_assert_cmpuint(out->len, <=, room + 2);
        break;
    case SEAL_CARD_MEMORY_ASK:
        g_assert_cmpuint(out->len, ==, command_len);
        seal_card_memory_hear(memory, answer.data, answer.len, given);
        g_assert_cmpuint(given->len, <=, MAX(room + 2, answer.len));
        break;
    case SEAL_CARD_MEMORY_PASS:
        g_assert_cmpuint(out->len, ==, 0);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(SealCardMemory) memory = seal_card_memory_new();
    SealReader reader;

    seal_reader_init(&reader, data, size);
    while (reader.left > 0 && !reader.failed)
        step(memory, &reader);
    return 0;
}
