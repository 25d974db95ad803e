/* From the plug to the card: udev's rules, pcscd (pcscd.c), and what is in its readers. */
#include "ui-cli/doctor/examine.h"

#include <config.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "ui-cli/doctor/pcscd.h"
#include "ui-cli/doctor/usb.h"

#define RULES "70-privyseal.rules"

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
        seal_exam_note(exam, "reader", seal_exam_reader_severity(exam), NULL,
                       "%s: another program holds the card for itself; if it is one of yours, it "
                       "stands below",
                       name);
    } else if (g_str_equal(state, "mute")) {
        seal_exam_note(exam, "reader", seal_exam_reader_severity(exam), NULL,
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
        seal_exam_note(exam, "reader", seal_exam_reader_severity(exam),
                       "sudo apt install libccid && sudo systemctl restart pcscd",
                       "USB has %s, but pcscd does not: its driver is missing, or another program "
                       "holds the device",
                       ((const SealUsbReader *)on_usb->pdata[0])->name);
    else
        seal_exam_note(exam, "reader", seal_exam_reader_severity(exam), NULL,
                       "none is connected: plug in the reader or the token");
}

static void
note_not_needed(SealExam *exam)
{
    g_autoptr(GPtrArray) on_usb = seal_usb_readers();

    if (on_usb->len == 0)
        seal_exam_note(exam, "reader", SEAL_HEALTH_GOOD, NULL,
                       "no module that is used needs a smart-card reader");
    else
        seal_exam_note(exam, "reader", SEAL_HEALTH_WORRY, "sudo apt install opensc-pkcs11",
                       "USB has %s, but no module that is used reads smart cards",
                       ((const SealUsbReader *)on_usb->pdata[0])->name);
}

void
seal_examine_readers(SealExam *exam)
{
    g_autofree char *answer = NULL;

    exam->group = "Readers";
    if (!seal_exam_needs_readers(exam)) {
        note_not_needed(exam);
        return;
    }
    examine_rules(exam);
    answer = seal_examine_pcscd(exam);
    if (answer && examine_each(exam, answer) == 0)
        note_no_reader(exam);
}
