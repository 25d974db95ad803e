/* Whether and how a signature is made with a certificate's key. */
#pragma once

#include "smime/algorithm.h"
#include "smime/sign.h"

/* Chooses the scheme for the key of `certificate`: hash and padding as `options` ask, else the
 * key's own (smime/sign.h). FALSE with NOT_SUPPORTED (kind of key, hash) or KEY_USAGE (the
 * certificate is not for signatures). */
gboolean seal_signing_choose(X509 *certificate, const SealSignOptions *options,
                             SealScheme *ret_scheme, GError **error);
