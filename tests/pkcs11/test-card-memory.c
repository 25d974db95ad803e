/* The memory between a reader of PIV objects, which asks as OpenSC 0.23 does, and a card of a few
 * lines that counts. Certificates are made by OpenSSL; whatever the memory does, the reader must
 * get what the card has. */
#include "pkcs11/host/card-memory.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/pki/authority.h"

#define HOLDER         0x02
#define AUTHENTICATION 0x05
#define SIGNATURE      0x0a
#define PIECE_MAX      256u

typedef struct {
    GBytes *objects[256]; /* by the last byte of their tag */
    GByteArray *rest;     /* of an answer */
    guint n_commands;
    gboolean is_t0; /* an answer's data come by GET RESPONSE only */
} Card;

typedef struct {
    Card card;
    SealCardMemory *memory;
} Scene;

/* -- the card -------------------------------------------------------------------------------------
 */

static void
put_length(GByteArray *out, guint8 tag, gsize len)
{
    seal_put_u8(out, tag);
    seal_put_u8(out, 0x82);
    seal_put_u8(out, (guint8)(len >> 8));
    seal_put_u8(out, (guint8)len);
}

/* `der` as a container has it (SP 800-73-4 part 1, table 10), `info` 1 if it is compressed. */
static void
put_certificate(Card *card, guint8 object, GBytes *der, guint8 info)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(der, &len);
    const guint8 end[] = {0x71, 0x01, info, 0xfe, 0x00};
    GByteArray *out = g_byte_array_new();

    put_length(out, 0x53, len + 4 + sizeof end);
    put_length(out, 0x70, len);
    seal_put_bytes(out, data, len);
    seal_put_bytes(out, end, sizeof end);
    g_clear_pointer(&card->objects[object], g_bytes_unref);
    card->objects[object] = g_byte_array_free_to_bytes(out);
}

/* FASC-N, GUID, expiry and an issuer's signature, which makes it long. */
static void
put_holder(Card *card, guint8 guid)
{
    guint8 fasc_n[25] = {0}, id[16], signature[400] = {0};
    GByteArray *out = g_byte_array_new();

    memset(id, guid, sizeof id);
    put_length(out, 0x53, 2 + sizeof fasc_n + 2 + sizeof id + 2 + 8 + 4 + sizeof signature);
    seal_put_bytes(out, (const guint8[]){0x30, sizeof fasc_n}, 2);
    seal_put_bytes(out, fasc_n, sizeof fasc_n);
    seal_put_bytes(out, (const guint8[]){0x34, sizeof id}, 2);
    seal_put_bytes(out, id, sizeof id);
    seal_put_bytes(out,
                   "\x35\x08"
                   "20401231",
                   10);
    put_length(out, 0x3e, sizeof signature);
    seal_put_bytes(out, signature, sizeof signature);
    g_clear_pointer(&card->objects[HOLDER], g_bytes_unref);
    card->objects[HOLDER] = g_byte_array_free_to_bytes(out);
}

static void
fetch(Card *card, gsize room, GByteArray *out)
{
    guint len = (guint)MIN(card->rest->len, room);

    g_byte_array_append(out, card->rest->data, len);
    g_byte_array_remove_range(card->rest, 0, len);
    seal_put_u8(out, card->rest->len > 0 ? 0x61 : 0x90);
    seal_put_u8(out, card->rest->len < PIECE_MAX ? (guint8)card->rest->len : 0);
}

static void
carry_out(Card *card, const guint8 *command, gsize len, GByteArray *out)
{
    guint8 le = len == 11 ? command[10] : len == 5 ? command[4] : 0;
    gsize room = card->is_t0 && len > 5 ? 0 : le > 0 ? le : PIECE_MAX;

    card->n_commands++;
    if (command[1] == 0xc0 && card->rest->len > 0) {
        fetch(card, room, out);
    } else if (command[1] == 0xcb && card->objects[command[9]]) {
        gsize object_len = 0;
        const guint8 *object = g_bytes_get_data(card->objects[command[9]], &object_len);

        g_byte_array_set_size(card->rest, 0);
        seal_put_bytes(card->rest, object, object_len);
        fetch(card, room, out);
    } else {
        seal_put_bytes(out, "\x6a\x82", 2);
    }
}

/* -- who reads it ---------------------------------------------------------------------------------
 */

/* One command through the memory. Returns the answer (transfer full). */
static GByteArray *
transmit(Scene *scene, const guint8 *command, gsize len)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(GByteArray) told = g_byte_array_new();
    g_autoptr(GByteArray) sent = NULL;

    switch (seal_card_memory_ask(scene->memory, command, len, out)) {
    case SEAL_CARD_MEMORY_KNOWN:
        return out;
    case SEAL_CARD_MEMORY_PASS:
        carry_out(&scene->card, command, len, out);
        return out;
    case SEAL_CARD_MEMORY_ASK:
        break;
    }
    sent = out;
    carry_out(&scene->card, sent->data, sent->len, told);
    out = g_byte_array_new();
    seal_card_memory_hear(scene->memory, told->data, told->len, out);
    return out;
}

/* GET DATA and what it takes to get `room` bytes. Returns them with the last status word (transfer
 * full). */
static GByteArray *
get_data(Scene *scene, guint8 object, gsize room)
{
    guint8 command[] = {0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1, object, (guint8)room};
    g_autoptr(GByteArray) answer =
        transmit(scene, command, sizeof command - (scene->card.is_t0 ? 1 : 0));
    GByteArray *all = g_byte_array_new();

    for (;;) {
        guint data_len = answer->len - 2;
        guint8 le = answer->data[data_len + 1];
        guint8 more[] = {0x00, 0xc0, 0x00, 0x00, 0};

        g_byte_array_append(all, answer->data, data_len);
        if (answer->data[data_len] != 0x61 || all->len >= room) {
            g_byte_array_append(all, answer->data + data_len, 2);
            return all;
        }
        more[4] = room - all->len < PIECE_MAX && (le == 0 || room - all->len < le)
                      ? (guint8)(room - all->len)
                      : le;
        g_byte_array_unref(answer);
        answer = transmit(scene, more, sizeof more);
    }
}

/* A look at the length, then the whole. Returns how many commands the card had for that. */
static guint
read_object(Scene *scene, guint8 object)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(scene->card.objects[object], &len);
    g_autoptr(GByteArray) look = NULL, all = NULL;
    guint before = scene->card.n_commands;

    look = get_data(scene, object, 8);
    g_assert_cmpmem(look->data, look->len - 2, data, MIN(len, 8));
    g_assert_cmphex(look->data[look->len - 2], ==, 0x61);
    all = get_data(scene, object, G_MAXUINT16);
    g_assert_cmpmem(all->data, all->len - 2, data, len);
    g_assert_cmphex(all->data[all->len - 2], ==, 0x90);
    return scene->card.n_commands - before;
}

/* As a card is read that was put in: its holder, then two certificates. Returns the commands for
 * these two. */
static guint
read_card(Scene *scene)
{
    guint n = 0;

    seal_card_memory_pause(scene->memory);
    (void)read_object(scene, HOLDER);
    n = read_object(scene, AUTHENTICATION) + read_object(scene, SIGNATURE);
    seal_card_memory_pause(scene->memory);
    return n;
}

/* What it takes by pieces alone. */
static guint
pieces(Scene *scene, guint8 object)
{
    return ((guint)g_bytes_get_size(scene->card.objects[object]) + PIECE_MAX - 1) / PIECE_MAX;
}

static guint
whole_card(Scene *scene)
{
    return pieces(scene, AUTHENTICATION) + pieces(scene, SIGNATURE);
}

/* -- the scene ------------------------------------------------------------------------------------
 */

/* As long as that of an RSA key (which takes long to make), self-signed (transfer full). `serial`
 * 0: a random one of ten bytes. */
static GBytes *
certificate(const TestSpec *spec, long serial)
{
    g_autofree char *comment = g_strnfill(400, '.');
    g_autofree char *extension = g_strconcat("nsComment=", comment, NULL);
    TestSpec longer = *spec;
    g_autoptr(TestIdentity) identity = NULL;
    guint8 bytes[10];
    BIGNUM *number = NULL;

    longer.extensions[0] = extension;
    identity = test_identity_new(&longer, NULL);
    (void)RAND_bytes(bytes, sizeof bytes);
    bytes[0] = 0x40; /* no sign, no zero */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    if (serial > 0)
        (void)ASN1_INTEGER_set(X509_get_serialNumber(identity->certificate), serial);
    else
        (void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(identity->certificate));
    BN_free(number);
    g_assert_cmpint(X509_sign(identity->certificate, identity->key, EVP_sha256()), >, 0);
    return test_identity_der(identity);
}

static void
put_new_certificate(Scene *scene, guint8 object, long serial)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(GBytes) der = certificate(&spec, serial);

    put_certificate(&scene->card, object, der, 0);
}

static void
set_up(Scene *scene, gconstpointer data)
{
    scene->memory = seal_card_memory_new();
    scene->card.rest = g_byte_array_new();
    scene->card.is_t0 = GPOINTER_TO_INT(data);
    put_holder(&scene->card, 1);
    put_new_certificate(scene, AUTHENTICATION, 0);
    put_new_certificate(scene, SIGNATURE, 0);
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scene->card.objects); i++)
        g_clear_pointer(&scene->card.objects[i], g_bytes_unref);
    g_byte_array_unref(scene->card.rest);
    seal_card_memory_free(scene->memory);
}

/* -- tests ----------------------------------------------------------------------------------------
 */

static void
first_reading_asks_for_no_byte_twice(Scene *scene, gconstpointer data)
{
    g_assert_cmpuint(pieces(scene, SIGNATURE), >=, 3);
    g_assert_cmpuint(read_card(scene), ==, whole_card(scene));
}

/* With T=0 GET DATA itself brings nothing. */
static void
known_certificate_costs_its_first_bytes(Scene *scene, gconstpointer data)
{
    const guint each = scene->card.is_t0 ? 2 : 1;

    (void)read_card(scene);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpuint(read_card(scene), ==, 2 * each);
    seal_card_memory_pause(scene->memory);
    g_assert_cmpuint(read_object(scene, HOLDER), ==, each);
}

static void
renewed_certificate_is_read_whole(Scene *scene, gconstpointer data)
{
    (void)read_card(scene);
    put_new_certificate(scene, SIGNATURE, 0);
    g_assert_cmpuint(read_card(scene), ==, 1 + pieces(scene, SIGNATURE));
    g_assert_cmpuint(read_card(scene), ==, 2);
}

static void
exchanged_certificates_are_not_mixed_up(Scene *scene, gconstpointer data)
{
    GBytes *first = scene->card.objects[AUTHENTICATION];

    (void)read_card(scene);
    scene->card.objects[AUTHENTICATION] = scene->card.objects[SIGNATURE];
    scene->card.objects[SIGNATURE] = first;
    g_assert_cmpuint(read_card(scene), ==, whole_card(scene));
}

static void
another_holders_card_is_read_whole(Scene *scene, gconstpointer data)
{
    (void)read_card(scene);
    put_holder(&scene->card, 2);
    g_assert_cmpuint(read_card(scene), ==, whole_card(scene));
    put_holder(&scene->card, 1);
    g_assert_cmpuint(read_card(scene), ==, 2);
}

static void
unknown_holders_card_is_read_whole(Scene *scene, gconstpointer data)
{
    (void)read_card(scene);
    for (guint i = 0; i < 2; i++) {
        seal_card_memory_pause(scene->memory);
        g_assert_cmpuint(read_object(scene, SIGNATURE), ==, pieces(scene, SIGNATURE));
    }
}

/* Made by hand, and number one each time it is renewed. */
static void
short_serial_number_is_not_trusted(Scene *scene, gconstpointer data)
{
    put_new_certificate(scene, SIGNATURE, 1);
    (void)read_card(scene);
    g_assert_cmpuint(read_card(scene), ==, 1 + pieces(scene, SIGNATURE));
}

/* The issuer's name leaves no room for the validity. */
static void
long_issuer_is_compared_longer(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Alice",
        .subject = {"OU=An organisational unit whose name has sixty-four letters",
                    "O=An organisation whose name has nearly sixty-four letters",
                    "L=A place whose name nobody who lives there can pronounce",
                    "CN=Alice Example"}};
    g_autoptr(GBytes) der = certificate(&spec, 0);

    put_certificate(&scene->card, SIGNATURE, der, 0);
    (void)read_card(scene);
    g_assert_cmpuint(read_card(scene), ==, 1 + 2);
}

static void
compressed_certificate_is_read_whole(Scene *scene, gconstpointer data)
{
    guint8 packed[600] = {0x1f, 0x8b, 0x08};
    g_autoptr(GBytes) der = g_bytes_new(packed, sizeof packed);

    put_certificate(&scene->card, SIGNATURE, der, 1);
    (void)read_card(scene);
    g_assert_cmpuint(read_card(scene), ==, 1 + pieces(scene, SIGNATURE));
}

/* What follows a look is the card's as long as nothing else was done. */
static void
command_between_ends_what_was_read(Scene *scene, gconstpointer data)
{
    const guint8 verify[] = {0x00, 0x20, 0x00, 0x80};
    g_autoptr(GByteArray) look = get_data(scene, SIGNATURE, 8);
    g_autoptr(GByteArray) refused = transmit(scene, verify, sizeof verify);
    g_autoptr(GByteArray) all = NULL;
    gsize len = 0;
    const guint8 *bytes = NULL;

    put_new_certificate(scene, SIGNATURE, 0);
    bytes = g_bytes_get_data(scene->card.objects[SIGNATURE], &len);
    all = get_data(scene, SIGNATURE, G_MAXUINT16);
    g_assert_cmpmem(all->data, all->len - 2, bytes, len);
}

static void
refusal_comes_through(Scene *scene, gconstpointer data)
{
    g_autoptr(GByteArray) answer = get_data(scene, 0x0b, 8);

    g_assert_cmpmem(answer->data, answer->len, "\x6a\x82", 2);
}

/* It says that it is longer than it is. */
static void
cut_object_is_not_remembered(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) whole = g_bytes_ref(scene->card.objects[SIGNATURE]);

    g_clear_pointer(&scene->card.objects[SIGNATURE], g_bytes_unref);
    scene->card.objects[SIGNATURE] = g_bytes_new_from_bytes(whole, 0, 700);
    (void)read_card(scene);
    g_bytes_unref(scene->card.objects[SIGNATURE]);
    scene->card.objects[SIGNATURE] = g_bytes_ref(whole);
    g_assert_cmpuint(read_card(scene), ==, 1 + pieces(scene, SIGNATURE));
}

static void
endless_object_is_passed_on(Scene *scene, gconstpointer data)
{
    g_autofree guint8 *many = g_malloc0(60000);
    g_autoptr(GBytes) der = g_bytes_new(many, 60000);

    put_certificate(&scene->card, SIGNATURE, der, 0);
    g_assert_cmpuint(read_object(scene, SIGNATURE), ==, pieces(scene, SIGNATURE));
}

#define ADD(path, t0, test) g_test_add(path, Scene, GINT_TO_POINTER(t0), set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/card-memory/first-reading/asks-for-no-byte-twice", FALSE,
        first_reading_asks_for_no_byte_twice);
    ADD("/card-memory/known/costs-its-first-bytes", FALSE, known_certificate_costs_its_first_bytes);
    ADD("/card-memory/known/costs-its-first-bytes-with-t0", TRUE,
        known_certificate_costs_its_first_bytes);
    ADD("/card-memory/renewed/is-read-whole", FALSE, renewed_certificate_is_read_whole);
    ADD("/card-memory/exchanged/are-not-mixed-up", FALSE, exchanged_certificates_are_not_mixed_up);
    ADD("/card-memory/another-holder/is-read-whole", FALSE, another_holders_card_is_read_whole);
    ADD("/card-memory/unknown-holder/is-read-whole", FALSE, unknown_holders_card_is_read_whole);
    ADD("/card-memory/short-serial-number/is-not-trusted", FALSE,
        short_serial_number_is_not_trusted);
    ADD("/card-memory/long-issuer/is-compared-longer", FALSE, long_issuer_is_compared_longer);
    ADD("/card-memory/compressed/is-read-whole", FALSE, compressed_certificate_is_read_whole);
    ADD("/card-memory/command-between/ends-what-was-read", FALSE,
        command_between_ends_what_was_read);
    ADD("/card-memory/refusal/comes-through", FALSE, refusal_comes_through);
    ADD("/card-memory/cut-object/is-not-remembered", FALSE, cut_object_is_not_remembered);
    ADD("/card-memory/endless-object/is-passed-on", FALSE, endless_object_is_passed_on);
    return g_test_run();
}
