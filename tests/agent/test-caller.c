/* Facts about a peer. The peers are children of the test. */
#include "agent/caller.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/home.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

static void
test_facts_of_a_child(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    const char *argv[] = {"tail", "-f", "/dev/null", NULL};
    pid_t pid = seal_test_start(home, argv, "log");
    g_autoptr(SealCaller) caller = seal_caller_new(getuid(), pid, TRUE);
    g_autofree char *expected = g_strdup_printf("tail (pid %d)", (int)pid);
    g_autofree char *text = seal_caller_describe(caller);

    g_assert_cmpuint(caller->uid, ==, getuid());
    g_assert_cmpint(caller->pid, ==, pid);
    g_assert_cmpint(caller->pidfd, >=, 0);
    g_assert_cmpint(fcntl(caller->pidfd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
    g_assert_true(g_path_is_absolute(caller->executable));
    g_assert_true(g_str_has_suffix(caller->executable, "/tail"));
    g_assert_cmpstr(caller->name, ==, "tail");
    g_assert_cmpstr(caller->flatpak_id, ==, "");
    g_assert_true(caller->is_private);
    g_assert_cmpstr(text, ==, expected);
}

static void
test_dead_peer_has_no_facts(void)
{
    pid_t pid = fork();
    g_autoptr(SealCaller) caller = NULL;
    g_autofree char *text = NULL;

    if (pid == 0)
        _exit(0);
    g_assert_true(seal_test_wait_for_end(pid));
    /* a zombie: its pid is taken, its facts are gone */
    caller = seal_caller_new(getuid(), pid, FALSE);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    text = seal_caller_describe(caller);
    g_assert_cmpstr(caller->executable, ==, "");
    g_assert_cmpstr(caller->name, ==, "");
    g_assert_cmpstr(caller->flatpak_id, ==, SEAL_CALLER_UNKNOWN);
    g_assert_true(g_str_has_prefix(text, "an unknown program (pid "));
}

static void
test_unknown_pid_has_no_facts(void)
{
    g_autoptr(SealCaller) caller = seal_caller_new(1234, 0, FALSE);
    g_autofree char *text = seal_caller_describe(caller);

    g_assert_cmpuint(caller->uid, ==, 1234);
    g_assert_cmpint(caller->pidfd, ==, -1);
    g_assert_cmpstr(caller->executable, ==, "");
    g_assert_cmpstr(text, ==, "an unknown program");
}

static void
test_replaced_program_keeps_its_path(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *program = seal_test_home_path(home, "tmp/old tail");
    const char *copy[] = {"cp", "/usr/bin/tail", program, NULL};
    const char *argv[] = {program, "-f", "/dev/null", NULL};
    g_autoptr(SealTestResult) copied = seal_test_run(home, copy, NULL);
    pid_t pid = seal_test_start(home, argv, "log");
    g_autoptr(SealCaller) caller = NULL;

    g_assert_cmpint(copied->status, ==, 0);
    g_assert_no_errno(unlink(program));
    caller = seal_caller_new(getuid(), pid, FALSE);
    g_assert_cmpstr(caller->executable, ==, program);
}

static void
test_control_characters_do_not_reach_people(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *program = seal_test_home_path(home, "tmp/evil\n\033[2Jname");
    const char *copy[] = {"cp", "/usr/bin/tail", program, NULL};
    const char *argv[] = {program, "-f", "/dev/null", NULL};
    g_autoptr(SealTestResult) copied = seal_test_run(home, copy, NULL);
    pid_t pid = seal_test_start(home, argv, "log");
    g_autoptr(SealCaller) caller = seal_caller_new(getuid(), pid, FALSE);

    g_assert_cmpint(copied->status, ==, 0);
    g_assert_cmpstr(caller->name, ==, "evil??[2Jname");
}

/* -- sandbox ---------------------------------------------------------------------------------- */

/* Runs `tail` in a mount namespace where /.flatpak-info is a mount of its own, as Flatpak does, of the
 * file `info`. 0 and the test is skipped where the kernel allows no such namespace. */
static pid_t
start_in_sandbox(SealTestHome *home, const char *info)
{
    g_autofree char *ready = seal_test_home_path(home, "ready");
    g_autofree char *script = g_strdup_printf(
        "set -e; root='%s/tmp/root'; mkdir $root; mount -t tmpfs none $root; "
        "mkdir $root/usr $root/proc $root/old; touch $root/.flatpak-info; "
        "mount --bind /usr $root/usr; mount --bind '%s' $root/.flatpak-info; "
        "ln -s usr/lib $root/lib; ln -s usr/lib64 $root/lib64; ln -s usr/bin $root/bin; "
        "cd $root; pivot_root . old; echo ready >'/old%s'; exec /usr/bin/tail -f /dev/null "
        "/.flatpak-info",
        g_getenv("HOME"), info, ready);
    const char *argv[] = {"unshare", "--mount", "--map-root-user", "sh", "-c", script, NULL};
    const char *probe[] = {"unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none",
                           "/mnt",    NULL};
    g_autoptr(SealTestResult) probed = seal_test_run(home, probe, NULL);
    pid_t pid = 0;

    if (probed->status != 0) {
        g_test_skip("the kernel gives this user no mount namespace");
        return 0;
    }
    pid = seal_test_start(home, argv, "log");
    g_assert_true(seal_test_wait_for_text(ready, "ready"));
    return pid;
}

static void
test_flatpak_is_known_by_its_info(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *info =
        seal_test_home_write(home, "info", "[Application]\nname=org.example.Mail\n");
    pid_t pid = start_in_sandbox(home, info);
    g_autoptr(SealCaller) caller = NULL;

    if (pid == 0)
        return;
    caller = seal_caller_new(getuid(), pid, FALSE);
    g_assert_cmpstr(caller->flatpak_id, ==, "org.example.Mail");
    g_assert_cmpstr(caller->name, ==, "org.example.Mail");
}

/* A file on a file system that a program could hold up is not opened, and no way out of the sandbox. */
static void
test_flatpak_with_unsafe_info_stays_one(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t pid = start_in_sandbox(home, "/proc/version");
    g_autoptr(SealCaller) caller = NULL;

    if (pid == 0)
        return;
    caller = seal_caller_new(getuid(), pid, FALSE);
    g_assert_cmpstr(caller->flatpak_id, ==, SEAL_CALLER_UNKNOWN);
}

/* -- environment ------------------------------------------------------------------------------ */

static void
test_environment_keeps_what_prompts_need(void)
{
    g_autoptr(SealCaller) caller = seal_caller_new(getuid(), getpid(), FALSE);
    g_autofree char *large = g_strnfill(5000, 'x');
    g_autofree char *oversized = g_strconcat("DISPLAY=", large, NULL);
    const char *given[] = {"DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0", "XAUTHORITY=/x", "TERM=xterm",
                           "LANG=de_DE.UTF-8", "LC_MESSAGES=C", "XDG_SESSION_TYPE=wayland",
                           "DBUS_SESSION_BUS_ADDRESS=unix:path=/b",
                           "PINENTRY_USER_DATA=USE_CURSES=1", "INSIDE_EMACS=28",
                           /* dropped: */
                           "LD_PRELOAD=/evil.so", "PATH=/evil", "HOME=/evil", "display=:1", "TERM",
                           "=x", "TERM=a\nGETPIN", oversized, "LANG=\xff", NULL};

    seal_caller_set_environment(caller, given);
    g_assert_cmpuint(g_strv_length(caller->environment), ==, 10);
    for (guint i = 0; i < 10; i++)
        g_assert_cmpstr(caller->environment[i], ==, given[i]);
}

static void
test_environment_is_bounded(void)
{
    g_autoptr(SealCaller) caller = seal_caller_new(getuid(), getpid(), FALSE);
    const char *given[101] = {NULL};

    for (guint i = 0; i < 100; i++)
        given[i] = "LANG=C";
    seal_caller_set_environment(caller, given);
    g_assert_cmpuint(g_strv_length(caller->environment), ==, 64);
}

static void
test_environment_of_a_sandbox_chooses_no_display(void)
{
    g_autoptr(SealCaller) caller = seal_caller_new(getuid(), getpid(), FALSE);
    const char *given[] = {"DISPLAY=:6", "DBUS_SESSION_BUS_ADDRESS=unix:path=/evil", "LANG=C",
                           NULL};

    g_free(caller->flatpak_id);
    caller->flatpak_id = g_strdup("org.example.Mail");
    seal_caller_set_environment(caller, given);
    g_assert_cmpuint(g_strv_length(caller->environment), ==, 1);
    g_assert_cmpstr(caller->environment[0], ==, "LANG=C");
}

static void
test_terminal_must_be_the_callers(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealCaller) mine = seal_caller_new(getuid(), getpid(), FALSE);
    g_autoptr(SealCaller) theirs = seal_caller_new(getuid() + 1, getpid(), FALSE);
    g_autofree char *plain = seal_test_home_write(home, "tty", "");
    g_auto(SealFd) master = -1;
    g_auto(SealFd) slave = -1;
    char name[128];
    g_autofree char *terminal = NULL;
    g_autofree char *file = g_strconcat("GPG_TTY=", plain, NULL);
    const char *good[] = {NULL, NULL};
    const char *bad[] = {file,
                         "GPG_TTY=/dev/null",
                         "GPG_TTY=",
                         "GPG_TTY=/dev/../etc/passwd",
                         "GPG_TTY=/dev/nonexistent",
                         NULL};

    g_assert_no_errno(openpty(&master, &slave, name, NULL, NULL));
    terminal = g_strconcat("GPG_TTY=", name, NULL);
    good[0] = terminal;
    seal_caller_set_environment(mine, good);
    g_assert_cmpuint(g_strv_length(mine->environment), ==, 1);
    seal_caller_set_environment(theirs, good);
    g_assert_cmpuint(g_strv_length(theirs->environment), ==, 0);
    seal_caller_set_environment(mine, bad);
    g_assert_cmpuint(g_strv_length(mine->environment), ==, 0);
}

static void
test_references_keep_it(void)
{
    SealCaller *caller = seal_caller_new(getuid(), getpid(), FALSE);
    SealCaller *second = seal_caller_ref(caller);

    seal_caller_unref(caller);
    g_assert_cmpstr(second->name, ==, "test-caller");
    seal_caller_unref(second);
    seal_caller_unref(NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caller/child/facts", test_facts_of_a_child);
    g_test_add_func("/caller/dead-peer/has-no-facts", test_dead_peer_has_no_facts);
    g_test_add_func("/caller/unknown-pid/has-no-facts", test_unknown_pid_has_no_facts);
    g_test_add_func("/caller/replaced-program/keeps-its-path",
                    test_replaced_program_keeps_its_path);
    g_test_add_func("/caller/control-characters/are-replaced",
                    test_control_characters_do_not_reach_people);
    g_test_add_func("/caller/flatpak/is-known-by-its-info", test_flatpak_is_known_by_its_info);
    g_test_add_func("/caller/flatpak/with-unsafe-info-stays-one",
                    test_flatpak_with_unsafe_info_stays_one);
    g_test_add_func("/caller/environment/keeps-what-prompts-need",
                    test_environment_keeps_what_prompts_need);
    g_test_add_func("/caller/environment/is-bounded", test_environment_is_bounded);
    g_test_add_func("/caller/environment/of-a-sandbox-chooses-no-display",
                    test_environment_of_a_sandbox_chooses_no_display);
    g_test_add_func("/caller/environment/terminal-must-be-the-callers",
                    test_terminal_must_be_the_callers);
    g_test_add_func("/caller/references/keep-it", test_references_keep_it);
    return g_test_run();
}
