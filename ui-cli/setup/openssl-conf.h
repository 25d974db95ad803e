/* The lines of a configuration file of OpenSSL's that adds libp11's engine to another one. */
#pragma once

#include <glib.h>

/* Lines that include the file at `system` (which need not exist) and have OpenSSL know the engine
 * "pkcs11", whose library is at `engine` and takes the module at `module`, by the sections that are
 * in use there. (transfer full), or NULL with INVALID_INPUT if OpenSSL cannot read `system`. Blocks
 * on the disk. */
char *seal_openssl_conf_make(const char *system, const char *engine, const char *module,
                             GError **error);
