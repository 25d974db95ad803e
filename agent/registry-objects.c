/* From a token's description to objects of the tree.
 *
 * A description always comes whole. First the tables are brought up to date and what happened is
 * written down; then the listeners are told, in an order in which every object that is mentioned
 * exists: tokens, keys, certificates, then what went. A description is taken also when a token
 * comes back: what is on it now counts, and what it no longer has loses its place there. */
#include "agent/registry-objects.h"

#include <string.h>

#include "ipc/names.h"
#include "pkcs11/core/uri.h"

/* Bytes of a hash that make an id. */
#define ID_LEN 20

typedef struct {
    GPtrArray *new_keys, *new_certificates;          /* borrowed */
    GHashTable *changed_keys, *changed_certificates; /* object -> set of property names */
} Changes;

/* -- ids -------------------------------------------------------------------------------------- */

static char *
finish_id(GChecksum *checksum)
{
    return g_strndup(g_checksum_get_string(checksum), 2 * (gsize)ID_LEN);
}

static char *
hash_of_bytes(GBytes *bytes)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize len = 0;
    const guchar *data = g_bytes_get_data(bytes, &len);

    g_checksum_update(checksum, data, (gssize)len);
    return finish_id(checksum);
}

/* tpm2-pkcs11 gives all its tokens the number 0. */
static gboolean
has_serial(const SealTokenInfo *info)
{
    return info->serial[strspn(info->serial, "0")] != '\0';
}

/* `slot`: (nullable) where it lies, if that is part of it. */
static char *
id_of_token(const SealTokenInfo *info, const char *slot)
{
    const char *const parts[] = {info->manufacturer, info->model, info->serial,
                                 has_serial(info) ? NULL : info->label, slot};
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i])
            g_checksum_update(checksum, (const guchar *)parts[i], (gssize)strlen(parts[i]) + 1);
    return finish_id(checksum);
}

/* -- freeing ---------------------------------------------------------------------------------- */

static void
key_place_free(SealKeyPlace *place)
{
    seal_key_info_unref((SealKeyInfo *)place->info);
    g_free(place);
}

void
seal_token_entry_free(SealTokenEntry *entry)
{
    SealTokenObject *object = &entry->object;

    seal_token_unref(object->token);
    g_free(object->id);
    g_free(object->path);
    g_free(object->uri);
    g_free(object->module);
    g_free(object->slot);
    g_free(object->label);
    g_free(object->manufacturer);
    g_free(object->model);
    g_free(object->serial);
    g_strfreev(object->left_out);
    g_free(entry);
}

void
seal_key_object_free(SealKeyObject *key)
{
    g_free(key->id);
    g_free(key->path);
    g_ptr_array_unref(key->places);
    g_ptr_array_unref(key->certificates);
    g_free(key);
}

void
seal_certificate_object_free(SealCertificateObject *certificate)
{
    g_free(certificate->id);
    g_free(certificate->path);
    seal_certificate_info_unref(certificate->info);
    g_ptr_array_unref(certificate->tokens);
    g_free(certificate);
}

/* -- the token itself ------------------------------------------------------------------------- */

static char *
uri_of_token(const SealTokenInfo *info)
{
    const SealTokenName name = {info->label, info->manufacturer, info->model, info->serial};

    return seal_uri_for_token(&name);
}

/* (transfer full) */
static char *
slot_of_token(const SealToken *token)
{
    const char *reader = seal_module_config(seal_token_module(token))->reader;

    return reader && *reader
               ? g_strdup(reader)
               : g_strdup_printf("slot %" G_GUINT64_FORMAT, seal_token_info(token)->slot_id);
}

/* TRUE if `token` cannot be the one that serves `entry`: one module shows both at once. Of OpenSC's
 * readers, each with a process, one may tell of a card that another has not told as gone. */
static gboolean
is_twin(const SealTokenEntry *entry, const SealToken *token)
{
    const SealToken *other = entry->object.token;

    return other && other != token && seal_token_is_alive(other) &&
           seal_token_module(other) == seal_token_module(token) &&
           seal_token_info(other)->slot_id != seal_token_info(token)->slot_id;
}

SealTokenEntry *
seal_registry_enter_token(SealRegistry *registry, const SealToken *token, gboolean *ret_is_new)
{
    const SealTokenInfo *info = seal_token_info(token);
    g_autofree char *slot = slot_of_token(token);
    g_autofree char *id = id_of_token(info, NULL);
    g_autofree char *twin_id = id_of_token(info, slot);
    SealTokenEntry *entry = g_hash_table_lookup(registry->tokens, twin_id);

    *ret_is_new = FALSE;
    if (entry) /* it was a twin before */
        return entry;
    entry = g_hash_table_lookup(registry->tokens, id);
    if (entry && is_twin(entry, token)) {
        g_free(id);
        id = g_steal_pointer(&twin_id);
    } else if (entry) {
        return entry;
    }
    *ret_is_new = TRUE;
    entry = g_new0(SealTokenEntry, 1);
    entry->object.path = g_strconcat(SEAL_TOKEN_PREFIX "/", id, NULL);
    entry->object.id = g_steal_pointer(&id);
    entry->object.tries_left = -1;
    entry->object.left_out = g_new0(char *, 1);
    g_hash_table_insert(registry->tokens, entry->object.id, entry);
    return entry;
}

/* What the flags say of the login. The PIN keeper's BUSY lasts until it is done. */
static SealTokenState
state_of_flags(guint32 flags, SealTokenState before)
{
    if (flags & SEAL_TOKEN_LOGGED_IN || !(flags & SEAL_TOKEN_LOGIN_REQUIRED))
        return SEAL_TOKEN_STATE_UNLOCKED;
    if (flags & SEAL_TOKEN_PIN_LOCKED)
        return SEAL_TOKEN_STATE_BLOCKED;
    return before == SEAL_TOKEN_STATE_BUSY ? SEAL_TOKEN_STATE_BUSY : SEAL_TOKEN_STATE_LOCKED;
}

/* Cards tell no more than these two. */
static int
tries_of_flags(guint32 flags)
{
    if (flags & SEAL_TOKEN_PIN_LOCKED)
        return 0;
    return flags & SEAL_TOKEN_PIN_FINAL_TRY ? 1 : -1;
}

static void
note_text(char **field, const char *value, const char *property, GPtrArray *changed)
{
    if (g_strcmp0(*field, value) == 0)
        return;
    g_free(*field);
    *field = g_strdup(value);
    g_ptr_array_add(changed, (gpointer)property);
}

static void
note_flag(guint32 differing, guint32 flag, const char *property, GPtrArray *changed)
{
    if (differing & flag)
        g_ptr_array_add(changed, (gpointer)property);
}

static void
note_left_out(SealTokenObject *object, GPtrArray *changed)
{
    const GPtrArray *sentences = seal_token_left_out(object->token);
    g_auto(GStrv) now = g_new0(char *, sentences->len + 1);

    for (guint i = 0; i < sentences->len; i++)
        now[i] = g_strdup(sentences->pdata[i]);
    if (g_strv_equal((const char *const *)now, (const char *const *)object->left_out))
        return;
    g_strfreev(object->left_out);
    object->left_out = g_steal_pointer(&now);
    g_ptr_array_add(changed, (gpointer) "LeftOut");
}

/* Takes the fields of the present token; adds the names of what changed. */
static void
take_fields(SealTokenEntry *entry, GPtrArray *changed)
{
    SealTokenObject *object = &entry->object;
    const SealTokenInfo *info = seal_token_info(object->token);
    g_autofree char *uri = uri_of_token(info);
    g_autofree char *slot = slot_of_token(object->token);
    guint32 differing = object->flags ^ info->flags;
    SealTokenState state = state_of_flags(info->flags, object->state);
    int tries_left = tries_of_flags(info->flags);

    note_text(&object->label, info->label, "Label", changed);
    note_text(&object->manufacturer, info->manufacturer, "Manufacturer", changed);
    note_text(&object->model, info->model, "Model", changed);
    note_text(&object->serial, info->serial, "Serial", changed);
    note_text(&object->uri, uri, "Uri", changed);
    note_text(&object->module, seal_module_name(entry->owner), "Module", changed);
    note_text(&object->slot, slot, "Slot", changed);
    note_left_out(object, changed);
    note_flag(differing, SEAL_TOKEN_REMOVABLE, "Removable", changed);
    note_flag(differing, SEAL_TOKEN_READ_ONLY, "ReadOnly", changed);
    note_flag(differing, SEAL_TOKEN_PROTECTED_AUTHENTICATION, "ProtectedAuthentication", changed);
    note_flag(differing, SEAL_TOKEN_PIN_TO_BE_CHANGED, "PinToBeChanged", changed);
    object->flags = info->flags;
    if (state != object->state)
        g_ptr_array_add(changed, (gpointer) "State");
    object->state = state;
    if (tries_left != object->tries_left)
        g_ptr_array_add(changed, (gpointer) "TriesLeft");
    object->tries_left = tries_left;
}

/* -- keys ------------------------------------------------------------------------------------- */

static void
note_change(GHashTable *changed, gpointer object, const char *property)
{
    GHashTable *names = g_hash_table_lookup(changed, object);

    if (!names) {
        names = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(changed, object, names);
    }
    g_hash_table_add(names, (gpointer)property);
}

static SealKeyPlace *
place_at(const SealKeyObject *key, const SealTokenObject *token)
{
    for (guint i = 0; i < key->places->len; i++) {
        SealKeyPlace *place = key->places->pdata[i];

        if (place->token == token)
            return place;
    }
    return NULL;
}

/* What a new description of a key changes, told of the object (whichever place serves). */
static void
note_key_changes(Changes *changes, SealKeyObject *key, const SealKeyInfo *before,
                 const SealKeyInfo *after)
{
    guint32 differing = before->flags ^ after->flags;

    if (differing & (SEAL_KEY_SIGN | SEAL_KEY_DECRYPT))
        note_change(changes->changed_keys, key, "Purposes");
    if (differing & SEAL_KEY_ALWAYS_AUTHENTICATE)
        note_change(changes->changed_keys, key, "AlwaysAuthenticate");
    if (differing & SEAL_KEY_IMPORTED)
        note_change(changes->changed_keys, key, "Imported");
    if (strcmp(before->label, after->label) != 0) {
        note_change(changes->changed_keys, key, "Label");
        note_change(changes->changed_keys, key, "Uri");
    }
    if (!g_bytes_equal(before->id, after->id)) {
        note_change(changes->changed_keys, key, "Id");
        note_change(changes->changed_keys, key, "Uri");
    }
}

static void
note_other_place(Changes *changes, SealKeyObject *key)
{
    static const char *const names[] = {
        "Token", "Uri", "Label", "Id", "Purposes", "AlwaysAuthenticate", "Imported", NULL};

    for (const char *const *name = names; *name; name++)
        note_change(changes->changed_keys, key, *name);
}

static SealKeyObject *
enter_key(SealRegistry *registry, Changes *changes, const SealKeyInfo *info)
{
    g_autofree char *id = hash_of_bytes(info->public_key);
    SealKeyObject *key = g_hash_table_lookup(registry->keys, id);

    if (key)
        return key;
    key = g_new0(SealKeyObject, 1);
    key->path = g_strconcat(SEAL_KEY_PREFIX "/", id, NULL);
    key->id = g_steal_pointer(&id);
    key->places = g_ptr_array_new_with_free_func((GDestroyNotify)key_place_free);
    key->certificates = g_ptr_array_new();
    g_hash_table_insert(registry->keys, key->id, key);
    g_ptr_array_add(changes->new_keys, key);
    return key;
}

static void
take_key(SealRegistry *registry, Changes *changes, SealTokenObject *token, const SealKeyInfo *info)
{
    SealKeyObject *key = enter_key(registry, changes, info);
    SealKeyPlace *place = place_at(key, token);

    if (place) {
        note_key_changes(changes, key, place->info, info);
        seal_key_info_unref((SealKeyInfo *)place->info);
    } else {
        place = g_new0(SealKeyPlace, 1);
        place->token = token;
        if (key->places->len > 0)
            note_other_place(changes, key);
        g_ptr_array_add(key->places, place);
    }
    place->info = seal_key_info_ref(info);
    place->token_reference = seal_token_info(token->token)->reference;
}

/* -- certificates ----------------------------------------------------------------------------- */

static SealCertificateObject *
enter_certificate(SealRegistry *registry, Changes *changes, const SealCertificateInfo *info)
{
    g_autofree char *id = hash_of_bytes(info->certificate);
    SealCertificateObject *certificate = g_hash_table_lookup(registry->certificates, id);

    if (certificate)
        return certificate;
    certificate = g_new0(SealCertificateObject, 1);
    certificate->path = g_strconcat(SEAL_CERTIFICATE_PREFIX "/", id, NULL);
    certificate->id = g_steal_pointer(&id);
    certificate->info = seal_certificate_info_ref(info);
    certificate->tokens = g_ptr_array_new();
    g_hash_table_insert(registry->certificates, certificate->id, certificate);
    g_ptr_array_add(changes->new_certificates, certificate);
    return certificate;
}

static void
take_certificate(SealRegistry *registry, Changes *changes, SealTokenObject *token,
                 const SealCertificateInfo *info)
{
    SealCertificateObject *certificate = enter_certificate(registry, changes, info);

    if (g_ptr_array_find(certificate->tokens, token, NULL))
        return;
    g_ptr_array_add(certificate->tokens, token);
    note_change(changes->changed_certificates, certificate, "Tokens");
}

/* Brings the links between certificates and keys up to date. */
static void
link_certificates(SealRegistry *registry, Changes *changes)
{
    GHashTableIter iter;
    SealCertificateObject *certificate = NULL;

    g_hash_table_iter_init(&iter, registry->certificates);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&certificate)) {
        g_autofree char *id =
            certificate->key ? NULL : hash_of_bytes(certificate->info->public_key);
        SealKeyObject *key = id ? g_hash_table_lookup(registry->keys, id) : NULL;

        if (!key)
            continue;
        certificate->key = key;
        g_ptr_array_add(key->certificates, certificate);
        note_change(changes->changed_keys, key, "Certificates");
        note_change(changes->changed_certificates, certificate, "Key");
    }
}

/* -- what is gone ----------------------------------------------------------------------------- */

static gboolean
has_key(const GPtrArray *infos, const SealKeyPlace *place)
{
    /* A place of this description holds the very box that stands in it. */
    return g_ptr_array_find((GPtrArray *)infos, place->info, NULL);
}

static gboolean
has_certificate(const GPtrArray *infos, const SealCertificateObject *certificate)
{
    for (guint i = 0; i < infos->len; i++) {
        const SealCertificateInfo *info = infos->pdata[i];

        if (g_bytes_equal(info->certificate, certificate->info->certificate))
            return TRUE;
    }
    return FALSE;
}

static void
remove_key(SealRegistry *registry, SealKeyObject *key)
{
    for (guint i = 0; i < key->certificates->len; i++) {
        static const char *const names[] = {"Key", NULL};
        SealCertificateObject *certificate = key->certificates->pdata[i];

        certificate->key = NULL;
        SEAL_REGISTRY_TELL(registry, certificate_changed, certificate, names);
    }
    SEAL_REGISTRY_TELL(registry, key_removed, key);
    g_hash_table_remove(registry->keys, key->id);
}

/* Keys that this token had before and that are not in its description any more lose their place;
 * those without any place are removed. */
static void
drop_keys(SealRegistry *registry, Changes *changes, SealTokenObject *token)
{
    const GPtrArray *infos = seal_token_keys(token->token);
    g_autoptr(GPtrArray) keys = seal_registry_keys(registry);

    for (guint i = 0; i < keys->len; i++) {
        SealKeyObject *key = keys->pdata[i];
        SealKeyPlace *place = place_at(key, token);

        if (!place || has_key(infos, place))
            continue;
        g_ptr_array_remove(key->places, place);
        if (key->places->len > 0)
            note_other_place(changes, key);
    }
}

static void
drop_certificates(SealRegistry *registry, Changes *changes, SealTokenObject *token)
{
    const GPtrArray *infos = seal_token_certificates(token->token);
    g_autoptr(GPtrArray) certificates = seal_registry_certificates(registry);

    for (guint i = 0; i < certificates->len; i++) {
        SealCertificateObject *certificate = certificates->pdata[i];

        if (!has_certificate(infos, certificate) &&
            g_ptr_array_remove(certificate->tokens, token) && certificate->tokens->len > 0)
            note_change(changes->changed_certificates, certificate, "Tokens");
    }
}

static void
remove_homeless(SealRegistry *registry)
{
    static const char *const names[] = {"Certificates", NULL};
    g_autoptr(GPtrArray) certificates = seal_registry_certificates(registry);
    g_autoptr(GPtrArray) keys = seal_registry_keys(registry);

    for (guint i = 0; i < certificates->len; i++) {
        SealCertificateObject *certificate = certificates->pdata[i];

        if (certificate->tokens->len > 0)
            continue;
        if (certificate->key) {
            g_ptr_array_remove(certificate->key->certificates, certificate);
            SEAL_REGISTRY_TELL(registry, key_changed, certificate->key, names);
        }
        SEAL_REGISTRY_TELL(registry, certificate_removed, certificate);
        g_hash_table_remove(registry->certificates, certificate->id);
    }
    for (guint i = 0; i < keys->len; i++) {
        SealKeyObject *key = keys->pdata[i];

        if (key->places->len == 0)
            remove_key(registry, key);
    }
}

/* -- telling ---------------------------------------------------------------------------------- */

static const char **
names_of(GHashTable *names)
{
    return (const char **)g_hash_table_get_keys_as_array(names, NULL);
}

static void
tell_changes(SealRegistry *registry, const Changes *changes)
{
    GHashTableIter iter;
    gpointer object = NULL, names = NULL;

    for (guint i = 0; i < changes->new_keys->len; i++) {
        g_hash_table_remove(changes->changed_keys, changes->new_keys->pdata[i]);
        SEAL_REGISTRY_TELL(registry, key_added, changes->new_keys->pdata[i]);
    }
    for (guint i = 0; i < changes->new_certificates->len; i++) {
        g_hash_table_remove(changes->changed_certificates, changes->new_certificates->pdata[i]);
        SEAL_REGISTRY_TELL(registry, certificate_added, changes->new_certificates->pdata[i]);
    }
    g_hash_table_iter_init(&iter, changes->changed_keys);
    while (g_hash_table_iter_next(&iter, &object, &names)) {
        g_autofree const char **list = names_of(names);

        SEAL_REGISTRY_TELL(registry, key_changed, object, list);
    }
    g_hash_table_iter_init(&iter, changes->changed_certificates);
    while (g_hash_table_iter_next(&iter, &object, &names)) {
        g_autofree const char **list = names_of(names);

        SEAL_REGISTRY_TELL(registry, certificate_changed, object, list);
    }
}

static void
changes_init(Changes *changes)
{
    changes->new_keys = g_ptr_array_new();
    changes->new_certificates = g_ptr_array_new();
    changes->changed_keys =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    changes->changed_certificates =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
}

static void
changes_clear(Changes *changes)
{
    g_ptr_array_unref(changes->new_keys);
    g_ptr_array_unref(changes->new_certificates);
    g_hash_table_unref(changes->changed_keys);
    g_hash_table_unref(changes->changed_certificates);
}

void
seal_registry_take_token(SealRegistry *registry, SealTokenEntry *entry, gboolean is_new)
{
    SealTokenObject *object = &entry->object;
    const GPtrArray *keys = seal_token_keys(object->token);
    const GPtrArray *certificates = seal_token_certificates(object->token);
    g_autoptr(GPtrArray) changed = g_ptr_array_new();
    Changes changes;

    changes_init(&changes);
    take_fields(entry, changed);
    for (guint i = 0; i < keys->len; i++)
        take_key(registry, &changes, object, keys->pdata[i]);
    for (guint i = 0; i < certificates->len; i++)
        take_certificate(registry, &changes, object, certificates->pdata[i]);
    drop_keys(registry, &changes, object);
    drop_certificates(registry, &changes, object);
    link_certificates(registry, &changes);

    g_ptr_array_add(changed, NULL);
    if (is_new)
        SEAL_REGISTRY_TELL(registry, token_added, object);
    else if (changed->len > 1)
        SEAL_REGISTRY_TELL(registry, token_changed, object, (const char *const *)changed->pdata);
    tell_changes(registry, &changes);
    changes_clear(&changes);
    remove_homeless(registry);
}
