/* A PKCS#11 attribute template that owns its values. */
#pragma once

#include <glib.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

typedef struct {
    GArray *attributes; /* of CK_ATTRIBUTE */
    GPtrArray *values;
    gboolean failed; /* a value could not be had: check once at the end */
} SealFixtureTemplate;

/* Starts an empty template for g_auto(SealFixtureTemplate). */
void seal_fixture_template_init(SealFixtureTemplate *to);
void seal_fixture_template_clear(SealFixtureTemplate *to);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealFixtureTemplate, seal_fixture_template_clear)

/* Each appends one attribute with a copy of the value. */
void seal_fixture_template_bytes(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, const void *data,
                                 size_t len);
void seal_fixture_template_flag(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, gboolean value);
void seal_fixture_template_number(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, gulong value);
void seal_fixture_template_text(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, const char *text);
/* The number called `name` in `key` (an OSSL_PKEY_PARAM_...), big-endian, without leading zeros. */
void seal_fixture_template_big(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key,
                               const char *name);
/* CKA_EC_PARAMS: the DER object identifier called `curve` by OpenSSL. */
void seal_fixture_template_curve(SealFixtureTemplate *to, const char *curve);
/* CKA_EC_POINT: `point` in a DER OCTET STRING (PKCS#11 2.40, 2.3.3). */
void seal_fixture_template_point(SealFixtureTemplate *to, const void *point, size_t len);
