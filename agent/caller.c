/* Facts about a peer, read once. Everything comes from procfs, which the kernel answers by itself;
 * the one file behind it (a Flatpak's /.flatpak-info, below the peer's root) is opened only when
 * the peer lives in another mount namespace and that file's mount is no file system that a program
 * could hold up. A pidfd taken first says at the end that all of it was read of one and the same
 * process. Where the facts cannot be had the peer counts as sandboxed: not knowing must not be worth
 * more than being known. */
#include "agent/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/fd.h"

#define ENVIRONMENT_MAX 64
#define VARIABLE_MAX    4096
#define INFO_FILE_MAX   (64 * 1024)
#define MOUNTS_MAX      (1024 * 1024)

/* -- procfs ----------------------------------------------------------------------------------- */

static char *
read_proc_link(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
    char target[4096];
    ssize_t len = readlink(path, target, sizeof target - 1);

    if (len < 0)
        return g_strdup("");
    target[len] = '\0';
    return g_strdup(target);
}

/* Valid UTF-8 without control characters: it will stand in prompts and logs. */
static char *
clean_text(const char *text)
{
    char *clean = g_utf8_make_valid(text, -1);

    for (char *at = clean; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return clean;
}

static char *
read_executable(pid_t pid)
{
    g_autofree char *target = read_proc_link(pid, "exe");

    /* The kernel's mark of a program that was replaced while it runs (an upgrade). */
    if (g_str_has_suffix(target, " (deleted)"))
        target[strlen(target) - strlen(" (deleted)")] = '\0';
    return clean_text(target);
}

static char *
read_unit(pid_t pid)
{
    g_autofree char *text = NULL;
    char *unit = NULL;

    if (sd_pid_get_user_unit(pid, &unit) < 0 && sd_pid_get_unit(pid, &unit) < 0)
        return g_strdup("");
    text = clean_text(unit);
    free(unit);
    return g_steal_pointer(&text);
}

/* -- Flatpak ---------------------------------------------------------------------------------- */

/* Up to `max` bytes of a regular file as text; NULL if it is none, or larger. */
static char *
read_small_file(int fd, size_t max)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[4096];
    ssize_t len = 0;

    while ((len = read(fd, buffer, sizeof buffer)) > 0) {
        g_string_append_len(text, buffer, len);
        if (text->len > max)
            return NULL;
    }
    return len < 0 ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}

/* The file system type of a line of mountinfo (proc(5)): the field after " - ". */
static gboolean
is_held_by_kernel(const char *line)
{
    const char *type = strstr(line, " - ");

    if (!type)
        return FALSE;
    type += strlen(" - ");
    return g_str_has_prefix(type, "tmpfs ") || g_str_has_prefix(type, "ext") ||
           g_str_has_prefix(type, "btrfs ") || g_str_has_prefix(type, "xfs ") ||
           g_str_has_prefix(type, "overlay ") || g_str_has_prefix(type, "zfs ") ||
           g_str_has_prefix(type, "f2fs ");
}

/* What the mounts of a process say of its sandbox. */
typedef enum {
    SANDBOX_NONE,    /* no /.flatpak-info is mounted */
    SANDBOX_HELD,    /* there is one, or the mounts cannot be read: nothing below its root is opened */
    SANDBOX_READABLE /* there is one, and neither it nor the root can hang */
} Sandbox;

/* The kernel shows mounts of a process that keeps all else of itself from us, too. */
static Sandbox
read_sandbox(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/mountinfo", (int)pid);
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autofree char *mounts = fd >= 0 ? read_small_file(fd, MOUNTS_MAX) : NULL;
    g_auto(GStrv) lines = NULL;
    gboolean is_flatpak = FALSE, root = FALSE, info = FALSE;

    if (!mounts)
        return SANDBOX_HELD;
    lines = g_strsplit(mounts, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", 6);

        if (g_strv_length(fields) < 6)
            continue;
        if (strcmp(fields[4], "/") == 0)
            root = is_held_by_kernel(*line);
        if (strcmp(fields[4], "/.flatpak-info") != 0)
            continue;
        is_flatpak = TRUE;
        info = is_held_by_kernel(*line);
    }
    if (!is_flatpak)
        return SANDBOX_NONE;
    return root && info ? SANDBOX_READABLE : SANDBOX_HELD;
}

/* NULL if it cannot be read or names none. */
static char *
read_info_file(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/root/.flatpak-info", (int)pid);
    g_autofree char *text = NULL;
    g_autofree char *id = NULL;
    g_autoptr(GKeyFile) info = g_key_file_new();
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat stat;

    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
        return NULL;
    text = read_small_file(fd, INFO_FILE_MAX);
    if (text && g_key_file_load_from_data(info, text, strlen(text), G_KEY_FILE_NONE, NULL))
        id = g_key_file_get_string(info, "Application", "name", NULL);
    return id && *id ? clean_text(id) : NULL;
}

static char *
read_flatpak_id(pid_t pid)
{
    g_autofree char *theirs = read_proc_link(pid, "ns/mnt");
    g_autofree char *ours = read_proc_link(getpid(), "ns/mnt");
    Sandbox sandbox = *theirs && strcmp(theirs, ours) == 0 ? SANDBOX_NONE : read_sandbox(pid);
    char *id = sandbox == SANDBOX_READABLE ? read_info_file(pid) : NULL;

    if (sandbox == SANDBOX_NONE)
        return g_strdup("");
    /* It is in a Flatpak, whatever that says of itself. */
    return id ? id : g_strdup(SEAL_CALLER_UNKNOWN);
}

/* -- lifecycle -------------------------------------------------------------------------------- */

static gboolean
has_ended(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    return poll(&wait, 1, 0) != 0;
}

static void
set_facts(SealCaller *caller, char *executable, char *unit, char *flatpak_id)
{
    caller->executable = executable;
    caller->unit = unit;
    caller->flatpak_id = flatpak_id;
    if (*flatpak_id && strcmp(flatpak_id, SEAL_CALLER_UNKNOWN) != 0)
        caller->name = g_strdup(flatpak_id);
    else
        caller->name = *executable ? g_path_get_basename(executable) : g_strdup("");
}

SealCaller *
seal_caller_new(uid_t uid, pid_t pid, gboolean is_private)
{
    SealCaller *caller = g_new0(SealCaller, 1);
    g_autofree char *executable = NULL;
    g_autofree char *unit = NULL;
    g_autofree char *flatpak_id = NULL;

    g_atomic_ref_count_init(&caller->references);
    caller->uid = uid;
    caller->pid = MAX(pid, 0);
    caller->is_private = is_private;
    caller->pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (caller->pidfd >= 0) {
        executable = read_executable(pid);
        unit = read_unit(pid);
        flatpak_id = read_flatpak_id(pid);
    }
    /* Whoever hides behind a process that has ended, or that has no number here, could be in a
     * sandbox: it gets no more than one that is. */
    if (caller->pidfd < 0 || has_ended(caller->pidfd))
        set_facts(caller, g_strdup(""), g_strdup(""), g_strdup(SEAL_CALLER_UNKNOWN));
    else
        set_facts(caller, g_steal_pointer(&executable), g_steal_pointer(&unit),
                  g_steal_pointer(&flatpak_id));
    return caller;
}

SealCaller *
seal_caller_ref(SealCaller *caller)
{
    g_atomic_ref_count_inc(&caller->references);
    return caller;
}

void
seal_caller_unref(SealCaller *caller)
{
    if (!caller || !g_atomic_ref_count_dec(&caller->references))
        return;
    seal_fd_clear(&caller->pidfd);
    g_free(caller->executable);
    g_free(caller->name);
    g_free(caller->unit);
    g_free(caller->flatpak_id);
    g_strfreev(caller->environment);
    g_free(caller);
}

/* -- prompt environment ----------------------------------------------------------------------- */

static gboolean
is_language(const char *name)
{
    return strcmp(name, "LANG") == 0 || g_str_has_prefix(name, "LC_");
}

static gboolean
is_for_prompts(const SealCaller *caller, const char *name)
{
    static const char *const names[] = {
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "TERM",
        "GPG_TTY",
        "XDG_SESSION_TYPE",
        "DBUS_SESSION_BUS_ADDRESS",
        "PINENTRY_USER_DATA",
        "INSIDE_EMACS",
        NULL,
    };

    if (is_language(name))
        return TRUE;
    /* Where the dialogue appears is not for a sandbox to choose: the PIN would be typed there. */
    return !*caller->flatpak_id && g_strv_contains(names, name);
}

static gboolean
is_own_terminal(const SealCaller *caller, const char *path)
{
    g_auto(SealFd) fd = -1;
    struct stat stat;

    if (!g_str_has_prefix(path, "/dev/") || strstr(path, "/../"))
        return FALSE;
    /* Looked at before it is opened: opening some devices acts on them. */
    if (lstat(path, &stat) < 0 || !S_ISCHR(stat.st_mode) || stat.st_uid != caller->uid)
        return FALSE;
    fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && isatty(fd);
}

static gboolean
is_wanted(const SealCaller *caller, const char *variable)
{
    const char *equals = strchr(variable, '=');
    g_autofree char *name = equals ? g_strndup(variable, (gsize)(equals - variable)) : NULL;

    if (!name || strlen(variable) > VARIABLE_MAX || !g_utf8_validate(variable, -1, NULL))
        return FALSE;
    /* A line feed would begin a new command of the prompter's protocol. */
    for (const char *at = variable; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return FALSE;
    if (strcmp(name, "GPG_TTY") == 0 && !is_own_terminal(caller, equals + 1))
        return FALSE;
    return is_for_prompts(caller, name);
}

void
seal_caller_set_environment(SealCaller *caller, const char *const *environment)
{
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    guint count = 0;

    for (; environment && *environment && count < ENVIRONMENT_MAX; environment++) {
        if (!is_wanted(caller, *environment))
            continue;
        g_strv_builder_add(kept, *environment);
        count++;
    }
    g_strfreev(caller->environment);
    caller->environment = g_strv_builder_end(kept);
}

char *
seal_caller_describe(const SealCaller *caller)
{
    const char *name = *caller->name ? caller->name : "an unknown program";

    if (caller->pid == 0)
        return g_strdup(name);
    return g_strdup_printf("%s (pid %d)", name, (int)caller->pid);
}
