/* OpenLDAP's slapd in a folder of the test's, and what is in it. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/pki/authority.h"

typedef struct {
    pid_t pid;
    guint port;     /* on 127.0.0.1 */
    guint tls_port; /* the same, for ldaps:// */
    char *socket;   /* ldapi:// URI */
} TestDirectory;

/* TRUE if slapd is installed. */
gboolean test_directory_is_possible(void);

/* Starts slapd below the folder `name` of the home with the entries of `ldif`, below dc=example,
 * dc=net. `server`: (nullable) its certificate and key for StartTLS; without, it knows no TLS. */
TestDirectory *test_directory_new(const char *name, const char *ldif, const TestIdentity *server);
/* Ends it. NULL is allowed. */
void test_directory_free(TestDirectory *directory);

/* Adds one person with `address` to the text of an LDIF file: `values` (element-type GBytes), each
 * an attribute `attribute`. `id` is unique. */
void test_directory_add(GString *ldif, const char *id, const char *address, const char *attribute,
                        GBytes *const *values, guint value_count);

/* A port of 127.0.0.1 on which nobody listens now. */
guint test_directory_free_port(void);
