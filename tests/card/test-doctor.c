/* privyseal doctor over pcscd and virtual cards: what it says of readers and cards, and of programs
 * that take them. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <winscard.h>

#include "tests/card/scene.h"
#include "tests/cli/doctor-checks.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
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

/* PC/SC without an agent, and alice in the first reader; FALSE after g_test_skip(). */
static gboolean
insert_alice(SealTestHome *home, SCARDCONTEXT *ret_context, char *reader, DWORD len)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = SCARD_STATE_EMPTY};

    if (!seal_test_cards_new(home, NULL))
        return FALSE;
    seal_test_cards_tell(home, "insert alice 0");
    g_assert_cmpint(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, ret_context), ==,
                    SCARD_S_SUCCESS);
    g_assert_cmpint(SCardListReaders(*ret_context, NULL, reader, &len), ==, SCARD_S_SUCCESS);
    g_assert_cmpint(SCardGetStatusChange(*ret_context, (DWORD)seal_test_deadline_ms(), &state, 1),
                    ==, SCARD_S_SUCCESS);
    return TRUE;
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
    DWORD protocol = 0;
    char reader[1024] = "";

    if (!insert_alice(home, &context, reader, sizeof reader))
        return;
    g_assert_cmpint(SCardConnect(context, reader, SCARD_SHARE_EXCLUSIVE,
                                 SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol),
                    ==, SCARD_S_SUCCESS);
    root = seal_test_doctor(home, 3);
    g_assert_cmpint(SCardDisconnect(card, SCARD_LEAVE_CARD), ==, SCARD_S_SUCCESS);
    g_assert_cmpint(SCardReleaseContext(context), ==, SCARD_S_SUCCESS);
    seal_test_doctor_assert(root, "reader", "fail", "holds the card for itself");
    g_assert_cmpstr(seal_test_doctor_assert(root, "other program", "warning", "test-card-doct"), ==,
                    command);
}

/* Programs that say what a pcscd with polkit and pkcheck would say; `status` is pkcheck's. */
static void
play_polkit(SealTestHome *home, guint status)
{
    g_autofree char *pcscd = seal_test_home_write(
        home, "bin/pcscd",
        "#!/bin/sh\necho pcsc-lite version 2.0.\necho Enabled features: polkit\n");
    g_autofree char *script = g_strdup_printf("#!/bin/sh\nexit %u\n", status);
    g_autofree char *pkcheck = seal_test_home_write(home, "bin/pkcheck", script);
    g_autofree char *folder = seal_test_home_path(home, "bin");
    g_autofree char *path = g_strconcat(folder, ":", g_getenv("PATH"), NULL);

    g_assert_no_errno(chmod(pcscd, 0700));
    g_assert_no_errno(chmod(pkcheck, 0700));
    seal_test_home_setenv(home, "PATH", path);
}

/* pkcheck(1): 0 yes, 1 no, 2 only after asking somebody. */
static void
tells_what_polkit_says(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *path = g_strdup(g_getenv("PATH"));
    g_autoptr(JsonNode) allowed = NULL;
    g_autoptr(JsonNode) refused = NULL;

    if (SKIPPED(scene))
        return;
    play_polkit(scene->home, 0);
    allowed = seal_test_doctor(scene->home, -1);
    play_polkit(scene->home, 2);
    refused = seal_test_doctor(scene->home, -1);
    seal_test_home_setenv(scene->home, "PATH", path);
    seal_test_doctor_assert(allowed, "polkit", "pass", "may use cards");
    g_assert_nonnull(strstr(seal_test_doctor_assert(refused, "polkit", "warning", "may not use"),
                            "org.debian.pcsc-lite.access_card"));
}

/* Another program has used up tries before the agent sees the card. */
static void
check_tries(guint wrong_pins, const char *result, const char *part, const char *command)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    const char *argv[] = {"pkcs11-tool", "--module", SEAL_TEST_CARDS_MODULE,
                          "--login",     "--pin",    "999999",
                          "-O",          NULL};
    g_autoptr(JsonNode) root = NULL;
    SCARDCONTEXT context = 0;
    char reader[1024] = "";
    const char *told = NULL;

    if (!insert_alice(home, &context, reader, sizeof reader))
        return;
    for (guint i = 0; i < wrong_pins; i++) {
        g_autoptr(SealTestResult) ended = seal_test_run(home, argv, NULL);

        g_assert_cmpint(ended->status, !=, 0);
    }
    g_assert_cmpuint(seal_test_cards_tell(home, "tries alice"), ==, 3 - wrong_pins);
    seal_test_agent_new(home);
    seal_test_agent_configure(home, NULL, "[module opensc]\npath=" SEAL_TEST_CARDS_MODULE "\n");
    root = seal_test_doctor(home, -1);
    told = seal_test_doctor_assert(root, "token", result, part);
    g_assert_true(command ? told && g_str_has_prefix(told, command) : !told);
    g_assert_cmpuint(seal_test_cards_tell(home, "tries alice"), ==, 3 - wrong_pins);
    g_assert_cmpint(SCardReleaseContext(context), ==, SCARD_S_SUCCESS);
}

static void
warns_of_the_last_try(void)
{
    check_tries(2, "warning", "one try of the PIN is left", NULL);
}

static void
tells_of_a_blocked_pin(void)
{
    check_tries(3, "fail", "the PIN is blocked", "privyseal pin unblock '");
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
    ADD("tells-what-polkit-says", tells_what_polkit_says);
    g_test_add_func("/card/doctor/warns-of-the-last-try", warns_of_the_last_try);
    g_test_add_func("/card/doctor/tells-of-a-blocked-pin", tells_of_a_blocked_pin);
    ADD("survives-a-hanging-card", survives_a_hanging_card);
    return g_test_run();
}
