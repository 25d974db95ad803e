/* The report for people: who, since when, what was checked, and for each refusal the reason. Names
 * are shown as certified, but each in its line: what could move the cursor or turn the direction of
 * writing becomes a blank. */
#include "smime/report.h"

static const char *const verdict_lines[] = {
    [SEAL_VERDICT_OK] = "good: signed by its sender and unchanged",
    [SEAL_VERDICT_DECRYPTED] = "opened: encrypted and unchanged, but not signed",
    [SEAL_VERDICT_DECRYPTED_NOAUTH] =
        "opened: encrypted, but nothing shows who wrote it or whether it was changed",
    [SEAL_VERDICT_OK_PLAIN] = "plain mail: neither signed nor encrypted",
    [SEAL_VERDICT_UNSIGNED] = "not signed",
    [SEAL_VERDICT_CERTS_ONLY] = "certificates only: there is no message in it",
    [SEAL_VERDICT_OK_PARTIAL] = "signed by several, and not all of them are good",
    [SEAL_VERDICT_PARTIALLY_SIGNED] = "only a part of it is signed",
    [SEAL_VERDICT_BAD_SIGNATURE] = "BAD SIGNATURE: do not rely on this mail",
    [SEAL_VERDICT_UNTRUSTED] = "the signer's certificate is not trusted here",
    [SEAL_VERDICT_INCOMPLETE_CHAIN] = "the signer's chain of certificates is incomplete",
    [SEAL_VERDICT_EXPIRED] = "the signer's certificate has expired",
    [SEAL_VERDICT_NOT_YET_VALID] = "the signer's certificate is not valid yet",
    [SEAL_VERDICT_REVOKED] = "THE SIGNER'S CERTIFICATE IS REVOKED",
    [SEAL_VERDICT_REVOCATION_UNKNOWN] = "whether the signer's certificate is revoked is not known",
    [SEAL_VERDICT_WRONG_USAGE] = "the signer's certificate is not for mail",
    [SEAL_VERDICT_ADDRESS_MISMATCH] = "signed by somebody else than its sender",
    [SEAL_VERDICT_HEADER_MISMATCH] = "its header was changed after it was signed",
    [SEAL_VERDICT_SIGNER_CERT_MISSING] = "the signer's certificate is missing",
    [SEAL_VERDICT_WEAK_ALGORITHM] = "signed in a way that can be forged",
    [SEAL_VERDICT_MALFORMED] = "MALFORMED: do not rely on this mail",
    [SEAL_VERDICT_UNSUPPORTED] = "made in a way that is not known here",
    [SEAL_VERDICT_DECRYPT_FAILED] = "cannot be decrypted",
    [SEAL_VERDICT_NOT_RECIPIENT] = "encrypted, but not for a key that is here",
    [SEAL_VERDICT_REFUSED] = "not opened: the use of the key was refused",
    [SEAL_VERDICT_PARTIALLY_ENCRYPTED] = "only a part of it is encrypted, it stays closed",
    [SEAL_VERDICT_NESTING_LIMIT] = "more layers than are opened",
    [SEAL_VERDICT_RESOURCE_LIMIT] = "larger than is looked at",
    [SEAL_VERDICT_POLICY_INCONSISTENT] = "the signer's certificate contradicts itself",
};
G_STATIC_ASSERT(G_N_ELEMENTS(verdict_lines) == SEAL_VERDICT_LAST + 1);

static const char *const type_lines[] = {
    [SEAL_LAYER_SIGNED] = "signed",
    [SEAL_LAYER_ENCRYPTED] = "encrypted",
    [SEAL_LAYER_AUTH_ENCRYPTED] = "encrypted, authenticated",
    [SEAL_LAYER_COMPRESSED] = "compressed",
    [SEAL_LAYER_CERTS_ONLY] = "certificates",
    [SEAL_LAYER_UNKNOWN] = "unknown",
};

static void
free_line(gpointer data)
{
    SealReportLine *line = data;

    g_free(line->text);
    g_free(line);
}

/* `text` with blanks for what can mislead. (transfer full) */
static char *
one_line(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *line = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        g_string_append_unichar(line, seal_report_can_mislead(c) ? ' ' : c);
    }
    return g_string_free(line, FALSE);
}

/* Adds a line; takes `text`; nothing for NULL. */
static void
add_line(GPtrArray *lines, SealLineMood mood, guint indent, const char *label, char *text)
{
    SealReportLine *line = NULL;

    if (!text)
        return;
    line = g_new0(SealReportLine, 1);
    *line = (SealReportLine){mood, indent, label, one_line(text)};
    g_free(text);
    g_ptr_array_add(lines, line);
}

static char *
join(GPtrArray *texts, const char *separator)
{
    g_autoptr(GString) joined = g_string_new(NULL);

    for (guint i = 0; i < texts->len; i++) {
        if (i > 0)
            g_string_append(joined, separator);
        g_string_append(joined, g_ptr_array_index(texts, i));
    }
    return joined->len > 0 ? g_string_free(g_steal_pointer(&joined), FALSE) : NULL;
}

static SealLineMood
mood_of(SealVerdict verdict)
{
    if (verdict == SEAL_VERDICT_OK || verdict == SEAL_VERDICT_DECRYPTED)
        return SEAL_LINE_GOOD;
    return verdict <= SEAL_VERDICT_PARTIALLY_SIGNED ? SEAL_LINE_WARNING : SEAL_LINE_BAD;
}

static SealLineMood
mood_of_word(const char *word)
{
    if (g_str_equal(word, "good") || g_str_equal(word, "match"))
        return SEAL_LINE_GOOD;
    return g_str_equal(word, "not-checked") ? SEAL_LINE_WARNING : SEAL_LINE_BAD;
}

static void
add_word(GPtrArray *lines, const char *label, const char *word)
{
    add_line(lines, mood_of_word(word), 2, label, g_strdup(word));
}

/* The generation says nothing without a level. */
static char *
level_text(const SealSignerReport *signer)
{
    if (g_str_equal(signer->validation_generation, "unknown"))
        return g_strdup(signer->validation_level);
    return g_strdup_printf("%s (%s)", signer->validation_level, signer->validation_generation);
}

static void
add_signer(GPtrArray *lines, const SealSignerReport *signer)
{
    g_autoptr(GDateTime) when = signer->signing_time == G_MININT64
                                    ? NULL
                                    : g_date_time_new_from_unix_utc(signer->signing_time);

    add_line(lines, mood_of(signer->verdict), 1, "signed by",
             g_strdup(signer->subject ? signer->subject : "(certificate missing)"));
    add_line(lines, SEAL_LINE_PLAIN, 2, "certified as", join(signer->addresses, ", "));
    add_line(lines, SEAL_LINE_PLAIN, 2, "on (as stated)",
             when ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S UTC") : NULL);
    add_word(lines, "signature", signer->signature);
    add_word(lines, "chain", signer->chain);
    add_word(lines, "revocation", signer->revocation);
    add_line(lines, SEAL_LINE_WARNING, 3, "because", g_strdup(signer->revocation_detail));
    add_word(lines, "address", signer->address_match);
    add_line(lines, SEAL_LINE_PLAIN, 2, "level", level_text(signer));
    add_line(lines, SEAL_LINE_BAD, 2, "why", g_strdup(signer->reason));
}

static void
add_layer(GPtrArray *lines, const SealLayerReport *layer, guint number)
{
    g_autofree char *algorithms = join(layer->algorithms, ", ");

    add_line(lines, mood_of(layer->verdict), 0, "layer",
             g_strdup_printf("%u %s: %s", number, type_lines[layer->type],
                             seal_verdict_word(layer->verdict)));
    add_line(lines, SEAL_LINE_PLAIN, 1, "with", g_steal_pointer(&algorithms));
    for (guint i = 0; i < layer->warnings->len; i++)
        add_line(lines, SEAL_LINE_WARNING, 1, "warning",
                 g_strdup(g_ptr_array_index(layer->warnings, i)));
    if (layer->recipients > 0)
        add_line(lines, SEAL_LINE_PLAIN, 1, "recipients", g_strdup_printf("%u", layer->recipients));
    for (guint i = 0; i < layer->signers->len; i++)
        add_signer(lines, g_ptr_array_index(layer->signers, i));
    if (layer->signers->len == 0)
        add_line(lines, mood_of(layer->verdict), 1, "why", g_strdup(layer->reason));
}

/* Who could write them is known only of a mail that is good. */
static void
add_headers(GPtrArray *lines, const SealReport *report)
{
    if (!report->good && report->verdict != SEAL_VERDICT_HEADER_MISMATCH)
        return;
    for (guint i = 0; i < report->headers->len; i++) {
        const SealHeaderReport *header = g_ptr_array_index(report->headers, i);

        add_line(lines, SEAL_LINE_PLAIN, 0, header->name, g_strdup(header->value));
    }
}

GPtrArray *
seal_report_lines(const SealReport *report)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(free_line);

    add_line(lines, mood_of(report->verdict), 0, NULL, g_strdup(verdict_lines[report->verdict]));
    if (!report->good)
        add_line(lines, SEAL_LINE_BAD, 0, "why", g_strdup(report->reason));
    for (guint i = 0; i < report->warnings->len; i++)
        add_line(lines, SEAL_LINE_WARNING, 0, "warning",
                 g_strdup(g_ptr_array_index(report->warnings, i)));
    add_headers(lines, report);
    for (guint i = 0; i < report->layers->len; i++)
        add_layer(lines, g_ptr_array_index(report->layers, i), i + 1);
    return lines;
}

char *
seal_report_to_text(const SealReport *report)
{
    g_autoptr(GPtrArray) lines = seal_report_lines(report);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < lines->len; i++) {
        const SealReportLine *line = g_ptr_array_index(lines, i);

        g_string_append_printf(text, "%*s", (int)(2 * line->indent), "");
        if (line->label)
            g_string_append_printf(text, "%s: ", line->label);
        g_string_append_printf(text, "%s\n", line->text);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
