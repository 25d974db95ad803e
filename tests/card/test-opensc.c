/* The cards of the tests against a program that knows nothing of them: OpenSC's pkcs11-tool over
 * pcscd. What it signs is verified, and what it opens was sealed, by the openssl command with
 * certificates that were made before any card. */
#include <string.h>

#include "tests/card/cards.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"

typedef struct {
    SealTestHome *home;
    gboolean there; /* else the test was skipped */
} Scene;

static void
tear_down(Scene *scene, gconstpointer data)
{
    seal_test_home_free(scene->home);
}

/* Runs a script in the home's fixture with `tool` (pkcs11-tool over OpenSC) and `pin` set. Returns
 * what it printed (transfer full), both streams. */
static char *
run(Scene *scene, int expected_status, const char *script)
{
    g_autofree char *fixture = seal_test_fixture_path(scene->home, "");
    g_autofree char *whole =
        g_strdup_printf("cd %s && tool='pkcs11-tool --module " SEAL_TEST_CARDS_MODULE
                        "' pin=" SEAL_TEST_CARD_PIN "\n(%s\n) 2>&1",
                        fixture, script);
    const char *argv[] = {"sh", "-ec", whole, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    if (result->status != expected_status)
        g_error("%s\nended with %d:\n%s", script, result->status, result->out);
    return g_steal_pointer(&result->out);
}

static void
assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        g_error("'%s' is not in:\n%s", part, text);
}

/* Returns when pcscd has seen the card. */
static void
insert(Scene *scene, const char *card, guint reader)
{
    g_autofree char *wait = g_strdup_printf("opensc-tool --reader %u --wait --name", reader);
    g_autofree char *name = NULL;

    seal_test_cards_tell(scene->home, "insert %s %u", card, reader);
    name = run(scene, 0, wait);
    assert_has(name, "Personal Identity Verification Card");
    seal_test_cards_tell(scene->home, "forget %s", card);
}

static void
set_up(Scene *scene, gconstpointer data)
{
    scene->home = seal_test_home_new();
    scene->there = seal_test_cards_new(scene->home, NULL);
    if (scene->there)
        insert(scene, "alice", 0);
}

static void
lists_keys_and_certificates(Scene *scene, gconstpointer data)
{
    static const char *const parts[] = {
        "PIV AUTH key",
        "SIGN key",
        "KEY MAN key",
        "CARD AUTH key",
        "Retired KEY MAN 1",
        "Retired KEY MAN 2",
        "Access:     always authenticate",
        "Alice Example",
        "Certificate Object",
    };
    g_autofree char *listed = NULL;

    if (!scene->there)
        return;
    listed = run(scene, 0, "$tool --login --pin $pin -O");
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        assert_has(listed, parts[i]);
}

static void
signs_with_rsa(Scene *scene, gconstpointer data)
{
    g_autofree char *verified = NULL;

    if (!scene->there)
        return;
    verified =
        run(scene, 0,
            "echo letter >letter\n"
            "$tool --login --pin $pin --sign --id 01 -m SHA256-RSA-PKCS -i letter -o signature\n"
            "openssl x509 -in certs/alice-rsa-sign.pem -noout -pubkey >public\n"
            "openssl dgst -sha256 -verify public -signature signature letter");
    assert_has(verified, "Verified OK");
    /* a block of 256 bytes does not fit into one command */
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count alice 87"), ==, 2);
}

static void
signs_with_9c_after_a_second_pin(Scene *scene, gconstpointer data)
{
    g_autofree char *verified = NULL;

    if (!scene->there)
        return;
    verified =
        run(scene, 0,
            "echo letter >letter\n"
            "$tool --login --pin $pin --sign --id 02 -m ECDSA-SHA256 -f openssl -i letter -o "
            "signature\n"
            "openssl x509 -in certs/alice-p256-sign.pem -noout -pubkey >public\n"
            "openssl dgst -sha256 -verify public -signature signature letter");
    assert_has(verified, "Verified OK");
}

static void
decrypts(Scene *scene, gconstpointer data)
{
    g_autofree char *opened = NULL;

    if (!scene->there)
        return;
    opened =
        run(scene, 0,
            "echo letter >letter\n"
            "openssl pkeyutl -encrypt -certin -inkey certs/alice-rsa-decrypt.pem -in letter -out "
            "sealed\n"
            "$tool --login --pin $pin --decrypt --id 03 -m RSA-PKCS -i sealed -o opened\n"
            "cmp letter opened && echo same");
    assert_has(opened, "same");
}

static void
agrees_on_a_secret(Scene *scene, gconstpointer data)
{
    g_autofree char *agreed = NULL;

    if (!scene->there)
        return;
    agreed =
        run(scene, 0,
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other\n"
            "openssl pkey -in other -pubout -outform DER -out other.der\n"
            "$tool --login --pin $pin --derive --id 05 -m ECDH1-DERIVE -i other.der -o agreed\n"
            "openssl x509 -in certs/alice-p256-decrypt.pem -noout -pubkey >public\n"
            "openssl pkeyutl -derive -inkey other -peerkey public -out expected\n"
            "cmp expected agreed && echo same");
    assert_has(agreed, "same");
}

static void
counts_wrong_pins_and_unblocks(Scene *scene, gconstpointer data)
{
    g_autofree char *refused = NULL;
    g_autofree char *unblocked = NULL;

    if (!scene->there)
        return;
    refused =
        run(scene, 0, "for try in 1 2 3 4; do $tool --login --pin 654321 -O || :; done; exit 0");
    assert_has(refused, "CKR_PIN_INCORRECT");
    assert_has(refused, "CKR_PIN_LOCKED");
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 0);
    /* SELECT, then RESET RETRY COUNTER with the PUK and the same PIN */
    unblocked = run(scene, 0,
                    "opensc-tool -r 0 -s 00A4040009A00000030800001000 "
                    "-s 002C00801031323334353637383132333435"
                    "36FFFF\n"
                    "$tool --login --pin $pin -O");
    assert_has(unblocked, "SW1=0x90, SW2=0x00");
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
}

static void
lies_in_two_readers(Scene *scene, gconstpointer data)
{
    g_autofree char *both = NULL;

    if (!scene->there)
        return;
    insert(scene, "bob", 1);
    both = run(scene, 0, "$tool -L");
    assert_has(both, "Seal Reader 00 00");
    assert_has(both, "Bob Example");
    assert_has(both, "Alice Example");
}

static void
fails_as_planned(Scene *scene, gconstpointer data)
{
    g_autofree char *failed = NULL;

    if (!scene->there)
        return;
    /* OpenSC begins again by itself, more than once */
    for (guint i = 0; i < 6; i++)
        seal_test_cards_tell(scene->home, "status alice 87 1 6f00");
    failed =
        run(scene, 0,
            "echo letter >letter\n"
            "$tool --login --pin $pin --sign --id 01 -m SHA256-RSA-PKCS -i letter -o signature || "
            "echo failed");
    assert_has(failed, "CKR_GENERAL_ERROR");
}

#define ADD(path, test) g_test_add(path, Scene, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/opensc/lists-keys-and-certificates", lists_keys_and_certificates);
    ADD("/card/opensc/signs-with-rsa", signs_with_rsa);
    ADD("/card/opensc/signs-with-9c-after-a-second-pin", signs_with_9c_after_a_second_pin);
    ADD("/card/opensc/decrypts", decrypts);
    ADD("/card/opensc/agrees-on-a-secret", agrees_on_a_secret);
    ADD("/card/opensc/counts-wrong-pins-and-unblocks", counts_wrong_pins_and_unblocks);
    ADD("/card/opensc/lies-in-two-readers", lies_in_two_readers);
    ADD("/card/opensc/fails-as-planned", fails_as_planned);
    return g_test_run();
}
