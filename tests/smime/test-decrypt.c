/* Encrypted layers: keys that do not open them, and envelopes that other readers wrongly accept. */
#include "base/error.h"
#include "smime/cms.h"
#include "smime/recipient.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"

#include <openssl/objects.h>
#include <string.h>

static const SealEncryptOptions gcm = {SEAL_CONTENT_AES256_GCM, FALSE};

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

    world_expect_closed(world, for_carol, SEAL_VERDICT_NOT_RECIPIENT);
    world_expect(world, for_bob, SEAL_VERDICT_DECRYPTED_NOAUTH);
    world->keyring.mood = TEST_UNWRAP_REFUSES;
    world_expect_closed(world, for_bob, SEAL_VERDICT_REFUSED);
    world->keyring.mood = TEST_UNWRAP_WRONG;
    world_expect_closed(world, for_bob, SEAL_VERDICT_DECRYPT_FAILED);
    world_expect_closed(world, for_bob_gcm, SEAL_VERDICT_DECRYPT_FAILED);
    world->keyring.mood = TEST_UNWRAP_FAILS;
    g_assert_false(seal_mail_open(for_bob, &options, &report, &content, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_null(report);
    g_assert_null(content);
}

/* What the token cannot do is said in its own words. */
static void
test_token_that_cannot(World *world, gconstpointer data)
{
    static const SealEncryptOptions oaep = {SEAL_CONTENT_AES256_CBC, TRUE};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, &oaep, world_bob(world, "rsa:2048"), NULL);
    g_autoptr(SealReport) report = NULL;

    world->keyring.mood = TEST_UNWRAP_UNABLE;
    report = world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_UNSUPPORTED, NULL);
    g_assert_cmpstr(report->reason, ==, "the token 'Blue' cannot unwrap with RSA-OAEP");
}

/* Our GCM mail with a tag of `tag_len` bytes that states `stated`. */
static GBytes *
with_tag(GBytes *mail, int tag_len, int stated)
{
    g_autoptr(SealAuthEnvelopedData) parsed =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
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
    return test_put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                             NID_id_smime_ct_authEnvelopedData);
}

static void
test_gcm_tags(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    g_autoptr(GBytes) four = with_tag(mail, 4, 4);
    g_autoptr(GBytes) longer = with_tag(mail, 16, 12);
    g_autoptr(GBytes) shorter = with_tag(mail, 12, 16);
    g_autoptr(GBytes) twelve = with_tag(mail, 12, 12);
    g_autoptr(GBytes) same = with_tag(mail, 16, 16);

    world_expect(world, mail, SEAL_VERDICT_DECRYPTED);
    world_expect(world, same, SEAL_VERDICT_DECRYPTED);
    world_expect_closed(world, four, SEAL_VERDICT_MALFORMED);
    world_expect_closed(world, longer, SEAL_VERDICT_MALFORMED);
    world_expect_closed(world, shorter, SEAL_VERDICT_MALFORMED);
    world_expect(world, twelve, SEAL_VERDICT_DECRYPTED); /* RFC 5084 allows a cut tag of 12 */
}

static void
test_damaged_gcm(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) parsed =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(GBytes) moved = NULL;

    ((unsigned char *)ASN1_STRING_get0_data(parsed->encrypted->content))[20] ^= 1;
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                                NID_id_smime_ct_authEnvelopedData);
    world_expect_closed(world, changed, SEAL_VERDICT_DECRYPT_FAILED);
    /* Authenticated attributes that were never authenticated. */
    ((unsigned char *)ASN1_STRING_get0_data(parsed->encrypted->content))[20] ^= 1;
    parsed->authenticated = sk_X509_ATTRIBUTE_new_null();
    sk_X509_ATTRIBUTE_push(
        parsed->authenticated,
        X509_ATTRIBUTE_create(NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data)));
    moved = test_put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                              NID_id_smime_ct_authEnvelopedData);
    world_expect_closed(world, moved, SEAL_VERDICT_DECRYPT_FAILED);
}

/* One key agreement with `count` keys beside a megabyte of keying material. */
static void
multiply_keys(SealAuthEnvelopedData *parsed, guint count)
{
    ASN1_TYPE *any = sk_ASN1_TYPE_value(parsed->recipients, 0);
    g_autoptr(SealKeyAgreement) agreement =
        ASN1_item_unpack(any->value.asn1_string, ASN1_ITEM_rptr(SealKeyAgreementTagged));
    const SealRecipientEncryptedKey *first = sk_SealRecipientEncryptedKey_value(agreement->keys, 0);
    g_autofree guint8 *material = g_malloc0(1024 * 1024);
    g_autoptr(GBytes) der = NULL;

    for (guint i = 1; i < count; i++)
        sk_SealRecipientEncryptedKey_push(
            agreement->keys, ASN1_item_dup(ASN1_ITEM_rptr(SealRecipientEncryptedKey), first));
    agreement->ukm = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(agreement->ukm, material, 1024 * 1024);
    der = seal_asn1_write(ASN1_ITEM_rptr(SealKeyAgreementTagged), agreement);
    ASN1_STRING_set(any->value.asn1_string, g_bytes_get_data(der, NULL),
                    (int)g_bytes_get_size(der));
}

/* What they have in common is there once; a gigabyte, or all memory, would go otherwise. */
static void
test_keys_share_material(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) parsed =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)seal_recipient_free);
    const SealRecipient *first = NULL;
    const SealRecipient *last = NULL;

    multiply_keys(parsed, 1500);
    g_assert_true(seal_recipients_read(parsed->recipients, list));
    g_assert_cmpuint(list->len, ==, SEAL_RECIPIENTS_READ_MAX + 1);
    first = list->pdata[0];
    last = list->pdata[SEAL_RECIPIENTS_READ_MAX];
    g_assert_cmpuint(g_bytes_get_size(last->ukm), ==, 1024 * 1024);
    g_assert_true(g_bytes_get_data(first->ukm, NULL) == g_bytes_get_data(last->ukm, NULL));
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
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) parsed =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
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
    made = test_put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                             NID_id_smime_ct_authEnvelopedData);
    world_expect(world, made, SEAL_VERDICT_DECRYPTED);
    sk_X509_ATTRIBUTE_pop_free(parsed->authenticated, X509_ATTRIBUTE_free);
    parsed->authenticated = NULL;
    stripped = test_put_together(parsed, ASN1_ITEM_rptr(SealAuthEnvelopedData),
                                 NID_id_smime_ct_authEnvelopedData);
    world_expect_closed(world, stripped, SEAL_VERDICT_DECRYPT_FAILED);
}

static void
test_unknown_key_encryption(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, NULL, world_bob(world, "rsa:2048"), NULL);
    g_autoptr(SealEnvelopedData) parsed = test_take_apart(mail, ASN1_ITEM_rptr(SealEnvelopedData));
    ASN1_TYPE *any = sk_ASN1_TYPE_value(parsed->recipients, 0);
    g_autoptr(SealKeyTransport) transport =
        ASN1_item_unpack(any->value.sequence, ASN1_ITEM_rptr(SealKeyTransport));
    ASN1_STRING *packed = NULL;
    g_autoptr(GBytes) changed = NULL;

    X509_ALGOR_set0(transport->algorithm, OBJ_nid2obj(NID_rsa), V_ASN1_NULL, NULL);
    ASN1_item_pack(transport, ASN1_ITEM_rptr(SealKeyTransport), &packed);
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, packed);
    changed = test_put_together(parsed, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);
    world_expect_closed(world, changed, SEAL_VERDICT_UNSUPPORTED);
    g_assert_cmpuint(world->keyring.asked, ==, 0);
}

/* A cipher of one kind of message in the other: AES-GCM ciphertext, relabelled as CBC. */
static void
test_downgraded_content(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    g_autoptr(SealAuthEnvelopedData) from =
        test_take_apart(mail, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    SealEnvelopedData into = {from->version, NULL, from->recipients, from->encrypted, NULL};
    g_autoptr(GBytes) changed =
        test_put_together(&into, ASN1_ITEM_rptr(SealEnvelopedData), NID_pkcs7_enveloped);

    world_expect_closed(world, changed, SEAL_VERDICT_MALFORMED);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/decrypt/keys-that-do-not-open", test_keys_that_do_not_open},
        {"/decrypt/keys-of-one-agreement/share-its-material", test_keys_share_material},
        {"/decrypt/token-that-cannot/says-so", test_token_that_cannot},
        {"/decrypt/gcm-tags", test_gcm_tags},
        {"/decrypt/damaged-gcm/releases-nothing", test_damaged_gcm},
        {"/decrypt/authenticated-attributes/count", test_authenticated_attributes},
        {"/decrypt/unknown-key-encryption/reaches-no-key", test_unknown_key_encryption},
        {"/decrypt/gcm-as-enveloped-data/is-malformed", test_downgraded_content},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
