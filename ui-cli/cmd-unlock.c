/* privyseal unlock: asks for the PIN now, so that later work is not held up. */
#include "ui-cli/command.h"

#include "ui-cli/choose.h"
#include "ui-cli/progress.h"
#include "ui-cli/reach.h"
#include "ui-cli/status.h"

static const SealOption options_table[] = {{0}};

static int
run_unlock(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const char *name = operands->len > 0 ? operands->pdata[0] : NULL;
    g_autoptr(SealReach) reach = seal_reach_agent(error);
    const SealClientObjects *objects = reach ? seal_reach_objects(reach, error) : NULL;
    const SealClientToken *token = objects ? seal_choose_token(objects, name, error) : NULL;
    g_autoptr(SealProgress) progress = NULL;

    if (!token)
        return SEAL_STATUS_MISSING;
    progress = seal_progress_start(!g_str_equal(token->state, "unlocked"),
                                   token->protected_authentication
                                       ? "waiting for token '%s': type the PIN on its reader"
                                       : "waiting for token '%s': its PIN is asked for",
                                   token->label);
    if (!seal_client_unlock(seal_reach_client(reach), token->path, error))
        return SEAL_STATUS_REFUSED;
    return SEAL_STATUS_DONE;
}

const SealCommand seal_command_unlock = {
    .name = "unlock",
    .usage = "[TOKEN]",
    .summary = "ask for a token's PIN now",
    .description =
        "Unlocks a token: the agent's prompt (pinentry, or the reader's own pad) asks for the "
        "PIN.\n"
        "It stays unlocked until 'privyseal lock', until it is pulled, or until the times of\n"
        "privyseal.conf(5) have passed. Other commands unlock by themselves when they need to.\n\n"
        "TOKEN is a label, a serial number, a PKCS#11 URI or the beginning of an ID of\n"
        "'privyseal list tokens'; without it the one token that is there.",
    .options = options_table,
    .examples = "  privyseal unlock\n"
                "  privyseal unlock 'Blue card'\n",
    .operands_max = 1,
    .run = run_unlock,
};
