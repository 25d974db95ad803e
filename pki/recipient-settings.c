/* Settings by table, as pki/preferences.c. */
#include "pki/recipient-settings.h"

#include <string.h>

#include "base/error.h"
#include "base/setting-keys.h"

const char *const seal_source_words[] = {[SEAL_SOURCE_STORE] = "store",
                                         [SEAL_SOURCE_TOKEN] = "token",
                                         [SEAL_SOURCE_LDAP] = "ldap",
                                         [SEAL_SOURCE_DNS] = "dns",
                                         NULL};

/* -- values ----------------------------------------------------------------------------------- */

static gboolean
add_source(SealRecipientSettings *settings, const char *word)
{
    for (SealSource source = 0; source <= SEAL_SOURCE_LAST; source++) {
        if (strcmp(word, seal_source_words[source]) != 0)
            continue;
        for (guint i = 0; i < settings->source_count; i++) {
            if (settings->sources[i] == source)
                return FALSE;
        }
        settings->sources[settings->source_count++] = source;
        return TRUE;
    }
    return FALSE;
}

static gboolean
take_sources(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    SealRecipientSettings *settings = target;
    g_auto(GStrv) words = g_strsplit_set(setting->value, "; ", -1);
    g_autofree char *known = NULL;
    gboolean well = TRUE;

    settings->source_count = 0;
    for (char **word = words; *word; word++)
        well = well && (!**word || add_source(settings, *word));
    if (well && settings->source_count > 0)
        return TRUE;
    known = g_strjoinv(", ", (char **)seal_source_words);
    return seal_setting_error(setting, error,
                              "sources is '%s', expected a list of %s, parted by ';', each once",
                              setting->value, known);
}

/* -- directories ------------------------------------------------------------------------------ */

#define TIMEOUT_DEFAULT_S 5
#define TIMEOUT_MAX_S     60

void
seal_directory_free(SealDirectory *directory)
{
    if (!directory)
        return;
    g_free(directory->name);
    g_free(directory->uri);
    g_free(directory->base);
    g_free(directory->ca_file);
    g_free(directory->sasl);
    g_free(directory);
}

static void
free_directory(gpointer directory)
{
    seal_directory_free(directory);
}

/* The one that the setting is about, new if it is the first. */
static SealDirectory *
directory_of(SealRecipientSettings *settings, const SealSetting *setting)
{
    const char *name = seal_setting_group_name(setting->group, "ldap");
    SealDirectory *directory = NULL;

    for (guint i = 0; i < settings->directories->len; i++) {
        directory = settings->directories->pdata[i];
        if (strcmp(directory->name, name) == 0)
            return directory;
    }
    directory = g_new0(SealDirectory, 1);
    directory->name = g_strdup(name);
    directory->timeout_s = TIMEOUT_DEFAULT_S;
    g_ptr_array_add(settings->directories, directory);
    return directory;
}

static gboolean
take_uri(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    static const char *const schemes[] = {"ldap://", "ldaps://", "ldapi://"};

    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_ascii_strncasecmp(setting->value, schemes[i], strlen(schemes[i])) == 0) {
            seal_setting_put_text(key, directory_of(target, setting), setting->value);
            return TRUE;
        }
    }
    return seal_setting_error(setting, error,
                              "uri is '%s', expected one that begins with ldap://, ldaps:// or "
                              "ldapi://",
                              setting->value);
}

static gboolean
take_text(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    seal_setting_put_text(key, directory_of(target, setting), setting->value);
    return TRUE;
}

static gboolean
check_file(const SealSettingKey *key, const SealSetting *setting, GError **error)
{
    return g_path_is_absolute(setting->value) ||
           seal_setting_error(setting, error, "%s is '%s', expected an absolute path", key->name,
                              setting->value);
}

static gboolean
take_file(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    return check_file(key, setting, error) && take_text(key, target, setting, error);
}

static gboolean
take_tls(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    return seal_setting_take_word(key, directory_of(target, setting), setting, error);
}

static gboolean
take_sasl(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (strcmp(setting->value, "GSSAPI") != 0 && strcmp(setting->value, "EXTERNAL") != 0)
        return seal_setting_error(setting, error, "sasl is '%s', expected GSSAPI or EXTERNAL",
                                  setting->value);
    return take_text(key, target, setting, error);
}

static gboolean
take_timeout(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    return seal_setting_take_number(key, directory_of(target, setting), setting, error);
}

static const char *const tls_words[] = {"required", "off", NULL}; /* the index: in_clear */

static const SealSettingKey directory_keys[] = {
    {"uri", take_uri, G_STRUCT_OFFSET(SealDirectory, uri)},
    {"base", take_text, G_STRUCT_OFFSET(SealDirectory, base)},
    {"tls", take_tls, G_STRUCT_OFFSET(SealDirectory, in_clear), .words = tls_words},
    {"ca-file", take_file, G_STRUCT_OFFSET(SealDirectory, ca_file)},
    {"sasl", take_sasl, G_STRUCT_OFFSET(SealDirectory, sasl)},
    {"timeout", take_timeout, G_STRUCT_OFFSET(SealDirectory, timeout_s), .min = 1,
     .max = TIMEOUT_MAX_S},
    {NULL},
};

/* -- DNS -------------------------------------------------------------------------------------- */

#define DNS_TIMEOUT_DEFAULT_S 10
#define PORT_MAX              65535

/* As libunbound wants it: ADDRESS or ADDRESS@PORT. */
static gboolean
is_server(const char *value)
{
    const char *at = strchr(value, '@');
    g_autofree char *address = at ? g_strndup(value, (gsize)(at - value)) : g_strdup(value);
    guint64 port = 0;

    return g_hostname_is_ip_address(address) &&
           (!at || g_ascii_string_to_unsigned(at + 1, 10, 1, PORT_MAX, &port, NULL));
}

static gboolean
take_server(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!is_server(setting->value))
        return seal_setting_error(setting, error,
                                  "server is '%s', expected an IP address, or one with @PORT",
                                  setting->value);
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_anchor(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!check_file(key, setting, error))
        return FALSE;
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static const SealSettingKey dns_keys[] = {
    {"server", take_server, G_STRUCT_OFFSET(SealRecipientSettings, dns.server)},
    {"trust-anchor", take_anchor, G_STRUCT_OFFSET(SealRecipientSettings, dns.anchor_file)},
    {"timeout", seal_setting_take_number, G_STRUCT_OFFSET(SealRecipientSettings, dns.timeout_s),
     .min = 1, .max = TIMEOUT_MAX_S},
    {NULL},
};

/* -- all of them ------------------------------------------------------------------------------ */

static const SealSettingKey recipients_keys[] = {
    {"sources", take_sources},
    {"harvest", seal_setting_take_flag, G_STRUCT_OFFSET(SealRecipientSettings, harvest)},
    {NULL},
};

static const SealSettingGroup groups[] = {
    {"recipients", recipients_keys},
    {"ldap", directory_keys},
    {"dns", dns_keys},
    {NULL},
};

/* -- loading ---------------------------------------------------------------------------------- */

static SealRecipientSettings *
new_defaults(void)
{
    static const SealRecipientSettings defaults = {
        .sources = {SEAL_SOURCE_STORE, SEAL_SOURCE_TOKEN, SEAL_SOURCE_LDAP},
        .source_count = 3,
        .harvest = TRUE,
        .dns = {.timeout_s = DNS_TIMEOUT_DEFAULT_S}};
    SealRecipientSettings *settings = g_memdup2(&defaults, sizeof defaults);

    settings->directories = g_ptr_array_new_with_free_func(free_directory);
    return settings;
}

static gboolean
check_directories(const SealRecipientSettings *settings, GError **error)
{
    for (guint i = 0; i < settings->directories->len; i++) {
        const SealDirectory *directory = settings->directories->pdata[i];

        if (directory->uri && directory->base)
            continue;
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "[ldap %s] of privyseal.conf has no %s, expected uri=ldap://SERVER and "
                    "base=DN",
                    directory->name, directory->uri ? "base" : "uri");
        return FALSE;
    }
    return TRUE;
}

SealRecipientSettings *
seal_recipient_settings_load(const char *user_file, const char *site_file, GPtrArray *overruled,
                             GError **error)
{
    g_autoptr(SealRecipientSettings) settings = new_defaults();

    if (!seal_settings_load(user_file, site_file, groups, overruled, settings, error) ||
        !check_directories(settings, error))
        return NULL;
    return g_steal_pointer(&settings);
}

void
seal_recipient_settings_free(SealRecipientSettings *settings)
{
    if (!settings)
        return;
    g_ptr_array_unref(settings->directories);
    g_free(settings->dns.server);
    g_free(settings->dns.anchor_file);
    g_free(settings);
}
