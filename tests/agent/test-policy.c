/* The decision table. A row is a caller, a key, a purpose, rules, and what must come of it. */
#include "agent/policy.h"

static const SealPolicyRule allow_evolution = {.name = (char *)"mail",
                                               .program = (char *)"/usr/bin/evolution",
                                               .for_sign = TRUE,
                                               .for_decrypt = TRUE,
                                               .action = SEAL_POLICY_ALLOW};
static const SealPolicyRule deny_home = {.name = (char *)"home",
                                         .program = (char *)"/home/*",
                                         .for_sign = TRUE,
                                         .for_decrypt = TRUE,
                                         .action = SEAL_POLICY_DENY};
static const SealPolicyRule ask_signing_with_work = {
    .name = (char *)"work", .key = (char *)"wor?", .for_sign = TRUE, .action = SEAL_POLICY_ASK};
static const SealPolicyRule allow_mail_flatpak = {.name = (char *)"flatpak",
                                                  .program = (char *)"flatpak:org.mozilla.*",
                                                  .for_sign = TRUE,
                                                  .for_decrypt = TRUE,
                                                  .action = SEAL_POLICY_ALLOW};
static const SealPolicyRule allow_backup_unit = {.name = (char *)"unit",
                                                 .program = (char *)"unit:backup.service",
                                                 .for_sign = TRUE,
                                                 .for_decrypt = TRUE,
                                                 .action = SEAL_POLICY_ALLOW};
static const SealPolicyRule deny_all = {
    .name = (char *)"rest", .for_sign = TRUE, .for_decrypt = TRUE, .action = SEAL_POLICY_DENY};
static const SealPolicyRule allow_by_id = {
    .name = (char *)"id", .key = (char *)"0102*", .for_sign = TRUE, .action = SEAL_POLICY_ALLOW};
static const SealPolicyRule allow_by_token = {
    .name = (char *)"token", .key = (char *)"Blue", .for_sign = TRUE, .action = SEAL_POLICY_ALLOW};

#define ME   1000
#define THEM 1001

typedef struct {
    const char *what;
    const SealPolicyRule *rules[4];
    uid_t uid;
    const char *executable, *flatpak_id, *unit;
    SealPurpose purpose;
    SealPolicyAction action;
    const char *rule;
} Row;

static const Row rows[] = {
    {"same user, no rules",
     {NULL},
     ME,
     "/usr/bin/mutt",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "same-user"},
    {"same user without facts, no rules",
     {NULL},
     ME,
     "",
     "",
     "",
     SEAL_PURPOSE_DECRYPT,
     SEAL_POLICY_ALLOW,
     "same-user"},
    {"sandboxed, no rules",
     {NULL},
     ME,
     "/app/bin/mail",
     "org.example.Mail",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ASK,
     "sandboxed-asks"},
    {"other user, no rules",
     {NULL},
     THEM,
     "/usr/bin/mutt",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "other-user"},
    {"other user in a sandbox, no rules",
     {NULL},
     THEM,
     "",
     "org.example.Mail",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "other-user"},
    {"path matches",
     {&allow_evolution, &deny_all},
     ME,
     "/usr/bin/evolution",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "mail"},
    {"path is longer",
     {&allow_evolution, &deny_all},
     ME,
     "/usr/bin/evolution2",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "rest"},
    {"path is below another root",
     {&allow_evolution, &deny_all},
     ME,
     "/tmp/usr/bin/evolution",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "rest"},
    {"glob matches",
     {&deny_home},
     ME,
     "/home/me/bin/tool",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "home"},
    {"unknown path matches no pattern",
     {&deny_home},
     ME,
     "",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "same-user"},
    {"first rule wins",
     {&deny_all, &allow_evolution},
     ME,
     "/usr/bin/evolution",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "rest"},
    {"purpose matches",
     {&ask_signing_with_work},
     ME,
     "/x",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ASK,
     "work"},
    {"other purpose does not",
     {&ask_signing_with_work},
     ME,
     "/x",
     "",
     "",
     SEAL_PURPOSE_DECRYPT,
     SEAL_POLICY_ALLOW,
     "same-user"},
    {"key by its id",
     {&allow_by_id, &deny_all},
     ME,
     "/x",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "id"},
    {"key by its token's label",
     {&allow_by_token, &deny_all},
     ME,
     "/x",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "token"},
    {"Flatpak by its id",
     {&allow_mail_flatpak},
     ME,
     "/app/bin/x",
     "org.mozilla.Thunderbird",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ALLOW,
     "flatpak"},
    {"another Flatpak",
     {&allow_mail_flatpak},
     ME,
     "/app/bin/x",
     "org.example.Mail",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ASK,
     "sandboxed-asks"},
    /* inside a sandbox anybody can be /usr/bin/evolution */
    {"path in a sandbox counts for nothing",
     {&allow_evolution},
     ME,
     "/usr/bin/evolution",
     "org.example.Evil",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ASK,
     "sandboxed-asks"},
    {"unit of a sandbox counts for nothing",
     {&allow_backup_unit},
     ME,
     "/x",
     "org.example.Evil",
     "backup.service",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_ASK,
     "sandboxed-asks"},
    {"program named like a Flatpak",
     {&allow_mail_flatpak, &deny_all},
     ME,
     "org.mozilla.x",
     "",
     "",
     SEAL_PURPOSE_SIGN,
     SEAL_POLICY_DENY,
     "rest"},
    {"unit matches",
     {&allow_backup_unit, &deny_all},
     ME,
     "/usr/bin/tar",
     "",
     "backup.service",
     SEAL_PURPOSE_DECRYPT,
     SEAL_POLICY_ALLOW,
     "unit"},
    {"rule without patterns is for everybody",
     {&deny_all},
     ME,
     "",
     "",
     "",
     SEAL_PURPOSE_DECRYPT,
     SEAL_POLICY_DENY,
     "rest"},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    const SealCaller caller = {.uid = row->uid,
                               .executable = (char *)row->executable,
                               .name = (char *)"",
                               .flatpak_id = (char *)row->flatpak_id,
                               .unit = (char *)row->unit};
    const SealPolicyKey key = {"010203", "work", "Blue"};
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    SealPolicyVerdict verdict;

    for (guint i = 0; i < G_N_ELEMENTS(row->rules) && row->rules[i]; i++)
        g_ptr_array_add(rules, (gpointer)row->rules[i]);
    verdict = seal_policy_decide(rules, &caller, ME, &key, &(SealPolicyUse){row->purpose});
    g_assert_cmpint(verdict.action, ==, row->action);
    g_assert_cmpstr(verdict.rule, ==, row->rule);
}

/* -- lanes ------------------------------------------------------------------------------------ */

#define EITHER .for_sign = TRUE, .for_decrypt = TRUE

static const SealPolicyRule lanes_unsaid = {.name = (char *)"unsaid", EITHER};
static const SealPolicyRule lanes_yes = {
    .name = (char *)"yes", EITHER, .lanes = SEAL_POLICY_LANES_YES};
static const SealPolicyRule lanes_no = {
    .name = (char *)"no", EITHER, .lanes = SEAL_POLICY_LANES_NO};
static const SealPolicyRule lanes_asking = {
    .name = (char *)"ask", EITHER, .action = SEAL_POLICY_ASK, .lanes = SEAL_POLICY_LANES_YES};
static const SealPolicyRule lanes_to_mail = {.name = (char *)"mail",
                                             .program = (char *)"flatpak:org.mozilla.*",
                                             EITHER,
                                             .lanes = SEAL_POLICY_LANES_YES};

typedef struct {
    const char *what;
    const SealPolicyRule *rules[3];
    uid_t uid;
    const char *flatpak_id;
    gboolean lanes;
    const char *executable, *unit; /* (nullable) */
} LanesRow;

/* clang-format off */
static const LanesRow lanes_rows[] = {
    {"no rule gives them to a plain program", {NULL}, ME, "", TRUE},
    {"no rule gives none to a sandbox", {NULL}, ME, "org.mozilla.Thunderbird", FALSE},
    {"no rule gives none to another user", {NULL}, THEM, "", FALSE},
    {"a rule that does not say so gives them to a plain program", {&lanes_unsaid}, ME, "", TRUE},
    {"a rule that does not say so gives none to a sandbox", {&lanes_unsaid}, ME, "org.mozilla.Thunderbird", FALSE},
    {"a rule that says so gives them to a sandbox", {&lanes_yes}, ME, "org.mozilla.Thunderbird", TRUE},
    {"a rule that says so gives them to who cannot be looked at", {&lanes_yes}, ME, SEAL_CALLER_UNKNOWN, TRUE},
    {"a rule for one sandbox gives them to it", {&lanes_to_mail}, ME, "org.mozilla.Thunderbird", TRUE},
    {"a rule for one sandbox gives none to another", {&lanes_to_mail, &lanes_unsaid}, ME, "org.example.Mail", FALSE},
    {"no rule gives none to a snap", {NULL}, ME, "", FALSE, .unit = "snap.firefox.firefox-c3a9.scope"},
    {"no rule gives none to who does not show its program", {NULL}, ME, "", FALSE, .executable = ""},
    {"a rule that does not say so gives none to a snap", {&lanes_unsaid}, ME, "", FALSE, .unit = "snap.firefox.firefox-c3a9.scope"},
    {"a rule that says so gives them to a snap", {&lanes_yes}, ME, "", TRUE, .unit = "snap.firefox.firefox-c3a9.scope"},
    {"a rule that says so gives them to who does not show its program", {&lanes_yes}, ME, "", TRUE, .executable = ""},
    {"a rule that says no gives none to a plain program", {&lanes_no}, ME, "", FALSE},
    {"a rule that asks gives none", {&lanes_asking}, ME, "", FALSE},
    {"a rule that denies gives none", {&deny_all}, ME, "", FALSE},
    {"the first rule that matches decides", {&lanes_no, &lanes_yes}, ME, "", FALSE},
};
/* clang-format on */

static void
test_lanes_row(gconstpointer data)
{
    const LanesRow *row = data;
    const SealCaller caller = {
        .uid = row->uid,
        .executable = (char *)(row->executable ? row->executable : "/usr/bin/mutt"),
        .name = (char *)"",
        .flatpak_id = (char *)row->flatpak_id,
        .unit = (char *)(row->unit ? row->unit : "")};
    const SealPolicyKey key = {"010203", "work", "Blue"};
    g_autoptr(GPtrArray) rules = g_ptr_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(row->rules) && row->rules[i]; i++)
        g_ptr_array_add(rules, (gpointer)row->rules[i]);
    g_assert_cmpint(
        seal_policy_decide(rules, &caller, ME, &key, &(SealPolicyUse){SEAL_PURPOSE_SIGN}).lanes, ==,
        row->lanes);
}

/* -- raw operations --------------------------------------------------------------------------- */

#define BOTH .for_sign = TRUE, .for_decrypt = TRUE

static const SealPolicyRule open_all = {
    .name = (char *)"raw", BOTH, .raw = SEAL_RAW_ECDH | SEAL_RAW_RSA};
static const SealPolicyRule open_ecdh = {.name = (char *)"ecdh", BOTH, .raw = SEAL_RAW_ECDH};
static const SealPolicyRule open_asking = {
    .name = (char *)"asking", BOTH, .action = SEAL_POLICY_ASK, .raw = SEAL_RAW_RSA};
static const SealPolicyRule open_signing = {
    .name = (char *)"signing", .for_sign = TRUE, .raw = SEAL_RAW_RSA};
static const SealPolicyRule open_mail_flatpak = {
    .name = (char *)"named", .program = (char *)"flatpak:org.mozilla.*", BOTH, .raw = SEAL_RAW_RSA};
static const SealPolicyRule open_any_program = {
    .name = (char *)"star", .program = (char *)"*", BOTH, .raw = SEAL_RAW_RSA};
static const SealPolicyRule plain_rule = {.name = (char *)"plain", BOTH};
static const SealPolicyRule deny_decrypting = {
    .name = (char *)"shut", .for_decrypt = TRUE, .action = SEAL_POLICY_DENY};

#define SANDBOX "org.mozilla.Thunderbird"

typedef struct {
    const char *what;
    const SealPolicyRule *rules[3];
    const char *flatpak_id;
    SealPolicyUse use;
    gboolean serves_both;
    SealPolicyAction action;
    const char *rule;
} RawRow;

/* clang-format off */
#define ECDH        {SEAL_PURPOSE_DECRYPT, SEAL_RAW_ECDH}
#define SIGN_RAW    {SEAL_PURPOSE_SIGN, SEAL_RAW_RSA}
#define DECRYPT_RAW {SEAL_PURPOSE_DECRYPT, SEAL_RAW_RSA}

static const RawRow raw_rows[] = {
    {"no rule opens nothing", {NULL}, "", ECDH, FALSE, SEAL_POLICY_CLOSED, "same-user"},
    {"no rule opens nothing to a sandbox", {NULL}, SANDBOX, SIGN_RAW, FALSE, SEAL_POLICY_CLOSED, "sandboxed-asks"},
    {"a rule that does not say so opens nothing", {&plain_rule}, "", ECDH, FALSE, SEAL_POLICY_CLOSED, "plain"},
    {"a rule opens what it names", {&open_all}, "", ECDH, FALSE, SEAL_POLICY_ALLOW, "raw"},
    {"a rule opens nothing else", {&open_ecdh}, "", DECRYPT_RAW, FALSE, SEAL_POLICY_CLOSED, "ecdh"},
    {"a rule that asks asks", {&open_asking}, "", SIGN_RAW, FALSE, SEAL_POLICY_ASK, "asking"},
    {"a rule that denies denies", {&deny_all, &open_all}, "", SIGN_RAW, FALSE, SEAL_POLICY_DENY, "rest"},
    {"the first rule that matches decides", {&plain_rule, &open_all}, "", ECDH, FALSE, SEAL_POLICY_CLOSED, "plain"},
    {"a rule of the other purpose decides nothing", {&deny_decrypting, &open_signing}, "", SIGN_RAW, FALSE, SEAL_POLICY_ALLOW, "signing"},
    {"a key of both purposes needs both opened", {&open_signing}, "", SIGN_RAW, TRUE, SEAL_POLICY_CLOSED, "same-user"},
    {"a key of both purposes obeys the rule that denies", {&deny_decrypting, &open_all}, "", SIGN_RAW, TRUE, SEAL_POLICY_DENY, "shut"},
    {"a key of both purposes is opened by a rule for both", {&open_all}, "", DECRYPT_RAW, TRUE, SEAL_POLICY_ALLOW, "raw"},
    {"a sandbox is asked about", {&open_all}, SANDBOX, SIGN_RAW, FALSE, SEAL_POLICY_ASK, "raw"},
    {"a sandbox is asked about by a rule for any program", {&open_any_program}, SANDBOX, SIGN_RAW, FALSE, SEAL_POLICY_ASK, "star"},
    {"a sandbox that the rule names is allowed", {&open_mail_flatpak}, SANDBOX, SIGN_RAW, FALSE, SEAL_POLICY_ALLOW, "named"},
};
/* clang-format on */

static void
test_raw_row(gconstpointer data)
{
    const RawRow *row = data;
    const SealCaller caller = {.uid = ME,
                               .executable = (char *)"/usr/bin/openssl",
                               .name = (char *)"",
                               .flatpak_id = (char *)row->flatpak_id,
                               .unit = (char *)""};
    const SealPolicyKey key = {"010203", "work", "Blue", row->serves_both};
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    SealPolicyVerdict verdict;

    for (guint i = 0; i < G_N_ELEMENTS(row->rules) && row->rules[i]; i++)
        g_ptr_array_add(rules, (gpointer)row->rules[i]);
    verdict = seal_policy_decide(rules, &caller, ME, &key, &row->use);
    g_assert_cmpint(verdict.action, ==, row->action);
    g_assert_cmpstr(verdict.rule, ==, row->rule);
}

static void
test_another_user_is_denied_raw(void)
{
    const SealCaller caller = {.uid = THEM, .executable = (char *)"", .flatpak_id = (char *)""};
    const SealPolicyKey key = {"010203", "work", "Blue", FALSE};
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    SealPolicyVerdict verdict = seal_policy_decide(rules, &caller, ME, &key, &(SealPolicyUse)ECDH);

    g_assert_cmpint(verdict.action, ==, SEAL_POLICY_DENY);
    g_assert_cmpstr(verdict.rule, ==, "other-user");
}

static void
test_purposes_have_names(void)
{
    g_assert_cmpstr(seal_raw_name(SEAL_RAW_ECDH), ==, "ecdh");
    g_assert_cmpstr(seal_raw_name(SEAL_RAW_RSA), ==, "rsa");
    g_assert_cmpstr(seal_raw_name((SealRaw)99), ==, "");

    g_assert_cmpstr(seal_purpose_name(SEAL_PURPOSE_SIGN), ==, "sign");
    g_assert_cmpstr(seal_purpose_name(SEAL_PURPOSE_DECRYPT), ==, "decrypt");
    g_assert_cmpstr(seal_purpose_name((SealPurpose)99), ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/policy/", rows[i].what, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (guint i = 0; i < G_N_ELEMENTS(raw_rows); i++) {
        g_autofree char *path = g_strconcat("/policy/raw/", raw_rows[i].what, NULL);

        g_test_add_data_func(path, &raw_rows[i], test_raw_row);
    }
    for (guint i = 0; i < G_N_ELEMENTS(lanes_rows); i++) {
        g_autofree char *path = g_strdup_printf("/policy/lanes/%s", lanes_rows[i].what);

        g_test_add_data_func(path, &lanes_rows[i], test_lanes_row);
    }
    g_test_add_func("/policy/raw/another user is denied", test_another_user_is_denied_raw);
    g_test_add_func("/policy/purposes-have-names", test_purposes_have_names);
    return g_test_run();
}
