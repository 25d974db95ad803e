/* The defaults are those that a reader with any program gets along with, but for Subject: RFC 9788
 * 3.3 asks that it is hidden in encrypted mail unless somebody decides otherwise. */
#include "ui-cli/making-settings.h"

#include "base/setting-keys.h"
#include "ui-cli/trust-options.h"

const char *const seal_sign_headers_words[] = {"no", "yes", NULL};
const char *const seal_encrypt_headers_words[] = {"no", "yes", "hide", NULL};
static const char *const oaep_words[] = {"stated", "always", "never", NULL};

static const SealHeaders sign_headers[] = {SEAL_HEADERS_OUTSIDE, SEAL_HEADERS_SIGNED};
static const SealHeaders encrypt_headers[] = {SEAL_HEADERS_OUTSIDE, SEAL_HEADERS_SHOWN,
                                              SEAL_HEADERS_HIDDEN};

static gboolean
parse(const char *const *words, const SealHeaders *values, const char *word,
      SealHeaders *ret_headers)
{
    for (gsize i = 0; words[i]; i++) {
        if (g_str_equal(words[i], word)) {
            *ret_headers = values[i];
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
seal_sign_headers_parse(const char *word, SealHeaders *ret_headers)
{
    return parse(seal_sign_headers_words, sign_headers, word, ret_headers);
}

gboolean
seal_encrypt_headers_parse(const char *word, SealHeaders *ret_headers)
{
    return parse(seal_encrypt_headers_words, encrypt_headers, word, ret_headers);
}

static gboolean
take_sign_headers(const SealSettingKey *key, void *target, const SealSetting *setting,
                  GError **error)
{
    SealMakingSettings *settings = target;

    return seal_sign_headers_parse(setting->value, &settings->sign_headers) ||
           seal_setting_error(setting, error, "%s is '%s', expected yes or no", key->name,
                              setting->value);
}

static gboolean
take_encrypt_headers(const SealSettingKey *key, void *target, const SealSetting *setting,
                     GError **error)
{
    SealMakingSettings *settings = target;

    return seal_encrypt_headers_parse(setting->value, &settings->encrypt_headers) ||
           seal_setting_error(setting, error, "%s is '%s', expected hide, yes or no", key->name,
                              setting->value);
}

static gboolean
take_cipher(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    SealMakingSettings *settings = target;
    g_autofree char *names = NULL;

    settings->policy.cipher_by = g_str_equal(setting->value, "stated") ? NULL : "privyseal.conf";
    if (!settings->policy.cipher_by ||
        seal_content_cipher_from_name(setting->value, &settings->policy.cipher))
        return TRUE;
    names = seal_content_cipher_names();
    return seal_setting_error(setting, error, "cipher is '%s', expected stated, %s", setting->value,
                              names);
}

static const SealSettingKey sign_keys[] = {
    {"protect-headers", take_sign_headers},
    {NULL},
};

static const SealSettingKey encrypt_keys[] = {
    {"cipher", take_cipher},
    {"oaep", seal_setting_take_word, G_STRUCT_OFFSET(SealMakingSettings, policy.oaep),
     .words = oaep_words},
    {"protect-headers", take_encrypt_headers},
    {"to-self", seal_setting_take_flag, G_STRUCT_OFFSET(SealMakingSettings, to_self)},
    {NULL},
};

static const SealSettingGroup groups[] = {
    {"sign", sign_keys},
    {"encrypt", encrypt_keys},
    {NULL},
};

gboolean
seal_making_settings_load(SealMakingSettings *ret_settings, GError **error)
{
    SealMakingSettings settings = {.sign_headers = SEAL_HEADERS_SIGNED,
                                   .encrypt_headers = SEAL_HEADERS_HIDDEN,
                                   .policy = {.oaep_by = "privyseal.conf"},
                                   .to_self = TRUE};
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    gboolean well = seal_settings_load(user_file, site_file, groups, overruled, &settings, error);

    seal_trust_warn(overruled);
    if (well)
        *ret_settings = settings;
    return well;
}
