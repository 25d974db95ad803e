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
    GPtrArray *unknown;      /* names of the others */
    GPtrArray *deaf;         /* names of those who may not read the cipher that is insisted on */
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

/* CBC was read before there were capabilities to state. */
static gboolean
may_be_deaf(const SealCapabilities *capabilities, const SealChoicePolicy *policy)
{
    if (!policy->cipher_by)
        return FALSE;
    return capabilities ? !seal_capabilities_has_cipher(capabilities, policy->cipher)
                        : seal_content_cipher_is_authenticated(policy->cipher);
}

static void
note_reader(Knowledge *knowledge, const SealReaderFacts *reader, const SealChoicePolicy *policy)
{
    SealCapabilities capabilities = {0};
    gboolean known = read_reader(reader, &capabilities);

    if (may_be_deaf(known ? &capabilities : NULL, policy))
        g_ptr_array_add(knowledge->deaf, (gpointer)reader->name);
    if (!known) {
        g_ptr_array_add(knowledge->unknown, (gpointer)reader->name);
        return;
    }
    knowledge->common.ciphers &= capabilities.ciphers;
    knowledge->common.oaep &= capabilities.oaep;
}

/* "Bob", "Bob and Carol", "Bob, Carol, Dave and others". (transfer full) */
static char *
join_names(const GPtrArray *names)
{
    GString *text = g_string_new(names->pdata[0]);
    guint last = MIN(names->len, 3) - 1;

    for (guint i = 1; i <= last; i++)
        g_string_append_printf(text, "%s%s", i == last && names->len <= 3 ? " and " : ", ",
                               (const char *)names->pdata[i]);
    if (names->len > 3)
        g_string_append(text, " and others");
    return g_string_free(text, FALSE);
}

/* -- the choice ------------------------------------------------------------------------------- */

#define EVERYBODY "everybody states to read it"

/* (transfer full) */
static char *
tell_unknown(const Knowledge *knowledge)
{
    g_autofree char *names = join_names(knowledge->unknown);

    return g_strdup_printf("nothing is known of what %s %s", names,
                           knowledge->unknown->len > 1 ? "read" : "reads");
}

/* (transfer full) */
static char *
tell_insisted(const Knowledge *knowledge, const char *who)
{
    g_autofree char *names = NULL;

    if (knowledge->deaf->len == 0)
        return g_strdup_printf("as %s says", who);
    names = join_names(knowledge->deaf);
    return g_strdup_printf("as %s says, though %s %s not stated to read it", who, names,
                           knowledge->deaf->len > 1 ? "have" : "has");
}

/* Sets the cipher; why. (transfer full) */
static char *
choose_cipher(const Knowledge *knowledge, const SealChoicePolicy *policy,
              SealEncryptOptions *options)
{
    options->cipher = policy->cipher_by ? policy->cipher : SEAL_CONTENT_AES256_CBC;
    if (policy->cipher_by)
        return tell_insisted(knowledge, policy->cipher_by);
    if (knowledge->unknown->len > 0)
        return tell_unknown(knowledge);
    for (gsize i = 0; i < G_N_ELEMENTS(preference); i++) {
        if (seal_capabilities_has_cipher(&knowledge->common, preference[i])) {
            options->cipher = preference[i];
            return g_strdup(EVERYBODY);
        }
    }
    return g_strdup("its readers state no cipher in common");
}

/* Sets what RSA keys get; why. (transfer full) */
static char *
choose_for_rsa(const Knowledge *knowledge, const SealChoicePolicy *policy,
               SealEncryptOptions *options)
{
    options->oaep = policy->oaep == SEAL_OAEP_ALWAYS;
    if (policy->oaep != SEAL_OAEP_STATED)
        return g_strdup_printf("as %s says", policy->oaep_by);
    if (knowledge->unknown->len > 0)
        return tell_unknown(knowledge);
    options->oaep = knowledge->common.oaep;
    return g_strdup(options->oaep ? EVERYBODY : "not everybody states to read rsa-oaep");
}

/* (transfer full) (nullable) */
static char *
scheme_for(GBytes *der, gboolean oaep, const char *why)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);
    EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
    int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

    if (kind == EVP_PKEY_RSA)
        return g_strconcat(oaep ? "rsa-oaep" : "rsa-pkcs1", why ? " (" : NULL, why, ")", NULL);
    return g_strdup(kind == EVP_PKEY_EC ? "ecdh" : kind == EVP_PKEY_X25519 ? "x25519" : NULL);
}

/* Each scheme once; `why` (nullable) is about that of RSA. (transfer full) */
static char *
list_schemes(const SealReaderFacts *readers, guint n_readers, gboolean oaep, const char *why)
{
    g_autoptr(GPtrArray) schemes = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < n_readers; i++) {
        g_autofree char *scheme = scheme_for(readers[i].certificate, oaep, why);

        if (scheme && !g_ptr_array_find_with_equal_func(schemes, scheme, g_str_equal, NULL))
            g_ptr_array_add(schemes, g_steal_pointer(&scheme));
    }
    g_ptr_array_add(schemes, NULL);
    return g_strjoinv(" and ", (char **)schemes->pdata);
}

char *
seal_choice_make(const SealReaderFacts *readers, guint n_readers, const SealChoicePolicy *policy,
                 SealEncryptOptions *options)
{
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    g_autoptr(GPtrArray) deaf = g_ptr_array_new();
    Knowledge knowledge = {{.ciphers = G_MAXUINT, .oaep = TRUE}, unknown, deaf};
    g_autofree char *why = NULL;
    g_autofree char *rsa_why = NULL;
    g_autofree char *schemes = NULL;

    for (guint i = 0; i < n_readers; i++)
        note_reader(&knowledge, &readers[i], policy);
    why = choose_cipher(&knowledge, policy, options);
    rsa_why = choose_for_rsa(&knowledge, policy, options);
    schemes =
        list_schemes(readers, n_readers, options->oaep, g_str_equal(why, rsa_why) ? NULL : rsa_why);
    return g_strdup_printf("%s (%s), keys by %s", seal_content_cipher_name(options->cipher), why,
                           schemes);
}
