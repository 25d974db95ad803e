/* Names of tokens and keys: whatever a person has at hand, as long as it means one thing. Exact
 * matches go before prefixes, keys that can do the work before others; what is still more than one
 * is an error that lists them, never a guess. */
#include "ui-cli/choose.h"

#include <p11-kit/uri.h>
#include <string.h>

#include "base/error.h"
#include "ui-cli/options.h"
#include "ui-cli/reach.h"

/* Enough to tell the keys of one person apart, short enough to type. */
#define ID_SHOWN 8

G_DEFINE_AUTOPTR_CLEANUP_FUNC(P11KitUri, p11_kit_uri_free)

const char *
seal_path_id(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *
seal_describe_algorithm(const SealClientKey *key)
{
    if (g_str_equal(key->algorithm, "rsa"))
        return g_strdup_printf("RSA %u", key->bits);
    if (g_str_equal(key->algorithm, "ec"))
        return g_strdup(*key->curve ? key->curve : "EC");
    if (g_str_equal(key->algorithm, "ed25519"))
        return g_strdup("Ed25519");
    if (g_str_equal(key->algorithm, "x25519"))
        return g_strdup("X25519");
    return g_strdup(key->algorithm);
}

/* How many tokens have this label, and of these this serial number too. */
static void
count_names(const SealClientObjects *objects, const SealClientToken *token, guint *ret_labels,
            guint *ret_serials)
{
    *ret_labels = *ret_serials = 0;
    for (guint i = 0; i < objects->tokens->len; i++) {
        const SealClientToken *other = objects->tokens->pdata[i];

        if (!g_str_equal(other->label, token->label))
            continue;
        ++*ret_labels;
        *ret_serials += g_str_equal(other->serial, token->serial);
    }
}

char *
seal_describe_token(const SealClientObjects *objects, const SealClientToken *token)
{
    guint labels = 0, serials = 0;

    if (!token)
        return g_strdup("?");
    count_names(objects, token, &labels, &serials);
    if (labels == 1)
        return g_strdup(token->label);
    return serials == 1 && *token->serial
               ? g_strdup_printf("%s (serial %s)", token->label, token->serial)
               : g_strdup_printf("%s (%s)", token->label, token->slot);
}

char *
seal_describe_key(const SealClientObjects *objects, const SealClientKey *key)
{
    const SealClientToken *token = seal_objects_token(objects, key->token);
    g_autofree char *algorithm = seal_describe_algorithm(key);
    g_autofree char *where = seal_describe_token(objects, token);

    return g_strdup_printf("'%s' (id %.*s, %s, on '%s')", key->label, ID_SHOWN,
                           seal_path_id(key->path), algorithm, where);
}

static char *
token_in_message(const SealClientToken *token)
{
    return g_strdup_printf("'%s' (id %.*s, %s%s, %s)", token->label, ID_SHOWN,
                           seal_path_id(token->path), *token->serial ? "serial " : "",
                           *token->serial ? token->serial : token->slot, token->state);
}

/* -- PKCS#11 URIs ----------------------------------------------------------------- */

static P11KitUri *
parse_uri(const char *text, GError **error)
{
    g_autoptr(P11KitUri) uri = p11_kit_uri_new();
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);

    if (result != P11_KIT_URI_OK) {
        seal_usage_error_set(error, "", "'%s' is no PKCS#11 URI (RFC 7512): %s", text,
                             p11_kit_uri_message(result));
        return NULL;
    }
    if (p11_kit_uri_get_pin_value(uri) || p11_kit_uri_get_pin_source(uri)) {
        /* Not repeated in the message: it may be the PIN. */
        seal_usage_error_set(error, "",
                             "a PIN has no place on a command line, where every program can "
                             "read it: leave it out of the URI, the agent asks for it");
        return NULL;
    }
    /* The private key, the public one and the certificate share a name; here all mean the key. */
    p11_kit_uri_clear_attribute(uri, CKA_CLASS);
    return g_steal_pointer(&uri);
}

static gboolean
uri_matches(P11KitUri *wanted, const char *text)
{
    g_autoptr(P11KitUri) uri = p11_kit_uri_new();
    CK_ATTRIBUTE_PTR attributes = NULL;
    CK_ULONG count = 0;

    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK)
        return FALSE;
    attributes = p11_kit_uri_get_attributes(uri, &count);
    return p11_kit_uri_match_token_info(wanted, p11_kit_uri_get_token_info(uri)) == 1 &&
           p11_kit_uri_match_attributes(wanted, attributes, count) == 1;
}

/* -- matching ---------------------------------------------------------------------- */

typedef struct {
    const char *name;
    P11KitUri *uri; /* (nullable) */
} Wanted;

typedef enum { MATCH_NONE, MATCH_PREFIX, MATCH_EXACT } Match;

static Match
match_hex(const char *hex, const char *name)
{
    if (!*name)
        return MATCH_NONE;
    if (g_ascii_strcasecmp(hex, name) == 0)
        return MATCH_EXACT;
    return g_ascii_strncasecmp(hex, name, strlen(name)) == 0 ? MATCH_PREFIX : MATCH_NONE;
}

static char *
hex_of(GBytes *bytes)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);
    GString *hex = g_string_new(NULL);

    for (gsize i = 0; i < len; i++)
        g_string_append_printf(hex, "%02x", data[i]);
    return g_string_free(hex, FALSE);
}

static Match
match_token(const SealClientToken *token, const Wanted *wanted)
{
    if (wanted->uri)
        return uri_matches(wanted->uri, token->uri) ? MATCH_EXACT : MATCH_NONE;
    if (g_str_equal(token->label, wanted->name) || g_str_equal(token->serial, wanted->name) ||
        g_str_equal(token->slot, wanted->name))
        return MATCH_EXACT;
    return match_hex(seal_path_id(token->path), wanted->name);
}

static Match
match_key(const SealClientKey *key, const Wanted *wanted)
{
    g_autofree char *cka_id = hex_of(key->id);

    if (wanted->uri)
        return uri_matches(wanted->uri, key->uri) ? MATCH_EXACT : MATCH_NONE;
    if (g_str_equal(key->label, wanted->name))
        return MATCH_EXACT;
    return MAX(match_hex(cka_id, wanted->name), match_hex(seal_path_id(key->path), wanted->name));
}

/* Keeps what `is_better` says TRUE of, if that leaves anything. */
static void
prefer(GPtrArray *candidates, const SealClientObjects *objects,
       gboolean (*is_better)(const SealClientObjects *objects, gconstpointer item,
                             const char *argument),
       const char *argument)
{
    g_autoptr(GPtrArray) better = g_ptr_array_new();

    for (guint i = 0; i < candidates->len; i++) {
        if (is_better(objects, candidates->pdata[i], argument))
            g_ptr_array_add(better, candidates->pdata[i]);
    }
    if (better->len == 0)
        return;
    g_ptr_array_set_size(candidates, 0);
    for (guint i = 0; i < better->len; i++)
        g_ptr_array_add(candidates, better->pdata[i]);
}

static gboolean
is_present_token(const SealClientObjects *objects, gconstpointer item, const char *argument)
{
    return !g_str_equal(((const SealClientToken *)item)->state, "absent");
}

static gboolean
is_present_key(const SealClientObjects *objects, gconstpointer item, const char *argument)
{
    const SealClientToken *token =
        seal_objects_token(objects, ((const SealClientKey *)item)->token);

    return token && is_present_token(objects, token, NULL);
}

static gboolean
has_purpose(const SealClientObjects *objects, gconstpointer item, const char *purpose)
{
    const SealClientKey *key = item;

    return !purpose || g_strv_contains((const char *const *)key->purposes, purpose);
}

/* -- choosing ----------------------------------------------------------------------- */

static void
note_match(GPtrArray *exact, GPtrArray *prefix, Match match, gpointer item)
{
    if (match == MATCH_EXACT)
        g_ptr_array_add(exact, item);
    else if (match == MATCH_PREFIX)
        g_ptr_array_add(prefix, item);
}

static char *
list_tokens(const GPtrArray *tokens)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_auto(GStrv) list = NULL;

    for (guint i = 0; i < tokens->len; i++) {
        g_autofree char *name = token_in_message(tokens->pdata[i]);

        g_strv_builder_add(names, name);
    }
    list = g_strv_builder_end(names);
    return g_strjoinv(", ", list);
}

static char *
list_keys(const SealClientObjects *objects, const GPtrArray *keys)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_auto(GStrv) list = NULL;

    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *name = seal_describe_key(objects, keys->pdata[i]);

        g_strv_builder_add(names, name);
    }
    list = g_strv_builder_end(names);
    return g_strjoinv(", ", list);
}

static const SealClientToken *
only_token(const GPtrArray *tokens, const char *name, const SealClientObjects *objects,
           GError **error)
{
    g_autofree char *all = NULL;

    if (tokens->len == 1)
        return tokens->pdata[0];
    if (objects->tokens->len == 0) {
        g_set_error(
            error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
            "there is no token: insert one, and see 'privyseal list' for modules that failed");
        return NULL;
    }
    all = list_tokens(tokens->len > 0 ? tokens : objects->tokens);
    if (tokens->len == 0)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND, "no token '%s': there is %s",
                    name ? name : "present", all);
    else if (name)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "'%s' means %u tokens: say which by its id: %s", name, tokens->len, all);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND, "there are %u tokens: say which: %s",
                    tokens->len, all);
    return NULL;
}

const SealClientToken *
seal_choose_token(const SealClientObjects *objects, const char *name, GError **error)
{
    g_autoptr(P11KitUri) uri = NULL;
    g_autoptr(GPtrArray) exact = g_ptr_array_new();
    g_autoptr(GPtrArray) prefix = g_ptr_array_new();
    GPtrArray *candidates = exact;
    Wanted wanted = {.name = name};

    if (name && g_str_has_prefix(name, "pkcs11:")) {
        uri = parse_uri(name, error);
        if (!uri)
            return NULL;
        wanted.uri = uri;
    }
    for (guint i = 0; i < objects->tokens->len; i++) {
        SealClientToken *token = objects->tokens->pdata[i];

        if (name)
            note_match(exact, prefix, match_token(token, &wanted), token);
        else if (is_present_token(objects, token, NULL))
            g_ptr_array_add(exact, token);
    }
    if (exact->len == 0)
        candidates = prefix;
    prefer(candidates, objects, is_present_token, NULL);
    return only_token(candidates, name, objects, error);
}

static const SealClientKey *
only_key(const GPtrArray *keys, const char *name, const char *purpose,
         const SealClientObjects *objects, GError **error)
{
    g_autofree char *all = list_keys(objects, keys);

    if (keys->len == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "no key '%s' on any token: see 'privyseal list keys'", name);
        return NULL;
    }
    if (!has_purpose(objects, keys->pdata[0], purpose)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE,
                    "cannot %s with %s: it is not a key for that; see 'privyseal list keys'",
                    purpose, all);
        return NULL;
    }
    if (keys->len > 1) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "'%s' means %u keys: say which by its id: %s", name, keys->len, all);
        return NULL;
    }
    return keys->pdata[0];
}

const SealClientKey *
seal_choose_key(const SealClientObjects *objects, const char *name, const char *purpose,
                GError **error)
{
    g_autoptr(P11KitUri) uri = NULL;
    g_autoptr(GPtrArray) exact = g_ptr_array_new();
    g_autoptr(GPtrArray) prefix = g_ptr_array_new();
    GPtrArray *candidates = exact;
    Wanted wanted = {.name = name};

    if (g_str_has_prefix(name, "pkcs11:")) {
        uri = parse_uri(name, error);
        if (!uri)
            return NULL;
        wanted.uri = uri;
    }
    for (guint i = 0; i < objects->keys->len; i++)
        note_match(exact, prefix, match_key(objects->keys->pdata[i], &wanted),
                   objects->keys->pdata[i]);
    if (exact->len == 0)
        candidates = prefix;
    prefer(candidates, objects, has_purpose, purpose);
    prefer(candidates, objects, is_present_key, NULL);
    return only_key(candidates, name, purpose, objects, error);
}
