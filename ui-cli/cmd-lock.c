/* privyseal lock: logs out of one token or of all. */
#include "ui-cli/command.h"

#include "ui-cli/choose.h"
#include "ui-cli/progress.h"
#include "ui-cli/reach.h"
#include "ui-cli/status.h"

static const SealOption options_table[] = {{0}};

static int
run_lock(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(SealReach) reach = seal_reach_agent(error);
    const SealClientObjects *objects = NULL;
    const SealClientToken *token = NULL;
    g_autoptr(SealProgress) progress = NULL;

    if (!reach)
        return SEAL_STATUS_MISSING;
    if (operands->len == 0) {
        progress = seal_progress_start(FALSE, "waiting for the tokens to log out");
        return seal_client_lock_all(seal_reach_client(reach), error) ? SEAL_STATUS_DONE
                                                                     : SEAL_STATUS_IO;
    }
    objects = seal_reach_objects(reach, error);
    token = objects ? seal_choose_token(objects, operands->pdata[0], error) : NULL;
    if (!token)
        return SEAL_STATUS_MISSING;
    progress = seal_progress_start(FALSE, "waiting for token '%s' to log out", token->label);
    return seal_client_lock(seal_reach_client(reach), token->path, error) ? SEAL_STATUS_DONE
                                                                          : SEAL_STATUS_IO;
}

const SealCommand seal_command_lock = {
    .name = "lock",
    .usage = "[TOKEN]",
    .summary = "log out of a token, or of all",
    .description =
        "Logs out of TOKEN, or of every token; the next use asks for the PIN again. Prompts that\n"
        "are open for it are closed.\n\n"
        "TOKEN is a label, a serial number, a PKCS#11 URI or the beginning of an ID of\n"
        "'privyseal list tokens'.",
    .options = options_table,
    .examples = "  privyseal lock\n"
                "  privyseal lock 'Blue card'\n",
    .operands_max = 1,
    .run = run_lock,
};
