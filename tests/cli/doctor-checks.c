/* The doctor as a program reads it. */
#include "tests/cli/doctor-checks.h"

#include <string.h>

#include "tests/support/process.h"

JsonNode *
seal_test_doctor(SealTestHome *home, int status)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "doctor", "--json", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);
    g_autoptr(GError) error = NULL;
    JsonNode *root = NULL;
    gboolean is_named = result->status == 0 || result->status == 1 || result->status == 3;

    if (status >= 0 ? result->status != status : !is_named)
        g_error("status %d instead of %d\n%s\n%s", result->status, status, result->out,
                result->err);
    root = json_from_string(result->out, &error);
    g_assert_no_error(error);
    return root;
}

JsonObject *
seal_test_doctor_find(JsonNode *root, const char *name, const char *result, const char *part)
{
    JsonArray *checks = json_object_get_array_member(json_node_get_object(root), "checks");

    for (guint i = 0; i < json_array_get_length(checks); i++) {
        JsonObject *check = json_array_get_object_element(checks, i);

        if (g_str_equal(json_object_get_string_member(check, "name"), name) &&
            g_str_equal(json_object_get_string_member(check, "result"), result) &&
            strstr(json_object_get_string_member(check, "sentence"), part))
            return check;
    }
    return NULL;
}

const char *
seal_test_doctor_assert(JsonNode *root, const char *name, const char *result, const char *part)
{
    JsonObject *check = seal_test_doctor_find(root, name, result, part);

    if (!check) {
        g_autofree char *text = json_to_string(root, TRUE);

        g_error("no check '%s' with %s and '%s' in %s", name, result, part, text);
    }
    return json_object_get_string_member_with_default(check, "command", NULL);
}
