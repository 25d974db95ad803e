/* Session keys for S/MIME from keys in the agent. */
#pragma once

#include "smime/unwrapper.h"
#include "ui-cli/reach.h"

typedef struct SealAgentUnwrapper SealAgentUnwrapper;

/* Reaches the agent only when a mail turns out to need a key. (transfer full) */
SealAgentUnwrapper *seal_agent_unwrapper_new(void);
void seal_agent_unwrapper_free(SealAgentUnwrapper *unwrapper);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAgentUnwrapper, seal_agent_unwrapper_free)

/* Tells that many mails are to come: their session keys are asked for by lanes from the start
 * (seal_client_set_bulk()). Before the first. */
void seal_agent_unwrapper_expect_many(SealAgentUnwrapper *unwrapper);

/* For seal_mail_open() (borrowed). */
const SealUnwrapper *seal_agent_unwrapper_peek(const SealAgentUnwrapper *unwrapper);
