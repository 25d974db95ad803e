/* One word for a mail of several layers, about what a reader would be shown: the content of the
 * innermost layer. Nothing is opened or verified here. */
#include "smime/conclusion.h"

#include "smime/parts.h"
#include "smime/protected.h"

/* -- which layer speaks ----------------------------------------------------------------------- */

static gboolean
is_encryption(const SealLayerReport *layer)
{
    return layer->type == SEAL_LAYER_ENCRYPTED || layer->type == SEAL_LAYER_AUTH_ENCRYPTED;
}

/* The innermost encryption (nullable): it is the one that shows or does not show whether what came
 * out was changed. An outer one can be put around anything. */
static const SealLayerReport *
deciding_encryption(const SealReport *report)
{
    for (guint i = report->layers->len; i > 0; i--) {
        const SealLayerReport *layer = g_ptr_array_index(report->layers, i - 1);

        if (is_encryption(layer))
            return layer;
    }
    return NULL;
}

/* The innermost signature (nullable) speaks for what is shown; one outside of it can only make it
 * worse. A good one around the encryption does not speak for it: whoever signs what they cannot
 * open may pass somebody else's text off as theirs, or have changed it blindly. */
static const SealLayerReport *
deciding_signature(const SealReport *report)
{
    const SealLayerReport *good = NULL;
    gboolean around = FALSE;

    for (guint i = report->layers->len; i > 0; i--) {
        const SealLayerReport *layer = g_ptr_array_index(report->layers, i - 1);

        around |= is_encryption(layer);
        if (layer->type != SEAL_LAYER_SIGNED)
            continue;
        if (layer->verdict != SEAL_VERDICT_OK)
            return layer;
        if (!around && !good)
            good = layer;
    }
    return good;
}

/* -- what it says ----------------------------------------------------------------------------- */

static void
conclude_encryption(SealReport *report, const SealLayerReport *encryption)
{
    const SealLayerReport *outermost = g_ptr_array_index(report->layers, 0);

    if (outermost->type == SEAL_LAYER_SIGNED)
        g_ptr_array_add(report->warnings,
                        g_strdup("its signature is around the encryption only: it shows who sent "
                                 "the mail, not that they wrote or knew what is in it"));
    if (encryption->verdict == SEAL_VERDICT_DECRYPTED)
        seal_report_set(report, SEAL_VERDICT_DECRYPTED, NULL);
    else
        seal_report_set(report, SEAL_VERDICT_DECRYPTED_NOAUTH,
                        "the encryption does not show whether the mail was changed, and nobody "
                        "signed what is in it");
}

static void
conclude_plain(SealReport *report, SealOpenMode mode)
{
    if (mode == SEAL_OPEN_VERIFY)
        seal_report_set(report, SEAL_VERDICT_UNSIGNED,
                        "nobody signed it; if it is encrypted, \"privyseal open\" looks inside");
    else
        seal_report_set(report, SEAL_VERDICT_OK_PLAIN, NULL);
}

/* `shown`: (nullable) no mail, so without parts. */
static void
conclude_layers(SealReport *report, SealOpenMode mode, const SealEntity *shown, GBytes *owner)
{
    const SealLayerReport *signature = deciding_signature(report);
    const SealLayerReport *encryption = deciding_encryption(report);
    const char *reason = NULL;
    SealVerdict part = shown ? seal_parts_search(shown, owner, &reason) : SEAL_VERDICT_OK_PLAIN;

    if (signature)
        seal_report_set(report, signature->verdict, signature->reason);
    else if (part >= SEAL_VERDICT_PARTIALLY_ENCRYPTED ||
             (part == SEAL_VERDICT_PARTIALLY_SIGNED && !encryption))
        seal_report_set(report, part, reason);
    else if (encryption)
        conclude_encryption(report, encryption);
    else
        conclude_plain(report, mode);
}

/* Whoever is certified, a mail that names two authors is from neither. */
static void
conclude_headers(SealReport *report, const SealEntity *mail, const SealEntity *shown)
{
    const SealLayerReport *encryption = deciding_encryption(report);
    SealVerdict verdict = report->verdict;
    g_autofree char *reason = NULL;

    if (!deciding_signature(report) && !encryption) /* compression covers nothing */
        return;
    reason = seal_protected_read(mail, shown, encryption != NULL, report);
    if (reason &&
        (verdict <= SEAL_VERDICT_DECRYPTED_NOAUTH || verdict == SEAL_VERDICT_ADDRESS_MISMATCH))
        seal_report_set(report, SEAL_VERDICT_HEADER_MISMATCH, reason);
}

static gboolean
is_good(const SealReport *report, SealOpenMode mode)
{
    SealVerdict verdict = report->verdict;
    gboolean opened = verdict == SEAL_VERDICT_OK || verdict == SEAL_VERDICT_DECRYPTED ||
                      verdict == SEAL_VERDICT_DECRYPTED_NOAUTH;

    switch (mode) {
    case SEAL_OPEN_VERIFY:
        return verdict == SEAL_VERDICT_OK;
    case SEAL_OPEN_DECRYPT:
        return opened && deciding_encryption(report);
    default:
        return opened || verdict == SEAL_VERDICT_OK_PLAIN;
    }
}

void
seal_report_conclude(SealReport *report, SealOpenMode mode, const SealEntity *mail, GBytes *shown)
{
    g_autoptr(SealEntity) entity = mail ? seal_entity_parse(seal_bytes_view(shown)) : NULL;

    conclude_layers(report, mode, entity, shown);
    if (mail)
        conclude_headers(report, mail, entity);
    report->good = is_good(report, mode);
    if (!report->good && !report->reason)
        report->reason = g_strdup("the mail is not encrypted, there is nothing to decrypt");
}
