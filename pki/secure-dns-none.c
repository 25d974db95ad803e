/* DNSSEC in a build without libunbound: nothing is believed, and that is said. */
#include "pki/secure-dns.h"

#include "base/error.h"

gboolean
seal_secure_dns_find(const SealSecureDns *dns, const char *name, int type, GPtrArray *records,
                     GError **error)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "cannot ask DNS for '%s': this build has no DNSSEC, install one with libunbound "
                "or take dns out of sources",
                name);
    return FALSE;
}
