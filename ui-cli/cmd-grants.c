/* privyseal grants: what programs were granted beyond single uses, and taking it back. Today these
 * are lanes. */
#include "ui-cli/command.h"

#include <stdio.h>

#include "base/error.h"
#include "ui-cli/choose.h"
#include "ui-cli/lanes-list.h"
#include "ui-cli/status.h"

static const SealOption options_table[] = {
    {.name = "key", .argument = "KEY", .help = "revoke: only lanes of this key"},
    {.name = "token", .argument = "TOKEN", .help = "revoke: only lanes of this token's keys"},
    {.name = "json", .help = "list: print JSON instead of a table"},
    {0},
};

/* -- list -----------------------------------------------------------------------------------------
 */

static int
run_list(SealOptions *options, GError **error)
{
    g_autoptr(SealReach) reach = NULL;

    if (seal_options_operands(options)->len > 1 || seal_options_has(options, "key") ||
        seal_options_has(options, "token")) {
        seal_usage_error_set(error, "grants", "'grants list' takes no lane, key or token");
        return SEAL_STATUS_USAGE;
    }
    reach = seal_reach_agent(error);
    if (!reach)
        return SEAL_STATUS_MISSING;
    return seal_lanes_list_print(reach, seal_options_has(options, "json"), error)
               ? SEAL_STATUS_DONE
               : SEAL_STATUS_MISSING;
}

/* -- revoke ---------------------------------------------------------------------------------------
 */

/* The numbers on the command line; empty: every lane. NULL with a usage error. */
static GArray *
read_lanes(const GPtrArray *operands, GError **error)
{
    g_autoptr(GArray) lanes = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 1; i < operands->len; i++) {
        guint64 number = 0;

        if (!g_ascii_string_to_unsigned(operands->pdata[i], 10, 1, G_MAXINT32, &number, NULL)) {
            seal_usage_error_set(error, "grants",
                                 "'%s' is no lane's number: 'privyseal list lanes' shows them",
                                 (const char *)operands->pdata[i]);
            return NULL;
        }
        g_array_append_vals(lanes, &(guint){(guint)number}, 1);
    }
    return g_steal_pointer(&lanes);
}

/* What --key and --token name. */
static gboolean
read_query(SealReach *reach, const SealOptions *options, SealLaneQuery *query, GError **error)
{
    const char *key = seal_options_value(options, "key");
    const char *token = seal_options_value(options, "token");
    const SealClientObjects *objects = key || token ? seal_reach_objects(reach, error) : NULL;
    const SealClientKey *found_key = NULL;
    const SealClientToken *found_token = NULL;

    if ((key || token) && !objects)
        return FALSE;
    if (key) {
        found_key = seal_choose_key(objects, key, NULL, error);
        if (!found_key)
            return FALSE;
        query->key = found_key->path;
    }
    if (token) {
        found_token = seal_choose_token(objects, token, error);
        if (!found_token)
            return FALSE;
        query->token = found_token->path;
    }
    return TRUE;
}

static gboolean
take_back(SealClient *client, SealLaneQuery query, const GArray *lanes, guint *ret_revoked,
          GError **error)
{
    if (lanes->len == 0)
        return seal_client_revoke_lanes(client, &query, ret_revoked, error);
    for (guint i = 0; i < lanes->len; i++) {
        guint revoked = 0;

        query.lane = g_array_index(lanes, guint, i);
        if (!seal_client_revoke_lanes(client, &query, &revoked, error))
            return FALSE;
        *ret_revoked += revoked;
    }
    return TRUE;
}

static int
run_revoke(SealOptions *options, GError **error)
{
    g_autoptr(GArray) lanes = read_lanes(seal_options_operands(options), error);
    g_autoptr(SealReach) reach = NULL;
    SealLaneQuery query = {0};
    guint revoked = 0;

    if (!lanes)
        return SEAL_STATUS_USAGE;
    if (seal_options_has(options, "json")) {
        seal_usage_error_set(error, "grants", "--json goes with list");
        return SEAL_STATUS_USAGE;
    }
    reach = seal_reach_agent(error);
    if (!reach || !read_query(reach, options, &query, error))
        return SEAL_STATUS_MISSING;
    if (!take_back(seal_reach_client(reach), query, lanes, &revoked, error))
        return SEAL_STATUS_IO;
    if (revoked < lanes->len) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "%u of %u lanes are taken back, the others were not open", revoked, lanes->len);
        return SEAL_STATUS_MISSING;
    }
    printf("%u %s taken back\n", revoked, revoked == 1 ? "lane is" : "lanes are");
    return SEAL_STATUS_DONE;
}

static int
run_grants(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const char *action = operands->len > 0 ? operands->pdata[0] : "list";

    if (g_str_equal(action, "list"))
        return run_list(options, error);
    if (g_str_equal(action, "revoke"))
        return run_revoke(options, error);
    seal_usage_error_set(error, "grants", "there is no 'grants %s': it is list or revoke", action);
    return SEAL_STATUS_USAGE;
}

const SealCommand seal_command_grants = {
    .name = "grants",
    .usage = "[list | revoke [LANE...]] [--key KEY] [--token TOKEN] [--json]",
    .summary = "show the lanes that programs have, and take them back",
    .description =
        "A program that uses a key again and again gets a lane: a line of its own to the key's\n"
        "token, for one key, with a limit in time and operations. Each use is recorded.\n\n"
        "  list              which program has which lane, and what is left of it\n"
        "  revoke [LANE...]  take lanes back: all, or those of these numbers, this key or token.\n"
        "                    Nothing is under way on them when the command ends. Their programs\n"
        "                    can ask the agent again, by the same rules; 'privyseal lock' ends\n"
        "                    that, too",
    .options = options_table,
    .examples = "  privyseal grants\n"
                "  privyseal grants revoke 7\n"
                "  privyseal grants revoke --token 'HSM 1'\n",
    .statuses = "  0  done\n"
                "  2  wrong use of the command\n"
                "  3  no such lane, key, token or agent\n",
    .operands_max = G_MAXUINT,
    .run = run_grants,
};
