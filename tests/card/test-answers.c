/* A card whose answers lie: absurd status words, answers of any length, lengths that promise what
 * does not come, more to come for ever. In each row the request ends with an error, and in time;
 * nothing is given out that OpenSSL does not accept; another card goes on; and when the card is
 * honest again it works, with one PIN entry at most, and has all its tries. */
#include <string.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/support/pinentry.h"

#define ALICE "alice-rsa-sign"
#define BOB   "bob-rsa-sign"

/* The deadline of the operation is 2 s, on a busy machine. */
#define END_MS 8000

/* 40 bytes of nothing, and as if there were always more. */
#define FOR_EVER                                                                                   \
    "4141414141414141414141414141414141414141414141414141414141414141414141414141414161ff"

typedef struct {
    const char *name;
    const char *lines;  /* for the card (control.h), by semicolons */
    const char *errors; /* that are right */
} Row;

/* Of a signature with 9A. */
static const Row rows[] = {
    {"pin-word-0000", "status alice 20 each 0000", "ModuleFailed"},
    {"pin-word-ffff", "status alice 20 each ffff", "ModuleFailed"},
    {"pin-word-61ff-for-ever", "status alice 20 each 61ff;answer alice C0 each " FOR_EVER,
     "ModuleFailed PinRequired"},
    {"pin-word-6cff-for-ever", "status alice 20 each 6cff", "ModuleFailed"},
    {"pin-taken-and-not-opened", "status alice 20 each 9000", "PinRequired"},
    {"pin-half-a-word", "keep alice 20 each 1", "ModuleFailed"},
    {"key-word-0000", "status alice 87 each 0000", "ModuleFailed"},
    {"key-word-61ff-for-ever", "status alice 87 each 61ff;status alice C0 each 61ff",
     "ModuleFailed"},
    {"key-word-6cff-for-ever", "status alice 87 each 6cff", "ModuleFailed"},
    {"key-data-for-ever", "status alice 87 each 61ff;answer alice C0 each " FOR_EVER,
     "ModuleFailed TokenRemoved"},
    {"key-nothing", "status alice 87 each 9000", "ModuleFailed"},
    {"key-nothing-in-a-template", "answer alice 87 each 7c009000", "TokenRemoved"},
    {"key-length-of-4-gib", "answer alice 87 each 7c84ffffffff8284ffffffff009000", "ModuleFailed"},
    {"key-length-indefinite", "answer alice 87 each 7c8082800000009000",
     "ModuleFailed TokenRemoved"},
    {"key-length-beyond-the-end", "answer alice 87 each 7c0482ff12349000",
     "ModuleFailed TokenRemoved"},
    {"key-half-a-word", "keep alice 87 each 1", "ModuleFailed"},
    {"any-word-0000", "status alice any each 0000", "ModuleFailed TokenRemoved"},
    {"any-word-6cff-for-ever", "status alice any each 6cff", "ModuleFailed TokenRemoved"},
    {"any-data-for-ever", "answer alice any each " FOR_EVER,
     "ModuleFailed PinRequired TokenRemoved TimedOut"},
};

/* While the card is read. */
static const Row reading[] = {
    {"select-word-0000", "status alice A4 each 0000", NULL},
    {"data-61ff-for-ever", "status alice CB each 61ff;status alice C0 each 61ff", NULL},
    {"data-length-of-4-gib", "answer alice CB each 5384ffffffff9000", NULL},
    {"any-half-a-word", "keep alice any each 1", NULL},
    {"any-data-for-ever", "answer alice any each " FOR_EVER, NULL},
};

static SealCardScene scene; /* of all rows; alice lies in the first reader, bob in the second */

static gboolean
has_word(const char *words, const char *word)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)each, word);
}

static void
tell_lines(const char *lines)
{
    g_auto(GStrv) each = g_strsplit(lines, ";", -1);

    for (char **line = each; *line; line++)
        seal_test_cards_tell(scene.home, "%s", *line);
}

static void
assert_bob_works(void)
{
    g_autoptr(GError) error = NULL;

    seal_card_scene_sign(&scene, BOB, &error);
    g_assert_no_error(error);
}

static void
lock_all(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = seal_test_call(
        scene.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL, FALSE, &error);

    g_assert_no_error(error);
    seal_card_scene_wait(&scene, ALICE, "locked");
}

/* FALSE: the test was skipped. */
static gboolean
begin(void)
{
    if (!scene.connection) {
        g_test_skip("there are no cards here");
        return FALSE;
    }
    (void)seal_card_scene_sign_again(&scene, ALICE);
    (void)seal_card_scene_sign_again(&scene, BOB);
    return TRUE;
}

static void
put_in(void)
{
    seal_test_cards_tell(scene.home, "pull alice");
    seal_card_scene_wait_for_reader(&scene, 0, FALSE); /* else it would be the same card, unread */
    seal_card_scene_wait(&scene, ALICE, "absent");
    seal_test_cards_tell(scene.home, "insert alice 0");
}

/* The card is honest again. */
static void
end(guint pins)
{
    (void)seal_card_scene_sign_again(&scene, ALICE);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home) - pins, <=, 1);
    g_assert_cmpuint(seal_test_cards_tell(scene.home, "tries alice"), ==, 3);
}

/* -- while a key is used -------------------------------------------------------------------------
 */

/* FALSE if the module may have read the card anew since. */
static gboolean
assert_fails(const char *errors)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    gint64 start_us = g_get_monotonic_time();

    g_assert_false(seal_card_scene_sign(&scene, ALICE, &error));
    g_assert_cmpint((g_get_monotonic_time() - start_us) / 1000, <, END_MS);
    name = g_dbus_error_get_remote_error(error);
    g_test_message("%s", error->message);
    if (!name || !has_word(errors, strrchr(name, '.') + 1))
        g_error("ended with %s, expected %s", error->message, errors);
    return has_word("ModuleFailed PinRequired", strrchr(name, '.') + 1);
}

static void
test_use(gconstpointer data)
{
    const Row *row = data;
    gboolean was_read = FALSE;
    guint pins = 0;

    if (!begin())
        return;
    if (g_str_has_prefix(row->name, "pin-"))
        lock_all();
    tell_lines(row->lines);
    was_read = !assert_fails(row->errors) || g_str_has_prefix(row->name, "any-");
    assert_bob_works();
    pins = seal_test_pinentry_count(scene.home);
    seal_test_cards_tell(scene.home, "calm alice");
    if (was_read)
        put_in();
    end(pins);
}

/* A signature with P-384 in its template and the status word: some 110 bytes. With any fewer there
 * is none, or the card is asked again and OpenSSL accepts what comes. (None at all is a card that
 * hangs.). */
static void
test_each_length(void)
{
    const guint len_max = 2 + 2 + 2 + 2 * (2 + 49) + 2;
    guint pins = 0;

    if (!begin())
        return;
    pins = seal_test_pinentry_count(scene.home);
    for (guint len = 1; len < len_max; len++) {
        g_autofree char *path = seal_card_scene_key_path(&scene, "alice-p384-sign");
        g_autoptr(GError) error = NULL;

        seal_test_cards_tell(scene.home, "keep alice 87 1 %u", len);
        if (path)
            (void)seal_card_scene_sign(&scene, "alice-p384-sign", &error);
        seal_test_cards_tell(scene.home, "calm alice");
        if (error)
            (void)seal_card_scene_sign_again(&scene, "alice-p384-sign");
    }
    end(pins);
}

/* -- while it is read -------------------------------------------------------------------------- */

static void
test_reading(gconstpointer data)
{
    const Row *row = data;
    guint pins = 0;

    if (!begin())
        return;
    tell_lines(row->lines);
    put_in();
    seal_test_cards_tell(scene.home, "wait alice any 1");
    assert_bob_works();
    pins = seal_test_pinentry_count(scene.home);
    seal_test_cards_tell(scene.home, "calm alice");
    put_in();
    end(pins);
}

static void
add(const char *folder, const Row *row, GTestDataFunc test)
{
    g_autofree char *path = g_strconcat("/card/answers/", folder, "/", row->name, NULL);

    g_test_add_data_func(path, row, test);
}

int
main(int argc, char **argv)
{
    int status = 0;

    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        add("use", &rows[i], test_use);
    g_test_add_func("/card/answers/use/key-each-length", test_each_length);
    for (gsize i = 0; i < G_N_ELEMENTS(reading); i++)
        add("reading", &reading[i], test_reading);
    seal_card_scene_set_up(&scene, "operation-timeout=2\nlogin-timeout=2\n");
    if (scene.connection)
        seal_test_cards_tell(scene.home, "insert bob 1");
    status = g_test_run();
    seal_card_scene_tear_down(&scene, NULL);
    return status;
}
