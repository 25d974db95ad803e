/* config(5): a section may be continued later in the file, and of two values the later one holds.
 * So the engine is added to the sections that the included file names, whatever they are called,
 * and every other setting of it holds. */
#include "ui-cli/setup/openssl-conf.h"

#include <openssl/conf.h>

#include "base/error.h"

#define OWN_INIT    "privyseal_init"
#define OWN_ENGINES "privyseal_engines"

static char *
value_or(const CONF *conf, const char *section, const char *name, const char *otherwise)
{
    const char *value = NCONF_get_string(conf, section, name);

    return g_strdup(value ? value : otherwise);
}

static char *
make_lines(const CONF *conf, const char *engine, const char *module)
{
    g_autofree char *init = value_or(conf, NULL, "openssl_conf", OWN_INIT);
    g_autofree char *engines = value_or(conf, init, "engines", OWN_ENGINES);

    return g_strdup_printf("[default]\n"
                           "openssl_conf = %s\n"
                           "[%s]\n"
                           "engines = %s\n"
                           "[%s]\n"
                           "pkcs11 = privyseal_pkcs11\n"
                           "[privyseal_pkcs11]\n"
                           "engine_id = pkcs11\n"
                           "dynamic_path = %s\n"
                           "MODULE_PATH = %s\n"
                           "init = 0\n",
                           init, init, engines, engines, engine, module);
}

char *
seal_openssl_conf_make(const char *system, const char *engine, const char *module, GError **error)
{
    gboolean is_there = g_file_test(system, G_FILE_TEST_EXISTS);
    g_autofree char *lines = NULL;
    CONF *conf = NCONF_new(NULL);
    long line = 0;

    if (!is_there || NCONF_load(conf, system, &line) > 0)
        lines = make_lines(conf, engine, module);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "OpenSSL cannot read '%s' (line %ld)", system, line);
    NCONF_free(conf);
    if (!lines || !is_there)
        return g_steal_pointer(&lines);
    return g_strdup_printf(".include %s\n%s", system, lines);
}
