/* One signer, checked without OpenSSL's CMS_verify, which takes a content-type attribute that
 * differs from the content's type, and signed attributes replayed as content. Each step below names
 * what it found and stops; nobody later makes a bad signature good. */
#include "smime/signature.h"

#include "pki/strength.h"

#include "smime/attributes.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

static gboolean
refuse(SealSignatureCheck *check, SealVerdict verdict, const char *reason)
{
    check->verdict = verdict;
    check->reason = reason;
    return FALSE;
}

/* -- who -------------------------------------------------------------------------------------- */

static gboolean
is_named(const SealCertificateId *id, X509 *certificate)
{
    if (id->type == SEAL_ID_KEY) {
        const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(certificate);

        return key_id && ASN1_OCTET_STRING_cmp(key_id, id->d.key_id) == 0;
    }
    return X509_NAME_cmp(id->d.issuer_serial->issuer, X509_get_issuer_name(certificate)) == 0 &&
           ASN1_INTEGER_cmp(id->d.issuer_serial->serial, X509_get0_serialNumber(certificate)) == 0;
}

static gboolean
find_certificate(const SealSignerInfo *info, STACK_OF(X509) *certificates,
                 SealSignatureCheck *check)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (is_named(info->id, sk_X509_value(certificates, i))) {
            check->certificate = sk_X509_value(certificates, i);
            break;
        }
    if (!check->certificate)
        return refuse(check, SEAL_VERDICT_SIGNER_CERT_MISSING,
                      "the message does not carry the signer's certificate, ask the sender for it");
    if (!X509_get0_pubkey(check->certificate))
        return refuse(check, SEAL_VERDICT_UNSUPPORTED,
                      "the signer's public key is of a kind that is not known here");
    if (seal_key_problem(check->certificate))
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the signer's public key breaks the rules for keys or is too large to be "
                      "looked at, ask the sender for another");
    return TRUE;
}

/* -- how -------------------------------------------------------------------------------------- */

static gboolean
read_algorithms(const SealSignerInfo *info, SealSignatureCheck *check)
{
    check->hash = seal_hash_of(info->digest_algorithm);
    if (!check->hash)
        return refuse(check, SEAL_VERDICT_UNSUPPORTED,
                      "the signature's hash algorithm is not known here");
    switch (seal_scheme_read(info->signature_algorithm, check->hash, &check->scheme)) {
    case SEAL_SCHEME_FINE:
        check->has_scheme = TRUE;
        return TRUE;
    case SEAL_SCHEME_UNKNOWN:
        return refuse(check, SEAL_VERDICT_UNSUPPORTED,
                      "the signature's algorithm is not known here");
    default:
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the signature's algorithm contradicts its parameters or its hash");
    }
}

/* -- what ------------------------------------------------------------------------------------- */

static gboolean
check_content_type(const STACK_OF(X509_ATTRIBUTE) *attributes, const ASN1_OBJECT *content_type,
                   SealSignatureCheck *check)
{
    const ASN1_TYPE *value = NULL;

    if (seal_attribute_find(attributes, NID_pkcs9_contentType, &value) != SEAL_ATTRIBUTE_ONCE ||
        value->type != V_ASN1_OBJECT)
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the signed attributes lack their one content-type");
    if (OBJ_cmp(value->value.object, content_type) != 0)
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the signed content-type is not the type of the content");
    /* RFC 8551 2.4.1 has data alone for mail. A time stamp or a receipt is signed for other ends,
     * often by programs that ask nobody. */
    if (OBJ_obj2nid(content_type) != NID_pkcs7_data)
        return refuse(check, SEAL_VERDICT_UNSUPPORTED,
                      "what was signed is no plain data, but of another type, such as a time stamp");
    return TRUE;
}

static gboolean
check_digest(const STACK_OF(X509_ATTRIBUTE) *attributes, SealBytes content,
             SealSignatureCheck *check)
{
    const ASN1_TYPE *value = NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    gsize digest_len = 0;
    SealBytes stated = {0};

    if (seal_attribute_find(attributes, NID_pkcs9_messageDigest, &value) != SEAL_ATTRIBUTE_ONCE ||
        value->type != V_ASN1_OCTET_STRING)
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the signed attributes lack their one message-digest");
    stated.data = seal_octets(value->value.octet_string, &stated.len);
    digest_len = seal_hash_digest(check->hash, content, digest);
    if (digest_len == 0 || stated.len != digest_len || memcmp(stated.data, digest, digest_len) != 0)
        return refuse(check, SEAL_VERDICT_BAD_SIGNATURE,
                      "the content was changed after it was signed");
    return TRUE;
}

/* A signature over attributes is also one over a "content" of those very bytes. Mail never looks
 * like that, so without attributes such content is a replay. */
static gboolean
looks_like_attributes(SealBytes content)
{
    STACK_OF(X509_ATTRIBUTE) *attributes = NULL;
    const ASN1_TYPE *value = NULL;
    gboolean found = FALSE;

    if (content.len == 0 || content.data[0] != 0x31) /* the tag of a SET */
        return FALSE;
    attributes = seal_asn1_read(ASN1_ITEM_rptr(SealAttributeSet), content.data, content.len);
    found =
        seal_attribute_find(attributes, NID_pkcs9_messageDigest, &value) != SEAL_ATTRIBUTE_ABSENT;
    sk_X509_ATTRIBUTE_pop_free(attributes, X509_ATTRIBUTE_free);
    return found;
}

static gboolean
check_without_attributes(const ASN1_OBJECT *content_type, SealBytes content,
                         SealSignatureCheck *check)
{
    if (OBJ_obj2nid(content_type) != NID_pkcs7_data) /* RFC 5652 5.3 */
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "content of this type must have signed attributes");
    if (looks_like_attributes(content))
        return refuse(check, SEAL_VERDICT_MALFORMED,
                      "the content is another message's signed attributes");
    return TRUE;
}

static gboolean
verify_bytes(const SealSignerInfo *info, SealBytes message, SealSignatureCheck *check)
{
    SealBytes signature = {0};

    signature.data = seal_octets(info->signature, &signature.len);
    if (!seal_scheme_verify(&check->scheme, X509_get0_pubkey(check->certificate), message.data,
                            message.len, signature.data, signature.len))
        return refuse(check, SEAL_VERDICT_BAD_SIGNATURE,
                      "the signature was not made with the key of the signer's certificate");
    return TRUE;
}

static gboolean
verify_attributes(const SealSignerInfo *info, SealSignatureCheck *check)
{
    g_autoptr(GBytes) message =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), info->signed_attributes);
    gsize len = 0;
    const uint8_t *data = g_bytes_get_data(message, &len);

    if (!verify_bytes(info, (SealBytes){data, len}, check))
        return FALSE;
    if (seal_attribute_names_certificate(info->signed_attributes, check->certificate) ==
        SEAL_ATTRIBUTE_WRONG)
        return refuse(check, SEAL_VERDICT_BAD_SIGNATURE,
                      "the signer signed for another certificate than the message carries");
    return TRUE;
}

void
seal_signature_check(const SealSignerInfo *info, const ASN1_OBJECT *content_type, SealBytes content,
                     STACK_OF(X509) *certificates, SealSignatureCheck *ret_check)
{
    const STACK_OF(X509_ATTRIBUTE) *attributes = info->signed_attributes;

    *ret_check = (SealSignatureCheck){.verdict = SEAL_VERDICT_OK, .signing_time = G_MININT64};
    ret_check->signing_time = seal_attribute_signing_time(attributes);
    if (!read_algorithms(info, ret_check) || !find_certificate(info, certificates, ret_check))
        return;
    if (!attributes) {
        if (check_without_attributes(content_type, content, ret_check))
            verify_bytes(info, content, ret_check);
        return;
    }
    if (check_content_type(attributes, content_type, ret_check) &&
        check_digest(attributes, content, ret_check))
        verify_attributes(info, ret_check);
}
