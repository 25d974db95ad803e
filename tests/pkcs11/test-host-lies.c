/* A host at a module that lies of its objects, its token, its answers, one lie in each row. Nothing
 * crashes, and nothing is waited for; what cannot be used is left out with a sentence of bounded
 * length; the token's other keys sign. */
#include <glib.h>
#include <string.h>

#include "tests/pkcs11/host-client.h"
#include "tests/support/fixture.h"

/* Who is lied of, and who is honest. */
#define VICTIM "Alice RSA signing"
#define HONEST "Alice P-256 signing"

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
} Scene;

typedef struct {
    const char *name;
    const char *mood;
    void (*check)(Scene *scene);
} Row;

static SealErrorCode
sign(Scene *scene, const char *label, SealMechanism mechanism)
{
    static const guint8 digest[32] = {1, 2, 3};
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(SealTestAnswer) answer =
        seal_test_host_sign(scene->host, seal_test_host_key(scene->host, label), mechanism,
                            SEAL_HASH_SHA256, 0, data, NULL);

    return answer->status;
}

static gboolean
is_listed(Scene *scene, const char *label)
{
    for (guint i = 0; i < scene->host->keys->len; i++)
        if (g_str_equal(((SealKeyInfo *)scene->host->keys->pdata[i])->label, label))
            return TRUE;
    return FALSE;
}

static gboolean
is_left_out(Scene *scene, const char *words)
{
    for (guint i = 0; i < scene->host->left_out->len; i++)
        if (strstr(scene->host->left_out->pdata[i], words))
            return TRUE;
    return FALSE;
}

/* -- what is promised
 * ------------------------------------------------------------------------------ */

static void
check_honest_works(Scene *scene)
{
    g_assert_cmpint(sign(scene, HONEST, SEAL_MECHANISM_ECDSA), ==, SEAL_ERROR_NONE);
}

static void
check_victim_is_left_out(Scene *scene)
{
    g_assert_false(is_listed(scene, VICTIM));
    g_assert_true(is_left_out(scene, "public key '"));
    g_assert_true(is_left_out(scene, "private key '"));
    g_assert_true(is_left_out(scene, "certificate '"));
    for (guint i = 0; i < scene->host->left_out->len; i++) {
        const char *sentence = scene->host->left_out->pdata[i];

        g_assert_cmpuint(strlen(sentence), <, 200);
        g_assert_true(g_utf8_validate(sentence, -1, NULL));
    }
    check_honest_works(scene);
}

static void
check_pin_lengths_are_unknown(Scene *scene)
{
    const SealTokenInfo *token = seal_test_host_token(scene->host, "Alice");

    g_assert_cmpuint(token->pin_min, ==, 0);
    g_assert_cmpuint(token->pin_max, ==, 0);
    check_honest_works(scene);
}

static void
check_names_are_text(Scene *scene)
{
    const SealTokenInfo *token = seal_test_host_token(scene->host, "Alice");

    g_assert_true(g_utf8_validate(token->manufacturer, -1, NULL));
    g_assert_true(g_utf8_validate(token->model, -1, NULL));
    check_honest_works(scene);
}

/* Told as they are: the agent then spends no try of a PIN. */
static void
check_flags_are_told(Scene *scene)
{
    guint32 flags = seal_test_host_token(scene->host, "Alice")->flags;

    g_assert_true(flags & SEAL_TOKEN_PIN_LOCKED);
    g_assert_true(flags & SEAL_TOKEN_PIN_FINAL_TRY);
    check_honest_works(scene);
}

static void
check_answers_fail(Scene *scene)
{
    g_assert_cmpint(sign(scene, HONEST, SEAL_MECHANISM_ECDSA), ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_cmpint(sign(scene, VICTIM, SEAL_MECHANISM_RSA_PKCS), ==, SEAL_ERROR_MODULE_FAILED);
    seal_test_mood(scene->home, "");
    check_honest_works(scene);
}

/* An error, or a key that opens nothing (implicit rejection): the same to whoever asked. */
static void
check_unwrap_gives_nothing(Scene *scene)
{
    static const guint8 encrypted[256] = {0, 2, 5};
    SealUnwrapRequest request = {.encrypted = {encrypted, sizeof encrypted},
                                 .parameters = {.session_key_len = 16}};
    g_autoptr(SealTestAnswer) answer = NULL;

    answer =
        seal_test_host_unwrap(scene->host, seal_test_host_key(scene->host, "Alice RSA decryption"),
                              SEAL_MECHANISM_UNWRAP_RSA_PKCS, &request);
    g_assert_true(answer->status != SEAL_ERROR_NONE || g_bytes_get_size(answer->body) == 16);
    seal_test_mood(scene->home, "");
    check_honest_works(scene);
}

static void
check_ids_link_nothing_wrong(Scene *scene)
{
    g_assert_cmpint(sign(scene, VICTIM, SEAL_MECHANISM_RSA_PKCS), ==, SEAL_ERROR_NONE);
    check_honest_works(scene);
}

static void
check_endless_list_ends(Scene *scene)
{
    g_assert_true(is_left_out(scene, "certificates beyond the first 512 are left out"));
}

static void
check_wrong_count_is_told(Scene *scene)
{
    g_assert_true(is_left_out(scene, "the module counts them wrongly"));
}

static void
check_no_token(Scene *scene)
{
    g_assert_cmpuint(scene->host->tokens->len, ==, 0);
}

/* Also after another look. */
static void
check_tokens_are_one_each(Scene *scene)
{
    SealFrameHeader header = {.type = SEAL_FRAME_RESCAN};
    g_autoptr(SealTestAnswer) answer = seal_test_host_ask(scene->host, &header, NULL);
    guint n = 0;

    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    for (guint i = 0; i < scene->host->tokens->len; i++)
        n += g_str_equal(((SealTokenInfo *)scene->host->tokens->pdata[i])->label, "Alice");
    g_assert_cmpuint(n, ==, 1);
    check_honest_works(scene);
}

#define LIE(kind) "lie=" kind "\nlie-label=" VICTIM

static const Row rows[] = {
    {"object/unavailable/is-left-out", LIE("unavailable"), check_victim_is_left_out},
    {"object/refused/is-left-out", LIE("refused"), check_victim_is_left_out},
    {"object/length-of-2-62/is-left-out", LIE("huge"), check_victim_is_left_out},
    {"object/that-grows/is-left-out", LIE("grows"), check_victim_is_left_out},
    {"object/that-shrinks/is-left-out", LIE("shrinks"), check_victim_is_left_out},
    {"object/empty/is-left-out", LIE("empty"), check_victim_is_left_out},
    {"object/numbers-of-one-byte/is-left-out", LIE("one-byte"), check_victim_is_left_out},
    {"object/of-64-kib/is-left-out", LIE("64-kib"), check_victim_is_left_out},
    {"object/beyond-64-kib/is-left-out", LIE("beyond-64-kib"), check_victim_is_left_out},
    {"object/no-text/is-left-out", LIE("no-text"), check_victim_is_left_out},
    {"object/absurd-return-value/is-left-out", LIE("absurd-rv"), check_victim_is_left_out},
    {"object/same-id-for-all/links-nothing-wrong", "same-id=true", check_ids_link_nothing_wrong},
    {"token/names-that-are-no-text/are-made-text", "token-lie=no-text", check_names_are_text},
    {"token/every-flag-at-once/is-told", "token-lie=flags", check_flags_are_told},
    {"token/shortest-pin-beyond-the-longest/is-unknown", "token-lie=pin-lengths",
     check_pin_lengths_are_unknown},
    {"token/pins-of-2-62-bytes/are-unknown", "token-lie=pin-lengths-huge",
     check_pin_lengths_are_unknown},
    {"token/pin-lengths-unavailable/are-unknown", "token-lie=unavailable",
     check_pin_lengths_are_unknown},
    {"answer/of-1-byte/fails", "answer-len=1", check_answers_fail},
    {"answer/one-byte-too-long/fails", "answer-len=257", check_answers_fail},
    {"answer/longer-than-its-buffer/fails", "answer-len=1025", check_answers_fail},
    {"answer/of-2-62-bytes/fails", "answer-len=0x4000000000000000", check_answers_fail},
    {"answer/length-unavailable/fails", "answer-len=0xffffffffffffffff", check_answers_fail},
    {"answer/absurd-return-value/fails", "answer-rv=0xffffffffffffffff", check_answers_fail},
    {"answer/unknown-return-value/fails", "answer-rv=0x7777", check_answers_fail},
    {"session-key/of-2-62-bytes/is-none", "answer-len=0x4000000000000000",
     check_unwrap_gives_nothing},
    {"session-key/one-byte-too-long/is-none", "answer-len=257", check_unwrap_gives_nothing},
    {"session-key/of-1-byte/is-none", "answer-len=1", check_unwrap_gives_nothing},
    {"list/without-end/ends", "find-endless=true", check_endless_list_ends},
    {"list/longer-than-its-buffer/is-told", "find-beyond=true", check_wrong_count_is_told},
    {"mechanisms/more-than-there-is-room-for/do-not-count", "mechanisms-beyond=true",
     check_honest_works},
    {"slots/listed-twice/are-one", "slots-twice=true", check_tokens_are_one_each},
    {"slots/more-than-there-is-room-for/are-none", "slots-beyond=true", check_no_token},
};

static SealTestHome *home; /* of all rows */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    Scene scene = {.home = home};
    g_autofree char *pin = seal_test_fixture_pin(home);

    seal_test_mood(home, row->mood);
    scene.host = seal_test_host_new(scene.home, TRUE);
    if (scene.host->tokens->len > 0) {
        g_autoptr(SealTestAnswer) answer = seal_test_host_login(scene.host, "Alice", pin);

        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    }
    row->check(&scene);
    seal_test_host_free(scene.host);
}

int
main(int argc, char **argv)
{
    int status = 0;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/host/lies/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    home = seal_test_home_new();
    seal_test_fixture_new(home);
    status = g_test_run();
    seal_test_home_free(home);
    return status;
}
