/* The program that the agent is compared with: it loads the PKCS#11 module itself, logs in once and
 * keeps one session a thread, as a careful program would, and calls C_SignInit and C_Sign (or
 * C_Decrypt, C_DeriveKey) in a tight loop. With p11-kit-client.so as module it measures `p11-kit
 * server`, with privyseal-pkcs11.so our own way in.
 *
 *     direct MODULE PIN-FILE OPERATION KEY-LABEL CERTIFICATE [THREADS]
 *
 * OPERATION as in question.h; the protocol on standard input and output is pace.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/loaded.h"
#include "bench/pace.h"
#include "bench/question.h"

#define MOST_SLOTS   64
#define MOST_THREADS 64

typedef struct Direct Direct;

typedef struct {
    Direct *direct;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    gint64 deadline_us;
    guint64 operations;
} Worker;

struct Direct {
    CK_FUNCTION_LIST *module;
    SealQuestion *question;
    const char *label;
    GBytes *signing_input;
    Worker workers[MOST_THREADS];
    guint n_workers;
};

/* FALSE if the token of this session has no private key of that label. */
static gboolean
find_key(Direct *direct, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_key)
{
    CK_FUNCTION_LIST *module = direct->module;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)direct->label, strlen(direct->label)},
    };
    CK_ULONG found = 0;

    seal_loaded_require(module->C_FindObjectsInit(session, template, 2), "search the token");
    seal_loaded_require(module->C_FindObjects(session, ret_key, 1, &found), "search the token");
    seal_loaded_require(module->C_FindObjectsFinal(session), "search the token");
    return found == 1;
}

/* The slot whose token has the key; leaves the process logged in there by the first worker's
 * session. */
static CK_SLOT_ID
log_in(Direct *direct, const char *pin_file)
{
    CK_FUNCTION_LIST *module = direct->module;
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG n_slots = MOST_SLOTS;
    Worker *first = &direct->workers[0];
    g_autofree char *pin = NULL;
    GError *error = NULL;

    seal_pace_require(g_file_get_contents(pin_file, &pin, NULL, &error), "read the PIN", error);
    seal_loaded_require(module->C_GetSlotList(CK_TRUE, slots, &n_slots), "list the slots");
    for (CK_ULONG i = 0; i < n_slots; i++) {
        CK_TOKEN_INFO info;

        seal_loaded_require(module->C_GetTokenInfo(slots[i], &info),
                            "read the token's description");
        if (!(info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        seal_loaded_require(
            module->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &first->session),
            "open a session");
        seal_loaded_require(
            module->C_Login(first->session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "log in");
        if (find_key(direct, first->session, &first->key))
            return slots[i];
        seal_loaded_require(module->C_CloseSession(first->session), "close a session");
    }
    seal_pace_require(FALSE, "find a token with that key", NULL);
    return 0;
}

static void
open_workers(Direct *direct, CK_SLOT_ID slot)
{
    direct->workers[0].direct = direct;
    for (guint i = 1; i < direct->n_workers; i++) {
        Worker *worker = &direct->workers[i];

        worker->direct = direct;
        seal_loaded_require(
            direct->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &worker->session),
            "open a session");
        seal_pace_require(find_key(direct, worker->session, &worker->key), "find the key", NULL);
    }
}

/* What CKM_RSA_PKCS signs is a DigestInfo (RFC 8017 9.2), CKM_ECDSA signs the digest. */
static GBytes *
make_signing_input(const SealQuestion *question)
{
    static const guint8 sha256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                         0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    GByteArray *input = g_byte_array_new();

    if (question->kind == SEAL_QUESTION_SIGN_RSA)
        g_byte_array_append(input, sha256_info, sizeof sha256_info);
    g_byte_array_append(input, g_bytes_get_data(question->digest, NULL),
                        (guint)g_bytes_get_size(question->digest));
    return g_byte_array_free_to_bytes(input);
}

static void
sign_once(Worker *worker)
{
    Direct *direct = worker->direct;
    gboolean rsa = direct->question->kind == SEAL_QUESTION_SIGN_RSA;
    CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;

    seal_loaded_require(direct->module->C_SignInit(worker->session, &mechanism, worker->key),
                        "sign");
    seal_loaded_require(
        direct->module->C_Sign(worker->session,
                               (CK_BYTE *)g_bytes_get_data(direct->signing_input, NULL),
                               g_bytes_get_size(direct->signing_input), signature, &len),
        "sign");
}

static void
decrypt_once(Worker *worker)
{
    Direct *direct = worker->direct;
    GBytes *encrypted = direct->question->encrypted_key;
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE plain[512];
    CK_ULONG len = sizeof plain;

    seal_loaded_require(direct->module->C_DecryptInit(worker->session, &mechanism, worker->key),
                        "decrypt");
    seal_loaded_require(direct->module->C_Decrypt(worker->session,
                                                  (CK_BYTE *)g_bytes_get_data(encrypted, NULL),
                                                  g_bytes_get_size(encrypted), plain, &len),
                        "decrypt");
}

static void
derive_once(Worker *worker)
{
    CK_FUNCTION_LIST *module = worker->direct->module;
    GBytes *point = worker->direct->question->point;
    CK_ECDH1_DERIVE_PARAMS parameters = {CKD_NULL, 0, NULL, g_bytes_get_size(point),
                                         (CK_BYTE *)g_bytes_get_data(point, NULL)};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG value_len = 32;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &value_len, sizeof value_len},
    };
    CK_BYTE secret[32];
    CK_ATTRIBUTE value = {CKA_VALUE, secret, sizeof secret};
    CK_OBJECT_HANDLE derived = 0;

    seal_loaded_require(module->C_DeriveKey(worker->session, &mechanism, worker->key, template,
                                            G_N_ELEMENTS(template), &derived),
                        "derive");
    seal_loaded_require(module->C_GetAttributeValue(worker->session, derived, &value, 1),
                        "read the derived secret");
    seal_loaded_require(module->C_DestroyObject(worker->session, derived),
                        "destroy the derived secret");
}

static gpointer
work(gpointer data)
{
    static void (*const steps[])(Worker *) = {
        [SEAL_QUESTION_SIGN_RSA] = sign_once,
        [SEAL_QUESTION_SIGN_P256] = sign_once,
        [SEAL_QUESTION_DECRYPT_RSA] = decrypt_once,
        [SEAL_QUESTION_DERIVE_P256] = derive_once,
    };
    Worker *worker = data;
    void (*step)(Worker *) = steps[worker->direct->question->kind];

    worker->operations = 0;
    while (g_get_monotonic_time() < worker->deadline_us) {
        step(worker);
        worker->operations++;
    }
    return NULL;
}

static guint64
run_direct(gpointer data, gint64 deadline_us)
{
    Direct *direct = data;
    GThread *threads[MOST_THREADS] = {NULL};
    guint64 operations = 0;

    for (guint i = 0; i < direct->n_workers; i++)
        direct->workers[i].deadline_us = deadline_us;
    for (guint i = 1; i < direct->n_workers; i++)
        threads[i] = g_thread_new("worker", work, &direct->workers[i]);
    (void)work(&direct->workers[0]);
    for (guint i = 0; i < direct->n_workers; i++) {
        if (threads[i])
            (void)g_thread_join(threads[i]);
        operations += direct->workers[i].operations;
    }
    return operations;
}

int
main(int argc, char **argv)
{
    Direct direct = {0};
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    int status = 0;

    g_set_prgname("direct");
    seal_pace_require(argc == 6 || argc == 7,
                      "start: usage: direct MODULE PIN-FILE OPERATION KEY-LABEL CERTIFICATE "
                      "[THREADS]",
                      NULL);
    direct.n_workers = argc == 7 ? (guint)CLAMP(atoi(argv[6]), 1, MOST_THREADS) : 1;
    direct.question = seal_question_new(argv[3], argv[5]);
    direct.signing_input = make_signing_input(direct.question);
    direct.label = argv[4];
    direct.module = seal_loaded_new(argv[1]);
    seal_loaded_require(direct.module->C_Initialize(&args), "initialize the module");
    open_workers(&direct, log_in(&direct, argv[2]));
    status = seal_pace_serve(run_direct, &direct);
    (void)direct.module->C_Finalize(NULL);
    g_bytes_unref(direct.signing_input);
    seal_question_free(direct.question);
    return status;
}
