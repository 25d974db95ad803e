/* The module is opened with dlopen, as every program does, so that what it exports and what it
 * leaves behind is tested too. */
#include "tests/module/module-fixture.h"

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

void
module_place_begin(ModulePlace *place)
{
    g_autofree char *pin = NULL;

    place->home = seal_test_home_new();
    seal_test_agent_new(place->home);
    pin = seal_test_fixture_pin(place->home);
    seal_test_pinentry_answer(place->home, "always pin %s\n", pin);
}

void
module_place_load(ModulePlace *place)
{
    g_autofree char *path = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get_list = NULL;

    place->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!place->library)
        g_error("cannot load the module: %s", dlerror());
    get_list = (CK_C_GetFunctionList)dlsym(place->library, "C_GetFunctionList");
    g_assert_nonnull(get_list);
    module_is(get_list(&place->calls), CKR_OK);
    module_is(place->calls->C_Initialize(&arguments), CKR_OK);
}

void
module_place_set_up(ModulePlace *place, gconstpointer data)
{
    module_place_begin(place);
    if (data)
        seal_test_agent_add_groups(place->home, data);
    module_place_load(place);
}

void
module_place_tear_down(ModulePlace *place, gconstpointer data)
{
    (void)place->calls->C_Finalize(NULL);
    g_assert_cmpint(dlclose(place->library), ==, 0);
    seal_test_home_free(place->home);
}

CK_SLOT_ID
module_alice(ModulePlace *place)
{
    CK_SLOT_ID slots[32];
    CK_ULONG count = G_N_ELEMENTS(slots);

    module_is(place->calls->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;

        module_is(place->calls->C_GetTokenInfo(slots[i], &info), CKR_OK);
        if (memcmp(info.label, "Alice ", 6) == 0)
            return slots[i];
    }
    g_error("Alice's token is not there");
}

CK_SESSION_HANDLE
module_session(ModulePlace *place)
{
    CK_SESSION_HANDLE session = 0;

    module_is(place->calls->C_OpenSession(module_alice(place), CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                          NULL, NULL, &session),
              CKR_OK);
    return session;
}

static guint
search(ModulePlace *place, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
       CK_OBJECT_HANDLE *ret_first)
{
    CK_OBJECT_HANDLE found[64] = {0};
    CK_ULONG n = 0;

    module_is(place->calls->C_FindObjectsInit(session, template, count), CKR_OK);
    module_is(place->calls->C_FindObjects(session, found, G_N_ELEMENTS(found), &n), CKR_OK);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OK);
    *ret_first = n > 0 ? found[0] : 0;
    return (guint)n;
}

CK_OBJECT_HANDLE
module_find(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, sizeof id}};
    CK_OBJECT_HANDLE object = 0;

    (void)search(place, session, template, G_N_ELEMENTS(template), &object);
    return object;
}

ModuleUse
module_use_new(ModulePlace *place)
{
    return (ModuleUse){place, place->calls, module_session(place)};
}

CK_RV
module_init(const ModuleUse *use,
            CK_RV (*function)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE), CK_BYTE id,
            CK_MECHANISM_TYPE type, const void *parameter, gsize len)
{
    CK_MECHANISM mechanism = {type, (void *)parameter, len};

    return function(use->session, &mechanism,
                    module_find(use->place, use->session, CKO_PRIVATE_KEY, id));
}

guint
module_count(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE object = 0;

    return search(place, session, template, G_N_ELEMENTS(template), &object);
}

X509 *
module_certificate(ModulePlace *place, const char *name)
{
    g_autofree char *file = g_strdup_printf("certs/%s.pem", name);
    g_autofree char *path = seal_test_fixture_path(place->home, file);
    BIO *bio = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    g_assert_nonnull(certificate);
    return certificate;
}

EVP_PKEY *
module_public_key(ModulePlace *place, const char *name)
{
    X509 *certificate = module_certificate(place, name);
    EVP_PKEY *key = X509_get_pubkey(certificate);

    X509_free(certificate);
    g_assert_nonnull(key);
    return key;
}

void
module_stop_agent(ModulePlace *place)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_TEST_AGENT_NAME);

    if (pid == 0)
        return;
    seal_test_stop(pid);
    g_assert_true(seal_test_bus_wait_for_name(SEAL_TEST_AGENT_NAME, FALSE));
}

/* Seconds for a child: it signs once, which takes milliseconds. */
#define CHILD_S 60

/* By way of another program: what a child leaves of its parent's memory is no leak, and valgrind
 * would count it as one. */
static void
end_child(int status)
{
    g_autofree char *text = g_strdup_printf("exit %d", status);

    (void)execl("/bin/sh", "sh", "-c", text, NULL);
    _exit(127);
}

void
module_run_child(ModulePlace *place, int (*child)(ModulePlace *place))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        (void)alarm(CHILD_S); /* one that hangs is a failure, not a wait without end */
        end_child(child(place));
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* SoftHSM reads its folder when it is loaded, by the next agent's host. */
static void
move_tokens(ModulePlace *place, const char *from, const char *to)
{
    g_autofree char *source = seal_test_fixture_path(place->home, from);
    g_autofree char *target = seal_test_fixture_path(place->home, to);

    g_assert_cmpint(g_rename(source, target), ==, 0);
}

void
module_tokens_go(ModulePlace *place)
{
    g_autofree char *tokens = seal_test_fixture_path(place->home, "tokens");

    module_stop_agent(place);
    move_tokens(place, "tokens", "away");
    g_assert_cmpint(g_mkdir(tokens, 0700), ==, 0);
}

void
module_tokens_return(ModulePlace *place)
{
    g_autofree char *tokens = seal_test_fixture_path(place->home, "tokens");

    module_stop_agent(place);
    g_assert_cmpint(g_rmdir(tokens), ==, 0);
    move_tokens(place, "away", "tokens");
}

int
module_run_tests(int argc, char **argv, const ModuleTest *tests, gsize n_tests)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < n_tests; i++)
        g_test_add(tests[i].path, ModulePlace, tests[i].groups, module_place_set_up, tests[i].test,
                   module_place_tear_down);
    return g_test_run();
}
