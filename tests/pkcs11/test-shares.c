/* Threads and turns of clients by themselves, on a clock that the test moves. A lane is any pointer
 * here; what is served is counted. */
#include "pkcs11/host/shares.h"

#define LONG_AGO (10 * G_USEC_PER_SEC)

typedef struct {
    SealShares shares;
    gint64 now_us;
} Scene;

/* A client that always has something to ask on each of its lanes. */
typedef struct {
    SealShare *share;
    guint lanes, waiting, served;
} Client;

static void
set_up(Scene *scene, gconstpointer data)
{
    seal_shares_init(&scene->shares);
    scene->now_us = LONG_AGO;
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    g_hash_table_unref(scene->shares.table);
}

static Client
join(Scene *scene, guint32 number, guint lanes)
{
    Client client = {.lanes = lanes};

    for (guint i = 0; i < lanes; i++)
        client.share = seal_shares_join(&scene->shares, number);
    return client;
}

static void
leave(Scene *scene, Client *client)
{
    while (client->waiting > 0) {
        Client *next = seal_shares_next(&scene->shares, 100, scene->now_us += G_USEC_PER_SEC);

        next->waiting--; /* whoever it is */
        seal_shares_done(&scene->shares, next->share, scene->now_us);
    }
    while (client->lanes-- > 0)
        seal_shares_leave(&scene->shares, client->share);
}

static void
ask(Scene *scene, Client *client)
{
    while (client->waiting < client->lanes) {
        seal_shares_wait(&scene->shares, client->share, client, scene->now_us);
        client->waiting++;
    }
}

/* One operation of the client whose turn it is, NULL if nobody may go. */
static Client *
serve(Scene *scene, guint room)
{
    Client *client = seal_shares_next(&scene->shares, room, scene->now_us);

    if (!client)
        return NULL;
    client->waiting--;
    client->served++;
    scene->now_us += 100;
    seal_share_count(client->share);
    seal_shares_done(&scene->shares, client->share, scene->now_us);
    return client;
}

static void
test_many_lanes_are_one_client(Scene *scene, gconstpointer data)
{
    Client many = join(scene, 1, 64), one = join(scene, 2, 1);

    for (guint i = 0; i < 1000; i++) {
        ask(scene, &many);
        ask(scene, &one);
        g_assert_nonnull(serve(scene, 1));
    }
    g_assert_cmpuint(many.served, ==, 500);
    g_assert_cmpuint(one.served, ==, 500);
    leave(scene, &many);
    leave(scene, &one);
    g_assert_cmpuint(g_hash_table_size(scene->shares.table), ==, 0);
}

static void
test_nobody_saves_turns_up(Scene *scene, gconstpointer data)
{
    Client busy = join(scene, 1, 2), late = join(scene, 2, 2);

    for (guint i = 0; i < 1000; i++) {
        ask(scene, &busy);
        g_assert_true(serve(scene, 1) == &busy);
    }
    for (guint i = 0; i < 100; i++) {
        ask(scene, &busy);
        ask(scene, &late);
        g_assert_nonnull(serve(scene, 1));
    }
    g_assert_cmpuint(late.served, ==, 50);
    leave(scene, &busy);
    leave(scene, &late);
}

/* How many lanes of the client are served at once. */
static guint
take_threads(Scene *scene, Client *client, guint room)
{
    guint n = 0;

    ask(scene, client);
    while (seal_shares_next(&scene->shares, room, scene->now_us)) {
        client->waiting--;
        n++;
    }
    return n;
}

static void
give_threads_back(Scene *scene, Client *client, guint n)
{
    while (n-- > 0)
        seal_shares_done(&scene->shares, client->share, scene->now_us);
}

static void
test_alone_is_not_limited(Scene *scene, gconstpointer data)
{
    Client alone = join(scene, 1, 10), idle = join(scene, 2, 10);
    guint n = take_threads(scene, &alone, 4);

    g_assert_cmpuint(n, ==, 10);
    g_assert_true(seal_share_may_grow(alone.share));
    give_threads_back(scene, &alone, n);
    leave(scene, &alone);
    leave(scene, &idle);
}

/* Where threads are few each has its part; where they are many, one is kept for each of the others.
 */
static void
test_threads_are_shared(Scene *scene, gconstpointer data)
{
    const struct {
        guint room, expected;
    } rows[] = {{1, 1}, {2, 1}, {4, 2}, {5, 3}, {32, 30}, {100, 64}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Client other = join(scene, 2, 1), many = join(scene, 1, 64);
        guint n = 0;

        g_assert_cmpuint(take_threads(scene, &other, rows[i].room), ==, 1);
        n = take_threads(scene, &many, rows[i].room);
        g_assert_cmpuint(n, ==, rows[i].expected);
        give_threads_back(scene, &many, n);
        give_threads_back(scene, &other, 1);
        scene->now_us += LONG_AGO;
        leave(scene, &many);
        leave(scene, &other);
    }
}

/* A client that has all threads gives up what is beyond its part when another comes. */
static void
test_threads_are_given_up(Scene *scene, gconstpointer data)
{
    Client many = join(scene, 1, 8), other = join(scene, 2, 1);
    guint n = take_threads(scene, &many, 4);

    g_assert_true(seal_share_may_stay(many.share));
    g_assert_cmpuint(take_threads(scene, &other, 4), ==, 1);
    g_assert_false(seal_share_may_stay(many.share));
    g_assert_false(seal_share_may_grow(many.share));
    g_assert_true(seal_share_may_stay(other.share));
    give_threads_back(scene, &many, n - 2);
    g_assert_true(seal_share_may_stay(many.share));
    give_threads_back(scene, &many, 2);
    give_threads_back(scene, &other, 1);
    leave(scene, &many);
    leave(scene, &other);
}

/* -- floods -------------------------------------------------------------------------------------
 */

/* It waits even while nobody else is served: the other asks again when it has its answer. */
static void
test_flooder_has_half(Scene *scene, gconstpointer data)
{
    Client flooder = join(scene, 1, 64), honest = join(scene, 2, 1);

    for (guint i = 0; i < 1000; i++) {
        ask(scene, &flooder);
        seal_share_note_flood(flooder.share, scene->now_us);
        ask(scene, &honest);
        while (serve(scene, 32))
            ask(scene, &flooder);
    }
    g_assert_cmpuint(honest.served, ==, 1000);
    g_assert_cmpuint(flooder.served, <=, 501); /* with the first one */
    g_assert_cmpuint(flooder.served, >=, 500);
    leave(scene, &flooder);
    leave(scene, &honest);
}

static void
test_flooder_goes_on_alone(Scene *scene, gconstpointer data)
{
    Client flooder = join(scene, 1, 4), honest = join(scene, 2, 1);

    ask(scene, &honest);
    ask(scene, &flooder);
    seal_share_note_flood(flooder.share, scene->now_us);
    while (serve(scene, 32))
        ask(scene, &flooder);
    g_assert_false(seal_shares_have_next(&scene->shares, 32, scene->now_us));
    g_assert_true(seal_shares_are_contended(&scene->shares));
    scene->now_us += SEAL_SHARES_TICK_US; /* the other does not come back */
    for (guint i = 0; i < 10; i++) {
        g_assert_true(serve(scene, 32) == &flooder);
        ask(scene, &flooder);
    }
    leave(scene, &flooder);
    leave(scene, &honest);
}

/* Another's operation hangs: a flooder does not hang with it. */
static void
test_flood_is_forgotten(Scene *scene, gconstpointer data)
{
    Client flooder = join(scene, 1, 1), hung = join(scene, 2, 1);

    g_assert_cmpuint(take_threads(scene, &hung, 32), ==, 1);
    ask(scene, &flooder);
    g_assert_true(serve(scene, 32) == &flooder);
    ask(scene, &flooder);
    seal_share_note_flood(flooder.share, scene->now_us);
    g_assert_null(serve(scene, 32));
    scene->now_us += G_USEC_PER_SEC + 1;
    g_assert_true(serve(scene, 32) == &flooder);
    give_threads_back(scene, &hung, 1);
    leave(scene, &flooder);
    leave(scene, &hung);
}

#define ADD(path, test) g_test_add(path, Scene, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/shares/turns/many-lanes-are-one-client", test_many_lanes_are_one_client);
    ADD("/shares/turns/nobody-saves-them-up", test_nobody_saves_turns_up);
    ADD("/shares/threads/alone-is-not-limited", test_alone_is_not_limited);
    ADD("/shares/threads/each-has-a-part", test_threads_are_shared);
    ADD("/shares/threads/are-given-up", test_threads_are_given_up);
    ADD("/shares/flood/has-half", test_flooder_has_half);
    ADD("/shares/flood/goes-on-alone", test_flooder_goes_on_alone);
    ADD("/shares/flood/is-forgotten", test_flood_is_forgotten);
    return g_test_run();
}
