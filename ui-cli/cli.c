/* From the command line to a command and from its error to one line on stderr. */
#include "ui-cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "ui-cli/command.h"
#include "ui-cli/help.h"
#include "ui-cli/status.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"

static const SealCommand *const commands[] = {
    &seal_command_list,
    &seal_command_sign,
    &seal_command_encrypt,
    &seal_command_verify,
    &seal_command_decrypt,
    &seal_command_open,
    &seal_command_trust,
    &seal_command_recipients,
    &seal_command_unlock,
    &seal_command_lock,
    &seal_command_pin,
    &seal_command_grants,
    &seal_command_git,
    &seal_command_mutt,
    &seal_command_setup,
    &seal_command_doctor,
    NULL,
};

static const SealCommand *
find_command(const char *name)
{
    for (guint i = 0; commands[i]; i++) {
        if (g_str_equal(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

static gboolean
check_operands(const SealCommand *command, const SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);

    if (operands->len < command->operands_min) {
        seal_usage_error_set(error, command->name, "something is missing: privyseal %s %s",
                             command->name, command->usage);
        return FALSE;
    }
    if (operands->len > command->operands_max) {
        seal_usage_error_set(error, command->name, "'%s' is too much: privyseal %s %s",
                             (const char *)operands->pdata[command->operands_max], command->name,
                             command->usage);
        return FALSE;
    }
    return TRUE;
}

static int
run_command(const SealCommand *command, char **argv, GError **error)
{
    g_autoptr(SealOptions) options =
        seal_options_parse(command->name, command->options, argv, error);

    if (!options)
        return SEAL_STATUS_USAGE;
    if (seal_options_has(options, "help")) {
        seal_help_print_command(command);
        return SEAL_STATUS_DONE;
    }
    if (!check_operands(command, options, error))
        return SEAL_STATUS_USAGE;
    return command->run(options, error);
}

/* The command that the program is called by: privyseal-git is `privyseal git`, for who can name a
 * program but give it no argument. */
static const SealCommand *
command_of_program(const char *program)
{
    g_autofree char *name = g_path_get_basename(program);

    return g_str_has_prefix(name, "privyseal-") ? find_command(name + strlen("privyseal-")) : NULL;
}

static int
run(char **argv, GError **error)
{
    const char *name = argv[0] ? argv[1] : NULL;
    const SealCommand *command = argv[0] ? command_of_program(argv[0]) : NULL;

    if (command && (!name || !g_str_equal(name, "--version")))
        return run_command(command, argv + 1, error);

    if (!name) {
        seal_usage_error_set(error, "",
                             "say what to do: list, sign, verify, encrypt, decrypt, open, "
                             "trust, recipients, unlock, lock, pin, grants, git, mutt, setup or doctor");
        return SEAL_STATUS_USAGE;
    }
    if (g_str_equal(name, "--version")) {
        printf("privyseal %s\n", SEAL_VERSION);
        return SEAL_STATUS_DONE;
    }
    if (g_str_equal(name, "--help") || g_str_equal(name, "-h") || g_str_equal(name, "help")) {
        command = argv[2] ? find_command(argv[2]) : NULL;
        if (command)
            seal_help_print_command(command);
        else
            seal_help_print_overview(commands);
        return SEAL_STATUS_DONE;
    }
    command = find_command(name);
    if (!command) {
        seal_usage_error_set(error, "", "there is no command '%s'", name);
        return SEAL_STATUS_USAGE;
    }
    return run_command(command, argv + 2, error);
}

/* Whatever was printed must have arrived, or the exit status would lie. */
static int
finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "privyseal: cannot write the output: %s\n", g_strerror(errno));
    return status == SEAL_STATUS_DONE ? SEAL_STATUS_IO : status;
}

int
seal_cli_run(char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;
    int status = 0;

    setlocale(LC_ALL, "");
    seal_stop_install();
    status = run(argv, &error);
    if (error) {
        message = seal_text_clean(error->message);
        status = (int)seal_status_of_error(error);
        fflush(stdout);
        fprintf(stderr, "privyseal: %s\n", message);
    }
    return finish_output(status);
}
