/* Signatures for S/MIME from a key in the agent. */
#pragma once

#include "smime/signer.h"
#include "ui-cli/reach.h"

typedef struct SealAgentSigner SealAgentSigner;

/* A signer with `key` and its `certificate` (both of `reach`, which must outlive the signer). The
 * CA certificates that lead up from it go along as far as they are on tokens; `chain_files`
 * (element-type utf8) name more. (transfer full), or NULL with what is wrong with a file. */
SealAgentSigner *seal_agent_signer_new(SealReach *reach, const SealClientKey *key,
                                       const SealClientCertificate *certificate,
                                       const GPtrArray *chain_files, GError **error);
void seal_agent_signer_free(SealAgentSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAgentSigner, seal_agent_signer_free)

/* For seal_mail_sign() (borrowed). */
const SealSigner *seal_agent_signer_peek(const SealAgentSigner *signer);
