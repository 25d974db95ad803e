/* A CMS signature apart from the bytes it signs, for programs such as git that sign no mail. Making
 * one is seal_detached_sign(). */
#pragma once

#include "base/bytes.h"
#include "pki/trust.h"
#include "smime/cms.h"
#include "smime/report.h"

#include <glib.h>

/* Reads the DER or BER of a ContentInfo that holds a SignedData. Returns (transfer full), or NULL
 * if it is anything else. */
SealSignedData *seal_signed_data_read(SealBytes cms);

/* Judges `signature` (a SignedData without content in DER, BER, or as text of smime/armor.h) over
 * exactly the bytes of `content`. `trust`: (nullable) anchors and CRLs; without, every signer is
 * untrusted. `purpose`: what their certificates must be for. `at`: the time certificates are judged
 * at, seconds since 1970, 0: now. Nobody says who should have signed, so addresses are not
 * compared.
 *
 * Returns (transfer full) a report with one layer. A signature that carries a content of its own is
 * "malformed", since another reader might believe that one. Does not block. */
SealReport *seal_detached_judge(GBytes *content, GBytes *signature, const SealTrust *trust,
                                SealCertificatePurpose purpose, gint64 at);
