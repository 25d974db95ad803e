/* Loading a module. What can be told without running its code is told first: the dynamic loader's
 * own messages are no help to the person who mistyped a path, and a module of ours would call the
 * agent that waits for us. */
#include "pkcs11/host/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/opensc.h"

#define OWN_MODULE "privyseal-pkcs11.so"

static gboolean
fail(GError **error, const char *path, const char *reason)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_MODULE_FAILED, "cannot load module '%s': %s", path,
                reason);
    return FALSE;
}

/* Reads the start of an ELF file. FALSE if it is none; e_machine stands at one place in both
 * classes. */
static gboolean
read_elf_header(const char *path, Elf64_Ehdr *header, GError **error)
{
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;

    if (fd < 0 || fstat(fd, &info) < 0)
        return fail(error, path, g_strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fail(error, path, "it is no regular file");
    memset(header, 0, sizeof *header);
    if (read(fd, header, sizeof *header) < (ssize_t)sizeof(Elf32_Ehdr) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return fail(error, path, "it is no shared object (ELF file)");
    return TRUE;
}

static gboolean
check_architecture(const char *path, GError **error)
{
    Elf64_Ehdr module, own;

    if (!read_elf_header(path, &module, error) || !read_elf_header("/proc/self/exe", &own, error))
        return FALSE;
    if (module.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
        module.e_ident[EI_DATA] != own.e_ident[EI_DATA] || module.e_machine != own.e_machine)
        return fail(error, path, "it is made for another processor architecture");
    if (module.e_type != ET_DYN)
        return fail(error, path, "it is an ELF file, but no shared object");
    return TRUE;
}

static gboolean
is_own_name(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);

    return g_str_equal(base, OWN_MODULE);
}

static gboolean
fail_as_own(GError **error, const char *path)
{
    return fail(error, path, "it is Privy Seal's own module, which would ask the agent again");
}

static gboolean
check_not_own(const char *path, GError **error)
{
    char *resolved = realpath(path, NULL);
    gboolean own = is_own_name(path) || (resolved && is_own_name(resolved));

    free(resolved);
    return own ? fail_as_own(error, path) : TRUE;
}

/* The name that a library was built with. NULL if it has none. */
static const char *
library_soname(void *library)
{
    struct link_map *map = NULL;
    const char *strings = NULL;
    ElfW(Xword) offset = 0;

    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0)
        return NULL;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SONAME)
            offset = entry->d_un.d_val;
        if (entry->d_tag == DT_STRTAB)
            strings = (const char *)entry->d_un.d_ptr;
    }
    /* Not every architecture's loader turns the table's offset into an address. */
    if (strings && (ElfW(Addr))strings < map->l_addr)
        strings += map->l_addr;
    return strings && offset > 0 ? strings + offset : NULL;
}

static CK_FUNCTION_LIST *
find_functions(void *library, const char *path, GError **error)
{
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    CK_RV rv = CKR_OK;

    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get) {
        fail(error, path, "it is no PKCS#11 module (it has no C_GetFunctionList)");
        return NULL;
    }
    rv = get(&functions);
    if (rv != CKR_OK || !functions || functions->version.major != 2) {
        fail(error, path, "it offers no function list of PKCS#11 version 2");
        return NULL;
    }
    return functions;
}

static gboolean
initialize(CK_FUNCTION_LIST *functions, const char *path, gboolean is_opensc, GError **error)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    g_autofree char *reason = NULL;
    CK_RV rv = CKR_OK;

    if (is_opensc)
        seal_opensc_set_locks(&arguments);
    rv = functions->C_Initialize(&arguments);
    if (rv == CKR_OK)
        return TRUE;
    reason = rv == CKR_CRYPTOKI_ALREADY_INITIALIZED
                 ? g_strdup("it is initialised already in this process")
                 : g_strdup_printf("C_Initialize failed (%s, 0x%lx)", seal_rv_name(rv), rv);
    return fail(error, path, reason);
}

gboolean
seal_library_is_made_by(CK_FUNCTION_LIST *functions, const char *maker)
{
    CK_INFO info = {{0}};

    return functions->C_GetInfo(&info) == CKR_OK &&
           memcmp(info.manufacturerID, maker, strlen(maker)) == 0;
}

/* What no name could tell: a proxy that leads to our module. */
static gboolean
check_manufacturer(CK_FUNCTION_LIST *functions, const char *path, GError **error)
{
    if (!seal_library_is_made_by(functions, "Privy Seal"))
        return TRUE;
    (void)functions->C_Finalize(NULL);
    return fail_as_own(error, path);
}

gboolean
seal_library_check(const char *path, GError **error)
{
    return check_not_own(path, error) && check_architecture(path, error);
}

CK_FUNCTION_LIST *
seal_library_load(const char *path, const char *reader, GError **error)
{
    void *library = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    gboolean is_opensc = FALSE;
    const char *reason = NULL;

    if (!seal_library_check(path, error))
        return NULL;
    if (dlopen(path, RTLD_LAZY | RTLD_NOLOAD)) {
        fail(error, path, "it is loaded already in this process");
        return NULL;
    }
    (void)setenv(SEAL_HOST_VARIABLE, "1", TRUE);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fail(error, path, dlerror());
        return NULL;
    }
    /* A copy under another name. */
    if (g_strcmp0(library_soname(library), OWN_MODULE) == 0) {
        (void)fail_as_own(error, path);
        return NULL;
    }
    is_opensc = seal_opensc_is(library_soname(library));
    reason = is_opensc ? seal_opensc_configure(reader) : NULL;
    if (reason) {
        fail(error, path, reason);
        return NULL;
    }
    functions = find_functions(library, path, error);
    if (!functions || !initialize(functions, path, is_opensc, error) ||
        !check_manufacturer(functions, path, error))
        return NULL;
    return functions;
}
