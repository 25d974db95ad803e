/* From the plug to the card: what USB shows, udev's rules, pcscd, whether this session may use it,
 * and what is in its readers. Where a token is here all the same, none of it is more than a
 * warning. */
#include "ui-cli/doctor/examine.h"

#include <config.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "ui-cli/doctor/apart.h"
#include "ui-cli/doctor/pcsc.h"
#include "ui-cli/doctor/usb.h"

#define RULES         "70-privyseal.rules"
#define PCSC_SOCKET   "/run/pcscd/pcscd.comm" /* of pcsc-lite, unless its variable says otherwise */
#define POLKIT_ACTION "org.debian.pcsc-lite.access_card"

/* pcsclite.h's SCARD_W_SECURITY_VIOLATION, SCARD_E_NO_SERVICE */
#define DENIED     "8010006A"
#define NO_SERVICE "8010001D"

/* How bad it is if cards cannot be reached. */
static SealHealth
severity(const SealExam *exam)
{
    for (guint i = 0; exam->objects && i < exam->objects->tokens->len; i++) {
        const SealClientToken *token = exam->objects->tokens->pdata[i];

        if (!g_str_equal(token->state, "absent"))
            return SEAL_HEALTH_WORRY;
    }
    return SEAL_HEALTH_BAD;
}

/* -- udev ----------------------------------------------------------------------------- */

static void
examine_rules(SealExam *exam)
{
    /* Where udev reads them (udev(7)). */
    static const char *const folders[] = {"/etc/udev/rules.d", "/run/udev/rules.d",
                                          "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d",
                                          "/lib/udev/rules.d"};
    g_autofree char *own = seal_program_file("udev/" RULES, SEAL_UDEV_FOLDER);
    g_autofree char *quoted = g_shell_quote(own);
    g_autofree char *command = g_strdup_printf(
        "sudo install -m 644 %s /etc/udev/rules.d/ && sudo udevadm control --reload "
        "&& sudo udevadm trigger -s usb",
        quoted);

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folders[i], RULES, NULL);

        if (access(path, R_OK) == 0) {
            seal_exam_note(exam, "udev rules", SEAL_HEALTH_GOOD, NULL, "%s", path);
            return;
        }
    }
    seal_exam_note(exam, "udev rules", SEAL_HEALTH_WORRY, command,
                   "not installed: a reader that is plugged in is not given to the person at the "
                   "seat, and the agent is not started for it");
}

/* -- pcscd ------------------------------------------------------------------------------------ */

static const char *
socket_path(void)
{
    const char *path = g_getenv("PCSCLITE_CSOCK_NAME");

    return path && *path ? path : PCSC_SOCKET;
}

/* "pcsc-lite version 1.9.9" and the rest of what it says; NULL if it cannot be run. (transfer full)
 */
static char *
ask_version(const char *pcscd)
{
    const char *const argv[] = {pcscd, "--version", NULL};
    g_auto(SealApart) answer = {0};

    seal_apart_run(argv, SEAL_EXAM_PROGRAM_MS, &answer);
    return answer.status == 0 ? g_steal_pointer(&answer.out) : NULL;
}

/* FALSE if nobody need be asked. */
static gboolean
examine_socket(SealExam *exam, const char *pcscd)
{
    if (access(socket_path(), F_OK) == 0)
        return TRUE;
    if (pcscd)
        seal_exam_note(exam, "pcscd", severity(exam), "sudo systemctl enable --now pcscd.socket",
                       "it is installed, but does not run: '%s' is not there", socket_path());
    else
        seal_exam_note(exam, "pcscd", severity(exam), "sudo apt install pcscd",
                       "the service for smart-card readers is not installed");
    return FALSE;
}

static void
examine_failure(SealExam *exam, const SealApart *answer)
{
    const char *error = strstr(answer->out, "error ");

    if (answer->late)
        seal_exam_note(exam, "pcscd", severity(exam), "sudo systemctl restart pcscd",
                       "it has not answered within %u s: a card or a reader hangs",
                       SEAL_EXAM_PCSC_MS / 1000);
    else if (error && strstr(error, DENIED))
        seal_exam_note(
            exam, "pcscd", severity(exam), "pkcheck --action-id " POLKIT_ACTION " --process $$",
            "polkit does not let this session use it: log in at the machine itself, or "
            "have the administrator allow it by a rule for " POLKIT_ACTION " and ...access_pcsc");
    else if (error && strstr(error, NO_SERVICE))
        seal_exam_note(exam, "pcscd", severity(exam), "sudo systemctl restart pcscd.socket",
                       "nobody listens at its socket '%s', which an ended service has left behind",
                       socket_path());
    else
        seal_exam_note(exam, "pcscd", severity(exam), "sudo systemctl restart pcscd",
                       "it cannot be asked: %s",
                       error ? error + strlen("error ") : "the question ended half-way");
}

static void
examine_polkit(SealExam *exam, const char *version)
{
    g_autofree char *pkcheck = seal_apart_find("pkcheck");
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
    const char *const argv[] = {pkcheck, "--action-id", POLKIT_ACTION, "--process", pid, NULL};
    g_auto(SealApart) answer = {0};

    if (!version || !strstr(version, "polkit")) {
        seal_exam_note(exam, "polkit", version ? SEAL_HEALTH_GOOD : SEAL_HEALTH_UNKNOWN, NULL,
                       version ? "this pcscd asks no polkit: every user may use the readers"
                               : "whether this pcscd asks polkit it does not tell");
        return;
    }
    if (!pkcheck) {
        seal_exam_note(exam, "polkit", SEAL_HEALTH_UNKNOWN, "sudo apt install polkitd",
                       "pcscd asks polkit, and there is no pkcheck to ask it the same");
        return;
    }
    seal_apart_run(argv, SEAL_EXAM_PROGRAM_MS, &answer);
    if (answer.status == 0)
        seal_exam_note(exam, "polkit", SEAL_HEALTH_GOOD, NULL, "this session may use cards");
    else if (answer.status > 0 && answer.status <= 3)
        seal_exam_note(exam, "polkit", severity(exam),
                       "pkcheck --action-id " POLKIT_ACTION " --process $$",
                       "this session may not use cards: log in at the machine itself, or have the "
                       "administrator allow it by a rule for " POLKIT_ACTION);
    else
        seal_exam_note(exam, "polkit", SEAL_HEALTH_UNKNOWN, NULL, "polkit cannot be asked");
}

/* -- readers ---------------------------------------------------------------------------------- */

static void
examine_reader(SealExam *exam, const char *state, const char *name)
{
    if (g_str_equal(state, "card")) {
        exam->cards++;
        seal_exam_note(exam, "reader", SEAL_HEALTH_GOOD, NULL, "%s: a card is in it", name);
    } else if (g_str_equal(state, "empty")) {
        seal_exam_note(exam, "reader", SEAL_HEALTH_GOOD, NULL, "%s: no card is in it", name);
    } else if (g_str_equal(state, "taken")) {
        exam->cards++;
        seal_exam_note(exam, "reader", severity(exam), "gpgconf --kill scdaemon",
                       "%s: another program holds the card for itself, most often GnuPG's scdaemon",
                       name);
    } else if (g_str_equal(state, "mute")) {
        seal_exam_note(exam, "reader", severity(exam), NULL,
                       "%s: the card does not answer: put it in with the chip first and up, or "
                       "clean its contacts",
                       name);
    } else {
        seal_exam_note(exam, "reader", SEAL_HEALTH_UNKNOWN, "privyseal doctor",
                       "%s: it was just changing; look again", name);
    }
}

static guint
examine_each(SealExam *exam, const char *out)
{
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    guint count = 0;

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);

        if (g_strv_length(words) != 3 || !g_str_equal(words[0], "reader"))
            continue;
        count++;
        examine_reader(exam, words[1], words[2]);
    }
    return count;
}

static void
note_no_reader(SealExam *exam)
{
    g_autoptr(GPtrArray) on_usb = seal_usb_readers();

    if (on_usb->len > 0)
        seal_exam_note(exam, "reader", severity(exam),
                       "sudo apt install libccid && sudo systemctl restart pcscd",
                       "USB has %s, but pcscd does not: its driver is missing, or another program "
                       "holds the device",
                       ((const SealUsbReader *)on_usb->pdata[0])->name);
    else
        seal_exam_note(exam, "reader", severity(exam), NULL,
                       "none is connected: plug in the reader or the token");
}

static void
examine_pcscd(SealExam *exam, const char *version)
{
    g_auto(SealApart) answer = {0};
    g_autofree char *line = version ? g_strndup(version, strcspn(version, "\n")) : NULL;

    seal_apart_call(seal_pcsc_ask, SEAL_EXAM_PCSC_MS, &answer);
    if (g_str_has_prefix(answer.out, "unbuilt")) {
        seal_exam_note(exam, "pcscd", SEAL_HEALTH_UNKNOWN, "systemctl status pcscd.socket",
                       "its socket is there; this program was built without PC/SC and cannot ask");
        return;
    }
    if (answer.late || !g_str_has_prefix(answer.out, "service\n")) {
        examine_failure(exam, &answer);
        return;
    }
    seal_exam_note(exam, "pcscd", SEAL_HEALTH_GOOD, NULL, "%s answers", line ? line : "it");
    examine_polkit(exam, version);
    if (examine_each(exam, answer.out) == 0)
        note_no_reader(exam);
}

void
seal_examine_readers(SealExam *exam)
{
    g_autofree char *pcscd = seal_apart_find("pcscd");
    g_autofree char *version = NULL;

    exam->group = "Readers";
    if (!seal_exam_needs_readers(exam)) {
        seal_exam_note(exam, "reader", SEAL_HEALTH_GOOD, NULL,
                       "no module that is used needs a smart-card reader");
        return;
    }
    examine_rules(exam);
    if (!examine_socket(exam, pcscd))
        return;
    version = pcscd ? ask_version(pcscd) : NULL;
    examine_pcscd(exam, version);
}
