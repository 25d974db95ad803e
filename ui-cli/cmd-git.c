/* privyseal git: signs and verifies commits and tags for git, in place of gpgsm.
 *
 * git calls its gpg.x509.program in two ways only, without a shell and without arguments of the
 * user's own (gpg-interface.c of git 2.39):
 *
 *   --status-fd=2 -bsau KEY        what to sign on stdin; wants the signature on stdout and a line
 *                                  SIG_CREATED on stderr
 *   --status-fd=1 --verify FILE -  what was signed on stdin; wants status lines on stdout, and
 * shows people what stands on stderr (ui-cli/git-verify.c)
 *
 * That much of gpgsm's command line is here, and options for what its configuration file would
 * hold, for who writes a script around it. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <unistd.h>

#include "smime/smime.h"
#include "ui-cli/agent-signer.h"
#include "ui-cli/files.h"
#include "ui-cli/git-verify.h"
#include "ui-cli/gnupg-status.h"
#include "ui-cli/signer-name.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

#define COMMAND "git"

/* A signature with 128 long certificates has some 300 KiB. */
#define SIGNATURE_MAX ((gsize)4 * 1024 * 1024)

static const SealOption options_table[] = {
    {.name = "sign", .letter = 's', .help = "sign standard input"},
    {.name = "detach-sign", .letter = 'b', .help = "apart from it (the only way there is)"},
    {.name = "armor", .letter = 'a', .help = "write the signature as text instead of DER"},
    {.name = "local-user",
     .letter = 'u',
     .argument = "KEY",
     .help = "sign with KEY: an address (alone or as \"Name <address>\"), a\n"
             "certificate's fingerprint (SHA-1 or SHA-256), or a key by label,\n"
             "PKCS#11 URI or the beginning of its ID"},
    {.name = "chain",
     .argument = "FILE",
     .repeatable = TRUE,
     .help = "put the CA certificates in FILE into the signature too, where\n"
             "they are not known here (repeatable)"},
    {.name = "verify", .help = "judge the signature in the first file over the second"},
    SEAL_TRUST_OPTION_ROWS,
    {.name = "status-fd",
     .argument = "N",
     .help = "write status lines as GnuPG does to file descriptor N"},
    {0},
};

/* -- signing ----------------------------------------------------------------------------------- */

static GBytes *
make_signature(SealOptions *options, GBytes *content, GError **error)
{
    g_autoptr(SealReach) reach = seal_reach_agent(error);
    const SealClientObjects *objects = reach ? seal_reach_objects(reach, error) : NULL;
    const SealClientCertificate *certificate = NULL;
    g_autoptr(SealAgentSigner) signer = NULL;

    if (!objects)
        return NULL;
    certificate = seal_signer_by_name(objects, seal_options_value(options, "local-user"),
                                      SEAL_PURPOSE_SIGN_DATA, error);
    if (!certificate)
        return NULL;
    signer = seal_agent_signer_new(reach, seal_objects_key(objects, certificate->key), certificate,
                                   seal_options_values(options, "chain"), error);
    return signer ? seal_detached_sign(content, seal_agent_signer_peek(signer), NULL, error) : NULL;
}

static int
sign(SealOptions *options, SealGnupgStatus *status, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(GBytes) content =
        seal_input_read(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);
    g_autoptr(GBytes) signature = content ? make_signature(options, content, error) : NULL;
    g_autoptr(SealReport) made = NULL;
    g_autoptr(GBytes) text = NULL;

    if (!signature)
        return SEAL_STATUS_IO;
    made = seal_detached_judge(content, signature, NULL, SEAL_PURPOSE_SIGN_DATA, 0);
    seal_git_created_add(status, made);
    text =
        seal_options_has(options, "armor") ? seal_armor_write(signature) : g_bytes_ref(signature);
    if (!seal_output_write(NULL, text, error) || !seal_gnupg_status_write(status, error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}

/* git 2.39 says "gpg failed to sign the data" and keeps to itself what stood on stderr. The person
 * who waits at the terminal shall know why. */
static void
tell_terminal(const GError *error)
{
    g_autofree char *message = seal_text_clean(error->message);
    FILE *terminal = isatty(STDERR_FILENO) ? NULL : fopen("/dev/tty", "we");

    if (!terminal)
        return;
    fprintf(terminal, "privyseal: %s\n", message);
    fclose(terminal);
}

/* -- verifying --------------------------------------------------------------------------------- */

static int
verify(SealOptions *options, SealGnupgStatus *status, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(SealTrust) trust = seal_trust_from_options(options, COMMAND, error);
    g_autoptr(GBytes) signature =
        trust ? seal_input_read(operands->pdata[0], SIGNATURE_MAX, error) : NULL;
    g_autoptr(GBytes) content =
        signature ? seal_input_read(operands->pdata[1], SEAL_MAIL_MAX, error) : NULL;
    g_autoptr(SealReport) report = NULL;

    if (!content)
        return SEAL_STATUS_IO;
    report = seal_detached_judge(content, signature, trust, SEAL_PURPOSE_SIGN_DATA, 0);
    seal_git_verdict_print(report);
    seal_git_verdict_add(status, report);
    if (!seal_gnupg_status_write(status, error))
        return SEAL_STATUS_IO;
    return seal_git_verdict_is_good(report) ? SEAL_STATUS_DONE : SEAL_STATUS_NOT_GOOD;
}

/* -- the command ------------------------------------------------------------------------------- */

static gboolean
is_standard_input(const char *name)
{
    return g_str_equal(name, "-");
}

static gboolean
check_words(const SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    gboolean verifies = seal_options_has(options, "verify");
    gboolean signs = seal_options_has(options, "sign") || seal_options_has(options, "detach-sign");
    const char *problem = NULL;

    if (verifies == signs)
        problem = "say one of --detach-sign and --verify";
    else if (verifies && operands->len != 2)
        problem =
            "--verify needs two files: the signature, and what it signs ('-': standard input)";
    else if (verifies && is_standard_input(operands->pdata[0]) &&
             is_standard_input(operands->pdata[1]))
        problem = "only one of the two files can be standard input";
    else if (signs && !seal_options_has(options, "detach-sign"))
        problem = "signatures stand apart from what they sign here: say --detach-sign (-b)";
    else if (signs && !seal_options_has(options, "local-user"))
        problem = "say with which key: --local-user KEY (-u)";
    else if (signs && operands->len > 1)
        problem = "one file at a time can be signed";
    if (problem)
        seal_usage_error_set(error, COMMAND, "%s", problem);
    return problem == NULL;
}

static int
run_git(SealOptions *options, GError **error)
{
    g_autoptr(SealGnupgStatus) status = NULL;
    g_autoptr(GError) problem = NULL;
    int result = SEAL_STATUS_USAGE;

    if (!check_words(options, error))
        return SEAL_STATUS_USAGE;
    status = seal_gnupg_status_new(seal_options_value(options, "status-fd"), COMMAND, error);
    if (!status)
        return SEAL_STATUS_USAGE;
    if (seal_options_has(options, "verify"))
        return verify(options, status, error);
    result = sign(options, status, &problem);
    if (problem) {
        tell_terminal(problem);
        g_propagate_error(error, g_steal_pointer(&problem));
    }
    return result;
}

const SealCommand seal_command_git = {
    .name = "git",
    .usage = "[--status-fd N] -bsau KEY | --verify SIGNATURE CONTENT",
    .summary = "sign and verify commits and tags for git",
    .description =
        "For git to call in place of gpgsm, by the name privyseal-git: signs what stands on "
        "standard\n"
        "input, or judges a signature.\n\n"
        "Without user.signingKey the committer's address chooses the key: of several, one on a "
        "token\n"
        "that is present, then the newest certificate, then RSA before others, which more "
        "programs\n"
        "read.\n\n"
        "A signature is good if it is right and its certificate is trusted, in time, not revoked "
        "and\n"
        "for signing. Whose it is, git shows; it is not compared with the committer. Trusted are "
        "the\n"
        "CAs in /etc/privyseal/anchors.d and ~/.config/privyseal/anchors.d, and those of --anchor.",
    .options = options_table,
    .examples = "  git config --global gpg.format x509\n"
                "  git config --global gpg.x509.program privyseal-git\n"
                "  git commit -S -m 'a signed commit'\n"
                "  git log --show-signature -1\n"
                "  git verify-commit HEAD\n"
                "  printf test | privyseal git -bsau alice@example.org > test.sig\n"
                "  printf test | privyseal git --anchor ca.pem --verify test.sig -\n",
    .statuses = "  0  signed; or the signature is good\n"
                "  1  the signature is not good: a line on stderr says why\n"
                "  2  wrong use of the command\n"
                "  3  no such agent, token, key or certificate; or more than one\n"
                "  4  refused: by a person, a policy or the PIN, or Ctrl-C\n"
                "  5  input, output or the token's own failure\n",
    .operands_max = 2,
    .run = run_git,
};
