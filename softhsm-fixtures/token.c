/* Writes keys and certificates to SoftHSM as a card's issuer would: private halves sensitive and
 * not extractable, usages exactly as the purpose demands (an imported EC key without CKA_DERIVE
 * decrypts nothing, and one with CKA_SIGN would hide that the agent refuses to sign with it). */
#include "softhsm-fixtures/token.h"

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/error.h"
#include "softhsm-fixtures/authority.h"
#include "softhsm-fixtures/template.h"

struct SealFixtureModule {
    void *library;
    CK_FUNCTION_LIST *p11;
    gboolean initialized;
};

struct SealFixtureSession {
    CK_FUNCTION_LIST *p11;
    CK_SESSION_HANDLE handle;
};

static gboolean
succeeded(CK_RV rv, const char *function, GError **error)
{
    if (rv == CKR_OK)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED, "%s failed with 0x%lx", function, rv);
    return FALSE;
}

SealFixtureModule *
seal_fixture_module_open(const char *path, GError **error)
{
    g_autoptr(SealFixtureModule) module = g_new0(SealFixtureModule, 1);
    CK_C_GetFunctionList get_function_list = NULL;

    module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module->library != NULL)
        get_function_list = (CK_C_GetFunctionList)dlsym(module->library, "C_GetFunctionList");
    if (get_function_list == NULL) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED,
                    "cannot load '%s': %s (Debian package softhsm2)", path, dlerror());
        return NULL;
    }
    if (!succeeded(get_function_list(&module->p11), "C_GetFunctionList", error) ||
        !succeeded(module->p11->C_Initialize(NULL), "C_Initialize", error))
        return NULL;
    module->initialized = TRUE;
    return g_steal_pointer(&module);
}

void
seal_fixture_module_close(SealFixtureModule *module)
{
    if (module == NULL)
        return;
    if (module->initialized)
        (void)module->p11->C_Finalize(NULL);
    if (module->library != NULL)
        (void)dlclose(module->library);
    g_free(module);
}

/* SoftHSM always offers one slot more than there are tokens; its token is not initialized. */
static gboolean
find_empty_slot(CK_FUNCTION_LIST *p11, CK_SLOT_ID *ret_slot, GError **error)
{
    CK_SLOT_ID slots[16];
    CK_ULONG n_slots = 0;
    CK_TOKEN_INFO info;

    /* The first call with NULL makes SoftHSM renew its list. */
    if (!succeeded(p11->C_GetSlotList(CK_TRUE, NULL, &n_slots), "C_GetSlotList", error))
        return FALSE;
    n_slots = G_N_ELEMENTS(slots);
    if (!succeeded(p11->C_GetSlotList(CK_TRUE, slots, &n_slots), "C_GetSlotList", error))
        return FALSE;
    for (CK_ULONG i = 0; i < n_slots; i++) {
        if (p11->C_GetTokenInfo(slots[i], &info) != CKR_OK || info.flags & CKF_TOKEN_INITIALIZED)
            continue;
        *ret_slot = slots[i];
        return TRUE;
    }
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED, "the module offers no empty slot");
    return FALSE;
}

SealFixtureSession *
seal_fixture_session_new(SealFixtureModule *module, const char *label, const char *so_pin,
                         const char *pin, GError **error)
{
    g_autoptr(SealFixtureSession) session = g_new0(SealFixtureSession, 1);
    CK_FUNCTION_LIST *p11 = module->p11;
    CK_UTF8CHAR padded[32];
    CK_UTF8CHAR *so_bytes = (CK_UTF8CHAR *)so_pin, *pin_bytes = (CK_UTF8CHAR *)pin;
    CK_SLOT_ID slot = 0;

    memset(padded, ' ', sizeof padded);
    memcpy(padded, label, MIN(strlen(label), sizeof padded));
    session->p11 = p11;
    if (!find_empty_slot(p11, &slot, error) ||
        !succeeded(p11->C_InitToken(slot, so_bytes, strlen(so_pin), padded), "C_InitToken", error) ||
        !succeeded(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                      &session->handle),
                   "C_OpenSession", error) ||
        !succeeded(p11->C_Login(session->handle, CKU_SO, so_bytes, strlen(so_pin)), "C_Login",
                   error) ||
        !succeeded(p11->C_InitPIN(session->handle, pin_bytes, strlen(pin)), "C_InitPIN", error) ||
        !succeeded(p11->C_Logout(session->handle), "C_Logout", error) ||
        !succeeded(p11->C_Login(session->handle, CKU_USER, pin_bytes, strlen(pin)), "C_Login",
                   error))
        return NULL;
    return g_steal_pointer(&session);
}

void
seal_fixture_session_free(SealFixtureSession *session)
{
    if (session == NULL)
        return;
    if (session->handle != CK_INVALID_HANDLE)
        (void)session->p11->C_CloseSession(session->handle);
    g_free(session);
}

static gboolean
is_rsa(const SealFixtureKey *key)
{
    return strcmp(key->algorithm->family, "RSA") == 0;
}

static const char *
curve_of(const SealFixtureKey *key)
{
    return key->algorithm->group != NULL ? key->algorithm->group : key->algorithm->family;
}

static CK_KEY_TYPE
key_type_of(const SealFixtureKey *key)
{
    if (is_rsa(key))
        return CKK_RSA;
    return key->algorithm->group != NULL ? CKK_EC : CKK_EC_EDWARDS;
}

static void
describe_both(SealFixtureTemplate *to, const SealFixtureKey *key, CK_OBJECT_CLASS class)
{
    seal_fixture_template_number(to, CKA_CLASS, class);
    seal_fixture_template_number(to, CKA_KEY_TYPE, key_type_of(key));
    seal_fixture_template_flag(to, CKA_TOKEN, TRUE);
    seal_fixture_template_text(to, CKA_LABEL, key->label);
    seal_fixture_template_bytes(to, CKA_ID, g_bytes_get_data(key->id, NULL),
                                g_bytes_get_size(key->id));
}

static void
describe_private(SealFixtureTemplate *to, const SealFixtureKey *key)
{
    gboolean sign = key->purpose == SEAL_FIXTURE_SIGN, rsa = is_rsa(key);

    describe_both(to, key, CKO_PRIVATE_KEY);
    seal_fixture_template_flag(to, CKA_PRIVATE, TRUE);
    seal_fixture_template_flag(to, CKA_SENSITIVE, TRUE);
    seal_fixture_template_flag(to, CKA_EXTRACTABLE, FALSE);
    seal_fixture_template_flag(to, CKA_SIGN, sign);
    seal_fixture_template_flag(to, CKA_DECRYPT, !sign && rsa);
    seal_fixture_template_flag(to, CKA_UNWRAP, !sign && rsa);
    seal_fixture_template_flag(to, CKA_DERIVE, !sign && !rsa);
    if (key->always_authenticate)
        seal_fixture_template_flag(to, CKA_ALWAYS_AUTHENTICATE, TRUE);
}

static void
describe_public(SealFixtureTemplate *to, const SealFixtureKey *key)
{
    gboolean sign = key->purpose == SEAL_FIXTURE_SIGN, rsa = is_rsa(key);

    describe_both(to, key, CKO_PUBLIC_KEY);
    seal_fixture_template_flag(to, CKA_PRIVATE, FALSE);
    seal_fixture_template_flag(to, CKA_VERIFY, sign);
    seal_fixture_template_flag(to, CKA_ENCRYPT, !sign && rsa);
    seal_fixture_template_flag(to, CKA_WRAP, !sign && rsa);
    seal_fixture_template_flag(to, CKA_DERIVE, !sign && !rsa);
}

static void
add_rsa_values(SealFixtureTemplate *private, SealFixtureTemplate *public, EVP_PKEY *pair)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } secrets[] = {
        {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
        {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
        {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
        {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
        {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
    };
    SealFixtureTemplate *both[] = {private, public};

    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        seal_fixture_template_big(both[i], CKA_MODULUS, pair, OSSL_PKEY_PARAM_RSA_N);
        seal_fixture_template_big(both[i], CKA_PUBLIC_EXPONENT, pair, OSSL_PKEY_PARAM_RSA_E);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++)
        seal_fixture_template_big(private, secrets[i].type, pair, secrets[i].name);
}

static void
add_curve_values(SealFixtureTemplate *private, SealFixtureTemplate *public,
                 const SealFixtureKey *key, EVP_PKEY *pair)
{
    unsigned char point[160], secret[32];
    size_t point_len = 0, secret_len = sizeof secret;

    seal_fixture_template_curve(private, curve_of(key));
    seal_fixture_template_curve(public, curve_of(key));
    if (!EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                         &point_len))
        public->failed = TRUE;
    seal_fixture_template_point(public, point, point_len);
    if (key->algorithm->group != NULL) {
        seal_fixture_template_big(private, CKA_VALUE, pair, OSSL_PKEY_PARAM_PRIV_KEY);
        return;
    }
    if (!EVP_PKEY_get_raw_private_key(pair, secret, &secret_len))
        private->failed = TRUE;
    seal_fixture_template_bytes(private, CKA_VALUE, secret, secret_len);
}

static gboolean
create_object(SealFixtureSession *session, const SealFixtureTemplate *from, GError **error)
{
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;

    if (from->failed)
        return seal_fixture_openssl_failed(error, "describe a key to PKCS#11");
    return succeeded(session->p11->C_CreateObject(session->handle,
                                                  (CK_ATTRIBUTE *)(void *)from->attributes->data,
                                                  from->attributes->len, &made),
                     "C_CreateObject", error);
}

gboolean
seal_fixture_session_import(SealFixtureSession *session, const SealFixtureKey *key, EVP_PKEY *pair,
                            GError **error)
{
    g_auto(SealFixtureTemplate) private = {0};
    g_auto(SealFixtureTemplate) public = {0};

    seal_fixture_template_init(&private);
    seal_fixture_template_init(&public);
    describe_private(&private, key);
    describe_public(&public, key);
    if (is_rsa(key))
        add_rsa_values(&private, &public, pair);
    else
        add_curve_values(&private, &public, key, pair);
    return create_object(session, &private, error) && create_object(session, &public, error);
}

/* The value of one attribute (transfer full), or NULL with an error. */
static GBytes *
read_attribute(SealFixtureSession *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
               GError **error)
{
    unsigned char buffer[1024];
    CK_ATTRIBUTE attribute = {type, buffer, sizeof buffer};

    if (!succeeded(session->p11->C_GetAttributeValue(session->handle, object, &attribute, 1),
                   "C_GetAttributeValue", error))
        return NULL;
    return g_bytes_new(buffer, attribute.ulValueLen);
}

static EVP_PKEY *
public_key_from_params(const char *family, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, family, NULL);
    EVP_PKEY *made = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params) != 1)
        made = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return made;
}

static EVP_PKEY *
rsa_public_key(GBytes *modulus, GBytes *exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(g_bytes_get_data(modulus, NULL), (int)g_bytes_get_size(modulus), NULL);
    BIGNUM *e = BN_bin2bn(g_bytes_get_data(exponent, NULL), (int)g_bytes_get_size(exponent), NULL);
    EVP_PKEY *made = NULL;

    if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        made = public_key_from_params("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(e);
    BN_free(n);
    return made;
}

static EVP_PKEY *
curve_public_key(const SealFixtureAlgorithm *algorithm, GBytes *der_point)
{
    const unsigned char *der = g_bytes_get_data(der_point, NULL);
    ASN1_OCTET_STRING *point = d2i_ASN1_OCTET_STRING(NULL, &der, (long)g_bytes_get_size(der_point));
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *made = NULL;

    if (point != NULL && builder != NULL &&
        (algorithm->group == NULL || OSSL_PARAM_BLD_push_utf8_string(
                                         builder, OSSL_PKEY_PARAM_GROUP_NAME, algorithm->group, 0)) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                         ASN1_STRING_get0_data(point),
                                         (size_t)ASN1_STRING_length(point)))
        made = public_key_from_params(algorithm->family, builder);
    OSSL_PARAM_BLD_free(builder);
    ASN1_OCTET_STRING_free(point);
    return made;
}

static EVP_PKEY *
read_public_key(SealFixtureSession *session, const SealFixtureKey *key, CK_OBJECT_HANDLE object,
                GError **error)
{
    g_autoptr(GBytes) first =
        read_attribute(session, object, is_rsa(key) ? CKA_MODULUS : CKA_EC_POINT, error);
    g_autoptr(GBytes) exponent = NULL;
    EVP_PKEY *made = NULL;

    if (first == NULL)
        return NULL;
    if (is_rsa(key)) {
        exponent = read_attribute(session, object, CKA_PUBLIC_EXPONENT, error);
        if (exponent == NULL)
            return NULL;
        made = rsa_public_key(first, exponent);
    } else {
        made = curve_public_key(key->algorithm, first);
    }
    if (made == NULL)
        seal_fixture_openssl_failed(error, "read the public key from the token");
    return made;
}

EVP_PKEY *
seal_fixture_session_generate(SealFixtureSession *session, const SealFixtureKey *key,
                              GError **error)
{
    static const unsigned char exponent[] = {1, 0, 1};
    g_auto(SealFixtureTemplate) private = {0};
    g_auto(SealFixtureTemplate) public = {0};
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE private_handle = 0, public_handle = 0;

    seal_fixture_template_init(&private);
    seal_fixture_template_init(&public);
    describe_private(&private, key);
    describe_public(&public, key);
    if (is_rsa(key)) {
        mechanism.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
        seal_fixture_template_number(&public, CKA_MODULUS_BITS, key->algorithm->bits);
        seal_fixture_template_bytes(&public, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    } else {
        if (key_type_of(key) == CKK_EC_EDWARDS)
            mechanism.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN;
        seal_fixture_template_curve(&public, curve_of(key));
    }
    if (!succeeded(session->p11->C_GenerateKeyPair(
                       session->handle, &mechanism, (CK_ATTRIBUTE *)(void *)public.attributes->data,
                       public.attributes->len, (CK_ATTRIBUTE *)(void *)private.attributes->data,
                       private.attributes->len, &public_handle, &private_handle),
                   "C_GenerateKeyPair", error))
        return NULL;
    return read_public_key(session, key, public_handle, error);
}

/* CKA_SUBJECT, CKA_ISSUER and CKA_SERIAL_NUMBER are DER (PKCS#11 2.40, 4.6.3). */
static void
describe_names(SealFixtureTemplate *to, X509 *certificate)
{
    unsigned char *subject = NULL, *issuer = NULL, *serial = NULL;
    int subject_len = i2d_X509_NAME(X509_get_subject_name(certificate), &subject);
    int issuer_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
    int serial_len = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);

    to->failed = subject_len <= 0 || issuer_len <= 0 || serial_len <= 0;
    if (!to->failed) {
        seal_fixture_template_bytes(to, CKA_SUBJECT, subject, (size_t)subject_len);
        seal_fixture_template_bytes(to, CKA_ISSUER, issuer, (size_t)issuer_len);
        seal_fixture_template_bytes(to, CKA_SERIAL_NUMBER, serial, (size_t)serial_len);
    }
    OPENSSL_free(subject);
    OPENSSL_free(issuer);
    OPENSSL_free(serial);
}

gboolean
seal_fixture_session_store(SealFixtureSession *session, const char *label, GBytes *id,
                           X509 *certificate, GError **error)
{
    enum { CATEGORY_TOKEN_USER = 1, CATEGORY_AUTHORITY = 2 };
    g_auto(SealFixtureTemplate) to = {0};
    unsigned char *der = NULL;
    int der_len = i2d_X509(certificate, &der);

    seal_fixture_template_init(&to);
    seal_fixture_template_number(&to, CKA_CLASS, CKO_CERTIFICATE);
    seal_fixture_template_number(&to, CKA_CERTIFICATE_TYPE, CKC_X_509);
    seal_fixture_template_number(&to, CKA_CERTIFICATE_CATEGORY,
                                 id != NULL ? CATEGORY_TOKEN_USER : CATEGORY_AUTHORITY);
    seal_fixture_template_flag(&to, CKA_TOKEN, TRUE);
    seal_fixture_template_flag(&to, CKA_PRIVATE, FALSE);
    seal_fixture_template_text(&to, CKA_LABEL, label);
    if (id != NULL)
        seal_fixture_template_bytes(&to, CKA_ID, g_bytes_get_data(id, NULL), g_bytes_get_size(id));
    describe_names(&to, certificate);
    if (der_len > 0)
        seal_fixture_template_bytes(&to, CKA_VALUE, der, (size_t)der_len);
    OPENSSL_free(der);
    return create_object(session, &to, error);
}
