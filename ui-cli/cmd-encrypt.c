/* privyseal encrypt: a mail in, the encrypted mail out; signed before, if wanted. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "smime/sign.h"
#include "ui-cli/files.h"
#include "ui-cli/sealing.h"
#include "ui-cli/signing.h"
#include "ui-cli/site-fixed.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    {.name = "to",
     .argument = "ADDRESS|CERTFILE",
     .repeatable = TRUE,
     .help = "encrypt to this address, whose certificate is kept ('privyseal\n"
             "recipients') or on a token, or to the certificate in this file\n"
             "(PEM or DER; repeatable)"},
    {.name = "bcc",
     .argument = "ADDRESS|CERTFILE",
     .repeatable = TRUE,
     .help = "make a copy for this reader alone, which the others are not told\n"
             "of (repeatable)"},
    {.name = "bcc-output", .argument = "FOLDER", .help = "where the copies go: FOLDER/ADDRESS.eml"},
    {.name = "to-self",
     .help = "fail where the sender has no certificate on a token; without it\n"
             "the mail is then just not encrypted to the sender"},
    {.name = "no-to-self",
     .help = "do not encrypt to the sender, who then cannot read it any more"},
    {.name = "cipher",
     .argument = "NAME",
     .help = "aes-256-cbc, aes-192-cbc or aes-128-cbc; or aes-256-gcm,\n"
             "aes-192-gcm, aes-128-gcm or chacha20-poly1305, which show\n"
             "tampering, but which no common mail program reads today.\n"
             "Without it, the best that every reader has stated to read,\n"
             "or aes-256-cbc, or what privyseal.conf says; the site's file\n"
             "can fix that"},
    {.name = "oaep",
     .help = "RSAES-OAEP for RSA certificates, even where not every reader has\n"
             "stated to read it, instead of PKCS#1 v1.5"},
    {.name = "protect-headers",
     .argument = "WORD",
     .help = "hide (default, see privyseal.conf): Subject is [...] outside, and\n"
             "the header is encrypted, too; yes: encrypted, but not hidden;\n"
             "no: the body alone is encrypted"},
    {.name = "compress", .help = "compress first (after signing); few mail programs read that"},
    {.name = "sign", .help = "sign first, so that the signature is inside"},
    {.name = "triple", .help = "sign again outside of the encryption (with --sign)"},
    SEAL_SIGNING_OPTION_ROWS(" (with --sign)"),
    SEAL_TRUST_OPTION_ROWS,
    {.name = "output",
     .argument = "FILE",
     .help = "write the mail to FILE (whole or not at all, readable by you alone)"},
    {0},
};

/* -- what is asked for ------------------------------------------------------------------------ */

static gboolean
read_cipher(const SealOptions *options, SealChoicePolicy *policy, GError **error)
{
    const char *name = seal_options_value(options, "cipher");
    g_autofree char *names = NULL;

    if (!name)
        return TRUE;
    policy->cipher_by = "--cipher";
    if (seal_content_cipher_from_name(name, &policy->cipher))
        return TRUE;
    names = seal_content_cipher_names();
    seal_usage_error_set(error, "encrypt", "there is no cipher '%s' here: it is %s", name, names);
    return FALSE;
}

static gboolean
read_headers(const SealOptions *options, SealHeaders *headers, GError **error)
{
    const char *word = seal_options_value(options, "protect-headers");

    if (!word || seal_encrypt_headers_parse(word, headers))
        return TRUE;
    seal_usage_error_set(error, "encrypt", "--protect-headers is hide, yes or no, not '%s'", word);
    return FALSE;
}

static gboolean
have_same_cipher(const SealChoicePolicy *a, const SealChoicePolicy *b)
{
    return !a->cipher_by == !b->cipher_by && (!a->cipher_by || a->cipher == b->cipher);
}

/* The site's file can bind what options change. */
static gboolean
check_site(const SealMakingSettings *stated, const SealMakingSettings *asked, GError **error)
{
    const struct {
        gboolean same;
        const char *key, *option;
    } keys[] = {
        {have_same_cipher(&stated->policy, &asked->policy), "cipher", "--cipher"},
        {stated->policy.oaep == asked->policy.oaep, "oaep", "--oaep"},
        {stated->encrypt_headers == asked->encrypt_headers, "protect-headers", "--protect-headers"},
        {stated->to_self == asked->to_self, "to-self",
         asked->to_self ? "--to-self" : "--no-to-self"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!keys[i].same && !seal_site_allows("encrypt", keys[i].key, keys[i].option, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_settings(const SealOptions *options, SealMakingSettings *settings, GError **error)
{
    SealMakingSettings stated = {0};

    if (!seal_making_settings_load(&stated, error))
        return FALSE;
    *settings = stated;
    if (seal_options_has(options, "oaep")) {
        settings->policy.oaep = SEAL_OAEP_ALWAYS;
        settings->policy.oaep_by = "--oaep";
    }
    if (seal_options_has(options, "to-self"))
        settings->to_self = TRUE;
    if (seal_options_has(options, "no-to-self"))
        settings->to_self = FALSE;
    return read_cipher(options, &settings->policy, error) &&
           read_headers(options, &settings->encrypt_headers, error) &&
           check_site(&stated, settings, error);
}

static const char *
find_contradiction(const SealOptions *options)
{
    if (!seal_options_has(options, "to"))
        return "say to whom: --to ADDRESS or --to CERTFILE";
    if (seal_options_has(options, "to-self") && seal_options_has(options, "no-to-self"))
        return "--to-self and --no-to-self exclude each other";
    if (seal_options_has(options, "bcc") != seal_options_has(options, "bcc-output"))
        return "--bcc and --bcc-output belong together: say who gets a copy, and the folder for it";
    return NULL;
}

static gboolean
check_options(SealOptions *options, GError **error)
{
    static const char *const for_signing[] = {"key", "from", "chain", "opaque", "pss", "triple"};
    const char *wrong = find_contradiction(options);

    if (wrong) {
        seal_usage_error_set(error, "encrypt", "%s", wrong);
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

static GBytes *
read_mail(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(GBytes) mail =
        seal_input_map(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);

    if (!mail || !seal_signing_has_blind(mail) || seal_options_has(options, "bcc"))
        return g_steal_pointer(&mail);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot encrypt the mail: it has a Bcc field, and in one message every reader is "
                "told of the others; leave it out and name each with --bcc ADDRESS --bcc-output "
                "FOLDER");
    return NULL;
}

/* -- what comes of it ------------------------------------------------------------------------- */

/* FOLDER/ADDRESS.eml; of a file its last part. (transfer full) */
static char *
copy_path(const char *folder, const char *recipient)
{
    g_autofree char *base = g_path_get_basename(recipient);
    g_autofree char *name = g_strconcat(base, ".eml", NULL);

    for (char *at = name; *at; at++) {
        if (!g_ascii_isalnum(*at) && !strchr("@.-_+", *at))
            *at = '_';
    }
    if (*name == '.')
        *name = '_';
    return g_build_filename(folder, name, NULL);
}

static void
tell(const SealSealed *sealed, const char *path)
{
    g_autofree char *text = path
                                ? g_strdup_printf("privyseal: copy for %s in %s, encrypted with %s",
                                                  sealed->recipient, path, sealed->choice)
                                : g_strdup_printf("privyseal: encrypted with %s", sealed->choice);
    g_autofree char *clean = seal_text_clean(text);

    fprintf(stderr, "%s\n", clean);
}

/* Copies for certificates in files of the same name would overwrite each other. */
static gboolean
check_copies(SealOptions *options, GError **error)
{
    const GPtrArray *names = seal_options_values(options, "bcc");
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < names->len; i++) {
        char *path = copy_path(seal_options_value(options, "bcc-output"), names->pdata[i]);
        const char *other = g_hash_table_lookup(paths, path);

        if (other && !g_str_equal(other, names->pdata[i])) {
            seal_usage_error_set(error, "encrypt",
                                 "the copies for %s and %s would both go to '%s': rename one of "
                                 "the files",
                                 other, (const char *)names->pdata[i], path);
            g_free(path);
            return FALSE;
        }
        g_hash_table_insert(paths, path, names->pdata[i]);
    }
    return TRUE;
}

/* The common mail last: when it is there, all of them are. */
static gboolean
write_all(const SealOptions *options, const GPtrArray *list, GError **error)
{
    for (guint i = list->len; i > 0; i--) {
        const SealSealed *sealed = list->pdata[i - 1];
        g_autofree char *path =
            sealed->recipient
                ? copy_path(seal_options_value(options, "bcc-output"), sealed->recipient)
                : NULL;

        if (!seal_output_write_draft(path ? path : seal_options_value(options, "output"),
                                     sealed->mail, error))
            return FALSE;
        tell(sealed, path);
    }
    return TRUE;
}

static int
run_encrypt(SealOptions *options, GError **error)
{
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(SealTrust) trust = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GPtrArray) list = NULL;
    SealMakingSettings settings = {0};
    SealSealing sealing = {.reach = &reach,
                           .options = options,
                           .settings = &settings,
                           .must_reach_self = seal_options_has(options, "to-self")};

    if (!check_options(options, error) || !check_copies(options, error) ||
        !read_settings(options, &settings, error))
        return SEAL_STATUS_USAGE;
    trust = seal_trust_from_options(options, "encrypt", error);
    mail = trust ? read_mail(options, error) : NULL;
    sealing.trust = trust;
    list = mail ? seal_sealing_run(&sealing, mail, error) : NULL;
    if (!list || !write_all(options, list, error))
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
        "encrypted mail to standard output, and to standard error one line: the algorithms that "
        "were\n"
        "chosen, and why. The mail is encrypted to its sender, too, where a token has the "
        "sender's\n"
        "certificate. A copy of the header is inside; outside, where every mail server reads it,\n"
        "Subject is hidden (RFC 9788), so programs that do not know this show [...].\n\n"
        "What follows --to is an address if it has an '@', no '/' and does not end in .pem, .crt,\n"
        ".cer or .der; else a file. An address is looked up as 'privyseal recipients find' does.\n"
        "Certificates must be valid now, be for encryption, and where CAs are trusted lead up to\n"
        "one of them; files and your own certificates need not, unless there is --anchor. If any\n"
        "recipient has no such certificate, all of these are named and nothing is written.\n\n"
        "A mail with a Bcc field is refused: in one message every reader is told of the others. "
        "Each\n"
        "--bcc makes a message of its own.",
    .options = options_table,
    .examples = "  privyseal encrypt --to bob.pem --to carol@example.org letter.eml > sealed.eml\n"
                "  privyseal encrypt --sign --to bob.pem --output sealed.eml letter.eml\n"
                "  privyseal encrypt --to bob.pem --bcc eve.pem --bcc-output copies letter.eml\n"
                "  privyseal encrypt --anchor ca.pem --to bob.pem < letter.eml | sendmail -t\n",
    .operands_max = 1,
    .run = run_encrypt,
};
