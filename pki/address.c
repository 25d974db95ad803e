/* Mail addresses in certificates. The comparison is deliberately plain: a certificate names a
 * mailbox by its exact local part, and no provider's habits (dots, tags, case) are guessed. */
#include "pki/address.h"

#include <openssl/x509v3.h>
#include <string.h>

static gboolean
has_address(GPtrArray *list, const char *address)
{
    for (guint i = 0; i < list->len; i++)
        if (g_str_equal(g_ptr_array_index(list, i), address))
            return TRUE;
    return FALSE;
}

/* What a person could be fooled with (NUL, control characters, blanks) is no address. */
static void
add_address(GPtrArray *list, const ASN1_STRING *value)
{
    const unsigned char *data = ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);
    g_autofree char *text = NULL;

    if (len <= 0 || !memchr(data, '@', (size_t)len))
        return;
    for (int i = 0; i < len; i++)
        if (!g_ascii_isgraph(data[i]))
            return;
    text = g_strndup((const char *)data, (gsize)len);
    if (!has_address(list, text))
        g_ptr_array_add(list, g_steal_pointer(&text));
}

static void
add_alternative_names(GPtrArray *list, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_EMAIL)
            add_address(list, name->d.rfc822Name);
    }
    GENERAL_NAMES_free(names);
}

static void
add_subject_addresses(GPtrArray *list, X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0)
        add_address(list, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

GPtrArray *
seal_address_list(X509 *certificate)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

    add_alternative_names(list, certificate);
    if (list->len == 0)
        add_subject_addresses(list, certificate);
    return list;
}

gboolean
seal_address_equal(const char *a, const char *b)
{
    const char *at_a = a ? strrchr(a, '@') : NULL;
    const char *at_b = b ? strrchr(b, '@') : NULL;

    if (!at_a || !at_b || at_a == a || at_a - a != at_b - b || at_a[1] == '\0')
        return FALSE;
    if (memchr(a, '@', (size_t)(at_a - a)) && a[0] != '"')
        return FALSE;
    return memcmp(a, b, (size_t)(at_a - a)) == 0 && g_ascii_strcasecmp(at_a, at_b) == 0;
}

gboolean
seal_address_in(GPtrArray *addresses, const char *address)
{
    for (guint i = 0; i < addresses->len; i++)
        if (seal_address_equal(g_ptr_array_index(addresses, i), address))
            return TRUE;
    return FALSE;
}
