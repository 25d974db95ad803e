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
    return g_test_run();
}
