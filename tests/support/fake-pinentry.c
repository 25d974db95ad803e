/* A pinentry that answers from a file. It speaks Assuan on stdin and stdout (one command a line,
 * answers OK, ERR, D and S) and finds its files by its own path: PROGRAM.answers, PROGRAM.next (how
 * many answers are used up, shared by every process that is started) and PROGRAM.log.
 *
 * Error numbers are libgpg-error's, with the source "Pinentry" (5 << 24) as the real ones send. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ERROR_CANCELED "ERR 83886179 Operation cancelled <Pinentry>"
#define ERROR_TIMEOUT "ERR 83886142 Timeout <Pinentry>"
#define ERROR_NOT_CONFIRMED "ERR 83886194 Not confirmed <Pinentry>"
#define ERROR_NO_TTY "ERR 83918950 Inappropriate ioctl for device <Pinentry>"

enum { LINE_MAX_LEN = 1000 }; /* Assuan's own limit, without the line break */

static char program[4000];

static void
say(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

static void write_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
write_log(const char *format, ...)
{
    char path[4096], line[2 * LINE_MAX_LEN];
    va_list arguments;
    int len = 0, fd = -1;

    va_start(arguments, format);
    len = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof line - 1)
        len = sizeof line - 2;
    line[len] = '\n';
    snprintf(path, sizeof path, "%s.log", program);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)len + 1) != len + 1)
        exit(2);
    close(fd);
}

/* Counts one answer as used up; returns how many were before. */
static unsigned
take_turn(void)
{
    char path[4096], text[32] = "0";
    unsigned turn = 0;
    int fd = -1;

    snprintf(path, sizeof path, "%s.next", program);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || read(fd, text, sizeof text - 1) < 0)
        exit(2);
    turn = (unsigned)strtoul(text, NULL, 10);
    snprintf(text, sizeof text, "%u\n", turn + 1);
    if (pwrite(fd, text, strlen(text), 0) < 0)
        exit(2);
    close(fd);
    return turn;
}

/* The answer for this turn: the line of that number, or the "always" line before it. */
static void
next_answer(char *answer, size_t size)
{
    char path[4096], line[LINE_MAX_LEN + 2];
    unsigned turn = take_turn(), number = 0;
    FILE *file = NULL;

    snprintf(answer, size, "cancel");
    snprintf(path, sizeof path, "%s.answers", program);
    file = fopen(path, "re");
    if (file == NULL)
        return;
    while (number <= turn && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "always ", 7) == 0) {
            snprintf(answer, size, "%s", line + 7);
            break;
        }
        if (number++ == turn)
            snprintf(answer, size, "%s", line);
    }
    fclose(file);
}

static void
say_pin(const char *pin)
{
    fputs("D ", stdout);
    for (; *pin != '\0'; pin++)
        if (*pin == '%' || *pin == '\r' || *pin == '\n')
            printf("%%%02X", (unsigned char)*pin);
        else
            putchar(*pin);
    putchar('\n');
    say("OK");
}

/* Waits until whoever asked goes away. */
static void
hang(void)
{
    char scrap[256];

    while (read(STDIN_FILENO, scrap, sizeof scrap) > 0)
        continue;
    exit(0);
}

static void
flood(void)
{
    for (;;)
        if (puts("S FLOOD xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") < 0 ||
            fflush(stdout) != 0)
            exit(0);
}

static void
say_garbage(void)
{
    for (int i = 0; i < 4 * LINE_MAX_LEN; i++)
        putchar('\xff');
    say("");
}

static void
answer_prompt(void)
{
    char answer[LINE_MAX_LEN + 2];

    next_answer(answer, sizeof answer);
    write_log("-> %s", strncmp(answer, "pin ", 4) == 0 ? "pin" : answer);
    if (strncmp(answer, "pin ", 4) == 0)
        say_pin(answer + 4);
    else if (strcmp(answer, "yes") == 0)
        say("OK");
    else if (strcmp(answer, "no") == 0)
        say(ERROR_NOT_CONFIRMED);
    else if (strcmp(answer, "close") == 0)
        say("S BUTTON_INFO close\n" ERROR_CANCELED);
    else if (strcmp(answer, "timeout") == 0)
        say(ERROR_TIMEOUT);
    else if (strcmp(answer, "no-tty") == 0)
        say(ERROR_NO_TTY);
    else if (strcmp(answer, "garbage") == 0)
        say_garbage();
    else if (strcmp(answer, "flood") == 0)
        flood();
    else if (strcmp(answer, "hang") == 0)
        hang();
    else if (strcmp(answer, "die") == 0)
        exit(1);
    else
        say(ERROR_CANCELED);
}

static void
answer_command(const char *line)
{
    static const char *const prompts[] = {"GETPIN", "CONFIRM", "MESSAGE"};

    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        if (strncmp(line, prompts[i], strlen(prompts[i])) != 0)
            continue;
        answer_prompt();
        return;
    }
    if (strcmp(line, "GETINFO pid") == 0)
        printf("D %d\n", (int)getpid());
    else if (strcmp(line, "GETINFO flavor") == 0)
        say("D fake");
    else if (strcmp(line, "GETINFO version") == 0)
        say("D 1.2.1");
    say("OK");
    if (strcmp(line, "BYE") == 0)
        exit(0);
}

int
main(int argc, char **argv)
{
    char line[LINE_MAX_LEN + 2];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 100);

    if (len <= 0)
        return 2;
    program[len] = '\0';
    write_log("START%s%s", argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    say("OK Pleased to meet you");
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        write_log("%s", line);
        answer_command(line);
    }
    write_log("END");
    return 0;
}
