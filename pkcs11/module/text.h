/* The fixed-width text of CK_INFO and its like, and versions. */
#pragma once

#include <glib.h>

#include "pkcs11/module/cryptoki.h"

/* Writes `text` (UTF-8) into `width` bytes, cut between characters, padded with blanks. */
void seal_text_pad(CK_UTF8CHAR *field, gsize width, const char *text);
#define SEAL_TEXT_PAD(field, text) seal_text_pad((field), sizeof(field), (text))

/* "0.1.0" as {0, 1}. */
CK_VERSION seal_text_version(const char *text);
