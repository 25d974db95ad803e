/* Refused PINs are known again, per token, until one is taken; SipHash-2-4 agrees with its paper.
 */
#include <string.h>

#include "agent/refused-pins.h"

/* Appendix A of "SipHash: a fast short-input PRF": key 00..0f, input 00..0e. */
static void
test_paper(void)
{
    uint8_t key[16], input[15];

    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    for (uint8_t i = 0; i < sizeof input; i++)
        input[i] = i;
    g_assert_cmphex(seal_siphash_2_4(key, input, sizeof input), ==, 0xa129ca6149be45e5);
}

/* The first and the ninth of the authors' vectors (vectors.h of their reference code): no input,
 * and exactly one word. */
static void
test_vectors(void)
{
    uint8_t key[16], input[8];

    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    for (uint8_t i = 0; i < sizeof input; i++)
        input[i] = i;
    g_assert_cmphex(seal_siphash_2_4(key, input, 0), ==, 0x726fdb47dd0e0e31);
    g_assert_cmphex(seal_siphash_2_4(key, input, 8), ==, 0x93f5f5799a932462);
}

static uint64_t
hash_of(const SealRefusedPins *refused, const char *token, const char *text)
{
    g_autoptr(SealSecret) pin = seal_secret_new_copy(text, strlen(text));

    return seal_refused_pins_hash(refused, token, pin);
}

static void
test_remembers(void)
{
    g_autoptr(SealRefusedPins) refused = seal_refused_pins_new();

    seal_refused_pins_add(refused, "blue", hash_of(refused, "blue", "1234"));
    g_assert_true(seal_refused_pins_has(refused, "blue", hash_of(refused, "blue", "1234")));
    g_assert_false(seal_refused_pins_has(refused, "blue", hash_of(refused, "blue", "1235")));
    g_assert_cmpuint(seal_refused_pins_count(refused, "blue"), ==, 1);
    seal_refused_pins_add(refused, "blue", hash_of(refused, "blue", "1234"));
    g_assert_cmpuint(seal_refused_pins_count(refused, "blue"), ==, 1);
}

static void
test_tokens_are_apart(void)
{
    g_autoptr(SealRefusedPins) refused = seal_refused_pins_new();

    seal_refused_pins_add(refused, "blue", hash_of(refused, "blue", "1234"));
    g_assert_cmpuint(seal_refused_pins_count(refused, "red"), ==, 0);
    g_assert_cmphex(hash_of(refused, "blue", "1234"), !=, hash_of(refused, "red", "1234"));
    /* The id ends where it ends */
    g_assert_cmphex(hash_of(refused, "blue", "1234"), !=, hash_of(refused, "blue1", "234"));
}

static void
test_forgets_after_success(void)
{
    g_autoptr(SealRefusedPins) refused = seal_refused_pins_new();
    uint64_t blue = hash_of(refused, "blue", "1234"), red = hash_of(refused, "red", "1234");

    seal_refused_pins_add(refused, "blue", blue);
    seal_refused_pins_add(refused, "red", red);
    seal_refused_pins_forget(refused, "blue");
    g_assert_false(seal_refused_pins_has(refused, "blue", blue));
    g_assert_true(seal_refused_pins_has(refused, "red", red));
}

static void
test_last_try_is_remembered(void)
{
    g_autoptr(SealRefusedPins) refused = seal_refused_pins_new();

    g_assert_false(seal_refused_pins_saw_last_try(refused, "blue"));
    seal_refused_pins_note_last_try(refused, "blue");
    g_assert_true(seal_refused_pins_saw_last_try(refused, "blue"));
    g_assert_false(seal_refused_pins_saw_last_try(refused, "red"));
    seal_refused_pins_forget(refused, "blue");
    g_assert_false(seal_refused_pins_saw_last_try(refused, "blue"));
}

static void
test_is_bounded(void)
{
    g_autoptr(SealRefusedPins) refused = seal_refused_pins_new();
    guint last = SEAL_REFUSED_PINS_MAX + 5;

    for (guint i = 1; i <= last; i++)
        seal_refused_pins_add(refused, "blue", i);
    g_assert_cmpuint(seal_refused_pins_count(refused, "blue"), ==, SEAL_REFUSED_PINS_MAX);
    g_assert_false(seal_refused_pins_has(refused, "blue", last - SEAL_REFUSED_PINS_MAX));
    g_assert_true(seal_refused_pins_has(refused, "blue", last - SEAL_REFUSED_PINS_MAX + 1));
    g_assert_true(seal_refused_pins_has(refused, "blue", last));
}

/* Each agent has its own key: a hash says nothing outside of the process. */
static void
test_key_is_fresh(void)
{
    g_autoptr(SealRefusedPins) one = seal_refused_pins_new();
    g_autoptr(SealRefusedPins) other = seal_refused_pins_new();

    g_assert_cmphex(hash_of(one, "blue", "1234"), !=, hash_of(other, "blue", "1234"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/refused-pins/siphash/paper", test_paper);
    g_test_add_func("/refused-pins/siphash/authors-vectors", test_vectors);
    g_test_add_func("/refused-pins/refused/is-known-again", test_remembers);
    g_test_add_func("/refused-pins/tokens/are-apart", test_tokens_are_apart);
    g_test_add_func("/refused-pins/success/forgets", test_forgets_after_success);
    g_test_add_func("/refused-pins/last-try/is-remembered-until-success",
                    test_last_try_is_remembered);
    g_test_add_func("/refused-pins/many/oldest-is-forgotten", test_is_bounded);
    g_test_add_func("/refused-pins/key/is-fresh", test_key_is_fresh);
    return g_test_run();
}
