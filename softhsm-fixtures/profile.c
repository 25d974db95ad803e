/* Reads profiles. Several files join into one fixture: default.ini names Bob's keys, people.ini
 * gives Bob a token, so order does not matter and a key may name a token that is not there (then it
 * exists in software only). Settings that nobody knows are refused: a misspelt one would otherwise
 * make a test that proves nothing. */
#include "softhsm-fixtures/profile.h"

#include <string.h>

#include "base/error.h"

static const SealFixtureAlgorithm algorithms[] = {
    {"rsa-2048", "RSA", NULL, 2048}, {"rsa-3072", "RSA", NULL, 3072},
    {"rsa-4096", "RSA", NULL, 4096}, {"p-256", "EC", "prime256v1", 0},
    {"p-384", "EC", "secp384r1", 0}, {"p-521", "EC", "secp521r1", 0},
    {"ed25519", "ED25519", NULL, 0}, {"x25519", "X25519", NULL, 0},
};

static const char *const known_settings[] = {
    "label",   "token",   "origin",    "algorithm",          "purpose",         "always-authenticate",
    "revoked", "id",      "name",      "email",              "issuer",          "key-usage",
    "valid-from-days",    "valid-days", "extended-key-usage", NULL,
};

/* One section while it is read; the first mistake is kept in `error`. */
typedef struct {
    GKeyFile *file;
    const char *path;
    const char *name;
    GError **error;
    gboolean failed;
} Section;

static void G_GNUC_PRINTF(2, 3)
section_refuse(Section *section, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list arguments;

    if (section->failed)
        return;
    va_start(arguments, format);
    why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    section->failed = TRUE;
    g_set_error(section->error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "%s: [%s]: %s", section->path,
                section->name, why);
}

static char *
section_text(Section *section, const char *setting, const char *otherwise)
{
    char *text = g_key_file_get_string(section->file, section->name, setting, NULL);

    return text != NULL ? text : g_strdup(otherwise);
}

static gboolean
section_flag(Section *section, const char *setting)
{
    g_autofree char *text = section_text(section, setting, "false");

    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        section_refuse(section, "%s is 'true' or 'false', not '%s'", setting, text);
    return strcmp(text, "true") == 0;
}

static int
section_days(Section *section, const char *setting, int otherwise)
{
    g_autofree char *text = section_text(section, setting, NULL);
    gint64 days = otherwise;

    if (text != NULL && !g_ascii_string_to_signed(text, 10, -36500, 36500, &days, NULL))
        section_refuse(section, "%s is a number of days, not '%s'", setting, text);
    return (int)days;
}

static const SealFixtureAlgorithm *
section_algorithm(Section *section)
{
    g_autofree char *text = section_text(section, "algorithm", "");

    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (strcmp(algorithms[i].name, text) == 0)
            return &algorithms[i];
    section_refuse(section, "unknown algorithm '%s'", text);
    return &algorithms[0];
}

static SealFixturePurpose
section_purpose(Section *section)
{
    g_autofree char *text = section_text(section, "purpose", "");

    if (strcmp(text, "sign") != 0 && strcmp(text, "decrypt") != 0)
        section_refuse(section, "purpose is 'sign' or 'decrypt', not '%s'", text);
    return strcmp(text, "decrypt") == 0 ? SEAL_FIXTURE_DECRYPT : SEAL_FIXTURE_SIGN;
}

static GBytes *
section_id(Section *section)
{
    g_autofree char *text = section_text(section, "id", "");
    g_autoptr(GByteArray) id = g_byte_array_new();

    for (const char *at = text; g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]); at += 2) {
        guint8 byte = (guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));

        g_byte_array_append(id, &byte, 1);
    }
    if (id->len == 0 || id->len * 2 != strlen(text))
        section_refuse(section, "id is an even number of hexadecimal digits, not '%s'", text);
    return g_byte_array_free_to_bytes(g_steal_pointer(&id));
}

/* RFC 8551 and RFC 5280 4.2.1.3: what a certificate for this use of this kind of key says. */
static const char *
usual_key_usage(const SealFixtureKey *key)
{
    if (key->purpose == SEAL_FIXTURE_SIGN)
        return "critical,digitalSignature";
    return strcmp(key->algorithm->family, "RSA") == 0 ? "critical,keyEncipherment"
                                                      : "critical,keyAgreement";
}

static gboolean
key_suits_purpose(const SealFixtureKey *key)
{
    const char *family = key->algorithm->family;

    return strcmp(family, key->purpose == SEAL_FIXTURE_SIGN ? "X25519" : "ED25519") != 0;
}

static void
free_token(gpointer data)
{
    SealFixtureToken *token = data;

    g_free(token->name);
    g_free(token->label);
    g_free(token);
}

static void
free_key(gpointer data)
{
    SealFixtureKey *key = data;

    g_free(key->name);
    g_free(key->token);
    g_clear_pointer(&key->id, g_bytes_unref);
    g_free(key->label);
    g_free(key->subject);
    g_free(key->email);
    g_free(key->issuer);
    g_free(key->key_usage);
    g_free(key->extended_key_usage);
    g_free(key);
}

static void
read_origin(Section *section, SealFixtureKey *key)
{
    g_autofree char *origin = section_text(section, "origin", "import");

    if (strcmp(origin, "import") != 0 && strcmp(origin, "generate") != 0)
        section_refuse(section, "origin is 'import' or 'generate', not '%s'", origin);
    key->generate = strcmp(origin, "generate") == 0;
}

static void
read_key(SealFixtureProfile *profile, Section *section, const char *name)
{
    SealFixtureKey *key = g_new0(SealFixtureKey, 1);

    g_ptr_array_add(profile->keys, key);
    key->name = g_strdup(name);
    key->token = section_text(section, "token", NULL);
    key->algorithm = section_algorithm(section);
    key->purpose = section_purpose(section);
    key->always_authenticate = section_flag(section, "always-authenticate");
    key->revoked = section_flag(section, "revoked");
    key->id = section_id(section);
    key->label = section_text(section, "label", name);
    key->subject = section_text(section, "name", name);
    key->email = section_text(section, "email", NULL);
    key->issuer = section_text(section, "issuer", "intermediate");
    key->key_usage = section_text(section, "key-usage", usual_key_usage(key));
    key->extended_key_usage = section_text(section, "extended-key-usage", "emailProtection");
    key->valid_from_days = section_days(section, "valid-from-days", -1);
    key->valid_days = section_days(section, "valid-days", 365);
    read_origin(section, key);
    if (!key_suits_purpose(key))
        section_refuse(section, "%s keys cannot do that", key->algorithm->name);
}

static void
read_token(SealFixtureProfile *profile, Section *section, const char *name)
{
    SealFixtureToken *token = g_new0(SealFixtureToken, 1);

    g_ptr_array_add(profile->tokens, token);
    token->name = g_strdup(name);
    token->label = section_text(section, "label", name);
    if (strlen(token->label) > 32) /* CK_TOKEN_INFO.label */
        section_refuse(section, "label is longer than the 32 bytes of PKCS#11");
}

static void
check_settings(Section *section)
{
    g_auto(GStrv) settings = g_key_file_get_keys(section->file, section->name, NULL, NULL);

    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++)
        if (!g_strv_contains(known_settings, settings[i]))
            section_refuse(section, "unknown setting '%s'", settings[i]);
}

static gboolean
read_file(SealFixtureProfile *profile, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) names = NULL;
    gboolean failed = FALSE;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "cannot read profile '%s': ", path);
        return FALSE;
    }
    names = g_key_file_get_groups(file, NULL);
    for (size_t i = 0; names[i] != NULL && !failed; i++) {
        Section section = {file, path, names[i], error, FALSE};

        check_settings(&section);
        if (g_str_has_prefix(names[i], "token "))
            read_token(profile, &section, names[i] + strlen("token "));
        else if (g_str_has_prefix(names[i], "key "))
            read_key(profile, &section, names[i] + strlen("key "));
        else
            section_refuse(&section, "a section is [token NAME] or [key NAME]");
        failed = section.failed;
    }
    return !failed;
}

SealFixtureProfile *
seal_fixture_profile_load(char *const *paths, GError **error)
{
    g_autoptr(SealFixtureProfile) profile = g_new0(SealFixtureProfile, 1);

    profile->tokens = g_ptr_array_new_with_free_func(free_token);
    profile->keys = g_ptr_array_new_with_free_func(free_key);
    for (; *paths != NULL; paths++)
        if (!read_file(profile, *paths, error))
            return NULL;
    return g_steal_pointer(&profile);
}

const SealFixtureToken *
seal_fixture_profile_token_of(const SealFixtureProfile *profile, const SealFixtureKey *key)
{
    for (guint i = 0; i < profile->tokens->len; i++) {
        const SealFixtureToken *token = g_ptr_array_index(profile->tokens, i);

        if (g_strcmp0(token->name, key->token) == 0)
            return token;
    }
    return NULL;
}

void
seal_fixture_profile_free(SealFixtureProfile *profile)
{
    if (profile == NULL)
        return;
    g_ptr_array_unref(profile->tokens);
    g_ptr_array_unref(profile->keys);
    g_free(profile);
}
