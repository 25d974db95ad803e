/* The verdict on one SignedData: its signatures, and whether its signers may be believed. */
#pragma once

#include "base/bytes.h"
#include "pki/trust.h"
#include "smime/cms.h"
#include "smime/report.h"

#include <glib.h>

#define SEAL_SIGNERS_MAX      32  /* of one SignedData */
#define SEAL_CERTIFICATES_MAX 128 /* of one SignedData */

/* Bytes that are hashed for one SignedData: each signer may want the content by a hash of its own. */
#define SEAL_SIGNED_BYTES_MAX ((guint64)1024 * 1024 * 1024)

typedef struct {
    const SealTrust *trust;         /* (nullable) without, nobody is trusted */
    SealCertificatePurpose purpose; /* what certificates must be for */
    GPtrArray *senders; /* (nullable) (element-type utf8) the mail's authors: each signer must be
                         * certified for one, and each of them be covered by a good signer;
                         * without, addresses are not compared */
    GPtrArray *sent_by; /* (nullable) (element-type utf8) who sent it for them, to explain */
    gint64 at;          /* seconds since 1970 */
} SealVerifyPolicy;

/* Judges `data` over `content`, filling `layer`: signers, algorithms, verdict, reason. */
void seal_signed_data_judge(const SealSignedData *data, SealBytes content,
                            const SealVerifyPolicy *policy, SealLayerReport *layer);
