/* Exit statuses (DESIGN section 5). */
#pragma once

#include <glib.h>

typedef enum {
    SEAL_STATUS_DONE = 0,
    SEAL_STATUS_NOT_GOOD = 1, /* the message is not good */
    SEAL_STATUS_USAGE = 2,
    SEAL_STATUS_MISSING = 3, /* no such agent, token, key or recipient certificate */
    SEAL_STATUS_REFUSED = 4, /* by a person, policy or PIN */
    SEAL_STATUS_IO = 5,      /* input, output, network, and whatever else failed */
} SealStatus;

/* The status of an error that ended a command. */
SealStatus seal_status_of_error(const GError *error);
