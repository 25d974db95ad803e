/* p11-kit's registration (pkcs11.conf(5)): one NAME.module file for each module, of up to three
 * folders.
 *
 * p11-kit itself would have to load the modules to tell of them, and vendor code must not run in
 * the agent. Only what decides whether and from where a module is used is read; the order,
 * `critical`, `managed` and p11-kit's own extensions mean nothing here. */
#include "agent/p11-modules.h"

#include <config.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/program.h"

#define MODULE_FILE_MAX (64 * 1024)
#define SUFFIX          ".module"
#define OWN_MODULE      "privyseal-pkcs11.so"

void
seal_p11_module_free(SealP11Module *module)
{
    if (!module)
        return;
    g_free(module->name);
    g_free(module->path);
    g_free(module);
}

const SealP11Places *
seal_p11_places_default(void)
{
    static SealP11Places places;

    if (!places.system_config) {
        const char *config = g_get_user_config_dir();

        places.system_config = SEAL_P11_SYSTEM_CONFIG;
        places.package_modules = SEAL_P11_PACKAGE_MODULES;
        places.system_modules = SEAL_P11_SYSTEM_MODULES;
        places.module_folder = SEAL_P11_MODULE_FOLDER;
        places.user_config = g_build_filename(config, "pkcs11", "pkcs11.conf", NULL);
        places.user_modules = g_build_filename(config, "pkcs11", "modules", NULL);
    }
    return &places;
}

/* -- files ------------------------------------------------------------------------------------ */

GHashTable *
seal_p11_fields_parse(const char *text, gsize len)
{
    GHashTable *fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *copy = g_strndup(text, len);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    for (char **line = lines; *line; line++) {
        char *colon = strchr(g_strstrip(*line), ':');

        if (**line == '#' || !colon || colon == *line)
            continue;
        *colon = '\0';
        g_hash_table_replace(fields, g_strdup(g_strchomp(*line)), g_strdup(g_strchug(colon + 1)));
    }
    return fields;
}

/* NULL if there is no such file, or none of ours to judge. */
static GHashTable *
read_fields(const char *path)
{
    g_autoptr(GError) error = NULL;
    gsize len = 0;
    g_autofree char *text = path ? seal_file_read_text(path, MODULE_FILE_MAX, &len, &error) : NULL;

    if (!path)
        return NULL;
    if (!text) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            seal_log_warning("passing over '%s': %s", path, error->message);
        return NULL;
    }
    if (!g_utf8_validate_len(text, len, NULL)) {
        seal_log_warning("passing over '%s': expected UTF-8", path);
        return NULL;
    }
    return seal_p11_fields_parse(text, len);
}

static const char *
field(GHashTable *fields, const char *key)
{
    const char *value = fields ? g_hash_table_lookup(fields, key) : NULL;

    return value ? value : "";
}

/* The names p11-kit takes: anything else beside them (backups, hidden files) is not a module. */
static gboolean
is_module_file(const char *name)
{
    if (!g_str_has_suffix(name, SUFFIX) || strlen(name) == strlen(SUFFIX) || *name == '.')
        return FALSE;
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("-_.", *at))
            return FALSE;
    return TRUE;
}

/* Reads a folder's files over what earlier folders said. `modules`: name -> fields. */
static void
read_folder(GHashTable *modules, const char *folder)
{
    g_autoptr(GDir) dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
    const char *file = NULL;

    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, file, NULL);
        g_autoptr(GHashTable) fields = is_module_file(file) ? read_fields(path) : NULL;
        g_autofree char *name = g_strndup(file, strlen(file) - MIN(strlen(file), strlen(SUFFIX)));
        GHashTable *earlier = g_hash_table_lookup(modules, name);
        GHashTableIter iter;
        gpointer key = NULL, value = NULL;

        if (!fields)
            continue;
        if (!earlier) {
            g_hash_table_insert(modules, g_steal_pointer(&name), g_steal_pointer(&fields));
            continue;
        }
        g_hash_table_iter_init(&iter, fields);
        while (g_hash_table_iter_next(&iter, &key, &value))
            g_hash_table_replace(earlier, g_strdup(key), g_strdup(value));
    }
}

/* -- choice ----------------------------------------------------------------------------------- */

static gboolean
is_listed(const char *list, const char *program)
{
    g_auto(GStrv) words = g_strsplit_set(list, ", \t", -1);

    return g_strv_contains((const char *const *)words, program);
}

/* Whose module a file is, by its own name, by the name behind links, or by being the very file that
 * belongs to this agent. (The host knows copies that have another name.) */
static gboolean
is_ours(const char *path)
{
    g_autofree char *own = seal_program_module();
    char *resolved = realpath(path, NULL);
    g_autofree char *name = g_path_get_basename(resolved ? resolved : path);
    struct stat status = {0}, own_status = {0};

    free(resolved);
    if (g_str_has_suffix(path, "/" OWN_MODULE) || g_str_equal(name, OWN_MODULE))
        return TRUE;
    return stat(path, &status) == 0 && stat(own, &own_status) == 0 &&
           status.st_dev == own_status.st_dev && status.st_ino == own_status.st_ino;
}

static gboolean
is_for_us(GHashTable *fields, const char *path, const char *program)
{
    static const char *const others[] = {"p11-kit-proxy.so", "p11-kit-client.so",
                                         "p11-kit-trust.so", NULL};
    g_autofree char *name = g_path_get_basename(path);

    if (g_strv_contains(others, name) || *field(fields, "remote"))
        return FALSE;
    if (g_ascii_strcasecmp(field(fields, "trust-policy"), "yes") == 0)
        return FALSE;
    if (*field(fields, "enable-in") && !is_listed(field(fields, "enable-in"), program))
        return FALSE;
    return !is_listed(field(fields, "disable-in"), program);
}

static void
choose(GPtrArray *chosen, const SealP11Places *places, const char *program, const char *name,
       GHashTable *fields)
{
    const char *given = field(fields, "module");
    g_autofree char *path = NULL;
    SealP11Module *module = NULL;

    if (!*given || !is_for_us(fields, given, program))
        return;
    if (!g_path_is_absolute(given) && !places->module_folder)
        return;
    path = g_path_is_absolute(given) ? g_strdup(given)
                                     : g_build_filename(places->module_folder, given, NULL);
    if (is_ours(path))
        return;
    module = g_new0(SealP11Module, 1);
    module->name = g_strdup(name);
    module->path = g_steal_pointer(&path);
    g_ptr_array_add(chosen, module);
}

static gint
compare_names(gconstpointer left, gconstpointer right)
{
    const SealP11Module *a = *(const SealP11Module *const *)left;
    const SealP11Module *b = *(const SealP11Module *const *)right;

    return strcmp(a->name, b->name);
}

/* pkcs11.conf(5): the system says whether there is a user's configuration, and that may say "only".
 */
static const char *
user_mode(GHashTable *system, GHashTable *user)
{
    const char *mode = field(system, "user-config");

    if (strcmp(mode, "none") != 0 && *field(user, "user-config"))
        mode = field(user, "user-config");
    if (strcmp(mode, "override") == 0)
        return "only";
    return *mode ? mode : "merge";
}

GPtrArray *
seal_p11_modules_read(const SealP11Places *places, const char *program)
{
    GPtrArray *chosen = g_ptr_array_new_with_free_func((GDestroyNotify)seal_p11_module_free);
    g_autoptr(GHashTable) modules =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    g_autoptr(GHashTable) system = read_fields(places->system_config);
    g_autoptr(GHashTable) user = read_fields(places->user_config);
    const char *mode = user_mode(system, user);
    GHashTableIter iter;
    gpointer name = NULL, fields = NULL;

    if (strcmp(mode, "only") != 0) {
        read_folder(modules, places->package_modules);
        read_folder(modules, places->system_modules);
    }
    if (strcmp(mode, "none") != 0)
        read_folder(modules, places->user_modules);
    g_hash_table_iter_init(&iter, modules);
    while (g_hash_table_iter_next(&iter, &name, &fields))
        choose(chosen, places, program, name, fields);
    g_ptr_array_sort(chosen, compare_names);
    return chosen;
}
