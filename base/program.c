/* Programs started from the build tree use their siblings there, so that a test or a developer
 * never meets an installed version by mistake. The kernel says where we were started from;
 * arguments and PATH do not count. */
#include "base/program.h"

#include <config.h>
#include <string.h>
#include <unistd.h>

gboolean
seal_program_is_in_build_tree(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    if (len < 0)
        return FALSE;
    path[len] = '\0';
    return g_str_has_prefix(path, SEAL_BUILD_ROOT "/");
}

char *
seal_program_file(const char *build_path, const char *folder)
{
    g_autofree char *name = NULL;

    if (seal_program_is_in_build_tree())
        return g_build_filename(SEAL_BUILD_ROOT, build_path, NULL);
    name = g_path_get_basename(build_path);
    return g_build_filename(folder, name, NULL);
}

char *
seal_program_path(const char *build_path)
{
    return seal_program_file(build_path, SEAL_LIBEXECDIR);
}

char *
seal_program_module(void)
{
    return seal_program_file("pkcs11/module/privyseal-pkcs11.so", SEAL_OWN_MODULE_FOLDER);
}
