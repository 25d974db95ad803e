/* How thoroughly the issuer of a mail certificate checked whose it is, by the CA/Browser Forum's
 * Baseline Requirements for S/MIME: policy 2.23.140.1.5.TYPE.GENERATION. */
#pragma once

#include <glib.h>
#include <openssl/x509_vfy.h>

typedef enum {
    SEAL_LEVEL_UNKNOWN,      /* no such policy: a company's own CA, or one from before 2023 */
    SEAL_LEVEL_MAILBOX,      /* the address alone */
    SEAL_LEVEL_ORGANIZATION, /* and the organisation it belongs to */
    SEAL_LEVEL_SPONSOR,      /* and a person in it */
    SEAL_LEVEL_INDIVIDUAL,   /* a person, without an organisation */
} SealLevel;

typedef enum {
    SEAL_GENERATION_UNKNOWN,
    SEAL_GENERATION_LEGACY,
    SEAL_GENERATION_MULTIPURPOSE,
    SEAL_GENERATION_STRICT,
} SealGeneration;

/* The words of both, ended by NULL; the index is the value: "unknown", "mailbox-validated", ...;
 * "unknown", "legacy", ... */
extern const char *const seal_level_words[];
extern const char *const seal_generation_words[];

typedef struct {
    SealLevel level;
    SealGeneration generation;
    const char *contradiction; /* (nullable) (static) where policy and subject disagree: a clause
                                * that follows "the certificate 'X'" */
} SealLevelFinding;

/* Reads the level of `leaf`. `policies` (nullable: none) is the tree of the path that was verified:
 * a policy counts only if every CA between anchor and leaf may issue under it. */
void seal_level_read(X509 *leaf, const X509_POLICY_TREE *policies, SealLevelFinding *ret_finding);

/* TRUE if what was checked for `level` includes what was checked for `minimum`: everything includes
 * SEAL_LEVEL_UNKNOWN, each level itself and the mailbox, SPONSOR also ORGANIZATION and INDIVIDUAL.
 */
gboolean seal_level_reaches(SealLevel level, SealLevel minimum);
