/* OpenSSL: a configuration file of its own, which OPENSSL_CONF names. It includes the system's and
 * adds the engine of libp11 to the sections that are used there, whatever they are called, so every
 * other setting of the system holds. The system's file itself is only read. */
#include "ui-cli/setup/targets.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#define OWN_INIT    "privyseal_init"
#define OWN_ENGINES "privyseal_engines"

static char *
system_file(void)
{
    return g_build_filename(X509_get_default_cert_area(), "openssl.cnf", NULL);
}

/* OpenSSL's engine of libp11; NULL with an error if it is not installed. (transfer full) */
static char *
find_engine(SealSetup *setup, GError **error)
{
    const char *folder = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
    g_autofree char *path = g_build_filename(folder ? folder : "", "pkcs11.so", NULL);

    if (folder && g_file_test(path, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&path);
    (void)seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                          "there is no engine '%s'; install libengine-pkcs11-openssl", path);
    return NULL;
}

/* Reads the system's file; `*ret_conf` is empty if there is none. */
static gboolean
read_system(SealSetup *setup, const char *path, CONF **ret_conf, GError **error)
{
    long line = 0;

    *ret_conf = NCONF_new(NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS) || NCONF_load(*ret_conf, path, &line) > 0)
        return TRUE;
    NCONF_free(*ret_conf);
    return seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                           "OpenSSL cannot read '%s' (line %ld)", path, line);
}

static char *
value_or(const CONF *conf, const char *section, const char *name, const char *otherwise)
{
    const char *value = NCONF_get_string(conf, section, name);

    return g_strdup(value ? value : otherwise);
}

static char *
make_body(const char *system, const CONF *conf, const char *engine, const char *module)
{
    g_autofree char *init = value_or(conf, NULL, "openssl_conf", OWN_INIT);
    g_autofree char *engines = value_or(conf, init, "engines", OWN_ENGINES);
    GString *body = g_string_new(NULL);

    if (g_file_test(system, G_FILE_TEST_EXISTS))
        g_string_append_printf(body, ".include %s\n", system);
    g_string_append_printf(body,
                           "[default]\n"
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
    return g_string_free(body, FALSE);
}

static gboolean
plan(SealSetup *setup, GError **error)
{
    const char *module = seal_setup_module(setup, error);
    g_autofree char *engine = module ? find_engine(setup, error) : NULL;
    g_autofree char *system = system_file();
    g_autofree char *path = seal_setup_own_file("openssl.cnf");
    g_autofree char *body = NULL;
    SealEdit *edit = engine ? seal_setup_open(setup, path, error) : NULL;
    CONF *conf = NULL;

    if (!edit || !seal_setup_check_own(setup, edit, error) ||
        !read_system(setup, system, &conf, error))
        return FALSE;
    body = make_body(system, conf, engine, module);
    NCONF_free(conf);
    return seal_setup_put_block(setup, edit, body, error);
}

static char *
explain(SealSetup *setup)
{
    g_autofree char *path = seal_setup_own_file("openssl.cnf");

    return g_strdup_printf("\n"
                           "  OPENSSL_CONF=%s \\\n"
                           "  openssl dgst -engine pkcs11 -keyform engine -sha256 -sign URI FILE\n"
                           "\n"
                           "URI is that of a key, as 'privyseal list keys --json' shows it.\n",
                           path);
}

static const char *const no_options[] = {NULL};

const SealSetupTarget seal_setup_openssl = {
    .name = "openssl",
    .program = "OpenSSL",
    .options = no_options,
    .plan = plan,
    .take_back = seal_setup_take_back_block,
    .explain = explain,
};
