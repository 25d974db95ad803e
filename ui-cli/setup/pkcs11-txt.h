/* pkcs11.txt, the list of PKCS#11 modules in a database of NSS. */
#pragma once

#include <glib.h>

/* TRUE if `text` is such a list: some stanza names a library. */
gboolean seal_pkcs11_txt_is_list(const char *text);

/* TRUE if some stanza of `text` has `value` for `key` ("library", "name"). */
gboolean seal_pkcs11_txt_has(const char *text, const char *key, const char *value);

/* `text` with a stanza for the module at `library` under the name "Privy Seal". (transfer full) */
char *seal_pkcs11_txt_add(const char *text, const char *library);

/* `text` without the stanzas of the module at `library`; what was added is gone without a trace
 * then. (transfer full) */
char *seal_pkcs11_txt_remove(const char *text, const char *library);

/* What the module is called in NSS's lists. */
#define SEAL_PKCS11_TXT_NAME "Privy Seal"
