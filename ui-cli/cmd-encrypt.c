/* privyseal encrypt: a mail in, the encrypted mail out; signed before, if wanted. */
#include "ui-cli/command.h"

#include "smime/compression.h"
#include "smime/encrypt.h"
#include "smime/sign.h"
#include "ui-cli/files.h"
#include "ui-cli/recipients.h"
#include "ui-cli/signing.h"
#include "ui-cli/status.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    {.name = "to",
     .argument = "ADDRESS|CERTFILE",
     .repeatable = TRUE,
     .help = "encrypt to this address, whose certificate is kept ('privyseal\n"
             "recipients') or on a token, or to the certificate in this file\n"
             "(PEM or DER; repeatable). Name yourself too if you want to\n"
             "read it later"},
    {.name = "cipher",
     .argument = "NAME",
     .help = "aes-256-cbc (default), aes-192-cbc or aes-128-cbc; or aes-256-gcm,\n"
             "aes-192-gcm, aes-128-gcm or chacha20-poly1305, which show\n"
             "tampering, but which no common mail program reads today"},
    {.name = "oaep",
     .help = "RSAES-OAEP for RSA certificates, instead of PKCS#1 v1.5, which\n"
             "older programs need"},
    {.name = "compress", .help = "compress first (after signing); few mail programs read that"},
    {.name = "sign", .help = "sign first, so that the signature is inside"},
    SEAL_SIGNING_OPTION_ROWS(" (with --sign)"),
    SEAL_TRUST_OPTION_ROWS,
    {.name = "output",
     .argument = "FILE",
     .help = "write the mail to FILE (whole or not at all, readable by you alone)"},
    {0},
};

static gboolean
read_cipher(const SealOptions *options, SealContentCipher *ret_cipher, GError **error)
{
    const char *name = seal_options_value(options, "cipher");
    g_autofree char *names = NULL;

    if (!name || seal_content_cipher_from_name(name, ret_cipher))
        return TRUE;
    names = seal_content_cipher_names();
    seal_usage_error_set(error, "encrypt", "there is no cipher '%s' here: it is %s", name, names);
    return FALSE;
}

static gboolean
check_options(SealOptions *options, GError **error)
{
    static const char *const for_signing[] = {"key", "from", "chain", "opaque", "pss"};

    if (!seal_options_has(options, "to")) {
        seal_usage_error_set(error, "encrypt", "say to whom: --to ADDRESS or --to CERTFILE");
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(for_signing); i++) {
        if (seal_options_has(options, for_signing[i]) && !seal_options_has(options, "sign")) {
            seal_usage_error_set(error, "encrypt", "--%s is about signing: say --sign too",
                                 for_signing[i]);
            return FALSE;
        }
    }
    return seal_signing_check_options(options, "encrypt", error);
}

/* The mail to encrypt: as it is, signed, compressed, or signed and then compressed. */
static GBytes *
prepare(SealReach **reach, SealOptions *options, GBytes *mail, GError **error)
{
    g_autoptr(GBytes) ready = NULL;

    if (!seal_options_has(options, "sign")) {
        ready = g_bytes_ref(mail);
    } else {
        if (!*reach)
            *reach = seal_reach_agent(error);
        ready = *reach ? seal_signing_sign(*reach, options, mail, error) : NULL;
    }
    if (!ready || !seal_options_has(options, "compress"))
        return g_steal_pointer(&ready);
    return seal_mail_compress(ready, error);
}

static GBytes *
seal_up(SealReach **reach, SealOptions *options, const SealEncryptOptions *how, GBytes *mail,
        const SealTrust *trust, GError **error)
{
    const SealRecipientSearch search = {
        .reach = reach,
        .trust = trust,
        .every_path = seal_options_has(options, "anchor"),
        .advice = "name certificate files with --to FILE, or keep them with \"privyseal recipients "
                  "import FILE\""};
    g_autoptr(GPtrArray) found =
        seal_recipients_find(&search, seal_options_values(options, "to"), error);
    g_autoptr(GPtrArray) recipients = found ? seal_found_certificates(found) : NULL;
    g_autoptr(GBytes) inner = NULL;

    if (!recipients)
        return NULL;
    inner = prepare(reach, options, mail, error);
    return inner ? seal_mail_encrypt(inner, recipients, how, error) : NULL;
}

static int
run_encrypt(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(SealTrust) trust = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) sealed = NULL;
    SealEncryptOptions how = {.oaep = seal_options_has(options, "oaep")};

    if (!check_options(options, error) || !read_cipher(options, &how.cipher, error))
        return SEAL_STATUS_USAGE;
    trust = seal_trust_from_options(options, "encrypt", error);
    if (!trust)
        return SEAL_STATUS_IO;
    mail = seal_input_read(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);
    sealed = mail ? seal_up(&reach, options, &how, mail, trust, error) : NULL;
    if (!sealed || !seal_output_write(seal_options_value(options, "output"), sealed, error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}

const SealCommand seal_command_encrypt = {
    .name = "encrypt",
    .usage = "--to ADDRESS|CERTFILE ... [--sign] [MAIL]",
    .summary = "encrypt a mail to certificates, signing it first if wanted",
    .description =
        "Reads a complete mail (at most 256 MiB) from the file MAIL or standard input, and writes "
        "the\n"
        "encrypted mail to standard output. Its header, Subject and all, stays readable, as in "
        "all\n"
        "S/MIME mail; the body does not.\n\n"
        "What follows --to is an address if it has an '@', no '/' and does not end in .pem, .crt,\n"
        ".cer or .der; else a file. An address is looked up as 'privyseal recipients find' does.\n"
        "Certificates must be valid now, be for encryption, and where CAs are trusted lead up to\n"
        "one of them; files and your own certificates need not, unless there is --anchor. If any\n"
        "recipient has no such certificate, all of these are named and nothing is written.",
    .options = options_table,
    .examples = "  privyseal encrypt --to bob.pem --to alice@example.org letter.eml > sealed.eml\n"
                "  privyseal encrypt --sign --to bob.pem --output sealed.eml letter.eml\n"
                "  privyseal encrypt --anchor ca.pem --to bob.pem < letter.eml | sendmail -t\n",
    .operands_max = 1,
    .run = run_encrypt,
};
