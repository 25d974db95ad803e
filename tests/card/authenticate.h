/* What a key of a card computes: GENERAL AUTHENTICATE (SP 800-73-4 part 2, 3.2.4). */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

#include "tests/card/apdu.h"

/* Computes with `key` what the dynamic authentication template `data` asks for (a challenge to be
 * signed or deciphered, or a point to agree with) under `algorithm` (SP 800-78-4, table 6-2; 0: the
 * key's own, with a block of any length), and appends the answer's template to `out`. Returns the status word; nothing is appended unless it
 * is SEAL_SW_DONE. */
SealStatusWord seal_card_authenticate(EVP_PKEY *key, guint8 algorithm, SealBytes data,
                                      GByteArray *out);
