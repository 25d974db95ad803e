/* A certificate of a token, parsed here so that the agent never parses what a vendor's module gave.
 */
#pragma once

#include <glib.h>

#include "pkcs11/host/public-key.h"
#include "pkcs11/wire/messages.h"

/* Fills `ret_info` (all but token, id and label) from the certificate `der`, and `ret_key`
 * (transfer full, NULL if the key is of a kind that is not served). FALSE if it is no certificate:
 * only `ret_reason` is set then (static). Judges nothing: dates, chain and signature are the readers' matter. */
gboolean seal_certificate_parse(GBytes *der, SealCertificateInfo *ret_info,
                                SealPublicKey **ret_key, const char **ret_reason);
