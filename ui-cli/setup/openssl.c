/* OpenSSL: a configuration file of its own, which OPENSSL_CONF names. It includes the system's,
 * which itself is only read. */
#include "ui-cli/setup/targets.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "ui-cli/setup/openssl-conf.h"

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

static gboolean
plan(SealSetup *setup, GError **error)
{
    const char *module = seal_setup_module(setup, error);
    g_autofree char *engine = module ? find_engine(setup, error) : NULL;
    g_autofree char *system = system_file();
    g_autofree char *path = seal_setup_own_file("openssl.cnf");
    g_autofree char *body = NULL;
    SealEdit *edit = engine ? seal_setup_open(setup, path, error) : NULL;

    if (!edit || !seal_setup_check_own(setup, edit, error))
        return FALSE;
    body = seal_openssl_conf_make(system, engine, module, error);
    return body && seal_setup_put_block(setup, edit, body, error);
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
