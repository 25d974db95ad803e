/* The dynamic linker's list of what is loaded tells of libraries, the program's name of ourselves.
 */
#include "pkcs11/module/company.h"

#include <errno.h>
#include <link.h>
#include <string.h>

gboolean
seal_company_is_own_agent(void)
{
    return g_str_equal(program_invocation_short_name, "privyseald") ||
           g_str_equal(program_invocation_short_name, "privyseal-host");
}

/* libp11.so.3, or the engine, which has it built in: engines-3/pkcs11.so, libpkcs11.so. */
static int
is_libp11(struct dl_phdr_info *info, size_t size, void *data)
{
    const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
    const char *name = slash ? slash + 1 : "";

    return g_str_has_prefix(name, "libp11.so") || g_str_equal(name, "pkcs11.so") ||
           g_str_equal(name, "libpkcs11.so");
}

gboolean
seal_company_has_libp11(void)
{
    return dl_iterate_phdr(is_libp11, NULL) != 0;
}
