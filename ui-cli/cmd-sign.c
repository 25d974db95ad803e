/* privyseal sign: a mail in, the signed mail out. */
#include "ui-cli/command.h"

#include "smime/compression.h"
#include "smime/sign.h"
#include "ui-cli/files.h"
#include "ui-cli/signing.h"
#include "ui-cli/status.h"

static const SealOption options_table[] = {
    SEAL_SIGNING_OPTION_ROWS(""),
    {.name = "compress",
     .help = "compress the mail before it is signed; few mail programs read that"},
    {.name = "output",
     .argument = "FILE",
     .help = "write the mail to FILE (whole or not at all, readable by you alone)"},
    {0},
};

static GBytes *
read_mail(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(GBytes) mail =
        seal_input_read(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);

    if (!mail || !seal_options_has(options, "compress"))
        return g_steal_pointer(&mail);
    return seal_mail_compress(mail, error);
}

static int
run_sign(SealOptions *options, GError **error)
{
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) signed_mail = NULL;

    if (!seal_signing_check_options(options, "sign", error))
        return SEAL_STATUS_USAGE;
    mail = read_mail(options, error);
    reach = mail ? seal_reach_agent(error) : NULL;
    signed_mail = reach ? seal_signing_sign(reach, options, mail, error) : NULL;
    if (!signed_mail ||
        !seal_output_write(seal_options_value(options, "output"), signed_mail, error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}

const SealCommand seal_command_sign = {
    .name = "sign",
    .usage = "[--key KEY ... | --from ADDRESS] [--opaque] [MAIL]",
    .summary = "sign a mail with a key on a token",
    .description =
        "Reads a complete mail (header, empty line, body; at most 256 MiB) from the file MAIL or\n"
        "standard input, and writes the signed mail to standard output. The agent asks for the "
        "PIN\n"
        "if the token is locked.\n\n"
        "Without --key and --from the mail's From field chooses: the key whose certificate has "
        "that\n"
        "address. Of several, one on a token that is present, then the newest certificate, then\n"
        "RSA before others, which more programs read.\n\n"
        "With several --key the mail gets a signature of each, or none at all. The signature says\n"
        "which algorithms are read here and, if you have another certificate for encryption, which;\n"
        "it goes along, as do the CA certificates on the way to the root.\n\n"
        "Parts of the mail that would not survive their way, because they are binary, have bytes\n"
        "beyond ASCII or lines that mail servers change, are encoded as quoted-printable or "
        "base64\n"
        "before they are signed. Everything else is signed as it stands; with --opaque all but\n"
        "binary parts.",
    .options = options_table,
    .examples =
        "  privyseal sign letter.eml > signed.eml\n"
        "  privyseal sign --from alice@example.org --output signed.eml letter.eml\n"
        "  privyseal sign --key 'pkcs11:token=Blue;object=Signature' < letter.eml | sendmail -t\n",
    .operands_max = 1,
    .run = run_sign,
};
