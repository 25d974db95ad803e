/* PINs that a token refused, so that none is sent to it a second time. Not the PINs are kept but their
 * keyed hashes: the key is random, made at start, and lives with the hashes in locked memory only. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/secret.h"

#define SEAL_REFUSED_PINS_MAX 16u /* remembered for one token; then the oldest is forgotten */

typedef struct SealRefusedPins SealRefusedPins;

/* (transfer full). Aborts if the kernel gives no random bytes. */
SealRefusedPins *seal_refused_pins_new(void);
void seal_refused_pins_free(SealRefusedPins *refused);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealRefusedPins, seal_refused_pins_free)

/* The hash under which `pin` is remembered for the token with id `token_id`. */
uint64_t seal_refused_pins_hash(const SealRefusedPins *refused, const char *token_id,
                                const SealSecret *pin);
/* Remembers a hash: the token refused that PIN. */
void seal_refused_pins_add(SealRefusedPins *refused, const char *token_id, uint64_t hash);
gboolean seal_refused_pins_has(const SealRefusedPins *refused, const char *token_id, uint64_t hash);
/* How many PINs were refused since the last success (at most SEAL_REFUSED_PINS_MAX). */
guint seal_refused_pins_count(const SealRefusedPins *refused, const char *token_id);
/* The token said that one try is left, or none; if it says otherwise without having taken a PIN, its
 * counter runs backwards, and nobody knows what is left. */
void seal_refused_pins_note_last_try(SealRefusedPins *refused, const char *token_id);
gboolean seal_refused_pins_saw_last_try(const SealRefusedPins *refused, const char *token_id);
/* The token took a PIN: what was before says nothing any more (the PIN may have been changed). */
void seal_refused_pins_forget(SealRefusedPins *refused, const char *token_id);

/* SipHash-2-4 of `len` bytes at `data` under a key of 16 bytes (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", 2012). */
uint64_t seal_siphash_2_4(const uint8_t key[16], const void *data, size_t len);
