/* OpenSC reads every certificate of a PIV card whenever it is put in: a look at the object's
 * length, then the object from its beginning, 256 bytes a command. Here the look asks for the first
 * 256 bytes at once, which the reading then needs no more; and where these say that the object is
 * one that is known, the rest comes from memory. So a certificate costs one command, whatever its
 * length.
 *
 * Nothing is shown that the card does not have. Within one transaction, in which nobody else has
 * the card, it must have told the same card holder's id (CHUID: FASC-N, GUID, expiry) and the same
 * first bytes, in which stand the object's length and the certificate's serial number, issuer and
 * validity, whole. Issuer and serial number are how mail itself names a certificate (RFC 5652
 * 10.2.4): no issuer uses one twice (RFC 5280 4.1.2.2). A serial number of fewer than 64 bits, as
 * certificates made by hand have, is not trusted for that, nor what has no room in the first 256
 * bytes or is compressed: it is compared with as many bytes as it takes, or read whole.
 *
 * PIV has no command that reads the end of an object, and no digest of certificates: more cannot be
 * compared for less. Where a card yet lied, its key would not fit, and each signature is verified.
 *
 * Personal data of other objects (photograph, fingerprints) is not kept. */
#include "pkcs11/host/card-memory.h"

#include <string.h>

#include "base/bytes.h"

/* ISO 7816-4. */
#define INS_GET_RESPONSE 0xc0
#define SW_DONE          0x9000
#define SW1_MORE         0x61
#define PIECE_MAX        256u /* of an answer with a short length */

/* Objects by the last byte of their tag 5FC1xx (SP 800-73-4 part 1, table 3). */
#define OBJECT_CARD_HOLDER   0x02
#define OBJECT_RETIRED_FIRST 0x0d
#define OBJECT_RETIRED_LAST  0x20

/* Certificates have some 2 KiB. */
#define OBJECT_MAX (16u * 1024u)
/* Two cards of 24 keys each that take turns. */
#define KNOWN_MAX  64u
#define SERIAL_MIN 8u /* bytes */

typedef struct {
    guint8 object;
    GBytes *holder; /* (nullable) whole CHUID of its card; NULL for a CHUID itself */
    GBytes *bytes;
} Known;

/* An object on its way to whoever reads it. */
typedef struct {
    guint8 object;
    GByteArray *bytes; /* what the card has told; with the rest out of memory if it is known */
    gboolean is_whole;
    gsize given;
    guint8 more; /* second byte of the card's last "more is to come" */
    gsize room;  /* for the answer that is due */
} Reading;

struct SealCardMemory {
    GQueue known;     /* of Known, the one used last at the end */
    Reading *reading; /* (nullable) */
    GBytes *holder;   /* (nullable) CHUID that this card has told */
};

/* -- lifecycle ------------------------------------------------------------------------------------
 */

static void
known_free(Known *known)
{
    g_clear_pointer(&known->holder, g_bytes_unref);
    g_bytes_unref(known->bytes);
    g_free(known);
}

static void
reading_free(Reading *reading)
{
    g_byte_array_unref(reading->bytes);
    g_free(reading);
}

SealCardMemory *
seal_card_memory_new(void)
{
    SealCardMemory *memory = g_new0(SealCardMemory, 1);

    g_queue_init(&memory->known);
    return memory;
}

void
seal_card_memory_pause(SealCardMemory *memory)
{
    g_clear_pointer(&memory->reading, reading_free);
    g_clear_pointer(&memory->holder, g_bytes_unref);
}

void
seal_card_memory_free(SealCardMemory *memory)
{
    if (!memory)
        return;
    seal_card_memory_pause(memory);
    g_queue_clear_full(&memory->known, (GDestroyNotify)known_free);
    g_free(memory);
}

/* -- what the first bytes say ---------------------------------------------------------------------
 */

static gboolean
is_certificate(guint8 object)
{
    return object == 0x01 || object == 0x05 || object == 0x0a || object == 0x0b ||
           (object >= OBJECT_RETIRED_FIRST && object <= OBJECT_RETIRED_LAST);
}

/* Takes a tag of one byte and a length off `reader`; fails for another tag. */
static gsize
enter(SealReader *reader, guint8 tag)
{
    guint8 first = 0;
    gsize len = 0;

    if (seal_reader_u8(reader) != tag)
        reader->failed = TRUE;
    first = seal_reader_u8(reader);
    if (first < 0x80)
        return first;
    if (first < 0x81 || first > 0x82)
        reader->failed = TRUE;
    for (guint8 i = 0x80; i < first && !reader->failed; i++)
        len = len << 8 | seal_reader_u8(reader);
    return len;
}

static gsize
skip(SealReader *reader, guint8 tag)
{
    return seal_reader_bytes(reader, enter(reader, tag)).len;
}

/* TRUE if the certificate's serial number, issuer and validity are there (RFC 5280 4.1). */
static gboolean
names_certificate(SealReader *reader)
{
    gsize serial_len = 0;

    (void)enter(reader, 0x70); /* tag of SP 800-73-4 part 1, table 10 */
    (void)enter(reader, 0x30); /* Certificate */
    (void)enter(reader, 0x30); /* TBSCertificate */
    if (reader->left > 0 && *reader->at == 0xa0)
        (void)skip(reader, 0xa0); /* version */
    serial_len = skip(reader, 0x02);
    (void)skip(reader, 0x30); /* algorithm */
    (void)skip(reader, 0x30); /* issuer */
    (void)skip(reader, 0x30); /* validity */
    return !reader->failed && serial_len >= SERIAL_MIN;
}

/* TRUE if FASC-N, GUID and the date of expiry are there (SP 800-73-4 part 1, table 9). */
static gboolean
names_holder(SealReader *reader)
{
    gboolean has_guid = FALSE;

    while (!reader->failed && reader->left > 0) {
        guint8 tag = *reader->at;
        gsize len = skip(reader, tag);

        has_guid |= tag == 0x34 && len > 0;
        if (tag == 0x35)
            return !reader->failed && has_guid;
    }
    return FALSE;
}

static gboolean
says_which(guint8 object, const GByteArray *bytes)
{
    SealReader reader;

    seal_reader_init(&reader, bytes->data, bytes->len);
    (void)enter(&reader, 0x53);
    return object == OBJECT_CARD_HOLDER ? names_holder(&reader) : names_certificate(&reader);
}

/* TRUE if the object has the length that it says. */
static gboolean
is_well_formed(const GByteArray *bytes)
{
    SealReader reader;
    gsize len = 0;

    seal_reader_init(&reader, bytes->data, bytes->len);
    len = enter(&reader, 0x53);
    return !reader.failed && reader.left == len;
}

/* -- remembering ----------------------------------------------------------------------------------
 */

static gboolean
is_of_holder(const SealCardMemory *memory, const Known *known)
{
    if (known->object == OBJECT_CARD_HOLDER)
        return TRUE;
    return memory->holder && g_bytes_equal(known->holder, memory->holder);
}

/* Completes an object that is known. */
static void
recall(SealCardMemory *memory, Reading *reading)
{
    const guint have = reading->bytes->len;

    if (!says_which(reading->object, reading->bytes))
        return;
    for (GList *link = memory->known.tail; link; link = link->prev) {
        const Known *known = link->data;
        gsize len = 0;
        const guint8 *data = g_bytes_get_data(known->bytes, &len);

        if (known->object != reading->object || !is_of_holder(memory, known) || len < have ||
            memcmp(data, reading->bytes->data, have) != 0)
            continue;
        g_byte_array_append(reading->bytes, data + have, (guint)(len - have));
        reading->is_whole = TRUE;
        return;
    }
}

/* An object that `bytes` takes the place of: the same slot's on the same card. */
static void
forget_former(SealCardMemory *memory, guint8 object, GBytes *bytes)
{
    for (GList *link = memory->known.head; link; link = link->next) {
        Known *known = link->data;

        if (known->object != object || !is_of_holder(memory, known) ||
            (object == OBJECT_CARD_HOLDER && !g_bytes_equal(known->bytes, bytes)))
            continue;
        known_free(known);
        g_queue_delete_link(&memory->known, link);
        return;
    }
}

static void
remember(SealCardMemory *memory, guint8 object, GBytes *bytes)
{
    Known *known = g_new0(Known, 1);

    forget_former(memory, object, bytes);
    known->object = object;
    known->holder = object == OBJECT_CARD_HOLDER ? NULL : g_bytes_ref(memory->holder);
    known->bytes = g_bytes_ref(bytes);
    g_queue_push_tail(&memory->known, known);
    if (memory->known.length > KNOWN_MAX)
        known_free(g_queue_pop_head(&memory->known));
}

/* The whole object is there. */
static void
keep(SealCardMemory *memory, const Reading *reading)
{
    gboolean is_holder = reading->object == OBJECT_CARD_HOLDER;
    g_autoptr(GBytes) bytes = NULL;

    if (!is_well_formed(reading->bytes) || !says_which(reading->object, reading->bytes))
        return;
    bytes = g_bytes_new(reading->bytes->data, reading->bytes->len);
    if (is_holder || (is_certificate(reading->object) && memory->holder))
        remember(memory, reading->object, bytes);
    if (is_holder) {
        g_clear_pointer(&memory->holder, g_bytes_unref);
        memory->holder = g_steal_pointer(&bytes);
    }
}

/* -- reading --------------------------------------------------------------------------------------
 */

/* GET DATA of an object 5FC1xx, with a length for the answer (T=1) or without (T=0). */
static gboolean
is_get_data(const guint8 *command, gsize len)
{
    static const guint8 start[] = {0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1};

    return (len == sizeof start + 1 || len == sizeof start + 2) &&
           memcmp(command, start, sizeof start) == 0;
}

static gboolean
is_get_response(const guint8 *command, gsize len)
{
    return len == 5 && command[0] == 0x00 && command[1] == INS_GET_RESPONSE && command[2] == 0 &&
           command[3] == 0;
}

static gsize
room_of(guint8 le)
{
    return le > 0 ? le : PIECE_MAX;
}

/* Answers with what is there, as a card does. */
static void
give(SealCardMemory *memory, GByteArray *out)
{
    Reading *reading = memory->reading;
    gsize len = MIN(reading->bytes->len - reading->given, reading->room);
    gsize left = reading->bytes->len - reading->given - len;

    seal_put_bytes(out, reading->bytes->data + reading->given, len);
    reading->given += len;
    if (left == 0 && reading->is_whole) {
        seal_put_bytes(out, (const guint8[]){SW_DONE >> 8, SW_DONE & 0xff}, 2);
        g_clear_pointer(&memory->reading, reading_free);
        return;
    }
    seal_put_u8(out, SW1_MORE);
    seal_put_u8(out, left == 0 ? reading->more : left < PIECE_MAX ? (guint8)left : 0);
}

static SealCardMemoryStep
ask_object(SealCardMemory *memory, const guint8 *command, gsize len, GByteArray *out)
{
    guint8 object = command[9];
    gboolean has_room = len == 11;
    Reading *reading = memory->reading;

    if (reading && reading->object == object && reading->bytes->len > 0) {
        /* a look went before, and the card has not done anything else since */
        reading->given = 0;
        reading->room = has_room ? room_of(command[10]) : 0;
        give(memory, out);
        return SEAL_CARD_MEMORY_KNOWN;
    }
    g_clear_pointer(&memory->reading, reading_free);
    memory->reading = reading = g_new0(Reading, 1);
    reading->object = object;
    reading->bytes = g_byte_array_new();
    reading->room = has_room ? room_of(command[10]) : 0;
    seal_put_bytes(out, command, 10);
    if (has_room)
        seal_put_u8(out, 0);
    return SEAL_CARD_MEMORY_ASK;
}

static SealCardMemoryStep
ask_rest(SealCardMemory *memory, const guint8 *command, GByteArray *out)
{
    Reading *reading = memory->reading;

    reading->room = room_of(command[4]);
    if (reading->given < reading->bytes->len) {
        give(memory, out);
        return SEAL_CARD_MEMORY_KNOWN;
    }
    seal_put_bytes(out, command, 4);
    seal_put_u8(out, reading->bytes->len == 0 ? reading->more : command[4]);
    return SEAL_CARD_MEMORY_ASK;
}

SealCardMemoryStep
seal_card_memory_ask(SealCardMemory *memory, const guint8 *command, gsize len, GByteArray *out)
{
    if (is_get_data(command, len))
        return ask_object(memory, command, len, out);
    if (memory->reading && is_get_response(command, len))
        return ask_rest(memory, command, out);
    g_clear_pointer(&memory->reading, reading_free);
    return SEAL_CARD_MEMORY_PASS;
}

void
seal_card_memory_hear(SealCardMemory *memory, const guint8 *answer, gsize len, GByteArray *out)
{
    Reading *reading = memory->reading;
    gsize data_len = len >= 2 ? len - 2 : 0;
    gboolean has_more = len >= 2 && answer[data_len] == SW1_MORE;
    gboolean is_done = len >= 2 && (answer[data_len] << 8 | answer[data_len + 1]) == SW_DONE;

    if (!reading || !(has_more || is_done) || reading->bytes->len + data_len > OBJECT_MAX) {
        g_clear_pointer(&memory->reading, reading_free);
        seal_put_bytes(out, answer, len);
        return;
    }
    g_byte_array_append(reading->bytes, answer, (guint)data_len);
    reading->is_whole = is_done;
    reading->more = has_more ? answer[data_len + 1] : 0;
    if (has_more && data_len > 0)
        recall(memory, reading);
    if (reading->is_whole)
        keep(memory, reading);
    give(memory, out);
}
