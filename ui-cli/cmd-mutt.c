/* privyseal mutt: what mutt and neomutt call for S/MIME. privyseal.muttrc holds the calls. */
#include "ui-cli/command.h"

#include "ui-cli/mutt.h"
#include "ui-cli/status.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    {.name = "key",
     .argument = "KEY",
     .help = "sign: 'me', an address, a label, or the beginning of an ID or\n"
             "fingerprint; of a path the last part counts"},
    {.name = "digest",
     .argument = "NAME",
     .help = "sign: the hash, sha256, sha384 or sha512; mutt states it in the\n"
             "mail, so it must be that of smime_sign_digest_alg"},
    {.name = "chain",
     .argument = "FILE",
     .repeatable = TRUE,
     .help = "sign: put the CA certificates in FILE into the message too,\n"
             "where they are not known here (repeatable)"},
    {.name = "cipher", .argument = "NAME", .help = "encrypt: aes256 or aes128; what the site has fixed goes before it"},
    SEAL_TRUST_OPTION_ROWS,
    {0},
};

static const char *const none[] = {NULL};
static const char *const for_signing[] = {"key", "digest", "chain", NULL};
static const char *const for_encrypting[] = {"cipher", NULL};
static const char *const for_judging[] = {"anchor", "no-default-anchors", "system-anchors",
                                          "crl",    "revocation",         NULL};

static const SealMuttAction actions[] = {
    {"sign", "[--key KEY] FILE", for_signing, 1, 1, seal_mutt_sign},
    {"encrypt", "FILE CERTIFICATE...", for_encrypting, 2, G_MAXUINT, seal_mutt_encrypt},
    {"open", "FILE", for_judging, 1, 1, seal_mutt_open},
    {"verify", "SIGNATURE FILE", for_judging, 2, 2, seal_mutt_verify},
    {"signer", "MAIL", for_judging, 1, 1, seal_mutt_signer},
    {"addresses", "CERTIFICATE", none, 1, 1, seal_mutt_addresses},
    {"pk7out", "MAIL", none, 1, 1, seal_mutt_pk7out},
    {"certificates", "FILE", none, 1, 1, seal_mutt_certificates},
    {"import", "FILE", for_judging, 1, 1, seal_mutt_import},
    {"index", "", for_judging, 0, 0, seal_mutt_index},
};

static const SealMuttAction *
find_action(const char *name, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (g_str_equal(actions[i].name, name))
            return &actions[i];
    }
    seal_usage_error_set(error, "mutt", "there is no action '%s'", name);
    return NULL;
}

static gboolean
check_words(const SealMuttAction *action, const SealOptions *options, const GPtrArray *files,
            GError **error)
{
    for (const SealOption *option = options_table; option->name; option++) {
        if (seal_options_has(options, option->name) &&
            !g_strv_contains(action->options, option->name)) {
            seal_usage_error_set(error, "mutt", "--%s is not for '%s'", option->name, action->name);
            return FALSE;
        }
    }
    if (files->len >= action->files_min && files->len <= action->files_max)
        return TRUE;
    seal_usage_error_set(error, "mutt", "%s: privyseal mutt %s %s",
                         files->len < action->files_min ? "something is missing"
                                                        : "that is too much",
                         action->name, action->usage);
    return FALSE;
}

static int
run_mutt(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const SealMuttAction *action = find_action(operands->pdata[0], error);
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    for (guint i = 1; i < operands->len; i++)
        g_ptr_array_add(files, operands->pdata[i]);
    if (!action || !check_words(action, options, files, error))
        return SEAL_STATUS_USAGE;
    return action->run(options, files, error);
}

const SealCommand seal_command_mutt = {
    .name = "mutt",
    .usage = "ACTION [OPTION...] [FILE...]",
    .summary = "sign, encrypt, open and verify for mutt and neomutt",
    .description =
        "These are the commands that mutt and neomutt run for S/MIME. To use them, put this at "
        "the\n"
        "end of your muttrc (the path is that of the installed file):\n\n"
        "  source /usr/share/privyseal/privyseal.muttrc\n\n"
        "mutt still asks for an S/MIME passphrase, once in a while: press Enter. The PIN is asked\n"
        "for by the agent, and does not belong there. You are 'me' if the tokens hold the keys of\n"
        "one person; otherwise say 'set smime_default_key=ADDRESS'. To whom mail can be encrypted\n"
        "is in the folder ~/.local/share/privyseal/mutt: 'import' adds certificates, as does\n"
        "mutt's extract-keys (Ctrl-K) on a mail that is open.\n\n"
        "The actions, of which only 'import' and 'index' are for you:\n\n"
        "  sign FILE                  a detached signature of the MIME entity FILE\n"
        "  encrypt FILE CERT...       FILE encrypted to certificates in files, or to addresses\n"
        "  open FILE                  what is inside a CMS message; the verdict on stderr\n"
        "  verify SIGNATURE FILE      the verdict on a detached signature, on stderr\n"
        "  signer MAIL                the signer's certificate, if MAIL is from its owner\n"
        "  addresses CERTIFICATE      the mail addresses in a certificate\n"
        "  pk7out MAIL                the CMS message of a mail's signature\n"
        "  certificates FILE          the certificates in such a CMS message\n"
        "  import FILE                keep certificates, to encrypt to them\n"
        "  index                      write mutt's index anew, print the folder\n\n"
        "What is trusted is what 'privyseal trust' says. mutt asks before it encrypts to a\n"
        "certificate that is not.",
    .options = options_table,
    .examples = "  privyseal mutt import bob.pem\n"
                "  privyseal mutt index\n",
    .statuses = "  0  done; or the verdict is good\n"
                "  1  the mail is not good: lines on stderr say why\n"
                "  2  wrong use of the command\n"
                "  3  no such agent, token, key or certificate; or more than one\n"
                "  4  refused: by a person, a policy or the PIN, or Ctrl-C\n"
                "  5  input, output or the token's own failure\n",
    .operands_min = 1,
    .operands_max = G_MAXUINT,
    .run = run_mutt,
};
