/* The one error domain of Privy Seal. Codes are for programs, messages for people; the D-Bus names
 * of the codes stand in ipc/errors.c, the exit statuses of the CLI in ui-cli/. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS
/* libprivyseal exports these for programs outside of the tree; other libraries' lists leave them out. */
#pragma GCC visibility push(default)

/* Order is part of the frames between agent and host (header field `status`): append only. */
typedef enum {
    SEAL_ERROR_NONE = 0,             /* never in a GError: the `status` of a successful frame */
    SEAL_ERROR_FAILED,               /* nothing more exact is known */
    SEAL_ERROR_NOT_FOUND,            /* no such token, key or certificate */
    SEAL_ERROR_TOKEN_REMOVED,        /* the token was pulled before or during the operation */
    SEAL_ERROR_PIN_INCORRECT,        /* the token refused the PIN */
    SEAL_ERROR_PIN_BLOCKED,          /* the token takes no PIN any more */
    SEAL_ERROR_PIN_REQUIRED,         /* the token is locked and nobody may be asked */
    SEAL_ERROR_CANCELLED,            /* a person or the caller cancelled */
    SEAL_ERROR_DENIED,               /* a person or a policy rule refused */
    SEAL_ERROR_NO_PROMPTER,          /* no prompt can be shown */
    SEAL_ERROR_MODULE_FAILED,        /* the vendor's module crashed, hung or misbehaved */
    SEAL_ERROR_TIMED_OUT,            /* a deadline passed */
    SEAL_ERROR_UNREACHABLE,          /* the agent, host or token cannot be reached */
    SEAL_ERROR_BUSY,                 /* somebody else holds the token; try again */
    SEAL_ERROR_NOT_SUPPORTED,        /* mechanism, size or algorithm is not served */
    SEAL_ERROR_NOT_PERMITTED,        /* not for this caller on this path */
    SEAL_ERROR_KEY_USAGE,            /* the key is not for this purpose */
    SEAL_ERROR_INVALID_INPUT,        /* malformed input */
    SEAL_ERROR_LIMIT_EXCEEDED,       /* too large or too many */
    SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED, /* ask sealed, or on the private socket */
    SEAL_ERROR_INTERACTION_REQUIRED, /* a person is needed and the caller did not allow it */
    SEAL_ERROR_DECRYPT_FAILED,       /* the one error of every failed OAEP or ECDH unwrap */
    SEAL_ERROR_PIN_EXPIRED,          /* the token wants another PIN before it does anything */
    SEAL_ERROR_LAST = SEAL_ERROR_PIN_EXPIRED,
} SealErrorCode;

#define SEAL_ERROR (seal_error_quark())

/* Returns the error domain. Never fails, does not block. */
GQuark seal_error_quark(void);

/* Returns a short English phrase for `code`, e.g. "the PIN is blocked". Static; "failed" for a
 * number outside of the enum. Used where no better sentence is known. */
const char *seal_error_phrase(SealErrorCode code);

/* True if `error` (nullable) is of SEAL_ERROR and has `code`. */
gboolean seal_error_is(const GError *error, SealErrorCode code);

#pragma GCC visibility pop
G_END_DECLS
