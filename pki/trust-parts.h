/* What a SealTrust holds: for the files of pki/ that make it and judge by it, for nobody else. */
#pragma once

#include "pki/online.h"
#include "pki/trust.h"

struct SealTrust {
    X509_STORE *store;       /* anchors and CRLs */
    STACK_OF(X509) *anchors; /* the same anchors, to try paths one by one */
    SealRevocation mode;
    SealLevel minimum_level;
    const SealFetcher *fetcher; /* (nullable) */
    SealOnline *online;         /* (nullable) (owned) */
};
