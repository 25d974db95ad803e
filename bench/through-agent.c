/* The same work as direct.c through the agent, by libprivyseal.
 *
 *     through-agent work OPERATION KEY-LABEL CERTIFICATE [IN-FLIGHT]
 *     through-agent idle CONNECTIONS
 *     through-agent activate KEY-LABEL
 *     through-agent lanes KEY-LABEL NUMBER
 *
 * `work` asks one at a time, or with IN-FLIGHT keeps that many calls in flight on its one connection;
 * the protocol on standard input and output is pace.h. `idle` holds that many connections, says
 * `ready` and keeps them until its input ends. `activate` prints the microseconds from its first D-Bus
 * call to the agent's first answer, and until the key is listed: `answered US listed US`. `lanes` says `ready`, opens
 * and closes that many lanes at each line of its input (the agent allows 64 each second), and prints the
 * median of the microseconds from a call to the lane: `opened US`. The address and the agent are found
 * as every client finds them. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/pace.h"
#include "bench/question.h"
#include "ipc/client/lane-open.h"
#include "ipc/client/privyseal.h"

typedef struct {
    SealClient *client;
    SealQuestion *question;
    SealUnwrapQuery query;
    char *key;
    guint most_in_flight;
    guint in_flight;
    gint64 deadline_us;
    guint64 operations;
} Asker;

/* The path of the key with that label and of its token; NULL if it is not listed. */
static char *
find_key(SealClient *client, const char *label, gboolean rescan, char **ret_token)
{
    GError *error = NULL;
    g_autoptr(SealClientObjects) objects = seal_client_list(client, rescan, &error);

    seal_pace_require(objects != NULL, "list the keys", error);
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (!g_str_equal(key->label, label))
            continue;
        if (ret_token)
            *ret_token = g_strdup(key->token);
        return g_strdup(key->path);
    }
    return NULL;
}

static void
ask_once(Asker *asker)
{
    SealQuestion *question = asker->question;
    GError *error = NULL;

    if (question->kind == SEAL_QUESTION_SIGN_RSA || question->kind == SEAL_QUESTION_SIGN_P256) {
        gboolean rsa = question->kind == SEAL_QUESTION_SIGN_RSA;
        g_autoptr(GBytes) signature =
            seal_client_sign(asker->client, asker->key, rsa ? "rsa-pkcs1" : "ecdsa", "sha256",
                             question->digest, &error);

        seal_pace_require(signature != NULL, "sign", error);
    } else {
        g_autoptr(SealSessionKey) session_key =
            seal_client_unwrap(asker->client, asker->key, &asker->query, &error);

        seal_pace_require(session_key != NULL, "unwrap", error);
    }
}

static guint64
run_one_by_one(gpointer data, gint64 deadline_us)
{
    Asker *asker = data;
    guint64 operations = 0;

    while (g_get_monotonic_time() < deadline_us) {
        ask_once(asker);
        operations++;
    }
    return operations;
}

static void send_one(Asker *asker);

static void
on_answered(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
            gpointer user_data)
{
    Asker *asker = user_data;

    seal_pace_require(result != NULL && result_len > 0, "be answered",
                      error ? g_error_copy(error) : NULL);
    asker->in_flight--;
    asker->operations++;
    if (g_get_monotonic_time() < asker->deadline_us)
        send_one(asker);
}

static void
send_one(Asker *asker)
{
    SealQuestion *question = asker->question;
    GError *error = NULL;
    SealCall *call = NULL;

    if (question->kind == SEAL_QUESTION_SIGN_RSA || question->kind == SEAL_QUESTION_SIGN_P256)
        call = seal_client_sign_async(
            asker->client, asker->key,
            question->kind == SEAL_QUESTION_SIGN_RSA ? "rsa-pkcs1" : "ecdsa", "sha256",
            question->digest, on_answered, asker, &error);
    else
        call = seal_client_unwrap_async(asker->client, asker->key, &asker->query, on_answered,
                                        asker, &error);
    seal_pace_require(call != NULL, "send a call", error);
    asker->in_flight++;
}

/* Refills from the callback, and drains to the last answer: every operation counted was answered
 * within the time measured. */
static guint64
run_in_flight(gpointer data, gint64 deadline_us)
{
    Asker *asker = data;
    GError *error = NULL;

    asker->operations = 0;
    asker->deadline_us = deadline_us;
    for (guint i = 0; i < asker->most_in_flight; i++)
        send_one(asker);
    while (asker->in_flight > 0)
        seal_pace_require(seal_client_wait(asker->client, -1, &error), "wait for answers", error);
    return asker->operations;
}

static SealClient *
connect_client(void)
{
    GError *error = NULL;
    SealClient *client = seal_client_new(&error);

    seal_pace_require(client != NULL, "reach the agent", error);
    return client;
}

static int
do_work(int argc, char **argv)
{
    Asker asker = {0};
    GError *error = NULL;
    g_autofree char *token = NULL;
    int status = 0;

    seal_pace_require(argc == 5 || argc == 6, "start: see the usage in through-agent.c", NULL);
    asker.most_in_flight = argc == 6 ? (guint)CLAMP(atoi(argv[5]), 1, 256) : 1;
    asker.question = seal_question_new(argv[2], argv[4]);
    asker.query.algorithm = asker.question->algorithm;
    asker.query.encrypted_key = asker.question->encrypted_key;
    asker.query.originator = asker.question->originator;
    asker.query.content_encryption = asker.question->content_encryption;
    asker.client = connect_client();
    asker.key = find_key(asker.client, argv[3], TRUE, &token);
    seal_pace_require(asker.key != NULL, "find a key with that label", NULL);
    seal_pace_require(seal_client_unlock(asker.client, token, &error), "unlock the token", error);
    status = seal_pace_serve(argc == 6 ? run_in_flight : run_one_by_one, &asker);
    seal_client_free(asker.client);
    seal_question_free(asker.question);
    g_free(asker.key);
    return status;
}

static int
do_idle(int argc, char **argv)
{
    g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)seal_client_free);
    int wanted = argc == 3 ? atoi(argv[2]) : 0;

    for (int i = 0; i < wanted; i++)
        g_ptr_array_add(clients, connect_client());
    puts("ready");
    (void)fflush(stdout);
    while (getchar() != EOF)
        continue;
    return EXIT_SUCCESS;
}

static int
do_activate(int argc, char **argv)
{
    gint64 start_us = g_get_monotonic_time();
    g_autoptr(SealClient) client = connect_client();
    gint64 answered_us = g_get_monotonic_time();
    g_autofree char *key = NULL;
    gboolean rescan = FALSE;

    seal_pace_require(argc == 3, "start: see the usage in through-agent.c", NULL);
    for (; !(key = find_key(client, argv[2], rescan, NULL)); rescan = TRUE)
        seal_pace_require(g_get_monotonic_time() < start_us + 10 * G_USEC_PER_SEC,
                          "see the key within 10 s", NULL);
    printf("answered %" G_GINT64_FORMAT " listed %" G_GINT64_FORMAT "\n", answered_us - start_us,
           g_get_monotonic_time() - start_us);
    return EXIT_SUCCESS;
}

static gint64
open_one(SealClient *client, const SealLaneWish *wish)
{
    const SealRequest request = seal_lane_open_request(wish);
    gint64 start_us = g_get_monotonic_time();
    g_autoptr(sd_bus_message) reply = NULL;
    GError *error = NULL;
    SealLaneOffer offer;

    seal_pace_require(seal_client_call(client, &request, &reply, &error), "open a lane", error);
    seal_pace_require(seal_lane_open_read(reply, &offer), "understand the agent's lane", NULL);
    start_us = g_get_monotonic_time() - start_us;
    seal_fd_clear(&offer.fd);
    return start_us;
}

static int
compare_times(gconstpointer left, gconstpointer right)
{
    const gint64 *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static int
do_lanes(int argc, char **argv)
{
    SealLaneWish wish = {.mechanism = SEAL_MECHANISM_ECDSA, .window = 1};
    guint n = argc == 4 ? (guint)CLAMP(atoi(argv[3]), 1, 64) : 0;
    g_autofree gint64 *times_us = g_new0(gint64, n + 1);
    g_autoptr(SealClient) client = connect_client();
    g_autofree char *token = NULL;
    g_autofree char *key = NULL;
    GError *error = NULL;
    char line[64];

    seal_pace_require(n > 0, "start: see the usage in through-agent.c", NULL);
    key = find_key(client, argv[2], TRUE, &token);
    seal_pace_require(key != NULL, "find a key with that label", NULL);
    seal_pace_require(seal_client_unlock(client, token, &error), "unlock the token", error);
    wish.key = key;
    puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        for (guint i = 0; i < n; i++)
            times_us[i] = open_one(client, &wish);
        qsort(times_us, n, sizeof *times_us, compare_times);
        printf("opened %" G_GINT64_FORMAT "\n", times_us[n / 2]);
        (void)fflush(stdout);
    }
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    g_set_prgname("through-agent");
    if (argc > 1 && g_str_equal(argv[1], "work"))
        return do_work(argc, argv);
    if (argc > 1 && g_str_equal(argv[1], "idle"))
        return do_idle(argc, argv);
    if (argc > 1 && g_str_equal(argv[1], "activate"))
        return do_activate(argc, argv);
    if (argc > 1 && g_str_equal(argv[1], "lanes"))
        return do_lanes(argc, argv);
    seal_pace_require(FALSE, "start: see the usage in through-agent.c", NULL);
    return EXIT_FAILURE;
}
