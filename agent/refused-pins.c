/* Remembering what was refused without keeping it.
 *
 * A short PIN can be found from any fast hash by trying all of them, so the hash must not outlive
 * the secret that keys it: both are in locked memory of this process and end with it. The token's
 * id is part of the input, so equal PINs of two tokens look different. 64 bits let a good PIN be
 * taken for a refused one once in 2^60 tries: the person would be told to type it again. */
#include "agent/refused-pins.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define KEY_LEN 16

struct SealRefusedPins {
    SealSecret *key;
    GHashTable *by_token; /* id -> SealSecret of uint64_t, oldest first */
    GHashTable *last_try; /* set of ids */
};

static void
drop_list(gpointer list)
{
    seal_secret_free(list);
}

SealRefusedPins *
seal_refused_pins_new(void)
{
    SealRefusedPins *refused = g_new0(SealRefusedPins, 1);

    refused->key = seal_secret_new(KEY_LEN);
    seal_secret_set_len(refused->key, KEY_LEN);
    if (getrandom(seal_secret_data(refused->key), KEY_LEN, 0) != KEY_LEN)
        g_error("cannot get random bytes: %s", g_strerror(errno));
    refused->by_token = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drop_list);
    refused->last_try = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return refused;
}

void
seal_refused_pins_free(SealRefusedPins *refused)
{
    if (!refused)
        return;
    seal_secret_free(refused->key);
    g_hash_table_unref(refused->by_token);
    g_hash_table_unref(refused->last_try);
    g_free(refused);
}

static uint64_t
rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64 - bits));
}

/* One SipRound: figure 2.1 of the paper. */
static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

static uint64_t
load_little_endian(const uint8_t *data, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)data[i] << (8 * i);
    return value;
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t
seal_siphash_2_4(const uint8_t key[16], const void *data, size_t len)
{
    const uint64_t k0 = load_little_endian(key, 8), k1 = load_little_endian(key + 8, 8);
    /* The constants are the paper's: "somepseudorandomlygeneratedbytes" */
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    const uint8_t *at = data;
    uint64_t hash = 0;

    for (size_t left = len; left >= 8; left -= 8, at += 8)
        sip_word(v, load_little_endian(at, 8));
    sip_word(v, load_little_endian(at, len % 8) | (uint64_t)(len & 0xff) << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    hash = v[0] ^ v[1] ^ v[2] ^ v[3];
    seal_wipe(v, sizeof v);
    return hash;
}

uint64_t
seal_refused_pins_hash(const SealRefusedPins *refused, const char *token_id, const SealSecret *pin)
{
    size_t id_len = strlen(token_id) + 1; /* with its zero: no id runs into a PIN */
    g_autoptr(SealSecret) input = seal_secret_new(id_len + seal_secret_len(pin));

    (void)seal_secret_append(input, token_id, id_len);
    (void)seal_secret_append(input, seal_secret_peek(pin), seal_secret_len(pin));
    return seal_siphash_2_4(seal_secret_peek(refused->key), seal_secret_peek(input),
                            seal_secret_len(input));
}

/* The hash at `index`; the list holds them as bytes. */
static uint64_t
hash_at(const SealSecret *list, guint index)
{
    uint64_t hash = 0;

    memcpy(&hash, seal_secret_peek(list) + index * sizeof hash, sizeof hash);
    return hash;
}

guint
seal_refused_pins_count(const SealRefusedPins *refused, const char *token_id)
{
    const SealSecret *list = g_hash_table_lookup(refused->by_token, token_id);

    return list ? (guint)(seal_secret_len(list) / sizeof(uint64_t)) : 0;
}

gboolean
seal_refused_pins_has(const SealRefusedPins *refused, const char *token_id, uint64_t hash)
{
    const SealSecret *list = g_hash_table_lookup(refused->by_token, token_id);
    guint count = seal_refused_pins_count(refused, token_id);

    for (guint i = 0; i < count; i++) {
        if (hash_at(list, i) == hash)
            return TRUE;
    }
    return FALSE;
}

void
seal_refused_pins_add(SealRefusedPins *refused, const char *token_id, uint64_t hash)
{
    SealSecret *list = g_hash_table_lookup(refused->by_token, token_id);

    if (seal_refused_pins_has(refused, token_id, hash))
        return;
    if (!list) {
        list = seal_secret_new(SEAL_REFUSED_PINS_MAX * sizeof hash);
        g_hash_table_insert(refused->by_token, g_strdup(token_id), list);
    }
    if (seal_secret_len(list) == seal_secret_capacity(list)) {
        memmove(seal_secret_data(list), seal_secret_data(list) + sizeof hash,
                seal_secret_len(list) - sizeof hash);
        seal_secret_set_len(list, seal_secret_len(list) - sizeof hash);
    }
    (void)seal_secret_append(list, &hash, sizeof hash);
}

void
seal_refused_pins_note_last_try(SealRefusedPins *refused, const char *token_id)
{
    (void)g_hash_table_add(refused->last_try, g_strdup(token_id));
}

gboolean
seal_refused_pins_saw_last_try(const SealRefusedPins *refused, const char *token_id)
{
    return g_hash_table_contains(refused->last_try, token_id);
}

void
seal_refused_pins_forget(SealRefusedPins *refused, const char *token_id)
{
    (void)g_hash_table_remove(refused->by_token, token_id);
    (void)g_hash_table_remove(refused->last_try, token_id);
}
