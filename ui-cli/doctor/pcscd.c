/* pcscd: whether somebody listens, what it says, and whether this session may use it. Where a token
 * is here all the same, none of it is more than a warning. */
#include "ui-cli/doctor/pcscd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "ui-cli/doctor/apart.h"
#include "ui-cli/doctor/examine.h"
#include "ui-cli/doctor/pcsc.h"

#define PCSC_SOCKET   "/run/pcscd/pcscd.comm" /* of pcsc-lite, unless its variable says otherwise */
#define POLKIT_ACTION "org.debian.pcsc-lite.access_card"

SealHealth
seal_exam_reader_severity(const SealExam *exam)
{
    return seal_exam_count_tokens(exam) > 0 ? SEAL_HEALTH_WORRY : SEAL_HEALTH_BAD;
}

/* -- is it there ------------------------------------------------------------------------------ */

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

/* Whether somebody listens at pcscd's socket: 0, or the errno of the attempt. */
static int
try_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_auto(SealFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (g_strlcpy(address.sun_path, socket_path(), sizeof address.sun_path) >=
        sizeof address.sun_path)
        return ENAMETOOLONG;
    if (fd < 0 || connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
        return errno;
    return 0;
}

/* FALSE if there is nobody to be asked. */
static gboolean
examine_socket(SealExam *exam, const char *pcscd)
{
    int failure = try_socket();

    if (failure == 0 || failure == EAGAIN)
        return TRUE;
    if (failure == ECONNREFUSED)
        seal_exam_note(exam, "pcscd", seal_exam_reader_severity(exam),
                       "sudo systemctl restart pcscd.socket",
                       "nobody listens at its socket '%s', which an ended service has left behind",
                       socket_path());
    else if (failure != ENOENT && failure != ENOTDIR)
        seal_exam_note(exam, "pcscd", seal_exam_reader_severity(exam),
                       "systemctl status pcscd.socket", "its socket '%s' cannot be reached: %s",
                       socket_path(), g_strerror(failure));
    else if (pcscd)
        seal_exam_note(exam, "pcscd", seal_exam_reader_severity(exam),
                       "sudo systemctl enable --now pcscd.socket",
                       "it is installed, but does not run: '%s' is not there", socket_path());
    else
        seal_exam_note(exam, "pcscd", seal_exam_reader_severity(exam), "sudo apt install pcscd",
                       "the service for smart-card readers is not installed");
    return FALSE;
}

/* The line "error NUMBER TEXT" without its first word and the full stop of pcsc-lite. (transfer
 * full) (nullable) */
static char *
error_of(const char *out)
{
    const char *found = strstr(out, "error ");
    char *text =
        found ? g_strndup(found + strlen("error "), strcspn(found, "\n") - strlen("error ")) : NULL;

    if (text && g_str_has_suffix(text, "."))
        text[strlen(text) - 1] = '\0';
    return text;
}

/* pcscd closes the connection of whom polkit does not let in, without a word; what its library
 * makes of that depends on how far it had come. */
static gboolean
is_hang_up(const char *error)
{
    static const char *const numbers[] = {
        "8010006A", /* SCARD_W_SECURITY_VIOLATION */
        "8010001D", /* SCARD_E_NO_SERVICE */
        "80100013", /* SCARD_F_COMM_ERROR */
    };

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (g_str_has_prefix(error, numbers[i]))
            return TRUE;
    }
    return FALSE;
}

/* -- what it says ----------------------------------------------------------------------------- */

static void
examine_failure(SealExam *exam, const SealApart *answer)
{
    g_autofree char *error = error_of(answer->out);

    if (answer->late)
        seal_exam_note(
            exam, "pcscd", seal_exam_reader_severity(exam), "sudo systemctl restart pcscd",
            "it has not answered within %u s: a card or a reader hangs", SEAL_EXAM_PCSC_MS / 1000);
    else if (error && is_hang_up(error))
        seal_exam_note(
            exam, "pcscd", seal_exam_reader_severity(exam),
            "pkcheck --action-id " POLKIT_ACTION " --process $$",
            "it hangs up on this session, as it does where polkit refuses: log in at the "
            "machine itself, or have the administrator allow it by a rule for " POLKIT_ACTION
            " and ...access_pcsc");
    else
        seal_exam_note(exam, "pcscd", seal_exam_reader_severity(exam),
                       "sudo systemctl restart pcscd", "it cannot be asked: %s",
                       error ? error : "the question ended half-way");
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
        seal_exam_note(exam, "polkit", seal_exam_reader_severity(exam),
                       "pkcheck --action-id " POLKIT_ACTION " --process $$",
                       "this session may not use cards: log in at the machine itself, or have the "
                       "administrator allow it by a rule for " POLKIT_ACTION);
    else
        seal_exam_note(exam, "polkit", SEAL_HEALTH_UNKNOWN, NULL, "polkit cannot be asked");
}

static void
examine_answer(SealExam *exam, const SealApart *answer, const char *version)
{
    g_autofree char *line = version ? g_strndup(version, strcspn(version, "\n")) : NULL;

    if (g_str_has_prefix(answer->out, "unbuilt"))
        seal_exam_note(exam, "pcscd", SEAL_HEALTH_UNKNOWN, "systemctl status pcscd.socket",
                       "its socket is there; this program was built without PC/SC and cannot ask");
    else
        seal_exam_note(exam, "pcscd", SEAL_HEALTH_GOOD, NULL, "%s answers", line ? line : "it");
    examine_polkit(exam, version);
}

char *
seal_examine_pcscd(SealExam *exam)
{
    g_autofree char *pcscd = seal_apart_find("pcscd");
    g_autofree char *version = NULL;
    g_auto(SealApart) answer = {0};
    gboolean has_answered = FALSE;

    if (!examine_socket(exam, pcscd))
        return NULL;
    version = pcscd ? ask_version(pcscd) : NULL;
    seal_apart_call(seal_pcsc_ask, SEAL_EXAM_PCSC_MS, &answer);
    has_answered = !answer.late && g_str_has_prefix(answer.out, "service\n");
    if (has_answered || g_str_has_prefix(answer.out, "unbuilt"))
        examine_answer(exam, &answer, version);
    else
        examine_failure(exam, &answer);
    return has_answered ? g_steal_pointer(&answer.out) : NULL;
}
