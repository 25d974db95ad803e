/* Directories in a build without libldap: each is said to be out of reach, none is passed over. */
#include "pki/directory.h"

#include "base/error.h"

gboolean
seal_directory_find(const SealDirectory *directory, const char *address, GPtrArray *preferred,
                    GPtrArray *others, GError **error)
{
    g_set_error(
        error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
        "cannot ask the directory '%s': this build has no LDAP, install one with libldap or "
        "take ldap out of sources",
        directory->name);
    return FALSE;
}
