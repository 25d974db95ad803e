/* Content decryption with EVP, straight from the SealSecret: OpenSSL's CMS would copy the key into
 * its heap, take a tag of 4 bytes and one that is not as long as its ICVlen says. A tag shorter
 * than 12 bytes is refused (RFC 5084 allows 12 to 16). */
#include "smime/content.h"

#include "smime/cms.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <string.h>

#define TAG_LEN_MIN     12
#define TAG_LEN_MAX     16
#define TAG_LEN_DEFAULT 12
#define GCM_NONCE_LEN   12 /* RFC 5084 3.2 */

static const struct {
    int nid;
    const char *name;
    gsize key_len;
    gsize block; /* 0 for GCM */
} ciphers[] = {
    {NID_aes_256_cbc, "aes256-cbc", 32, 16}, {NID_aes_192_cbc, "aes192-cbc", 24, 16},
    {NID_aes_128_cbc, "aes128-cbc", 16, 16}, {NID_des_ede3_cbc, "3des-cbc", 24, 8},
    {NID_aes_256_gcm, "aes256-gcm", 32, 0},  {NID_aes_192_gcm, "aes192-gcm", 24, 0},
    {NID_aes_128_gcm, "aes128-gcm", 16, 0},
};

static SealVerdict
refuse(SealVerdict verdict, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return verdict;
}

static gboolean
take_nonce(const ASN1_OCTET_STRING *nonce, gsize len, SealContentAlgorithm *algorithm)
{
    gsize nonce_len = 0;
    gconstpointer data = seal_octets(nonce, &nonce_len);

    if (nonce_len != len)
        return FALSE;
    memcpy(algorithm->nonce, data, len);
    algorithm->nonce_len = len;
    return TRUE;
}

static SealVerdict
read_gcm(int type, const void *value, gsize tag_len, SealContentAlgorithm *algorithm,
         const char **ret_reason)
{
    SealGcmParameters *parameters = NULL;
    gint64 stated = TAG_LEN_DEFAULT;
    gboolean read = FALSE;

    if (type == V_ASN1_SEQUENCE)
        parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(SealGcmParameters));
    ERR_clear_error();
    if (parameters && parameters->tag_len)
        stated = ASN1_INTEGER_get(parameters->tag_len);
    read = parameters && take_nonce(parameters->nonce, GCM_NONCE_LEN, algorithm);
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(SealGcmParameters));
    if (!read)
        return refuse(SEAL_VERDICT_MALFORMED, "the parameters of its GCM are wrong", ret_reason);
    if (stated < TAG_LEN_MIN || stated > TAG_LEN_MAX)
        return refuse(SEAL_VERDICT_MALFORMED,
                      "its tag is stated to be shorter than 12 or longer than 16 bytes",
                      ret_reason);
    if ((gsize)stated != tag_len)
        return refuse(SEAL_VERDICT_MALFORMED, "its tag is not as long as it states", ret_reason);
    algorithm->tag_len = tag_len;
    return SEAL_VERDICT_OK;
}

static SealVerdict
read_parameters(gsize block, const X509_ALGOR *identifier, gsize tag_len,
                SealContentAlgorithm *algorithm, const char **ret_reason)
{
    const void *value = NULL;
    int type = 0;

    X509_ALGOR_get0(NULL, &type, &value, identifier);
    if (block == 0)
        return read_gcm(type, value, tag_len, algorithm, ret_reason);
    if (type != V_ASN1_OCTET_STRING || !take_nonce(value, block, algorithm))
        return refuse(SEAL_VERDICT_MALFORMED, "its initialisation vector is wrong", ret_reason);
    return SEAL_VERDICT_OK;
}

SealVerdict
seal_content_algorithm_read(const X509_ALGOR *algorithm, gboolean authenticated, gsize tag_len,
                            SealContentAlgorithm *ret_algorithm, const char **ret_reason)
{
    const ASN1_OBJECT *object = NULL;
    int nid = NID_undef;

    *ret_algorithm = (SealContentAlgorithm){0};
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    nid = OBJ_obj2nid(object);
    for (gsize i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        if (ciphers[i].nid != nid)
            continue;
        ret_algorithm->name = ciphers[i].name;
        ret_algorithm->nid = nid;
        ret_algorithm->key_len = ciphers[i].key_len;
        ret_algorithm->authenticated = ciphers[i].block == 0;
        if (ret_algorithm->authenticated != authenticated)
            return refuse(SEAL_VERDICT_MALFORMED,
                          "its content cipher does not belong into this kind of message",
                          ret_reason);
        return read_parameters(ciphers[i].block, algorithm, tag_len, ret_algorithm, ret_reason);
    }
    return refuse(SEAL_VERDICT_UNSUPPORTED,
                  "its content cipher is not known here, ask the sender to use AES", ret_reason);
}

/* -- decrypting ------------------------------------------------------------------------------- */

static gboolean
start(EVP_CIPHER_CTX *context, const SealContentAlgorithm *algorithm, const SealSecret *key,
      SealBytes associated)
{
    int len = 0;

    if (EVP_DecryptInit_ex(context, EVP_get_cipherbynid(algorithm->nid), NULL,
                           seal_secret_peek(key), algorithm->nonce) != 1)
        return FALSE;
    return associated.len == 0 ||
           EVP_DecryptUpdate(context, NULL, &len, associated.data, (int)associated.len) == 1;
}

/* Returns the plaintext's length, or -1. */
static gssize
run(EVP_CIPHER_CTX *context, const SealContentAlgorithm *algorithm, SealBytes ciphertext,
    SealBytes tag, unsigned char *out)
{
    unsigned char expected[TAG_LEN_MAX];
    int len = 0;
    int more = 0;

    if (EVP_DecryptUpdate(context, out, &len, ciphertext.data, (int)ciphertext.len) != 1)
        return -1;
    if (algorithm->authenticated) {
        memcpy(expected, tag.data, tag.len);
        if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, expected) != 1)
            return -1;
    }
    if (EVP_DecryptFinal_ex(context, out + len, &more) != 1)
        return -1;
    return len + more;
}

GBytes *
seal_content_decrypt(const SealContentAlgorithm *algorithm, const SealSecret *key,
                     SealBytes ciphertext, SealBytes tag, SealBytes associated)
{
    EVP_CIPHER_CTX *context = NULL;
    unsigned char *out = NULL;
    gssize len = -1;

    if (seal_secret_len(key) != algorithm->key_len || tag.len != algorithm->tag_len ||
        ciphertext.len > G_MAXINT - EVP_MAX_BLOCK_LENGTH || associated.len > G_MAXINT)
        return NULL;
    context = EVP_CIPHER_CTX_new();
    out = g_malloc(ciphertext.len + EVP_MAX_BLOCK_LENGTH);
    if (start(context, algorithm, key, associated))
        len = run(context, algorithm, ciphertext, tag, out);
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    if (len >= 0)
        return g_bytes_new_take(out, (gsize)len);
    seal_wipe(out, ciphertext.len + EVP_MAX_BLOCK_LENGTH);
    g_free(out);
    return NULL;
}
