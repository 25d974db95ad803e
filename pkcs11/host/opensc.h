/* What OpenSC's module needs so that it neither keeps PINs nor locks itself out, and unblocks them. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

/* TRUE if a library of this soname (nullable) is OpenSC's module. */
gboolean seal_opensc_is(const char *soname);

/* Gives OpenSC the configuration it would read, with its own cache of PINs turned off, by a file
 * without a name; with `reader` (nullable) it sees that one alone (one-reader.c). Returns NULL, or why
 * that cannot be done (static). Before C_Initialize, before any thread. */
const char *seal_opensc_configure(const char *reader);

/* Puts locks of ours into what C_Initialize gets. */
void seal_opensc_set_locks(CK_C_INITIALIZE_ARGS *arguments);

/* `text` (a configuration, nullable) with a setting in its blocks of a kind and name (nullable: the kind
 * has none) (transfer full). */
char *seal_opensc_with_setting(const char *text, const char *kind, const char *name,
                               const char *setting);
/* The same with the unblocking of PINs turned on. */
char *seal_opensc_with_unblocking(const char *text);
/* The same with the cache of PINs turned off. */
char *seal_opensc_without_cache(const char *text);
