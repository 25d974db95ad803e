/* From a certificate's DER to plain fields. OpenSSL parses; here is chosen what the agent needs to
 * find keys and addresses, bounded and as valid text. Nothing is judged. */
#include "pkcs11/host/certificate.h"

#include <string.h>
#include <time.h>

#include "pkcs11/host/openssl.h"

static char *
name_text(X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;
    char *text = NULL;

    /* RFC 2253, but UTF-8 left readable instead of escaped byte by byte. */
    if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(out, &data);
    text = len > 0 ? g_utf8_make_valid(data, len) : g_strdup("");
    BIO_free(out);
    return text;
}

static GBytes *
name_der(X509_NAME *name)
{
    const unsigned char *der = NULL;
    size_t len = 0;

    return X509_NAME_get0_der(name, &der, &len) == 1 ? g_bytes_new(der, len) : g_bytes_new(NULL, 0);
}

static gint64
seconds(const ASN1_TIME *when)
{
    struct tm parts = {0};

    return when && ASN1_TIME_to_tm(when, &parts) == 1 ? (gint64)timegm(&parts) : 0;
}

static GBytes *
octets(const ASN1_STRING *string)
{
    return string ? g_bytes_new(ASN1_STRING_get0_data(string), (gsize)ASN1_STRING_length(string))
                  : g_bytes_new(NULL, 0);
}

/* The content octets of the serial number, sign octet included, as the certificate has them. */
static GBytes *
serial_octets(X509 *certificate)
{
    ASN1_INTEGER *serial = X509_get_serialNumber(certificate);
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(serial, &der);
    GBytes *content = NULL;

    /* RFC 5280: at most 20 octets, so tag and length are one octet each; longer ones are kept too.
     */
    if (len >= 2 && der[1] < 0x80)
        content = g_bytes_new(der + 2, (gsize)len - 2);
    else
        content = octets(serial);
    OPENSSL_free(der);
    return content;
}

static void
add_address(GPtrArray *addresses, const ASN1_STRING *string)
{
    const char *data = (const char *)ASN1_STRING_get0_data(string);
    gsize len = (gsize)ASN1_STRING_length(string);
    g_autofree char *address = NULL;

    /* more are not told, and looking each up among thousands would take its time */
    if (addresses->len >= SEAL_LIST_MAX || len == 0 || len > SEAL_TEXT_MAX || memchr(data, 0, len) ||
        !g_utf8_validate_len(data, len, NULL))
        return;
    address = g_strndup(data, len);
    if (!g_ptr_array_find_with_equal_func(addresses, address, g_str_equal, NULL))
        g_ptr_array_add(addresses, g_steal_pointer(&address));
}

/* RFC 9598. Whether it may be one is for whoever compares it: no more is done here than reading. */
static const ASN1_STRING *
utf8_mailbox(const OTHERNAME *name)
{
    gboolean is_mailbox = OBJ_obj2nid(name->type_id) == NID_id_on_SmtpUTF8Mailbox;

    return is_mailbox && name->value->type == V_ASN1_UTF8STRING ? name->value->value.utf8string
                                                                : NULL;
}

static void
add_alternative(GPtrArray *addresses, const GENERAL_NAME *name)
{
    const ASN1_STRING *mailbox = NULL;

    if (name->type == GEN_EMAIL)
        mailbox = name->d.rfc822Name;
    else if (name->type == GEN_OTHERNAME)
        mailbox = utf8_mailbox(name->d.otherName);
    if (mailbox)
        add_address(addresses, mailbox);
}

static char **
collect_addresses(X509 *certificate)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GENERAL_NAMES) names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;

    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
        add_alternative(addresses, sk_GENERAL_NAME_value(names, i));
    while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0)
        add_address(addresses, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    g_ptr_array_add(addresses, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&addresses), FALSE);
}

static char **
collect_purposes(X509 *certificate)
{
    g_autoptr(GPtrArray) purposes = g_ptr_array_new_with_free_func(g_free);
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);

    for (int i = 0; usages && i < MIN(sk_ASN1_OBJECT_num(usages), (int)SEAL_LIST_MAX); i++) {
        const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
        char dotted[128];
        int nid = OBJ_obj2nid(usage);

        (void)OBJ_obj2txt(dotted, sizeof dotted, usage, 1);
        g_ptr_array_add(purposes, g_strdup(nid == NID_undef ? dotted : OBJ_nid2sn(nid)));
    }
    sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
    g_ptr_array_add(purposes, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&purposes), FALSE);
}

static guint32
usage_flags(X509 *certificate)
{
    guint32 usage =
        X509_get_key_usage(certificate); /* all bits set if there is no such extension */
    guint32 flags = 0;

    if (X509_check_ca(certificate) == 1)
        flags |= SEAL_CERTIFICATE_CA;
    if (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        flags |= SEAL_CERTIFICATE_SIGN;
    if (usage & (KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT))
        flags |= SEAL_CERTIFICATE_DECRYPT;
    return flags;
}

static GBytes *
own_public_key(X509 *certificate, const SealPublicKey *key)
{
    unsigned char *der = NULL;
    GBytes *bytes = NULL;
    int len = 0;

    if (key)
        return g_bytes_ref(key->info);
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bytes = g_bytes_new(der, len > 0 ? (gsize)len : 0);
    OPENSSL_free(der);
    return bytes;
}

gboolean
seal_certificate_parse(GBytes *der, SealCertificateInfo *ret_info, SealPublicKey **ret_key,
                       const char **ret_reason)
{
    gsize len = 0;
    const unsigned char *start = g_bytes_get_data(der, &len);
    const unsigned char *at = start;
    g_autoptr(X509) certificate =
        len > 0 && len <= SEAL_DER_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;
    g_autoptr(SealPublicKey) key = NULL;
    const char *reason = NULL;
    EVP_PKEY *raw_key = NULL;

    if (!certificate || (gsize)(at - start) != len) {
        *ret_reason = len > SEAL_DER_MAX ? "it is longer than 32 KiB"
                      : certificate      ? "bytes stand after its end"
                                         : "it is no X.509 certificate";
        return FALSE;
    }
    raw_key = X509_get0_pubkey(certificate);
    if (raw_key)
        key = seal_public_key_from_openssl(raw_key, &reason);

    *ret_info = (SealCertificateInfo){
        .flags = usage_flags(certificate),
        .not_before = seconds(X509_get0_notBefore(certificate)),
        .not_after = seconds(X509_get0_notAfter(certificate)),
        .certificate = g_bytes_ref(der),
        .subject = name_text(X509_get_subject_name(certificate)),
        .issuer = name_text(X509_get_issuer_name(certificate)),
        .issuer_name = name_der(X509_get_issuer_name(certificate)),
        .serial = serial_octets(certificate),
        .subject_key_id = octets(X509_get0_subject_key_id(certificate)),
        .public_key = own_public_key(certificate, key),
        .addresses = collect_addresses(certificate),
        .purposes = collect_purposes(certificate),
    };
    *ret_key = g_steal_pointer(&key);
    return TRUE;
}
