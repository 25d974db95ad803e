/* A CMS message in DER or BER, in a mail and alone, opened with a key that answers every recipient:
 * SignedData, envelopes, recipients, algorithms, decryption; and the certificates in it. Reading
 * without a copy of the content must come to what OpenSSL's reader comes to. */
#include <glib.h>

#include "base/error.h"
#include "smime/certificates.h"
#include "smime/capabilities.h"
#include "smime/message.h"
#include "smime/open.h"
#include "smime/report.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/objects.h>

static char *
find_any(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    g_assert_true((id->issuer && id->serial) != (id->subject_key_id != NULL));
    return g_strdup("key");
}

/* Zeroes fit AES-256 in length; an odd encrypted key fails as a token would let it fail. */
static SealSecret *
unwrap_any(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
           GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    static const unsigned char zeroes[32] = {0};

    g_assert_cmpuint(((const uint8_t *)g_bytes_get_data(key_encryption, NULL))[0], ==, 0x30);
    g_assert_nonnull(input->content_encryption);
    if (g_bytes_get_size(encrypted_key) % 2 == 0)
        return seal_secret_new_copy(zeroes, sizeof zeroes);
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DECRYPT_FAILED, "failed");
    return NULL;
}

static void
open_alone(const SealOpenOptions *options, const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) cms = g_bytes_new(data, size);
    g_autoptr(GPtrArray) certificates = seal_cms_certificates(cms, NULL);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    g_assert_true(seal_cms_open(cms, options, &report, &content, NULL));
    g_assert_true(report->verdict != SEAL_VERDICT_OK);
    g_assert_cmpuint(report->layers->len, <=, 1);
    for (guint i = 0; certificates && i < certificates->len; i++)
        g_assert_cmpuint(g_bytes_get_size(certificates->pdata[i]), <=, size);
}

static void
read_capabilities(const uint8_t *data, size_t size)
{
    SealCapabilities capabilities = {.ciphers = G_MAXUINT};
    g_autoptr(GBytes) der = g_bytes_new(data, size);

    if (seal_capabilities_read(der, &capabilities))
        g_assert_cmpuint(capabilities.ciphers, <, 1u << (SEAL_CONTENT_LAST + 1));
    else
        g_assert_cmpuint(capabilities.ciphers, ==, G_MAXUINT);
}

/* -- two readings ----------------------------------------------------------------------------- */

static const ASN1_ITEM *
item_of(const SealContentInfo *info)
{
    switch (OBJ_obj2nid(info->type)) {
    case NID_pkcs7_signed:
        return ASN1_ITEM_rptr(SealSignedData);
    case NID_pkcs7_enveloped:
        return ASN1_ITEM_rptr(SealEnvelopedData);
    case NID_id_smime_ct_authEnvelopedData:
        return ASN1_ITEM_rptr(SealAuthEnvelopedData);
    case NID_id_smime_ct_compressedData:
        return ASN1_ITEM_rptr(SealCompressedData);
    default:
        return NULL;
    }
}

static ASN1_OCTET_STRING *
content_of(gpointer structure, const ASN1_ITEM *item)
{
    if (item == ASN1_ITEM_rptr(SealSignedData))
        return ((SealSignedData *)structure)->encapsulated->content;
    if (item == ASN1_ITEM_rptr(SealEnvelopedData))
        return ((SealEnvelopedData *)structure)->encrypted->content;
    if (item == ASN1_ITEM_rptr(SealCompressedData))
        return ((SealCompressedData *)structure)->encapsulated->content;
    return ((SealAuthEnvelopedData *)structure)->encrypted->content;
}

/* The structure written anew, with `content` (nullable) put back; NULL if there is none. */
static GBytes *
write_again(const SealContentInfo *info, const ASN1_ITEM *item, GBytes *content)
{
    gpointer structure = ASN1_item_unpack(info->content->value.sequence, item);
    GBytes *der = NULL;

    ERR_clear_error();
    if (!structure)
        return NULL;
    if (content)
        ASN1_OCTET_STRING_set(content_of(structure, item), g_bytes_get_data(content, NULL),
                              (int)g_bytes_get_size(content));
    der = seal_asn1_write(item, structure);
    ASN1_item_free(structure, item);
    return der;
}

static void
compare_readings(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) cms = g_bytes_new(data, size);
    g_autoptr(SealMessage) message = seal_message_read(cms);
    g_autoptr(SealContentInfo) whole = seal_content_info_read((SealBytes){data, size});
    g_autoptr(GBytes) lifted = NULL;
    g_autoptr(GBytes) read = NULL;

    g_assert_true((message != NULL) == (whole != NULL));
    if (!message || !message->content)
        return;
    g_assert_cmpint(OBJ_cmp(message->info->type, whole->type), ==, 0);
    lifted = write_again(message->info, item_of(whole), message->content);
    read = write_again(whole, item_of(whole), NULL);
    g_assert_true((lifted != NULL) == (read != NULL));
    g_assert_true(!lifted || g_bytes_equal(lifted, read));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "From: a@example.org\r\nContent-Type: application/pkcs7-mime\r\n"
                               "Content-Transfer-Encoding: binary\r\n\r\n";
    const SealUnwrapper unwrapper = {find_any, unwrap_any, NULL};
    const SealOpenOptions options = {
        .mode = SEAL_OPEN_ALL, .unwrapper = &unwrapper, .at = 1000000000};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;
    g_autofree char *json = NULL;

    if (size > 1024 * 1024)
        return 0;
    g_byte_array_append(bytes, (const guint8 *)head, sizeof head - 1);
    g_byte_array_append(bytes, data, (guint)size);
    mail = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
    g_assert_true(report->verdict != SEAL_VERDICT_OK);
    json = seal_report_to_json(report);
    g_assert_true(g_utf8_validate(json, -1, NULL));
    open_alone(&options, data, size);
    read_capabilities(data, size);
    compare_readings(data, size);
    return 0;
}
