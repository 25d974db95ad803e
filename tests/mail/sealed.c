/* EnvelopedData and AuthEnvelopedData sealed for Alice's keys, taken apart and changed. What
 * nothing authenticates can be changed without a trace: such mails are opened and never called
 * good. */
#include <openssl/objects.h>
#include <string.h>

#include "smime/decrypt.h"
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"
#include "tests/smime/dissect.h"

#define RSA "alice-rsa-decrypt"
#define EC  "alice-p256-decrypt"

/* -- tools ------------------------------------------------------------------------------------ */

static GBytes *
for_alice(const char *key, gboolean gcm)
{
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    return scene_sealed(mail, key, gcm);
}

static void
flip(ASN1_OCTET_STRING *string, gsize at)
{
    gsize len = 0;
    const guint8 *bytes = seal_octets(string, &len);
    g_autofree guint8 *copy = g_memdup2(bytes, len);

    g_assert_cmpuint(at, <, len);
    copy[at] ^= 0x40;
    ASN1_OCTET_STRING_set(string, copy, (int)len);
}

static void
cut(ASN1_OCTET_STRING *string, gsize len)
{
    gsize had = 0;
    const guint8 *bytes = seal_octets(string, &had);
    g_autofree guint8 *copy = g_memdup2(bytes, had);

    g_assert_cmpuint(len, <=, had);
    ASN1_OCTET_STRING_set(string, copy ? copy : (const guint8 *)"", (int)len);
}

static gsize
len_of(const ASN1_OCTET_STRING *string)
{
    return (gsize)ASN1_STRING_length(string);
}

static void
set_algorithm(X509_ALGOR *algorithm, const char *oid, const char *parameters_hex)
{
    long len = 0;
    unsigned char *der = OPENSSL_hexstr2buf(parameters_hex, &len);
    const unsigned char *at = der;
    ASN1_TYPE *parameters = d2i_ASN1_TYPE(NULL, &at, len);

    g_assert_nonnull(parameters);
    ASN1_OBJECT_free(algorithm->algorithm);
    algorithm->algorithm = OBJ_txt2obj(oid, 1);
    ASN1_TYPE_free(algorithm->parameter);
    algorithm->parameter = parameters;
    OPENSSL_free(der);
}

static void
add_copies(STACK_OF(ASN1_TYPE) *recipients, guint count)
{
    const ASN1_TYPE *one = sk_ASN1_TYPE_value(recipients, 0);

    for (guint i = 0; i < count; i++) {
        ASN1_TYPE *copy = ASN1_TYPE_new();

        ASN1_TYPE_set1(copy, one->type, one->value.ptr);
        sk_ASN1_TYPE_push(recipients, copy);
    }
}

/* -- EnvelopedData ---------------------------------------------------------------------------- */

/* The first block of plaintext and one bit of the second: the gadget of EFAIL. */
static void
flip_iv(SealEnvelopedData *data)
{
    flip(data->encrypted->algorithm->parameter->value.octet_string, 3);
}

static void
flip_block(SealEnvelopedData *data)
{
    flip(data->encrypted->content, len_of(data->encrypted->content) / 2);
}

static void
flip_padding(SealEnvelopedData *data)
{
    flip(data->encrypted->content, len_of(data->encrypted->content) - 17);
}

static void
cut_block(SealEnvelopedData *data)
{
    cut(data->encrypted->content, len_of(data->encrypted->content) - 3);
}

static void
empty_content(SealEnvelopedData *data)
{
    cut(data->encrypted->content, 0);
}

static void
no_encrypted_content(SealEnvelopedData *data)
{
    g_clear_pointer(&data->encrypted->content, ASN1_OCTET_STRING_free);
}

static void
content_of_another_type(SealEnvelopedData *data)
{
    ASN1_OBJECT_free(data->encrypted->type);
    data->encrypted->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
}

static void
short_iv(SealEnvelopedData *data)
{
    cut(data->encrypted->algorithm->parameter->value.octet_string, 8);
}

static void
iv_missing(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.42", "0500");
}

static void
single_des(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.3.14.3.2.7", "04080000000000000000");
}

static void
rc2(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.2.840.113549.3.2",
                  "300e020200a004080000000000000000");
}

static void
null_cipher(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.2.840.113549.1.7.1", "0500");
}

static void
unknown_cipher(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.2.3.4.5", "0500");
}

/* RFC 5084 belongs into AuthEnvelopedData: here nothing would check the tag. */
static void
gcm_without_tag(SealEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46",
                  "3011040c000000000000000000000000020110");
}

static void
other_cipher(SealEnvelopedData *data)
{
    X509_ALGOR *algorithm = data->encrypted->algorithm;

    ASN1_OBJECT_free(algorithm->algorithm);
    algorithm->algorithm = OBJ_txt2obj("2.16.840.1.101.3.4.1.2", 1); /* AES-128, half the key */
}

static void
no_recipients(SealEnvelopedData *data)
{
    while (sk_ASN1_TYPE_num(data->recipients) > 0)
        ASN1_TYPE_free(sk_ASN1_TYPE_pop(data->recipients));
}

static void
recipient_is_no_sequence(SealEnvelopedData *data)
{
    ASN1_TYPE *odd = ASN1_TYPE_new();

    no_recipients(data);
    ASN1_TYPE_set(odd, V_ASN1_NULL, NULL);
    sk_ASN1_TYPE_push(data->recipients, odd);
}

static void
ten_thousand_recipients(SealEnvelopedData *data)
{
    add_copies(data->recipients, 9999);
}

/* The encrypted key is the last value of a RecipientInfo of either kind: its last byte. */
static void
flip_key(SealEnvelopedData *data)
{
    ASN1_TYPE *one = sk_ASN1_TYPE_value(data->recipients, 0);

    flip(one->value.octet_string, len_of(one->value.octet_string) - 1);
}

/* The same to one that stands before what it was: recipients are a SET, sorted in DER. */
static void
lower_key(SealEnvelopedData *data)
{
    ASN1_OCTET_STRING *one = sk_ASN1_TYPE_value(data->recipients, 0)->value.octet_string;
    gsize len = 0;
    const guint8 *bytes = seal_octets(one, &len);
    g_autofree guint8 *copy = g_memdup2(bytes, len);

    while (copy[len - 1] == 0)
        len--;
    copy[len - 1]--;
    ASN1_OCTET_STRING_set(one, copy, ASN1_STRING_length(one));
}

/* A thousand keys that are all Alice's and all wrong, before the right one. */
static void
wrong_keys_first(SealEnvelopedData *data)
{
    ASN1_TYPE *right = ASN1_TYPE_new();
    const ASN1_TYPE *one = sk_ASN1_TYPE_value(data->recipients, 0);

    ASN1_TYPE_set1(right, one->type, one->value.ptr);
    lower_key(data);
    add_copies(data->recipients, 998);
    sk_ASN1_TYPE_push(data->recipients, right);
}

static void
one_wrong_key_first(SealEnvelopedData *data)
{
    ASN1_TYPE *right = ASN1_TYPE_new();
    const ASN1_TYPE *one = sk_ASN1_TYPE_value(data->recipients, 0);

    ASN1_TYPE_set1(right, one->type, one->value.ptr);
    flip_key(data);
    sk_ASN1_TYPE_push(data->recipients, right);
}

static void
unprotected_attributes(SealEnvelopedData *data)
{
    data->unprotected = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(
        data->unprotected,
        X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_contentType, V_ASN1_UTF8STRING, "x", 1));
}

static const struct {
    const char *name;
    void (*edit)(SealEnvelopedData *data);
} edits[] = {
    {"iv", flip_iv},
    {"block", flip_block},
    {"padding", flip_padding},
    {"cut", cut_block},
    {"empty", empty_content},
    {"missing", no_encrypted_content},
    {"other-type", content_of_another_type},
    {"short-iv", short_iv},
    {"no-iv", iv_missing},
    {"des", single_des},
    {"rc2", rc2},
    {"null", null_cipher},
    {"unknown", unknown_cipher},
    {"gcm", gcm_without_tag},
    {"aes128", other_cipher},
    {"no-recipients", no_recipients},
    {"odd-recipient", recipient_is_no_sequence},
    {"10000-recipients", ten_thousand_recipients},
    {"key", flip_key},
    {"wrong-keys", wrong_keys_first},
    {"wrong-key", one_wrong_key_first},
    {"unprotected", unprotected_attributes},
};

static GBytes *
edit_enveloped(const char *key, const char *name)
{
    g_autoptr(GBytes) mail = for_alice(key, FALSE);
    g_autoptr(SealEnvelopedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealEnvelopedData));
    guint found = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(edits); i++) {
        if (!g_str_equal(edits[i].name, name))
            continue;
        edits[i].edit(data);
        found++;
    }
    g_assert_cmpuint(found, ==, 1);
    return test_put_together(data, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);
}

static GBytes *
enveloped(const char *name)
{
    return edit_enveloped(RSA, name);
}

static GBytes *
agreed(const char *name)
{
    return edit_enveloped(EC, name);
}

/* One recipient, in whose RecipientInfo one object identifier is another of the same length: both
 * in hexadecimal, with a blank between them. */
static GBytes *
recipient_changed(const char *key, const char *from_and_to)
{
    g_auto(GStrv) hex = g_strsplit(from_and_to, " ", 2);
    g_autoptr(GBytes) mail = for_alice(key, FALSE);
    g_autoptr(SealEnvelopedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealEnvelopedData));
    ASN1_OCTET_STRING *recipient = sk_ASN1_TYPE_value(data->recipients, 0)->value.octet_string;
    gsize len = 0;
    const guint8 *bytes = seal_octets(recipient, &len);
    g_autofree guint8 *copy = g_memdup2(bytes, len);
    long from_len = 0;
    long to_len = 0;
    unsigned char *from = OPENSSL_hexstr2buf(hex[0], &from_len);
    unsigned char *to = OPENSSL_hexstr2buf(hex[1], &to_len);
    guint8 *at = memmem(copy, len, from, (gsize)from_len);

    g_assert_nonnull(at);
    g_assert_cmpint(from_len, ==, to_len);
    memcpy(at, to, (gsize)to_len);
    ASN1_OCTET_STRING_set(recipient, copy, (int)len);
    OPENSSL_free(from);
    OPENSSL_free(to);
    return test_put_together(data, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);
}

static GBytes *
key_encrypted_by(const char *from_and_to)
{
    return recipient_changed(RSA, from_and_to);
}

static GBytes *
key_agreed_by(const char *from_and_to)
{
    return recipient_changed(EC, from_and_to);
}

static GBytes *
for_nobody_here(const char *unused)
{
    const TestSpec spec = {.name = "Dora",
                           .address = "dora@example.org",
                           .key = "rsa:2048",
                           .usage = "keyEncipherment"};
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    return world_encrypt(mail, NULL, scene_person(&spec), NULL);
}

static GBytes *
for_key(const char *key)
{
    return for_alice(key, FALSE);
}

/* -- AuthEnvelopedData ------------------------------------------------------------------------ */

static void
flip_tag(SealAuthEnvelopedData *data)
{
    flip(data->mac, 0);
}

static void
flip_authenticated_block(SealAuthEnvelopedData *data)
{
    flip(data->encrypted->content, 20);
}

static void
short_tag(SealAuthEnvelopedData *data)
{
    cut(data->mac, 4);
}

static void
tag_of_12(SealAuthEnvelopedData *data)
{
    cut(data->mac, 12);
}

static void
no_tag(SealAuthEnvelopedData *data)
{
    cut(data->mac, 0);
}

/* ICVlen and tag agree on 4 bytes, which can be guessed. */
static void
stated_short_tag(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46",
                  "3011040c000000000000000000000000020104");
    cut(data->mac, 4);
}

/* ICVlen states less than the tag has. */
static void
longer_tag(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46",
                  "3011040c00000000000000000000000002010c");
}

static void
no_authenticated_content(SealAuthEnvelopedData *data)
{
    cut(data->encrypted->content, 0);
}

static void
unknown_authenticated_cipher(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.2.3.4.5", "0500");
}

/* The parameters of one cipher under the name of the other. */
static void
chacha20_with_icv(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "1.2.840.113549.1.9.16.3.18",
                  "3011040c000000000000000000000000020110");
}

static void
huge_icv(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46",
                  "3014040c000000000000000000000000020401000010");
}

static void
long_nonce(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46",
                  "3015041000000000000000000000000000000000020110");
}

static void
parameters_missing(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.46", "0500");
}

static void
cbc_with_tag(SealAuthEnvelopedData *data)
{
    set_algorithm(data->encrypted->algorithm, "2.16.840.1.101.3.4.1.42",
                  "041000000000000000000000000000000000");
}

static void
add_authenticated(SealAuthEnvelopedData *data)
{
    data->authenticated = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(data->authenticated,
                           X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                                        OBJ_nid2obj(NID_pkcs7_data), -1));
}

static void
add_unauthenticated(SealAuthEnvelopedData *data)
{
    data->unauthenticated = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(
        data->unauthenticated,
        X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_contentType, V_ASN1_UTF8STRING, "x", 1));
}

static const struct {
    const char *name;
    void (*edit)(SealAuthEnvelopedData *data);
} authenticated_edits[] = {
    {"tag", flip_tag},
    {"block", flip_authenticated_block},
    {"tag-of-4", short_tag},
    {"tag-of-12", tag_of_12},
    {"no-tag", no_tag},
    {"stated-tag-of-4", stated_short_tag},
    {"longer-tag", longer_tag},
    {"empty", no_authenticated_content},
    {"unknown", unknown_authenticated_cipher},
    {"chacha20-with-icv", chacha20_with_icv},
    {"huge-icv", huge_icv},
    {"long-nonce", long_nonce},
    {"no-parameters", parameters_missing},
    {"cbc", cbc_with_tag},
    {"authenticated-added", add_authenticated},
    {"unauthenticated-added", add_unauthenticated},
};

static GBytes *
authenticated(const char *name)
{
    g_autoptr(GBytes) mail = for_alice(EC, TRUE);
    g_autoptr(SealAuthEnvelopedData) data =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    guint found = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(authenticated_edits); i++) {
        if (!g_str_equal(authenticated_edits[i].name, name))
            continue;
        authenticated_edits[i].edit(data);
        found++;
    }
    g_assert_cmpuint(found, ==, 1);
    return test_put_together(data, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                             NID_id_smime_ct_authEnvelopedData);
}

/* -- the table -------------------------------------------------------------------------------- */

#define FAILED      "open", "decrypt-failed", "cannot be opened with the key"
#define MALFORMED   "open", "malformed"
#define UNSUPPORTED "open", "unsupported"
#define LIMIT       "open", "resource-limit"
#define NOAUTH      "open", "decrypted-noauth", NULL

#define RSA_ENCRYPTION "2a864886f70d010101"
#define SHA256_KDF     "2b8104010b01"
#define AES_256_WRAP   "60864801650304012d"

const CorpusRow corpus_sealed[] = {
    {"sealed/rsa/is-opened", NOAUTH, for_key, RSA},
    {"sealed/ecdh/is-opened", NOAUTH, for_key, EC},
    {"sealed/block-changed/is-not-called-good", NOAUTH, enveloped, "block"},
    {"sealed/iv-changed/is-not-called-good", NOAUTH, enveloped, "iv"},
    {"sealed/padding-changed", FAILED, enveloped, "padding"},
    {"sealed/cut", FAILED, enveloped, "cut"},
    {"sealed/empty", FAILED, enveloped, "empty"},
    {"sealed/content-missing", MALFORMED, "no mail", enveloped, "missing"},
    {"sealed/content-of-another-type", MALFORMED, "no mail", enveloped, "other-type"},
    {"sealed/iv-of-8-bytes", MALFORMED, "initialisation vector", enveloped, "short-iv"},
    {"sealed/iv-missing", MALFORMED, "initialisation vector", enveloped, "no-iv"},
    {"sealed/des", UNSUPPORTED, "use AES", enveloped, "des"},
    {"sealed/rc2", UNSUPPORTED, "use AES", enveloped, "rc2"},
    {"sealed/no-cipher", UNSUPPORTED, "use AES", enveloped, "null"},
    {"sealed/cipher-unknown", UNSUPPORTED, "use AES", enveloped, "unknown"},
    {"sealed/gcm-without-tag", MALFORMED, "does not belong", enveloped, "gcm"},
    {"sealed/cipher-of-half-the-key", FAILED, enveloped, "aes128"},
    {"sealed/no-recipients", MALFORMED, "list of recipients", enveloped, "no-recipients"},
    {"sealed/recipient-is-null", MALFORMED, "list of recipients", enveloped, "odd-recipient"},
    {"sealed/ten-thousand-recipients", LIMIT, "more recipients", enveloped, "10000-recipients"},
    {"sealed/key-changed", FAILED, enveloped, "key"},
    {"sealed/ecdh-key-changed", FAILED, agreed, "key"},
    {"sealed/wrong-key-first/is-opened", NOAUTH, agreed, "wrong-key"},
    {"sealed/thousand-wrong-keys", LIMIT, "more keys", agreed, "wrong-keys"},
    {"sealed/unprotected-attributes/do-not-count", NOAUTH, enveloped, "unprotected"},
    {"sealed/key-encryption-unknown", UNSUPPORTED, "use RSA or ECDH", key_encrypted_by,
     RSA_ENCRYPTION " 2a864886f70d01017f"},
    {"sealed/key-encryption-is-a-signature", UNSUPPORTED, "use RSA or ECDH", key_encrypted_by,
     RSA_ENCRYPTION " 2a864886f70d01010b"},
    {"sealed/oaep-with-the-parameters-of-rsa", FAILED, key_encrypted_by,
     RSA_ENCRYPTION " 2a864886f70d010107"},
    {"sealed/key-agreement-unknown", UNSUPPORTED, "use RSA or ECDH", key_agreed_by,
     SHA256_KDF " 2b8104017f01"},
    {"sealed/key-wrap-unknown", UNSUPPORTED, "is not served, expected AES-128", key_agreed_by,
     AES_256_WRAP " 60864801650304017f"},
    {"sealed/key-wrap-is-a-cipher", UNSUPPORTED, "is not served, expected AES-128", key_agreed_by,
     AES_256_WRAP " 60864801650304012a"},
    {"sealed/for-nobody-here", "open", "not-recipient", "plug in the token", for_nobody_here},
    {"sealed/verify-leaves-it-closed", "verify", "unsigned", "privyseal open", for_key, RSA},
    {"sealed/tag-changed", FAILED, authenticated, "tag"},
    {"sealed/authenticated-block-changed", FAILED, authenticated, "block"},
    {"sealed/tag-of-4-bytes", MALFORMED, "not as long as it states", authenticated, "tag-of-4"},
    {"sealed/tag-of-12-bytes", MALFORMED, "not as long as it states", authenticated, "tag-of-12"},
    {"sealed/tag-of-16-bytes-stated-as-12", MALFORMED, "not as long as it states", authenticated,
     "longer-tag"},
    {"sealed/authenticated-content-empty", FAILED, authenticated, "empty"},
    {"sealed/authenticated-cipher-unknown", UNSUPPORTED, "use AES", authenticated, "unknown"},
    {"sealed/chacha20-with-the-parameters-of-gcm", MALFORMED, "nonce", authenticated,
     "chacha20-with-icv"},
    {"sealed/no-tag", MALFORMED, "not as long as it states", authenticated, "no-tag"},
    {"sealed/stated-tag-of-4-bytes", MALFORMED, "shorter than 12", authenticated,
     "stated-tag-of-4"},
    {"sealed/stated-tag-of-16-mebibytes", MALFORMED, "longer than 16", authenticated, "huge-icv"},
    {"sealed/nonce-of-16-bytes", MALFORMED, "parameters", authenticated, "long-nonce"},
    {"sealed/gcm-without-parameters", MALFORMED, "parameters", authenticated, "no-parameters"},
    {"sealed/cbc-with-tag", MALFORMED, "does not belong", authenticated, "cbc"},
    {"sealed/authenticated-attributes-added", FAILED, authenticated, "authenticated-added"},
    {"sealed/unauthenticated-attributes-added", "open", "decrypted", NULL, authenticated,
     "unauthenticated-added"},
    {0},
};
