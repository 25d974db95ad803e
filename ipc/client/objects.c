/* What is there: GetManagedObjects and the property Modules, as arrays of structs. */
#include "ipc/client/client.h"
#include "ipc/client/fault.h"
#include "ipc/client/property.h"
#include "ipc/names.h"

#include <stddef.h>

static const SealPropertyRow token_rows[] = {
    {"Label", "s", offsetof(SealClientToken, label)},
    {"Manufacturer", "s", offsetof(SealClientToken, manufacturer)},
    {"Model", "s", offsetof(SealClientToken, model)},
    {"Serial", "s", offsetof(SealClientToken, serial)},
    {"Uri", "s", offsetof(SealClientToken, uri)},
    {"Module", "s", offsetof(SealClientToken, module)},
    {"Slot", "s", offsetof(SealClientToken, slot)},
    {"State", "s", offsetof(SealClientToken, state)},
    {"TriesLeft", "i", offsetof(SealClientToken, tries_left)},
    {"ProtectedAuthentication", "b", offsetof(SealClientToken, protected_authentication)},
    {"Removable", "b", offsetof(SealClientToken, removable)},
    {"ReadOnly", "b", offsetof(SealClientToken, read_only)},
    {"PinToBeChanged", "b", offsetof(SealClientToken, pin_to_be_changed)},
    {"LeftOut", "as", offsetof(SealClientToken, left_out)},
};

static const SealPropertyRow key_rows[] = {
    {"Uri", "s", offsetof(SealClientKey, uri)},
    {"Label", "s", offsetof(SealClientKey, label)},
    {"Id", "ay", offsetof(SealClientKey, id)},
    {"Algorithm", "s", offsetof(SealClientKey, algorithm)},
    {"Bits", "u", offsetof(SealClientKey, bits)},
    {"Curve", "s", offsetof(SealClientKey, curve)},
    {"PublicKey", "ay", offsetof(SealClientKey, public_key)},
    {"Certificates", "ao", offsetof(SealClientKey, certificates)},
    {"Token", "o", offsetof(SealClientKey, token)},
    {"Purposes", "as", offsetof(SealClientKey, purposes)},
    {"Fault", "s", offsetof(SealClientKey, fault)},
    {"AlwaysAuthenticate", "b", offsetof(SealClientKey, always_authenticate)},
    {"Imported", "b", offsetof(SealClientKey, imported)},
    {"RawOperations", "as", offsetof(SealClientKey, raw_operations)},
};

static const SealPropertyRow certificate_rows[] = {
    {"Certificate", "ay", offsetof(SealClientCertificate, certificate)},
    {"Addresses", "as", offsetof(SealClientCertificate, addresses)},
    {"Subject", "s", offsetof(SealClientCertificate, subject)},
    {"Issuer", "s", offsetof(SealClientCertificate, issuer)},
    {"NotBefore", "x", offsetof(SealClientCertificate, not_before)},
    {"NotAfter", "x", offsetof(SealClientCertificate, not_after)},
    {"Purposes", "as", offsetof(SealClientCertificate, purposes)},
    {"Key", "o", offsetof(SealClientCertificate, key)},
    {"Tokens", "ao", offsetof(SealClientCertificate, tokens)},
};

static SealClientToken *
token_new(void)
{
    SealClientToken *token = g_new0(SealClientToken, 1);

    seal_property_init(token_rows, G_N_ELEMENTS(token_rows), token);
    token->tries_left = -1;
    return token;
}

static void
token_free(gpointer data)
{
    SealClientToken *token = data;

    seal_property_clear(token_rows, G_N_ELEMENTS(token_rows), token);
    g_free(token->path);
    g_free(token);
}

static void
key_free(gpointer data)
{
    SealClientKey *key = data;

    seal_property_clear(key_rows, G_N_ELEMENTS(key_rows), key);
    g_free(key->path);
    g_free(key);
}

static void
certificate_free(gpointer data)
{
    SealClientCertificate *certificate = data;

    seal_property_clear(certificate_rows, G_N_ELEMENTS(certificate_rows), certificate);
    g_free(certificate->path);
    g_free(certificate);
}

static void
module_free(gpointer data)
{
    SealClientModule *module = data;

    g_free(module->name);
    g_free(module->path);
    g_free(module->state);
    g_free(module->reason);
    g_free(module);
}

static SealClientObjects *
objects_new(void)
{
    SealClientObjects *objects = g_new0(SealClientObjects, 1);

    objects->tokens = g_ptr_array_new_with_free_func(token_free);
    objects->keys = g_ptr_array_new_with_free_func(key_free);
    objects->certificates = g_ptr_array_new_with_free_func(certificate_free);
    objects->modules = g_ptr_array_new_with_free_func(module_free);
    return objects;
}

void
seal_client_objects_free(SealClientObjects *objects)
{
    if (!objects)
        return;
    g_ptr_array_unref(objects->tokens);
    g_ptr_array_unref(objects->keys);
    g_ptr_array_unref(objects->certificates);
    g_ptr_array_unref(objects->modules);
    g_free(objects);
}

/* -- objects ------------------------------------------------------------------- */

static int
read_interface(sd_bus_message *message, const char *path, SealClientObjects *objects)
{
    const char *interface = NULL;
    int r = sd_bus_message_read_basic(message, 's', &interface);

    if (r < 0)
        return r;
    if (g_str_equal(interface, SEAL_INTERFACE_TOKEN)) {
        SealClientToken *token = token_new();

        token->path = g_strdup(path);
        g_ptr_array_add(objects->tokens, token);
        return seal_property_read_all(message, token_rows, G_N_ELEMENTS(token_rows), token);
    }
    if (g_str_equal(interface, SEAL_INTERFACE_KEY)) {
        SealClientKey *key = g_new0(SealClientKey, 1);

        seal_property_init(key_rows, G_N_ELEMENTS(key_rows), key);
        key->path = g_strdup(path);
        g_ptr_array_add(objects->keys, key);
        return seal_property_read_all(message, key_rows, G_N_ELEMENTS(key_rows), key);
    }
    if (g_str_equal(interface, SEAL_INTERFACE_CERTIFICATE)) {
        SealClientCertificate *certificate = g_new0(SealClientCertificate, 1);

        seal_property_init(certificate_rows, G_N_ELEMENTS(certificate_rows), certificate);
        certificate->path = g_strdup(path);
        g_ptr_array_add(objects->certificates, certificate);
        return seal_property_read_all(message, certificate_rows, G_N_ELEMENTS(certificate_rows),
                                      certificate);
    }
    return sd_bus_message_skip(message, "a{sv}");
}

static int
read_object(sd_bus_message *message, SealClientObjects *objects)
{
    const char *path = NULL;
    int r = sd_bus_message_read_basic(message, 'o', &path);

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
        r = read_interface(message, path, objects);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int
read_objects(sd_bus_message *message, SealClientObjects *objects)
{
    int r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
        r = read_object(message, objects);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* -- modules -------------------------------------------------------------------- */

static int
read_modules(sd_bus_message *message, GPtrArray *modules)
{
    const char *name = NULL, *path = NULL, *state = NULL, *reason = NULL;
    int r = sd_bus_message_enter_container(message, 'v', "a(ssss)");

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "(ssss)");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(message, "(ssss)", &name, &path, &state, &reason)) > 0) {
        SealClientModule *module = g_new0(SealClientModule, 1);

        module->name = g_strdup(name);
        module->path = g_strdup(path);
        module->state = g_strdup(state);
        module->reason = g_strdup(reason);
        g_ptr_array_add(modules, module);
    }
    return MIN(r, 0);
}

static int
append_modules_query(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    return sd_bus_message_append(message, "ss", SEAL_INTERFACE_AGENT, "Modules");
}

/* -- together -------------------------------------------------------------------- */

static gint
compare_paths(gconstpointer a, gconstpointer b)
{
    /* Each struct begins with its path or name. */
    return g_strcmp0(**(char *const *const *)a, **(char *const *const *)b);
}
G_STATIC_ASSERT(offsetof(SealClientToken, path) == 0 && offsetof(SealClientKey, path) == 0 &&
                offsetof(SealClientCertificate, path) == 0);

SealClientObjects *
seal_client_list(SealClient *client, gboolean rescan, GError **error)
{
    const SealRequest look = {
        .path = SEAL_ROOT_PATH, .interface = SEAL_INTERFACE_AGENT, .member = "Rescan"};
    const SealRequest list = {.path = SEAL_ROOT_PATH,
                              .interface = "org.freedesktop.DBus.ObjectManager",
                              .member = "GetManagedObjects"};
    const SealRequest ask_modules = {.path = SEAL_ROOT_PATH,
                                     .interface = "org.freedesktop.DBus.Properties",
                                     .member = "Get",
                                     .append = append_modules_query};
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(sd_bus_message) modules = NULL;
    g_autoptr(SealClientObjects) objects = objects_new();
    int r = 0;

    if (rescan && !seal_client_call(client, &look, NULL, error))
        return NULL;
    if (!seal_client_call(client, &list, &reply, error) ||
        !seal_client_call(client, &ask_modules, &modules, error))
        return NULL;
    r = read_objects(reply, objects);
    if (r >= 0)
        r = read_modules(modules, objects->modules);
    if (r < 0) {
        seal_fault_set_errno(error, r, "read what the agent listed");
        return NULL;
    }
    g_ptr_array_sort(objects->tokens, compare_paths);
    g_ptr_array_sort(objects->keys, compare_paths);
    g_ptr_array_sort(objects->certificates, compare_paths);
    return g_steal_pointer(&objects);
}
