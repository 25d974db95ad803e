/* privyseal pin: another PIN for a token. The agent's prompt asks for all of it; nothing secret
 * passes here. */
#include "ui-cli/command.h"

#include <stdio.h>

#include "ui-cli/choose.h"
#include "ui-cli/progress.h"
#include "ui-cli/reach.h"
#include "ui-cli/status.h"
#include "ui-cli/table.h"

static const SealOption options_table[] = {{0}};

typedef struct {
    const char *name;
    gboolean (*call)(SealClient *client, const char *token, GError **error);
    const char *waiting, *waiting_for_pad; /* what is happening to the token */
    const char *done;                      /* what the token is now */
} Action;

static const Action actions[] = {
    {"change", seal_client_change_pin, "its PIN and a new one are asked for",
     "type the PIN on its reader, then the new one", "has another PIN now"},
    {"unblock", seal_client_unblock_pin, "its PUK and a new PIN are asked for",
     "type the PUK on its reader, then the new PIN", "is unblocked, and has another PIN now"},
};

static const Action *
find_action(const char *name, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_str_equal(actions[i].name, name))
            return &actions[i];
    seal_usage_error_set(error, "pin", "there is no 'pin %s': it is change or unblock", name);
    return NULL;
}

static int
run_pin(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const Action *action = find_action(operands->pdata[0], error);
    const char *name = operands->len > 1 ? operands->pdata[1] : NULL;
    g_autoptr(SealReach) reach = action ? seal_reach_agent(error) : NULL;
    const SealClientObjects *objects = reach ? seal_reach_objects(reach, error) : NULL;
    const SealClientToken *token = objects ? seal_choose_token(objects, name, error) : NULL;
    g_autoptr(SealProgress) progress = NULL;
    g_autofree char *label = NULL;

    if (!action)
        return SEAL_STATUS_USAGE;
    if (!token)
        return SEAL_STATUS_MISSING;
    progress = seal_progress_start(TRUE, "waiting for token '%s': %s", token->label,
                                   token->protected_authentication ? action->waiting_for_pad
                                                                   : action->waiting);
    if (!action->call(seal_reach_client(reach), token->path, error))
        return SEAL_STATUS_REFUSED;
    g_clear_pointer(&progress, seal_progress_end);
    label = seal_text_clean(token->label);
    printf("token '%s' %s\n", label, action->done);
    return SEAL_STATUS_DONE;
}

const SealCommand seal_command_pin = {
    .name = "pin",
    .usage = "change [TOKEN] | unblock [TOKEN]",
    .summary = "change a token's PIN, or unblock it with its PUK",
    .description =
        "'change' has the agent's prompt (pinentry, or the reader's own pad) ask for the PIN of a\n"
        "token and twice for a new one. 'unblock' asks for its PUK instead, also called the PIN "
        "of\n"
        "its security officer: it sets a new PIN where the old one is blocked or forgotten. PIN\n"
        "and PUK are never read from the command line, standard input or the environment.\n\n"
        "What cannot be right is not sent to the token: a PIN of the wrong length, one that it\n"
        "refused before. The last try is only used after a confirmation; a PUK has few tries, "
        "too,\n"
        "and nothing unblocks a token that has spent them.\n\n"
        "TOKEN is a label, a serial number, a PKCS#11 URI or the beginning of an ID of\n"
        "'privyseal list tokens'; without it the one token that is there.",
    .options = options_table,
    .examples = "  privyseal pin change\n"
                "  privyseal pin unblock 'Blue card'\n",
    .statuses =
        "  0  the token has a new PIN\n"
        "  2  wrong use of the command\n"
        "  3  there is no agent or no such token, or more than one\n"
        "  4  refused: cancelled, or PIN or PUK wrong or blocked\n"
        "  5  the token or its module failed, cannot do it, or takes no new PIN like that\n",
    .operands_min = 1,
    .operands_max = 2,
    .run = run_pin,
};
