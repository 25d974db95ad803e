/* A PKCS#11 module loaded into a measuring program. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

/* The function list of the module at `path`, which stays loaded; C_Initialize is the caller's. Ends
 * the program if it cannot be had. */
CK_FUNCTION_LIST *seal_loaded_new(const char *path);

/* Ends the program with a sentence on stderr unless `rv` is CKR_OK; `what` was tried. */
void seal_loaded_require(CK_RV rv, const char *what);
