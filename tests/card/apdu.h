/* A command as a reader hands it to a card (ISO 7816-4 5.3). */
#pragma once

#include <glib.h>

#include "base/bytes.h"

/* What a card says of a command (ISO 7816-4 5.1.3; SP 800-73-4 part 2, 5.6). */
typedef enum {
    SEAL_SW_DONE = 0x9000,
    SEAL_SW_MORE = 0x6100,       /* plus the number of bytes left, 0 for 256 or more */
    SEAL_SW_TRIES_LEFT = 0x63c0, /* plus the number */
    SEAL_SW_WRONG_LENGTH = 0x6700,
    SEAL_SW_NO_CHANNEL = 0x6881,
    SEAL_SW_NOT_SATISFIED = 0x6982,
    SEAL_SW_BLOCKED = 0x6983,
    SEAL_SW_WRONG_DATA = 0x6a80,
    SEAL_SW_NOT_FOUND = 0x6a82,
    SEAL_SW_WRONG_PARAMETERS = 0x6a86,
    SEAL_SW_NO_REFERENCE = 0x6a88,
    SEAL_SW_NO_INSTRUCTION = 0x6d00,
} SealStatusWord;

typedef enum {
    SEAL_INS_OTP_REQUEST = 0x01, /* in that application of a YubiKey */
    SEAL_INS_VERIFY = 0x20,
    SEAL_INS_CHANGE_REFERENCE = 0x24,
    SEAL_INS_RESET_RETRIES = 0x2c,
    SEAL_INS_AUTHENTICATE = 0x87,
    SEAL_INS_SELECT = 0xa4,
    SEAL_INS_GET_RESPONSE = 0xc0,
    SEAL_INS_GET_DATA = 0xcb,
} SealInstruction;

/* P1 of SEAL_INS_OTP_REQUEST. */
#define SEAL_OTP_SERIAL 0x10

/* What an answer may have where the command's length is short. */
#define SEAL_SHORT_ROOM 256u

typedef struct {
    guint8 cla, ins, p1, p2;
    SealBytes data; /* (transfer none) */
    gsize room;     /* for the answer: Le; 0 if the command wants none */
} SealApdu;

/* Reads `len` bytes at `data`, which must outlive the command: short and extended lengths. FALSE
 * if they are none. */
gboolean seal_apdu_decode(const void *data, gsize len, SealApdu *ret_apdu);
