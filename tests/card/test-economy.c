/* What a card is asked, in commands that it counts: no more than is needed, and yet nothing is
 * shown that it has no longer. The certificates are the fixture's; openssl issues the renewed one.
 */
#include <string.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"

#define SKIPPED(scene) (!(scene)->connection)
#define CERTIFICATES   6u /* alice's */
#define VERIFY         "20"
#define GET_RESPONSE   "c0"

static guint
count(SealCardScene *scene, const char *ins)
{
    return seal_test_cards_tell(scene->home, "count alice %s", ins);
}

/* -- an open card ---------------------------------------------------------------------------------
 */

static guint
commands_of(SealCardScene *scene, const char *key)
{
    g_autoptr(GError) error = NULL;

    seal_test_cards_tell(scene->home, "forget alice");
    seal_card_scene_sign(scene, key, &error);
    g_assert_no_error(error);
    return count(scene, "any");
}

static void
card_is_asked_for_what_is_needed(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *key = NULL;

    if (SKIPPED(scene))
        return;
    (void)commands_of(scene, "alice-rsa-sign");
    seal_test_cards_tell(scene->home, "forget alice");
    key = seal_card_scene_key_path(scene, "alice-rsa-sign"); /* asks for all there is */
    g_assert_nonnull(key);
    g_assert_cmpuint(count(scene, "any"), ==, 0);
    /* what OpenSC needs by itself: the block in two commands and what is around them; VERIFY and
     * what is around it, and the signature */
    g_assert_cmpuint(commands_of(scene, "alice-rsa-sign"), <=, 4);
    g_assert_cmpuint(commands_of(scene, "alice-p256-sign"), <=, 3);
}

/* -- a card that comes again ----------------------------------------------------------------------
 */

/* The token is told before its state was looked at once more: OpenSC asks for the PIN's tries then.
 */
static void
wait_until_read(SealCardScene *scene)
{
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    seal_test_cards_tell(scene->home, "wait alice " VERIFY " 2");
}

/* Pulls alice. The card is told anew by `file` (nullable), counts anew, and is put in again. */
static void
reinsert(SealCardScene *scene, const char *file)
{
    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    if (file)
        seal_test_cards_tell(scene->home, "load alice %s", file);
    seal_test_cards_tell(scene->home, "forget alice");
    seal_test_cards_tell(scene->home, "insert alice 0");
    wait_until_read(scene);
}

/* TRUE if the agent shows the certificate in the PEM file `path`. */
static gboolean
is_shown(SealCardScene *scene, const char *path)
{
    const char *argv[] = {"openssl", "x509", "-in", path, "-outform", "DER", NULL};
    g_autoptr(SealTestResult) der = seal_test_run(scene->home, argv, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->connection, SEAL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", NULL, FALSE, &error);
    g_autoptr(GVariantIter) objects = NULL;
    GVariant *members = NULL;
    gboolean found = FALSE;

    g_assert_no_error(error);
    g_assert_cmpint(der->status, ==, 0);
    g_variant_get(answer, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_loop(objects, "{o@a{sa{sv}}}", NULL, &members)) {
        g_autoptr(GVariant) properties =
            g_variant_lookup_value(members, SEAL_INTERFACE_CERTIFICATE, NULL);
        g_autoptr(GVariant) value = properties ? g_variant_lookup_value(properties, "Certificate",
                                                                        G_VARIANT_TYPE_BYTESTRING)
                                               : NULL;
        gsize len = 0;
        const guint8 *bytes = value ? g_variant_get_fixed_array(value, &len, 1) : NULL;

        found |= bytes && len == der->out_len && memcmp(bytes, der->out, len) == 0;
    }
    return found;
}

static void
assert_shown(SealCardScene *scene, const char *name, gboolean expected)
{
    g_autofree char *path = seal_test_fixture_path(scene->home, name);

    g_assert_cmpint(is_shown(scene, path), ==, expected);
}

static void
known_certificates_are_not_read_again(SealCardScene *scene, gconstpointer data)
{
    guint first = 0;
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    wait_until_read(scene);
    first = count(scene, "any");
    g_assert_cmpuint(count(scene, GET_RESPONSE), >=, 2 * CERTIFICATES);
    for (guint i = 0; i < 3; i++) {
        reinsert(scene, NULL);
        g_assert_cmpuint(count(scene, GET_RESPONSE), ==, 0);
        g_assert_cmpuint(count(scene, "any") + 2 * CERTIFICATES, <=, first);
    }
    assert_shown(scene, "certs/alice-rsa-sign.pem", TRUE);
    assert_shown(scene, "certs/alice-p384-decrypt.pem", TRUE);
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
}

/* Has openssl issue a certificate anew, for the same key, and describes alice with it. Returns the
 * file (transfer full). */
static char *
renew(SealCardScene *scene)
{
    g_autofree char *fixture = seal_test_fixture_path(scene->home, "");
    g_autofree char *old = seal_test_home_read(scene->home, "cards/alice.card");
    g_autofree char *script =
        g_strdup_printf("cd %s && openssl req -new -key software-keys/alice-rsa-sign.pem "
                        "-subj '/O=Privy Seal Fixtures/CN=Alice Example' |"
                        "openssl x509 -req -CA intermediate.pem -CAkey ca-keys/intermediate.pem "
                        "-set_serial 0x7f$(openssl rand -hex 15) -out certs/renewed.pem",
                        fixture);
    const char *argv[] = {"sh", "-ec", script, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);
    g_autoptr(GString) text = g_string_new(old);

    g_assert_cmpint(result->status, ==, 0);
    g_assert_cmpuint(g_string_replace(text, "certs/alice-rsa-sign.pem", "certs/renewed.pem", 0), ==,
                     1);
    return seal_test_home_write(scene->home, "cards/renewed/alice.card", text->str);
}

/* The same card holder's id: nothing else tells. */
static void
renewed_certificate_is_shown(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *renewed = NULL;
    guint rest = 0;
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    reinsert(scene, NULL);
    assert_shown(scene, "certs/alice-rsa-sign.pem", TRUE);
    renewed = renew(scene);
    reinsert(scene, renewed);
    assert_shown(scene, "certs/renewed.pem", TRUE);
    assert_shown(scene, "certs/alice-rsa-sign.pem", FALSE);
    /* that one alone was read whole */
    rest = count(scene, GET_RESPONSE);
    g_assert_cmpuint(rest, >=, 2);
    g_assert_cmpuint(rest, <, CERTIFICATES);
    reinsert(scene, NULL);
    g_assert_cmpuint(count(scene, GET_RESPONSE), ==, 0);
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
}

/* With T=0 each answer is fetched by a command of its own. */
static void
t0_card_is_not_read_again(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *renewed = NULL, *old = NULL, *text = NULL, *file = NULL;
    guint first = 0;

    if (SKIPPED(scene))
        return;
    renewed = renew(scene);
    old = seal_test_home_read(scene->home, "cards/renewed/alice.card");
    text = g_strconcat("[card]\nprotocol=T=0\n", old + strlen("[card]\n"), NULL);
    file = seal_test_home_write(scene->home, "cards/t0/alice.card", text);
    reinsert(scene, file);
    first = count(scene, GET_RESPONSE);
    reinsert(scene, NULL);
    /* of the renewed one, the rest */
    g_assert_cmpuint(count(scene, GET_RESPONSE) + 2, ==, first);
    assert_shown(scene, "certs/renewed.pem", TRUE);
}

#define ADD(path, test)                                                                            \
    g_test_add(path, SealCardScene, NULL, seal_card_scene_set_up, test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/economy/card-is-asked-for-what-is-needed", card_is_asked_for_what_is_needed);
    ADD("/card/economy/known-certificates/are-not-read-again",
        known_certificates_are_not_read_again);
    ADD("/card/economy/renewed-certificate/is-shown", renewed_certificate_is_shown);
    ADD("/card/economy/t0-card/is-not-read-again", t0_card_is_not_read_again);
    return g_test_run();
}
