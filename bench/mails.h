/* The mails that are judged and opened in the benchmarks: made by OpenSSL alone, each another text,
 * the whole lot in memory before the clock starts. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Whose mails they are. */
typedef struct {
    X509 *certificate;
    STACK_OF(X509) *chain; /* (nullable) the issuing CA */
    EVP_PKEY *key;         /* (nullable) */
} SealMailsOwner;

/* Reads PEM files; `chain` and `key` (nullable: none). Ends the program if one cannot be read. */
SealMailsOwner *seal_mails_owner_new(const char *certificate, const char *chain, const char *key);
void seal_mails_owner_free(SealMailsOwner *owner);

/* Returns (transfer full) (element-type GBytes) `count` mails with texts of `len` bytes, from
 * alice@example.org: multipart/signed by SHA-256 with the owner's key, or encrypted to the owner's
 * certificate with AES-256-CBC. */
GPtrArray *seal_mails_signed(const SealMailsOwner *owner, guint count, gsize len);
GPtrArray *seal_mails_encrypted(const SealMailsOwner *owner, guint count, gsize len);
