/* What every harness defines: libFuzzer calls it, and driver.c in builds without libFuzzer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Reads `size` bytes at `data` as hostile input. Returns 0; aborts on a broken promise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
