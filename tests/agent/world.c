/* The fixture's token, the agent by D-Bus activation, and a person who knows the PIN. */
#include "tests/agent/world.h"

#include <openssl/x509.h>

#include "ipc/names.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

void
world_init(World *world, const char *groups)
{
    g_autofree char *pin = NULL;

    world->home = seal_test_home_new();
    seal_test_agent_new(world->home);
    if (groups)
        seal_test_agent_add_groups(world->home, groups);
    pin = seal_test_fixture_pin(world->home);
    seal_test_pinentry_answer(world->home, "always pin %s", pin);
    world->connection = seal_test_private();
}

void
world_clear(World *world)
{
    g_clear_object(&world->connection);
    g_clear_pointer(&world->home, seal_test_home_free);
}

EVP_PKEY *
world_public_key(World *world, const char *key)
{
    g_autoptr(GVariant) value =
        seal_test_property(world->connection, key, SEAL_INTERFACE_KEY, "PublicKey");
    gsize len = 0;
    const guint8 *der = g_variant_get_fixed_array(value, &len, 1);
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &der, (long)len);

    g_assert_nonnull(public_key);
    return public_key;
}
