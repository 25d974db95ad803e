/* Signers whose signature is good and who are not to be believed, each for one reason. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "smime/verify.h"
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"
#include "tests/smime/dissect.h"

#define DAY 86400
#define HER .name = "Alice", .address = "alice@example.org"

/* The SubjectAltName alice@example.org NUL .evil.example, and alice@example.org CR LF. */
#define SAN_NUL  "3021811f616c696365406578616d706c652e6f7267002e6576696c2e6578616d706c65"
#define SAN_CRLF "30158113616c696365406578616d706c652e6f72670d0a"

static const struct {
    const char *name;
    TestSpec spec;
} specs[] = {
    {"good", {HER}},
    {"address-in-subject", {.name = "Alice", .subject_address = "alice@example.org"}},
    {"any-usage", {HER, .extended = "anyExtendedKeyUsage"}},
    {"controls-in-name", {.address = "alice@example.org", .subject = {"CN=Alice\r\nverdict: ok"}}},
    {"rsa-4096", {HER, .key = "rsa:4096"}},
    {"brainpool", {HER, .key = "ec:brainpoolP256r1"}},
    {"expired", {HER, .from = -2 * DAY, .until = -DAY}},
    {"early", {HER, .from = DAY, .until = 2 * DAY}},
    {"for-clients", {HER, .extended = "clientAuth"}},
    {"for-code", {HER, .extended = "codeSigning"}},
    {"to-encrypt", {HER, .usage = "keyEncipherment"}},
    {"for-anything", {HER, .usage = "", .extended = ""}},
    {"no-address", {.name = "alice@example.org"}},
    {"other-address", {.name = "Alice", .address = "alice@example.net"}},
    {"nul-in-address", {.name = "Alice", .extensions = {"subjectAltName=DER:" SAN_NUL}}},
    {"line-end-in-address", {.name = "Alice", .extensions = {"subjectAltName=DER:" SAN_CRLF}}},
    {"wildcard", {.name = "Alice", .address = "*@example.org"}},
    {"other-address-beside-hers-in-subject",
     {.name = "Alice", .address = "eve@example.net", .subject_address = "alice@example.org"}},
    {"rsa-1024", {HER, .key = "rsa:1024"}},
    {"certified-with-sha1", {HER, .hash = "SHA1"}},
    {"koblitz-curve", {HER, .key = "ec:secp256k1"}},
    {"small-curve", {HER, .key = "ec:prime192v1"}},
    {"unknown-critical-extension", {HER, .extensions = {"1.2.3.4.5=critical,DER:0500"}}},
};

static GBytes *
signed_in_order(const TestIdentity *person)
{
    return scene_signed_by_openssl(person, scene_world()->chain, "SHA256", NULL);
}

static GBytes *
signed_by(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++)
        if (g_str_equal(specs[i].name, name))
            return signed_in_order(scene_person(&specs[i].spec));
    g_assert_not_reached();
}

/* alice@example.org NUL .evil.example as the address in the subject of a certificate without
 * others: whoever takes it for a C string reads Alice's. */
static GBytes *
nul_in_subject(const char *unused)
{
    static const unsigned char address[] = "alice@example.org\0.evil.example";
    const TestSpec spec = {.name = "Alice"};
    const TestIdentity *person = scene_person(&spec);
    X509_NAME *subject = X509_NAME_dup(X509_get_subject_name(person->certificate));

    X509_NAME_add_entry_by_NID(subject, NID_pkcs9_emailAddress, V_ASN1_IA5STRING, address,
                               sizeof address - 1, -1, 0);
    X509_set_subject_name(person->certificate, subject);
    X509_sign(person->certificate, scene_world()->issuer->key, EVP_sha256());
    X509_NAME_free(subject);
    return signed_in_order(person);
}

/* -- issuers ---------------------------------------------------------------------------------- */

static void
add_to_chain(GPtrArray *chain, const TestIdentity *identity)
{
    g_ptr_array_add(chain, test_identity_der(identity));
}

static GPtrArray *
new_chain(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
}

static TestIdentity *
below(const TestSpec *spec, const TestIdentity *issuer)
{
    TestIdentity *identity = test_identity_new(spec, issuer);

    g_ptr_array_add(scene_world()->people, identity);
    return identity;
}

static const TestSpec alice = {HER};

static GBytes *
by_stranger(const char *unused)
{
    g_autoptr(GPtrArray) chain = new_chain();

    add_to_chain(chain, scene_stranger());
    return scene_signed_by_openssl(below(&alice, scene_stranger()), chain, "SHA256", NULL);
}

static GBytes *
by_herself(const char *unused)
{
    return signed_in_order(below(&alice, NULL));
}

static GBytes *
without_issuer(const char *unused)
{
    g_autoptr(GPtrArray) chain = new_chain();

    return scene_signed_by_openssl(below(&alice, scene_world()->issuer), chain, "SHA256", NULL);
}

/* Bob, who is no CA, certifies Alice. */
static GBytes *
by_a_person(const char *unused)
{
    g_autoptr(GPtrArray) chain = new_chain();
    const TestIdentity *bob = scene_identity("bob-rsa-sign");

    add_to_chain(chain, bob);
    add_to_chain(chain, scene_world()->issuer);
    return scene_signed_by_openssl(below(&alice, bob), chain, "SHA256", NULL);
}

static GBytes *
by_limited_issuer(const char *constraint)
{
    const TestSpec spec = {.name = "Limited", .authority = TRUE, .extensions = {constraint}};
    TestIdentity *issuer = below(&spec, scene_world()->root);
    g_autoptr(GPtrArray) chain = new_chain();

    add_to_chain(chain, issuer);
    return scene_signed_by_openssl(below(&alice, issuer), chain, "SHA256", NULL);
}

/* Her policy holds only below an issuer that may grant it. */
static GBytes *
with_policy(const char *policy)
{
    const TestSpec spec = {
        .name = "Policies", .authority = TRUE, .extensions = {"certificatePolicies=2.5.29.32.0"}};
    const TestSpec her = {HER, .extensions = {policy}};
    TestIdentity *issuer = below(&spec, scene_world()->root);
    g_autoptr(GPtrArray) chain = new_chain();

    add_to_chain(chain, issuer);
    return scene_signed_by_openssl(below(&her, issuer), chain, "SHA256", NULL);
}

/* Two CAs that vouch for each other, and for nobody else. */
static GBytes *
by_a_circle(const char *unused)
{
    const TestSpec first = {.name = "First", .authority = TRUE};
    const TestSpec second = {.name = "Second", .authority = TRUE};
    TestIdentity *one = below(&first, NULL);
    TestIdentity *two = below(&second, one);
    const TestSpec again = {.name = "First", .authority = TRUE, .same_key = one->key};
    g_autoptr(GPtrArray) chain = new_chain();

    add_to_chain(chain, below(&again, two));
    add_to_chain(chain, two);
    return scene_signed_by_openssl(below(&alice, one), chain, "SHA256", NULL);
}

/* CAs of one name and one key that all seem to have issued each other: every way through them would
 * be tried by a reader without a budget. */
static GBytes *
by_a_maze(const char *unused)
{
    const TestSpec first = {.name = "Maze", .authority = TRUE};
    TestIdentity *one = below(&first, NULL);
    const TestSpec again = {.name = "Maze", .authority = TRUE, .same_key = one->key};
    g_autoptr(GPtrArray) chain = new_chain();

    for (guint i = 0; i < SEAL_CERTIFICATES_MAX - 2; i++)
        add_to_chain(chain, below(&again, one));
    return scene_signed_by_openssl(below(&alice, one), chain, "SHA256", NULL);
}

/* -- revocation ------------------------------------------------------------------------------- */

/* Beside the mail a CRL: the fixture's file "row.crl". */
static GBytes *
with_crl(const char *revoked)
{
    const TestIdentity *person = scene_person(&alice);
    const TestIdentity *issuer = scene_world()->issuer;
    gint64 until = g_str_equal(revoked, "old") ? -DAY : DAY;
    g_autoptr(GBytes) crl =
        test_crl_new(g_str_equal(revoked, "forged") ? scene_stranger() : issuer,
                     g_str_equal(revoked, "yes") ? person : NULL, -2 * DAY, until);
    g_autofree char *path = seal_cli_test_fixture_file("row.crl");

    g_assert_true(g_file_set_contents(path, g_bytes_get_data(crl, NULL),
                                      (gssize)g_bytes_get_size(crl), NULL));
    return signed_in_order(person);
}

/* -- keys that nobody should do arithmetic with ----------------------------------------------- */

static EVP_PKEY *
rsa_key(int modulus_bits, int exponent_bits)
{
    BIGNUM *modulus = BN_new();
    BIGNUM *exponent = BN_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    BN_rand(modulus, modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_rand(exponent, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    g_assert_cmpint(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), ==, 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* A mail whose signer's certificate, issued in order, holds another key: "modulus exponent" in
 * bits. */
static GBytes *
with_key(const char *bits)
{
    g_autoptr(GBytes) mail = scene_opaque(scene_identity("alice-rsa-sign"), NULL);
    g_autoptr(SealSignedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealSignedData));
    X509 *certificate = X509_dup(scene_identity("alice-rsa-sign")->certificate);
    EVP_PKEY *key = rsa_key(atoi(bits), atoi(strchr(bits, ' ')));
    ASN1_STRING *packed = NULL;
    ASN1_TYPE *first = ASN1_TYPE_new();

    X509_set_pubkey(certificate, key);
    X509_sign(certificate, scene_world()->issuer->key, EVP_sha256());
    ASN1_item_pack(certificate, ASN1_ITEM_rptr(X509), &packed);
    ASN1_TYPE_set(first, V_ASN1_SEQUENCE, packed);
    sk_ASN1_TYPE_pop_free(data->certificates, ASN1_TYPE_free);
    data->certificates = sk_ASN1_TYPE_new_null();
    sk_ASN1_TYPE_push(data->certificates, first);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return test_put_together(data, ASN1_ITEM_rptr(SealSignedData), NID_pkcs7_signed);
}

/* -- weak hashes of the mail ------------------------------------------------------------------ */

static GBytes *
hashed_with(const char *hash)
{
    return scene_signed_by_openssl(scene_identity("alice-rsa-sign"), scene_world()->chain, hash,
                                   NULL);
}

/* -- the table -------------------------------------------------------------------------------- */

#define GOOD      "verify", "ok", NULL
#define MISMATCH  "verify", "address-mismatch"
#define USAGE     "verify", "wrong-usage"
#define UNTRUSTED "verify", "untrusted"
#define WEAK      "verify", "weak-algorithm"
#define MALFORMED "verify", "malformed"
#define UNKNOWN   "revocation-unknown", "may be revoked"

const CorpusRow corpus_people[] = {
    {"people/good/is-ok", GOOD, signed_by, "good"},
    {"people/address-in-subject/is-ok", GOOD, signed_by, "address-in-subject"},
    {"people/any-usage/is-ok", GOOD, signed_by, "any-usage"},
    {"people/controls-in-name/are-escaped", GOOD, signed_by, "controls-in-name"},
    {"people/rsa-4096/is-ok", GOOD, signed_by, "rsa-4096"},
    {"people/brainpool/is-ok", GOOD, signed_by, "brainpool"},
    {"people/expired", "verify", "expired", "has expired", signed_by, "expired"},
    {"people/early", "verify", "not-yet-valid", "not valid yet", signed_by, "early"},
    {"people/certificate-for-clients", USAGE, "mail", signed_by, "for-clients"},
    {"people/certificate-for-code", USAGE, "mail", signed_by, "for-code"},
    {"people/certificate-to-encrypt", USAGE, "sign", signed_by, "to-encrypt"},
    {"people/certificate-for-anything", USAGE, "mail", signed_by, "for-anything"},
    {"people/no-address", MISMATCH, "nobody with a mail address", signed_by, "no-address"},
    {"people/other-address", MISMATCH, "alice@example.net", signed_by, "other-address"},
    {"people/nul-in-address", MISMATCH, "nobody with a mail address", signed_by, "nul-in-address"},
    {"people/nul-in-address-in-subject", MISMATCH, "nobody with a mail address", nul_in_subject},
    {"people/line-end-in-address", MISMATCH, "nobody with a mail address", signed_by,
     "line-end-in-address"},
    {"people/wildcard", MISMATCH, "certified as *@example.org", signed_by, "wildcard"},
    {"people/subject-does-not-add-to-the-extension", MISMATCH, "certified as eve@example.net",
     signed_by, "other-address-beside-hers-in-subject"},
    {"people/rsa-1024", WEAK, "can be broken", signed_by, "rsa-1024"},
    {"people/certified-with-sha1", WEAK, "can be broken", signed_by, "certified-with-sha1"},
    {"people/koblitz-curve", WEAK, "not used for mail", signed_by, "koblitz-curve"},
    {"people/small-curve", WEAK, "can be broken", signed_by, "small-curve"},
    {"people/unknown-critical-extension", MALFORMED, "critical extension", signed_by,
     "unknown-critical-extension"},
    {"people/level-contradicts-name", "verify", "policy-inconsistent", "certificate", with_policy,
     "certificatePolicies=2.23.140.1.5.1.3"},
    {"people/by-a-stranger", UNTRUSTED, "no anchor of yours", by_stranger},
    {"people/by-herself", UNTRUSTED, "no anchor of yours", by_herself},
    {"people/issuer-missing", "verify", "incomplete-chain", "ask the signer", without_issuer},
    {"people/by-a-person", UNTRUSTED, "no CA's", by_a_person},
    {"people/issuer-limited-to-other-names", UNTRUSTED, "may not vouch", by_limited_issuer,
     "nameConstraints=permitted;email:example.com"},
    {"people/issuer-excludes-her", UNTRUSTED, "may not vouch", by_limited_issuer,
     "nameConstraints=excluded;email:example.org"},
    {"people/issuer-for-servers", USAGE, "may not issue", by_limited_issuer,
     "extendedKeyUsage=serverAuth"},
    {"people/circle-of-issuers", "verify", "incomplete-chain", "ask the signer", by_a_circle},
    {"people/maze-of-issuers", UNTRUSTED, "certificate", by_a_maze},
    {"people/revoked", "verify --crl fixture:row.crl", "revoked", "was revoked by its issuer on",
     with_crl, "yes"},
    {"people/not-revoked",
     "verify --crl fixture:row.crl --crl fixture:root-crl.pem "
     "--revocation require",
     "ok", NULL, with_crl, "no"},
    {"people/no-crl", "verify --revocation require", UNKNOWN, signed_by, "good"},
    {"people/old-crl",
     "verify --crl fixture:row.crl --crl fixture:root-crl.pem "
     "--revocation require",
     UNKNOWN, with_crl, "old"},
    {"people/crl-of-a-stranger", "verify --crl fixture:row.crl --revocation require", UNKNOWN,
     with_crl, "forged"},
    {"people/modulus-of-20000-bits", MALFORMED, "too large", with_key, "20000 17"},
    {"people/exponent-of-2000-bits", MALFORMED, "too large", with_key, "2048 2000"},
    {"people/exponent-of-one", MALFORMED, "breaks the rules", with_key, "2048 1"},
    {"people/hashed-with-md5", WEAK, "hash md5", hashed_with, "md5"},
    {"people/hashed-with-sha1", WEAK, "hash sha1", hashed_with, "sha1"},
    {"people/hashed-with-sha512/is-ok", GOOD, hashed_with, "sha512"},
    {0},
};
