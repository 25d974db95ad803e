/* privyseal open: whatever it is. */
#include "ui-cli/command.h"

#include "ui-cli/opening.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    SEAL_TRUST_OPTION_ROWS,
    {.name = "from",
     .argument = "ADDRESS",
     .help = "who should have signed, where the mail has no From field"},
    {.name = "no-harvest", .help = "do not keep the sender's certificate for 'privyseal encrypt'"},
    {.name = "json",
     .help = "print the report as JSON: on standard output beside --output\n"
             "FILE, else on standard error"},
    {.name = "output",
     .argument = "FILE",
     .help = "write the content to FILE (whole or not at all, readable by you\n"
             "alone)"},
    {.name = "into",
     .argument = "FOLDER",
     .help = "open any number of mails, each into a file of its own name in\n"
             "FOLDER; a line about each goes to standard output"},
    {0},
};

static int
run_open(SealOptions *options, GError **error)
{
    static const SealOpening opening = {.command = "open", .mode = SEAL_OPEN_ALL, .harvests = TRUE};

    return seal_opening_run(&opening, options, error);
}

const SealCommand seal_command_open = {
    .name = "open",
    .usage = "[--json] [--output FILE | --into FOLDER] [--anchor FILE ...] [MAIL ...]",
    .summary = "decrypt and verify a mail, layer by layer",
    .description =
        "Opens whatever the mail from the file MAIL or standard input is (at most 256 MiB): "
        "decrypts\n"
        "and verifies layer by layer. The innermost content, a MIME entity, goes to standard "
        "output\n"
        "or FILE, the report with every layer to standard error. The agent asks for the PIN if a\n"
        "key is needed and its token is locked.\n\n"
        "Content is written only if the mail is good: a bad signature inside an encrypted mail "
        "keeps\n"
        "it closed ('privyseal decrypt' opens it all the same). From a good mail that is signed\n"
        "the sender's certificate is kept, as by 'privyseal verify'. Trusted are the CAs in\n"
        "/etc/privyseal/anchors.d and ~/.config/privyseal/anchors.d (files *.pem, *.crt, *.cer "
        "and\n"
        "*.der), and those of --anchor.\n\n"
        "With --into, many mails are opened in one go, which is faster than one by one: the token\n"
        "works on the next ones meanwhile. A file that is in FOLDER already is left alone. It "
        "ends\n"
        "early where a file cannot be read or written, or somebody refuses.",
    .options = options_table,
    .examples = "  privyseal open --anchor ca.pem received.eml\n"
                "  privyseal open --anchor ca.pem --into opened archive/*.eml\n"
                "  privyseal open --anchor ca.pem --json --output plain.eml received.eml\n",
    .statuses = "  0  opened, and what was found is in order\n"
                "  1  the message is not good: the report says why\n"
                "  2  wrong use of the command\n"
                "  3  no agent, or the token is not there\n"
                "  4  refused: by a person, a policy or the PIN, or Ctrl-C\n"
                "  5  input, output or the token's own failure\n",
    .operands_max = G_MAXUINT,
    .run = run_open,
};
