/* Content encryption with EVP, straight from the SealSecret: OpenSSL's CMS would copy the key into
 * its heap, take a tag of 4 bytes and one that is not as long as its ICVlen says, and knows no
 * ChaCha20-Poly1305. A tag of GCM shorter than 12 bytes is refused (RFC 5084 allows 12 to 16). */
#include "smime/content.h"

#include "smime/cms.h"
#include "smime/plain.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <string.h>

#define TAG_LEN_MIN     12
#define TAG_LEN_DEFAULT 12
#define AEAD_NONCE_LEN  12 /* RFC 5084 3.2, RFC 8103 3 */
#define IN_ONE_GO_MAX   ((gsize)G_MAXINT - EVP_MAX_BLOCK_LENGTH)

typedef enum { MODE_CBC, MODE_GCM, MODE_CHACHA20 } Mode;

#define NOT_WRITTEN (-1)

static const struct {
    const char *oid;
    const char *name; /* in reports */
    Mode mode;
    const EVP_CIPHER *(*cipher)(void);
    int written; /* SealContentCipher, or NOT_WRITTEN */
} ciphers[] = {
    {"2.16.840.1.101.3.4.1.42", "aes256-cbc", MODE_CBC, EVP_aes_256_cbc, SEAL_CONTENT_AES256_CBC},
    {"2.16.840.1.101.3.4.1.22", "aes192-cbc", MODE_CBC, EVP_aes_192_cbc, SEAL_CONTENT_AES192_CBC},
    {"2.16.840.1.101.3.4.1.2", "aes128-cbc", MODE_CBC, EVP_aes_128_cbc, SEAL_CONTENT_AES128_CBC},
    {"1.2.840.113549.3.7", "3des-cbc", MODE_CBC, EVP_des_ede3_cbc, NOT_WRITTEN},
    {"2.16.840.1.101.3.4.1.46", "aes256-gcm", MODE_GCM, EVP_aes_256_gcm, SEAL_CONTENT_AES256_GCM},
    {"2.16.840.1.101.3.4.1.26", "aes192-gcm", MODE_GCM, EVP_aes_192_gcm, SEAL_CONTENT_AES192_GCM},
    {"2.16.840.1.101.3.4.1.6", "aes128-gcm", MODE_GCM, EVP_aes_128_gcm, SEAL_CONTENT_AES128_GCM},
    {"1.2.840.113549.1.9.16.3.18", "chacha20-poly1305", MODE_CHACHA20, EVP_chacha20_poly1305,
     SEAL_CONTENT_CHACHA20_POLY1305},
};

/* -- names ------------------------------------------------------------------------------------ */

static const char *const names[] = {
    [SEAL_CONTENT_AES256_CBC] = "aes-256-cbc",
    [SEAL_CONTENT_AES192_CBC] = "aes-192-cbc",
    [SEAL_CONTENT_AES128_CBC] = "aes-128-cbc",
    [SEAL_CONTENT_AES128_GCM] = "aes-128-gcm",
    [SEAL_CONTENT_AES192_GCM] = "aes-192-gcm",
    [SEAL_CONTENT_AES256_GCM] = "aes-256-gcm",
    [SEAL_CONTENT_CHACHA20_POLY1305] = "chacha20-poly1305",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == SEAL_CONTENT_LAST + 1);

gboolean
seal_content_cipher_from_name(const char *name, SealContentCipher *ret_cipher)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!g_str_equal(names[i], name))
            continue;
        *ret_cipher = (SealContentCipher)i;
        return TRUE;
    }
    return FALSE;
}

const char *
seal_content_cipher_name(SealContentCipher cipher)
{
    return names[cipher];
}

char *
seal_content_cipher_names(void)
{
    GString *list = g_string_new(names[0]);

    for (gsize i = 1; i < G_N_ELEMENTS(names); i++)
        g_string_append_printf(list, "%s%s", i + 1 < G_N_ELEMENTS(names) ? ", " : " or ", names[i]);
    return g_string_free(list, FALSE);
}

/* The row of a cipher that is written. */
static gsize
row_of(SealContentCipher cipher)
{
    gsize row = 0;

    while (ciphers[row].written != (int)cipher)
        row++;
    return row;
}

gboolean
seal_content_cipher_is_authenticated(SealContentCipher cipher)
{
    return ciphers[row_of(cipher)].mode != MODE_CBC;
}

/* -- reading ---------------------------------------------------------------------------------- */

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
    read = parameters && take_nonce(parameters->nonce, AEAD_NONCE_LEN, algorithm);
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(SealGcmParameters));
    if (!read)
        return refuse(SEAL_VERDICT_MALFORMED, "the parameters of its GCM are wrong", ret_reason);
    if (stated < TAG_LEN_MIN || stated > SEAL_TAG_MAX)
        return refuse(SEAL_VERDICT_MALFORMED,
                      "its tag is stated to be shorter than 12 or longer than 16 bytes",
                      ret_reason);
    if ((gsize)stated != tag_len)
        return refuse(SEAL_VERDICT_MALFORMED, "its tag is not as long as it states", ret_reason);
    algorithm->tag_len = tag_len;
    return SEAL_VERDICT_OK;
}

/* RFC 8103 3: the parameters are the nonce, and the tag has 16 bytes. */
static SealVerdict
read_chacha20(int type, const void *value, gsize tag_len, SealContentAlgorithm *algorithm,
              const char **ret_reason)
{
    if (type != V_ASN1_OCTET_STRING || !take_nonce(value, AEAD_NONCE_LEN, algorithm))
        return refuse(SEAL_VERDICT_MALFORMED, "the nonce of its ChaCha20-Poly1305 is wrong",
                      ret_reason);
    if (tag_len != SEAL_TAG_MAX)
        return refuse(SEAL_VERDICT_MALFORMED, "its tag has not 16 bytes", ret_reason);
    algorithm->tag_len = tag_len;
    return SEAL_VERDICT_OK;
}

static SealVerdict
read_parameters(Mode mode, const X509_ALGOR *identifier, gsize tag_len,
                SealContentAlgorithm *algorithm, const char **ret_reason)
{
    gsize iv_len = (gsize)EVP_CIPHER_get_iv_length(algorithm->cipher);
    const void *value = NULL;
    int type = 0;

    X509_ALGOR_get0(NULL, &type, &value, identifier);
    if (mode == MODE_GCM)
        return read_gcm(type, value, tag_len, algorithm, ret_reason);
    if (mode == MODE_CHACHA20)
        return read_chacha20(type, value, tag_len, algorithm, ret_reason);
    if (type != V_ASN1_OCTET_STRING || !take_nonce(value, iv_len, algorithm))
        return refuse(SEAL_VERDICT_MALFORMED, "its initialisation vector is wrong", ret_reason);
    return SEAL_VERDICT_OK;
}

static SealContentAlgorithm
algorithm_of_row(gsize row)
{
    const EVP_CIPHER *cipher = ciphers[row].cipher();

    return (SealContentAlgorithm){.name = ciphers[row].name,
                                  .cipher = cipher,
                                  .key_len = (gsize)EVP_CIPHER_get_key_length(cipher),
                                  .authenticated = ciphers[row].mode != MODE_CBC,
                                  .weak = ciphers[row].written == NOT_WRITTEN};
}

SealVerdict
seal_content_algorithm_read(const X509_ALGOR *algorithm, gboolean authenticated, gsize tag_len,
                            SealContentAlgorithm *ret_algorithm, const char **ret_reason)
{
    const ASN1_OBJECT *object = NULL;
    char oid[80] = "";

    *ret_algorithm = (SealContentAlgorithm){0};
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    OBJ_obj2txt(oid, sizeof oid, object, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        if (!g_str_equal(ciphers[i].oid, oid))
            continue;
        *ret_algorithm = algorithm_of_row(i);
        if (ret_algorithm->authenticated != authenticated)
            return refuse(SEAL_VERDICT_MALFORMED,
                          "its content cipher does not belong into this kind of message",
                          ret_reason);
        return read_parameters(ciphers[i].mode, algorithm, tag_len, ret_algorithm, ret_reason);
    }
    return refuse(SEAL_VERDICT_UNSUPPORTED,
                  "its content cipher is not known here, ask the sender to use AES", ret_reason);
}

/* -- decrypting ------------------------------------------------------------------------------- */

static gboolean
start_opening(EVP_CIPHER_CTX *context, const SealContentAlgorithm *algorithm, const SealSecret *key,
              SealBytes associated)
{
    int len = 0;

    if (EVP_DecryptInit_ex(context, algorithm->cipher, NULL, seal_secret_peek(key),
                           algorithm->nonce) != 1)
        return FALSE;
    return associated.len == 0 ||
           EVP_DecryptUpdate(context, NULL, &len, associated.data, (int)associated.len) == 1;
}

/* Returns the plaintext's length, or -1. */
static gssize
run(EVP_CIPHER_CTX *context, const SealContentAlgorithm *algorithm, SealBytes ciphertext,
    SealBytes tag, unsigned char *out)
{
    unsigned char expected[SEAL_TAG_MAX];
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
        ciphertext.len > IN_ONE_GO_MAX || associated.len > G_MAXINT)
        return NULL;
    context = EVP_CIPHER_CTX_new();
    out = g_malloc(ciphertext.len + EVP_MAX_BLOCK_LENGTH);
    if (start_opening(context, algorithm, key, associated))
        len = run(context, algorithm, ciphertext, tag, out);
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    if (len >= 0)
        return seal_plain_take(out, (gsize)len);
    seal_wipe(out, ciphertext.len + EVP_MAX_BLOCK_LENGTH);
    g_free(out);
    return NULL;
}

/* -- encrypting ------------------------------------------------------------------------------- */

static ASN1_OCTET_STRING *
new_octets(gconstpointer data, gsize len)
{
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

    ASN1_OCTET_STRING_set(octets, data, (int)len);
    return octets;
}

static void
write_gcm(const SealContentAlgorithm *from, const ASN1_OBJECT *oid, X509_ALGOR *algorithm)
{
    SealGcmParameters *parameters = seal_asn1_new(ASN1_ITEM_rptr(SealGcmParameters));
    ASN1_STRING *packed = NULL;

    ASN1_OCTET_STRING_set(parameters->nonce, from->nonce, (int)from->nonce_len);
    parameters->tag_len = ASN1_INTEGER_new();
    ASN1_INTEGER_set(parameters->tag_len, (long)from->tag_len);
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(SealGcmParameters), &packed);
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(SealGcmParameters));
    X509_ALGOR_set0(algorithm, (ASN1_OBJECT *)oid, V_ASN1_SEQUENCE, packed);
}

void
seal_content_algorithm_make(SealContentCipher cipher, X509_ALGOR *algorithm,
                            SealContentAlgorithm *ret_algorithm)
{
    gsize row = row_of(cipher);
    SealContentAlgorithm made = algorithm_of_row(row);
    ASN1_OBJECT *oid = OBJ_txt2obj(ciphers[row].oid, 1);

    made.nonce_len = (gsize)EVP_CIPHER_get_iv_length(made.cipher);
    made.tag_len = made.authenticated ? SEAL_TAG_MAX : 0;
    if (RAND_bytes(made.nonce, (int)made.nonce_len) != 1)
        g_error("the random generator failed");
    if (ciphers[row].mode == MODE_GCM)
        write_gcm(&made, oid, algorithm);
    else
        X509_ALGOR_set0(algorithm, oid, V_ASN1_OCTET_STRING,
                        new_octets(made.nonce, made.nonce_len));
    *ret_algorithm = made;
}

gsize
seal_content_encrypted_len(const SealContentAlgorithm *algorithm, gsize plaintext_len)
{
    gsize block = (gsize)EVP_CIPHER_get_block_size(algorithm->cipher);

    return algorithm->authenticated ? plaintext_len : (plaintext_len / block + 1) * block;
}

static void
encrypt_some(SealSink *sink, const uint8_t *data, gsize len)
{
    SealEncryptSink *encrypt = (SealEncryptSink *)sink;
    unsigned char out[4096 + EVP_MAX_BLOCK_LENGTH];

    for (gsize at = 0; at < len; at += 4096) {
        int out_len = 0;

        if (EVP_EncryptUpdate(encrypt->context, out, &out_len, data + at,
                              (int)MIN(4096, len - at)) != 1)
            g_error("OpenSSL cannot encrypt");
        seal_sink_put(encrypt->next, out, (gsize)out_len);
    }
}

gboolean
seal_encrypt_sink_init(SealEncryptSink *encrypt, const SealContentAlgorithm *algorithm,
                       const SealSecret *key, SealSink *next)
{
    if (seal_secret_len(key) != algorithm->key_len)
        return FALSE;
    seal_sink_init(&encrypt->sink, encrypt_some);
    encrypt->next = next;
    encrypt->tag_len = algorithm->tag_len;
    encrypt->context = EVP_CIPHER_CTX_new();
    if (EVP_EncryptInit_ex(encrypt->context, algorithm->cipher, NULL, seal_secret_peek(key),
                           algorithm->nonce) == 1)
        return TRUE;
    ERR_clear_error();
    g_clear_pointer(&encrypt->context, EVP_CIPHER_CTX_free);
    return FALSE;
}

void
seal_encrypt_sink_finish(SealEncryptSink *encrypt, uint8_t *ret_tag)
{
    unsigned char last[EVP_MAX_BLOCK_LENGTH];
    int len = 0;

    seal_sink_finish(&encrypt->sink);
    if (EVP_EncryptFinal_ex(encrypt->context, last, &len) != 1 ||
        (encrypt->tag_len > 0 && EVP_CIPHER_CTX_ctrl(encrypt->context, EVP_CTRL_AEAD_GET_TAG,
                                                     (int)encrypt->tag_len, ret_tag) != 1))
        g_error("OpenSSL cannot encrypt");
    seal_sink_put(encrypt->next, last, (gsize)len);
    g_clear_pointer(&encrypt->context, EVP_CIPHER_CTX_free);
}
