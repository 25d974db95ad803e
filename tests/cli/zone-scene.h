/* A name server of the test's, and three zones: one that is signed, one that is not, and one that
 * was changed after it was signed. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"

#define TEST_ZONE_SIGNED   "example.net"
#define TEST_ZONE_UNSIGNED "example.org"
#define TEST_ZONE_CHANGED  "example.com"

typedef struct {
    pid_t pid;
    guint port;        /* on 127.0.0.1 */
    char *anchor_file; /* DS records of the two zones with keys */
} TestZones;

/* TRUE if Knot DNS is installed. */
gboolean test_zones_are_possible(void);

/* Starts knotd below the folder `zones` of the home. Each zone gets `records`, lines of a zone file
 * with names relative to the zone's; the last octet of the one of `changed` (a name) is another in
 * TEST_ZONE_CHANGED than the one that was signed. */
TestZones *test_zones_new(const char *records, const char *changed);
/* Ends it. NULL is allowed. */
void test_zones_free(TestZones *zones);

/* Adds to `records` an SMIMEA record for the local part `local`. */
void test_zones_add(GString *records, const char *local, guint usage, guint selector,
                    guint matching, GBytes *data);
