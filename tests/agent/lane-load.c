/* One process has all the clients, each with a thread: for the host they are one client with three
 * lanes. */
#include "tests/agent/lane-load.h"

#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

void
load_set_mood(Load *load, const char *lines)
{
    g_autofree char *starts = seal_test_home_path(load->world.home, "starts");
    g_autofree char *path = seal_test_home_path(load->world.home, "mood");
    g_autofree char *text =
        g_strdup_printf("[mood]\ninstant=true\nevents=true\nstarts=%s\n%s", starts, lines);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

void
load_configure(Load *load, const char *agent_lines, const char *rules)
{
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *groups = g_strdup_printf("[module moody]\npath=%s\n%s", moody, rules);

    seal_test_agent_configure(load->world.home, agent_lines, groups);
}

void
load_init(Load *load, const char *agent_lines)
{
    g_autofree char *pin = NULL;
    g_autofree char *mood = NULL;

    load->world.home = seal_test_home_new();
    load->starts = seal_test_starts_new(load->world.home);
    mood = seal_test_home_path(load->world.home, "mood");
    seal_test_home_setenv(load->world.home, "PRIVYSEAL_MOODY", mood);
    load_set_mood(load, "");
    seal_test_agent_new(load->world.home);
    load_configure(load, agent_lines, "");
    pin = seal_test_fixture_pin(load->world.home);
    seal_test_pinentry_answer(load->world.home, "always pin %s", pin);
    load->world.connection = seal_test_private();
}

void
load_clear(Load *load)
{
    g_clear_object(&load->owner);
    world_clear(&load->world);
}

guint32
load_count(const Load *load)
{
    guint32 n = 0;

    for (guint mark = 0; mark < CLIENTS; mark++)
        n += seal_test_starts(load->starts, (guint8)mark);
    return n;
}

void
load_start(Load *load, const char *more)
{
    load->owner = seal_test_private();
    for (guint i = 0; i < CLIENTS; i++) {
        g_autofree char *options =
            g_strdup_printf("{'mechanisms': <['ecdsa']>, 'window': <uint32 %u>%s}", i + 1, more);
        GError *error = NULL;

        load->lanes[i] = (Lane){0};
        (void)open_on(load->owner, KEY, options, &load->lanes[i], &error);
        g_assert_no_error(error);
    }
    for (guint i = 0; i < CLIENTS; i++)
        load->signers[i] =
            seal_test_signer_new(load->lanes[i].fd, load->lanes[i].number, i + 1, (guint8)i);
}

void
load_wait(Load *load)
{
    for (guint i = 0; i < CLIENTS; i++) {
        guint32 before = seal_test_starts(load->starts, (guint8)i);

        while (seal_test_starts(load->starts, (guint8)i) < before + 5)
            g_thread_yield();
    }
}
