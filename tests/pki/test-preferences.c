/* The groups of privyseal.conf that the commands read. The manual is privyseal.conf(5). */
#include "pki/preferences.h"

#include <string.h>

#include "base/error.h"
#include "tests/support/home.h"

typedef struct {
    SealTestHome *home;
    SealPreferences preferences;
    GPtrArray *overruled;
    GError *error;
} World;

static void
world_open(World *world, gconstpointer data)
{
    world->home = seal_test_home_new();
    world->overruled = g_ptr_array_new_with_free_func(g_free);
}

static void
world_close(World *world, gconstpointer data)
{
    seal_preferences_clear(&world->preferences);
    g_clear_error(&world->error);
    g_ptr_array_unref(world->overruled);
    seal_test_home_free(world->home);
}

static gboolean
load(World *world, const char *user, const char *site)
{
    g_autofree char *user_file = seal_test_home_write(world->home, "user.conf", user);
    g_autofree char *site_file = seal_test_home_write(world->home, "site.conf", site);

    seal_preferences_clear(&world->preferences);
    return seal_preferences_load(user_file, site_file, world->overruled, &world->preferences,
                                 &world->error);
}

static void
expect_mistake(World *world, const char *user, const char *site, const char *text)
{
    g_assert_false(load(world, user, site));
    g_assert_error(world->error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    if (!strstr(world->error->message, text))
        g_error("'%s' is not in: %s", text, world->error->message);
    g_clear_error(&world->error);
}

static void
test_defaults(World *world, gconstpointer data)
{
    g_assert_true(seal_preferences_load("/nonexistent/user", "/nonexistent/site", world->overruled,
                                        &world->preferences, &world->error));
    g_assert_false(world->preferences.system_bundle);
    g_assert_false(world->preferences.fetch_issuers);
    g_assert_cmpint(world->preferences.revocation, ==, SEAL_REVOCATION_PREFER);
    g_assert_cmpuint(world->preferences.timeout_s, ==, 10);
    g_assert_null(world->preferences.private_hosts);
}

static void
test_values(World *world, gconstpointer data)
{
    g_assert_true(load(world, "[trust]\nsystem-bundle=yes\n[revocation]\nmode=require\n", ""));
    g_assert_true(world->preferences.system_bundle);
    g_assert_cmpint(world->preferences.revocation, ==, SEAL_REVOCATION_REQUIRE);
    g_assert_true(load(world,
                       "[trust]\nfetch-issuers=yes\n[revocation]\ntimeout=3\n"
                       "private-hosts=*.corp.example, 127.0.0.1\n",
                       ""));
    g_assert_true(world->preferences.fetch_issuers);
    g_assert_cmpuint(world->preferences.timeout_s, ==, 3);
    g_assert_cmpstr(world->preferences.private_hosts, ==, "*.corp.example, 127.0.0.1");
    g_assert_true(load(world, "[trust]\nminimum-level=sponsor\n", ""));
    g_assert_cmpint(world->preferences.minimum_level, ==, SEAL_LEVEL_SPONSOR);
    g_assert_true(load(world, "[trust]\nsystem-bundle=no\n", "[trust]\nsystem-bundle=yes\n"));
    g_assert_false(world->preferences.system_bundle);
    g_assert_cmpuint(world->overruled->len, ==, 0);
}

static void
test_final(World *world, gconstpointer data)
{
    g_assert_true(load(world, "[trust]\nsystem-bundle=yes\n", "[trust]\nfinal=system-bundle\n"));
    g_assert_false(world->preferences.system_bundle);
    g_assert_cmpuint(world->overruled->len, ==, 1);
    g_assert_nonnull(strstr(world->overruled->pdata[0],
                            "user.conf:2: 'system-bundle' of [trust] is fixed by the site"));
}

static void
test_agent_groups(World *world, gconstpointer data)
{
    g_assert_true(
        load(world, "[agent]\nanything=1\n[module x]\n[policy y]\n", "[agent]\nfinal=anything\n"));
}

static void
test_mistakes(World *world, gconstpointer data)
{
    world->preferences.system_bundle = TRUE;
    expect_mistake(world, "[trust]\nsystem=yes\n", "",
                   "user.conf:2: unknown key 'system' in [trust], expected one of system-bundle, "
                   "minimum-level, fetch-issuers");
    expect_mistake(world, "", "[trust]\nfinal=system\n", "site.conf:2: unknown key 'system'");
    expect_mistake(world, "[trust]\nfinal=system-bundle\n", "", "unknown key 'final' in [trust]");
    expect_mistake(world, "[trust]\nsystem-bundle=true\n", "", "expected one of no, yes");
    expect_mistake(world, "[trust]\nminimum-level=high\n", "",
                   "expected one of any, mailbox, organization, sponsor, individual");
    expect_mistake(world, "[revocation]\nmode=maybe\n", "",
                   "expected one of prefer, require, cache-only, off");
    expect_mistake(world, "[revocation]\ntimeout=0\n", "", "expected a whole number from 1 to 120");
    expect_mistake(world, "[revocation]\nprivate-hosts=http://x/\n", "", "expected names of hosts");
    expect_mistake(world, "[trsut]\n", "", "user.conf:1: unknown group [trsut], expected [agent]");
    expect_mistake(world, "system-bundle=yes\n", "", "user.conf:1: expected a group");
    g_assert_true(world->preferences.system_bundle); /* untouched */
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/preferences/missing-files/are-the-defaults", test_defaults);
    ADD("/preferences/values/of-the-user-win", test_values);
    ADD("/preferences/final/keeps-the-user-out", test_final);
    ADD("/preferences/groups-of-the-agent/are-left-alone", test_agent_groups);
    ADD("/preferences/mistakes/are-named", test_mistakes);
    return g_test_run();
}
