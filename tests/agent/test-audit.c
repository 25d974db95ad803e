/* What an audit record says, to people and to programs. */
#include "agent/audit.h"

#include <string.h>

static GPtrArray *lines; /* "KEY=value" of the last record */
static GLogLevelFlags level;

static GLogWriterOutput catch (GLogLevelFlags log_level, const GLogField *fields, gsize n_fields,
                               gpointer user_data)
{
    g_clear_pointer(&lines, g_ptr_array_unref);
    lines = g_ptr_array_new_with_free_func(g_free);
    level = log_level;
    for (gsize i = 0; i < n_fields; i++)
        g_ptr_array_add(lines,
                        g_strdup_printf("%s=%s", fields[i].key, (const char *)fields[i].value));
    return G_LOG_WRITER_HANDLED;
}

static void
expect(const char *line)
{
    for (guint i = 0; i < lines->len; i++)
        if (strcmp(lines->pdata[i], line) == 0)
            return;
    g_error("no field '%s'", line);
}

static const SealCaller caller = {
    .uid = 1000,
    .pid = 4711,
    .executable = (char *)"/usr/bin/thunderbird",
    .name = (char *)"thunderbird",
    .unit = (char *)"app.scope",
    .flatpak_id = (char *)"",
};

static void
test_use_is_told_with_all_facts(void)
{
    const SealAuditRecord record = {
        .caller = &caller,
        .operation = "sign",
        .key_id = "0102",
        .key_label = "work",
        .token_label = "Blue",
        .token_serial = "77",
        .mechanism = "rsa-pss",
        .rule = "same-user",
        .result = SEAL_ERROR_NONE,
        .duration_us = 155,
    };

    seal_audit_write(&record);
    g_assert_cmpint(level, ==, G_LOG_LEVEL_MESSAGE);
    expect("MESSAGE=sign with key 'work' on token 'Blue' for thunderbird (pid 4711): done, "
           "rule same-user");
    expect("PRIVYSEAL_OPERATION=sign");
    expect("PRIVYSEAL_KEY=0102");
    expect("PRIVYSEAL_KEY_LABEL=work");
    expect("PRIVYSEAL_TOKEN=Blue");
    expect("PRIVYSEAL_TOKEN_SERIAL=77");
    expect("PRIVYSEAL_MECHANISM=rsa-pss");
    expect("PRIVYSEAL_RULE=same-user");
    expect("PRIVYSEAL_RESULT=done");
    expect("PRIVYSEAL_STATUS=0");
    expect("PRIVYSEAL_DURATION_US=155");
    expect("PRIVYSEAL_CALLER_PID=4711");
    expect("PRIVYSEAL_CALLER_UID=1000");
    expect("PRIVYSEAL_CALLER_EXE=/usr/bin/thunderbird");
    expect("PRIVYSEAL_CALLER_UNIT=app.scope");
    expect("PRIVYSEAL_CALLER_FLATPAK=");
}

static void
test_refusal_is_a_warning_with_its_reason(void)
{
    const SealAuditRecord record = {
        .caller = &caller,
        .operation = "unwrap",
        .key_id = "0102",
        .key_label = "old",
        .token_label = "Blue",
        .rule = "home",
        .result = SEAL_ERROR_DENIED,
    };

    seal_audit_write(&record);
    g_assert_cmpint(level, ==, G_LOG_LEVEL_WARNING);
    expect("MESSAGE=unwrap with key 'old' on token 'Blue' for thunderbird (pid 4711): denied, "
           "rule home");
    expect("PRIVYSEAL_RESULT=denied");
}

static void
test_use_on_a_lane(void)
{
    SealAuditRecord record = {
        .caller = &caller,
        .operation = "sign",
        .key_id = "0102",
        .key_label = "work",
        .token_label = "Blue",
        .mechanism = "ecdsa",
        .rule = "same-user",
        .lane = 5,
        .lane_use = 17,
    };

    seal_audit_write(&record);
    expect("MESSAGE=sign with key 'work' on token 'Blue' on lane 5 (use 17) for thunderbird (pid "
           "4711): "
           "started, rule same-user");
    expect("PRIVYSEAL_LANE=5");
    expect("PRIVYSEAL_LANE_USE=17");
    expect("PRIVYSEAL_RESULT=started");
    record.result = SEAL_ERROR_TOKEN_REMOVED;
    seal_audit_write(&record);
    g_assert_cmpint(level, ==, G_LOG_LEVEL_WARNING);
    expect("PRIVYSEAL_RESULT=the token was removed");
}

static void
test_unlock_has_no_key(void)
{
    const SealAuditRecord record = {
        .caller = &caller,
        .operation = "unlock",
        .token_label = "Blue",
        .result = SEAL_ERROR_PIN_INCORRECT,
    };

    seal_audit_write(&record);
    expect("MESSAGE=unlock on token 'Blue' for thunderbird (pid 4711): the PIN is wrong");
    expect("PRIVYSEAL_KEY=");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(catch, NULL, NULL);
    g_test_add_func("/audit/use/is-told-with-all-facts", test_use_is_told_with_all_facts);
    g_test_add_func("/audit/refusal/is-a-warning", test_refusal_is_a_warning_with_its_reason);
    g_test_add_func("/audit/lane/use-is-told-as-started", test_use_on_a_lane);
    g_test_add_func("/audit/unlock/has-no-key", test_unlock_has_no_key);
    return g_test_run();
}
