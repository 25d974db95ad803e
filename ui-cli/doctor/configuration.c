/* privyseal.conf, as the agent and the commands read it. The agent's groups are the agent's to
 * judge: its program is asked for what is in force (privyseald --print-config), which starts
 * nothing. */
#include "ui-cli/doctor/examine.h"

#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "base/setting-keys.h"
#include "pki/preferences.h"
#include "pki/recipient-settings.h"
#include "ui-cli/doctor/apart.h"
#include "ui-cli/making-settings.h"

/* Modules that open no reader; any other may. */
static const char *const readerless[] = {"softhsm",  "tpm2",     "kryoptic", "p11-kit",   "softokn",
                                         "cloudhsm", "cryptoki", "utimaco",  "cs_pkcs11", NULL};

const char *
seal_exam_setting(const SealExam *exam, const char *group, const char *key)
{
    const SealSetting *setting =
        exam->settings ? seal_settings_find(exam->settings, group, key) : NULL;

    return setting ? setting->value : NULL;
}

static gboolean
may_use_readers(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *lower = g_ascii_strdown(name, -1);

    for (const char *const *part = readerless; *part; part++) {
        if (strstr(lower, *part))
            return FALSE;
    }
    return TRUE;
}

gboolean
seal_exam_needs_readers(const SealExam *exam)
{
    if (!exam->settings)
        return TRUE;
    for (guint i = 0; i < exam->settings->len; i++) {
        const SealSetting *setting = exam->settings->pdata[i];

        if (seal_setting_group_name(setting->group, "module") &&
            g_strcmp0(setting->key, "path") == 0 && may_use_readers(setting->value))
            return TRUE;
    }
    return FALSE;
}

/* "FILE:LINE: what is wrong" -> a command that opens it there; NULL for other messages. (transfer
 * full) */
static char *
edit_command(const char *message)
{
    g_autoptr(GRegex) regex = g_regex_new("(/[^:]*):([0-9]+): ", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *file = NULL;
    g_autofree char *line = NULL;
    g_autofree char *quoted = NULL;

    if (!g_regex_match(regex, message, 0, &match))
        return NULL;
    file = g_match_info_fetch(match, 1);
    line = g_match_info_fetch(match, 2);
    quoted = g_shell_quote(file);
    return g_strdup_printf("${EDITOR:-nano} +%s %s", line, quoted);
}

static void
note_mistake(SealExam *exam, const char *name, const char *message)
{
    g_autofree char *command = edit_command(message);

    seal_exam_note(exam, name, SEAL_HEALTH_BAD, command, "%s", message);
}

/* What the site has overruled is no mistake, but a person who wonders should see it. */
static void
note_overruled(SealExam *exam, const GPtrArray *overruled)
{
    for (guint i = 0; i < overruled->len; i++)
        seal_exam_note(exam, "site's settings", SEAL_HEALTH_GOOD, NULL, "%s",
                       (const char *)overruled->pdata[i]);
}

static void
examine_commands_groups(SealExam *exam)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    g_auto(SealPreferences) preferences = {0};
    g_autoptr(SealRecipientSettings) recipients = NULL;
    g_autoptr(GError) error = NULL;
    SealMakingSettings making = {0};

    if (seal_preferences_load(user_file, site_file, overruled, &preferences, &error))
        recipients = seal_recipient_settings_load(user_file, site_file, overruled, &error);
    if (recipients)
        (void)seal_making_settings_load(&making, &error);
    note_overruled(exam, overruled);
    if (error)
        note_mistake(exam, "settings", error->message);
}

/* The last line that the agent wrote, without its name. (transfer full) */
static char *
last_words(const char *out)
{
    g_autofree char *text = g_strchomp(g_strdup(out));
    const char *line = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;

    if (g_str_has_prefix(line, "privyseald: "))
        line += strlen("privyseald: ");
    return g_strdup(line);
}

static void
note_files(SealExam *exam)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    gboolean has_user = access(user_file, F_OK) == 0;
    gboolean has_site = access(site_file, F_OK) == 0;

    if (!has_user && !has_site)
        seal_exam_note(exam, "configuration", SEAL_HEALTH_GOOD, NULL,
                       "there is no privyseal.conf, so all is as it comes");
    else
        seal_exam_note(exam, "configuration", SEAL_HEALTH_GOOD, NULL, "the agent accepts %s%s%s",
                       has_user ? user_file : "", has_user && has_site ? " and " : "",
                       has_site ? site_file : "");
}

static void
examine_agents_groups(SealExam *exam)
{
    g_autofree char *program = seal_program_path("agent/privyseald");
    const char *const argv[] = {program, "--print-config", NULL};
    g_auto(SealApart) answer = {0};

    seal_apart_run(argv, SEAL_EXAM_PROGRAM_MS, &answer);
    if (answer.late || answer.status == 127 || answer.status < 0) {
        seal_exam_note(exam, "configuration", SEAL_HEALTH_BAD, NULL,
                       "the agent's program '%s' %s: install Privy Seal again", program,
                       answer.late ? "does not answer" : "cannot be run");
        return;
    }
    if (answer.status != 0) {
        g_autofree char *message = last_words(answer.out);

        note_mistake(exam, "configuration", message);
        return;
    }
    exam->settings = seal_settings_parse("privyseald", answer.out, strlen(answer.out), NULL);
    note_files(exam);
}

void
seal_examine_configuration(SealExam *exam)
{
    exam->group = "Agent";
    examine_agents_groups(exam);
    examine_commands_groups(exam);
}
