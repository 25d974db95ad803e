/* Signatures over bytes that are no mail. The judging is that of mail (verify.c), but for
 * addresses: such bytes name no sender. */
#include "smime/detached.h"

#include "smime/armor.h"
#include "smime/entity.h"
#include "smime/verify.h"

#include <openssl/err.h>
#include <openssl/objects.h>

SealSignedData *
seal_signed_data_read(SealBytes cms)
{
    g_autoptr(SealContentInfo) info = seal_content_info_read(cms);

    if (!info || OBJ_obj2nid(info->type) != NID_pkcs7_signed)
        return NULL;
    return ASN1_item_unpack(info->content->value.sequence, ASN1_ITEM_rptr(SealSignedData));
}

static const char *
what_is_wrong(const SealSignedData *data)
{
    if (!data)
        return "the signature cannot be read";
    if (data->encapsulated->content)
        return "the signature carries a content of its own";
    return NULL;
}

SealReport *
seal_detached_judge(GBytes *content, GBytes *signature, const SealTrust *trust,
                    SealCertificatePurpose purpose, gint64 at)
{
    SealReport *report = seal_report_new();
    SealLayerReport *layer = seal_layer_report_new(SEAL_LAYER_SIGNED);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GBytes) cms = seal_armor_read(signature, &problem);
    g_autoptr(SealSignedData) data = cms ? seal_signed_data_read(seal_bytes_view(cms)) : NULL;
    const SealVerifyPolicy policy = {.trust = trust,
                                     .purpose = purpose,
                                     .at = at != 0 ? at : g_get_real_time() / G_USEC_PER_SEC};
    const char *wrong = problem ? problem->message : what_is_wrong(data);

    ERR_clear_error();
    layer->detached = TRUE;
    g_ptr_array_add(report->layers, layer);
    if (wrong)
        layer->reason = g_strdup(wrong); /* its verdict is "malformed" from the start */
    else
        seal_signed_data_judge(data, seal_bytes_view(content), &policy, layer);
    report->verdict = layer->verdict;
    report->good = layer->verdict == SEAL_VERDICT_OK;
    report->reason = g_strdup(layer->reason);
    return report;
}
