/* What a YubiKey answers beyond PIV. */
#pragma once

#include <glib.h>

#include "tests/card/apdu.h"
#include "tests/card/contents.h"

/* What the card says when it is powered up: that of a YubiKey 4, or 5. */
SealBytes seal_yubikey_atr(const SealCardContents *contents);

/* TRUE if `data` names the application of one-time passwords, which tells the serial of a YubiKey 4
 * (seal_yubikey_serial); of PIV it takes the issuer's five bytes for the whole name. */
gboolean seal_yubikey_is_otp(SealBytes data);
gboolean seal_yubikey_is_piv(SealBytes data);

/* Appends the serial to `out`: four bytes. */
SealStatusWord seal_yubikey_serial(const SealCardContents *contents, GByteArray *out);

/* Carries out one of Yubico's instructions in the PIV application and appends the answer to `out`.
 * FALSE if it is none of these, or the firmware does not know it yet. */
gboolean seal_yubikey_carry_out(const SealCardContents *contents, const SealApdu *apdu,
                                GByteArray *out, SealStatusWord *ret_status);
