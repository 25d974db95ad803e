/* Arithmetic whose time and memory accesses do not depend on the values. A mask is 0 or all ones.
 * The barrier keeps the compiler from seeing that a mask has only two values and branching on it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef size_t SealMask;

static inline SealMask
seal_mask_barrier(SealMask mask)
{
    __asm__("" : "+r"(mask));
    return mask;
}

/* All ones if the top bit of `value` is set. */
static inline SealMask
seal_mask_of_top_bit(size_t value)
{
    return seal_mask_barrier((SealMask)0 - (value >> (sizeof value * 8 - 1)));
}

static inline SealMask
seal_mask_is_zero(size_t value)
{
    return seal_mask_of_top_bit(~value & (value - 1));
}

static inline SealMask
seal_mask_equal(size_t a, size_t b)
{
    return seal_mask_is_zero(a ^ b);
}

/* a < b. */
static inline SealMask
seal_mask_less(size_t a, size_t b)
{
    return seal_mask_of_top_bit(a ^ ((a ^ b) | ((a - b) ^ b)));
}

static inline size_t
seal_mask_select(SealMask mask, size_t yes, size_t no)
{
    return (mask & yes) | (~mask & no);
}

static inline uint8_t
seal_mask_select_byte(SealMask mask, uint8_t yes, uint8_t no)
{
    return (uint8_t)seal_mask_select(mask, yes, no);
}

/* Moves `data` (of `len` bytes) `shift` bytes to the front (shift < len is secret): as many passes
 * as `len` has bits. */
static inline void
seal_mask_shift_left(uint8_t *data, size_t len, size_t shift)
{
    for (size_t step = 1; step < len; step <<= 1) {
        SealMask move = ~seal_mask_is_zero(shift & step);

        for (size_t i = 0; i + step < len; i++)
            data[i] = seal_mask_select_byte(move, data[i + step], data[i]);
    }
}
