/* privyseal doctor over pcscd and virtual cards: what it says of readers and cards, and of programs
 * that take them. */
#include <signal.h>
#include <unistd.h>
#include <winscard.h>

#include "tests/card/scene.h"
#include "tests/cli/doctor-checks.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

#define SKIPPED(scene) (!(scene)->connection)

static void
sees_the_card(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    if (SKIPPED(scene))
        return;
    root = seal_test_doctor(scene->home, -1);
    seal_test_doctor_assert(root, "pcscd", "pass", "pcsc-lite version");
    seal_test_doctor_assert(root, "reader", "pass", "a card is in it");
    seal_test_doctor_assert(root, "reader", "pass", "no card is in it");
    seal_test_doctor_assert(root, "module", "pass", "opensc");
    seal_test_doctor_assert(root, "token", "pass", "locked");
    seal_test_doctor_assert(root, "signing", "pass", "alice@example.org");
    /* nobody was asked, and the card was not tried */
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 0);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count alice 87"), ==, 0);
}

static void
misses_a_pulled_card(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "token", "fail", "put the card into the reader");
    g_assert_null(seal_test_doctor_find(root, "reader", "pass", "a card is in it"));
}

static void
misses_pcscd(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_cards_stop_pcscd(scene->home, SIGTERM);
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "pcscd", "fail", "does not run"), ==,
                    "sudo systemctl enable --now pcscd.socket");
}

/* The card in the first reader, for this process alone. Waits until it is there. */
static SCARDHANDLE
take_card(SCARDCONTEXT context)
{
    char names[1024] = "";
    DWORD len = sizeof names, protocol = 0;
    SCARD_READERSTATE state = {.szReader = names, .dwCurrentState = SCARD_STATE_EMPTY};
    SCARDHANDLE card = 0;

    g_assert_cmpint(SCardListReaders(context, NULL, names, &len), ==, SCARD_S_SUCCESS);
    g_assert_cmpint(SCardGetStatusChange(context, (DWORD)seal_test_deadline_ms(), &state, 1), ==,
                    SCARD_S_SUCCESS);
    g_assert_cmpint(SCardConnect(context, names, SCARD_SHARE_EXCLUSIVE,
                                 SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol),
                    ==, SCARD_S_SUCCESS);
    return card;
}

/* As GnuPG's scdaemon does: here this process, while there is no agent. */
static void
names_who_takes_the_card(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *command = g_strdup_printf("kill %d", (int)getpid());
    g_autofree char *path =
        seal_test_home_write(home, "config/privyseal/privyseal.conf",
                             "[module opensc]\npath=" SEAL_TEST_CARDS_MODULE "\n");
    g_autoptr(JsonNode) root = NULL;
    SCARDCONTEXT context = 0;
    SCARDHANDLE card = 0;

    if (!seal_test_cards_new(home, NULL))
        return;
    seal_test_cards_tell(home, "insert alice 0");
    g_assert_cmpint(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), ==,
                    SCARD_S_SUCCESS);
    card = take_card(context);
    root = seal_test_doctor(home, 3);
    g_assert_cmpint(SCardDisconnect(card, SCARD_LEAVE_CARD), ==, SCARD_S_SUCCESS);
    g_assert_cmpint(SCardReleaseContext(context), ==, SCARD_S_SUCCESS);
    seal_test_doctor_assert(root, "reader", "fail", "holds the card for itself");
    g_assert_cmpstr(seal_test_doctor_assert(root, "other program", "warning", "test-card-doct"), ==,
                    command);
}

/* A card that never answers holds up neither the agent nor the doctor. */
static void
survives_a_hanging_card(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "hang bob any 1");
    seal_test_cards_tell(scene->home, "insert bob 1");
    seal_test_cards_tell(scene->home, "wait bob any 1");
    root = seal_test_doctor(scene->home, -1);
    seal_test_cards_tell(scene->home, "release bob");
    seal_test_doctor_assert(root, "agent", "pass", "runs");
    seal_test_doctor_assert(root, "pcscd", "pass", "pcsc-lite version");
}

#define ADD(path, test)                                                                            \
    g_test_add("/card/doctor/" path, SealCardScene, NULL, seal_card_scene_set_up, test,            \
               seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("sees-the-card", sees_the_card);
    ADD("misses-a-pulled-card", misses_a_pulled_card);
    ADD("misses-pcscd", misses_pcscd);
    g_test_add_func("/card/doctor/names-who-takes-the-card", names_who_takes_the_card);
    ADD("survives-a-hanging-card", survives_a_hanging_card);
    return g_test_run();
}
