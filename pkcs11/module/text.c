/* Text in the form of Cryptoki 2: blanks to the end, no NUL (PKCS#11 3.1). */
#include "pkcs11/module/text.h"

#include <string.h>

void
seal_text_pad(CK_UTF8CHAR *field, gsize width, const char *text)
{
    gsize len = strlen(text);

    if (len > width) {
        const char *end = g_utf8_find_prev_char(text, text + width + 1);

        len = end ? (gsize)(end - text) : 0;
    }
    memset(field, ' ', width);
    memcpy(field, text, len);
}

CK_VERSION
seal_text_version(const char *text)
{
    char *end = NULL;
    CK_VERSION version = {(CK_BYTE)g_ascii_strtoull(text, &end, 10), 0};

    if (*end == '.')
        version.minor = (CK_BYTE)g_ascii_strtoull(end + 1, NULL, 10);
    return version;
}
