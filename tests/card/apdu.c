/* The four cases of a command: nothing, Le, Lc and data, both; each with short or extended
 * lengths. */
#include "tests/card/apdu.h"

#define EXTENDED_ROOM 65536u

static guint16
read_big_endian(SealReader *reader)
{
    guint8 high = seal_reader_u8(reader);

    return (guint16)(high << 8 | seal_reader_u8(reader));
}

static void
read_short(SealReader *reader, SealApdu *apdu)
{
    guint8 value = 0;

    if (reader->left > 1)
        apdu->data = seal_reader_bytes(reader, seal_reader_u8(reader));
    if (reader->left == 0)
        return;
    value = seal_reader_u8(reader);
    apdu->room = value > 0 ? value : SEAL_SHORT_ROOM;
}

/* After the zero byte that announces them. */
static void
read_extended(SealReader *reader, SealApdu *apdu)
{
    guint16 value = 0;

    if (reader->left > 2)
        apdu->data = seal_reader_bytes(reader, read_big_endian(reader));
    if (reader->left == 0)
        return;
    value = read_big_endian(reader);
    apdu->room = value > 0 ? value : EXTENDED_ROOM;
}

gboolean
seal_apdu_decode(const void *data, gsize len, SealApdu *ret_apdu)
{
    SealReader reader;
    SealApdu apdu = {0};

    seal_reader_init(&reader, data, len);
    apdu.cla = seal_reader_u8(&reader);
    apdu.ins = seal_reader_u8(&reader);
    apdu.p1 = seal_reader_u8(&reader);
    apdu.p2 = seal_reader_u8(&reader);
    if (reader.left > 2 && reader.at[0] == 0) {
        (void)seal_reader_u8(&reader);
        read_extended(&reader, &apdu);
    } else {
        read_short(&reader, &apdu);
    }
    *ret_apdu = apdu;
    return seal_reader_done(&reader);
}
