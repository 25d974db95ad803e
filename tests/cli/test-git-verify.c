/* From a verdict to the lines that git reads, with reports made by hand. What git makes of each
 * keyword stands in its gpg-interface.c; GnuPG's doc/DETAILS describes their arguments. */
#include "ui-cli/git-verify.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "smime/report.h"
#include "tests/pki/authority.h"

#define TIME ((gint64)1800000000) /* 2027-01-15 08:00:00 UTC, by date(1) */

static SealSignerReport *
new_signer(const char *name, const char *address, SealVerdict verdict)
{
    const TestSpec spec = {.name = name, .address = address};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);
    SealSignerReport *signer = seal_signer_report_new();

    signer->verdict = verdict;
    signer->certificate = test_identity_der(identity);
    signer->subject = g_strdup("CN=as RFC 2253 has it");
    signer->digest_algorithm = g_strdup("sha256");
    signer->signature_algorithm = g_strdup("ecdsa");
    signer->signing_time = TIME;
    if (address)
        g_ptr_array_add(signer->addresses, g_strdup(address));
    return signer;
}

/* Takes `signer` (nullable). */
static SealReport *
new_report(SealSignerReport *signer, SealVerdict verdict)
{
    SealReport *report = seal_report_new();
    SealLayerReport *layer = seal_layer_report_new(SEAL_LAYER_SIGNED);

    g_ptr_array_add(report->layers, layer);
    if (signer)
        g_ptr_array_add(layer->signers, signer);
    layer->verdict = report->verdict = verdict;
    report->good = verdict == SEAL_VERDICT_OK;
    report->reason = report->good ? NULL : g_strdup("for a reason");
    return report;
}

/* What is written to the status descriptor (transfer full), the signer's fingerprint as FPR. */
static char *
lines_of(const SealReport *report, const SealSignerReport *signer)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("seal-git-XXXXXX", &path, NULL);
    g_autofree char *number = g_strdup_printf("%d", fd);
    g_autoptr(SealGnupgStatus) status = seal_gnupg_status_new(number, "git", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GString) lines = NULL;

    g_assert_cmpint(fd, >=, 0);
    g_assert_nonnull(status);
    seal_git_verdict_add(status, report);
    g_assert_true(seal_gnupg_status_write(status, NULL));
    close(fd);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    lines = g_string_new(text);
    if (signer) {
        g_autofree char *lower = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, signer->certificate);
        g_autofree char *fingerprint = g_ascii_strup(lower, -1);

        g_string_replace(lines, fingerprint, "FPR", 0);
    }
    return g_string_free(g_steal_pointer(&lines), FALSE);
}

#define BAD(keyword)                                                                               \
    "[GNUPG:] NEWSIG\n[GNUPG:] " keyword                                                           \
    " FPR Alice <alice@example.org>\n[GNUPG:] TRUST_NEVER 0 shell\n"
#define UNUSABLE(reason)                                                                           \
    "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG FPR 19 8 00 0 " reason                                       \
    " FPR\n[GNUPG:] TRUST_UNDEFINED 0 shell\n"

static void
test_verdicts(void)
{
    static const struct {
        SealVerdict verdict;
        const char *lines;
    } rows[] = {
        {SEAL_VERDICT_OK, "[GNUPG:] NEWSIG\n"
                          "[GNUPG:] GOODSIG FPR Alice <alice@example.org>\n"
                          "[GNUPG:] VALIDSIG FPR 2027-01-15 20270115T080000 0 0 0 19 8 00\n"
                          "[GNUPG:] TRUST_FULLY 0 shell\n"},
        {SEAL_VERDICT_BAD_SIGNATURE, BAD("BADSIG")},
        {SEAL_VERDICT_EXPIRED, BAD("EXPKEYSIG")},
        {SEAL_VERDICT_REVOKED, BAD("REVKEYSIG")},
        {SEAL_VERDICT_UNTRUSTED, UNUSABLE("0")},
        {SEAL_VERDICT_INCOMPLETE_CHAIN, UNUSABLE("0")},
        {SEAL_VERDICT_NOT_YET_VALID, UNUSABLE("0")},
        {SEAL_VERDICT_REVOCATION_UNKNOWN, UNUSABLE("0")},
        {SEAL_VERDICT_WRONG_USAGE, UNUSABLE("0")},
        {SEAL_VERDICT_WEAK_ALGORITHM, UNUSABLE("0")},
        {SEAL_VERDICT_MALFORMED, UNUSABLE("0")},
        {SEAL_VERDICT_UNSUPPORTED, UNUSABLE("4")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        SealSignerReport *signer = new_signer("Alice", "alice@example.org", rows[i].verdict);
        g_autoptr(SealReport) report = new_report(signer, rows[i].verdict);
        g_autofree char *lines = lines_of(report, signer);

        g_assert_cmpstr(lines, ==, rows[i].lines);
        g_assert_cmpint(seal_git_verdict_is_good(report), ==, i == 0);
    }
}

/* Every word of the enum, those of the future too. */
static void
test_only_ok_is_good(void)
{
    for (int verdict = SEAL_VERDICT_OK + 1; verdict <= (int)SEAL_VERDICT_LAST; verdict++) {
        SealSignerReport *signer = new_signer("Alice", NULL, (SealVerdict)verdict);
        g_autoptr(SealReport) report = new_report(signer, (SealVerdict)verdict);
        g_autofree char *lines = lines_of(report, signer);

        g_assert_null(strstr(lines, "GOODSIG"));
        g_assert_null(strstr(lines, "VALIDSIG"));
        g_assert_null(strstr(lines, "FULLY"));
    }
}

static void
test_without_certificate(void)
{
    SealSignerReport *signer = seal_signer_report_new();
    g_autoptr(SealReport) report = new_report(signer, SEAL_VERDICT_SIGNER_CERT_MISSING);
    g_autoptr(SealReport) unreadable = new_report(NULL, SEAL_VERDICT_MALFORMED);
    g_autofree char *missing = NULL;
    g_autofree char *malformed = lines_of(unreadable, NULL);

    signer->verdict = SEAL_VERDICT_SIGNER_CERT_MISSING;
    missing = lines_of(report, NULL);
    g_assert_nonnull(
        strstr(missing, "ERRSIG 0000000000000000000000000000000000000000 0 0 00 0 9 "));
    g_assert_nonnull(
        strstr(malformed, "ERRSIG 0000000000000000000000000000000000000000 0 0 00 0 0 "));
}

/* A name is one line, and brackets hold certified addresses alone. */
static void
test_hostile_names(void)
{
    static const struct {
        const char *name, *address, *shown;
    } rows[] = {
        {"Eve\n[GNUPG:] GOODSIG 1 Alice", NULL, "Eve\uFFFD[GNUPG:] GOODSIG 1 Alice\n"},
        {"Alice <alice@example.org>", "eve@example.net",
         "Alice  alice@example.org  <eve@example.net>\n"},
        {"\u202Egro.elpmaxe", NULL, "\uFFFDgro.elpmaxe\n"},
        {"J\u00fcrgen", "j@example.org", "J\u00fcrgen <j@example.org>\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        SealSignerReport *signer = new_signer(rows[i].name, rows[i].address, SEAL_VERDICT_OK);
        g_autoptr(SealReport) report = new_report(signer, SEAL_VERDICT_OK);
        g_autofree char *lines = lines_of(report, signer);
        g_autofree char *expected = g_strconcat("\n[GNUPG:] GOODSIG FPR ", rows[i].shown, NULL);

        if (!strstr(lines, expected))
            g_error("'%s' is not in: %s", expected, lines);
    }
}

static void
test_several_addresses(void)
{
    SealSignerReport *signer = new_signer("Alice", "a@example.org", SEAL_VERDICT_OK);
    g_autoptr(SealReport) report = new_report(signer, SEAL_VERDICT_OK);
    g_autofree char *lines = NULL;

    g_ptr_array_add(signer->addresses, g_strdup("b@example.org"));
    lines = lines_of(report, signer);
    g_assert_nonnull(strstr(lines, "GOODSIG FPR Alice <a@example.org> <b@example.org>\n"));
}

static void
test_no_stated_time(void)
{
    SealSignerReport *signer = new_signer("Alice", NULL, SEAL_VERDICT_OK);
    g_autoptr(SealReport) report = new_report(signer, SEAL_VERDICT_OK);
    g_autofree char *lines = NULL;

    signer->signing_time = G_MININT64;
    lines = lines_of(report, signer);
    g_assert_nonnull(strstr(lines, "VALIDSIG FPR 0 0 0 0 0 19 8 00\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/git-verify/each-verdict-has-its-lines", test_verdicts);
    g_test_add_func("/cli/git-verify/no-other-verdict-than-ok-is-good", test_only_ok_is_good);
    g_test_add_func("/cli/git-verify/without-certificate-it-is-an-error", test_without_certificate);
    g_test_add_func("/cli/git-verify/hostile-name-stays-in-its-line", test_hostile_names);
    g_test_add_func("/cli/git-verify/every-address-is-shown", test_several_addresses);
    g_test_add_func("/cli/git-verify/no-stated-time-is-zero", test_no_stated_time);
    return g_test_run();
}
