/* Certificates of recipients from LDAP directories, Active Directory among them. */
#pragma once

#include <glib.h>

/* One directory: the group [ldap NAME] of privyseal.conf. */
typedef struct {
    char *name;
    char *uri;         /* ldap://, ldaps:// or ldapi:// */
    char *base;        /* DN below which is searched */
    char *ca_file;     /* (nullable) PEM: who may vouch for the server; NULL: the system's CAs */
    char *sasl;        /* (nullable) SASL mechanism, "GSSAPI" or "EXTERNAL"; NULL: anonymous */
    gboolean in_clear; /* ldap:// without StartTLS */
    guint timeout_s;   /* of each step: connecting, StartTLS, binding, searching */
} SealDirectory;

/* NULL is allowed. */
void seal_directory_free(SealDirectory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealDirectory, seal_directory_free)

/* Entries of one search and bytes of one answer that are taken. */
#define SEAL_DIRECTORY_ENTRIES_MAX 20
#define SEAL_DIRECTORY_BYTES_MAX   (4 * 1024 * 1024)

/* Searches for entries with this `address` (mail, or proxyAddresses as Active Directory has them)
 * and adds their certificates to the lists (element-type GBytes, DER): `preferred` gets those of
 * userSMIMECertificate, `others` those of userCertificate;binary; perhaps none. Nothing is judged.
 * FALSE with UNREACHABLE, TIMED_OUT, NOT_PERMITTED (TLS failed, or the server wants to know who
 * asks), LIMIT_EXCEEDED, NOT_SUPPORTED (built without libldap) or FAILED, naming the directory.
 * Blocks on the network, at most four times its `timeout_s`; a thread may outlast it. */
gboolean seal_directory_find(const SealDirectory *directory, const char *address,
                             GPtrArray *preferred, GPtrArray *others, GError **error);
