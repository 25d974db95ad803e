/* Policy on signatures: the facts come from signature.c and pki/, here they become one word per
 * signer and one per layer. Of several defects of a signer the verdict is the first in the order of
 * SealVerdict. */
#include "smime/verify.h"

#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/cost.h"
#include "smime/preference.h"
#include "smime/signature.h"

#include <openssl/err.h>

static STACK_OF(X509) *
read_certificates(const SealSignedData *data)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();

    for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++) {
        const ASN1_TYPE *any = sk_ASN1_TYPE_value(data->certificates, i);
        X509 *certificate = NULL;

        if (any->type == V_ASN1_SEQUENCE) /* others are PKCS#6 and attribute certificates */
            certificate = ASN1_item_unpack(any->value.sequence, ASN1_ITEM_rptr(X509));
        if (certificate)
            sk_X509_push(certificates, certificate);
    }
    ERR_clear_error();
    return certificates;
}

static GBytes *
encode(const X509 *certificate)
{
    return seal_asn1_write(ASN1_ITEM_rptr(X509), certificate);
}

/* Takes `reason`. */
static void
note_verdict(SealSignerReport *signer, SealVerdict verdict, char *reason)
{
    if (verdict == SEAL_VERDICT_OK ||
        (signer->verdict != SEAL_VERDICT_OK && signer->verdict <= verdict)) {
        g_free(reason);
        return;
    }
    signer->verdict = verdict;
    g_free(signer->reason);
    signer->reason = reason;
}

/* -- one signer ------------------------------------------------------------------------------- */

static void
judge_chain(SealSignerReport *signer, X509 *certificate, STACK_OF(X509) *certificates,
            const SealVerifyPolicy *policy)
{
    g_auto(SealChainResult) result = {0};
    g_autoptr(SealTrust) nobody = policy->trust ? NULL : seal_trust_new();

    seal_trust_judge(policy->trust ? policy->trust : nobody, certificate, certificates,
                     policy->purpose, policy->at, &result);
    signer->chain = seal_chain_word(result.state);
    signer->revocation = result.revocation;
    signer->revocation_detail = g_steal_pointer(&result.revocation_detail);
    signer->validation_level = seal_level_words[result.level];
    signer->validation_generation = seal_generation_words[result.generation];
    /* A state without a word of its own among the verdicts must not pass for none. */
    if (result.state != SEAL_CHAIN_GOOD)
        note_verdict(signer, seal_verdict_from_word(signer->chain, SEAL_VERDICT_UNTRUSTED),
                     g_strdup(result.reason));
}

static gboolean
is_any_in(GPtrArray *addresses, GPtrArray *senders)
{
    for (guint i = 0; senders && i < senders->len; i++)
        if (seal_address_in(addresses, g_ptr_array_index(senders, i)))
            return TRUE;
    return FALSE;
}

static gboolean
differs_in_case(GPtrArray *addresses, const char *sender)
{
    for (guint i = 0; i < addresses->len; i++)
        if (seal_address_differs_in_case(g_ptr_array_index(addresses, i), sender))
            return TRUE;
    return FALSE;
}

/* What the reader should know about why they differ. RFC 8550 3 is content with Sender; what people
 * are shown is From. */
static const char *
mismatch_hint(const SealSignerReport *signer, const SealVerifyPolicy *policy, const char *sender)
{
    if (is_any_in(signer->addresses, policy->sent_by))
        return "its signer is the one who sent it for them (Sender), they did not sign it";
    if (differs_in_case(signer->addresses, sender))
        return "they differ in upper and lower case, which can be two mailboxes, ask the sender to "
               "write the address as it is certified";
    return "ask the sender by another way whether it is theirs";
}

static char *
mismatch_reason(const SealSignerReport *signer, const SealVerifyPolicy *policy)
{
    const char *sender = NULL;
    g_autofree char *held = NULL;

    if (policy->senders->len == 0)
        return g_strdup("the mail does not say who sent it, name the sender with --from");
    sender = g_ptr_array_index(policy->senders, 0);
    g_ptr_array_add(signer->addresses, NULL);
    held = g_strjoinv(", ", (char **)signer->addresses->pdata);
    g_ptr_array_remove_index(signer->addresses, signer->addresses->len - 1);
    return g_strdup_printf("the mail is from %s, but its signer is certified as %s: %s",
                           *sender ? sender : "an address that cannot be read",
                           *held ? held : "nobody with a mail address",
                           mismatch_hint(signer, policy, sender));
}

static void
judge_address(SealSignerReport *signer, const SealVerifyPolicy *policy)
{
    gboolean match = is_any_in(signer->addresses, policy->senders);

    signer->address_match = match ? "match" : "mismatch";
    if (!match)
        note_verdict(signer, SEAL_VERDICT_ADDRESS_MISMATCH, mismatch_reason(signer, policy));
}

static void
judge_strength(SealSignerReport *signer, const SealSignatureCheck *check)
{
    gboolean weak_hash = check->hash && check->hash->weak;

    if (weak_hash ||
        (check->has_scheme && check->scheme.mgf1_hash && check->scheme.mgf1_hash->weak))
        note_verdict(
            signer, SEAL_VERDICT_WEAK_ALGORITHM,
            g_strdup_printf("the signature uses the hash %s, with which two messages can have "
                            "one signature: ask the sender to sign with SHA-256",
                            weak_hash ? check->hash->name : check->scheme.mgf1_hash->name));
    if (check->certificate && seal_certificate_is_weak(check->certificate))
        note_verdict(signer, SEAL_VERDICT_WEAK_ALGORITHM,
                     g_strdup("the signer's key is so short that others can sign with it: ask the "
                              "sender to get a key of RSA 2048 or better"));
}

static void
describe_signature(SealSignerReport *signer, const SealSignatureCheck *check)
{
    signer->signing_time = check->signing_time;
    if (check->hash)
        signer->digest_algorithm = g_strdup(check->hash->name);
    if (check->has_scheme)
        signer->signature_algorithm = g_strdup(seal_scheme_name(check->scheme.kind));
    if (check->verdict == SEAL_VERDICT_OK)
        signer->signature = "good";
    else if (check->verdict == SEAL_VERDICT_BAD_SIGNATURE)
        signer->signature = "bad";
}

/* Of a signer who is believed: for whom, and how to answer. */
static void
note_answer(SealSignerReport *signer, const SealSignerInfo *info, X509 *certificate,
            STACK_OF(X509) *certificates, const GPtrArray *senders)
{
    X509 *encryption = NULL;

    for (guint i = 0; senders && i < senders->len; i++)
        if (seal_address_in(signer->addresses, senders->pdata[i]))
            g_ptr_array_add(signer->senders, g_strdup(senders->pdata[i]));
    encryption = seal_preference_certificate(info->signed_attributes, certificate, certificates);
    if (encryption)
        signer->encryption_certificate = encode(encryption);
    signer->capabilities = seal_preference_capabilities(info->signed_attributes);
}

static SealSignerReport *
judge_signer(const SealSignedData *data, const SealSignerInfo *info, SealBytes content,
             STACK_OF(X509) *certificates, const SealVerifyPolicy *policy)
{
    SealSignerReport *signer = seal_signer_report_new();
    SealSignatureCheck check;

    seal_signature_check(info, data->encapsulated->type, content, certificates, &check);
    describe_signature(signer, &check);
    note_verdict(signer, check.verdict, g_strdup(check.reason));
    if (!check.certificate)
        return signer;
    signer->certificate = encode(check.certificate);
    signer->subject = seal_certificate_subject(check.certificate);
    g_ptr_array_unref(signer->addresses);
    signer->addresses = seal_address_list(check.certificate);
    judge_chain(signer, check.certificate, certificates, policy);
    if (policy->senders)
        judge_address(signer, policy);
    judge_strength(signer, &check);
    /* Whose certificate it is says nothing where the signature is not theirs. */
    if (check.verdict != SEAL_VERDICT_OK && signer->verdict != check.verdict) {
        signer->verdict = SEAL_VERDICT_OK;
        note_verdict(signer, check.verdict, g_strdup(check.reason));
    }
    if (signer->verdict == SEAL_VERDICT_OK)
        note_answer(signer, info, check.certificate, certificates, policy->senders);
    return signer;
}

/* -- the layer -------------------------------------------------------------------------------- */

static void
set_layer(SealLayerReport *layer, SealVerdict verdict, const char *reason)
{
    layer->verdict = verdict;
    g_free(layer->reason);
    layer->reason = g_strdup(reason);
}

static gboolean
has_signed(const SealLayerReport *layer, const char *sender)
{
    for (guint i = 0; i < layer->signers->len; i++) {
        const SealSignerReport *signer = g_ptr_array_index(layer->signers, i);

        if (seal_address_in(signer->addresses, sender))
            return TRUE;
    }
    return FALSE;
}

/* All signers are good: does each author have one? */
static void
judge_authors(SealLayerReport *layer, const GPtrArray *senders)
{
    for (guint i = 0; senders && i < senders->len; i++) {
        const char *sender = g_ptr_array_index(senders, i);
        g_autofree char *reason = NULL;

        if (has_signed(layer, sender))
            continue;
        reason = g_strdup_printf("it names %s as an author, too, who has not signed it: ask them "
                                 "by another way whether it is theirs",
                                 *sender ? sender : "an address that cannot be read");
        set_layer(layer, SEAL_VERDICT_ADDRESS_MISMATCH, reason);
        return;
    }
}

static void
sum_up(SealLayerReport *layer, const SealVerifyPolicy *policy)
{
    const SealSignerReport *first = NULL;
    guint good = 0;

    for (guint i = 0; i < layer->signers->len; i++) {
        const SealSignerReport *signer = g_ptr_array_index(layer->signers, i);

        if (signer->verdict == SEAL_VERDICT_OK)
            good++;
        else if (!first || signer->verdict < first->verdict)
            first = signer;
    }
    if (!first)
        set_layer(layer, SEAL_VERDICT_OK, NULL);
    else
        set_layer(layer, good > 0 ? SEAL_VERDICT_OK_PARTIAL : first->verdict, first->reason);
    if (!first)
        judge_authors(layer, policy->senders);
}

static gboolean
has_long_certificate(const SealSignedData *data)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++) {
        const ASN1_TYPE *any = sk_ASN1_TYPE_value(data->certificates, i);

        if (any->type == V_ASN1_SEQUENCE &&
            (gsize)ASN1_STRING_length(any->value.sequence) > SEAL_CERTIFICATE_LEN_MAX)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_within_limits(const SealSignedData *data, SealBytes content, SealLayerReport *layer)
{
    const char *reason = NULL;

    if (sk_SealSignerInfo_num(data->signers) > SEAL_SIGNERS_MAX ||
        sk_ASN1_TYPE_num(data->certificates) > SEAL_CERTIFICATES_MAX)
        reason = "it has more signers or certificates than are looked at";
    else if (content.len * (guint64)sk_SealSignerInfo_num(data->signers) > SEAL_SIGNED_BYTES_MAX)
        reason = "it has more signers than are looked at for its size";
    else if (has_long_certificate(data))
        reason = "it has a certificate of more than 128 KiB, which is not looked at";
    if (reason)
        set_layer(layer, SEAL_VERDICT_RESOURCE_LIMIT, reason);
    return !reason;
}

static void
note_issuers(SealLayerReport *layer, STACK_OF(X509) *certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (seal_certificate_is_authority(sk_X509_value(certificates, i)))
            g_ptr_array_add(layer->issuers, encode(sk_X509_value(certificates, i)));
}

void
seal_signed_data_judge(const SealSignedData *data, SealBytes content,
                       const SealVerifyPolicy *policy, SealLayerReport *layer)
{
    STACK_OF(X509) *certificates = NULL;

    if (!is_within_limits(data, content, layer))
        return;
    certificates = read_certificates(data);
    for (int i = 0; i < sk_SealSignerInfo_num(data->signers); i++) {
        const SealSignerInfo *info = sk_SealSignerInfo_value(data->signers, i);
        SealSignerReport *signer = judge_signer(data, info, content, certificates, policy);

        seal_layer_report_add_algorithm(layer, signer->digest_algorithm);
        seal_layer_report_add_algorithm(layer, signer->signature_algorithm);
        g_ptr_array_add(layer->signers, signer);
    }
    note_issuers(layer, certificates);
    sk_X509_pop_free(certificates, X509_free);
    if (layer->signers->len == 0)
        set_layer(layer, SEAL_VERDICT_UNSIGNED,
                  "it is packed as signed mail, but nobody signed it");
    else
        sum_up(layer, policy);
}
