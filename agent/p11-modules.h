/* The modules that are registered with p11-kit, read from its *.module files without loading any. */
#pragma once

#include <glib.h>

/* Folders and files of p11-kit; NULL members are left out. */
typedef struct {
    const char *system_config; /* pkcs11.conf: may say user-config: none|merge|only */
    const char *user_config;
    const char *package_modules; /* folders of *.module files */
    const char *system_modules;
    const char *user_modules;
    const char *module_folder; /* where a module with a relative path is */
} SealP11Places;

typedef struct {
    char *name; /* of its file, without ".module" */
    char *path; /* absolute */
} SealP11Module;
void seal_p11_module_free(SealP11Module *module);

/* The places p11-kit was built with, and the user's. Its strings live as long as the program. */
const SealP11Places *seal_p11_places_default(void);

/* Returns the modules that `program` ("privyseald") should use, sorted by name: SealP11Module *
 * (transfer full). Left out: ours (it would come back to us), p11-kit's own proxy and client, trust
 * modules, remote ones, those without a module, and those whose enable-in or disable-in says so. A file
 * of the user takes the place of the same key in the system's file of that name, and that of the
 * package's, as in p11-kit. A file that cannot be read is passed over with a warning: it is not ours.
 * Blocks on the disk. */
GPtrArray *seal_p11_modules_read(const SealP11Places *places, const char *program);

/* The fields of one file ("key: value" lines): char * to char * (transfer full); later lines win. */
GHashTable *seal_p11_fields_parse(const char *text, gsize len);
