/* Help pages: usage, what it does, options, examples, exit statuses. For somebody with a card in
 * the reader and no time: the usage line and the examples must be enough. */
#include "ui-cli/help.h"

#include <stdio.h>
#include <string.h>

#define OPTION_COLUMN 24

static const char statuses[] =
    "  0  done\n"
    "  1  the message is not good\n"
    "  2  wrong use of the command\n"
    "  3  no such agent, token, key or recipient certificate; or more than one\n"
    "  4  refused: by a person, a policy or the PIN, or Ctrl-C\n"
    "  5  input, output or the token's own failure\n";

static void
print_option(const SealOption *option)
{
    const char letter[] = {'-', option->letter, ',', ' ', '\0'};
    g_autofree char *head = g_strconcat(option->letter ? letter : "", "--", option->name,
                                        option->argument ? " " : "", option->argument, NULL);
    g_auto(GStrv) lines = g_strsplit(option->help, "\n", -1);

    for (char **line = lines; *line; line++) {
        const char *left = line == lines ? head : "";

        /* A head that is too long gets a line of its own. */
        if (strlen(left) >= OPTION_COLUMN - 2) {
            printf("  %s\n", left);
            left = "";
        }
        printf("  %-*s%s\n", OPTION_COLUMN - 2, left, *line);
    }
}

void
seal_help_print_command(const SealCommand *command)
{
    static const SealOption help = {.name = "help", .help = "show this page"};

    printf("usage: privyseal %s%s%s\n\n%s\n", command->name, *command->usage ? " " : "",
           command->usage, command->description);
    printf("\noptions:\n");
    for (const SealOption *option = command->options; option->name; option++)
        print_option(option);
    print_option(&help);
    printf("\nexamples:\n%s", command->examples);
    printf("\nexit status:\n%s", command->statuses ? command->statuses : statuses);
}

void
seal_help_print_overview(const SealCommand *const *commands)
{
    printf("usage: privyseal COMMAND [OPTION...] [ARGUMENT...]\n\n"
           "Signs, encrypts, opens and judges mail with keys that never leave their token (smart "
           "card,\n"
           "YubiKey, HSM). The agent that holds the tokens is started when it is needed; it asks "
           "for the\n"
           "PIN.\n\ncommands:\n");
    for (; *commands; commands++)
        printf("  %-12s%s\n", (*commands)->name, (*commands)->summary);
    printf("\n"
           "  privyseal COMMAND --help    options, examples and exit statuses of a command\n"
           "  privyseal --version         the version\n\n"
           "examples:\n"
           "  privyseal list\n"
           "  privyseal sign letter.eml > signed.eml\n"
           "  privyseal open --anchor root.pem received.eml\n\n"
           "exit status:\n%s",
           statuses);
}
