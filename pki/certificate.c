/* Questions to one certificate. OpenSSL parses; what it lets pass silently (trailing bytes, missing
 * usage extensions) is asked for here. */
#include "pki/certificate.h"

#include "base/error.h"
#include "pki/strength.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

X509 *
seal_certificate_read(GBytes *der, const char *what, GError **error)
{
    gsize len = 0;
    const unsigned char *data = g_bytes_get_data(der, &len);
    const unsigned char *at = data;
    g_autoptr(X509) certificate = NULL;

    if (len > 0 && len <= G_MAXINT)
        certificate = d2i_X509(NULL, &at, (long)len);
    ERR_clear_error();
    if (certificate && at == data + len)
        return g_steal_pointer(&certificate);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot read %s: it is no DER certificate, give one X.509 certificate", what);
    return NULL;
}

static void
free_certificate(gpointer certificate)
{
    X509_free(certificate);
}

/* FALSE for a damaged block. PEM readers say "no start line" at the end of a good file. */
static gboolean
read_pem(GBytes *data, GPtrArray *certificates)
{
    gsize len = 0;
    gconstpointer at = g_bytes_get_data(data, &len);
    BIO *in = BIO_new_mem_buf(at, (int)len);
    X509 *certificate = NULL;
    unsigned long why = 0;

    ERR_clear_error();
    while ((certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)))
        g_ptr_array_add(certificates, certificate);
    why = ERR_peek_last_error();
    ERR_clear_error();
    BIO_free(in);
    return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
}

static gboolean
read_der(GBytes *data, GPtrArray *certificates)
{
    X509 *certificate = seal_certificate_read(data, "it", NULL);

    if (certificate)
        g_ptr_array_add(certificates, certificate);
    return certificate != NULL;
}

GPtrArray *
seal_certificates_read(GBytes *data, const char *name, GError **error)
{
    g_autoptr(GPtrArray) certificates = g_ptr_array_new_with_free_func(free_certificate);
    gsize len = 0;
    const char *text = g_bytes_get_data(data, &len);
    gboolean well = FALSE;

    if (len > SEAL_CERTIFICATE_FILE_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot use '%s': it has more than 16 MiB, give a smaller file", name);
        return NULL;
    }
    if (len > 0)
        well = g_strstr_len(text, (gssize)len, "-----BEGIN ") ? read_pem(data, certificates)
                                                              : read_der(data, certificates);
    if (well && certificates->len > 0)
        return g_steal_pointer(&certificates);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use '%s': there is no readable certificate in it, give one in PEM or DER",
                name);
    return NULL;
}

GPtrArray *
seal_authorities_read(GBytes *data, const char *name, GError **error)
{
    g_autoptr(GPtrArray) certificates = seal_certificates_read(data, name, error);

    for (guint i = 0; certificates && i < certificates->len; i++) {
        g_autofree char *subject = NULL;

        if (seal_certificate_is_authority(certificates->pdata[i]))
            continue;
        subject = seal_certificate_subject(certificates->pdata[i]);
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot use '%s': '%s' in it is no CA certificate, give that of its issuer",
                    name, subject);
        return NULL;
    }
    return g_steal_pointer(&certificates);
}

static char *
name_text(const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text = NULL;
    long len = 0;

    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    len = BIO_get_mem_data(out, &data);
    text = len > 0 ? g_utf8_make_valid(data, len) : g_strdup("(no name)");
    BIO_free(out);
    return text;
}

char *
seal_certificate_subject(const X509 *certificate)
{
    return name_text(X509_get_subject_name(certificate));
}

char *
seal_certificate_issuer(const X509 *certificate)
{
    return name_text(X509_get_issuer_name(certificate));
}

GPtrArray *
seal_certificate_common_names(const X509 *certificate)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        unsigned char *text = NULL;
        int len = ASN1_STRING_to_UTF8(&text, value);

        if (len < 0 || memchr(text, '\0', (size_t)len))
            len = 0;
        g_ptr_array_add(names, g_strndup(text ? (const char *)text : "", (gsize)len));
        OPENSSL_free(text);
    }
    return names;
}

GBytes *
seal_certificate_der(const X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    GBytes *bytes = g_bytes_new(der, len > 0 ? (gsize)len : 0);

    OPENSSL_free(der);
    return bytes;
}

char *
seal_certificate_fingerprint(const X509 *certificate)
{
    g_autoptr(GBytes) der = seal_certificate_der(certificate);

    return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
}

char *
seal_certificate_key_text(const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    char group[80] = "";
    const char *nist = NULL;

    if (!key)
        return g_strdup("unknown");
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL)) {
        nist = EC_curve_nid2nist(OBJ_sn2nid(group));
        return g_strdup(nist ? nist : group);
    }
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return g_strdup(EVP_PKEY_is_a(key, "ED448") ? "Ed448" : "Ed25519");
    return g_strdup_printf("%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

static gboolean
read_time(const ASN1_TIME *time, gint64 *ret_seconds)
{
    struct tm broken = {0};

    if (!ASN1_TIME_to_tm(time, &broken))
        return FALSE;
    *ret_seconds = (gint64)timegm(&broken);
    return TRUE;
}

gboolean
seal_certificate_validity(const X509 *certificate, gint64 *ret_from, gint64 *ret_until)
{
    return read_time(X509_get0_notBefore(certificate), ret_from) &&
           read_time(X509_get0_notAfter(certificate), ret_until);
}

gboolean
seal_certificate_is_authority(X509 *certificate)
{
    return X509_check_ca(certificate) == 1; /* 3 to 5: old forms without basic constraints */
}

gboolean
seal_certificate_has_usage(X509 *certificate, guint32 bits)
{
    guint32 usage = X509_get_key_usage(certificate);

    /* OpenSSL gives all ones where the extension is missing. */
    return usage != UINT32_MAX && (usage & bits) != 0;
}

/* `wanted`: ended by NID_undef. */
static gboolean
is_for(X509 *certificate, const int *wanted, gboolean otherwise)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    gboolean found = FALSE;

    if (!usages) /* -1: no such extension; else it is there twice or unreadable */
        return critical == -1 && otherwise;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i));

        for (const int *at = wanted; *at != NID_undef; at++)
            found |= nid == *at;
    }
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

gboolean
seal_certificate_is_for_mail(X509 *certificate, gboolean otherwise)
{
    static const int usages[] = {NID_email_protect, NID_anyExtendedKeyUsage, NID_undef};

    return is_for(certificate, usages, otherwise);
}

gboolean
seal_certificate_is_for_data(X509 *certificate, gboolean otherwise)
{
    static const int usages[] = {NID_email_protect, NID_code_sign, NID_anyExtendedKeyUsage,
                                 NID_undef};

    return is_for(certificate, usages, otherwise);
}

gboolean
seal_certificate_is_weak(const X509 *certificate)
{
    return seal_key_problem(certificate) || seal_key_weakness(certificate);
}
