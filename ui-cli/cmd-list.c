/* privyseal list: tokens, keys, certificates, and modules that do not run; lanes if asked for. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <string.h>

#include "ui-cli/choose.h"
#include "ui-cli/key-uses.h"
#include "ui-cli/lanes-list.h"
#include "ui-cli/list-json.h"
#include "ui-cli/reach.h"
#include "ui-cli/status.h"
#include "ui-cli/table.h"
#include "ui-cli/trust-options.h"
#include "ui-cli/validity.h"

static const char *const sections[] = {"tokens", "keys", "certificates", "lanes", NULL};

static const SealOption options_table[] = {
    {.name = "json", .help = "print JSON instead of tables"},
    {.name = "rescan", .help = "look for tokens first, and start modules again that failed"},
    {0},
};

/* -- tokens ----------------------------------------------------------------------- */

static SealColour
colour_of_state(const char *state)
{
    if (g_str_equal(state, "unlocked"))
        return SEAL_COLOUR_GREEN;
    if (g_str_equal(state, "blocked") || g_str_equal(state, "unreachable"))
        return SEAL_COLOUR_RED;
    if (g_str_equal(state, "absent"))
        return SEAL_COLOUR_DIM;
    return SEAL_COLOUR_NONE;
}

static void
add_token_row(SealTable *table, const SealClientToken *token)
{
    g_autofree char *tries =
        token->tries_left < 0 ? g_strdup("?") : g_strdup_printf("%d", token->tries_left);
    g_autofree char *id = g_strndup(seal_path_id(token->path), 8);
    g_autofree char *slot = g_strdup_printf("none (%s)", token->slot);
    g_autofree char *state =
        g_strconcat(token->state, token->pin_to_be_changed ? ", wants another PIN" : "", NULL);

    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, token->label);
    seal_table_add_cell(table, colour_of_state(token->state), state);
    seal_table_add_cell(table,
                        token->tries_left >= 0 && token->tries_left <= 1 ? SEAL_COLOUR_RED
                                                                         : SEAL_COLOUR_NONE,
                        tries);
    seal_table_add_cell(table, SEAL_COLOUR_NONE,
                        token->protected_authentication ? "reader's pad" : "prompt");
    seal_table_add_cell(table, *token->serial ? SEAL_COLOUR_NONE : SEAL_COLOUR_DIM,
                        *token->serial ? token->serial : slot);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, token->model);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, token->module);
    seal_table_add_cell(table, SEAL_COLOUR_DIM, id);
}

static void
print_tokens(const SealClientObjects *objects, const SealKnownRevocations *revocations)
{
    static const char *const heads[] = {"TOKEN", "STATE",  "PIN TRIES", "PIN BY", "SERIAL",
                                        "MODEL", "MODULE", "ID",        NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "Tokens\n");
    if (objects->tokens->len == 0) {
        printf("  none: insert a token, or see the modules in privyseal.conf(5)\n");
        return;
    }
    for (guint i = 0; i < objects->tokens->len; i++)
        add_token_row(table, objects->tokens->pdata[i]);
    seal_table_print(table);
}

/* -- keys -------------------------------------------------------------------------- */

/* The addresses of its certificates, each once. */
static char *
addresses_of_key(const SealClientObjects *objects, const SealClientKey *key)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (char **path = key->certificates; *path; path++) {
        const SealClientCertificate *certificate = seal_objects_certificate(objects, *path);

        for (char **at = certificate ? certificate->addresses : NULL; at && *at; at++) {
            if (!g_ptr_array_find_with_equal_func(all, *at, g_str_equal, NULL))
                g_ptr_array_add(all, *at);
        }
    }
    if (all->len == 0)
        return g_strdup(*key->certificates ? "(no address)" : "(no certificate)");
    g_ptr_array_add(all, NULL);
    return g_strjoinv(" ", (char **)all->pdata);
}

/* A key with what it can be used for. */
typedef struct {
    const SealClientKey *key;
    SealKeyUses uses;
} KeyRow;

static void
add_key_row(SealTable *table, const SealClientObjects *objects, const KeyRow *row)
{
    const SealClientKey *key = row->key;
    gboolean absent = (row->uses.limits & SEAL_LIMIT_ABSENT) != 0;
    SealColour colour = absent           ? SEAL_COLOUR_DIM
                        : row->uses.uses ? SEAL_COLOUR_GREEN
                                         : SEAL_COLOUR_RED;
    g_autofree char *algorithm = seal_describe_algorithm(key);
    g_autofree char *uses = seal_key_uses_text(&row->uses);
    g_autofree char *limits = seal_key_limits_text(&row->uses);
    g_autofree char *addresses = addresses_of_key(objects, key);
    g_autofree char *id = g_strndup(seal_path_id(key->path), 8);
    g_autofree char *where = seal_describe_token(objects, seal_objects_token(objects, key->token));

    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, key->label);
    seal_table_add_cell(table, colour, uses);
    seal_table_add_cell(table, SEAL_COLOUR_YELLOW, limits);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, addresses);
    seal_table_add_cell(table, absent ? SEAL_COLOUR_DIM : SEAL_COLOUR_NONE, where);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, algorithm);
    seal_table_add_cell(table, SEAL_COLOUR_DIM, id);
}

/* Less stands higher: by the first use. */
static gint
rank_of(const KeyRow *row)
{
    return row->uses.uses ? g_bit_nth_lsf(row->uses.uses, -1) : G_MAXINT;
}

/* Keys that are here first; then by token, use and label: what belongs together stands together. */
static gint
compare_keys(gconstpointer a, gconstpointer b)
{
    const KeyRow *row_a = a, *row_b = b;
    gboolean absent_a = (row_a->uses.limits & SEAL_LIMIT_ABSENT) != 0;
    gboolean absent_b = (row_b->uses.limits & SEAL_LIMIT_ABSENT) != 0;
    int order = absent_a - absent_b;

    if (order == 0)
        order = g_strcmp0(row_a->key->token, row_b->key->token);
    if (order == 0)
        order = (rank_of(row_a) > rank_of(row_b)) - (rank_of(row_a) < rank_of(row_b));
    return order != 0 ? order : g_strcmp0(row_a->key->label, row_b->key->label);
}

static void
print_keys(const SealClientObjects *objects, const SealKnownRevocations *revocations)
{
    static const char *const heads[] = {"KEY",   "CAN",  "BUT", "ADDRESS",
                                        "TOKEN", "KIND", "ID",  NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(KeyRow));

    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "Keys\n");
    if (objects->keys->len == 0) {
        printf("  none\n");
        return;
    }
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];
        KeyRow row = {key, seal_key_uses_find(objects, key, revocations)};

        g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_keys);
    for (guint i = 0; i < rows->len; i++)
        add_key_row(table, objects, &g_array_index(rows, KeyRow, i));
    seal_table_print(table);
}

/* -- certificates -------------------------------------------------------------------- */

static void
add_certificate_row(SealTable *table, const SealClientObjects *objects,
                    const SealClientCertificate *certificate)
{
    const SealClientKey *key = seal_objects_key(objects, certificate->key);
    g_autofree char *addresses = g_strjoinv(" ", certificate->addresses);
    g_autofree char *purposes = g_strjoinv(" ", certificate->purposes);
    g_autofree char *validity = seal_validity_text(certificate->not_before, certificate->not_after);
    g_autofree char *id = g_strndup(seal_path_id(certificate->path), 8);

    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, certificate->subject);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, addresses);
    seal_table_add_cell(
        table, seal_validity_colour(certificate->not_before, certificate->not_after), validity);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, *purposes ? purposes : "any");
    seal_table_add_cell(table, SEAL_COLOUR_NONE, key ? key->label : "(no key)");
    seal_table_add_cell(table, SEAL_COLOUR_DIM, id);
}

static void
print_certificates(const SealClientObjects *objects, const SealKnownRevocations *revocations)
{
    static const char *const heads[] = {"CERTIFICATE", "ADDRESS", "VALID UNTIL", "FOR",
                                        "KEY",         "ID",      NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "Certificates\n");
    if (objects->certificates->len == 0) {
        printf("  none\n");
        return;
    }
    for (guint i = 0; i < objects->certificates->len; i++)
        add_certificate_row(table, objects, objects->certificates->pdata[i]);
    seal_table_print(table);
}

/* -- modules --------------------------------------------------------------------------- */

static void
print_failed_modules(const SealClientObjects *objects)
{
    static const char *const heads[] = {"MODULE", "STATE", "REASON", NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);
    guint failed = 0;

    for (guint i = 0; i < objects->modules->len; i++) {
        const SealClientModule *module = objects->modules->pdata[i];

        if (g_str_equal(module->state, "running"))
            continue;
        failed++;
        seal_table_add_row(table);
        seal_table_add_cell(table, SEAL_COLOUR_BOLD, module->name);
        seal_table_add_cell(table, SEAL_COLOUR_RED, module->state);
        seal_table_add_cell(table, SEAL_COLOUR_NONE,
                            *module->reason ? module->reason : module->path);
    }
    if (failed == 0)
        return;
    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "\nModules that do not run\n");
    seal_table_print(table);
}

/* Objects on tokens that are no keys or certificates for us. */
static void
print_left_out(const SealClientObjects *objects)
{
    static const char *const heads[] = {"TOKEN", "OBJECT AND REASON", NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);
    guint n_left_out = 0;

    for (guint i = 0; i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];

        for (char **sentence = token->left_out; *sentence; sentence++, n_left_out++) {
            seal_table_add_row(table);
            seal_table_add_cell(table, SEAL_COLOUR_BOLD, token->label);
            seal_table_add_cell(table, SEAL_COLOUR_NONE, *sentence);
        }
    }
    if (n_left_out == 0)
        return;
    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "\nObjects that are left out\n");
    seal_table_print(table);
}

static void
print_tables(const SealClientObjects *objects, const char *section,
             const SealKnownRevocations *revocations)
{
    static void (*const printers[])(const SealClientObjects *objects,
                                    const SealKnownRevocations *revocations) = {
        print_tokens, print_keys, print_certificates};
    gboolean first = TRUE;

    for (guint i = 0; i < G_N_ELEMENTS(printers); i++) {
        if (section && !g_str_equal(section, sections[i]))
            continue;
        if (!first)
            printf("\n");
        printers[i](objects, revocations);
        first = FALSE;
    }
    print_left_out(objects);
    print_failed_modules(objects);
}

static void
print_objects(const SealClientObjects *objects, const char *section, gboolean as_json)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealKnownRevocations) revocations = NULL;

    if (!section || g_str_equal(section, "keys"))
        revocations = seal_known_revocations_new(objects, warnings);
    seal_trust_warn(warnings);
    if (as_json) {
        g_autofree char *json = seal_list_to_json(objects, section, revocations);

        fputs(json, stdout);
    } else {
        print_tables(objects, section, revocations);
    }
}

static int
run_list(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const char *section = operands->len > 0 ? operands->pdata[0] : NULL;
    g_autoptr(SealReach) reach = NULL;
    const SealClientObjects *objects = NULL;

    if (section && !g_strv_contains(sections, section)) {
        seal_usage_error_set(error, "list",
                             "there is nothing called '%s' to list: it is tokens, keys, "
                             "certificates or lanes",
                             section);
        return SEAL_STATUS_USAGE;
    }
    reach = seal_reach_agent(error);
    if (!reach)
        return SEAL_STATUS_MISSING;
    if (g_strcmp0(section, "lanes") == 0)
        return seal_lanes_list_print(reach, seal_options_has(options, "json"), error)
                   ? SEAL_STATUS_DONE
                   : SEAL_STATUS_MISSING;
    objects = seal_options_has(options, "rescan") ? seal_reach_rescan(reach, error)
                                                  : seal_reach_objects(reach, error);
    if (!objects)
        return SEAL_STATUS_MISSING;
    print_objects(objects, section, seal_options_has(options, "json"));
    return SEAL_STATUS_DONE;
}

const SealCommand seal_command_list = {
    .name = "list",
    .usage = "[tokens|keys|certificates|lanes] [--json] [--rescan]",
    .summary = "show tokens, keys, certificates, and modules that failed",
    .description =
        "Shows what the agent knows: tokens with their state and PIN tries, keys with what each\n"
        "can be used for, certificates, objects on tokens that cannot be used and modules that\n"
        "do not run, each with the reason. Asks for no PIN. The ID column is what --key and the\n"
        "like accept besides labels and PKCS#11 URIs; a beginning that fits one key only is\n"
        "enough.\n\n"
        "CAN is what a key's certificates are for now, and what 'sign' and 'decrypt' would take "
        "it\n"
        "for; BUT is why not for more: expired, not before a date, revoked (if that is known on\n"
        "this machine, for CAs that are trusted), no certificate, not for mail, found by --key "
        "only\n"
        "(no address in the certificate), retired, PIN each time, insert the token; or that its\n"
        "signatures do not fit its certificate, so it is not used until --rescan. Tokens with the\n"
        "same label are told apart by serial number or slot (its reader, if that is known); both,\n"
        "like the id, may stand wherever a command wants a TOKEN.\n"
        "With --json each key has the same as \"uses\", \"limits\" and \"limits-text\".\n\n"
        "'list lanes' shows the direct lines that programs have to a key's token, and nothing "
        "else;\n"
        "see 'privyseal grants'.",
    .options = options_table,
    .examples = "  privyseal list\n"
                "  privyseal list keys\n"
                "  privyseal list keys --json | jq -r '.keys[] | select(.uses == []) | .label'\n"
                "  privyseal list certificates --json | jq -r '.certificates[].addresses[]'\n",
    .operands_max = 1,
    .run = run_list,
};
