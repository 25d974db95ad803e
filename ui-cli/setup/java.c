/* Java: a configuration file for SunPKCS11, and a file of security properties that adds a provider
 * with it. Java numbers providers and stops at the first number that is missing, so ours gets the
 * number after the last one of the JDK's own list; after a JDK with a longer list has come, the
 * command has to be given again. */
#include "ui-cli/setup/targets.h"

#include "base/fd.h"

#include <stdlib.h>
#include <string.h>

#define CONFIGURATION "java-pkcs11.cfg"
#define PROPERTIES    "java.security"
#define NUMBER_MAX    1000
#define LIST_MAX      ((gsize)1024 * 1024) /* bytes; that of OpenJDK 17 has 60,000 */

/* The JDK's own list of providers: in JAVA_HOME, else beside the java that is found in PATH. NULL
 * with an error. (transfer full) */
static char *
find_security_file(SealSetup *setup, GError **error)
{
    g_autofree char *home = g_strdup(g_getenv("JAVA_HOME"));
    g_autofree char *program = home && *home ? NULL : g_find_program_in_path("java");
    char *resolved = program ? realpath(program, NULL) : NULL;
    g_autofree char *path = NULL;

    if (resolved) {
        g_autofree char *folder = g_path_get_dirname(resolved);

        g_free(home);
        home = g_path_get_dirname(folder);
        free(resolved);
    }
    path = g_build_filename(home ? home : "", "conf", "security", "java.security", NULL);
    if (home && *home && g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer(&path);
    if (home && *home)
        (void)seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                              "there is no '%s'; Java 9 or newer is needed", path);
    else
        (void)seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                              "there is no java in PATH and JAVA_HOME is not set");
    return NULL;
}

/* The number in "security.provider.12=...", else 0. */
static guint64
provider_number(const char *line)
{
    static const char key[] = "security.provider.";
    guint64 number = 0;
    g_auto(GStrv) halves = NULL;

    if (!g_str_has_prefix(line, key))
        return 0;
    halves = g_strsplit(line + strlen(key), "=", 2);
    g_strchomp(halves[0]);
    return g_ascii_string_to_unsigned(halves[0], 10, 1, NUMBER_MAX, &number, NULL) ? number : 0;
}

/* The first number that is free; 0 with an error. */
static guint64
find_number(SealSetup *setup, GError **error)
{
    g_autofree char *path = find_security_file(setup, error);
    g_autofree char *text = path ? seal_file_read_text(path, LIST_MAX, NULL, error) : NULL;
    g_auto(GStrv) lines = NULL;
    guint64 last = 0;

    if (!text)
        return 0;
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        last = MAX(last, provider_number(*line));
    if (last > 0)
        return last + 1;
    (void)seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                          "'%s' lists no security providers", path);
    return 0;
}

static gboolean
put_file(SealSetup *setup, const char *path, const char *body, GError **error)
{
    SealEdit *edit = seal_setup_open(setup, path, error);

    return edit && seal_setup_check_own(setup, edit, error) &&
           seal_setup_put_block(setup, edit, body, error);
}

/* The lines that name the module and the slot; NULL with SEAL_USAGE_ERROR. (transfer full) */
static char *
make_configuration(SealSetup *setup, const char *module, GError **error)
{
    const char *slot = seal_setup_option(setup, "slot");
    guint64 number = 0;

    if (slot && !g_ascii_string_to_unsigned(slot, 10, 0, G_MAXUINT32, &number, NULL)) {
        seal_usage_error_set(error, "setup", "'%s' is no number of a slot", slot);
        return NULL;
    }
    if (slot)
        return g_strdup_printf("name = PrivySeal\nlibrary = %s\nslot = %" G_GUINT64_FORMAT "\n",
                               module, number);
    /* Slots with a token come first in the module's list. */
    return g_strdup_printf("name = PrivySeal\nlibrary = %s\nslotListIndex = 0\n", module);
}

static gboolean
plan(SealSetup *setup, GError **error)
{
    const char *module = seal_setup_module(setup, error);
    g_autofree char *path = seal_setup_own_file(CONFIGURATION);
    g_autofree char *properties_path = seal_setup_own_file(PROPERTIES);
    g_autofree char *configuration = module ? make_configuration(setup, module, error) : NULL;
    g_autofree char *properties = NULL;
    guint64 number = configuration ? find_number(setup, error) : 0;

    if (number == 0 || !seal_setup_check_path(setup, path, error))
        return FALSE;
    properties =
        g_strdup_printf("security.provider.%" G_GUINT64_FORMAT "=SunPKCS11 %s\n", number, path);
    return put_file(setup, path, configuration, error) &&
           put_file(setup, properties_path, properties, error);
}

static char *
explain(SealSetup *setup)
{
    g_autofree char *path = seal_setup_own_file(PROPERTIES);

    return g_strdup_printf(
        "\n"
        "  java -Djava.security.properties=%s PROGRAM\n"
        "      has the key store PKCS11 (KeyStore.getInstance(\"PKCS11\")), without "
        "a password\n"
        "  keytool -J-Djava.security.properties=%s \\\n"
        "      -keystore NONE -storetype PKCS11 -storepass '' -list\n",
        path, path);
}

static const char *const options[] = {"slot", NULL};

const SealSetupTarget seal_setup_java = {
    .name = "java",
    .program = "Java",
    .options = options,
    .plan = plan,
    .take_back = seal_setup_take_back_block,
    .explain = explain,
};
