/* From the registry's events to signals. Property values are read when the message is built, once
 * per connection; without connections nothing is built. */
#include "agent/front-object.h"
#include "ipc/names.h"

void
seal_front_emit_changed(SealFront *front, const char *path, const char *interface,
                        const char *const *properties)
{
    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        (void)sd_bus_emit_properties_changed_strv(seal_bus_peek(connection->link), path, interface,
                                                  (char **)properties);
        seal_bus_kick(connection->link);
    }
}

void
seal_front_emit_added(SealFront *front, const char *path, const char *interface)
{
    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        (void)sd_bus_emit_interfaces_added(seal_bus_peek(connection->link), path, interface, NULL);
        seal_bus_kick(connection->link);
    }
}

void
seal_front_emit_removed(SealFront *front, const char *path, const char *interface)
{
    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        (void)sd_bus_emit_interfaces_removed(seal_bus_peek(connection->link), path, interface,
                                             NULL);
        seal_bus_kick(connection->link);
    }
}

static void
on_token_added(SealTokenObject *token, gpointer user_data)
{
    seal_front_emit_added(user_data, token->path, SEAL_INTERFACE_TOKEN);
}

static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    seal_front_emit_changed(user_data, token->path, SEAL_INTERFACE_TOKEN, properties);
}

static void
on_key_added(SealKeyObject *key, gpointer user_data)
{
    seal_front_emit_added(user_data, key->path, SEAL_INTERFACE_KEY);
}

static void
on_key_changed(SealKeyObject *key, const char *const *properties, gpointer user_data)
{
    seal_front_emit_changed(user_data, key->path, SEAL_INTERFACE_KEY, properties);
}

static void
on_key_removed(SealKeyObject *key, gpointer user_data)
{
    seal_front_emit_removed(user_data, key->path, SEAL_INTERFACE_KEY);
}

static void
on_certificate_added(SealCertificateObject *certificate, gpointer user_data)
{
    seal_front_emit_added(user_data, certificate->path, SEAL_INTERFACE_CERTIFICATE);
}

static void
on_certificate_changed(SealCertificateObject *certificate, const char *const *properties,
                       gpointer user_data)
{
    seal_front_emit_changed(user_data, certificate->path, SEAL_INTERFACE_CERTIFICATE, properties);
}

static void
on_certificate_removed(SealCertificateObject *certificate, gpointer user_data)
{
    seal_front_emit_removed(user_data, certificate->path, SEAL_INTERFACE_CERTIFICATE);
}

static void
on_modules_changed(gpointer user_data)
{
    static const char *const properties[] = {"Modules", NULL};

    seal_front_emit_changed(user_data, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, properties);
}

const SealRegistryEvents seal_front_registry_events = {
    .token_added = on_token_added,
    .token_changed = on_token_changed,
    .key_added = on_key_added,
    .key_changed = on_key_changed,
    .key_removed = on_key_removed,
    .certificate_added = on_certificate_added,
    .certificate_changed = on_certificate_changed,
    .certificate_removed = on_certificate_removed,
    .modules_changed = on_modules_changed,
};
