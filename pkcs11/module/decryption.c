/* Whatever a program decrypts with a token key is a session key to the agent: one Unwrap; or it is
 * a block, where the policy opens raw RSA. The answer is kept until it has been taken, so that a
 * program whose buffer was too small does not ask the agent (and its person) twice. */
#include "pkcs11/module/decryption.h"

#include "base/bytes.h"
#include "pkcs11/module/cms.h"
#include "pkcs11/module/failure.h"
#include "pkcs11/module/mechanisms.h"

/* An OAEP label is empty in CMS; the agent's limit for anything is far above. */
#define LABEL_MAX 4096

struct SealDecryption {
    char *key;
    gboolean is_raw;                      /* no padding comes off */
    GBytes *algorithm, *originator, *ukm; /* else: as SealUnwrapQuery */
    gsize block_len;                      /* bytes of an RSA modulus; 0: AES key wrap */
    gsize overhead;                       /* of the padding or the wrap */
    GBytes *input;                        /* (nullable) what `content` came from */
    SealSessionKey *content;
};

void
seal_decryption_free(SealDecryption *decryption)
{
    if (!decryption)
        return;
    g_free(decryption->key);
    g_clear_pointer(&decryption->algorithm, g_bytes_unref);
    g_clear_pointer(&decryption->originator, g_bytes_unref);
    g_clear_pointer(&decryption->ukm, g_bytes_unref);
    g_clear_pointer(&decryption->input, g_bytes_unref);
    seal_session_key_free(decryption->content);
    g_free(decryption);
}

/* -- beginning ------------------------------------------------------------------------------ */

static CK_RV
read_oaep(const CK_MECHANISM *mechanism, SealDecryption *decryption)
{
    const CK_RSA_PKCS_OAEP_PARAMS *oaep = mechanism->pParameter;
    SealHash hash = SEAL_HASH_NONE;

    if (!oaep || mechanism->ulParameterLen != sizeof *oaep ||
        (oaep->source != CKZ_DATA_SPECIFIED && oaep->ulSourceDataLen > 0) ||
        oaep->ulSourceDataLen > LABEL_MAX || (oaep->ulSourceDataLen > 0 && !oaep->pSourceData))
        return CKR_MECHANISM_PARAM_INVALID;
    hash = seal_hash_from_mechanism(oaep->hashAlg);
    decryption->algorithm = seal_cms_oaep(hash, seal_hash_from_mgf(oaep->mgf),
                                          (SealBytes){oaep->pSourceData, oaep->ulSourceDataLen});
    decryption->overhead = 2 * seal_hash_len(hash) + 2; /* RFC 8017 7.1.1 */
    return decryption->algorithm ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV
read_rsa(const CK_MECHANISM *mechanism, SealDecryption *decryption)
{
    if (mechanism->mechanism == CKM_RSA_PKCS_OAEP)
        return read_oaep(mechanism, decryption);
    if (mechanism->ulParameterLen > 0)
        return CKR_MECHANISM_PARAM_INVALID;
    if (decryption->is_raw)
        return CKR_OK;
    decryption->algorithm = seal_cms_rsa_pkcs1();
    decryption->overhead = 11; /* RFC 8017 7.2.1 */
    return CKR_OK;
}

CK_RV
seal_decryption_of_key(const SealItem *key, const CK_MECHANISM *mechanism,
                       SealDecryption **ret_decryption)
{
    const SealMechanismRow *row = seal_mechanism_row(mechanism->mechanism, CKF_DECRYPT, key->raw);
    g_autoptr(SealDecryption) decryption = NULL;
    CK_RV rv = CKR_OK;

    if (!row)
        return CKR_MECHANISM_INVALID;
    if (row->algorithm != key->algorithm)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!key->can_decrypt)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    decryption = g_new0(SealDecryption, 1);
    decryption->key = g_strdup(key->key);
    decryption->is_raw = row->is_raw;
    decryption->block_len = (key->bits + 7) / 8;
    rv = read_rsa(mechanism, decryption);
    if (rv == CKR_OK && decryption->overhead >= decryption->block_len)
        rv = CKR_MECHANISM_PARAM_INVALID;
    if (rv == CKR_OK)
        *ret_decryption = g_steal_pointer(&decryption);
    return rv;
}

CK_RV
seal_decryption_of_secret(SealSecretKey *secret, const CK_MECHANISM *mechanism,
                          SealDecryption **ret_decryption)
{
    SealDecryption *decryption = NULL;

    if (mechanism->mechanism != CKM_AES_KEY_WRAP && mechanism->mechanism != CKM_NSS_AES_KEY_WRAP)
        return CKR_MECHANISM_INVALID;
    /* The initial value is that of RFC 3394 2.2.3.1. */
    if (mechanism->ulParameterLen > 0)
        return CKR_MECHANISM_PARAM_INVALID;
    if (secret->value)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    decryption = g_new0(SealDecryption, 1);
    decryption->key = g_strdup(secret->key);
    decryption->algorithm = g_bytes_ref(secret->algorithm);
    decryption->originator = g_bytes_ref(secret->originator);
    decryption->ukm = secret->ukm ? g_bytes_ref(secret->ukm) : NULL;
    decryption->overhead = 8;
    *ret_decryption = decryption;
    return CKR_OK;
}

/* -- opening ---------------------------------------------------------------------------------- */

CK_ULONG
seal_decryption_max_len(const SealDecryption *decryption, CK_ULONG encrypted_len)
{
    gsize whole = decryption->block_len > 0 ? decryption->block_len : encrypted_len;

    return whole > decryption->overhead ? whole - decryption->overhead : 0;
}

static gboolean
is_len_possible(const SealDecryption *decryption, gsize len)
{
    if (decryption->block_len > 0)
        return len == decryption->block_len;
    return len % 8 == 0 && len >= 24 && len <= SEAL_AGENT_DATA_MAX; /* RFC 3394 2.2.2 */
}

static SealSessionKey *
ask_agent(const SealDecryption *decryption, SealClient *client, GBytes *input, GError **error)
{
    const SealUnwrapQuery query = {.algorithm = decryption->algorithm,
                                   .encrypted_key = input,
                                   .originator = decryption->originator,
                                   .ukm = decryption->ukm};

    return decryption->is_raw
               ? seal_client_raw(client, decryption->key, "rsa-decrypt", input, error)
               : seal_client_unwrap(client, decryption->key, &query, error);
}

CK_RV
seal_decryption_open(SealDecryption *decryption, SealClient *client, SealBytes encrypted,
                     const SealSessionKey **ret_content)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) input = NULL;

    if (!is_len_possible(decryption, encrypted.len))
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    input = g_bytes_new(encrypted.data, encrypted.len);
    if (!decryption->content || !g_bytes_equal(decryption->input, input)) {
        g_clear_pointer(&decryption->content, seal_session_key_free);
        g_clear_pointer(&decryption->input, g_bytes_unref);
        decryption->content = ask_agent(decryption, client, input, &error);
        if (!decryption->content)
            return seal_failure_to_rv(error, CKR_ENCRYPTED_DATA_INVALID);
        decryption->input = g_steal_pointer(&input);
    }
    *ret_content = decryption->content;
    return CKR_OK;
}

SealSessionKey *
seal_decryption_take(SealDecryption *decryption)
{
    return g_steal_pointer(&decryption->content);
}
