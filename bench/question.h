/* What the programs that are compared ask for: the same work for each, made once before the clock
 * starts, from the certificate of the key. */
#pragma once

#include <glib.h>

typedef enum {
    SEAL_QUESTION_SIGN_RSA,    /* PKCS#1 v1.5 over a SHA-256 digest */
    SEAL_QUESTION_SIGN_P256,   /* ECDSA over a SHA-256 digest */
    SEAL_QUESTION_DECRYPT_RSA, /* PKCS#1 v1.5, a session key of 32 bytes */
    SEAL_QUESTION_DERIVE_P256, /* ECDH; the agent adds X9.63 KDF (SHA-256) and AES-256 key wrap */
} SealQuestionKind;

typedef struct {
    SealQuestionKind kind;
    GBytes *digest;             /* signing: 32 bytes */
    GBytes *encrypted_key;      /* unwrapping: as CMS carries it */
    GBytes *algorithm;          /* unwrapping: DER AlgorithmIdentifier (key encryption) */
    GBytes *content_encryption; /* unwrapping: DER AlgorithmIdentifier of AES-256-CBC */
    GBytes *originator;         /* ECDH: DER OriginatorPublicKey */
    GBytes *point;              /* ECDH: the same key as uncompressed point */
} SealQuestion;

/* `name`: sign-rsa, sign-p256, decrypt-rsa or derive-p256. `certificate`: PEM file of the key that
 * will be used (read for unwrapping only). (transfer full); ends the program if it cannot be made. */
SealQuestion *seal_question_new(const char *name, const char *certificate);
void seal_question_free(SealQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealQuestion, seal_question_free)
