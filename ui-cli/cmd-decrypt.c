/* privyseal decrypt: opens an encrypted mail. */
#include "ui-cli/command.h"

#include "ui-cli/opening.h"

static const SealOption options_table[] = {
    {.name = "json",
     .help = "print the report as JSON: on standard output beside --output\n"
             "FILE, else on standard error"},
    {.name = "output",
     .argument = "FILE",
     .help = "write the plaintext to FILE (whole or not at all, readable by you\n"
             "alone)"},
    {.name = "into",
     .argument = "FOLDER",
     .help = "open any number of mails, each into a file of its own name in\n"
             "FOLDER; a line about each goes to standard output"},
    {0},
};

static int
run_decrypt(SealOptions *options, GError **error)
{
    static const SealOpening opening = {.command = "decrypt", .mode = SEAL_OPEN_DECRYPT};

    return seal_opening_run(&opening, options, error);
}

const SealCommand seal_command_decrypt = {
    .name = "decrypt",
    .usage = "[--json] [--output FILE | --into FOLDER] [MAIL ...]",
    .summary = "open an encrypted mail, without judging signatures",
    .description =
        "Opens an encrypted mail from the file MAIL or standard input (at most 256 MiB) with a key "
        "on\n"
        "a token. The plaintext, a MIME entity, goes to standard output or FILE, the report to\n"
        "standard error. A signature inside stays in the plaintext, unjudged: 'privyseal open'\n"
        "judges it too. The agent asks for the PIN if the token is locked.\n\n"
        "Every key that the mail names is tried, however old its certificate, those that need no\n"
        "PIN first. If none is here, the report says which certificate's is missing, and which\n"
        "token held it when these commands saw it last. Nothing is written unless the whole mail\n"
        "could be opened.\n\n"
        "With --into, many mails are opened in one go, which is faster than one by one: the token\n"
        "works on the next ones meanwhile. A file that is in FOLDER already is left alone. It "
        "ends\n"
        "early where a file cannot be read or written, or somebody refuses.",
    .options = options_table,
    .examples = "  privyseal decrypt received.eml\n"
                "  privyseal decrypt --into plain archive/*.eml\n"
                "  privyseal decrypt --output plain.eml received.eml\n",
    .statuses = "  0  opened\n"
                "  1  it cannot be opened, or is not encrypted: the report says why\n"
                "  2  wrong use of the command\n"
                "  3  no agent, or the token is not there\n"
                "  4  refused: by a person, a policy or the PIN, or Ctrl-C\n"
                "  5  input, output or the token's own failure\n",
    .operands_max = G_MAXUINT,
    .run = run_decrypt,
};
