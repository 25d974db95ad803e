/* Cards are pulled, put in and exchanged, pcscd and hosts killed, in a random order, with
 * signatures between: what is left is an agent that works, with no more processes, descriptors and
 * memory than it had, and cards with all their tries. SEAL_SOAK_EVENTS says how many (default 60);
 * GTest's seed repeats a run. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define EVENTS_DEFAULT 60
/* After the first events, when every reader has its host. */
#define WARM_EVENTS 20
/* The allocator keeps what it once had; a leak of 1 KiB an event shows in a long run. */
#define GROWTH_MAX_KIB 4096u
/* A host that is being reaped has four; one that leaks in each event would have many. */
#define DESCRIPTORS_SLACK 8u
/* A host that was killed again and again pauses for half a minute. */
#define SETTLE_MS 45000

typedef struct {
    SealCardScene *scene;
    int reader[2]; /* of alice and bob; -1: none */
    int left[2];   /* the card that was pulled from this reader last; -1: one is in it, or was in none */
    gboolean service;
} Play;

static const char *const cards[] = {"alice", "bob"};
static const char *const keys[] = {"alice-rsa-sign", "bob-rsa-sign"};

/* -- events
 * ----------------------------------------------------------------------------------------- */

static void
pull(Play *play, int card)
{
    seal_test_cards_tell(play->scene->home, "pull %s", cards[card]);
    play->left[play->reader[card]] = card;
    play->reader[card] = -1;
}

/* No hand exchanges cards between two looks of pcscd. What nobody saw stays unknown until the first
 * card is used (test-presence.c): who asks for the second only would wait in vain. */
static void
insert(Play *play, int card, int reader)
{
    if (play->service && play->left[reader] == 1 - card)
        seal_card_scene_wait_for_reader(play->scene, reader, FALSE);
    seal_test_cards_tell(play->scene->home, "insert %s %d", cards[card], reader);
    play->left[reader] = -1;
    play->reader[card] = reader;
}

static void
pull_or_insert(Play *play)
{
    int card = g_test_rand_int_range(0, 2);
    int other = play->reader[1 - card];

    if (play->reader[card] >= 0)
        pull(play, card);
    else
        insert(play, card, other >= 0 ? 1 - other : g_test_rand_int_range(0, 2));
}

static void
kill_a_host(Play *play)
{
    g_autoptr(GArray) hosts = seal_test_children(seal_test_agent_pid(play->scene->home));

    if (hosts->len > 0)
        (void)kill(g_array_index(hosts, pid_t, g_test_rand_int_range(0, (gint32)hosts->len)),
                   SIGKILL);
}

static void
stop_or_start_service(Play *play)
{
    if (play->service)
        seal_test_cards_stop_pcscd(play->scene->home, g_test_rand_bit() ? SIGTERM : SIGKILL);
    else
        seal_test_cards_start_pcscd(play->scene->home);
    play->service = !play->service;
}

static void
sign_until_it_works(Play *play, const char *key)
{
    gint64 end_us = g_get_monotonic_time() + SETTLE_MS * 1000;

    for (;;) {
        g_autofree char *path = seal_card_scene_key_path(play->scene, key);
        g_autoptr(GError) error = NULL;

        if (path && seal_card_scene_sign(play->scene, key, &error))
            return;
        if (g_get_monotonic_time() > end_us) {
            g_autofree char *log = seal_test_agent_log(play->scene->home);

            g_error("'%s' does not sign: %s; the agent's log:\n%s", key,
                    error ? error->message : "no such key", log);
        }
        seal_card_scene_doze(play->scene);
    }
}

/* What comes of it is of no matter: it may well be out of the reader. */
static void
sign(Play *play)
{
    int card = g_test_rand_int_range(0, 2);
    g_autofree char *path = seal_card_scene_key_path(play->scene, keys[card]);
    g_autoptr(GError) error = NULL;

    if (path)
        (void)seal_card_scene_sign(play->scene, keys[card], &error);
}

/* Time enough to see what happened before. */
static void
sign_what_is_there(Play *play)
{
    for (int card = 0; card < 2 && play->service; card++)
        if (play->reader[card] >= 0)
            sign_until_it_works(play, keys[card]);
}

static void
happen(Play *play)
{
    static void (*const events[])(Play * play) = {
        pull_or_insert, pull_or_insert, pull_or_insert,     sign,
        sign,           kill_a_host,    sign_what_is_there, stop_or_start_service,
    };

    events[g_test_rand_int_range(0, G_N_ELEMENTS(events))](play);
}

/* -- what is left
 * ------------------------------------------------------------------------------------ */

/* Resident, in KiB. */
static guint
memory_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *text = NULL;
    const char *line = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "VmRSS:");
    return line ? (guint)atoi(line + strlen("VmRSS:")) : 0;
}

/* Both cards in their readers, everything runs, both sign. */
static void
settle(Play *play)
{
    if (!play->service)
        stop_or_start_service(play);
    for (int card = 0; card < 2; card++) {
        if (play->reader[card] == card)
            continue;
        for (int i = 0; i < 2; i++)
            if (play->reader[i] >= 0)
                pull(play, i);
        break;
    }
    for (int card = 0; card < 2; card++) {
        if (play->reader[card] < 0)
            insert(play, card, card);
        sign_until_it_works(play, keys[card]);
    }
}

/* One for each reader, one that tells of them. One that retired takes its time to end where a
 * sanitizer looks for leaks. */
static gboolean
has_few_hosts(gpointer data)
{
    g_autoptr(GArray) hosts = seal_test_children(*(const pid_t *)data);

    return hosts->len <= 3;
}

static void
random_events_leave_nothing_behind(SealCardScene *scene, gconstpointer data)
{
    const char *wish = g_getenv("SEAL_SOAK_EVENTS");
    guint n_events = wish ? (guint)atoi(wish) : EVENTS_DEFAULT;
    Play play = {scene, {0, -1}, {-1, -1}, TRUE};
    guint descriptors = 0, memory = 0;
    pid_t agent = 0;

    if (!scene->connection)
        return;
    agent = seal_test_agent_pid(scene->home);
    for (guint i = 0; i < WARM_EVENTS; i++)
        happen(&play);
    settle(&play);
    descriptors = seal_test_count_descriptors(agent);
    memory = memory_of(agent);
    for (guint i = 0; i < n_events; i++)
        happen(&play);
    settle(&play);
    g_test_message("%u events: descriptors %u, then %u; memory %u KiB, then %u", n_events,
                   descriptors, seal_test_count_descriptors(agent), memory, memory_of(agent));
    g_assert_cmpuint(seal_test_count_descriptors(agent), <=, descriptors + DESCRIPTORS_SLACK);
#ifndef __SANITIZE_ADDRESS__ /* it keeps what was freed for a while, and finds leaks by itself */
    g_assert_cmpuint(memory_of(agent), <, memory + GROWTH_MAX_KIB);
#endif
    g_assert_true(seal_test_wait_until(has_few_hosts, &agent));
    for (gsize i = 0; i < G_N_ELEMENTS(cards); i++)
        g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries %s", cards[i]), ==, 3);
    g_assert_cmpint(seal_test_agent_pid(scene->home), ==, agent);
}

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    g_test_add("/card/soak/random-events-leave-nothing-behind", SealCardScene, NULL,
               seal_card_scene_set_up, random_events_leave_nothing_behind,
               seal_card_scene_tear_down);
    return g_test_run();
}
