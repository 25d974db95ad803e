/* bare-guest MODULE ID: a program that knows nothing but PKCS#11, and links nothing that the module
 * uses: loads it, signs with the private P-256 key of CKA_ID `ID` (a number), and unloads it, five
 * times over. After each round it tells what is different from before the first: descriptors,
 * threads, signal handlers, and mappings of the module. */
#include <dirent.h>
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5 };

static void
die(const char *what, unsigned long rv)
{
    printf("%s: %#lx\n", what, rv);
    exit(1);
}

#define CALL(function, ...)                                                                        \
    do {                                                                                           \
        CK_RV rv = calls->function(__VA_ARGS__);                                                   \
        if (rv != CKR_OK)                                                                          \
            die(#function, rv);                                                                    \
    } while (0)

/* -- what is there ---------------------------------------------------------------------------- */

static int
count_entries(const char *folder)
{
    DIR *directory = opendir(folder);
    int n = 0;

    if (!directory)
        die(folder, 0);
    while (readdir(directory))
        n++;
    closedir(directory);
    return n;
}

static int
count_mappings(const char *file)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4096];
    int n = 0;

    if (!maps)
        die("maps", 0);
    while (fgets(line, sizeof line, maps))
        n += strstr(line, file) != NULL;
    fclose(maps);
    return n;
}

static int
count_handlers(void)
{
    int n = 0;

    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;

        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            n++;
    }
    return n;
}

typedef struct {
    int descriptors, threads, handlers, mappings;
} Traces;

static Traces
look(void)
{
    return (Traces){count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
                    count_handlers(), count_mappings("privyseal-pkcs11")};
}

/* -- one round -------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
find_key(CK_FUNCTION_LIST *calls, CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, sizeof id}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = 0;

    CALL(C_FindObjectsInit, session, template, 2);
    CALL(C_FindObjects, session, &key, 1, &n);
    CALL(C_FindObjectsFinal, session);
    return key;
}

static void
sign(CK_FUNCTION_LIST *calls, CK_BYTE id)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature, count = 16;
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_SLOT_ID slots[16];

    CALL(C_GetSlotList, CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count && key == 0; i++) {
        CALL(C_OpenSession, slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session);
        key = find_key(calls, session, id);
    }
    CALL(C_SignInit, session, &mechanism, key);
    CALL(C_Sign, session, digest, sizeof digest, signature, &len);
}

static void
run_round(const char *module, CK_BYTE id)
{
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_list = NULL;
    CK_FUNCTION_LIST *calls = NULL;

    if (!library)
        die(dlerror(), 0);
    get_list = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    if (!get_list || get_list(&calls) != CKR_OK)
        die("C_GetFunctionList", 0);
    CALL(C_Initialize, NULL);
    sign(calls, id);
    CALL(C_Finalize, NULL);
    if (dlclose(library) != 0)
        die(dlerror(), 0);
}

int
main(int argc, char **argv)
{
    Traces before = look();

    if (argc != 3)
        return 2;
    for (int i = 0; i < ROUNDS; i++) {
        Traces after;

        run_round(argv[1], (CK_BYTE)atoi(argv[2]));
        after = look();
        printf("%+d descriptors, %+d threads, %+d handlers, %+d mappings\n",
               after.descriptors - before.descriptors, after.threads - before.threads,
               after.handlers - before.handlers, after.mappings - before.mappings);
    }
    return 0;
}
