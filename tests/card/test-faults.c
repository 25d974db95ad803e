/* Every fault at every moment of every operation, one agent for all of them: the request ends soon
 * with an error that says what happened, the next works when the card is there with one PIN at
 * most, and no try of the PIN is lost. docs/robustness.md has the table; SEAL_FAULTS_TABLE names a
 * file to which a run adds its rows.
 *
 * What happens in the middle happens while the card holds back an answer: a thread waits for that,
 * does it, and lets the card go on.
 *
 * A machine that sleeps is played by logind's signals around a moment in which the agent, its hosts
 * and pcscd are stopped. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/mock/logind.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* An operation must have ended by then, the deadline of the hanging ones included, on a busy
 * machine. */
#define END_MS 8000

typedef gboolean (*Operate)(SealCardScene *scene, const char *key, GError **error);

typedef struct {
    const char *name;
    const char *key;
    Operate operate;
    gboolean locked;      /* begins with a locked token */
    const char *firmware; /* (nullable) of YubiKeys, by ykcs11 */
} Operation;

static const Operation operations[] = {
    {"login", "alice-rsa-sign", seal_card_scene_sign, TRUE, NULL},
    {"sign", "alice-rsa-sign", seal_card_scene_sign, FALSE, NULL},
    {"sign-9c", "alice-p256-sign", seal_card_scene_sign, FALSE, NULL},
    {"decrypt", "alice-rsa-decrypt", seal_card_scene_unwrap, FALSE, NULL},
    {"ykcs11", "alice-rsa-sign", seal_card_scene_sign, TRUE, "5.4.3"},
};

typedef struct {
    const char *name;
    const char
        *where; /* (nullable) instruction and number in control.h; NULL: outside of the operation */
    const char *operations;
} Moment;

static const Moment moments[] = {
    {"before", NULL, "login sign sign-9c decrypt ykcs11"},
    {"first-command", "any 1", "login sign sign-9c decrypt"},
    {"pin", "20 1", "login sign-9c ykcs11"},
    {"key", "87 1", "login sign sign-9c decrypt ykcs11"},
    {"last-command", "87 2", "login sign decrypt"},
    {"after", NULL, "login sign sign-9c decrypt"},
};

typedef struct {
    const char *name;
    void (*act)(SealTestHome *home); /* (nullable) */
    const char *plan;     /* (nullable) for the middle: a line without instruction and number */
    const char *plan_end; /* (nullable) what follows these */
    void (*mend)(SealTestHome *home); /* (nullable) makes it possible to go on */
    const char *errors;               /* that are right; "ok" if it may go well */
} Fault;

/* What YubiKeys and ykcs11 are tried with, too. */
static const char faults_of_yubikeys[] = "pulled service-killed host-killed word-6f00 hangs";

static SealCardScene scene; /* of all cells of a kind of cards */
static SealMockLogind *logind;
static gboolean in_the_middle; /* of an operation; set while no other thread runs */

/* -- faults
 * ------------------------------------------------------------------------------------------- */

static void
pull(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull alice");
}

static void
put_back(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull alice");
    seal_test_cards_tell(home, "insert alice 0");
}

static void
move(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull alice");
    seal_test_cards_tell(home, "insert alice 1");
}

static void
move_back(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull alice");
    seal_card_scene_wait(&scene, "alice-rsa-sign", "absent");
    seal_test_cards_tell(home, "insert alice 0");
}

static void
exchange(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull alice");
    seal_test_cards_tell(home, "insert bob 0");
}

static void
exchange_unseen(SealTestHome *home)
{
    seal_test_cards_tell(home, "swap alice bob");
}

static void
insert(SealTestHome *home)
{
    seal_test_cards_tell(home, "insert alice 0");
}

static void
insert_when_missed(SealTestHome *home)
{
    seal_card_scene_wait(&scene, "alice-rsa-sign", "absent");
    seal_test_cards_tell(home, "insert alice 0");
}

static void
exchange_back(SealTestHome *home)
{
    seal_test_cards_tell(home, "pull bob");
    seal_card_scene_wait(&scene, "bob-rsa-sign", "absent");
    seal_card_scene_wait(&scene, "alice-rsa-sign", "absent");
    seal_test_cards_tell(home, "insert alice 0");
}

static void
end_service(SealTestHome *home)
{
    seal_test_cards_stop_pcscd(home, SIGTERM);
}

/* Its socket stays. */
static void
kill_service(SealTestHome *home)
{
    seal_test_cards_stop_pcscd(home, SIGKILL);
}

static void
kill_hosts(SealTestHome *home)
{
    g_autoptr(GArray) hosts = seal_test_children(seal_test_agent_pid(home));

    for (guint i = 0; i < hosts->len; i++)
        (void)kill(g_array_index(hosts, pid_t, i), SIGKILL);
}

/* By another program. */
static void
reset(SealTestHome *home)
{
    const char *const argv[] = {"opensc-tool", "--reader", "0", "--reset", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
}

static gboolean
may_sleep(gpointer data)
{
    return seal_mock_logind_inhibitors(logind) == 0;
}

static gboolean
holds_sleep_up(gpointer data)
{
    return seal_mock_logind_inhibitors(logind) == 1;
}

static void
signal_all(SealTestHome *home, int signal_number)
{
    pid_t agent = seal_test_agent_pid(home);
    g_autoptr(GArray) hosts = seal_test_children(agent);

    (void)kill(agent, signal_number);
    for (guint i = 0; i < hosts->len; i++)
        (void)kill(g_array_index(hosts, pid_t, i), signal_number);
    seal_test_cards_signal_pcscd(signal_number);
}

/* logind waits for the agent, but not for ever: in the middle of an operation the machine sleeps
 * before that has ended. */
static void
sleep_while(SealTestHome *home, void (*act)(SealTestHome *home))
{
    seal_mock_logind_sleep(logind, TRUE);
    if (!in_the_middle)
        g_assert_true(seal_test_wait_until(may_sleep, NULL));
    signal_all(home, SIGSTOP);
    if (act)
        act(home);
    signal_all(home, SIGCONT);
    seal_mock_logind_sleep(logind, FALSE);
}

static void
fall_asleep(SealTestHome *home)
{
    sleep_while(home, NULL);
}

static void
pull_asleep(SealTestHome *home)
{
    sleep_while(home, pull);
}

static void
exchange_asleep(SealTestHome *home)
{
    sleep_while(home, exchange);
}

static void
release(SealTestHome *home)
{
    seal_test_cards_tell(home, "release alice");
}

static const Fault faults[] = {
    {"pulled", pull, NULL, NULL, insert, "TokenRemoved"},
    /* where the module says GENERAL_ERROR and pcscd has seen nothing, PKCS#1 v1.5 fails as ever */
    {"put-back", put_back, NULL, NULL, NULL, "TokenRemoved ModuleFailed AnotherKey ok"},
    {"moved", move, NULL, NULL, NULL, "TokenRemoved ok"},
    {"exchanged", exchange, NULL, NULL, exchange_back, "TokenRemoved ModuleFailed AnotherKey"},
    {"exchanged-unseen", exchange_unseen, "swap-at alice bob", "", exchange_back,
     "TokenRemoved ModuleFailed AnotherKey"}, /* where pcscd sees it after all: as exchanged */
    {"service-ended", end_service, NULL, NULL, seal_test_cards_start_pcscd, "TokenRemoved"},
    {"service-killed", kill_service, NULL, NULL, seal_test_cards_start_pcscd, "TokenRemoved"},
    {"host-killed", kill_hosts, NULL, NULL, NULL, "ModuleFailed TokenRemoved ok"},
    {"asleep", fall_asleep, NULL, NULL, NULL, "ok Cancelled"},
    {"asleep-pulled", pull_asleep, NULL, NULL, insert_when_missed, "TokenRemoved Cancelled"},
    {"asleep-exchanged", exchange_asleep, NULL, NULL, exchange_back,
     "TokenRemoved ModuleFailed Cancelled"},
    {"reset", reset, NULL, NULL, NULL, "ok"},
    {"word-6f00", NULL, "status alice", "6f00", NULL, "ModuleFailed TokenRemoved AnotherKey ok"},
    {"word-6982", NULL, "status alice", "6982", NULL,
     "ModuleFailed TokenRemoved PinRequired AnotherKey ok"},
    {"cut-short", NULL, "cut alice", "", NULL, "ModuleFailed TokenRemoved AnotherKey ok"},
    {"hangs", NULL, "hang alice", "", release, "TimedOut"},
};

/* -- a cell
 * ------------------------------------------------------------------------------------------- */

typedef struct {
    const Operation *operation;
    const Moment *moment;
    const Fault *fault;
} Cell;

static gint64
now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* "TokenRemoved", "ok" */
static char *
name_of(const GError *error)
{
    g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : g_strdup("x.ok");

    return g_strdup(name ? strrchr(name, '.') + 1 : error->message);
}

static gboolean
has_word(const char *words, const char *word)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)each, word);
}

static void
lock_all(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = seal_test_call(
        scene.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL, FALSE, &error);

    g_assert_no_error(error);
}

static void
tear_down(void)
{
    g_clear_pointer(&logind, seal_mock_logind_free);
    seal_card_scene_tear_down(&scene, NULL);
}

/* As seal_card_scene_set_up(), with logind on the test's bus. */
static void
set_up(const Operation *operation)
{
    g_autofree char *bus = NULL, *address = NULL;

    if (scene.home && g_strcmp0(scene.firmware, operation->firmware) == 0)
        return;
    tear_down();
    scene.firmware = operation->firmware;
    if (!seal_card_scene_open(&scene))
        return;
    bus = seal_test_home_path(scene.home, "run/bus");
    address = g_strconcat("unix:path=", bus, NULL);
    /* before the bus, which starts the agent */
    seal_test_home_setenv(scene.home, "DBUS_SYSTEM_BUS_ADDRESS", address);
    seal_test_bus_new(scene.home);
    logind = seal_mock_logind_new();
    seal_mock_logind_begin(logind, "1", getuid(), "seat0");
    seal_test_cards_tell(scene.home, "insert alice 0");
    seal_card_scene_start_agent(&scene, "operation-timeout=2\nlogin-timeout=2\n");
    seal_card_scene_wait(&scene, "alice-rsa-sign", "locked");
}

static void
begin(const Operation *operation)
{
    seal_test_cards_tell(scene.home, "calm alice");
    (void)seal_card_scene_sign_again(&scene, "alice-rsa-sign");
    if (operation->locked) {
        lock_all();
        seal_card_scene_wait(&scene, operation->key, "locked");
    }
    seal_test_cards_tell(scene.home, "forget alice");
}

static gpointer
act_in_the_middle(gpointer data)
{
    const Cell *cell = data;

    seal_test_cards_tell(scene.home, "wait alice %s", cell->moment->where);
    cell->fault->act(scene.home);
    release(scene.home);
    return NULL;
}

static void
plan(const Cell *cell)
{
    const Fault *fault = cell->fault;

    seal_test_cards_tell(scene.home, "%s %s%s%s", fault->plan, cell->moment->where,
                         *fault->plan_end ? " " : "", fault->plan_end);
}

/* Returns the name of what the operation ended with (transfer full). */
static char *
operate(const Cell *cell, gint64 *ret_ms)
{
    const Operation *operation = cell->operation;
    GThread *thread = NULL;
    g_autoptr(GError) error = NULL;
    gint64 start_ms = 0;

    in_the_middle = cell->moment->where != NULL;
    if (in_the_middle && cell->fault->plan) {
        plan(cell);
    } else if (in_the_middle) {
        seal_test_cards_tell(scene.home, "hang alice %s", cell->moment->where);
        thread = g_thread_new("fault", act_in_the_middle, (gpointer)cell);
    } else if (g_str_equal(cell->moment->name, "before")) {
        cell->fault->act(scene.home);
    }
    start_ms = now_ms();
    (void)operation->operate(&scene, operation->key, &error);
    *ret_ms = now_ms() - start_ms;
    if (thread)
        g_thread_join(thread);
    in_the_middle = FALSE;
    if (g_str_equal(cell->moment->name, "after"))
        cell->fault->act(scene.home);
    if (error)
        g_test_message("%s", error->message);
    return name_of(error);
}

static void
note_row(const Cell *cell, const char *end, gint64 ms, gint64 next_ms, guint pins)
{
    const char *path = g_getenv("SEAL_FAULTS_TABLE");
    g_autofree char *row =
        g_strdup_printf("| %s | %s | %s | %s | %d | %d | %u |\n", cell->operation->name,
                        cell->moment->name, cell->fault->name, end, (int)ms, (int)next_ms, pins);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

    g_test_message("%s", row);
    if (fd < 0)
        return;
    g_assert_cmpint(write(fd, row, strlen(row)), ==, (ssize_t)strlen(row));
    (void)close(fd);
}

static void
test_cell(gconstpointer data)
{
    const Cell *cell = data;
    g_autofree char *end = NULL;
    gint64 ms = 0, next_ms = 0;
    guint pins = 0;

    set_up(cell->operation);
    if (!scene.connection)
        return;
    begin(cell->operation);
    end = operate(cell, &ms);
    pins = seal_test_pinentry_count(scene.home);
    if (cell->fault->mend)
        cell->fault->mend(scene.home);
    next_ms = seal_card_scene_sign_again(&scene, "alice-rsa-sign");
    pins = seal_test_pinentry_count(scene.home) - pins;
    note_row(cell, end, ms, next_ms, pins);
    if (!has_word(g_str_equal(cell->moment->name, "after") ? "ok" : cell->fault->errors, end))
        g_error("ended with %s, expected %s", end, cell->fault->errors);
    g_assert_cmpint(ms, <, END_MS);
    g_assert_cmpuint(pins, <=, 1);
    g_assert_cmpuint(seal_test_cards_tell(scene.home, "tries alice"), ==, 3);
    if (cell->fault->act == move)
        move_back(scene.home);
    g_assert_true(seal_test_wait_until(holds_sleep_up, NULL));
}

/* -- all cells
 * ---------------------------------------------------------------------------------------- */

static gboolean
is_cell(const Operation *operation, const Moment *moment, const Fault *fault)
{
    if (!has_word(moment->operations, operation->name))
        return FALSE;
    if (operation->firmware && !has_word(faults_of_yubikeys, fault->name))
        return FALSE;
    if (!fault->act)
        return moment->where != NULL;
    /* in the middle another program waits until the card is free: it cannot come between */
    return fault->act != reset || !moment->where;
}

static void
add_cells(const Operation *operation)
{
    static Cell cells[G_N_ELEMENTS(operations) * G_N_ELEMENTS(moments) * G_N_ELEMENTS(faults)];
    static gsize n_cells = 0;

    for (gsize m = 0; m < G_N_ELEMENTS(moments); m++) {
        for (gsize f = 0; f < G_N_ELEMENTS(faults); f++) {
            g_autofree char *path = g_strdup_printf("/card/faults/%s/%s-%s", operation->name,
                                                    faults[f].name, moments[m].name);

            if (!is_cell(operation, &moments[m], &faults[f]))
                continue;
            cells[n_cells] = (Cell){operation, &moments[m], &faults[f]};
            g_test_add_data_func(path, &cells[n_cells++], test_cell);
        }
    }
}

int
main(int argc, char **argv)
{
    int status = 0;

    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
        add_cells(&operations[i]);
    status = g_test_run();
    tear_down();
    return status;
}
