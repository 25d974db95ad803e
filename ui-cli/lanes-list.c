/* Who has which lane, and how much of it is left. What was used is told by records that come some
 * tenths of a second later. */
#include "ui-cli/lanes-list.h"

#include <stdio.h>

#include "ui-cli/choose.h"
#include "ui-cli/json.h"
#include "ui-cli/table.h"

static void
put_number(JsonBuilder *json, const char *name, guint value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void
print_json(const GPtrArray *leases)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autofree char *text = NULL;

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "lanes");
    json_builder_begin_array(json);
    for (guint i = 0; i < leases->len; i++) {
        const SealClientLease *lease = leases->pdata[i];

        json_builder_begin_object(json);
        put_number(json, "lane", lease->lane);
        seal_json_put_text(json, "program", lease->program);
        put_number(json, "pid", lease->pid);
        seal_json_put_text(json, "key", seal_path_id(lease->key));
        seal_json_put_text(json, "operation", lease->operation);
        put_number(json, "count", lease->count);
        put_number(json, "used", lease->used);
        put_number(json, "seconds-left", lease->seconds_left);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
    text = seal_json_print(json);
    fputs(text, stdout);
}

static void
add_row(SealTable *table, const SealClientObjects *objects, const SealClientLease *lease)
{
    const SealClientKey *key = seal_objects_key(objects, lease->key);
    g_autofree char *lane = g_strdup_printf("%u", lease->lane);
    g_autofree char *program = g_strdup_printf("%s (pid %u)", lease->program, lease->pid);
    g_autofree char *used = g_strdup_printf("%u of %u", lease->used, lease->count);
    g_autofree char *left = g_strdup_printf("%u s", lease->seconds_left);

    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, lane);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, program);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, key ? key->label : seal_path_id(lease->key));
    seal_table_add_cell(table, SEAL_COLOUR_NONE, lease->operation);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, used);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, left);
}

static void
print_table(const SealClientObjects *objects, const GPtrArray *leases)
{
    static const char *const heads[] = {"LANE", "PROGRAM", "KEY", "TO", "USED", "ENDS IN", NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "Lanes\n");
    if (leases->len == 0) {
        printf("  none: no program uses a key often enough now\n");
        return;
    }
    for (guint i = 0; i < leases->len; i++)
        add_row(table, objects, leases->pdata[i]);
    seal_table_print(table);
}

gboolean
seal_lanes_list_print(SealReach *reach, gboolean json, GError **error)
{
    const SealClientObjects *objects = json ? NULL : seal_reach_objects(reach, error);
    g_autoptr(GPtrArray) leases = NULL;

    if (!json && !objects)
        return FALSE;
    leases = seal_client_list_lanes(seal_reach_client(reach), error);
    if (!leases)
        return FALSE;
    if (json)
        print_json(leases);
    else
        print_table(objects, leases);
    return TRUE;
}
