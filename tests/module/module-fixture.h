/* privyseal-pkcs11.so as a program loads it, over an agent with the tokens of Alice, Bob and Carol.
 */
#pragma once

#include <glib.h>

#include "pkcs11/module/cryptoki.h"
#include "tests/support/home.h"

typedef struct {
    SealTestHome *home;
    void *library;
    CK_FUNCTION_LIST *calls;
} ModulePlace;

/* Makes the home with bus and agent, and nothing else. The person answers every prompt with the
 * PIN. */
void module_place_begin(ModulePlace *place);
/* That, and loads the module and initialises it for several threads. `data` (nullable): groups for
 * the agent's configuration, as text. */
void module_place_set_up(ModulePlace *place, gconstpointer data);
/* The last part of it: loads and initialises, in a home that is there already. */
void module_place_load(ModulePlace *place);
/* Finalises (whether or not that is due), unloads, and ends the home. */
void module_place_tear_down(ModulePlace *place, gconstpointer data);

/* The slot of Alice's token; aborts the test if there is none. */
CK_SLOT_ID module_alice(ModulePlace *place);
/* A new session on it. */
CK_SESSION_HANDLE module_session(ModulePlace *place);
/* The object of this class with CKA_ID `id` (one byte), 0 if there is none. */
CK_OBJECT_HANDLE module_find(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                             CK_BYTE id);
/* Alice's token in use. */
typedef struct {
    ModulePlace *place;
    CK_FUNCTION_LIST *calls;
    CK_SESSION_HANDLE session;
} ModuleUse;
ModuleUse module_use_new(ModulePlace *place);
/* C_SignInit or C_DecryptInit with the private key of CKA_ID `id`. */
CK_RV module_init(const ModuleUse *use,
                  CK_RV (*function)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE),
                  CK_BYTE id, CK_MECHANISM_TYPE type, const void *parameter, gsize len);

/* How many objects of this class the session finds. */
guint module_count(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);

/* A certificate of the fixture ("alice-rsa-sign"), and its public key. (transfer full) */
struct x509_st *module_certificate(ModulePlace *place, const char *name);
struct evp_pkey_st *module_public_key(ModulePlace *place, const char *name);

/* Stops the agent and waits until it is gone; the next call that needs it starts another. */
void module_stop_agent(ModulePlace *place);

/* Every token goes, and comes back, while no agent runs. */
void module_tokens_go(ModulePlace *place);
void module_tokens_return(ModulePlace *place);

/* Runs `child(place)` in a forked child, and fails unless it returns 0 in time. */
void module_run_child(ModulePlace *place, int (*child)(ModulePlace *place));

/* One test: its path, groups for the agent's configuration (nullable), and what it does. */
typedef struct {
    const char *path;
    void (*test)(ModulePlace *place, gconstpointer data);
    const char *groups;
} ModuleTest;
/* Runs them, each in a place of its own. What main() returns. */
int module_run_tests(int argc, char **argv, const ModuleTest *tests, gsize n_tests);

/* CKR_ names in failures: module_is(C_X(...), CKR_OK). */
#define module_is(call, expected) g_assert_cmphex((call), ==, (expected))
