/* A table from instruction to what carries it out. Around it, both kinds of chaining: a command
 * whose class says that more is to come is put aside, and of a long answer the terminal fetches
 * piece after piece (ISO 7816-4 5.1.1.1; SP 800-73-4 part 2, 3.1.2 and 3.2.4).
 *
 * The rule that makes 9C what it is: it works only if the PIN was given directly before (SP
 * 800-73-4 part 1, 3.2.2), so any other command takes that freshness away.
 *
 * What changes a card for good (PUT DATA, GENERATE) is not here: cards are made by their
 * description. */
#include "tests/card/card.h"

#include <string.h>

#include "tests/card/authenticate.h"
#include "tests/card/contents.h"
#include "tests/card/tlv.h"
#include "tests/card/yubikey.h"

#define CLASS_CHAINED 0x10
#define CHAINED_MAX   4096u
#define REFERENCE_PIN 0x80
#define REFERENCE_PUK 0x81
#define PIN_CHARS_MIN 6u

/* One reference that is counted. */
typedef struct {
    guint8 *value; /* in the contents */
    guint left;
} Secret;

struct SealCard {
    SealCardContents *contents;
    Secret pin, puk;
    gboolean selected;
    gboolean otp;        /* a YubiKey's other application is, in its place */
    gboolean verified;   /* the PIN was given since the last reset */
    gboolean fresh;      /* ... by the command before this one */
    GByteArray *chained; /* of a command that is not whole yet */
    GByteArray *rest;    /* of an answer that was not fetched yet */
};

/* -- PINs ---------------------------------------------------------------------------------------
 */

/* Compares and counts. */
static SealStatusWord
try_secret(const SealCard *card, Secret *secret, const guint8 *value)
{
    if (secret->left == 0)
        return SEAL_SW_BLOCKED;
    if (memcmp(secret->value, value, SEAL_PIN_LEN) == 0) {
        secret->left = card->contents->tries;
        return SEAL_SW_DONE;
    }
    secret->left--;
    return SEAL_SW_TRIES_LEFT + secret->left;
}

/* Six to eight characters, then padding (SP 800-73-4 part 2, 2.4.3). */
static gboolean
is_pin(const guint8 *value)
{
    gsize len = 0;

    while (len < SEAL_PIN_LEN && value[len] != 0xff)
        len++;
    for (gsize i = len; i < SEAL_PIN_LEN; i++)
        if (value[i] != 0xff)
            return FALSE;
    return len >= PIN_CHARS_MIN;
}

static SealStatusWord
verify(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    SealStatusWord status = SEAL_SW_DONE;

    if (apdu->p2 != REFERENCE_PIN)
        return SEAL_SW_NO_REFERENCE;
    if (apdu->p1 == 0xff && apdu->data.len == 0) {
        card->verified = FALSE;
        return SEAL_SW_DONE;
    }
    if (apdu->p1 != 0)
        return SEAL_SW_WRONG_PARAMETERS;
    if (apdu->data.len == 0 && card->verified)
        return SEAL_SW_DONE;
    if (apdu->data.len == 0)
        return card->pin.left > 0 ? SEAL_SW_TRIES_LEFT + card->pin.left : SEAL_SW_BLOCKED;
    if (apdu->data.len != SEAL_PIN_LEN || !is_pin(apdu->data.data))
        return SEAL_SW_WRONG_DATA;
    status = try_secret(card, &card->pin, apdu->data.data);
    card->verified = card->fresh = status == SEAL_SW_DONE;
    return status;
}

static SealStatusWord
change_reference(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    Secret *secret = apdu->p2 == REFERENCE_PUK ? &card->puk : &card->pin;
    SealStatusWord status = SEAL_SW_DONE;

    if (apdu->p2 != REFERENCE_PIN && apdu->p2 != REFERENCE_PUK)
        return SEAL_SW_NO_REFERENCE;
    if (apdu->data.len != 2 * SEAL_PIN_LEN || !is_pin(apdu->data.data + SEAL_PIN_LEN))
        return SEAL_SW_WRONG_DATA;
    status = try_secret(card, secret, apdu->data.data);
    if (apdu->p2 == REFERENCE_PIN)
        card->verified = status == SEAL_SW_DONE;
    if (status == SEAL_SW_DONE)
        memcpy(secret->value, apdu->data.data + SEAL_PIN_LEN, SEAL_PIN_LEN);
    return status;
}

static SealStatusWord
reset_retries(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    SealStatusWord status = SEAL_SW_DONE;

    if (apdu->p2 != REFERENCE_PIN)
        return SEAL_SW_NO_REFERENCE;
    if (apdu->data.len != 2 * SEAL_PIN_LEN || !is_pin(apdu->data.data + SEAL_PIN_LEN))
        return SEAL_SW_WRONG_DATA;
    status = try_secret(card, &card->puk, apdu->data.data);
    if (status != SEAL_SW_DONE)
        return status;
    memcpy(card->pin.value, apdu->data.data + SEAL_PIN_LEN, SEAL_PIN_LEN);
    card->pin.left = card->contents->tries;
    return SEAL_SW_DONE;
}

/* -- the other instructions
 * ------------------------------------------------------------------------ */

static const guint8 application[] = {0xa0, 0x00, 0x00, 0x03, 0x08, 0x00,
                                     0x00, 0x10, 0x00, 0x01, 0x00};

static gboolean
is_yubikey(const SealCard *card)
{
    return card->contents->firmware[0] > 0;
}

/* The version at the end may be left out. */
static gboolean
is_piv(const SealCard *card, SealBytes name)
{
    if (is_yubikey(card) && seal_yubikey_is_piv(name))
        return TRUE;
    return name.len >= sizeof application - 2 && name.len <= sizeof application &&
           memcmp(application, name.data, name.len) == 0;
}

static SealStatusWord
select_application(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    g_autoptr(GByteArray) properties = g_byte_array_new();
    g_autoptr(GByteArray) authority = g_byte_array_new();
    const gsize provider_len = 5; /* the first bytes of an AID name who issued it */

    if (apdu->p1 != 0x04)
        return SEAL_SW_WRONG_PARAMETERS;
    if (is_yubikey(card) && seal_yubikey_is_otp(apdu->data)) {
        card->otp = TRUE;
        card->selected = card->verified = FALSE;
        return SEAL_SW_DONE;
    }
    if (!is_piv(card, apdu->data))
        return SEAL_SW_NOT_FOUND;
    if (!card->selected)
        card->verified = FALSE;
    card->selected = TRUE;
    card->otp = FALSE;
    seal_tlv_put(authority, 0x4f, application, provider_len);
    seal_tlv_put(properties, 0x4f, application + provider_len, sizeof application - provider_len);
    seal_tlv_put(properties, 0x79, authority->data, authority->len);
    seal_tlv_put(out, 0x61, properties->data, properties->len);
    return SEAL_SW_DONE;
}

/* SP 800-73-4 part 1, table 2. */
static gboolean
is_private(guint32 tag)
{
    return tag == SEAL_TAG_FINGERPRINTS || tag == SEAL_TAG_FACE || tag == SEAL_TAG_PRINTED ||
           tag == SEAL_TAG_IRIS;
}

static SealStatusWord
get_data(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    SealBytes tag_list = {0};
    GBytes *object = NULL;
    gsize len = 0;
    const guint8 *data = NULL;
    guint32 tag = 0;

    if (apdu->p1 != 0x3f || apdu->p2 != 0xff)
        return SEAL_SW_WRONG_PARAMETERS;
    if (!seal_tlv_find(apdu->data, 0x5c, &tag_list) || tag_list.len == 0 || tag_list.len > 3)
        return SEAL_SW_WRONG_DATA;
    for (gsize i = 0; i < tag_list.len; i++)
        tag = tag << 8 | tag_list.data[i];
    if (is_private(tag) && !card->verified)
        return SEAL_SW_NOT_SATISFIED;
    object = g_hash_table_lookup(card->contents->objects, GUINT_TO_POINTER(tag));
    if (object == NULL)
        return SEAL_SW_NOT_FOUND;
    data = g_bytes_get_data(object, &len);
    if (g_hash_table_contains(card->contents->bare, GUINT_TO_POINTER(tag)))
        seal_put_bytes(out, data, len);
    else
        seal_tlv_put(out, tag == SEAL_TAG_DISCOVERY ? tag : 0x53, data, len);
    return SEAL_SW_DONE;
}

static SealStatusWord
authenticate(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    EVP_PKEY *key = g_hash_table_lookup(card->contents->keys, GUINT_TO_POINTER(apdu->p2));
    gboolean fresh = card->fresh;

    card->fresh = FALSE;
    if (key == NULL)
        return SEAL_SW_WRONG_PARAMETERS;
    if ((apdu->p2 != SEAL_SLOT_CARD && !card->verified) ||
        (apdu->p2 == SEAL_SLOT_SIGNATURE && !fresh))
        return SEAL_SW_NOT_SATISFIED;
    return seal_card_authenticate(key, card->contents->is_careless ? 0 : apdu->p1, apdu->data, out);
}

typedef struct {
    SealInstruction ins;
    SealStatusWord (*carry_out)(SealCard *card, const SealApdu *apdu, GByteArray *out);
} Row;

static const Row rows[] = {
    {SEAL_INS_VERIFY, verify},
    {SEAL_INS_CHANGE_REFERENCE, change_reference},
    {SEAL_INS_RESET_RETRIES, reset_retries},
    {SEAL_INS_AUTHENTICATE, authenticate},
    {SEAL_INS_SELECT, select_application},
    {SEAL_INS_GET_DATA, get_data},
};

/* -- chaining -------------------------------------------------------------------------------------
 */

static SealStatusWord
carry_out(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    SealStatusWord status = SEAL_SW_NO_INSTRUCTION;

    if (card->otp && apdu->ins == SEAL_INS_OTP_REQUEST && apdu->p1 == SEAL_OTP_SERIAL)
        return seal_yubikey_serial(card->contents, out);
    if (!card->selected && apdu->ins != SEAL_INS_SELECT)
        return SEAL_SW_NO_INSTRUCTION;
    if (apdu->ins != SEAL_INS_AUTHENTICATE)
        card->fresh = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].ins == apdu->ins)
            return rows[i].carry_out(card, apdu, out);
    if (is_yubikey(card))
        (void)seal_yubikey_carry_out(card->contents, apdu, out, &status);
    return status;
}

/* Moves as much of the rest to `out` as the terminal has room for. */
static SealStatusWord
fetch(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    guint piece = (guint)MIN(card->rest->len, apdu->room);

    g_byte_array_append(out, card->rest->data, piece);
    g_byte_array_remove_range(card->rest, 0, piece);
    return card->rest->len == 0
               ? SEAL_SW_DONE
               : SEAL_SW_MORE + (card->rest->len & 0xff) * (card->rest->len < 0x100);
}

static SealStatusWord
serve(SealCard *card, const SealApdu *apdu, GByteArray *out)
{
    SealApdu whole = *apdu;
    SealStatusWord status = SEAL_SW_DONE;

    if (apdu->cla & ~CLASS_CHAINED)
        return SEAL_SW_NO_CHANNEL;
    if (apdu->ins == SEAL_INS_GET_RESPONSE)
        return card->rest->len > 0 ? fetch(card, apdu, out) : SEAL_SW_WRONG_PARAMETERS;
    g_byte_array_set_size(card->rest, 0);
    if (card->chained->len + apdu->data.len > CHAINED_MAX) {
        g_byte_array_set_size(card->chained, 0);
        return SEAL_SW_WRONG_LENGTH;
    }
    g_byte_array_append(card->chained, apdu->data.data, (guint)apdu->data.len);
    if (apdu->cla & CLASS_CHAINED)
        return SEAL_SW_DONE;
    whole.data = (SealBytes){card->chained->data, card->chained->len};
    /* a YubiKey gives what there is to who does not say how much they have room for */
    if (whole.room == 0 && is_yubikey(card))
        whole.room = SEAL_SHORT_ROOM;
    status = carry_out(card, &whole, card->rest);
    g_byte_array_set_size(card->chained, 0);
    return status == SEAL_SW_DONE ? fetch(card, &whole, out) : status;
}

GByteArray *
seal_card_answer(SealCard *card, const void *data, gsize len)
{
    GByteArray *out = g_byte_array_new();
    SealStatusWord status = SEAL_SW_WRONG_LENGTH;
    SealApdu apdu;

    if (seal_apdu_decode(data, len, &apdu))
        status = serve(card, &apdu, out);
    seal_put_u8(out, (guint8)(status >> 8));
    seal_put_u8(out, (guint8)status);
    return out;
}

/* -- the card -------------------------------------------------------------------------------------
 */

SealCard *
seal_card_load(const char *path, GError **error)
{
    SealCardContents *contents = seal_card_contents_load(path, error);
    SealCard *card = NULL;

    if (contents == NULL)
        return NULL;
    card = g_new0(SealCard, 1);
    card->contents = contents;
    card->pin = (Secret){contents->pin, contents->tries};
    card->puk = (Secret){contents->puk, contents->tries};
    card->chained = g_byte_array_new();
    card->rest = g_byte_array_new();
    return card;
}

const char *
seal_card_name(const SealCard *card)
{
    return card->contents->name;
}

guint
seal_card_pin_tries(const SealCard *card)
{
    return card->pin.left;
}

void
seal_card_set_pin_tries(SealCard *card, guint tries)
{
    card->pin.left = tries;
}

SealBytes
seal_card_atr(const SealCard *card)
{
    /* T=0 and T=1; seven historical bytes that no other driver of OpenSC claims; check byte */
    static const guint8 atr[] = {0x3b, 0x87, 0x80, 0x01,
                                 'S',  'e',  'a',  'l',
                                 'P',  'I',  'V',  0x06 ^ 'S' ^ 'e' ^ 'a' ^ 'l' ^ 'P' ^ 'I' ^ 'V'};

    static const guint8 atr_t0[] = {0x3b, 0x07, 'S', 'e', 'a', 'l', 'P', 'I', 'V'};

    if (card->contents->is_t0)
        return (SealBytes){atr_t0, sizeof atr_t0};
    return is_yubikey(card) ? seal_yubikey_atr(card->contents) : (SealBytes){atr, sizeof atr};
}

void
seal_card_reset(SealCard *card)
{
    card->selected = card->otp = card->verified = card->fresh = FALSE;
    g_byte_array_set_size(card->chained, 0);
    g_byte_array_set_size(card->rest, 0);
}

void
seal_card_take_state(SealCard *card, SealCard *other)
{
    seal_card_reset(card);
    card->selected = other->selected;
    card->verified = other->verified;
    card->fresh = other->fresh;
    seal_card_reset(other);
}

void
seal_card_free(SealCard *card)
{
    if (card == NULL)
        return;
    seal_card_contents_free(card->contents);
    g_byte_array_unref(card->chained);
    g_byte_array_unref(card->rest);
    g_free(card);
}
