/* The prompt environment: the agent was started long ago by D-Bus and knows neither the display nor
 * the terminal that the person who now waits sits at. Only what a prompter reads is handed over;
 * the agent filters once more (agent/caller.h). */
#include "ipc/client/environment.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

/* As agent/caller.h lists them. */
static const char *const names[] = {
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "TERM",
    "GPG_TTY",
    "LANG",
    "XDG_SESSION_TYPE",
    "DBUS_SESSION_BUS_ADDRESS",
    "PINENTRY_USER_DATA",
    "INSIDE_EMACS",
};

/* The agent takes no longer ones. */
#define VALUE_MAX 4096

static gboolean
is_wanted(const char *name)
{
    if (g_str_has_prefix(name, "LC_"))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(name, names[i]))
            return TRUE;
    }
    return FALSE;
}

/* Where the kernel's list of devices (admin-guide/devices.txt) puts a terminal. */
static char *
path_of_terminal(dev_t device)
{
    if (major(device) == 136)
        return g_strdup_printf("/dev/pts/%u", minor(device));
    if (major(device) == 4 && minor(device) < 64)
        return g_strdup_printf("/dev/tty%u", minor(device));
    if (major(device) == 4)
        return g_strdup_printf("/dev/ttyS%u", minor(device) - 64);
    return NULL;
}

/* The terminal that controls this process, whatever its descriptors are: git leaves its signing
 * program none. */
static char *
find_controlling_terminal(void)
{
    g_auto(SealFd) fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    g_autofree char *path = NULL;
    unsigned int device = 0;
    struct stat about;

    if (fd < 0 || ioctl(fd, TIOCGDEV, &device) < 0)
        return NULL;
    path = path_of_terminal(device);
    if (!path || stat(path, &about) < 0 || !S_ISCHR(about.st_mode) || about.st_rdev != device)
        return NULL;
    return g_steal_pointer(&path);
}

/* The terminal a person sees: that of standard input, else of standard error or output, else the
 * controlling one. By its real name, since "/dev/tty" means another thing in the agent. */
static char *
find_terminal(void)
{
    static const int fds[] = {STDIN_FILENO, STDERR_FILENO, STDOUT_FILENO};
    char name[256] = "";

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (ttyname_r(fds[i], name, sizeof name) == 0)
            return g_strdup(name);
    }
    return find_controlling_terminal();
}

char **
seal_environment_collect(void)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) environment = g_get_environ();
    g_autofree char *terminal = NULL;

    for (char **entry = environment; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        g_autofree char *name = NULL;

        if (!equals || strlen(equals + 1) > VALUE_MAX)
            continue;
        name = g_strndup(*entry, (gsize)(equals - *entry));
        if (is_wanted(name) && g_utf8_validate(*entry, -1, NULL))
            g_strv_builder_add(builder, *entry);
    }
    if (g_environ_getenv(environment, "GPG_TTY"))
        return g_strv_builder_end(builder);
    terminal = find_terminal();
    if (terminal) {
        g_autofree char *entry = g_strconcat("GPG_TTY=", terminal, NULL);

        g_strv_builder_add(builder, entry);
    }
    return g_strv_builder_end(builder);
}
