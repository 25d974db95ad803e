/* privyseal verify: judges a signed mail. */
#include "ui-cli/command.h"

#include "ui-cli/opening.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    SEAL_TRUST_OPTION_ROWS,
    {.name = "from",
     .argument = "ADDRESS",
     .help = "who should have signed, where the mail has no From field"},
    {.name = "no-harvest",
     .help = "do not keep the sender's certificate for 'privyseal encrypt'"},
    {.name = "json", .help = "print the report as JSON"},
    {.name = "output",
     .argument = "FILE",
     .help = "write what was signed to FILE, if the mail is good"},
    {0},
};

static int
run_verify(SealOptions *options, GError **error)
{
    static const SealOpening opening = {
        .command = "verify", .mode = SEAL_OPEN_VERIFY, .report_first = TRUE, .harvests = TRUE};

    return seal_opening_run(&opening, options, error);
}

const SealCommand seal_command_verify = {
    .name = "verify",
    .usage = "[--json] [--output FILE] [--anchor FILE ...] [--crl FILE ...] [MAIL]",
    .summary = "judge a signed mail",
    .description =
        "Judges the signatures of a mail from the file MAIL or standard input (at most 256 MiB): "
        "are\n"
        "they right, is the certificate trusted, for mail, in time and not revoked, and is it the\n"
        "sender's. The report goes to standard output, what was signed to FILE. Needs no token. "
        "An\n"
        "encrypted mail stays closed: 'privyseal open' opens it.\n\n"
        "From a good mail the sender's certificate for encryption is kept, so that 'privyseal\n"
        "encrypt --to' finds it ('privyseal recipients'); one that takes the place of another is\n"
        "told.\n\n"
        "Trusted are the CAs in /etc/privyseal/anchors.d and ~/.config/privyseal/anchors.d "
        "(files\n"
        "*.pem, *.crt, *.cer and *.der), and those of --anchor; without any no signature is.\n"
        "Whether a certificate is revoked is asked over the network, where the certificate says\n"
        "so, which tells its issuer that somebody asks; --revocation cache-only does not.",
    .options = options_table,
    .examples =
        "  privyseal verify --anchor ca.pem received.eml\n"
        "  privyseal verify --anchor ca.pem --crl ca.crl --revocation cache-only received.eml\n"
        "  privyseal verify --revocation require received.eml\n"
        "  privyseal verify --anchor ca.pem --json received.eml | jq -r .verdict\n",
    .statuses = "  0  signed by its sender, and all is in order\n"
                "  1  anything else about the mail: the first line, or \"verdict\", says what\n"
                "  2  wrong use of the command\n"
                "  4  Ctrl-C\n"
                "  5  a file cannot be read or written\n",
    .operands_max = 1,
    .run = run_verify,
};
