/* Signatures for S/MIME from a key in the agent. */
#pragma once

#include "smime/signer.h"
#include "ui-cli/reach.h"

typedef struct SealAgentSigner SealAgentSigner;

/* A signer with `key` and its `certificate` (both of `reach`, which must outlive the signer). The
 * certificates in `chain_files` (element-type utf8) go along, and the CA certificates that lead up
 * from it and from the one for encryption, as far as they are in these, on tokens, among the
 * trusted ones or among those that mail brought. (transfer full), or NULL with what is wrong with a
 * file. */
SealAgentSigner *seal_agent_signer_new(SealReach *reach, const SealClientKey *key,
                                       const SealClientCertificate *certificate,
                                       const GPtrArray *chain_files, GError **error);
void seal_agent_signer_free(SealAgentSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAgentSigner, seal_agent_signer_free)

/* Returns (transfer none) (nullable) the name of the CA that issued the certificate, if that CA's
 * own certificate is nowhere to be found: readers who lack it cannot judge the signature. */
const char *seal_agent_signer_missing_issuer(const SealAgentSigner *signer);

/* For seal_mail_sign() (borrowed). */
const SealSigner *seal_agent_signer_peek(const SealAgentSigner *signer);
