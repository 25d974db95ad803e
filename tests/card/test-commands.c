/* The commands of a card user over a PIV card, or a YubiKey: what is on it, a signed mail, an
 * encrypted one. OpenSSL judges the signature and encrypts. */
#include <string.h>

#include "tests/card/scene.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

#define WORDS "the Keeper never lets the seal out of his hands"
#define MAIL                                                                                       \
    "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: seal\r\nMIME-Version: 1.0\r\n"     \
    "Content-Type: text/plain\r\n\r\n" WORDS "\r\n"

/* Runs a script in the home's fixture with `privyseal` set; returns what it printed (transfer
 * full). */
static char *
run(SealCardScene *scene, const char *script)
{
    g_autofree char *fixture = seal_test_fixture_path(scene->home, "");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *whole = g_strdup_printf("cd %s && privyseal=%s\n%s", fixture, program, script);
    const char *const argv[] = {"sh", "-ec", whole, NULL};
    g_autoptr(GBytes) mail = g_bytes_new_static(MAIL, strlen(MAIL));
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, mail);

    if (result->status != 0)
        g_error("%s\nended with %d:\n%s%s", script, result->status, result->out, result->err);
    return g_steal_pointer(&result->out);
}

static void
assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_error("'%s' is not in:\n%s", part, text);
}

static void
list_shows_token_and_keys(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *listed = NULL;

    if (!scene->connection)
        return;
    listed = run(scene, "$privyseal list");
    assert_has(listed, scene->firmware ? "YubiKey PIV #" : "Alice Example");
    assert_has(listed, "alice@example.org");
    assert_has(listed, scene->firmware ? "PIV Authentication" : "PIV AUTH");
    assert_has(listed, "decrypt old mail  retired");
}

static void
signed_mail_verifies(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *verified = NULL;

    if (!scene->connection)
        return;
    verified = run(scene, "$privyseal sign --chain intermediate.pem >signed\n"
                          "openssl cms -verify -in signed -CAfile root.pem");
    assert_has(verified, WORDS);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 1);
}

static void
encrypted_mail_opens(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *opened = NULL;

    if (!scene->connection)
        return;
    opened = run(scene, "openssl cms -encrypt -aes256 -out sealed certs/alice-rsa-decrypt.pem\n"
                        "$privyseal decrypt sealed");
    assert_has(opened, WORDS);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 1);
}

/* -- a full card ----------------------------------------------------------------------------------
 */

/* The description of alice with a key and a certificate in each of the 20 retired places, two of which
 * she has already. */
static const char full_card[] =
    "printf 'keyUsage=keyAgreement\nextendedKeyUsage=emailProtection\n"
    "subjectAltName=email:alice@example.org\n' >extensions\n"
    "mkdir -p ../cards/full\n"
    "cp ../cards/alice.card ../cards/full/alice.card\n"
    "for place in 84 85 86 87 88 89 8A 8B 8C 8D 8E 8F 90 91 92 93 94 95; do\n"
    "  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $place.key\n"
    "  openssl req -new -key $place.key -subj '/O=Privy Seal Fixtures/CN=Alice Example' |\n"
    "    openssl x509 -req -CA intermediate.pem -CAkey ca-keys/intermediate.pem -days 99 \\\n"
    "      -set_serial 0x7f$(openssl rand -hex 12) -extfile extensions -out $place.pem\n"
    "  printf '[%s]\\nkey=%s\\ncertificate=%s\\n' $place $PWD/$place.key $PWD/$place.pem \\\n"
    "    >>../cards/full/alice.card\n"
    "done 2>&1\n";

static void
full_card_is_listed_and_used(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *made = NULL, *file = NULL, *keys = NULL, *listed = NULL, *opened = NULL;

    if (!scene->connection)
        return;
    made = run(scene, full_card);
    file = seal_test_home_path(scene->home, "cards/full/alice.card");
    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    seal_test_cards_tell(scene->home, "load alice %s", file);
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    keys = run(scene, "$privyseal list keys --json | python3 -c '\n"
                      "import collections, json, sys\n"
                      "keys = json.load(sys.stdin)[\"keys\"]\n"
                      "print(len(keys), len({key[\"id\"] for key in keys}))\n"
                      "uses = collections.Counter(use for key in keys for use in key[\"uses\"])\n"
                      "print(sorted(uses.items()))\n"
                      "print(sum(\"retired\" in key[\"limits\"] for key in keys))'");
    g_assert_cmpstr(keys, ==,
                    "24 24\n"
                    "[('decrypt-mail', 1), ('decrypt-old-mail', 20), ('sign-mail', 3)]\n"
                    "20\n");
    listed = run(scene, "$privyseal list keys");
    assert_has(listed, "Retired KEY MAN 20");
    opened = run(scene, "openssl cms -encrypt -aes256 -out sealed 95.pem\n"
                        "$privyseal decrypt sealed");
    assert_has(opened, WORDS);
}

#define ADD(path, test)                                                                            \
    g_test_add("/card/commands/" path, SealCardScene, NULL, seal_card_scene_set_up, test,          \
               seal_card_scene_tear_down);                                                         \
    g_test_add("/card/commands/ykcs11/" path, SealCardScene, NULL, seal_card_scene_set_up_yubikey, \
               test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("list-shows-token-and-keys", list_shows_token_and_keys);
    ADD("signed-mail-verifies", signed_mail_verifies);
    ADD("encrypted-mail-opens", encrypted_mail_opens);
    g_test_add("/card/commands/full-card/is-listed-and-used", SealCardScene, NULL,
               seal_card_scene_set_up, full_card_is_listed_and_used, seal_card_scene_tear_down);
    return g_test_run();
}
