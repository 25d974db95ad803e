/* A certification authority that lives as long as one run. Certificates follow the mail profile of
 * RFC 8551 and RFC 5280 (names in rfc822Name, key usage critical), because what is tested against
 * them is a reader that insists. The CA keys are P-256: quick to make. */
#include "softhsm-fixtures/authority.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_CRL, X509_CRL_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_EXTENSION, X509_EXTENSION_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

enum { DAY_S = 24 * 60 * 60, CA_DAYS = 3650, CRL_DAYS = 30 };

typedef struct {
    const char *name;
    EVP_PKEY *key;
    X509 *certificate;
    X509_CRL *crl;
} Issuer;

enum { ROOT, INTERMEDIATE, STRANGER, N_ISSUERS };

struct SealFixtureAuthority {
    Issuer issuers[N_ISSUERS];
};

/* Everything about a certificate but its key and issuer. Texts of extensions as in OpenSSL's
 * configuration language. */
typedef struct {
    const char *subject;
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage; /* (nullable) */
    const char *email;              /* (nullable) */
    int from_days;
    int days;
} Contents;

gboolean
seal_fixture_openssl_failed(GError **error, const char *action)
{
    char reason[256] = "unknown reason";

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot %s: %s", action, reason);
    return FALSE;
}

static gboolean
add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *text)
{
    g_autoptr(X509_EXTENSION) extension = X509V3_EXT_conf_nid(NULL, context, nid, text);

    return extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
}

static gboolean
add_extensions(X509 *certificate, X509 *issuer, const Contents *contents)
{
    g_autofree char *names = g_strconcat("email:", contents->email, NULL);
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    return add_extension(certificate, &context, NID_basic_constraints,
                         contents->basic_constraints) &&
           add_extension(certificate, &context, NID_key_usage, contents->key_usage) &&
           add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
           /* RFC 5280 4.2.1.1: a root needs none, and OpenSSL would make it an empty one */
           (issuer == certificate ||
            add_extension(certificate, &context, NID_authority_key_identifier, "keyid")) &&
           (contents->extended_key_usage == NULL ||
            add_extension(certificate, &context, NID_ext_key_usage, contents->extended_key_usage)) &&
           (contents->email == NULL ||
            add_extension(certificate, &context, NID_subject_alt_name, names));
}

/* CABF S/MIME 7.1: at least 64 unpredictable bits; positive, so one byte leads that is not zero. */
static gboolean
set_serial(X509 *certificate)
{
    unsigned char bytes[13];
    BIGNUM *number = NULL;
    gboolean done = FALSE;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return FALSE;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static gboolean
set_name(X509_NAME *name, const char *subject)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                      (const unsigned char *)"Privy Seal Fixtures", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1,
                                      -1, 0);
}

/* Signs a new certificate over `public_key` by `issuer`; self-signed where it has none yet. */
static X509 *
make_certificate(const Issuer *issuer, EVP_PKEY *public_key, const Contents *contents)
{
    g_autoptr(X509) made = X509_new();
    X509 *parent = issuer->certificate != NULL ? issuer->certificate : made;

    if (made == NULL || !X509_set_version(made, X509_VERSION_3) || !set_serial(made) ||
        !set_name(X509_get_subject_name(made), contents->subject) ||
        !X509_set_issuer_name(made, X509_get_subject_name(parent)) ||
        !X509_time_adj_ex(X509_getm_notBefore(made), contents->from_days, 0, NULL) ||
        !X509_time_adj_ex(X509_getm_notAfter(made), contents->from_days + contents->days, 0, NULL) ||
        !X509_set_pubkey(made, public_key) || !add_extensions(made, parent, contents) ||
        !X509_sign(made, issuer->key, EVP_sha256()))
        return NULL;
    return g_steal_pointer(&made);
}

static gboolean
make_issuer(Issuer *issuer, const Issuer *parent, const char *name, const char *subject)
{
    const Contents contents = {
        .subject = subject,
        .basic_constraints = parent != NULL ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE",
        .key_usage = "critical,keyCertSign,cRLSign",
        .from_days = -CA_DAYS / 2,
        .days = CA_DAYS,
    };

    issuer->name = name;
    issuer->key = EVP_EC_gen("P-256");
    issuer->crl = X509_CRL_new();
    if (issuer->key == NULL || issuer->crl == NULL)
        return FALSE;
    issuer->certificate = make_certificate(parent != NULL ? parent : issuer, issuer->key, &contents);
    return issuer->certificate != NULL;
}

SealFixtureAuthority *
seal_fixture_authority_new(GError **error)
{
    g_autoptr(SealFixtureAuthority) authority = g_new0(SealFixtureAuthority, 1);
    Issuer *issuers = authority->issuers;

    if (!make_issuer(&issuers[ROOT], NULL, "root", "Fixture Root") ||
        !make_issuer(&issuers[INTERMEDIATE], &issuers[ROOT], "intermediate",
                     "Fixture Intermediate") ||
        !make_issuer(&issuers[STRANGER], NULL, "stranger", "Stranger Root")) {
        seal_fixture_openssl_failed(error, "make a certification authority");
        return NULL;
    }
    return g_steal_pointer(&authority);
}

static gboolean
note_revoked(Issuer *issuer, X509 *certificate)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -DAY_S / 2);
    gboolean done = entry != NULL && when != NULL &&
                    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) &&
                    X509_REVOKED_set_revocationDate(entry, when) &&
                    X509_CRL_add0_revoked(issuer->crl, entry);

    if (!done)
        X509_REVOKED_free(entry);
    ASN1_TIME_free(when);
    return done;
}

X509 *
seal_fixture_authority_issue(SealFixtureAuthority *authority, const SealFixtureKey *key,
                             EVP_PKEY *public_key, GError **error)
{
    const Contents contents = {
        .subject = key->subject,
        .basic_constraints = "CA:FALSE",
        .key_usage = key->key_usage,
        .extended_key_usage = key->extended_key_usage,
        .email = key->email,
        .from_days = key->valid_from_days,
        .days = key->valid_days,
    };
    g_autoptr(X509) certificate = NULL;
    Issuer *issuer = NULL;

    for (size_t i = 0; i < N_ISSUERS; i++)
        if (strcmp(authority->issuers[i].name, key->issuer) == 0)
            issuer = &authority->issuers[i];
    if (issuer == NULL) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "[key %s]: no issuer '%s' (there are root, intermediate and stranger)",
                    key->name, key->issuer);
        return NULL;
    }
    certificate = make_certificate(issuer, public_key, &contents);
    if (certificate == NULL || (key->revoked && !note_revoked(issuer, certificate))) {
        seal_fixture_openssl_failed(error, "issue a certificate");
        return NULL;
    }
    return g_steal_pointer(&certificate);
}

X509 *
seal_fixture_authority_intermediate(SealFixtureAuthority *authority)
{
    return authority->issuers[INTERMEDIATE].certificate;
}

gboolean
seal_fixture_write_pem(const char *directory, const char *name,
                       gboolean (*encode)(BIO *out, gpointer object), gpointer object,
                       GError **error)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(BIO) out = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    if (out == NULL || !encode(out, object))
        return seal_fixture_openssl_failed(error, "encode PEM");
    len = BIO_get_mem_data(out, &text);
    return seal_file_replace(path, text, (size_t)len, 0600, error);
}

gboolean
seal_fixture_encode_certificate(BIO *out, gpointer object)
{
    return PEM_write_bio_X509(out, object) == 1;
}

gboolean
seal_fixture_encode_key(BIO *out, gpointer object)
{
    return PEM_write_bio_PKCS8PrivateKey(out, object, NULL, NULL, 0, NULL, NULL) == 1;
}

static gboolean
encode_crl(BIO *out, gpointer object)
{
    return PEM_write_bio_X509_CRL(out, object) == 1;
}

static gboolean
finish_crl(Issuer *issuer)
{
    ASN1_TIME *from = X509_gmtime_adj(NULL, -DAY_S / 2);
    ASN1_TIME *until = X509_gmtime_adj(NULL, (long)CRL_DAYS * DAY_S);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    gboolean done =
        from != NULL && until != NULL && number != NULL && ASN1_INTEGER_set(number, 1) &&
        X509_CRL_set_version(issuer->crl, X509_CRL_VERSION_2) &&
        X509_CRL_set_issuer_name(issuer->crl, X509_get_subject_name(issuer->certificate)) &&
        X509_CRL_set1_lastUpdate(issuer->crl, from) && X509_CRL_set1_nextUpdate(issuer->crl, until) &&
        X509_CRL_add1_ext_i2d(issuer->crl, NID_crl_number, number, 0, 0) == 1 &&
        X509_CRL_sort(issuer->crl) && X509_CRL_sign(issuer->crl, issuer->key, EVP_sha256()) > 0;

    ASN1_INTEGER_free(number);
    ASN1_TIME_free(until);
    ASN1_TIME_free(from);
    return done;
}

static gboolean
write_issuer(const Issuer *issuer, const char *directory, GError **error)
{
    g_autofree char *keys = g_build_filename(directory, "ca-keys", NULL);
    g_autofree char *file = g_strconcat(issuer->name, ".pem", NULL);

    return seal_fixture_write_pem(directory, file, seal_fixture_encode_certificate,
                                  issuer->certificate, error) &&
           seal_fixture_write_pem(keys, file, seal_fixture_encode_key, issuer->key, error);
}

gboolean
seal_fixture_authority_write(SealFixtureAuthority *authority, const char *directory, GError **error)
{
    Issuer *issuers = authority->issuers;

    for (size_t i = 0; i < N_ISSUERS; i++)
        if (!write_issuer(&issuers[i], directory, error))
            return FALSE;
    if (!finish_crl(&issuers[ROOT]) || !finish_crl(&issuers[INTERMEDIATE]))
        return seal_fixture_openssl_failed(error, "sign a CRL");
    return seal_fixture_write_pem(directory, "root-crl.pem", encode_crl, issuers[ROOT].crl,
                                  error) &&
           seal_fixture_write_pem(directory, "crl.pem", encode_crl, issuers[INTERMEDIATE].crl,
                                  error);
}

void
seal_fixture_authority_free(SealFixtureAuthority *authority)
{
    if (authority == NULL)
        return;
    for (size_t i = 0; i < N_ISSUERS; i++) {
        X509_free(authority->issuers[i].certificate);
        X509_CRL_free(authority->issuers[i].crl);
        EVP_PKEY_free(authority->issuers[i].key);
    }
    g_free(authority);
}
