/* privyseal.conf: what it says, who wins, and what every mistake is called. The manual is
 * privyseal.conf(5). */
#include "agent/config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/p11-modules.h"
#include "agent/policy.h"
#include "base/settings.h"
#include "tests/support/home.h"
#include "tests/support/warnings.h"

/* -- helpers ---------------------------------------------------------------------------------- */

static GPtrArray *
parse(const char *file, const char *text)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *settings = seal_settings_parse(file, text, strlen(text), &error);

    g_assert_no_error(error);
    return settings;
}

static SealConfig *
read_both(const char *user, const char *site)
{
    g_autoptr(GPtrArray) user_settings = parse("user.conf", user);
    g_autoptr(GPtrArray) site_settings = parse("site.conf", site);
    g_autoptr(GError) error = NULL;
    SealConfig *config = seal_config_from_settings(user_settings, site_settings, NULL, &error);

    g_assert_no_error(error);
    return config;
}

static char *
error_of(const char *user, const char *site)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) user_settings =
        seal_settings_parse("user.conf", user, strlen(user), &error);
    g_autoptr(GPtrArray) site_settings =
        user_settings ? seal_settings_parse("site.conf", site, strlen(site), &error) : NULL;
    g_autoptr(SealConfig) config =
        site_settings ? seal_config_from_settings(user_settings, site_settings, NULL, &error)
                      : NULL;

    g_assert_null(config);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    return g_strdup(error->message);
}

/* -- values ----------------------------------------------------------------------------------- */

static void
test_empty_gives_defaults(void)
{
    g_autoptr(SealConfig) config = read_both("", "");

    g_assert_cmpstr(config->pinentry, ==, "pinentry");
    g_assert_cmpuint(config->pin_timeout_s, ==, 120);
    g_assert_cmpuint(config->limits.idle_s, ==, 600);
    g_assert_cmpuint(config->limits.max_s, ==, 28800);
    g_assert_cmpuint(config->limits.uses, ==, 0);
    g_assert_cmpuint(config->idle_exit_s, ==, 300);
    g_assert_true(config->lock_on_screen_lock);
    g_assert_true(config->lock_on_session_end);
    g_assert_true(config->lock_on_suspend);
    g_assert_cmpuint(config->modules->len, ==, 0);
    g_assert_cmpuint(config->policy_rules->len, ==, 0);
}

static void
test_agent_keys_are_read(void)
{
    g_autoptr(SealConfig) config = read_both("# comment\n"
                                             "\n"
                                             "[agent]\n"
                                             " pinentry = /usr/bin/pinentry-tty \r\n"
                                             "pin-timeout=0\n"
                                             "idle-lock=1\n"
                                             "max-unlocked=0\n"
                                             "max-uses=1000000\n"
                                             "idle-exit=86400\n"
                                             "lock-on-screen-lock=no\n"
                                             "lock-on-session-end=no\n"
                                             "lock-on-suspend=no\n",
                                             "");

    g_assert_cmpstr(config->pinentry, ==, "/usr/bin/pinentry-tty");
    g_assert_cmpuint(config->pin_timeout_s, ==, 0);
    g_assert_cmpuint(config->limits.idle_s, ==, 1);
    g_assert_cmpuint(config->limits.max_s, ==, 0);
    g_assert_cmpuint(config->limits.uses, ==, 1000000);
    g_assert_cmpuint(config->idle_exit_s, ==, 86400);
    g_assert_false(config->lock_on_screen_lock);
    g_assert_false(config->lock_on_session_end);
    g_assert_false(config->lock_on_suspend);
}

static void
test_module_keys_are_read(void)
{
    g_autoptr(SealConfig) config = read_both("[module soft-hsm.2_x]\n"
                                             "path=/usr/lib/softhsm/libsofthsm2.so\n"
                                             "workers=8\n"
                                             "verify=always\n"
                                             "operation-timeout=5\n"
                                             "login-timeout=60\n"
                                             "[module card]\n"
                                             "path=/usr/lib/opensc-pkcs11.so\n",
                                             "");
    const SealModuleConfig *soft = config->modules->pdata[0];
    const SealModuleConfig *card = config->modules->pdata[1];

    g_assert_cmpuint(config->modules->len, ==, 2);
    g_assert_cmpstr(soft->name, ==, "soft-hsm.2_x");
    g_assert_cmpstr(soft->path, ==, "/usr/lib/softhsm/libsofthsm2.so");
    g_assert_cmpuint(soft->workers, ==, 8);
    g_assert_cmpint(soft->verify, ==, SEAL_VERIFY_ALWAYS);
    g_assert_cmpuint(soft->operation_timeout_ms, ==, 5000);
    g_assert_cmpuint(soft->login_timeout_ms, ==, 60000);
    g_assert_cmpuint(card->workers, ==, 0);
    g_assert_cmpint(card->verify, ==, SEAL_VERIFY_REMOVABLE);
    g_assert_cmpuint(card->operation_timeout_ms, ==, 30000);
    g_assert_true(g_str_has_suffix(card->host_program, "/pkcs11/host/privyseal-host"));
}

static void
test_policy_keys_are_read(void)
{
    g_autoptr(SealConfig) config = read_both("[policy mail]\n"
                                             "program=/usr/bin/evolution\n"
                                             "key=Signature*\n"
                                             "purpose=sign\n"
                                             "action=allow\n"
                                             "[policy rest]\n"
                                             "action=ask\n"
                                             "purpose= decrypt ; sign ;\n",
                                             "");
    const SealPolicyRule *mail = config->policy_rules->pdata[0];
    const SealPolicyRule *rest = config->policy_rules->pdata[1];

    g_assert_cmpstr(mail->name, ==, "mail");
    g_assert_cmpstr(mail->program, ==, "/usr/bin/evolution");
    g_assert_cmpstr(mail->key, ==, "Signature*");
    g_assert_true(mail->for_sign);
    g_assert_false(mail->for_decrypt);
    g_assert_cmpint(mail->action, ==, SEAL_POLICY_ALLOW);
    g_assert_null(rest->program);
    g_assert_null(rest->key);
    g_assert_true(rest->for_sign && rest->for_decrypt);
    g_assert_cmpint(rest->action, ==, SEAL_POLICY_ASK);
}

/* -- two files -------------------------------------------------------------------------------- */

static void
test_user_wins(void)
{
    g_autoptr(SealConfig) config =
        read_both("[agent]\nidle-lock=1\n", "[agent]\nidle-lock=2\nidle-exit=3\n");

    g_assert_cmpuint(config->limits.idle_s, ==, 1);
    g_assert_cmpuint(config->idle_exit_s, ==, 3);
}

static void
test_site_wins_where_final(void)
{
    static const char *const expected[] = {"user.conf:2: 'idle-lock' of [agent] is fixed by *",
                                           "user.conf:4: 'pin-timeout' of [agent] is fixed by *",
                                           NULL};
    g_autoptr(SealConfig) config =
        read_both("[agent]\nidle-lock=1\nidle-exit=1\npin-timeout=5\n",
                  "[agent]\nidle-lock=2\nidle-exit=2\nfinal=idle-lock;pin-timeout\n");

    seal_test_expect_warnings(expected);
    g_assert_cmpuint(config->limits.idle_s, ==, 2);
    g_assert_cmpuint(config->idle_exit_s, ==, 1);
    /* named as final, set by nobody: the default stays */
    g_assert_cmpuint(config->pin_timeout_s, ==, 120);
}

/* The commands read these; a mistake in their keys is not the agent's to find. */
static void
test_groups_of_the_commands_are_left_alone(void)
{
    g_autoptr(SealConfig) config = read_both(
        "[trust]\nanything=1\n[revocation]\nmode=off\n[recipients]\n[agent]\nidle-exit=1\n",
        "[trust]\nfinal=anything\n");

    g_assert_cmpuint(config->idle_exit_s, ==, 1);
    g_assert_cmpuint(config->modules->len, ==, 0);
}

static void
test_rules_of_the_site_come_first(void)
{
    g_autoptr(SealConfig) config =
        read_both("[policy mine]\naction=allow\n", "[policy theirs]\naction=deny\n");

    g_assert_cmpstr(((SealPolicyRule *)config->policy_rules->pdata[0])->name, ==, "theirs");
    g_assert_cmpstr(((SealPolicyRule *)config->policy_rules->pdata[1])->name, ==, "mine");
}

static guint
raw_of_first(const SealConfig *config)
{
    return ((SealPolicyRule *)config->policy_rules->pdata[0])->raw;
}

static void
test_raw_is_opened_by_name_only(void)
{
    g_autoptr(SealConfig) none = read_both("[policy p]\naction=allow\n", "");
    g_autoptr(SealConfig) both = read_both("[policy p]\nraw=rsa ;ecdh;\naction=ask\n", "");
    g_autoptr(SealConfig) rsa = read_both("[policy p]\nraw=rsa\naction=allow\npurpose=sign\n", "");

    g_assert_cmpuint(raw_of_first(none), ==, SEAL_RAW_NONE);
    g_assert_cmpuint(raw_of_first(both), ==, SEAL_RAW_ECDH | SEAL_RAW_RSA);
    g_assert_cmpuint(raw_of_first(rsa), ==, SEAL_RAW_RSA);
}

static SealPolicyLanes
lanes_of_first(const SealConfig *config)
{
    return ((SealPolicyRule *)config->policy_rules->pdata[0])->lanes;
}

static void
test_lanes_are_given_by_name(void)
{
    g_autoptr(SealConfig) unsaid = read_both("[policy p]\naction=allow\n", "");
    g_autoptr(SealConfig) yes = read_both("[policy p]\nlanes=yes\naction=allow\n", "");
    g_autoptr(SealConfig) no = read_both("[policy p]\naction=ask\nlanes=no\n", "");

    g_assert_cmpint(lanes_of_first(unsaid), ==, SEAL_POLICY_LANES_PLAIN);
    g_assert_cmpint(lanes_of_first(yes), ==, SEAL_POLICY_LANES_YES);
    g_assert_cmpint(lanes_of_first(no), ==, SEAL_POLICY_LANES_NO);
}

/* A user adds `raw=` to a rule of the site only if the site left that rule open. */
static void
test_site_fixes_raw(void)
{
    static const char *const expected[] = {"user.conf:2: 'raw' of [policy p] is fixed by *",
                                           "user.conf:2: 'raw' of [policy p] is fixed by *", NULL};
    const char *user = "[policy p]\nraw=rsa\n";
    g_autoptr(SealConfig) opened = read_both(user, "[policy p]\naction=allow\n");
    g_autoptr(SealConfig) by_name = read_both(user, "[policy p]\naction=allow\nfinal=raw\n");
    g_autoptr(SealConfig) by_action = read_both(user, "[policy p]\naction=allow\nfinal=action\n");

    seal_test_expect_warnings(expected);
    g_assert_cmpuint(raw_of_first(opened), ==, SEAL_RAW_RSA);
    g_assert_cmpuint(raw_of_first(by_name), ==, SEAL_RAW_NONE);
    g_assert_cmpuint(raw_of_first(by_action), ==, SEAL_RAW_NONE);
}

static void
test_site_fixes_lanes(void)
{
    static const char *const expected[] = {"user.conf:2: 'lanes' of [policy p] is fixed by *", NULL};
    const char *user = "[policy p]\nlanes=yes\n";
    g_autoptr(SealConfig) opened = read_both(user, "[policy p]\naction=allow\n");
    g_autoptr(SealConfig) fixed = read_both(user, "[policy p]\naction=allow\nfinal=action\n");

    seal_test_expect_warnings(expected);
    g_assert_cmpint(lanes_of_first(opened), ==, SEAL_POLICY_LANES_YES);
    g_assert_cmpint(lanes_of_first(fixed), ==, SEAL_POLICY_LANES_PLAIN);
}

static void
test_missing_files_are_empty(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *nowhere = seal_test_home_path(home, "nowhere/privyseal.conf");
    g_autofree char *site = seal_test_home_write(home, "site.conf", "[module a]\npath=/a.so\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(SealConfig) config = seal_config_load(nowhere, site, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(config->modules->len, ==, 1);
}

static void
test_unreadable_file_is_an_error(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *folder = seal_test_home_path(home, "config");
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_config_load(folder, "/nowhere/privyseal.conf", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_nonnull(strstr(error->message, folder));
}

/* -- mistakes --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *message; /* after "user.conf:" */
} mistakes[] = {
    {"[agent]\npinentri=x\n", "2: unknown key 'pinentri' in [agent], expected one of pinentry, "
                              "pin-timeout, idle-lock, max-unlocked, max-uses, idle-exit, "
                              "lock-on-screen-lock, lock-on-session-end, lock-on-suspend"},
    {"[agent]\nlock-on-suspend=perhaps\n", "2: 'lock-on-suspend' of [agent] is 'perhaps', expected "
                                           "one of no, yes"},
    {"[agnet]\n", "1: unknown group [agnet], expected [agent], [module NAME], "
                  "[policy NAME], [trust], [revocation], [recipients], "
                  "[ldap NAME], [dns], [sign] or [encrypt]"},
    {"[module]\n", "1: unknown group [module], expected [agent], [module NAME], "
                   "[policy NAME], [trust], [revocation], [recipients], "
                   "[ldap NAME], [dns], [sign] or [encrypt]"},
    {"[module a/b]\npath=/a\n", "1: the name in [module a/b] is 'a/b', expected 1 to 64 letters, "
                                "digits, '-', '_' and '.'"},
    {"[module .]\npath=/a\n", "1: the name in [module .] is '.', expected*"},
    {"[module ]\npath=/a\n", "1: the name in [module ] is '', expected*"},
    {"[agent]\nidle-lock=-1\n",
     "2: 'idle-lock' of [agent] is '-1', expected a whole number from 0 to 2678400"},
    {"[agent]\nidle-lock=10m\n", "2: 'idle-lock' of [agent] is '10m', expected a whole number*"},
    {"[agent]\nidle-lock=\n", "2: 'idle-lock' of [agent] is '', expected a whole number*"},
    {"[agent]\nidle-lock=99999999999999999999\n", "2: 'idle-lock' of [agent]*expected a whole*"},
    {"[agent]\npin-timeout=3601\n",
     "2: 'pin-timeout' of [agent] is '3601', expected a whole number from 0 to 3600"},
    {"[agent]\npinentry=bin/pinentry\n", "2: 'pinentry' of [agent] is 'bin/pinentry', expected an "
                                         "absolute path or the name of a program in PATH"},
    {"[agent]\npinentry=\n", "2: 'pinentry' of [agent] is '', expected an absolute path*"},
    {"[module a]\nworkers=1\n", "1: [module a] has no path, expected path= with the absolute path "
                                "of a PKCS#11 module"},
    {"[module a]\npath=a.so\n", "2: 'path' of [module a] is 'a.so', expected an absolute path"},
    {"[module a]\npath=/a\nworkers=65\n", "3: 'workers' of [module a] is '65', expected a whole "
                                          "number from 0 to 64"},
    {"[module a]\npath=/a\nverify=maybe\n", "3: 'verify' of [module a] is 'maybe', expected one of "
                                            "removable, always, never"},
    {"[module a]\npath=/a\noperation-timeout=0\n",
     "3: 'operation-timeout' of [module a] is '0', expected a whole number from 1 to 3600"},
    {"[module a]\npath=/a\nfinal=path\n", "3: unknown key 'final' in [module a], expected one of*"},
    {"[policy p]\nkey=x\n", "1: [policy p] has no action, expected action=allow, ask or deny"},
    {"[policy p]\naction=yes\n", "2: 'action' of [policy p] is 'yes', expected one of allow, ask, "
                                 "deny"},
    {"[policy p]\naction=ask\npurpose=sing\n", "3: 'purpose' of [policy p] has 'sing', expected "
                                               "sign, decrypt or both with a semicolon between"},
    {"[policy p]\naction=ask\npurpose=;\n", "3: 'purpose' of [policy p] is empty, expected sign, "
                                            "decrypt or both"},
    {"[policy p]\naction=ask\nkey=\n", "3: 'key' of [policy p] is '', expected a pattern*"},
    {"[policy p]\naction=ask\nkey=[ab]\n", "3: 'key' of [policy p] is '[ab]', expected a pattern*"},
    {"[policy p]\naction=ask\nraw=edch\n",
     "3: 'raw' of [policy p] has 'edch', expected ecdh, rsa or "
     "both with a semicolon between"},
    {"[policy p]\naction=allow\nlanes=always\n",
     "3: 'lanes' of [policy p] is 'always', expected one of plain, yes, no"},
    {"[policy p]\naction=ask\nlanes=yes\n",
     "3: 'lanes' of [policy p] is yes beside an action that allows none, expected action=allow"},
    {"[policy p]\naction=deny\nlanes=yes\n", "3: 'lanes' of [policy p] is yes beside*"},
    {"[policy p]\naction=ask\nraw= ;\n", "3: 'raw' of [policy p] is empty, expected ecdh, rsa or*"},
    {"[policy p]\nraw=rsa\naction=deny\n", "2: 'raw' of [policy p] stands beside action=deny, "
                                           "expected action=allow or action=ask"},
    {"[policy p]\nraw=rsa;ecdh\naction=ask\npurpose=sign\n",
     "2: 'raw' of [policy p] has ecdh, which decrypts, beside purpose=sign, expected "
     "purpose=decrypt, or rsa alone"},
    {"idle-lock=1\n", "1: expected a group like [agent] before the first key"},
    {"[agent]\nnonsense\n", "2: expected key=value, [group] or # comment, not 'nonsense'"},
    {"[agent]\n=1\n", "2: expected key=value, [group] or # comment, not '=1'"},
    {"[agent\n", "1: expected a group like [agent], not '[agent'"},
    {"[]\n", "1: expected a group like [agent], not '[]'"},
    {"[agent] x\n", "1: expected a group like [agent], not '[agent] x'"},
    {"[agent]\n\n[agent]\n", "3: the group [agent] stands in line 1 already"},
    {"[agent]\nidle-lock=1\n# x\nidle-lock=2\n",
     "4: 'idle-lock' of [agent] stands in line 2 already"},
    {"[agent]\n\xff=1\n", "2: expected UTF-8 text"},
};

static void
test_mistakes_are_named(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autofree char *message = error_of(mistakes[i].text, "");
        g_autofree char *expected = g_strconcat("user.conf:", mistakes[i].message, NULL);
        const char *star = strchr(expected, '*');

        if (star) {
            g_autofree char *start = g_strndup(expected, (gsize)(star - expected));

            g_assert_true(g_str_has_prefix(message, start));
        } else {
            g_assert_cmpstr(message, ==, expected);
        }
    }
}

static void
test_mistake_in_final_is_named(void)
{
    g_autofree char *message = error_of("", "[agent]\nfinal=idle-lock;idel-exit\n");

    g_assert_true(g_str_has_prefix(message, "site.conf:2: unknown key 'idel-exit' in [agent], "));
}

static void
test_too_many_lines_are_refused(void)
{
    g_autofree char *text = g_strnfill(10002, '\n');
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_settings_parse("x", text, 10002, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

static void
test_endless_file_is_refused(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_settings_read("/dev/zero", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_nonnull(strstr(error->message, "expected at most 1048576 bytes"));
}

static void
test_nul_bytes_are_refused(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_settings_parse("x", "[agent]\n\0", 9, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

static void
test_too_many_modules_are_refused(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *message = NULL;

    for (guint i = 0; i < 33; i++)
        g_string_append_printf(text, "[module m%u]\npath=/m\n", i);
    message = error_of(text->str, "");
    g_assert_nonnull(strstr(message, "at most 32 modules"));
}

/* -- p11-kit ---------------------------------------------------------------------------------- */

typedef struct {
    SealTestHome *home;
    SealP11Places places;
} P11;

static char *
place(P11 *p11, const char *name)
{
    return seal_test_home_path(p11->home, name);
}

static void
p11_set_up(P11 *p11, gconstpointer data)
{
    p11->home = seal_test_home_new();
    p11->places = (SealP11Places){
        .system_config = place(p11, "system.conf"),
        .user_config = place(p11, "user.conf"),
        .package_modules = place(p11, "package"),
        .system_modules = place(p11, "system"),
        .user_modules = place(p11, "user"),
        .module_folder = "/modules",
    };
}

static void
p11_tear_down(P11 *p11, gconstpointer data)
{
    g_free((char *)p11->places.system_config);
    g_free((char *)p11->places.user_config);
    g_free((char *)p11->places.package_modules);
    g_free((char *)p11->places.system_modules);
    g_free((char *)p11->places.user_modules);
    seal_test_home_free(p11->home);
}

static void
p11_write(P11 *p11, const char *name, const char *text)
{
    g_free(seal_test_home_write(p11->home, name, text));
}

/* "name=path name=path " in order. */
static char *
p11_list(P11 *p11)
{
    g_autoptr(GPtrArray) modules = seal_p11_modules_read(&p11->places, "privyseald");
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < modules->len; i++) {
        const SealP11Module *module = modules->pdata[i];

        g_string_append_printf(list, "%s=%s ", module->name, module->path);
    }
    return g_string_free(list, FALSE);
}

static void
test_p11_reads_registered_modules(P11 *p11, gconstpointer data)
{
    g_autofree char *list = NULL;

    p11_write(p11, "package/opensc.module", "# card\nmodule: opensc-pkcs11.so\n");
    p11_write(p11, "system/hsm.module", "module:/opt/hsm.so\ncritical: yes\nx-unknown: y\n");
    p11_write(p11, "user/mine.module", "  module :  /home/mine.so  \n");
    list = p11_list(p11);
    g_assert_cmpstr(list, ==,
                    "hsm=/opt/hsm.so mine=/home/mine.so opensc=/modules/opensc-pkcs11.so ");
}

static void
test_p11_leaves_out_what_is_not_for_us(P11 *p11, gconstpointer data)
{
    g_autofree char *list = NULL;

    p11_write(p11, "package/privyseal.module", "module: privyseal-pkcs11.so\n");
    p11_write(p11, "package/ours.module", "module: /elsewhere/privyseal-pkcs11.so\n");
    p11_write(p11, "package/trust.module", "module: my-trust.so\ntrust-policy: yes\n");
    p11_write(p11, "package/kit-trust.module", "module: p11-kit-trust.so\n");
    p11_write(p11, "package/proxy.module", "module: p11-kit-proxy.so\n");
    p11_write(p11, "package/remote.module", "remote: |ssh host p11-kit remote\nmodule: x.so\n");
    p11_write(p11, "package/enabled.module", "module: a.so\nenable-in: firefox, thunderbird\n");
    p11_write(p11, "package/disabled.module", "module: b.so\ndisable-in: ssh privyseald\n");
    p11_write(p11, "package/empty.module", "priority: 1\n");
    p11_write(p11, "package/backup.module~", "module: c.so\n");
    p11_write(p11, "package/.hidden.module", "module: d.so\n");
    p11_write(p11, "package/for-us.module", "module: e.so\nenable-in: privyseald\n");
    list = p11_list(p11);
    g_assert_cmpstr(list, ==, "for-us=/modules/e.so ");
}

static void
p11_register(P11 *p11, const char *name, const char *module)
{
    g_autofree char *text = g_strdup_printf("module: %s\n", module);

    p11_write(p11, name, text);
}

/* Ours behind links whose names do not say so: this agent's own, and another's. */
static void
test_p11_knows_ours_behind_links(P11 *p11, gconstpointer data)
{
    g_autofree char *own = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    g_autofree char *elsewhere = seal_test_home_write(p11->home, "lib/privyseal-pkcs11.so", "");
    g_autofree char *to_own = place(p11, "vendor.so");
    g_autofree char *to_elsewhere = place(p11, "other.so");
    g_autofree char *list = NULL;

    g_assert_cmpint(symlink(own, to_own), ==, 0);
    g_assert_cmpint(symlink(elsewhere, to_elsewhere), ==, 0);
    p11_register(p11, "user/vendor.module", to_own);
    p11_register(p11, "user/other.module", to_elsewhere);
    p11_register(p11, "user/e.module", "e.so");
    list = p11_list(p11);
    g_assert_cmpstr(list, ==, "e=/modules/e.so ");
}

/* A hard link has no other name behind it: it is the same file. */
static void
test_p11_knows_ours_by_the_file(P11 *p11, gconstpointer data)
{
    g_autofree char *own = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    g_autofree char *hard = place(p11, "vendor.so");
    g_autofree char *list = NULL;

    if (link(own, hard) != 0) {
        g_test_skip("the build folder and the test's home are on different file systems");
        return;
    }
    p11_register(p11, "user/vendor.module", hard);
    list = p11_list(p11);
    g_assert_cmpstr(list, ==, "");
}

static void
test_p11_user_overrides_by_key(P11 *p11, gconstpointer data)
{
    g_autofree char *list = NULL;

    p11_write(p11, "package/a.module", "module: a.so\n");
    p11_write(p11, "package/b.module", "module: b.so\n");
    p11_write(p11, "user/a.module", "disable-in: privyseald\n");
    p11_write(p11, "user/b.module", "module: better.so\n");
    list = p11_list(p11);
    g_assert_cmpstr(list, ==, "b=/modules/better.so ");
}

static void
test_p11_heeds_user_config_mode(P11 *p11, gconstpointer data)
{
    g_autofree char *none = NULL;
    g_autofree char *only = NULL;
    g_autofree char *both = NULL;

    p11_write(p11, "package/a.module", "module: a.so\n");
    p11_write(p11, "user/u.module", "module: u.so\n");
    both = p11_list(p11);
    p11_write(p11, "user.conf", "user-config: only\n");
    only = p11_list(p11);
    p11_write(p11, "system.conf", "user-config: none\n");
    none = p11_list(p11);
    g_assert_cmpstr(both, ==, "a=/modules/a.so u=/modules/u.so ");
    g_assert_cmpstr(only, ==, "u=/modules/u.so ");
    g_assert_cmpstr(none, ==, "a=/modules/a.so ");
}

static void
test_p11_passes_over_what_it_cannot_read(P11 *p11, gconstpointer data)
{
    static const char *const expected[] = {"passing over '*'*", "passing over '*'*", NULL};
    g_autofree char *list = NULL;

    p11_write(p11, "package/bad.module", "module: \xff\xfe\n");
    p11_write(p11, "package/good.module", "module: good.so\n");
    p11_write(p11, "package/folder.module/x", "");
    list = p11_list(p11);
    seal_test_expect_warnings(expected);
    g_assert_cmpstr(list, ==, "good=/modules/good.so ");
}

static void
test_p11_serves_only_without_modules(P11 *p11, gconstpointer data)
{
    g_autoptr(GPtrArray) empty = parse("a", "");
    g_autoptr(GPtrArray) own = parse("b", "[module own]\npath=/own.so\n");
    g_autoptr(SealConfig) registered = NULL;
    g_autoptr(SealConfig) configured = NULL;

    p11_write(p11, "package/a.module", "module: a.so\n");
    registered = seal_config_from_settings(empty, empty, &p11->places, NULL);
    configured = seal_config_from_settings(own, empty, &p11->places, NULL);
    g_assert_cmpuint(registered->modules->len, ==, 1);
    g_assert_cmpstr(((SealModuleConfig *)registered->modules->pdata[0])->path, ==, "/modules/a.so");
    g_assert_cmpuint(configured->modules->len, ==, 1);
    g_assert_cmpstr(((SealModuleConfig *)configured->modules->pdata[0])->name, ==, "own");
}

#define ADD_P11(path, function)                                                                    \
    g_test_add("/config/p11-kit/" path, P11, NULL, p11_set_up, function, p11_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    seal_test_catch_warnings();
    g_test_add_func("/config/empty/gives-defaults", test_empty_gives_defaults);
    g_test_add_func("/config/agent/keys-are-read", test_agent_keys_are_read);
    g_test_add_func("/config/module/keys-are-read", test_module_keys_are_read);
    g_test_add_func("/config/policy/keys-are-read", test_policy_keys_are_read);
    g_test_add_func("/config/files/user-wins", test_user_wins);
    g_test_add_func("/config/files/site-wins-where-final", test_site_wins_where_final);
    g_test_add_func("/config/raw/is-opened-by-name-only", test_raw_is_opened_by_name_only);
    g_test_add_func("/config/raw/is-fixed-by-the-site-with-its-rule", test_site_fixes_raw);
    g_test_add_func("/config/lanes/are-given-by-name", test_lanes_are_given_by_name);
    g_test_add_func("/config/lanes/are-fixed-by-the-site-with-its-rule", test_site_fixes_lanes);
    g_test_add_func("/config/files/rules-of-the-site-come-first",
                    test_rules_of_the_site_come_first);
    g_test_add_func("/config/files/missing-are-empty", test_missing_files_are_empty);
    g_test_add_func("/config/files/unreadable-is-an-error", test_unreadable_file_is_an_error);
    g_test_add_func("/config/mistakes/are-named", test_mistakes_are_named);
    g_test_add_func("/config/files/groups-of-the-commands-are-left-alone",
                    test_groups_of_the_commands_are_left_alone);
    g_test_add_func("/config/mistakes/in-final-are-named", test_mistake_in_final_is_named);
    g_test_add_func("/config/limits/lines", test_too_many_lines_are_refused);
    g_test_add_func("/config/limits/modules", test_too_many_modules_are_refused);
    g_test_add_func("/config/limits/nul-bytes", test_nul_bytes_are_refused);
    g_test_add_func("/config/limits/endless-file", test_endless_file_is_refused);
    ADD_P11("reads-registered-modules", test_p11_reads_registered_modules);
    ADD_P11("leaves-out-what-is-not-for-us", test_p11_leaves_out_what_is_not_for_us);
    ADD_P11("knows-ours-behind-links", test_p11_knows_ours_behind_links);
    ADD_P11("knows-ours-by-the-file", test_p11_knows_ours_by_the_file);
    ADD_P11("user-overrides-by-key", test_p11_user_overrides_by_key);
    ADD_P11("heeds-user-config-mode", test_p11_heeds_user_config_mode);
    ADD_P11("passes-over-what-it-cannot-read", test_p11_passes_over_what_it_cannot_read);
    ADD_P11("serves-only-without-modules", test_p11_serves_only_without_modules);
    return g_test_run();
}
