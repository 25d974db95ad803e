/* The program that asks for the PIN: there, alive, and able to ask where this person is. It is
 * greeted and sent away; it asks nothing. */
#include "ui-cli/doctor/examine.h"

#include <stdlib.h>
#include <string.h>

#include "ui-cli/doctor/apart.h"

static gboolean
has_display(void)
{
    const char *x11 = g_getenv("DISPLAY");
    const char *wayland = g_getenv("WAYLAND_DISPLAY");

    return (x11 && *x11) || (wayland && *wayland);
}

/* The name behind Debian's alternatives: "pinentry-curses". (transfer full) */
static char *
real_name(const char *path)
{
    char *real = realpath(path, NULL);
    char *name = g_path_get_basename(real ? real : path);

    free(real);
    return name;
}

static void
note_alive(SealExam *exam, const char *path)
{
    g_autofree char *name = real_name(path);
    gboolean needs_terminal =
        g_str_equal(name, "pinentry-curses") || g_str_equal(name, "pinentry-tty");

    if (needs_terminal && has_display())
        seal_exam_note(exam, "pinentry", SEAL_HEALTH_WORRY, "sudo apt install pinentry-gnome3",
                       "%s asks on a terminal only: programs that have none, such as a mail "
                       "program of this desktop, cannot ask for the PIN",
                       name);
    else
        seal_exam_note(exam, "pinentry", SEAL_HEALTH_GOOD, NULL, "%s (%s) answers%s", path, name,
                       needs_terminal ? "; it asks on a terminal" : "");
}

void
seal_examine_prompter(SealExam *exam)
{
    const char *configured = seal_exam_setting(exam, "agent", "pinentry");
    const char *program = configured ? configured : "pinentry";
    g_autofree char *path = g_find_program_in_path(program);
    const char *const argv[] = {path, NULL};
    g_auto(SealApart) answer = {0};

    exam->group = "PIN prompt";
    if (!path) {
        seal_exam_note(
            exam, "pinentry", SEAL_HEALTH_BAD,
            has_display() ? "sudo apt install pinentry-gnome3" : "sudo apt install pinentry-curses",
            "the program '%s' that asks for PINs is not there, or must not be run", program);
        return;
    }
    seal_apart_run(argv, SEAL_EXAM_PROGRAM_MS, &answer);
    /* Assuan: the server greets with OK. */
    if (g_str_has_prefix(answer.out, "OK"))
        note_alive(exam, path);
    else
        seal_exam_note(exam, "pinentry", SEAL_HEALTH_BAD,
                       "sudo apt install --reinstall pinentry-curses",
                       "'%s' %s, so that nobody can be asked for a PIN", path,
                       answer.late ? "does not answer" : "does not greet as a pinentry does");
}
