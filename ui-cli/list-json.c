/* The list as JSON. Text from tokens may be anything: it is made valid UTF-8 here, escaped by the
 * library. */
#include "ui-cli/list-json.h"

#include "ui-cli/choose.h"
#include "ui-cli/json.h"

static void
put_boolean(JsonBuilder *json, const char *name, gboolean value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_boolean_value(json, value);
}

static void
put_number(JsonBuilder *json, const char *name, gint64 value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void
put_list(JsonBuilder *json, const char *name, char **list)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (; *list; list++) {
        g_autofree char *valid = g_utf8_make_valid(*list, -1);

        json_builder_add_string_value(json, valid);
    }
    json_builder_end_array(json);
}

/* Object paths as ids; "/" (none) as null. */
static void
put_id(JsonBuilder *json, const char *name, const char *path)
{
    json_builder_set_member_name(json, name);
    if (*seal_path_id(path))
        json_builder_add_string_value(json, seal_path_id(path));
    else
        json_builder_add_null_value(json);
}

static void
put_ids(JsonBuilder *json, const char *name, char **paths)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (; *paths; paths++)
        json_builder_add_string_value(json, seal_path_id(*paths));
    json_builder_end_array(json);
}

static void
put_hex(JsonBuilder *json, const char *name, GBytes *bytes)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);
    g_autoptr(GString) hex = g_string_new(NULL);

    for (gsize i = 0; i < len; i++)
        g_string_append_printf(hex, "%02x", data[i]);
    seal_json_put_text(json, name, hex->str);
}

/* What the objects are put with. */
typedef struct {
    const SealClientObjects *objects;
    const SealKnownRevocations *revocations; /* (nullable) */
} Context;

static void
put_token(JsonBuilder *json, gconstpointer item, const Context *context)
{
    const SealClientToken *token = item;

    put_id(json, "id", token->path);
    seal_json_put_text(json, "label", token->label);
    seal_json_put_text(json, "manufacturer", token->manufacturer);
    seal_json_put_text(json, "model", token->model);
    seal_json_put_text(json, "serial", token->serial);
    seal_json_put_text(json, "uri", token->uri);
    seal_json_put_text(json, "module", token->module);
    seal_json_put_text(json, "slot", token->slot);
    seal_json_put_text(json, "state", token->state);
    put_number(json, "tries-left", token->tries_left);
    put_boolean(json, "protected-authentication", token->protected_authentication);
    put_boolean(json, "removable", token->removable);
    put_boolean(json, "read-only", token->read_only);
    put_boolean(json, "pin-to-be-changed", token->pin_to_be_changed);
    put_list(json, "left-out", token->left_out);
}

static void
put_uses(JsonBuilder *json, const SealClientKey *key, const Context *context)
{
    SealKeyUses uses = seal_key_uses_find(context->objects, key, context->revocations);
    g_auto(GStrv) texts = NULL;
    g_auto(GStrv) words = seal_key_uses_words(&uses);
    g_auto(GStrv) limits = seal_key_limits_words(&uses, &texts);

    put_list(json, "uses", words);
    put_list(json, "limits", limits);
    put_list(json, "limits-text", texts);
}

static void
put_key(JsonBuilder *json, gconstpointer item, const Context *context)
{
    const SealClientKey *key = item;

    put_id(json, "id", key->path);
    put_hex(json, "cka-id", key->id);
    seal_json_put_text(json, "label", key->label);
    seal_json_put_text(json, "uri", key->uri);
    seal_json_put_text(json, "algorithm", key->algorithm);
    put_number(json, "bits", key->bits);
    seal_json_put_text(json, "curve", key->curve);
    put_list(json, "purposes", key->purposes);
    seal_json_put_text(json, "fault", key->fault);
    put_id(json, "token", key->token);
    put_ids(json, "certificates", key->certificates);
    put_boolean(json, "always-authenticate", key->always_authenticate);
    put_boolean(json, "imported", key->imported);
    put_uses(json, key, context);
    seal_json_put_base64(json, "public-key", key->public_key);
}

static void
put_certificate(JsonBuilder *json, gconstpointer item, const Context *context)
{
    const SealClientCertificate *certificate = item;

    put_id(json, "id", certificate->path);
    seal_json_put_text(json, "subject", certificate->subject);
    seal_json_put_text(json, "issuer", certificate->issuer);
    put_list(json, "addresses", certificate->addresses);
    seal_json_put_time(json, "not-before", certificate->not_before);
    seal_json_put_time(json, "not-after", certificate->not_after);
    put_list(json, "purposes", certificate->purposes);
    put_id(json, "key", certificate->key);
    seal_json_put_base64(json, "certificate", certificate->certificate);
}

static void
put_module(JsonBuilder *json, gconstpointer item, const Context *context)
{
    const SealClientModule *module = item;

    seal_json_put_text(json, "name", module->name);
    seal_json_put_text(json, "path", module->path);
    seal_json_put_text(json, "state", module->state);
    seal_json_put_text(json, "reason", module->reason);
}

static void
put_section(JsonBuilder *json, const char *name, const GPtrArray *items, const Context *context,
            void (*put)(JsonBuilder *json, gconstpointer item, const Context *context))
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < items->len; i++) {
        json_builder_begin_object(json);
        put(json, items->pdata[i], context);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

char *
seal_list_to_json(const SealClientObjects *objects, const char *section,
                  const SealKnownRevocations *revocations)
{
    const Context context = {objects, revocations};
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    if (!section || g_str_equal(section, "tokens"))
        put_section(json, "tokens", objects->tokens, &context, put_token);
    if (!section || g_str_equal(section, "keys"))
        put_section(json, "keys", objects->keys, &context, put_key);
    if (!section || g_str_equal(section, "certificates"))
        put_section(json, "certificates", objects->certificates, &context, put_certificate);
    put_section(json, "modules", objects->modules, &context, put_module);
    json_builder_end_object(json);
    return seal_json_print(json);
}
