/* privyseal sign: a mail in, the signed mail out. */
#include "ui-cli/command.h"

#include <stdio.h>

#include "smime/sign.h"
#include "ui-cli/files.h"
#include "ui-cli/making-settings.h"
#include "ui-cli/signing.h"
#include "ui-cli/site-fixed.h"
#include "ui-cli/status.h"

static const SealOption options_table[] = {
    SEAL_SIGNING_OPTION_ROWS(""),
    {.name = "protect-headers",
     .argument = "WORD",
     .help = "yes (default, see privyseal.conf): Subject, To and so on are signed,\n"
             "too; no: the body alone"},
    {.name = "compress",
     .help = "compress the mail before it is signed; few mail programs read that"},
    {.name = "output",
     .argument = "FILE",
     .help = "write the mail to FILE (whole or not at all, readable by you alone)"},
    {0},
};

static gboolean
read_settings(const SealOptions *options, SealMakingSettings *settings, GError **error)
{
    const char *word = seal_options_value(options, "protect-headers");
    SealHeaders stated = SEAL_HEADERS_OUTSIDE;

    if (!seal_making_settings_load(settings, error))
        return FALSE;
    stated = settings->sign_headers;
    if (!word || seal_sign_headers_parse(word, &settings->sign_headers))
        return stated == settings->sign_headers ||
               seal_site_allows("sign", "protect-headers", "--protect-headers", error);
    seal_usage_error_set(error, "sign", "--protect-headers is yes or no, not '%s'", word);
    return FALSE;
}

/* What gets base64 around it needs no other encoding. */
static SealDraft *
read_letter(SealOptions *options, const SealMakingSettings *settings, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    gboolean compress = seal_options_has(options, "compress");
    gboolean covered = compress || seal_options_has(options, "opaque");
    g_autoptr(GBytes) mail =
        seal_input_map(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);
    SealDraft *letter = NULL;

    if (mail && seal_signing_has_blind(mail))
        fprintf(stderr, "privyseal: warning: the Bcc field is left out: give its addresses to the "
                        "program that sends the mail\n");
    if (mail)
        letter = seal_draft_new(mail, covered ? SEAL_TRANSFER_ANY : SEAL_TRANSFER_7BIT, error);
    return letter && compress ? seal_signing_compress(letter, settings->sign_headers, error)
                              : letter;
}

static int
run_sign(SealOptions *options, GError **error)
{
    SealMakingSettings settings = {0};
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(SealDraft) letter = NULL;
    g_autoptr(SealDraft) signed_mail = NULL;

    if (!seal_signing_check_options(options, "sign", error))
        return SEAL_STATUS_USAGE;
    if (read_settings(options, &settings, error))
        letter = read_letter(options, &settings, error);
    reach = letter ? seal_reach_agent(error) : NULL;
    if (reach)
        signed_mail = seal_signing_sign(reach, options, settings.sign_headers,
                                        g_steal_pointer(&letter), error);
    if (!signed_mail ||
        !seal_output_write_draft(seal_options_value(options, "output"), signed_mail, error))
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
        "which algorithms are read here and, if you have another certificate for encryption, "
        "which;\n"
        "it goes along, as do the CA certificates on the way to the root that are on tokens, "
        "trusted\n"
        "here or came with mail. The header fields are copied into the signed part (RFC 9788), "
        "but\n"
        "for Bcc, which is never written.\n\n"
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
