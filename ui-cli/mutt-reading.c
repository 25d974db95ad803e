/* What mutt runs on mail that came in.
 *
 * mutt takes a mail apart and hands over one CMS message at a time; what is inside of an opened one
 * it takes apart itself and asks about again. So each question here is about one layer, and has no
 * mail around it: who a mail says it is from is asked later, by `signer`, to which mutt gives the
 * whole mail. The verdict goes to standard error, which mutt shows above the content. */
#include "ui-cli/mutt.h"

#include <stdio.h>

#include "smime/detached.h"
#include "smime/entity.h"
#include "smime/kind.h"
#include "smime/open.h"
#include "smime/sign.h"
#include "ui-cli/agent-unwrapper.h"
#include "ui-cli/files.h"
#include "ui-cli/mutt-certificates.h"
#include "ui-cli/opening.h"
#include "ui-cli/status.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

/* These words make mutt believe a signature, if they are the whole first line. So warnings (on
 * anchors that cannot be used) come last. */
static void
print_signature_verdict(const SealReport *report, const GPtrArray *warnings)
{
    if (report->good)
        fputs("Verification successful\n", stderr);
    /* The page's own first line would claim that the sender was compared. */
    seal_opening_print_page(stderr, report, report->good ? 1 : 0);
    seal_trust_warn(warnings);
}

/* An opened envelope is worth a line only if nothing inside will be judged: nobody signed. */
static void
print_encryption_verdict(const SealReport *report, GBytes *content)
{
    g_autoptr(SealEntity) entity = content ? seal_entity_parse(seal_bytes_view(content)) : NULL;
    g_autoptr(GPtrArray) lines = seal_report_lines(report);

    if (!entity)
        seal_opening_print_page(stderr, report, 0);
    else if (seal_kind_of(entity) == SEAL_KIND_PLAIN)
        fprintf(stderr, "%s\n", ((const SealReportLine *)lines->pdata[0])->text);
}

int
seal_mutt_open(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealTrust) trust = seal_trust_read_options(options, "mutt", warnings, error);
    g_autoptr(SealAgentUnwrapper) unwrapper = seal_agent_unwrapper_new();
    g_autoptr(GBytes) cms = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;
    SealOpenOptions how = {.trust = trust, .unwrapper = seal_agent_unwrapper_peek(unwrapper)};
    const SealLayerReport *layer = NULL;

    cms = trust ? seal_input_read(files->pdata[0], SEAL_MAIL_MAX, error) : NULL;
    if (!cms || !seal_cms_open(cms, &how, &report, &content, error) || !seal_stop_check(error))
        return SEAL_STATUS_IO;
    layer = report->layers->len > 0 ? report->layers->pdata[0] : NULL;
    if (layer && layer->type == SEAL_LAYER_SIGNED)
        print_signature_verdict(report, warnings);
    else
        print_encryption_verdict(report, content);
    /* As with multipart/signed, mutt shows what a bad signature covers, below its verdict. */
    if (content && !seal_output_write(NULL, content, error))
        return SEAL_STATUS_IO;
    return seal_opening_status(report, error);
}

int
seal_mutt_verify(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealTrust) trust = seal_trust_read_options(options, "mutt", warnings, error);
    g_autoptr(GBytes) signature = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    signature = trust ? seal_input_read(files->pdata[0], SEAL_MAIL_MAX, error) : NULL;
    content = signature ? seal_input_read(files->pdata[1], SEAL_MAIL_MAX, error) : NULL;
    if (!content)
        return SEAL_STATUS_IO;
    report = seal_detached_judge(content, signature, trust, SEAL_PURPOSE_SIGN_MAIL, 0);
    print_signature_verdict(report, warnings);
    return seal_opening_status(report, error);
}

/* -- the signer and the sender ---------------------------------------------------------------- */

/* The first signer of the innermost signature; a good report has one. */
static const SealSignerReport *
signer_of(const SealReport *report)
{
    for (guint i = report->layers->len; i > 0; i--) {
        const SealLayerReport *layer = report->layers->pdata[i - 1];

        if (layer->signers->len > 0)
            return layer->signers->pdata[0];
    }
    g_assert_not_reached();
}

/* mutt asks this once a signature is good, to compare the certificate's addresses with the sender.
 * It takes one that only begins alike for the same, so the whole question is answered here: no
 * certificate comes out unless the whole mail is good. */
int
seal_mutt_signer(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(SealTrust) trust = seal_trust_from_options(options, "mutt", error);
    const SealOpenOptions how = {.mode = SEAL_OPEN_VERIFY, .trust = trust};
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    mail = trust ? seal_input_read(files->pdata[0], SEAL_MAIL_MAX, error) : NULL;
    if (!mail || !seal_mail_open(mail, &how, &report, &content, error))
        return SEAL_STATUS_IO;
    if (!report->good) {
        g_autofree char *reason = seal_text_clean(report->reason);

        fprintf(stderr, "privyseal: %s\n", reason);
        return SEAL_STATUS_NOT_GOOD;
    }
    return seal_mutt_print_certificate(signer_of(report)->certificate, error) ? SEAL_STATUS_DONE
                                                                              : SEAL_STATUS_IO;
}
