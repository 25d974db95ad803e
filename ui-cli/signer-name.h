/* Which certificate somebody means who signs, for programs that know a signer by one word. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/reach.h"

/* `name`: a mail address, alone or as "Name <address>"; the SHA-1 or SHA-256 fingerprint of a
 * certificate in hex, with or without colons and 0x in front; or a key as seal_choose_key() takes
 * it. An address and a key stand for their best certificate (ui-cli/mail-certificate.h), a
 * fingerprint for just the one. `purpose`: to sign mail or data. Returns a certificate whose key is
 * here and can sign, borrowed from `objects`; or NULL with the errors of those choices, all of them
 * saying what `name` was. */
const SealClientCertificate *seal_signer_by_name(const SealClientObjects *objects, const char *name,
                                                 SealCertificatePurpose purpose, GError **error);
