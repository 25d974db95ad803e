/* Mail addresses in certificates. The comparison is deliberately plain: a certificate names a
 * mailbox by its exact local part, and no provider's habits (dots, tags, case) are guessed.
 *
 * Domains are compared as DNS would see them. IDNA2008 is followed to the letter: the mappings of
 * UTS 46 drop characters, so that with them two names which look different are one; and GLib's
 * functions are of IDNA2003, where another owner's "strasse" is taken for "straße". */
#include "pki/address.h"

#include <idn2.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#define ADDRESSES_MAX 256 /* of one certificate; each is compared with each sender */

/* -- comparison ------------------------------------------------------------------------------- */

/* The local part between quotes, with its backslashes taken away (RFC 5321 4.1.2); NULL if a quote
 * ends before its end. */
static char *
unquote(const char *quoted, gsize len)
{
    g_autoptr(GString) plain = g_string_new(NULL);

    if (len < 3 || quoted[len - 1] != '"')
        return NULL;
    for (gsize i = 1; i < len - 1; i++) {
        if (quoted[i] == '"')
            return NULL;
        if (quoted[i] == '\\' && ++i == len - 1)
            return NULL;
        g_string_append_c(plain, quoted[i]);
    }
    return g_string_free(g_steal_pointer(&plain), FALSE);
}

static char *
canonical_local(const char *address, gsize len)
{
    if (len == 0)
        return NULL;
    if (address[0] == '"')
        return unquote(address, len);
    for (gsize i = 0; i < len; i++)
        if (strchr("@\"\\", address[i]) || g_ascii_isspace(address[i]))
            return NULL;
    return g_strndup(address, len);
}

static char *
canonical_domain(const char *domain)
{
    g_autofree char *lower = NULL;
    uint8_t *ascii = NULL;
    char *copy = NULL;

    if (*domain == '\0')
        return NULL;
    if (g_str_is_ascii(domain))
        return g_ascii_strdown(domain, -1);
    lower = g_utf8_strdown(domain, -1);
    if (idn2_lookup_u8((const uint8_t *)lower, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46) != IDN2_OK)
        return NULL;
    copy = g_strdup((const char *)ascii);
    idn2_free(ascii);
    return copy;
}

char *
seal_address_canonical(const char *address)
{
    const char *at = address ? strrchr(address, '@') : NULL;
    g_autofree char *local = NULL;
    g_autofree char *domain = NULL;

    if (!at || !g_utf8_validate(address, -1, NULL))
        return NULL;
    local = canonical_local(address, (gsize)(at - address));
    domain = local ? canonical_domain(at + 1) : NULL;
    return domain ? g_strconcat(local, "@", domain, NULL) : NULL;
}

gboolean
seal_address_equal(const char *a, const char *b)
{
    g_autofree char *one = seal_address_canonical(a);
    g_autofree char *other = one ? seal_address_canonical(b) : NULL;

    return one && other && strcmp(one, other) == 0;
}

gboolean
seal_address_differs_in_case(const char *a, const char *b)
{
    g_autofree char *one = seal_address_canonical(a);
    g_autofree char *other = one ? seal_address_canonical(b) : NULL;
    g_autofree char *folded_one = NULL;
    g_autofree char *folded_other = NULL;

    if (!one || !other || strcmp(one, other) == 0)
        return FALSE;
    folded_one = g_utf8_casefold(one, -1);
    folded_other = g_utf8_casefold(other, -1);
    return strcmp(folded_one, folded_other) == 0;
}

gboolean
seal_address_in(GPtrArray *addresses, const char *address)
{
    for (guint i = 0; i < addresses->len; i++)
        if (seal_address_equal(g_ptr_array_index(addresses, i), address))
            return TRUE;
    return FALSE;
}

/* -- certificates ----------------------------------------------------------------------------- */

/* Takes `text`. */
static void
add_once(GPtrArray *list, char *text)
{
    if (list->len >= ADDRESSES_MAX ||
        g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
        g_free(text);
    else
        g_ptr_array_add(list, text);
}

/* IA5String, in rfc822Name and emailAddress. */
static void
add_address(GPtrArray *list, const ASN1_STRING *value)
{
    const unsigned char *data = ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);

    if (len <= 0 || !memchr(data, '@', (size_t)len))
        return;
    for (int i = 0; i < len; i++)
        if (!g_ascii_isgraph(data[i]))
            return;
    add_once(list, g_strndup((const char *)data, (gsize)len));
}

/* Marks as on letters are well; what has no look of its own is not. */
static gboolean
is_visible(const char *text)
{
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);

        if (g_unichar_isspace(character) || g_unichar_iscntrl(character) ||
            !g_unichar_isdefined(character) ||
            (g_unichar_iszerowidth(character) && !g_unichar_ismark(character)))
            return FALSE;
    }
    return TRUE;
}

/* RFC 9598 3: a UTF8String whose local part is not ASCII; one that is belongs into an rfc822Name,
 * where the limits on names find it. Its domain is in ASCII, in RFC 8398 it was in Unicode. A
 * quoted one would lose its quotes here, and needs none. */
static void
add_utf8_mailbox(GPtrArray *list, const ASN1_TYPE *value)
{
    g_autofree char *text = NULL;
    g_autofree char *canonical = NULL;
    const char *at = NULL;
    gsize len = 0;

    if (value->type != V_ASN1_UTF8STRING)
        return;
    len = (gsize)ASN1_STRING_length(value->value.utf8string);
    text = g_strndup((const char *)ASN1_STRING_get0_data(value->value.utf8string), len);
    if (strlen(text) != len || !g_utf8_validate(text, -1, NULL) || !is_visible(text))
        return;
    canonical = seal_address_canonical(text);
    at = canonical ? strrchr(canonical, '@') : NULL;
    if (!at || text[0] == '"')
        return;
    for (const char *c = canonical; c < at; c++) {
        if (!g_ascii_isprint(*c)) {
            add_once(list, g_steal_pointer(&canonical));
            return;
        }
    }
}

/* FALSE if none of the names is for mail. */
static gboolean
add_alternative_names(GPtrArray *list, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    gboolean any = FALSE;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_EMAIL) {
            add_address(list, name->d.rfc822Name);
            any = TRUE;
        } else if (name->type == GEN_OTHERNAME &&
                   OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox) {
            add_utf8_mailbox(list, name->d.otherName->value);
            any = TRUE;
        }
    }
    GENERAL_NAMES_free(names);
    return any;
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

    if (!add_alternative_names(list, certificate))
        add_subject_addresses(list, certificate);
    return list;
}
