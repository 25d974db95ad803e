/* Where the other programs and files of Privy Seal are. */
#pragma once

#include <glib.h>

/* The path of a program: `build_path` below the build tree ("pkcs11/host/privyseal-host") when this
 * program was started from there, else its base name in libexecdir. (transfer full), never NULL;
 * the file need not exist. */
char *seal_program_path(const char *build_path);

/* The same for a file that is installed in `folder`. (transfer full), never NULL. */
char *seal_program_file(const char *build_path, const char *folder);

/* The path of privyseal-pkcs11.so, for programs that are told of it. (transfer full), never NULL;
 * the file need not exist. */
char *seal_program_module(void);

/* TRUE if this program was started from the build tree. */
gboolean seal_program_is_in_build_tree(void);
