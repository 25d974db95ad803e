/* What is true of one signer of a SignedData, trust aside: structure and mathematics. */
#pragma once

#include "base/bytes.h"
#include "smime/algorithm.h"
#include "smime/cms.h"
#include "smime/report.h"

#include <glib.h>
#include <openssl/x509.h>

typedef struct {
    SealVerdict verdict;  /* OK, BAD_SIGNATURE, SIGNER_CERT_MISSING, MALFORMED or UNSUPPORTED */
    const char *reason;   /* (nullable) static; why the verdict is not OK */
    X509 *certificate;    /* (nullable) (transfer none) the signer's, of the list given */
    const SealHash *hash; /* (nullable) */
    SealScheme scheme;    /* meaningful if has_scheme */
    gboolean has_scheme;
    gint64 signing_time; /* G_MININT64: not stated */
} SealSignatureCheck;

/* Checks signer `info` over `content` (of type `content_type`). `certificates`: those the message
 * carries, none of them believed. */
void seal_signature_check(const SealSignerInfo *info, const ASN1_OBJECT *content_type,
                          SealBytes content, STACK_OF(X509) *certificates,
                          SealSignatureCheck *ret_check);
