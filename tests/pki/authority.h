/* Keys, certificates and CRLs made by a test: a throw-away authority in memory. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} TestIdentity;

/* For name constraints, "permitted;dirName:" TEST_DIRECTORY: names below O=Privy Seal Test. */
#define TEST_DIRECTORY "directory"

/* What is left out is chosen so that the certificate is good: valid for a year, SHA-256. */
typedef struct {
    const char *name;            /* the common name */
    const char *address;         /* (nullable) rfc822Name */
    const char *utf8_mailbox;    /* (nullable) SmtpUTF8Mailbox beside `address` (RFC 9598) */
    const char *key;             /* "rsa:2048", "ec:P-256", "ed25519", "x25519"; NULL: "ec:P-256" */
    const char *usage;           /* keyUsage as in openssl.cnf; NULL: digitalSignature; "": none */
    const char *extended;        /* extendedKeyUsage; NULL: emailProtection; "": none */
    const char *subject_address; /* (nullable) emailAddress in the subject */
    const char *hash;            /* of the issuer's signature; NULL: "SHA256" */
    gint64 from;                 /* offsets in seconds from now; both 0: an hour ago, in a year */
    gint64 until;
    gboolean authority; /* CA:TRUE and keyCertSign, cRLSign */
    /* More extensions, "name=value" as in openssl.cnf ("nameConstraints=permitted;email:x.org"),
     * ended by NULL; one that is made anyway is replaced. */
    const char *extensions[6];
    const char *subject[8];   /* attributes "GN=Alice" in place of O and CN, ended by NULL */
    const EVP_PKEY *same_key; /* (nullable) the key, instead of a new one */
} TestSpec;

/* Makes a key and a certificate, signed by `issuer` (NULL: itself). Returns it (transfer full). */
TestIdentity *test_identity_new(const TestSpec *spec, const TestIdentity *issuer);
void test_identity_free(TestIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestIdentity, test_identity_free)

/* The certificate (transfer full) in DER, in PEM; the private key as PKCS#8 PEM. */
GBytes *test_identity_der(const TestIdentity *identity);
GBytes *test_identity_pem(const TestIdentity *identity);
GBytes *test_identity_key_pem(const TestIdentity *identity);

/* A CRL of `issuer` in PEM (transfer full) that revokes `revoked` (nullable), issued and to be
 * renewed at these offsets in seconds from now. */
GBytes *test_crl_new(const TestIdentity *issuer, const TestIdentity *revoked, gint64 from,
                     gint64 until);
