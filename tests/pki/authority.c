/* A throw-away authority: made with OpenSSL, new in every test run. */
#include "tests/pki/authority.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define HOUR (60 * 60)
#define YEAR (365 * 24 * HOUR)

static EVP_PKEY *
new_key(const char *kind)
{
    EVP_PKEY *key = NULL;

    if (g_str_has_prefix(kind, "rsa:"))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
    else if (g_str_has_prefix(kind, "ec:"))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind + 3);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    g_assert_nonnull(key);
    return key;
}

static void
set_attributes(X509_NAME *name, const char *const *attributes)
{
    for (; *attributes; attributes++) {
        g_auto(GStrv) pair = g_strsplit(*attributes, "=", 2);

        g_assert_true(X509_NAME_add_entry_by_txt(name, pair[0], MBSTRING_UTF8,
                                                 (const unsigned char *)pair[1], -1, -1, 0));
    }
}

static void
set_name(X509 *certificate, const TestSpec *spec)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    if (spec->subject[0]) {
        set_attributes(name, spec->subject);
        return;
    }
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Privy Seal Test",
                               -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->name, -1, -1,
                               0);
    if (spec->subject_address)
        X509_NAME_add_entry_by_txt(name, "emailAddress", MBSTRING_ASC,
                                   (const unsigned char *)spec->subject_address, -1, -1, 0);
}

static void
set_serial(X509 *certificate)
{
    unsigned char random[8];
    BIGNUM *number = NULL;

    g_assert_cmpint(RAND_bytes(random, sizeof random), ==, 1);
    random[0] |= 0x80; /* its INTEGER needs a leading zero: what readers get wrong */
    number = BN_bin2bn(random, sizeof random, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
}

static gboolean
is_stated(const TestSpec *spec, int nid)
{
    for (guint i = 0; spec->extensions[i]; i++) {
        g_auto(GStrv) pair = g_strsplit(spec->extensions[i], "=", 2);

        if (OBJ_txt2nid(pair[0]) == nid)
            return TRUE;
    }
    return FALSE;
}

static void
put_extension(X509 *certificate, X509V3_CTX *context, const char *name, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_nconf(context->db, context, name, value);

    if (!extension)
        g_error("no extension %s from: %s", name, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* One that is made unless it is stated; nothing for "". */
static void
add_extension(X509 *certificate, X509V3_CTX *context, const TestSpec *spec, int nid,
              const char *value)
{
    if (*value != '\0' && !is_stated(spec, nid))
        put_extension(certificate, context, OBJ_nid2sn(nid), value);
}

static void
add_stated(X509 *certificate, X509V3_CTX *context, const TestSpec *spec)
{
    for (guint i = 0; spec->extensions[i]; i++) {
        g_auto(GStrv) pair = g_strsplit(spec->extensions[i], "=", 2);

        if (*pair[1] != '\0')
            put_extension(certificate, context, pair[0], pair[1]);
    }
}

#define NAMES "names"

static void
append_name(GString *sections, const char *kind, const char *value)
{
    if (value)
        g_string_append_printf(sections, "%s%s\n", kind, value);
}

/* The section that TEST_DIRECTORY names, and one of the alternative names. (transfer full) */
static CONF *
new_sections(const TestSpec *spec)
{
    g_autoptr(GString) text =
        g_string_new("[" TEST_DIRECTORY "]\nO=Privy Seal Test\n[" NAMES "]\n");
    CONF *conf = NCONF_new(NULL);
    BIO *in = NULL;

    append_name(text, "email=", spec->address);
    append_name(text, "otherName=1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:", spec->utf8_mailbox);
    in = BIO_new_mem_buf(text->str, -1);

    g_assert_true(NCONF_load_bio(conf, in, NULL));
    BIO_free(in);
    return conf;
}

static void
add_extensions(X509 *certificate, X509 *issuer, const TestSpec *spec)
{
    const char *usage =
        spec->authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    const char *extended = spec->authority ? "" : "emailProtection";
    gboolean named = spec->address || spec->utf8_mailbox;
    X509V3_CTX context;
    CONF *sections = new_sections(spec);

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&context, sections);
    add_extension(certificate, &context, spec, NID_subject_key_identifier, "hash");
    add_extension(certificate, &context, spec, NID_basic_constraints,
                  spec->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, &context, spec, NID_key_usage, spec->usage ? spec->usage : usage);
    add_extension(certificate, &context, spec, NID_ext_key_usage,
                  spec->extended ? spec->extended : extended);
    add_extension(certificate, &context, spec, NID_subject_alt_name, named ? "@" NAMES : "");
    add_stated(certificate, &context, spec);
    NCONF_free(sections);
}

TestIdentity *
test_identity_new(const TestSpec *spec, const TestIdentity *issuer)
{
    TestIdentity *identity = g_new0(TestIdentity, 1);
    X509 *certificate = X509_new();
    gboolean dated = spec->from != 0 || spec->until != 0;
    const EVP_MD *md = EVP_get_digestbyname(spec->hash ? spec->hash : "SHA256");
    EVP_PKEY *signing_key = NULL;

    identity->key =
        spec->same_key ? (EVP_PKEY *)spec->same_key : new_key(spec->key ? spec->key : "ec:P-256");
    if (spec->same_key)
        EVP_PKEY_up_ref(identity->key);
    identity->certificate = certificate;
    signing_key = issuer ? issuer->key : identity->key;
    X509_set_version(certificate, X509_VERSION_3);
    set_serial(certificate);
    X509_gmtime_adj(X509_getm_notBefore(certificate), dated ? spec->from : -HOUR);
    X509_gmtime_adj(X509_getm_notAfter(certificate), dated ? spec->until : YEAR);
    set_name(certificate, spec);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(issuer ? issuer->certificate : certificate));
    X509_set_pubkey(certificate, identity->key);
    add_extensions(certificate, issuer ? issuer->certificate : certificate, spec);
    if (EVP_PKEY_get_base_id(signing_key) == EVP_PKEY_ED25519)
        md = NULL;
    g_assert_cmpint(X509_sign(certificate, signing_key, md), >, 0);
    return identity;
}

void
test_identity_free(TestIdentity *identity)
{
    if (!identity)
        return;
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    g_free(identity);
}

GBytes *
test_identity_der(const TestIdentity *identity)
{
    unsigned char *der = NULL;
    int len = i2d_X509(identity->certificate, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    return bytes;
}

static GBytes *
take_bio(BIO *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(out, &data);
    GBytes *bytes = g_bytes_new(data, (gsize)len);

    BIO_free(out);
    return bytes;
}

GBytes *
test_identity_pem(const TestIdentity *identity)
{
    BIO *out = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(out, identity->certificate);
    return take_bio(out);
}

GBytes *
test_identity_key_pem(const TestIdentity *identity)
{
    BIO *out = BIO_new(BIO_s_mem());

    PEM_write_bio_PKCS8PrivateKey(out, identity->key, NULL, NULL, 0, NULL, NULL);
    return take_bio(out);
}

GBytes *
test_crl_new(const TestIdentity *issuer, const TestIdentity *revoked, gint64 from, gint64 until)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_new();
    BIO *out = BIO_new(BIO_s_mem());

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
    X509_gmtime_adj(when, from);
    X509_CRL_set1_lastUpdate(crl, when);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
        X509_REVOKED_set_revocationDate(entry, when);
        X509_CRL_add0_revoked(crl, entry);
    }
    X509_gmtime_adj(when, until);
    X509_CRL_set1_nextUpdate(crl, when);
    ASN1_TIME_free(when);
    X509_CRL_sort(crl);
    g_assert_cmpint(X509_CRL_sign(crl, issuer->key, EVP_sha256()), >, 0);
    PEM_write_bio_X509_CRL(out, crl);
    X509_CRL_free(crl);
    return take_bio(out);
}
