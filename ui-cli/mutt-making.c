/* What mutt runs on mail that goes out.
 *
 * mutt knows a signer and each recipient as a file in one of its folders, FOLDER/NAME, and gives
 * that path. For a recipient it chose from our index the file is there: it is the certificate. What
 * the user wrote into smime_default_key or smime_sign_as has no file: its last part names a person
 * or a key, and is looked up now, so that it goes on meaning the same after a renewal. */
#include "ui-cli/mutt.h"

#include <string.h>

#include "base/error.h"
#include "pki/address.h"
#include "smime/encrypt.h"
#include "smime/mail.h"
#include "smime/sign.h"
#include "ui-cli/agent-signer.h"
#include "ui-cli/files.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/mutt-index.h"
#include "ui-cli/recipients.h"
#include "ui-cli/sealing.h"
#include "ui-cli/signer-name.h"
#include "ui-cli/site-fixed.h"
#include "ui-cli/status.h"
#include "ui-cli/trust-options.h"

/* What smime_default_key is in our privyseal.muttrc. */
#define MYSELF "me"

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* An entity as it will be sent: lines end in CRLF (RFC 8551 3.1). */
static GBytes *
read_entity(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = seal_input_read(path, SEAL_MAIL_MAX, error);

    if (bytes && g_bytes_get_size(bytes) == 0)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "the file '%s' is empty", path);
    return bytes && g_bytes_get_size(bytes) > 0 ? seal_mail_canonical(bytes) : NULL;
}

/* -- myself ----------------------------------------------------------------------------------- */

static gboolean
has_address(const SealClientCertificate *certificate, const char *address)
{
    for (char **at = certificate->addresses; *at; at++) {
        if (seal_address_equal(*at, address))
            return TRUE;
    }
    return FALSE;
}

/* Keeps those of `addresses` (element-type utf8) that are among the certificate's. */
static void
keep_common(GPtrArray *addresses, const SealClientCertificate *certificate)
{
    for (guint i = addresses->len; i > 0; i--) {
        if (!has_address(certificate, addresses->pdata[i - 1]))
            g_ptr_array_remove_index(addresses, i - 1);
    }
}

static void
add_new(GPtrArray *addresses, char **more)
{
    for (char **at = more; *at; at++) {
        if (!seal_address_in(addresses, *at))
            g_ptr_array_add(addresses, g_strdup(*at));
    }
}

static int
compare_addresses(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
set_not_one_person(GPtrArray *everybody, GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);

    g_ptr_array_sort(everybody, compare_addresses);
    for (guint i = 0; i < everybody->len; i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", (char *)everybody->pdata[i]);
    if (everybody->len == 0)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "no key on any token signs mail: insert your token, and see 'privyseal list'");
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "the tokens hold keys of %s: say in your muttrc who you are, with "
                    "'set smime_default_key=ADDRESS'",
                    list->str);
}

/* The address that all certificates with which mail can be signed here have in common; several
 * persons or none are an error, never a guess. (transfer full) */
static char *
my_address(const SealClientObjects *objects, GError **error)
{
    g_autoptr(GPtrArray) common = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) everybody = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];
        g_autofree char *reason = NULL;

        if (!certificate->addresses[0] ||
            !seal_mail_certificate_can_sign(objects, certificate, SEAL_PURPOSE_SIGN_MAIL, &reason))
            continue;
        if (everybody->len == 0)
            add_new(common, certificate->addresses);
        else
            keep_common(common, certificate);
        add_new(everybody, certificate->addresses);
    }
    if (common->len > 0)
        return g_strdup(common->pdata[0]);
    set_not_one_person(everybody, error);
    return NULL;
}

/* -- signing ---------------------------------------------------------------------------------- */

static const SealClientCertificate *
find_signer(const SealClientObjects *objects, const char *name, GError **error)
{
    g_autofree char *address = NULL;

    if (*name && !g_str_equal(name, MYSELF))
        return seal_signer_by_name(objects, name, SEAL_PURPOSE_SIGN_MAIL, error);
    address = my_address(objects, error);
    return address ? seal_mail_certificate_find(objects, address, SEAL_PURPOSE_SIGN_MAIL, error)
                   : NULL;
}

static SealAgentSigner *
new_signer(SealReach *reach, SealOptions *options, GError **error)
{
    const char *path = seal_options_value(options, "key");
    const SealClientObjects *objects = seal_reach_objects(reach, error);
    const SealClientCertificate *certificate =
        objects ? find_signer(objects, path ? last_part(path) : MYSELF, error) : NULL;
    const SealClientKey *key = certificate ? seal_objects_key(objects, certificate->key) : NULL;

    return key ? seal_agent_signer_new(reach, key, certificate,
                                       seal_options_values(options, "chain"), error)
               : NULL;
}

int
seal_mutt_sign(SealOptions *options, const GPtrArray *files, GError **error)
{
    const SealSignOptions how = {.hash = seal_options_value(options, "digest")};
    g_autoptr(GBytes) entity = read_entity(files->pdata[0], error);
    g_autoptr(SealReach) reach = entity ? seal_reach_agent(error) : NULL;
    g_autoptr(SealAgentSigner) signer = reach ? new_signer(reach, options, error) : NULL;
    g_autoptr(GBytes) signature = NULL;

    if (signer)
        signature = seal_detached_sign(entity, seal_agent_signer_peek(signer), &how, error);
    if (!signature || !seal_output_write(NULL, signature, error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}

/* -- encrypting ------------------------------------------------------------------------------- */

/* mutt names a cipher with each mail, which seldom is a person's choice, and knows no others. So
 * what the site has fixed takes its place, and is no reason to refuse the mail. */
static gboolean
read_cipher(const char *name, SealChoicePolicy *policy, GError **error)
{
    gboolean short_key = g_strcmp0(name, "aes128") == 0;

    if (name && !short_key && !g_str_equal(name, "aes256")) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot encrypt with '%s': set smime_encrypt_with to aes256 or aes128", name);
        return FALSE;
    }
    if (!name || !seal_site_allows("encrypt", "cipher", "--cipher", NULL))
        return TRUE;
    policy->cipher = short_key ? SEAL_CONTENT_AES128_CBC : SEAL_CONTENT_AES256_CBC;
    policy->cipher_by = "--cipher";
    return TRUE;
}

/* Myself, by the key that signs: the certificate that encrypts has the same address.
 * (transfer full) */
static char *
address_of_key(SealReach **reach, const char *name, GError **error)
{
    const SealClientObjects *objects = NULL;
    const SealClientCertificate *certificate = NULL;

    if (!*reach)
        *reach = seal_reach_agent(error);
    objects = *reach ? seal_reach_objects(*reach, error) : NULL;
    certificate = objects ? find_signer(objects, name, error) : NULL;
    if (!certificate)
        return NULL;
    if (certificate->addresses[0])
        return g_strdup(certificate->addresses[0]);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "cannot encrypt to the owner of key '%s': its certificate has no mail address",
                name);
    return NULL;
}

/* What stands for `path` in a search for recipients: a file, or an address. (transfer full) */
static char *
recipient_of(SealReach **reach, const char *path, GError **error)
{
    const char *name = last_part(path);
    g_autofree char *address = NULL;
    char *file = NULL;

    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return g_strdup(path);
    address = strchr(name, '@') ? g_strdup(name) : address_of_key(reach, name, error);
    file = address ? seal_mutt_index_find(address) : NULL;
    return file ? file : g_steal_pointer(&address);
}

static GPtrArray *
find_recipients(const SealTrust *trust, SealReach **reach, const GPtrArray *paths, GError **error)
{
    const SealRecipientSearch search = {
        .reach = reach,
        .trust = trust,
        .advice = "keep certificates with \"privyseal mutt import FILE\""};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *found = NULL;

    for (guint i = 1; i < paths->len; i++) {
        char *name = recipient_of(reach, paths->pdata[i], error);

        if (!name)
            return NULL;
        g_ptr_array_add(names, name);
    }
    found = seal_recipients_find(&search, names, error);
    /* A person who writes to himself is named twice. */
    if (found)
        seal_found_make_unique(found);
    return found;
}

static GBytes *
encrypt_to(GBytes *entity, const GPtrArray *found, const SealChoicePolicy *policy, GError **error)
{
    SealEncryptOptions how = {0};
    g_autofree char *choice = seal_sealing_choose(found, policy, &how);
    g_autoptr(GPtrArray) certificates = seal_found_certificates(found);

    return seal_cms_encrypt(entity, certificates, &how, error);
}

int
seal_mutt_encrypt(SealOptions *options, const GPtrArray *files, GError **error)
{
    SealMakingSettings settings = {0};
    g_autoptr(SealTrust) trust = NULL;
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(GBytes) entity = NULL;
    g_autoptr(GPtrArray) found = NULL;
    g_autoptr(GBytes) sealed = NULL;

    if (!seal_making_settings_load(&settings, error) ||
        !read_cipher(seal_options_value(options, "cipher"), &settings.policy, error))
        return SEAL_STATUS_IO;
    entity = read_entity(files->pdata[0], error);
    trust = entity ? seal_trust_from_options(options, "mutt", error) : NULL;
    found = trust ? find_recipients(trust, &reach, files, error) : NULL;
    sealed = found ? encrypt_to(entity, found, &settings.policy, error) : NULL;
    if (!sealed || !seal_output_write(NULL, sealed, error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}
