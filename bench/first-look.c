/* A program's first look at a token: C_Initialize, the slots, a session, and all certificates by
 * C_FindObjects. One look a process, as each program has its first look once.
 *
 *     first-look MODULE TOKEN-LABEL CERTIFICATES
 *
 * prints the microseconds that loading the module took, the look, and C_Initialize in it:
 * `loaded US looked US initialized US`. Fewer certificates than CERTIFICATES are a failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/loaded.h"
#include "bench/pace.h"

#define MOST_SLOTS 64
/* As many as OpenSC's and NSS's programs take at once, about. */
#define AT_ONCE 16

static CK_FUNCTION_LIST *module;

/* PKCS#11 pads labels with blanks. */
static gboolean
has_label(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);

    if (len > sizeof info->label || memcmp(info->label, label, len) != 0)
        return FALSE;
    while (len < sizeof info->label)
        if (info->label[len++] != ' ')
            return FALSE;
    return TRUE;
}

static CK_SLOT_ID
find_slot(const char *label)
{
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG n_slots = MOST_SLOTS;

    seal_loaded_require(module->C_GetSlotList(CK_TRUE, slots, &n_slots), "list the slots");
    for (CK_ULONG i = 0; i < n_slots; i++) {
        CK_TOKEN_INFO info;

        seal_loaded_require(module->C_GetTokenInfo(slots[i], &info),
                            "read the token's description");
        if (has_label(&info, label))
            return slots[i];
    }
    seal_pace_require(FALSE, "find a token of that label", NULL);
    return 0;
}

static guint
count_certificates(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE objects[AT_ONCE];
    CK_ULONG found = 0;
    guint total = 0;

    seal_loaded_require(module->C_FindObjectsInit(session, template, 1), "search the token");
    do {
        seal_loaded_require(module->C_FindObjects(session, objects, AT_ONCE, &found),
                            "search the token");
        total += (guint)found;
    } while (found > 0);
    seal_loaded_require(module->C_FindObjectsFinal(session), "search the token");
    return total;
}

int
main(int argc, char **argv)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_SESSION_HANDLE session = 0;
    gint64 start_us = g_get_monotonic_time(), loaded_us = 0, initialized_us = 0, looked_us = 0;
    guint found = 0;

    g_set_prgname("first-look");
    seal_pace_require(argc == 4, "start: usage: first-look MODULE TOKEN-LABEL CERTIFICATES", NULL);
    module = seal_loaded_new(argv[1]);
    loaded_us = g_get_monotonic_time();
    seal_loaded_require(module->C_Initialize(&args), "initialize the module");
    initialized_us = g_get_monotonic_time();
    seal_loaded_require(
        module->C_OpenSession(find_slot(argv[2]), CKF_SERIAL_SESSION, NULL, NULL, &session),
        "open a session");
    found = count_certificates(session);
    looked_us = g_get_monotonic_time();
    seal_pace_require(found >= (guint)MAX(atoi(argv[3]), 1), "find all certificates", NULL);
    printf("loaded %" G_GINT64_FORMAT " looked %" G_GINT64_FORMAT " initialized %" G_GINT64_FORMAT
           "\n",
           loaded_us - start_us, looked_us - loaded_us, initialized_us - loaded_us);
    seal_loaded_require(module->C_Finalize(NULL), "finalize the module");
    return EXIT_SUCCESS;
}
