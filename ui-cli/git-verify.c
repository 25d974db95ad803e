/* From a report to GnuPG's status lines, as far as git 2.39 reads them (its gpg-interface.c).
 *
 * git takes GOODSIG alone for a good signature where it gives no trust on, as in
 * GIT_PUSH_CERT_STATUS. OpenPGP can afford that, whose keyring holds nobody by chance; here every
 * signature brings a certificate along, which anybody can make out in any name. So there is no
 * GOODSIG without TRUST_FULLY: where the signature may be right but its signer cannot be believed,
 * the answer is ERRSIG, "cannot be checked".
 *
 * Fingerprints are SHA-1 as gpgsm gives them, so that git's %GK and %GF stay what they were. They
 * name a certificate and prove nothing. */
#include "ui-cli/git-verify.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "pki/certificate.h"
#include "ui-cli/terminal.h"

/* What stands for a fingerprint that is not known. */
#define NO_KEY "0000000000000000000000000000000000000000"

static const GPtrArray *
signers_of(const SealReport *report)
{
    return ((const SealLayerReport *)report->layers->pdata[0])->signers;
}

gboolean
seal_git_verdict_is_good(const SealReport *report)
{
    return report->good && signers_of(report)->len == 1;
}

/* -- who ------------------------------------------------------------------------------------- */

static char *
fingerprint_of(const SealSignerReport *signer)
{
    char *digits = NULL;

    if (!signer || !signer->certificate)
        return g_strdup(NO_KEY);
    digits = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, signer->certificate);
    for (char *c = digits; *c; c++)
        *c = g_ascii_toupper(*c);
    return digits;
}

/* The last common name (the most specific one), or NULL. */
static char *
common_name(const SealSignerReport *signer)
{
    g_autoptr(X509) certificate = seal_certificate_read(signer->certificate, "it", NULL);
    const X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;
    unsigned char *utf8 = NULL;
    char *name = NULL;
    int last = -1;
    int len = 0;

    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
        last = at;
    if (last < 0)
        return NULL;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (len > 0)
        name = g_utf8_make_valid((const char *)utf8, len); /* a NUL inside counts as invalid */
    OPENSSL_free(utf8);
    return name;
}

/* "Alice Example <alice@example.org>", on one line. Only a certified address stands in brackets. */
static char *
name_of(const SealSignerReport *signer)
{
    g_autofree char *common = signer->certificate ? common_name(signer) : NULL;
    const char *name = common ? common : signer->subject;
    g_autoptr(GString) text = g_string_new(name ? name : "(unknown)");

    g_strdelimit(text->str, "<>", ' ');
    for (guint i = 0; i < signer->addresses->len; i++)
        g_string_append_printf(text, " <%s>", (const char *)signer->addresses->pdata[i]);
    return seal_text_clean_utf8(text->str);
}

/* -- for git --------------------------------------------------------------------------------- */

/* OpenPGP's numbers (RFC 9580 9.1, 9.5), which GnuPG's lines use; 0 for others. */
static int
number_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } numbers[] = {
        {"rsa-pkcs1", 1}, {"rsa-pss", 1}, {"ecdsa", 19}, {"ed25519", 22}, {"md5", 1},
        {"sha1", 2},      {"sha256", 8},  {"sha384", 9}, {"sha512", 10},
    };

    for (guint i = 0; name && i < G_N_ELEMENTS(numbers); i++) {
        if (g_str_equal(numbers[i].name, name))
            return numbers[i].number;
    }
    return 0;
}

static char *
format_time(const SealSignerReport *signer, const char *format)
{
    g_autoptr(GDateTime) when = signer->signing_time == G_MININT64
                                    ? NULL
                                    : g_date_time_new_from_unix_utc(signer->signing_time);

    return when ? g_date_time_format(when, format) : g_strdup("0");
}

static void
add_good(SealGnupgStatus *status, const SealSignerReport *signer, const char *fingerprint,
         const char *name)
{
    g_autofree char *date = format_time(signer, "%Y-%m-%d");
    g_autofree char *time = format_time(signer, "%Y%m%dT%H%M%S");

    seal_gnupg_status_add(status, "GOODSIG %s %s", fingerprint, name);
    seal_gnupg_status_add(status, "VALIDSIG %s %s %s 0 0 0 %d %d 00", fingerprint, date, time,
                          number_of(signer->signature_algorithm),
                          number_of(signer->digest_algorithm));
    seal_gnupg_status_add(status, "TRUST_FULLY 0 shell");
}

/* GnuPG's doc/DETAILS: 4 is an unknown algorithm, 9 a missing public key. */
static int
reason_code(SealVerdict verdict)
{
    return verdict == SEAL_VERDICT_UNSUPPORTED           ? 4
           : verdict == SEAL_VERDICT_SIGNER_CERT_MISSING ? 9
                                                         : 0;
}

static void
add_unusable(SealGnupgStatus *status, const SealSignerReport *signer, SealVerdict verdict,
             const char *fingerprint)
{
    seal_gnupg_status_add(status, "ERRSIG %s %d %d 00 0 %d %s", fingerprint,
                          signer ? number_of(signer->signature_algorithm) : 0,
                          signer ? number_of(signer->digest_algorithm) : 0, reason_code(verdict),
                          fingerprint);
    seal_gnupg_status_add(status, "TRUST_UNDEFINED 0 shell");
}

static void
add_signer(SealGnupgStatus *status, const SealSignerReport *signer)
{
    g_autofree char *fingerprint = fingerprint_of(signer);
    g_autofree char *name = name_of(signer);
    const char *keyword = signer->verdict == SEAL_VERDICT_BAD_SIGNATURE ? "BADSIG"
                          : signer->verdict == SEAL_VERDICT_EXPIRED     ? "EXPKEYSIG"
                          : signer->verdict == SEAL_VERDICT_REVOKED     ? "REVKEYSIG"
                                                                        : NULL;

    if (signer->verdict == SEAL_VERDICT_OK) {
        add_good(status, signer, fingerprint, name);
    } else if (keyword) {
        seal_gnupg_status_add(status, "%s %s %s", keyword, fingerprint, name);
        seal_gnupg_status_add(status, "TRUST_NEVER 0 shell");
    } else {
        add_unusable(status, signer, signer->verdict, fingerprint);
    }
}

void
seal_git_created_add(SealGnupgStatus *status, const SealReport *report)
{
    const SealSignerReport *signer = signers_of(report)->pdata[0];
    g_autofree char *fingerprint = fingerprint_of(signer);
    g_autofree char *time = format_time(signer, "%Y%m%dT%H%M%S");

    seal_gnupg_status_add(status, "SIG_CREATED D %d %d 00 %s %s",
                          number_of(signer->signature_algorithm),
                          number_of(signer->digest_algorithm), time, fingerprint);
}

void
seal_git_verdict_add(SealGnupgStatus *status, const SealReport *report)
{
    const GPtrArray *signers = signers_of(report);

    /* git looks for GOODSIG behind a line end: it must not come first. */
    seal_gnupg_status_add(status, "NEWSIG");
    if (signers->len == 1)
        add_signer(status, signers->pdata[0]);
    else
        add_unusable(status, NULL, report->verdict, NO_KEY);
}

/* -- for people ------------------------------------------------------------------------------ */

static void print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void
print_line(const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    clean = seal_text_clean(text);
    fprintf(stderr, "privyseal: %s\n", clean);
}

static void
print_signer(const SealSignerReport *signer, gboolean good)
{
    g_autofree char *name = name_of(signer);
    g_autofree char *fingerprint = fingerprint_of(signer);
    g_autofree char *time = format_time(signer, "%Y-%m-%d %H:%M:%S UTC");

    print_line(good ? "good signature of %s" : "it claims to be of %s", name);
    print_line("stated time %s, certificate %s", signer->signing_time == G_MININT64 ? "none" : time,
               fingerprint);
}

static void
print_refusal(const SealReport *report)
{
    if (report->good)
        print_line("the signature is not good: it has %u signers, git takes one",
                   signers_of(report)->len);
    else
        print_line("the signature is not good (%s): %s", seal_verdict_word(report->verdict),
                   report->reason);
}

void
seal_git_verdict_print(const SealReport *report)
{
    const GPtrArray *signers = signers_of(report);
    gboolean good = seal_git_verdict_is_good(report);

    if (!good)
        print_refusal(report);
    for (guint i = 0; i < signers->len; i++)
        print_signer(signers->pdata[i], good);
}
