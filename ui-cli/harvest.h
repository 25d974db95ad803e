/* What a good mail teaches about its signers. */
#pragma once

#include "pki/trust.h"
#include "smime/report.h"

/* Keeps, for each sender of a mail whose verdict is ok, the certificate to encrypt to and what
 * their program can read, if `trust` believes that certificate to be theirs and privyseal.conf does
 * not say harvest=no. A certificate that takes the place of another is told in a warning of the
 * `report`; what cannot be kept is told on standard error, and makes no mail less good. Blocks on
 * the disk. */
void seal_harvest(SealReport *report, const SealTrust *trust);
