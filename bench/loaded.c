/* Loads as p11-kit and other programs do: symbols bound at once and kept out of the program's own.
 */
#include "bench/loaded.h"

#include <dlfcn.h>

#include "bench/pace.h"

void
seal_loaded_require(CK_RV rv, const char *what)
{
    g_autofree char *text = NULL;

    if (rv == CKR_OK)
        return;
    text = g_strdup_printf("%s (CKR 0x%lx)", what, rv);
    seal_pace_require(FALSE, text, NULL);
}

CK_FUNCTION_LIST *
seal_loaded_new(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_FUNCTION_LIST *list = NULL;
    CK_C_GetFunctionList get = NULL;

    seal_pace_require(library != NULL, "load the module", NULL);
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    seal_pace_require(get != NULL, "find C_GetFunctionList in the module", NULL);
    seal_loaded_require(get(&list), "get the function list");
    return list;
}
