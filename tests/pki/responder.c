/* An OCSP responder: in memory, made with OpenSSL, and as files for the program. */
#include "tests/pki/responder.h"

#include <openssl/x509v3.h>
#include <string.h>

#define HOUR ((gint64)60 * 60)

static void
add_answer(OCSP_BASICRESP *basic, OCSP_CERTID *id, const TestResponse *spec)
{
    gboolean dated = spec->from != 0 || spec->until != 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, dated ? spec->from : -HOUR);
    ASN1_TIME *until = X509_gmtime_adj(NULL, dated ? spec->until : HOUR);
    OCSP_SINGLERESP *single =
        OCSP_basic_add1_status(basic, id, spec->status, spec->reason,
                               spec->status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL, from,
                               spec->lasting ? NULL : until);

    g_assert_nonnull(single);
    if (spec->extension) {
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4", 1);
        X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);

        OCSP_SINGLERESP_add_ext(single, extension, -1);
        X509_EXTENSION_free(extension);
        ASN1_OBJECT_free(object);
        ASN1_OCTET_STRING_free(value);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

static void
add_nonce(OCSP_BASICRESP *basic, OCSP_REQUEST *request, const TestResponse *spec)
{
    unsigned char other[16] = {1};

    if (spec->nonce == TEST_NONCE_SAME)
        g_assert_cmpint(OCSP_copy_nonce(basic, request), ==, 1);
    else if (spec->nonce == TEST_NONCE_OTHER)
        g_assert_cmpint(OCSP_basic_add1_nonce(basic, other, sizeof other), ==, 1);
}

static GBytes *
encode(OCSP_BASICRESP *basic)
{
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(response, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    return bytes;
}

GBytes *
test_response_new(const TestResponse *spec, GBytes *request, const TestIdentity *issuer,
                  const TestIdentity *certificate, const TestIdentity *signer)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const unsigned char *at = g_bytes_get_data(request, NULL);
    OCSP_REQUEST *asked = d2i_OCSP_REQUEST(NULL, &at, (long)g_bytes_get_size(request));
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), certificate->certificate, issuer->certificate);
    GBytes *bytes = NULL;

    g_assert_nonnull(asked);
    add_answer(basic, id, spec);
    if (spec->twice)
        add_answer(basic, id, spec);
    add_nonce(basic, asked, spec);
    g_assert_cmpint(OCSP_basic_sign(basic, signer->certificate, signer->key,
                                    EVP_get_digestbyname(spec->hash ? spec->hash : "SHA256"), NULL,
                                    spec->by_key ? OCSP_RESPID_KEY : 0),
                    ==, 1);
    bytes = encode(basic);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(asked);
    OCSP_BASICRESP_free(basic);
    return bytes;
}

/* -- the program ------------------------------------------------------------------------------ */

static char *
put(const char *folder, const char *name, const char *ending, GBytes *bytes)
{
    g_autofree char *file = g_strconcat(name, ending, NULL);
    char *path = g_build_filename(folder, file, NULL);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    return path;
}

/* A line of the database of `openssl ca`. */
static void
append_line(GString *database, const TestIdentity *identity, gboolean revoked)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(identity->certificate), NULL);
    char *serial = BN_bn2hex(number);

    g_string_append_printf(database, "%s\t491231235959Z\t%s\t%s\tunknown\t/CN=x\n",
                           revoked ? "R" : "V", revoked ? "260102030405Z,keyCompromise" : "",
                           serial);
    OPENSSL_free(serial);
    BN_free(number);
}

static GBytes *
make_database(const TestIdentity *const *known, const TestIdentity *revoked)
{
    GString *database = g_string_new(NULL);

    for (; *known; known++)
        append_line(database, *known, *known == revoked);
    return g_string_free_to_bytes(database);
}

void
test_responder_put(const char *folder, const char *name, const TestIdentity *issuer,
                   const TestIdentity *signer, const TestIdentity *const *known,
                   const TestIdentity *revoked)
{
    g_autoptr(GBytes) database = make_database(known, revoked);
    g_autoptr(GBytes) issuer_pem = test_identity_pem(issuer);
    g_autoptr(GBytes) signer_pem = test_identity_pem(signer);
    g_autoptr(GBytes) key_pem = test_identity_key_pem(signer);
    g_autofree char *index = put(folder, name, ".index", database);
    g_autofree char *authority = put(folder, name, "-ca.pem", issuer_pem);
    g_autofree char *certificate = put(folder, name, "-signer.pem", signer_pem);
    g_autofree char *key = put(folder, name, "-signer.key", key_pem);
    g_autofree char *text =
        g_strdup_printf("-index\n%s\n-CA\n%s\n-rsigner\n%s\n-rkey\n%s\n-nmin\n60\n", index,
                        authority, certificate, key);
    g_autoptr(GBytes) arguments = g_bytes_new(text, strlen(text));

    g_free(put(folder, name, ".arguments", arguments));
}
