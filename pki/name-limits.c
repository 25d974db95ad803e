/* Excluded names. OpenSSL 3 compares a SmtpUTF8Mailbox by RFC 8398, where its domain is in Unicode;
 * since RFC 9598 it is in ASCII ("xn--..."), and there OpenSSL misses what is excluded. What is
 * permitted it misses, too, but on the safe side: the certificate is refused. So only exclusions
 * are looked at again. */
#include "pki/name-limits.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/address.h"

/* RFC 5280 4.2.1.10: "user@host", of which `mailbox` (nullable) is the canonical form; "host", or
 * ".domain" for all hosts below. `address` is canonical. */
static gboolean
covers(const char *limit, const char *mailbox, const char *address)
{
    const char *domain = strrchr(address, '@') + 1;

    if (strchr(limit, '@'))
        return mailbox && strcmp(mailbox, address) == 0;
    if (limit[0] != '.')
        return g_ascii_strcasecmp(limit, domain) == 0;
    return strlen(domain) > strlen(limit) &&
           g_ascii_strcasecmp(domain + strlen(domain) - strlen(limit), limit) == 0;
}

static gboolean
is_excluded(const GENERAL_SUBTREE *excluded, GPtrArray *addresses)
{
    const ASN1_STRING *value = excluded->base->d.rfc822Name;
    g_autofree char *limit = NULL;
    g_autofree char *mailbox = NULL;

    if (excluded->base->type != GEN_EMAIL)
        return FALSE;
    limit = g_strndup((const char *)ASN1_STRING_get0_data(value), (gsize)ASN1_STRING_length(value));
    mailbox = seal_address_canonical(limit);
    for (guint i = 0; i < addresses->len; i++)
        if (!g_str_is_ascii(addresses->pdata[i]) && covers(limit, mailbox, addresses->pdata[i]))
            return TRUE;
    return FALSE;
}

gboolean
seal_name_limits_exclude(X509 *issuer, X509 *leaf)
{
    NAME_CONSTRAINTS *limits = X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
    g_autoptr(GPtrArray) addresses = limits ? seal_address_list(leaf) : NULL;
    gboolean found = FALSE;

    for (int i = 0; limits && !found && i < sk_GENERAL_SUBTREE_num(limits->excludedSubtrees); i++)
        found = is_excluded(sk_GENERAL_SUBTREE_value(limits->excludedSubtrees, i), addresses);
    NAME_CONSTRAINTS_free(limits);
    ERR_clear_error();
    return found;
}
