/* Opening one EnvelopedData or AuthEnvelopedData through a SealUnwrapper. */
#pragma once

#include "smime/cms.h"
#include "smime/report.h"
#include "smime/unwrapper.h"

#include <glib.h>

/* Keys of one message that are tried; more is "resource-limit". Each costs a token up to a second,
 * and a person whose PIN is asked for each use a prompt; nobody has that many keys in turn. */
#define SEAL_KEYS_TRIED_MAX 16

/* What the two structures have in common; a view (transfer none). */
typedef struct {
    STACK_OF(ASN1_TYPE) *recipients;
    const SealEncryptedContent *encrypted;
    SealBytes content; /* the ciphertext, which need not be in `encrypted` */
    gboolean authenticated;                                   /* AuthEnvelopedData */
    const ASN1_OCTET_STRING *mac;                             /* (nullable) */
    const STACK_OF(X509_ATTRIBUTE) *authenticated_attributes; /* (nullable) */
} SealEnvelope;

/* Opens `envelope` with the first of its recipients for whom there is a key that works, filling
 * `layer`. `unwrapper`: (nullable) there is no key. `ret_content`: (transfer full) (nullable on
 * return) set where the layer's verdict is DECRYPTED or DECRYPTED_NOAUTH. FALSE with an error only
 * where the unwrapper could not work (see SealUnwrapper). */
gboolean seal_envelope_open(const SealEnvelope *envelope, const SealUnwrapper *unwrapper,
                            SealLayerReport *layer, GBytes **ret_content, GError **error);
