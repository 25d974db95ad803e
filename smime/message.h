/* A CMS message as it came in. What it wraps, the mail or its ciphertext, can be nearly all of it,
 * so that is not copied. */
#pragma once

#include "smime/cms.h"

#include <glib.h>

typedef struct {
    SealContentInfo *info;
    GBytes *content; /* (nullable) what the message wraps. Where it is set, the OCTET STRING in
                      * `info` is there, but empty */
} SealMessage;

/* Reads a ContentInfo (DER or BER); `cms` is kept as long as `content`. Returns (transfer full), or
 * NULL where seal_content_info_read() does. */
SealMessage *seal_message_read(GBytes *cms);
void seal_message_free(SealMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealMessage, seal_message_free)

/* Returns (transfer full) what the message wraps: `content`, or where that is NULL the octets of
 * `string`, the OCTET STRING in its structure. */
GBytes *seal_message_content(const SealMessage *message, const ASN1_STRING *string);
