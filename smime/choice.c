/* The choice of algorithms for several readers (RFC 8551 2.7.1). A message has one cipher, and some
 * programs give up on a whole message because of one RecipientInfo that they do not know, so what
 * is newer is used only where everybody has said that they read it. */
#include "smime/choice.h"

#include "pki/certificate.h"
#include "smime/capabilities.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

/* Strongest first: what shows tampering goes before what does not. */
static const SealContentCipher preference[] = {
    SEAL_CONTENT_AES256_GCM, SEAL_CONTENT_CHACHA20_POLY1305, SEAL_CONTENT_AES192_GCM,
    SEAL_CONTENT_AES128_GCM, SEAL_CONTENT_AES256_CBC,        SEAL_CONTENT_AES192_CBC,
    SEAL_CONTENT_AES128_CBC,
};

typedef struct {
    SealCapabilities common; /* of all readers of whom anything is known */
    GString *unknown;        /* the others, by name */
    guint unknown_count;
} Knowledge;

/* -- what is known ---------------------------------------------------------------------------- */

/* RFC 4262: an extension of the certificate. (transfer full) (nullable) */
static GBytes *
capabilities_in(GBytes *der)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);
    int at = certificate ? X509_get_ext_by_NID(certificate, NID_SMIMECapabilities, -1) : -1;
    const ASN1_OCTET_STRING *value = NULL;

    if (at < 0)
        return NULL;
    value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    return g_bytes_new(ASN1_STRING_get0_data(value), (gsize)ASN1_STRING_length(value));
}

static gboolean
read_reader(const SealReaderFacts *reader, SealCapabilities *ret_capabilities)
{
    g_autoptr(GBytes) stated = reader->capabilities ? g_bytes_ref(reader->capabilities)
                                                    : capabilities_in(reader->certificate);

    return stated && seal_capabilities_read(stated, ret_capabilities);
}

static void
note_reader(Knowledge *knowledge, const SealReaderFacts *reader)
{
    SealCapabilities capabilities = {0};

    if (read_reader(reader, &capabilities)) {
        knowledge->common.ciphers &= capabilities.ciphers;
        knowledge->common.oaep &= capabilities.oaep;
        return;
    }
    knowledge->unknown_count++;
    if (knowledge->unknown_count <= 3)
        g_string_append_printf(knowledge->unknown, "%s%s", knowledge->unknown_count > 1 ? ", " : "",
                               reader->name);
}

/* -- the choice ------------------------------------------------------------------------------- */

static const char *
find_cipher(const Knowledge *knowledge, SealEncryptOptions *options)
{
    options->cipher = SEAL_CONTENT_AES256_CBC;
    if (knowledge->unknown_count > 0)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(preference); i++) {
        if (seal_capabilities_has_cipher(&knowledge->common, preference[i])) {
            options->cipher = preference[i];
            return "everybody states to read it";
        }
    }
    return "its readers state no cipher in common";
}

/* (transfer full) */
static char *
choose_cipher(const Knowledge *knowledge, const SealChoicePolicy *policy,
              SealEncryptOptions *options)
{
    const char *why = NULL;

    if (policy->insists) {
        options->cipher = policy->cipher;
        return g_strdup("as was asked for");
    }
    why = find_cipher(knowledge, options);
    if (why)
        return g_strdup(why);
    return g_strdup_printf("nothing is known of what %s%s%s", knowledge->unknown->str,
                           knowledge->unknown_count > 3 ? " and others" : "",
                           knowledge->unknown_count > 1 ? " read" : " reads");
}

static const char *
scheme_for(GBytes *der, gboolean oaep)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);
    EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
    int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

    if (kind == EVP_PKEY_RSA)
        return oaep ? "rsa-oaep" : "rsa-pkcs1";
    return kind == EVP_PKEY_EC ? "ecdh" : kind == EVP_PKEY_X25519 ? "x25519" : NULL;
}

/* Each scheme once. (transfer full) */
static char *
list_schemes(const SealReaderFacts *readers, guint n_readers, gboolean oaep)
{
    g_autoptr(GPtrArray) schemes = g_ptr_array_new();

    for (guint i = 0; i < n_readers; i++) {
        const char *scheme = scheme_for(readers[i].certificate, oaep);

        if (scheme && !g_ptr_array_find_with_equal_func(schemes, scheme, g_str_equal, NULL))
            g_ptr_array_add(schemes, (gpointer)scheme);
    }
    g_ptr_array_add(schemes, NULL);
    return g_strjoinv(" and ", (char **)schemes->pdata);
}

char *
seal_choice_make(const SealReaderFacts *readers, guint n_readers, const SealChoicePolicy *policy,
                 SealEncryptOptions *options)
{
    Knowledge knowledge = {.common = {.ciphers = G_MAXUINT, .oaep = TRUE},
                           .unknown = g_string_new(NULL)};
    g_autofree char *why = NULL;
    g_autofree char *schemes = NULL;

    for (guint i = 0; i < n_readers; i++)
        note_reader(&knowledge, &readers[i]);
    why = choose_cipher(&knowledge, policy, options);
    options->oaep =
        policy->oaep == SEAL_OAEP_ALWAYS ||
        (policy->oaep == SEAL_OAEP_STATED && knowledge.unknown_count == 0 && knowledge.common.oaep);
    schemes = list_schemes(readers, n_readers, options->oaep);
    g_string_free(knowledge.unknown, TRUE);
    return g_strdup_printf("%s (%s), keys by %s", seal_content_cipher_name(options->cipher), why,
                           schemes);
}
