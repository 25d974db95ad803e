/* Audit records are log lines with fields: `journalctl PRIVYSEAL_OPERATION=sign` finds them, and a
 * person reads one sentence each. Where there is no journal the sentence goes to stderr. */
#include "agent/audit.h"

#include <string.h>

#include "base/log.h"

/* Tells the journal what kind of record this is: `journalctl MESSAGE_ID=...` finds all of them. */
#define AUDIT_MESSAGE_ID "5b2f6a1e0c0d4b6f9a4e8f5d2c7b3a90"

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

/* A use on a lane is told before it is done, and once more if it gave nothing. */
static const char *
result_name(const SealAuditRecord *record)
{
    if (record->result != SEAL_ERROR_NONE)
        return seal_error_phrase(record->result);
    return record->lane != 0 ? "started" : "done";
}

/* "sign with key 'work' on token 'Blue' for thunderbird (pid 4711): done, rule same-user" */
static char *
make_sentence(const SealAuditRecord *record)
{
    g_autofree char *caller = seal_caller_describe(record->caller);
    gboolean has_key = *or_empty(record->key_id);
    gboolean has_token = *or_empty(record->token_label);
    gboolean has_rule = *or_empty(record->rule);
    char lane[48] = "";

    if (record->lane != 0)
        g_snprintf(lane, sizeof lane, " on lane %u (use %u)", record->lane, record->lane_use);
    return g_strconcat(record->operation, has_key ? " with key '" : "",
                       has_key ? or_empty(record->key_label) : "", has_key ? "'" : "",
                       has_token ? " on token '" : "", or_empty(record->token_label),
                       has_token ? "'" : "", lane, " for ", caller, ": ", result_name(record),
                       has_rule ? ", rule " : "", or_empty(record->rule), NULL);
}

void
seal_audit_write(const SealAuditRecord *record)
{
    const SealCaller *caller = record->caller;
    g_autofree char *sentence = make_sentence(record);
    char pid[16], uid[16], status[16], duration[24], lane[16] = "", lane_use[16] = "";
    const GLogField fields[] = {
        {"MESSAGE", sentence, -1},
        {"MESSAGE_ID", AUDIT_MESSAGE_ID, -1},
        {"PRIORITY", record->result == SEAL_ERROR_NONE ? "5" : "4", -1},
        {"GLIB_DOMAIN", G_LOG_DOMAIN, -1},
        {"PRIVYSEAL_OPERATION", record->operation, -1},
        {"PRIVYSEAL_KEY", or_empty(record->key_id), -1},
        {"PRIVYSEAL_KEY_LABEL", or_empty(record->key_label), -1},
        {"PRIVYSEAL_TOKEN", or_empty(record->token_label), -1},
        {"PRIVYSEAL_TOKEN_SERIAL", or_empty(record->token_serial), -1},
        {"PRIVYSEAL_MECHANISM", or_empty(record->mechanism), -1},
        {"PRIVYSEAL_RULE", or_empty(record->rule), -1},
        {"PRIVYSEAL_RESULT", result_name(record), -1},
        {"PRIVYSEAL_STATUS", status, -1},
        {"PRIVYSEAL_DURATION_US", duration, -1},
        {"PRIVYSEAL_LANE", lane, -1},
        {"PRIVYSEAL_LANE_USE", lane_use, -1},
        {"PRIVYSEAL_CALLER_PID", pid, -1},
        {"PRIVYSEAL_CALLER_UID", uid, -1},
        {"PRIVYSEAL_CALLER_EXE", caller->executable, -1},
        {"PRIVYSEAL_CALLER_UNIT", caller->unit, -1},
        {"PRIVYSEAL_CALLER_FLATPAK", caller->flatpak_id, -1},
    };

    g_snprintf(pid, sizeof pid, "%d", (int)caller->pid);
    g_snprintf(uid, sizeof uid, "%u", (unsigned)caller->uid);
    g_snprintf(status, sizeof status, "%d", (int)record->result);
    g_snprintf(duration, sizeof duration, "%" G_GINT64_FORMAT, record->duration_us);
    if (record->lane != 0) {
        g_snprintf(lane, sizeof lane, "%u", record->lane);
        g_snprintf(lane_use, sizeof lane_use, "%u", record->lane_use);
    }
    g_log_structured_array(record->result == SEAL_ERROR_NONE ? G_LOG_LEVEL_MESSAGE
                                                             : G_LOG_LEVEL_WARNING,
                           fields, G_N_ELEMENTS(fields));
}
