/* SignedData that no program would write: Alice's opaque message taken apart, changed, and where it
 * matters signed again with her software key, so that only the one thing is wrong. */
#include <openssl/objects.h>
#include <string.h>

#include "smime/verify.h"
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"
#include "tests/smime/dissect.h"

#define ALICE "alice-p256-sign"

/* -- tools ------------------------------------------------------------------------------------ */

static void
sign_again_as(SealSignerInfo *signer, const char *name)
{
    g_autoptr(GBytes) attributes =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), signer->signed_attributes);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t len = sizeof signature;
    gsize attributes_len = 0;
    const unsigned char *data = g_bytes_get_data(attributes, &attributes_len);

    g_assert_cmpint(
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, scene_identity(name)->key), ==, 1);
    g_assert_cmpint(EVP_DigestSign(context, signature, &len, data, attributes_len), ==, 1);
    ASN1_OCTET_STRING_set(signer->signature, signature, (int)len);
    EVP_MD_CTX_free(context);
}

static void
sign_again(SealSignerInfo *signer)
{
    sign_again_as(signer, ALICE);
}

static X509_ATTRIBUTE *
take_attribute(SealSignerInfo *signer, int nid)
{
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(signer->signed_attributes); i++) {
        X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(signer->signed_attributes, i);

        if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) == nid)
            return sk_X509_ATTRIBUTE_delete(signer->signed_attributes, i);
    }
    g_assert_not_reached();
}

/* Puts an attribute of one value in place of what is there. */
static void
put_attribute(SealSignerInfo *signer, int nid, int type, const void *value, int len)
{
    X509_ATTRIBUTE_free(take_attribute(signer, nid));
    sk_X509_ATTRIBUTE_push(signer->signed_attributes,
                           X509_ATTRIBUTE_create_by_NID(NULL, nid, type, value, len));
    sign_again(signer);
}

static void
set_object(X509_ALGOR *algorithm, const char *oid, int type, void *value)
{
    X509_ALGOR_set0(algorithm, OBJ_txt2obj(oid, 1), type, value);
}

static void
drop_certificates(SealSignedData *data)
{
    sk_ASN1_TYPE_pop_free(data->certificates, ASN1_TYPE_free);
    data->certificates = NULL;
}

static void
drop_signers(SealSignedData *data)
{
    while (sk_SealSignerInfo_num(data->signers) > 0)
        ASN1_item_free((ASN1_VALUE *)sk_SealSignerInfo_pop(data->signers),
                       ASN1_ITEM_rptr(SealSignerInfo));
}

static SealSignerInfo *
copy_signer(const SealSignerInfo *signer)
{
    return ASN1_item_dup(ASN1_ITEM_rptr(SealSignerInfo), signer);
}

/* -- what is changed -------------------------------------------------------------------------- */

static void
change_content_type(SealSignedData *data, SealSignerInfo *signer)
{
    ASN1_OBJECT_free(data->encapsulated->type);
    data->encapsulated->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
}

static void
sign_a_time_stamp(SealSignedData *data, SealSignerInfo *signer)
{
    change_content_type(data, signer);
    put_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                  OBJ_nid2obj(NID_id_smime_ct_TSTInfo), -1);
}

static void
change_signed_content_type(SealSignedData *data, SealSignerInfo *signer)
{
    put_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_enveloped),
                  -1);
}

static void
replay_attributes(SealSignedData *data, SealSignerInfo *signer)
{
    g_autoptr(GBytes) attributes =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), signer->signed_attributes);

    sk_X509_ATTRIBUTE_pop_free(signer->signed_attributes, X509_ATTRIBUTE_free);
    signer->signed_attributes = NULL;
    ASN1_OCTET_STRING_set(data->encapsulated->content, g_bytes_get_data(attributes, NULL),
                          (int)g_bytes_get_size(attributes));
}

static void
double_attributes(SealSignedData *data, SealSignerInfo *signer)
{
    for (int i = sk_X509_ATTRIBUTE_num(signer->signed_attributes); i > 0; i--)
        sk_X509_ATTRIBUTE_push(
            signer->signed_attributes,
            X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(signer->signed_attributes, i - 1)));
    sign_again(signer);
}

static void
put_second_digest(SealSignedData *data, SealSignerInfo *signer)
{
    static const unsigned char other[32] = {0};
    X509_ATTRIBUTE *digest = take_attribute(signer, NID_pkcs9_messageDigest);

    X509_ATTRIBUTE_set1_data(digest, V_ASN1_OCTET_STRING, other, sizeof other);
    sk_X509_ATTRIBUTE_push(signer->signed_attributes, digest);
    sign_again(signer);
}

static void
drop_digest(SealSignedData *data, SealSignerInfo *signer)
{
    X509_ATTRIBUTE_free(take_attribute(signer, NID_pkcs9_messageDigest));
    sign_again(signer);
}

static void
drop_content_type(SealSignedData *data, SealSignerInfo *signer)
{
    X509_ATTRIBUTE_free(take_attribute(signer, NID_pkcs9_contentType));
    sign_again(signer);
}

static void
drop_all_attributes(SealSignedData *data, SealSignerInfo *signer)
{
    while (sk_X509_ATTRIBUTE_num(signer->signed_attributes) > 0)
        X509_ATTRIBUTE_free(sk_X509_ATTRIBUTE_pop(signer->signed_attributes));
    sign_again(signer);
}

static void
mistype_digest(SealSignedData *data, SealSignerInfo *signer)
{
    put_attribute(signer, NID_pkcs9_messageDigest, V_ASN1_UTF8STRING, "digest", 6);
}

static void
cut_digest(SealSignedData *data, SealSignerInfo *signer)
{
    put_attribute(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, "", 0);
}

static void
spoil_signing_time(SealSignedData *data, SealSignerInfo *signer)
{
    put_attribute(signer, NID_pkcs9_signingTime, V_ASN1_UTCTIME, "yesterday", 9);
}

static void
name_other_certificate(SealSignedData *data, SealSignerInfo *signer)
{
    g_autoptr(GBytes) bob = scene_opaque(scene_identity("bob-rsa-sign"), NULL);
    g_autoptr(SealSignedData) other = test_take_apart(bob, ASN1_ITEM_rptr(SealSignedData));

    X509_ATTRIBUTE_free(take_attribute(signer, NID_id_smime_aa_signingCertificateV2));
    sk_X509_ATTRIBUTE_push(signer->signed_attributes,
                           take_attribute(sk_SealSignerInfo_value(other->signers, 0),
                                          NID_id_smime_aa_signingCertificateV2));
    sign_again(signer);
}

static void
swap_hash(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->digest_algorithm, "2.16.840.1.101.3.4.2.2", V_ASN1_UNDEF, NULL);
}

static void
unknown_hash(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->digest_algorithm, "1.2.3.4.5", V_ASN1_UNDEF, NULL);
}

static void
hash_with_parameters(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->digest_algorithm, "2.16.840.1.101.3.4.2.1", V_ASN1_OCTET_STRING,
               ASN1_OCTET_STRING_new());
}

static void
unknown_algorithm(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.3.4.5", V_ASN1_UNDEF, NULL);
}

static void
algorithm_with_parameters(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.840.10045.4.3.2", V_ASN1_OCTET_STRING,
               ASN1_OCTET_STRING_new());
}

static void
algorithm_of_other_key(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.840.113549.1.1.11", V_ASN1_NULL, NULL);
}

static void
algorithm_of_other_hash(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.840.10045.4.3.4", V_ASN1_UNDEF, NULL);
}

/* Without its parameters PSS would be taken with SHA-1 by the letter of RFC 4055. */
static void
pss_without_parameters(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.840.113549.1.1.10", V_ASN1_UNDEF, NULL);
}

static void
empty_signature(SealSignedData *data, SealSignerInfo *signer)
{
    ASN1_OCTET_STRING_set(signer->signature, (const unsigned char *)"", 0);
}

/* r and s zero: what CVE-2022-21449 took for good. */
static void
zero_signature(SealSignedData *data, SealSignerInfo *signer)
{
    static const unsigned char zeroes[] = {0x30, 6, 2, 1, 0, 2, 1, 0};

    ASN1_OCTET_STRING_set(signer->signature, zeroes, sizeof zeroes);
}

static void
longer_signature(SealSignedData *data, SealSignerInfo *signer)
{
    gsize len = 0;
    const guint8 *bytes = seal_octets(signer->signature, &len);
    g_autofree guint8 *longer = g_malloc0(len + 1);

    memcpy(longer, bytes, len);
    ASN1_OCTET_STRING_set(signer->signature, longer, (int)len + 1);
}

static void
signature_of_bob(SealSignedData *data, SealSignerInfo *signer)
{
    set_object(signer->signature_algorithm, "1.2.840.113549.1.1.11", V_ASN1_NULL, NULL);
    sign_again_as(signer, "bob-rsa-sign");
}

static void
without_certificates(SealSignedData *data, SealSignerInfo *signer)
{
    drop_certificates(data);
}

static void
unknown_key_id(SealSignedData *data, SealSignerInfo *signer)
{
    ASN1_OCTET_STRING *key_id = ASN1_OCTET_STRING_new();

    ASN1_OCTET_STRING_set(key_id, (const unsigned char *)"nobody", 6);
    ASN1_item_free((ASN1_VALUE *)signer->id->d.issuer_serial, ASN1_ITEM_rptr(SealIssuerSerial));
    signer->id->type = SEAL_ID_KEY;
    signer->id->d.key_id = key_id;
}

static void
without_signers(SealSignedData *data, SealSignerInfo *signer)
{
    drop_signers(data);
}

static void
certificates_only(SealSignedData *data, SealSignerInfo *signer)
{
    drop_signers(data);
    g_clear_pointer(&data->encapsulated->content, ASN1_OCTET_STRING_free);
}

static void
without_content(SealSignedData *data, SealSignerInfo *signer)
{
    g_clear_pointer(&data->encapsulated->content, ASN1_OCTET_STRING_free);
}

static void
second_signer_is_bad(SealSignedData *data, SealSignerInfo *signer)
{
    SealSignerInfo *second = copy_signer(signer);

    zero_signature(data, second);
    sk_SealSignerInfo_push(data->signers, second);
}

static void
first_signer_is_bad(SealSignedData *data, SealSignerInfo *signer)
{
    sk_SealSignerInfo_push(data->signers, copy_signer(signer));
    zero_signature(data, signer);
}

static void
many_signers(SealSignedData *data, SealSignerInfo *signer)
{
    for (guint i = 0; i < SEAL_SIGNERS_MAX; i++)
        sk_SealSignerInfo_push(data->signers, copy_signer(signer));
}

static void
most_signers(SealSignedData *data, SealSignerInfo *signer)
{
    many_signers(data, signer);
    ASN1_item_free((ASN1_VALUE *)sk_SealSignerInfo_pop(data->signers),
                   ASN1_ITEM_rptr(SealSignerInfo));
}

static void
thousand_certificates(SealSignedData *data, SealSignerInfo *signer)
{
    const ASN1_TYPE *one = sk_ASN1_TYPE_value(data->certificates, 0);

    for (guint i = 0; i < 1000; i++) {
        ASN1_TYPE *copy = ASN1_TYPE_new();

        ASN1_TYPE_set1(copy, one->type, one->value.ptr);
        sk_ASN1_TYPE_push(data->certificates, copy);
    }
}

static void
long_certificate(SealSignedData *data, SealSignerInfo *signer)
{
    g_autofree unsigned char *zeros = g_malloc0(128 * 1024 + 1);
    ASN1_STRING *value = ASN1_STRING_new();
    ASN1_TYPE *any = ASN1_TYPE_new();

    /* A SEQUENCE of so many bytes; none of them is read. */
    zeros[0] = 0x30;
    zeros[1] = 0x83;
    zeros[2] = 0x01;
    zeros[3] = 0xff;
    zeros[4] = 0xfc;
    ASN1_STRING_set(value, zeros, 128 * 1024 + 1);
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, value);
    sk_ASN1_TYPE_push(data->certificates, any);
}

/* Nothing covers unsigned attributes, so whatever they say must not count. */
static void
unsigned_attributes(SealSignedData *data, SealSignerInfo *signer)
{
    signer->unsigned_attributes = sk_X509_ATTRIBUTE_new_null();
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(signer->signed_attributes); i++)
        sk_X509_ATTRIBUTE_push(
            signer->unsigned_attributes,
            X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(signer->signed_attributes, i)));
    sk_X509_ATTRIBUTE_push(
        signer->unsigned_attributes,
        X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_countersignature, V_ASN1_UTF8STRING, "x", 1));
}

/* All that is good about the attributes stands where nothing signs it. */
static void
attributes_moved_out(SealSignedData *data, SealSignerInfo *signer)
{
    signer->unsigned_attributes = signer->signed_attributes;
    signer->signed_attributes = NULL;
}

/* What RFC 5652 11 does not know says nothing, and spoils nothing. */
static void
unknown_attribute(SealSignedData *data, SealSignerInfo *signer)
{
    ASN1_OBJECT *type = OBJ_txt2obj("1.2.3.4.5", 1);

    sk_X509_ATTRIBUTE_push(signer->signed_attributes,
                           X509_ATTRIBUTE_create_by_OBJ(NULL, type, V_ASN1_UTF8STRING, "x", 1));
    ASN1_OBJECT_free(type);
    sign_again(signer);
}

static void
odd_versions(SealSignedData *data, SealSignerInfo *signer)
{
    ASN1_INTEGER_set(data->version, 77);
    ASN1_INTEGER_set(signer->version, -1);
}

static const struct {
    const char *name;
    void (*edit)(SealSignedData *data, SealSignerInfo *signer);
} edits[] = {
    {"content-type", change_content_type},
    {"signed-content-type", change_signed_content_type},
    {"time-stamp", sign_a_time_stamp},
    {"replayed-attributes", replay_attributes},
    {"double-attributes", double_attributes},
    {"second-digest", put_second_digest},
    {"no-digest", drop_digest},
    {"no-content-type", drop_content_type},
    {"no-attributes", drop_all_attributes},
    {"mistyped-digest", mistype_digest},
    {"short-digest", cut_digest},
    {"signing-time", spoil_signing_time},
    {"other-certificate", name_other_certificate},
    {"swapped-hash", swap_hash},
    {"unknown-hash", unknown_hash},
    {"hash-parameters", hash_with_parameters},
    {"unknown-algorithm", unknown_algorithm},
    {"algorithm-parameters", algorithm_with_parameters},
    {"algorithm-of-other-key", algorithm_of_other_key},
    {"algorithm-of-other-hash", algorithm_of_other_hash},
    {"pss-without-parameters", pss_without_parameters},
    {"empty-signature", empty_signature},
    {"zero-signature", zero_signature},
    {"longer-signature", longer_signature},
    {"signature-of-bob", signature_of_bob},
    {"no-certificates", without_certificates},
    {"unknown-key-id", unknown_key_id},
    {"no-signers", without_signers},
    {"certificates-only", certificates_only},
    {"no-content", without_content},
    {"second-signer-bad", second_signer_is_bad},
    {"first-signer-bad", first_signer_is_bad},
    {"33-signers", many_signers},
    {"32-signers", most_signers},
    {"1000-certificates", thousand_certificates},
    {"long-certificate", long_certificate},
    {"unsigned-attributes", unsigned_attributes},
    {"attributes-moved-out", attributes_moved_out},
    {"unknown-attribute", unknown_attribute},
    {"odd-versions", odd_versions},
};

static GBytes *
edited(const char *name)
{
    g_autoptr(GBytes) mail = scene_opaque(scene_identity(ALICE), NULL);
    g_autoptr(SealSignedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    guint found = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(edits); i++) {
        if (!g_str_equal(edits[i].name, name))
            continue;
        edits[i].edit(data, sk_SealSignerInfo_value(data->signers, 0));
        found++;
    }
    g_assert_cmpuint(found, ==, 1);
    return test_put_together(data, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
}

/* -- bytes ------------------------------------------------------------------------------------ */

/* The message under another content type. */
static GBytes *
retyped(const char *oid)
{
    g_autoptr(GBytes) mail = scene_opaque(scene_identity(ALICE), NULL);
    g_autoptr(SealSignedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    int nid = OBJ_txt2nid(oid);

    g_assert_cmpint(nid, !=, NID_undef);
    return test_put_together(data, ASN1_ITEM_rptr(SealSignedData), nid);
}

static GBytes *
with_bytes_behind(const char *more)
{
    g_autoptr(GBytes) mail = scene_opaque(scene_identity(ALICE), NULL);
    g_autoptr(GBytes) cms = test_cms_of(mail);
    GByteArray *bytes = g_bytes_unref_to_array(g_steal_pointer(&cms));
    g_autoptr(GBytes) longer = NULL;

    g_byte_array_append(bytes, (const guint8 *)more, (guint)strlen(more));
    longer = g_byte_array_free_to_bytes(bytes);
    return test_mail_of(longer);
}

/* The outermost two values without a length of their own (BER). */
static GBytes *
indefinite(const char *unused)
{
    static const guint8 head[] = {0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x80};
    g_autoptr(GBytes) mail = scene_opaque(scene_identity(ALICE), NULL);
    g_autoptr(SealSignedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) inner = seal_asn1_write(ASN1_ITEM_rptr(SealSignedData), data);
    GByteArray *bytes = g_byte_array_new();
    g_autoptr(GBytes) whole = NULL;

    g_byte_array_append(bytes, head, sizeof head);
    g_byte_array_append(bytes, g_bytes_get_data(inner, NULL), (guint)g_bytes_get_size(inner));
    g_byte_array_append(bytes, (const guint8[4]){0}, 4);
    whole = g_byte_array_free_to_bytes(bytes);
    return test_mail_of(whole);
}

/* A ContentInfo whose content opens `tag` without a length again and again. */
static GBytes *
nested_values(const char *tag)
{
    static const guint8 head[] = {0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                  0x01, 0x07, 0x02, 0xa0, 0x80, 0x30, 0x80, 0x02, 0x01, 0x01,
                                  0x31, 0x00, 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x07, 0x01, 0xa0, 0x80};
    const guint8 open[] = {(guint8)strtoul(tag, NULL, 16), 0x80};
    GByteArray *bytes = g_byte_array_new();
    g_autoptr(GBytes) whole = NULL;

    g_byte_array_append(bytes, head, sizeof head);
    for (guint i = 0; i < 1000000; i++)
        g_byte_array_append(bytes, open, sizeof open);
    whole = g_byte_array_free_to_bytes(bytes);
    return test_mail_of(whole);
}

static GBytes *
hexadecimal(const char *digits)
{
    long len = 0;
    unsigned char *bytes = OPENSSL_hexstr2buf(digits, &len);
    g_autoptr(GBytes) cms = g_bytes_new(bytes, (gsize)len);

    OPENSSL_free(bytes);
    return test_mail_of(cms);
}

/* -- the table -------------------------------------------------------------------------------- */

#define MALFORMED   "verify", "malformed"
#define BAD         "verify", "bad-signature"
#define UNSUPPORTED "verify", "unsupported"
#define LIMIT       "verify", "resource-limit"
#define GOOD        "verify", "ok", NULL

const CorpusRow corpus_signed[] = {
    {"signed/content-type-differs-from-signed", MALFORMED, "not the type of the content", edited,
     "content-type"},
    {"signed/signed-content-type-differs", MALFORMED, "not the type of the content", edited,
     "signed-content-type"},
    {"signed/time-stamp/is-no-mail", UNSUPPORTED, "no plain data", edited, "time-stamp"},
    {"signed/attributes-replayed-as-content", MALFORMED, "another message's signed attributes",
     edited, "replayed-attributes"},
    {"signed/attributes-twice", MALFORMED, "their one content-type", edited, "double-attributes"},
    {"signed/two-digests", MALFORMED, "their one message-digest", edited, "second-digest"},
    {"signed/no-digest", MALFORMED, "their one message-digest", edited, "no-digest"},
    {"signed/no-content-type", MALFORMED, "their one content-type", edited, "no-content-type"},
    {"signed/attributes-empty", MALFORMED, "their one content-type", edited, "no-attributes"},
    {"signed/digest-of-another-type", MALFORMED, "their one message-digest", edited,
     "mistyped-digest"},
    {"signed/digest-empty", BAD, "changed after it was signed", edited, "short-digest"},
    {"signed/signing-time-unreadable/is-not-stated", GOOD, edited, "signing-time"},
    {"signed/for-another-certificate", BAD, "another certificate", edited, "other-certificate"},
    {"signed/hash-swapped", MALFORMED, "contradicts", edited, "swapped-hash"},
    {"signed/hash-unknown", UNSUPPORTED, "hash algorithm is not known", edited, "unknown-hash"},
    {"signed/hash-with-parameters", UNSUPPORTED, "hash algorithm is not known", edited,
     "hash-parameters"},
    {"signed/algorithm-unknown", UNSUPPORTED, "algorithm is not known", edited,
     "unknown-algorithm"},
    {"signed/algorithm-with-parameters", MALFORMED, "contradicts its parameters", edited,
     "algorithm-parameters"},
    {"signed/algorithm-of-another-kind-of-key", BAD, "not made with the key", edited,
     "algorithm-of-other-key"},
    {"signed/algorithm-of-another-hash", MALFORMED, "contradicts", edited,
     "algorithm-of-other-hash"},
    {"signed/pss-without-parameters", MALFORMED, "contradicts", edited, "pss-without-parameters"},
    {"signed/signature-empty", BAD, "not made with the key", edited, "empty-signature"},
    {"signed/signature-of-zeroes", BAD, "not made with the key", edited, "zero-signature"},
    {"signed/signature-with-a-byte-behind", BAD, "not made with the key", edited,
     "longer-signature"},
    {"signed/signature-of-somebody-else", BAD, "not made with the key", edited, "signature-of-bob"},
    {"signed/no-certificates", "verify", "signer-cert-missing", "ask the sender for it", edited,
     "no-certificates"},
    {"signed/unknown-key-id", "verify", "signer-cert-missing", "ask the sender for it", edited,
     "unknown-key-id"},
    {"signed/no-signers", "verify", "unsigned", "nobody signed it", edited, "no-signers"},
    {"signed/certificates-only", "open", "certs-only", "no message", edited, "certificates-only"},
    {"signed/no-content", MALFORMED, "what was signed is missing", edited, "no-content"},
    {"signed/second-signer-bad", "verify", "ok-partial", "not made with the key", edited,
     "second-signer-bad"},
    {"signed/first-signer-bad", "open", "ok-partial", "not made with the key", edited,
     "first-signer-bad"},
    {"signed/32-signers", GOOD, edited, "32-signers"},
    {"signed/33-signers", LIMIT, "more signers or certificates", edited, "33-signers"},
    {"signed/thousand-certificates", LIMIT, "more signers or certificates", edited,
     "1000-certificates"},
    {"signed/certificate-of-129-KiB", LIMIT, "more than 128 KiB", edited, "long-certificate"},
    {"signed/unsigned-attributes/do-not-count", GOOD, edited, "unsigned-attributes"},
    {"signed/attributes-moved-out", BAD, "not made with the key", edited, "attributes-moved-out"},
    {"signed/attribute-unknown/does-not-count", GOOD, edited, "unknown-attribute"},
    {"signed/odd-versions", GOOD, edited, "odd-versions"},
    {"signed/no-length/is-ok", GOOD, indefinite},
    {"signed/typed-as-data", UNSUPPORTED, "not known here", retyped, "pkcs7-data"},
    {"signed/typed-as-digested", UNSUPPORTED, "not known here", retyped, "pkcs7-digestData"},
    {"signed/typed-as-encrypted", UNSUPPORTED, "not known here", retyped, "pkcs7-encryptedData"},
    {"signed/typed-as-enveloped", "open", "malformed", "enveloped data cannot be read", retyped,
     "pkcs7-envelopedData"},
    {"signed/typed-as-auth-enveloped", "open", "malformed", "enveloped data cannot be read",
     retyped, "id-smime-ct-authEnvelopedData"},
    {"signed/type-unknown", UNSUPPORTED, "not known here", hexadecimal, "300906032a0304a0023000"},
    {"signed/bytes-behind", MALFORMED, "cannot be read", with_bytes_behind, "more"},
    {"signed/a-million-nested-strings", MALFORMED, "cannot be read", nested_values, "24"},
    {"signed/a-million-nested-sequences", MALFORMED, "cannot be read", nested_values, "30"},
    {"signed/length-of-4-gigabytes", MALFORMED, "cannot be read", hexadecimal,
     "3084ffffffff06092a864886f70d010702"},
    {"signed/length-of-2-gigabytes", MALFORMED, "cannot be read", hexadecimal,
     "30847fffffff06092a864886f70d010702"},
    {"signed/length-of-length-of-127", MALFORMED, "cannot be read", hexadecimal, "30ff00"},
    {"signed/content-is-an-integer", MALFORMED, "cannot be read", hexadecimal,
     "301006092a864886f70d010702a003020101"},
    {"signed/content-is-missing", MALFORMED, "cannot be read", hexadecimal,
     "300b06092a864886f70d010702"},
    {0},
};
