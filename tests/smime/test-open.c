/* Every verdict that can be reached, and the messages other readers wrongly accept. */
#include "base/error.h"
#include "smime/cms.h"
#include "smime/recipient.h"
#include "smime/sign.h"
#include "tests/smime/world.h"

#include <openssl/cms.h>
#include <openssl/objects.h>
#include <string.h>

static const SealSignOptions opaque = {.opaque = TRUE};
static const SealEncryptOptions gcm = {SEAL_CONTENT_AES256_GCM, FALSE};

/* -- taking our own messages apart ------------------------------------------------------------ */

static GBytes *
cms_of(GBytes *mail)
{
    gsize len = 0;
    const char *text = g_bytes_get_data(mail, &len);
    const char *body = g_strstr_len(text, (gssize)len, "\r\n\r\n");
    g_autofree char *base64 = g_strndup(body, (gsize)(text + len - body));
    gsize der_len = 0;
    guchar *der = g_base64_decode(base64, &der_len);

    return g_bytes_new_take(der, der_len);
}

static GBytes *
mail_of(GBytes *cms)
{
    gsize len = 0;
    const guchar *data = g_bytes_get_data(cms, &len);
    g_autofree char *base64 = g_base64_encode(data, len);
    g_autofree char *mail =
        g_strdup_printf("From: alice@example.org\r\n"
                        "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n",
                        base64);

    return world_bytes(mail);
}

/* The structure inside of a mail's ContentInfo; free it with ASN1_item_free(). */
static gpointer
take_apart(GBytes *mail, const ASN1_ITEM *item)
{
    g_autoptr(GBytes) cms = cms_of(mail);
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(cms, &len);
    g_autoptr(SealContentInfo) info = seal_asn1_read(ASN1_ITEM_rptr(SealContentInfo), data, len);
    gpointer value = NULL;

    g_assert_nonnull(info);
    value = ASN1_item_unpack(info->content->value.sequence, item);
    g_assert_nonnull(value);
    return value;
}

static GBytes *
put_together(gpointer value, const ASN1_ITEM *item, int nid)
{
    g_autoptr(SealContentInfo) info = seal_asn1_new(ASN1_ITEM_rptr(SealContentInfo));
    g_autoptr(GBytes) cms = NULL;
    ASN1_STRING *packed = NULL;

    ASN1_item_pack(value, item, &packed);
    info->type = OBJ_nid2obj(nid);
    info->content = ASN1_TYPE_new();
    ASN1_TYPE_set(info->content, V_ASN1_SEQUENCE, packed);
    cms = seal_asn1_write(ASN1_ITEM_rptr(SealContentInfo), info);
    return mail_of(cms);
}

/* -- signatures ------------------------------------------------------------------------------- */

static void
test_content_type_mismatch(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) changed = NULL;

    ASN1_OBJECT_free(parsed->encapsulated->type);
    parsed->encapsulated->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
    changed = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_replayed_attributes(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    SealSignerInfo *signer = sk_SealSignerInfo_value(parsed->signers, 0);
    g_autoptr(GBytes) attributes =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), signer->signed_attributes);
    g_autoptr(GBytes) changed = NULL;

    sk_X509_ATTRIBUTE_pop_free(signer->signed_attributes, X509_ATTRIBUTE_free);
    signer->signed_attributes = NULL;
    ASN1_OCTET_STRING_set(parsed->encapsulated->content, g_bytes_get_data(attributes, NULL),
                          (int)g_bytes_get_size(attributes));
    changed = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_attribute_twice(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    SealSignerInfo *signer = sk_SealSignerInfo_value(parsed->signers, 0);
    g_autoptr(GBytes) changed = NULL;

    for (int i = sk_X509_ATTRIBUTE_num(signer->signed_attributes); i > 0; i--)
        sk_X509_ATTRIBUTE_push(
            signer->signed_attributes,
            X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(signer->signed_attributes, i - 1)));
    changed = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
}

static void
test_certificate_replaced(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) changed = NULL;

    sk_ASN1_TYPE_pop_free(parsed->certificates, ASN1_TYPE_free);
    parsed->certificates = NULL;
    changed = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, changed, SEAL_VERDICT_SIGNER_CERT_MISSING);
}

static void
test_certificates_only(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(SealSignedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) unsigned_mail = NULL;
    g_autoptr(GBytes) bare = NULL;

    SealSignerInfo *signer = sk_SealSignerInfo_pop(parsed->signers);
    ASN1_item_free((ASN1_VALUE *)signer, ASN1_ITEM_rptr(SealSignerInfo));
    unsigned_mail = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, unsigned_mail, SEAL_VERDICT_UNSIGNED);
    g_clear_pointer(&parsed->encapsulated->content, ASN1_OCTET_STRING_free);
    bare = put_together(parsed, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
    world_expect(world, bare, SEAL_VERDICT_CERTS_ONLY);
}

/* A mail OpenSSL signed with a hash that we would not use. */
static GBytes *
sign_weakly(const World *world, const TestIdentity *who, const EVP_MD *md)
{
    BIO *in = BIO_new_mem_buf(WORLD_TEXT, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, CMS_PARTIAL | CMS_BINARY);
    unsigned char *der = NULL;
    int len = 0;
    g_autoptr(GBytes) bytes = NULL;

    g_assert_nonnull(CMS_add1_signer(cms, who->certificate, who->key, md, CMS_BINARY));
    CMS_add1_cert(cms, world->issuer->certificate);
    g_assert_cmpint(CMS_final(cms, in, NULL, CMS_BINARY), ==, 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return mail_of(bytes);
}

static void
test_weak_algorithms(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "rsa:2048");
    const TestIdentity *short_key = world_alice(world, "rsa:1024");
    g_autoptr(GBytes) good = sign_weakly(world, alice, EVP_sha256());
    g_autoptr(GBytes) md5 = sign_weakly(world, alice, EVP_md5());
    g_autoptr(GBytes) sha1 = sign_weakly(world, alice, EVP_sha1());
    g_autoptr(GBytes) rsa1024 = sign_weakly(world, short_key, EVP_sha256());

    world_expect(world, good, SEAL_VERDICT_OK);
    world_expect(world, md5, SEAL_VERDICT_WEAK_ALGORITHM);
    world_expect(world, sha1, SEAL_VERDICT_WEAK_ALGORITHM);
    world_expect(world, rsa1024, SEAL_VERDICT_WEAK_ALGORITHM);
}

static void
test_changed_text(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autoptr(GBytes) changed = world_replace(mail, "From the keeper", "From the thief!");
    g_autoptr(GBytes) blank = world_replace(mail, "blanks  \r\n", "blanks \r\n");
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, changed, SEAL_VERDICT_BAD_SIGNATURE, &content);
    const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);
    const SealSignerReport *signer = g_ptr_array_index(layer->signers, 0);

    g_assert_false(report->good);
    g_assert_cmpstr(signer->signature, ==, "bad");
    g_assert_true(world_has(content, "From the thief!"));
    world_expect(world, blank, SEAL_VERDICT_BAD_SIGNATURE);
}

static void
test_third_part(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    char *end = strrchr(text, '\n') - 1; /* the last CRLF */
    g_autofree char *boundary = NULL;
    g_autofree char *more = NULL;
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(mail, 0, g_bytes_get_size(mail) - 4);

    *end = '\0';
    boundary = g_strdup(strrchr(text, '\n') + 1); /* "--...--" */
    more = g_strdup_printf("%.*s\r\n\r\nforeign text\r\n%s\r\n", (int)strlen(text) - 2, text,
                           boundary);
    changed = world_bytes(more);
    world_expect(world, changed, SEAL_VERDICT_MALFORMED);
    world_expect(world, cut, SEAL_VERDICT_MALFORMED); /* no last boundary */
}

static void
test_trust_words(World *world, gconstpointer data)
{
    static const struct {
        TestSpec spec;
        SealVerdict verdict;
    } rows[] = {
        {{.name = "A", .address = "alice@example.org", .from = -7200, .until = -3600},
         SEAL_VERDICT_EXPIRED},
        {{.name = "A", .address = "alice@example.org", .from = 3600, .until = 7200},
         SEAL_VERDICT_NOT_YET_VALID},
        {{.name = "A", .address = "alice@example.org", .extended = "clientAuth"},
         SEAL_VERDICT_WRONG_USAGE},
        {{.name = "A", .address = "eve@example.net"}, SEAL_VERDICT_ADDRESS_MISMATCH},
        {{.name = "A"}, SEAL_VERDICT_ADDRESS_MISMATCH},
    };
    const TestSpec alone = {.name = "Alone", .address = "alice@example.org"};
    TestIdentity *own = test_identity_new(&alone, NULL);
    g_autoptr(GBytes) mail = world_sign(world, own, NULL, NULL);

    g_ptr_array_add(world->people, own);
    world_expect(world, mail, SEAL_VERDICT_UNTRUSTED);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestIdentity *who = world_person(world, &rows[i].spec);
        g_autoptr(GBytes) row_mail = world_sign(world, who, NULL, NULL);

        world_expect(world, row_mail, rows[i].verdict);
    }
}

static void
test_revoked_signer(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_sign(world, alice, NULL, NULL);
    g_autoptr(GBytes) crl = test_crl_new(world->issuer, alice, -3600, 3600);

    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_REQUIRE);
    world_expect(world, mail, SEAL_VERDICT_REVOCATION_UNKNOWN);
    g_assert_true(seal_trust_add_crls(world->trust, crl, "crl", NULL));
    world_expect(world, mail, SEAL_VERDICT_REVOKED);
}

/* -- who sent it ------------------------------------------------------------------------------ */

static void
test_senders(World *world, gconstpointer data)
{
    static const struct {
        const char *fields;
        const char *from;
        SealVerdict verdict;
    } rows[] = {
        {"From: alice@EXAMPLE.org\r\n", NULL, SEAL_VERDICT_OK},
        {"From: \"eve@example.net\" <alice@example.org>\r\n", NULL, SEAL_VERDICT_OK},
        {"From: alice@example.org <eve@example.net>\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: \"alice@example.org\" <eve@example.net>\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: ALICE@example.org\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: alice@example.org, eve@example.net\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: alice@example.org\r\nFrom: eve@example.net\r\n", NULL,
         SEAL_VERDICT_ADDRESS_MISMATCH},
        {"From: eve@example.net\r\nSender: alice@example.org\r\n", NULL,
         SEAL_VERDICT_ADDRESS_MISMATCH},
        {"Sender: alice@example.org\r\n", NULL, SEAL_VERDICT_OK},
        {"Subject: none\r\n", NULL, SEAL_VERDICT_ADDRESS_MISMATCH},
        {"Subject: none\r\n", "alice@example.org", SEAL_VERDICT_OK},
        {"From: eve@example.net\r\n", "alice@example.org", SEAL_VERDICT_ADDRESS_MISMATCH},
    };
    const TestIdentity *alice = world_alice(world, "ec:P-256");

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(rows[i].fields, "\r\ntext\r\n", NULL);
        g_autoptr(GBytes) mail = world_sign(world, alice, text, NULL);
        const SealOpenOptions options = {SEAL_OPEN_VERIFY, world->trust, NULL, rows[i].from, 0};
        g_autoptr(SealReport) report = NULL;
        g_autoptr(GBytes) content = NULL;

        g_test_message("%s", rows[i].fields);
        g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
        g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(rows[i].verdict));
    }
}

/* -- encryption ------------------------------------------------------------------------------- */

static void
test_layers(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestIdentity *bob = world_bob(world, "rsa:2048");
    g_autoptr(GBytes) signed_mail = world_sign(world, alice, NULL, NULL);
    g_autoptr(GBytes) mail = world_encrypt(signed_mail, NULL, bob, NULL);
    g_autofree char *inner = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    g_autoptr(GBytes) triple = world_sign(world, alice, inner, &opaque);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, &content);
    g_autoptr(GBytes) triple_content = NULL;
    g_autoptr(SealReport) wrapped =
        world_open_mail(world, SEAL_OPEN_ALL, triple, SEAL_VERDICT_OK, &triple_content);
    g_autoptr(GBytes) decrypted = NULL;
    g_autoptr(SealReport) opened =
        world_open_mail(world, SEAL_OPEN_DECRYPT, mail, SEAL_VERDICT_DECRYPTED_NOAUTH, &decrypted);

    g_assert_cmpuint(report->layers->len, ==, 2);
    g_assert_true(world_has(mail, "Subject: The seal\r\n"));
    g_assert_false(world_has(mail, "keeper"));
    g_assert_true(world_has(content, WORLD_TEXT));
    g_assert_cmpuint(wrapped->layers->len, ==, 3);
    g_assert_true(g_bytes_equal(content, triple_content));
    g_assert_cmpuint(opened->layers->len, ==, 1);
    g_assert_true(opened->good);
    g_assert_true(world_has(decrypted, "Content-Type: multipart/signed"));
}

static void
test_modes(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) encrypted = world_encrypt(plain, NULL, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(SealReport) opened =
        world_open_mail(world, SEAL_OPEN_ALL, plain, SEAL_VERDICT_OK_PLAIN, NULL);
    g_autoptr(SealReport) verified =
        world_open_mail(world, SEAL_OPEN_VERIFY, plain, SEAL_VERDICT_UNSIGNED, NULL);
    g_autoptr(SealReport) decrypted =
        world_open_mail(world, SEAL_OPEN_DECRYPT, plain, SEAL_VERDICT_OK_PLAIN, NULL);
    g_autoptr(SealReport) closed =
        world_open_mail(world, SEAL_OPEN_VERIFY, encrypted, SEAL_VERDICT_UNSIGNED, NULL);

    g_assert_true(opened->good);
    g_assert_false(verified->good);
    g_assert_false(decrypted->good);
    g_assert_false(closed->good);
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

static void
expect_closed(World *world, GBytes *mail, SealVerdict verdict)
{
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = world_open_mail(world, SEAL_OPEN_ALL, mail, verdict, &content);

    g_assert_null(content);
    g_assert_false(report->good);
}

static void
test_keys_that_do_not_open(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Carol", .key = "rsa:2048", .usage = "keyEncipherment"};
    g_autoptr(TestIdentity) carol = test_identity_new(&spec, world->issuer);
    const TestIdentity *bob = world_bob(world, "rsa:2048");
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) for_carol = world_encrypt(plain, NULL, carol, NULL);
    g_autoptr(GBytes) for_bob = world_encrypt(plain, NULL, carol, bob, NULL);
    g_autoptr(GBytes) for_bob_gcm = world_encrypt(plain, &gcm, bob, NULL);
    const SealOpenOptions options = {SEAL_OPEN_ALL, NULL, &world->unwrapper, NULL, 0};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(GError) error = NULL;

    expect_closed(world, for_carol, SEAL_VERDICT_NOT_RECIPIENT);
    world_expect(world, for_bob, SEAL_VERDICT_DECRYPTED_NOAUTH);
    world->keyring.mood = TEST_UNWRAP_REFUSES;
    expect_closed(world, for_bob, SEAL_VERDICT_REFUSED);
    world->keyring.mood = TEST_UNWRAP_WRONG;
    expect_closed(world, for_bob, SEAL_VERDICT_DECRYPT_FAILED);
    expect_closed(world, for_bob_gcm, SEAL_VERDICT_DECRYPT_FAILED);
    world->keyring.mood = TEST_UNWRAP_FAILS;
    g_assert_false(seal_mail_open(for_bob, &options, &report, &content, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_null(report);
    g_assert_null(content);
}

static GBytes *
encrypt_gcm(World *world)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);

    return world_encrypt(plain, &gcm, world_bob(world, "ec:P-256"), NULL);
}

/* Our GCM mail with a tag of `tag_len` bytes that states `stated`. */
static GBytes *
with_tag(GBytes *mail, int tag_len, int stated)
{
    g_autoptr(SealAuthEnvelopedData) parsed =
        take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    X509_ALGOR *algorithm = parsed->encrypted->algorithm;
    SealGcmParameters *parameters =
        ASN1_item_unpack(algorithm->parameter->value.sequence, ASN1_ITEM_rptr(SealGcmParameters));
    ASN1_STRING *packed = NULL;
    g_autofree unsigned char *tag = g_memdup2(ASN1_STRING_get0_data(parsed->mac), 16);

    g_assert_cmpint(ASN1_STRING_length(parsed->mac), ==, 16);
    ASN1_OCTET_STRING_set(parsed->mac, tag, tag_len);
    if (!parameters->tag_len)
        parameters->tag_len = ASN1_INTEGER_new();
    ASN1_INTEGER_set(parameters->tag_len, stated);
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(SealGcmParameters), &packed);
    ASN1_TYPE_set(algorithm->parameter, V_ASN1_SEQUENCE, packed);
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(SealGcmParameters));
    return put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                        NID_id_smime_ct_authEnvelopedData);
}

static void
test_gcm_tags(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = encrypt_gcm(world);
    g_autoptr(GBytes) four = with_tag(mail, 4, 4);
    g_autoptr(GBytes) longer = with_tag(mail, 16, 12);
    g_autoptr(GBytes) shorter = with_tag(mail, 12, 16);
    g_autoptr(GBytes) twelve = with_tag(mail, 12, 12);
    g_autoptr(GBytes) same = with_tag(mail, 16, 16);

    world_expect(world, mail, SEAL_VERDICT_DECRYPTED);
    world_expect(world, same, SEAL_VERDICT_DECRYPTED);
    expect_closed(world, four, SEAL_VERDICT_MALFORMED);
    expect_closed(world, longer, SEAL_VERDICT_MALFORMED);
    expect_closed(world, shorter, SEAL_VERDICT_MALFORMED);
    world_expect(world, twelve, SEAL_VERDICT_DECRYPTED); /* RFC 5084 allows a cut tag of 12 */
}

static void
test_damaged_gcm(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) parsed =
        take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(GBytes) moved = NULL;

    ((unsigned char *)ASN1_STRING_get0_data(parsed->encrypted->content))[20] ^= 1;
    changed = put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                           NID_id_smime_ct_authEnvelopedData);
    expect_closed(world, changed, SEAL_VERDICT_DECRYPT_FAILED);
    /* Authenticated attributes that were never authenticated. */
    ((unsigned char *)ASN1_STRING_get0_data(parsed->encrypted->content))[20] ^= 1;
    parsed->authenticated = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(
        parsed->authenticated,
        X509_ATTRIBUTE_create(NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data)));
    moved = put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                         NID_id_smime_ct_authEnvelopedData);
    expect_closed(world, moved, SEAL_VERDICT_DECRYPT_FAILED);
}

/* The key of a mail, as its unwrapper gives it. */
static SealSecret *
content_key(World *world, const SealAuthEnvelopedData *parsed)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)seal_recipient_free);
    g_autoptr(GBytes) algorithm =
        seal_asn1_write(ASN1_ITEM_rptr(X509_ALGOR), parsed->encrypted->algorithm);
    SealUnwrapInput input = {.content_encryption = algorithm};
    const SealRecipient *recipient = NULL;
    g_autofree char *name = NULL;

    g_assert_true(seal_recipients_read(parsed->recipients, list));
    recipient = g_ptr_array_index(list, 0);
    input.originator = recipient->originator;
    input.ukm = recipient->ukm;
    name = world->unwrapper.find(&world->unwrapper, &recipient->id, NULL);
    g_assert_nonnull(name);
    return world->unwrapper.unwrap(&world->unwrapper, name, recipient->key_encryption,
                                   recipient->encrypted_key, &input, NULL);
}

/* Encrypts WORLD_MAIL anew under `key`, with `associated` authenticated beside it. */
static void
encrypt_with(SealAuthEnvelopedData *parsed, const SealSecret *key, GBytes *associated)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    SealGcmParameters *parameters = ASN1_item_unpack(
        parsed->encrypted->algorithm->parameter->value.sequence, ASN1_ITEM_rptr(SealGcmParameters));
    unsigned char out[sizeof WORLD_MAIL];
    unsigned char tag[16];
    int len = 0;

    EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal_secret_peek(key),
                       ASN1_STRING_get0_data(parameters->nonce));
    EVP_EncryptUpdate(context, NULL, &len, g_bytes_get_data(associated, NULL),
                      (int)g_bytes_get_size(associated));
    EVP_EncryptUpdate(context, out, &len, (const unsigned char *)WORLD_MAIL,
                      (int)strlen(WORLD_MAIL));
    ASN1_OCTET_STRING_set(parsed->encrypted->content, out, len);
    g_assert_cmpint(EVP_EncryptFinal_ex(context, out, &len), ==, 1);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag);
    ASN1_OCTET_STRING_set(parsed->mac, tag, sizeof tag);
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(SealGcmParameters));
    EVP_CIPHER_CTX_free(context);
}

/* RFC 5083 2.2: authenticated attributes are the associated data, under the tag of a SET. (`openssl
 * cms -decrypt` read this message too when the test was written.) */
static void
test_authenticated_attributes(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) parsed =
        take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    g_autoptr(SealSecret) key = content_key(world, parsed);
    g_autoptr(GBytes) associated = NULL;
    g_autoptr(GBytes) made = NULL;
    g_autoptr(GBytes) stripped = NULL;

    parsed->authenticated = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(
        parsed->authenticated,
        X509_ATTRIBUTE_create(NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data)));
    associated = seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), parsed->authenticated);
    g_assert_cmpuint(((const uint8_t *)g_bytes_get_data(associated, NULL))[0], ==, 0x31);
    encrypt_with(parsed, key, associated);
    made = put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                        NID_id_smime_ct_authEnvelopedData);
    world_expect(world, made, SEAL_VERDICT_DECRYPTED);
    sk_X509_ATTRIBUTE_pop_free(parsed->authenticated, X509_ATTRIBUTE_free);
    parsed->authenticated = NULL;
    stripped = put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                            NID_id_smime_ct_authEnvelopedData);
    expect_closed(world, stripped, SEAL_VERDICT_DECRYPT_FAILED);
}

static void
test_unknown_key_encryption(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, NULL, world_bob(world, "rsa:2048"), NULL);
    g_autoptr(SealEnvelopedData) parsed = take_apart(mail, ASN1_ITEM_rptr(SealEnvelopedData));
    ASN1_TYPE *any = sk_ASN1_TYPE_value(parsed->recipients, 0);
    g_autoptr(SealKeyTransport) transport =
        ASN1_item_unpack(any->value.sequence, ASN1_ITEM_rptr(SealKeyTransport));
    ASN1_STRING *packed = NULL;
    g_autoptr(GBytes) changed = NULL;

    X509_ALGOR_set0(transport->algorithm, OBJ_nid2obj(NID_rsa), V_ASN1_NULL, NULL);
    ASN1_item_pack(transport, ASN1_ITEM_rptr(SealKeyTransport), &packed);
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, packed);
    changed = put_together(parsed, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);
    expect_closed(world, changed, SEAL_VERDICT_UNSUPPORTED);
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

/* A cipher of one kind of message in the other: AES-GCM ciphertext, relabelled as CBC. */
static void
test_downgraded_content(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) from = take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    SealEnvelopedData into = {from->version, NULL, from->recipients, from->encrypted, NULL};
    g_autoptr(GBytes) changed =
        put_together(&into, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);

    expect_closed(world, changed, SEAL_VERDICT_MALFORMED);
}

/* -- bodies ----------------------------------------------------------------------------------- */

static void
test_parts_among_others(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) encrypted = world_encrypt(plain, NULL, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) signed_mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    GBytes *const parts[] = {encrypted, signed_mail};
    const SealVerdict verdicts[] = {SEAL_VERDICT_PARTIALLY_ENCRYPTED,
                                    SEAL_VERDICT_PARTIALLY_SIGNED};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *part =
            g_strndup(g_bytes_get_data(parts[i], NULL), g_bytes_get_size(parts[i]));
        g_autofree char *text =
            g_strconcat("From: alice@example.org\r\n"
                        "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
                        "--outer\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil/\r\n"
                        "--outer\r\n",
                        part, "\r\n--outer--\r\n", NULL);
        g_autoptr(GBytes) mail = world_bytes(text);
        g_autoptr(GBytes) content = NULL;
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_ALL, mail, verdicts[i], &content);

        g_assert_false(report->good);
        g_assert_true(g_bytes_equal(content, mail)); /* nothing was opened into it */
    }
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

static void
test_odd_mails(World *world, gconstpointer data)
{
    static const struct {
        const char *mail;
        SealVerdict verdict;
    } rows[] = {
        {"", SEAL_VERDICT_OK_PLAIN},
        {"no header", SEAL_VERDICT_OK_PLAIN},
        {"Content-Type: application/pkcs7-mime\r\n\r\nnot base64 and no DER",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n!!",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: application/pkcs7-mime\r\nContent-Type: text/plain\r\n\r\n",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; "
         "boundary=x\r\n\r\n",
         SEAL_VERDICT_UNSUPPORTED},
        {"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n",
         SEAL_VERDICT_MALFORMED},
        {"Content-Type: multipart/signed\r\n\r\n", SEAL_VERDICT_MALFORMED},
        /* id-data and compressed data as an S/MIME message */
        {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "MBEGCSqGSIb3DQEHAaAEMAIEAA==",
         SEAL_VERDICT_UNSUPPORTED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) mail = world_bytes(rows[i].mail);

        g_test_message("%s", rows[i].mail);
        world_expect(world, mail, rows[i].verdict);
    }
}

static void
test_limits(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) large = g_bytes_new_take(g_malloc0(SEAL_MAIL_MAX + 1), SEAL_MAIL_MAX + 1);

    for (guint i = 0; i <= SEAL_LAYERS_MAX; i++) {
        g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));

        if (i > 0)
            world_expect(world, mail, SEAL_VERDICT_OK);
        g_bytes_unref(mail);
        mail = world_sign(world, alice, text, &opaque);
    }
    expect_closed(world, mail, SEAL_VERDICT_NESTING_LIMIT);
    expect_closed(world, large, SEAL_VERDICT_RESOURCE_LIMIT);
}

static void
test_octet_stream(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(GBytes) named = world_replace(mail, "application/pkcs7-mime; smime-type=signed-data;",
                                            "application/octet-stream;");
    g_autoptr(GBytes) old =
        world_replace(mail, "application/pkcs7-mime", "application/x-pkcs7-mime");
    g_autoptr(GBytes) mbox =
        world_replace(mail, "From: Alice", "From alice Mon Nov 23\nFrom: Alice");

    world_expect(world, named, SEAL_VERDICT_OK);
    world_expect(world, old, SEAL_VERDICT_OK);
    world_expect(world, mbox, SEAL_VERDICT_OK);
}

/* -- every byte ------------------------------------------------------------------------------- */

/* Whatever is cut off or flipped: no crash, and never a good verdict on other content. */
static void
test_every_byte(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    GBytes *forms[] = {world_sign(world, alice, NULL, NULL),
                       world_sign(world, alice, NULL, &opaque), encrypt_gcm(world)};

    for (gsize form = 0; form < G_N_ELEMENTS(forms); form++) {
        gsize len = g_bytes_get_size(forms[form]);
        g_autoptr(GBytes) good = NULL;
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_ALL, forms[form],
                            form < 2 ? SEAL_VERDICT_OK : SEAL_VERDICT_DECRYPTED, &good);

        for (gsize at = 0; at < 2 * len; at++) {
            const SealOpenOptions options = {SEAL_OPEN_ALL, world->trust, &world->unwrapper, NULL,
                                             0};
            g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(forms[form], NULL), len);
            g_autoptr(GBytes) mail = NULL;
            g_autoptr(GBytes) content = NULL;
            g_autoptr(SealReport) damaged = NULL;

            copy[at % len] ^= (guint8)(1 << (at % 7));
            mail = g_bytes_new(copy, at < len ? len : at - len);
            g_assert_true(seal_mail_open(mail, &options, &damaged, &content, NULL));
            if (damaged->verdict == SEAL_VERDICT_OK || damaged->verdict == SEAL_VERDICT_DECRYPTED)
                g_assert_true(g_bytes_equal(content, good));
        }
    }
    for (gsize form = 0; form < G_N_ELEMENTS(forms); form++)
        g_clear_pointer(&forms[form], g_bytes_unref);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/open/signed/content-type-mismatch/is-malformed", test_content_type_mismatch},
        {"/open/signed/replayed-attributes/are-malformed", test_replayed_attributes},
        {"/open/signed/attribute-twice/is-malformed", test_attribute_twice},
        {"/open/signed/without-its-certificate/says-so", test_certificate_replaced},
        {"/open/signed/by-nobody/is-unsigned-or-certs-only", test_certificates_only},
        {"/open/signed/md5-sha1-and-rsa-1024/are-weak", test_weak_algorithms},
        {"/open/signed/changed-text/is-bad", test_changed_text},
        {"/open/signed/third-part/is-malformed", test_third_part},
        {"/open/signed/words-of-trust", test_trust_words},
        {"/open/signed/revocation", test_revoked_signer},
        {"/open/signed/senders", test_senders},
        {"/open/layers/signed-then-encrypted-and-triple", test_layers},
        {"/open/modes/ask-different-questions", test_modes},
        {"/open/encrypted/keys-that-do-not-open", test_keys_that_do_not_open},
        {"/open/encrypted/gcm-tags", test_gcm_tags},
        {"/open/encrypted/damaged-gcm/releases-nothing", test_damaged_gcm},
        {"/open/encrypted/authenticated-attributes/count", test_authenticated_attributes},
        {"/open/encrypted/unknown-key-encryption/reaches-no-key", test_unknown_key_encryption},
        {"/open/encrypted/gcm-as-enveloped-data/is-malformed", test_downgraded_content},
        {"/open/mail/protected-part-among-others/stays-closed", test_parts_among_others},
        {"/open/mail/odd-ones", test_odd_mails},
        {"/open/mail/limits", test_limits},
        {"/open/mail/old-types-and-octet-stream", test_octet_stream},
        {"/open/every-byte/cut-or-flipped", test_every_byte},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
