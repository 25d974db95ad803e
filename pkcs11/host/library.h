/* The one PKCS#11 module of this process: checked, loaded, initialised. A process that has loaded a
 * module never unloads it: vendor libraries leave threads and exit handlers behind. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

/* Set in the environment before a module is loaded; our own module refuses to work where it is set,
 * also when it comes in through another one (p11-kit-proxy). */
#define SEAL_HOST_VARIABLE "PRIVYSEAL_HOST"

/* Loads the module at `path` and initialises it for several threads, for all its readers or (OpenSC) for
 * the one PC/SC reader `reader` (nullable). Returns its functions
 * (static); NULL with a SEAL_ERROR_MODULE_FAILED that says what is wrong: no such file, not a
 * shared object, of another architecture, no PKCS#11 module, our own, loaded already, or
 * C_Initialize failed. Runs the module's code: it may block, or crash. Call once. */
CK_FUNCTION_LIST *seal_library_load(const char *path, const char *reader, GError **error);

/* TRUE if the module says that `maker` made it; what follows in its manufacturer's name counts for
 * nothing. */
gboolean seal_library_is_made_by(CK_FUNCTION_LIST *functions, const char *maker);

/* What can be told of the module at `path` without running its code: FALSE, with the same errors, if it
 * cannot be loaded. */
gboolean seal_library_check(const char *path, GError **error);
