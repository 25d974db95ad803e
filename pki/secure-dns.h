/* Records of DNS that DNSSEC proves. */
#pragma once

#include <glib.h>

/* The group [dns] of privyseal.conf. */
typedef struct {
    char *server;      /* (nullable) IP address, "@" and a port may follow; NULL: resolv.conf's */
    char *anchor_file; /* (nullable) DS or DNSKEY records of whom to believe; NULL: the root's */
    guint timeout_s;   /* of one question */
} SealSecureDns;

/* Records of one answer that are taken. */
#define SEAL_SECURE_DNS_RECORDS_MAX 16

/* Adds to `records` (element-type GBytes) the RDATA of the records of `type` that `name` has;
 * perhaps none. FALSE with NOT_PERMITTED (they are there, but nothing proves them: the domain is
 * not signed, or its signatures are wrong), TIMED_OUT, UNREACHABLE (the server fails), NOT_FOUND
 * (no file of anchors), INVALID_INPUT (there is something else in it), NOT_SUPPORTED (built without
 * libunbound) or FAILED, naming what was asked for. Blocks until the deadline at most. */
gboolean seal_secure_dns_find(const SealSecureDns *dns, const char *name, int type,
                              GPtrArray *records, GError **error);
