/* seal_openssl_conf_make(): what OpenSSL reads from the lines, over several files of a system. */
#include "ui-cli/setup/openssl-conf.h"

#include <openssl/conf.h>

#include "base/error.h"
#include "tests/support/home.h"

static CONF *
read_with(SealTestHome *home, const char *system_text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *system = system_text ? seal_test_home_write(home, "system.cnf", system_text)
                                          : seal_test_home_path(home, "nowhere");
    g_autofree char *lines = seal_openssl_conf_make(system, "/e/pkcs11.so", "/m.so", &error);
    g_autofree char *path = NULL;
    CONF *conf = NCONF_new(NULL);

    g_assert_no_error(error);
    path = seal_test_home_write(home, "made.cnf", lines);
    g_assert_cmpint(NCONF_load(conf, path, NULL), ==, 1);
    return conf;
}

static void
expect(const CONF *conf, const char *section, const char *name, const char *value)
{
    g_assert_cmpstr(NCONF_get_string(conf, section, name), ==, value);
}

/* Whatever the sections are called: the engine is found from the top. */
static void
expect_engine(const CONF *conf)
{
    const char *init = NCONF_get_string(conf, NULL, "openssl_conf");
    const char *engines = init ? NCONF_get_string(conf, init, "engines") : NULL;
    const char *ours = engines ? NCONF_get_string(conf, engines, "pkcs11") : NULL;

    g_assert_nonnull(ours);
    expect(conf, ours, "engine_id", "pkcs11");
    expect(conf, ours, "dynamic_path", "/e/pkcs11.so");
    expect(conf, ours, "MODULE_PATH", "/m.so");
}

/* As Debian has it, shortened. */
static void
test_sections_in_use(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    CONF *conf = read_with(home, "openssl_conf = start\nHOME = .\n[start]\nssl_conf = tls\n"
                                 "[tls]\nsystem_default = d\n[d]\nMinProtocol = TLSv1.2\n"
                                 "[last]\nx = 1\n");

    expect_engine(conf);
    expect(conf, NULL, "openssl_conf", "start");
    expect(conf, NULL, "HOME", ".");
    expect(conf, "start", "ssl_conf", "tls");
    expect(conf, "d", "MinProtocol", "TLSv1.2");
    NCONF_free(conf);
}

static void
test_other_engines(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    CONF *conf = read_with(home, "openssl_conf = start\n[start]\nengines = many\n[many]\n"
                                 "gost = g\n[g]\nengine_id = gost\n");

    expect_engine(conf);
    expect(conf, "start", "engines", "many");
    expect(conf, "many", "gost", "g");
    expect(conf, "g", "engine_id", "gost");
    NCONF_free(conf);
}

static void
test_nothing_in_use(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    /* the last section is not the one that is continued */
    CONF *plain = read_with(home, "[req]\nprompt = no\n");
    CONF *none = read_with(home, NULL);

    expect_engine(plain);
    expect(plain, "req", "prompt", "no");
    expect_engine(none);
    NCONF_free(plain);
    NCONF_free(none);
}

static void
test_unreadable(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *system = seal_test_home_write(home, "system.cnf", "[ok]\n[broken\n");
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_openssl_conf_make(system, "/e", "/m", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_true(g_str_has_suffix(error->message, "system.cnf' (line 2)"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/openssl-conf/sections-in-use-are-continued", test_sections_in_use);
    g_test_add_func("/cli/openssl-conf/other-engines-stay", test_other_engines);
    g_test_add_func("/cli/openssl-conf/nothing-in-use", test_nothing_in_use);
    g_test_add_func("/cli/openssl-conf/unreadable-system-is-refused", test_unreadable);
    return g_test_run();
}
