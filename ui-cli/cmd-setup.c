/* privyseal setup: tells other programs of the agent's keys, in their own configuration. The
 * command shows, asks and does; ui-cli/setup/ knows the programs. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <unistd.h>

#include "ui-cli/ask.h"
#include "ui-cli/setup/targets.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"

static const SealSetupTarget *const targets[] = {
    &seal_setup_thunderbird, &seal_setup_firefox, &seal_setup_evolution, &seal_setup_openssh,
    &seal_setup_git,         &seal_setup_openssl, &seal_setup_java,
};

static const SealOption options_table[] = {
    {.name = "undo", .help = "take back what was set up; what you wrote since stays"},
    {.name = "dry-run", .help = "show what would change, and change nothing"},
    {.name = "yes", .help = "do not ask"},
    {.name = "key",
     .argument = "KEY",
     .help = "git: sign with this key (user.signingKey) instead of that of user.email"},
    {.name = "profile",
     .argument = "DIR",
     .help = "thunderbird, firefox, evolution: only the profile in DIR (the folder with\n"
             "pkcs11.txt), instead of all that are found"},
    {.name = "slot",
     .argument = "NUMBER",
     .help = "java: this slot (as 'pkcs11-tool --module MODULE -L' counts) instead of\n"
             "the first one with a token"},
    {0},
};

/* Which options only some targets take. */
static const char *const special_options[] = {"key", "profile", "slot", NULL};

static const SealSetupTarget *
find_target(const char *name, GError **error)
{
    GString *names = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(targets); i++) {
        if (g_str_equal(targets[i]->name, name))
            return targets[i];
    }
    names = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(targets); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", targets[i]->name);
    seal_usage_error_set(error, "setup", "there is no '%s' to set up, only %s", name, names->str);
    g_string_free(names, TRUE);
    return NULL;
}

static gboolean
check_options(const SealSetupTarget *target, const SealOptions *options, GError **error)
{
    for (const char *const *name = special_options; *name; name++) {
        if (!seal_options_has(options, *name) || g_strv_contains(target->options, *name))
            continue;
        seal_usage_error_set(error, "setup", "option --%s is not for %s", *name, target->name);
        return FALSE;
    }
    return TRUE;
}

/* -- showing ------------------------------------------------------------------------- */

static SealColour
line_colour(const char *line)
{
    if (g_str_has_prefix(line, "--- ") || g_str_has_prefix(line, "+++ "))
        return SEAL_COLOUR_BOLD;
    if (*line == '-')
        return SEAL_COLOUR_RED;
    return *line == '+' ? SEAL_COLOUR_GREEN : SEAL_COLOUR_NONE;
}

/* On a terminal without what could command it; a pipe gets every byte, so that patch(1) takes it.
 */
static void
show_changes(const SealSetup *setup)
{
    g_autofree char *text = seal_setup_describe(setup);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    if (!isatty(STDOUT_FILENO)) {
        fputs(text, stdout);
        return;
    }
    for (char **line = lines; *line && (line[1] || **line); line++) {
        g_autofree char *clean = seal_text_clean_line(*line);

        seal_terminal_put(stdout, line_colour(*line), clean);
        putchar('\n');
    }
}

static void
show_notes(const SealSetup *setup)
{
    g_autofree char *notes = seal_setup_describe_notes(setup);
    g_auto(GStrv) lines = g_strsplit(notes, "\n", -1);

    for (char **line = lines; *line && **line; line++) {
        g_autofree char *clean = seal_text_clean(*line);

        fprintf(stderr, "note: %s\n", clean);
    }
}

static void
show_use(const SealSetupTarget *target, SealSetup *setup)
{
    g_autofree char *lines = target->explain(setup);

    fputs(lines, stdout);
}

/* -- doing ----------------------------------------------------------------------------- */

/* Nothing to change: a record that is left over goes all the same. */
static int
finish_without_change(const SealSetupTarget *target, SealSetup *setup, gboolean is_undo,
                      gboolean is_dry, GError **error)
{
    if (seal_setup_has_nothing_recorded(setup))
        printf("nothing is recorded that this command did to %s: there is nothing to take back\n",
               target->program);
    else if (is_undo)
        printf("%s is not set up any more: there is nothing left to take back\n", target->program);
    else
        printf("%s is already set up\n", target->program);
    if (!is_undo)
        show_use(target, setup);
    return is_dry || seal_setup_apply(setup, error) ? SEAL_STATUS_DONE : SEAL_STATUS_IO;
}

static gboolean
confirm(const char *question, GError **error)
{
    g_autofree char *answer = NULL;

    fflush(stdout);
    answer = seal_ask(question, error);
    if (!answer) {
        if (error && seal_error_is(*error, SEAL_ERROR_INTERACTION_REQUIRED))
            g_prefix_error(error, "nothing was changed (--yes does it unasked): ");
        return FALSE;
    }
    if (g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "nothing was changed");
    return FALSE;
}

static int
change(const SealSetupTarget *target, SealSetup *setup, const SealOptions *options, GError **error)
{
    gboolean is_undo = seal_options_has(options, "undo");

    if (!seal_options_has(options, "yes") &&
        !confirm(is_undo ? "take this back? [y/N] " : "make these changes? [y/N] ", error))
        return SEAL_STATUS_REFUSED;
    if (!seal_setup_apply(setup, error))
        return SEAL_STATUS_IO;
    printf(is_undo ? "%s is no longer set up\n" : "%s is set up\n", target->program);
    if (!is_undo)
        show_use(target, setup);
    return SEAL_STATUS_DONE;
}

static int
run_setup(SealOptions *options, GError **error)
{
    const char *name = seal_options_operands(options)->pdata[0];
    const SealSetupTarget *target = find_target(name, error);
    gboolean is_dry = seal_options_has(options, "dry-run");
    g_autoptr(SealSetup) setup = NULL;

    if (!target || !check_options(target, options, error))
        return SEAL_STATUS_USAGE;
    setup = seal_setup_new(target, options, error);
    if (!setup || !seal_setup_plan(setup, error))
        return SEAL_STATUS_IO;
    show_notes(setup);
    if (!seal_setup_has_change(setup))
        return finish_without_change(target, setup, seal_options_has(options, "undo"), is_dry,
                                     error);
    show_changes(setup);
    return is_dry ? SEAL_STATUS_DONE : change(target, setup, options, error);
}

const SealCommand seal_command_setup = {
    .name = "setup",
    .usage = "PROGRAM [--undo] [--dry-run] [--yes]",
    .summary = "tell another program of the agent's keys",
    .description =
        "Changes the configuration of PROGRAM, in your own home, so that it uses the agent's keys\n"
        "through privyseal-pkcs11.so and asks for no PIN itself. The changes are shown, as by\n"
        "diff -u, and made when you say yes. Doing it again brings them up to date; --undo takes "
        "out\n"
        "what was put in, and leaves what you wrote.\n\n"
        "  thunderbird  the module is added to pkcs11.txt of each profile\n"
        "  firefox      the same\n"
        "  evolution    the same in ~/.pki/nssdb, which Chromium and others read, too\n"
        "  openssh      PKCS11Provider in ~/.ssh/config\n"
        "  git          gpg.format and gpg.x509.program in the global configuration\n"
        "  openssl      a file of its own for OPENSSL_CONF: the system's, and -engine pkcs11\n"
        "  java         files of its own for SunPKCS11 and -Djava.security.properties\n\n"
        "Programs that ask p11-kit (GnuTLS and others) need no setup.",
    .options = options_table,
    .examples = "  privyseal setup thunderbird\n"
                "  privyseal setup openssh --dry-run\n"
                "  privyseal setup openssh --undo\n",
    .statuses = "  0  done; or there was nothing to do\n"
                "  2  wrong use of the command\n"
                "  3  the program, its profile or the module is not there\n"
                "  4  you said no, or Ctrl-C\n"
                "  5  a file cannot be read or written, is not what it should be, or is in use\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = run_setup,
};
