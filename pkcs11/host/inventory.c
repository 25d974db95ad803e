/* Putting a token's objects together. A key is known by its public half, which may be told by a
 * public key object, by a certificate, or by the private key object itself; whichever is readable.
 * Before the login private objects are usually hidden, so keys are implied by the public ones;
 * afterwards only those remain that have a private key object.
 *
 * A private key object finds its public half by the key itself where the token tells it (RSA), else
 * by CKA_ID. A certificate belongs to a key only if the public keys are equal: an id that two
 * different keys share links nothing. */
#include "pkcs11/host/inventory.h"

#include "base/log.h"
#include "pkcs11/core/template.h"
#include "pkcs11/host/certificate.h"

#define HANDLES_AT_ONCE 64
/* Characters of a label in a sentence. */
#define LABEL_SHOWN_MAX 64

typedef struct {
    SealStore *store;
    SealSlot *slot;
    CK_SESSION_HANDLE session;
    SealInventory *inventory;
    CK_RV rv;
} Reading;

/* -- what is left out ---------------------------------------------------------------------------
 */

/* Takes `sentence`. */
static void
leave_out(Reading *reading, char *sentence)
{
    GPtrArray *left_out = reading->inventory->left_out;

    seal_log_info("token '%s': %s", reading->slot->info.label, sentence);
    if (left_out->len + 1 < SEAL_LIST_MAX) {
        g_ptr_array_add(left_out, sentence);
        return;
    }
    g_free(sentence);
    if (left_out->len < SEAL_LIST_MAX)
        g_ptr_array_add(left_out, g_strdup("more objects are left out, the log has them"));
}

static void
leave_out_object(Reading *reading, const char *what, const char *label, const char *reason)
{
    gboolean is_long = g_utf8_strlen(label, -1) > LABEL_SHOWN_MAX;
    g_autofree char *shown =
        is_long ? g_utf8_substring(label, 0, LABEL_SHOWN_MAX) : g_strdup(label);

    leave_out(reading, g_strdup_printf("%s '%s%s' is left out: %s", what, shown,
                                       is_long ? "..." : "", reason));
}

/* -- finding ----------------------------------------------------------------------------------- */

static const char *
class_name(CK_OBJECT_CLASS class)
{
    if (class == CKO_CERTIFICATE)
        return "certificates";
    return class == CKO_PUBLIC_KEY ? "public keys" : "private keys";
}

/* Handles of all objects of a class (transfer full); empty after a failure, which `reading->rv`
 * has. */
static GArray *
find_objects(Reading *reading, CK_OBJECT_CLASS class)
{
    CK_FUNCTION_LIST *functions = reading->slot->functions;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE some[HANDLES_AT_ONCE];
    CK_ULONG count = 0;
    GArray *found = g_array_new(FALSE, FALSE, sizeof(CK_OBJECT_HANDLE));

    if (reading->rv == CKR_OK)
        reading->rv = functions->C_FindObjectsInit(reading->session, &template, 1);
    if (reading->rv != CKR_OK)
        return found;
    do {
        count = 0;
        reading->rv = functions->C_FindObjects(reading->session, some, HANDLES_AT_ONCE, &count);
        if (reading->rv == CKR_OK && count <= HANDLES_AT_ONCE)
            g_array_append_vals(found, some, (guint)count);
    } while (reading->rv == CKR_OK && count > 0 && count <= HANDLES_AT_ONCE &&
             found->len < SEAL_OBJECTS_MAX);
    (void)functions->C_FindObjectsFinal(reading->session);
    if (reading->rv == CKR_OK && count > HANDLES_AT_ONCE)
        leave_out(reading, g_strdup_printf("some %s are left out: the module counts them wrongly",
                                           class_name(class)));
    if (found->len >= SEAL_OBJECTS_MAX) {
        leave_out(reading, g_strdup_printf("%s beyond the first %u are left out", class_name(class),
                                           SEAL_OBJECTS_MAX));
        g_array_set_size(found, SEAL_OBJECTS_MAX);
    }
    return found;
}

static SealObject
object_at(const Reading *reading, const GArray *handles, guint i)
{
    return (SealObject){reading->slot->functions, reading->session,
                        g_array_index(handles, CK_OBJECT_HANDLE, i)};
}

static GBytes *
read_id(const SealObject *object)
{
    GBytes *id = seal_object_bytes(object, CKA_ID);

    return id ? id : g_bytes_new(NULL, 0);
}

/* -- public halves -------------------------------------------------------------------------------
 */

static SealHostKey *
find_candidate(const Reading *reading, const SealPublicKey *public_key)
{
    for (guint i = 0; i < reading->inventory->keys->len; i++) {
        SealHostKey *key = reading->inventory->keys->pdata[i];

        if (seal_public_key_equal(key->public_key, public_key))
            return key;
    }
    return NULL;
}

/* Adds a key; takes nothing. */
static SealHostKey *
add_candidate(Reading *reading, SealPublicKey *public_key, GBytes *id, const char *label)
{
    SealHostKey *key = seal_host_key_new();

    key->slot = seal_slot_ref(reading->slot);
    key->public_key = seal_public_key_ref(public_key);
    key->id = g_bytes_ref(id);
    key->label = g_strdup(label);
    key->needs_login = TRUE;
    g_ptr_array_add(reading->inventory->keys, key);
    return key;
}

static guint32
flags_of_public_object(const SealObject *object, SealAlgorithm algorithm)
{
    CK_ATTRIBUTE_TYPE opens = algorithm == SEAL_ALGORITHM_RSA ? CKA_ENCRYPT : CKA_DERIVE;
    guint32 flags = 0;

    if (seal_object_bool(object, CKA_VERIFY, TRUE))
        flags |= SEAL_KEY_SIGN;
    if (seal_object_bool(object, opens, TRUE))
        flags |= SEAL_KEY_DECRYPT;
    return flags;
}

static void
read_public_keys(Reading *reading)
{
    g_autoptr(GArray) handles = find_objects(reading, CKO_PUBLIC_KEY);

    for (guint i = 0; i < handles->len; i++) {
        SealObject object = object_at(reading, handles, i);
        const char *reason = NULL;
        g_autoptr(SealPublicKey) public_key = seal_public_key_from_object(&object, &reason);
        g_autofree char *label = seal_object_text(&object, CKA_LABEL);
        g_autoptr(GBytes) id = read_id(&object);

        if (!public_key)
            leave_out_object(reading, "public key", label, reason);
        else if (!find_candidate(reading, public_key))
            add_candidate(reading, public_key, id, label)->flags =
                flags_of_public_object(&object, public_key->algorithm);
    }
}

static void
read_certificate(Reading *reading, const SealObject *object)
{
    g_autoptr(GBytes) der = seal_object_bytes(object, CKA_VALUE);
    g_autofree char *label = seal_object_text(object, CKA_LABEL);
    g_autoptr(SealPublicKey) public_key = NULL;
    SealCertificateInfo info = {0};
    const char *reason = "its value cannot be read";
    SealHostKey *key = NULL;

    if (seal_object_ulong(object, CKA_CERTIFICATE_TYPE, CKC_X_509) != CKC_X_509)
        return;
    if (!der || !seal_certificate_parse(der, &info, &public_key, &reason)) {
        leave_out_object(reading, "certificate", label, reason);
        return;
    }
    info.token = reading->slot->info.reference;
    info.id = read_id(object);
    info.label = g_steal_pointer(&label);
    g_ptr_array_add(reading->inventory->certificates, g_memdup2(&info, sizeof info));

    /* Only an end entity's certificate with an id may stand for a key that nothing else tells. */
    if (!public_key || info.flags & SEAL_CERTIFICATE_CA)
        return;
    key = find_candidate(reading, public_key);
    if (!key && g_bytes_get_size(info.id) > 0) {
        key = add_candidate(reading, public_key, info.id, info.label);
        key->flags = (info.flags & SEAL_CERTIFICATE_SIGN ? SEAL_KEY_SIGN : 0) |
                     (info.flags & SEAL_CERTIFICATE_DECRYPT ? SEAL_KEY_DECRYPT : 0);
    } else if (key && key->public_key->algorithm == SEAL_ALGORITHM_EC &&
               info.flags & SEAL_CERTIFICATE_DECRYPT) {
        /* that a public key derives nothing (ykcs11) does not say it of the private one */
        key->flags |= SEAL_KEY_DECRYPT;
    }
}

static void
read_certificates(Reading *reading)
{
    g_autoptr(GArray) handles = find_objects(reading, CKO_CERTIFICATE);

    for (guint i = 0; i < handles->len; i++) {
        SealObject object = object_at(reading, handles, i);

        read_certificate(reading, &object);
    }
}

/* -- private halves ------------------------------------------------------------------------------
 */

static gboolean
type_matches(gulong type, SealAlgorithm algorithm)
{
    if (type == CKK_RSA)
        return algorithm == SEAL_ALGORITHM_RSA;
    if (type == CKK_EC)
        return algorithm != SEAL_ALGORITHM_RSA;
    /* Edwards or Montgomery: SoftHSM gives X25519 keys the former's number. */
    return algorithm == SEAL_ALGORITHM_ED25519 || algorithm == SEAL_ALGORITHM_X25519;
}

/* The key that a private object without a readable public half belongs to: same id, fitting type,
 * not taken by another private object; one with the same label is preferred. */
static SealHostKey *
find_by_id(const Reading *reading, GBytes *id, const char *label, gulong type)
{
    SealHostKey *found = NULL;

    if (g_bytes_get_size(id) == 0)
        return NULL;
    for (guint i = 0; i < reading->inventory->keys->len; i++) {
        SealHostKey *key = reading->inventory->keys->pdata[i];

        if (key->handle || !g_bytes_equal(key->id, id) ||
            !type_matches(type, key->public_key->algorithm))
            continue;
        if (!found || g_str_equal(key->label, label))
            found = key;
    }
    return found;
}

static guint32
flags_of_private_object(const SealObject *object, SealAlgorithm algorithm)
{
    CK_ATTRIBUTE_TYPE opens = algorithm == SEAL_ALGORITHM_RSA ? CKA_DECRYPT : CKA_DERIVE;
    guint32 flags = SEAL_KEY_PRIVATE_SEEN;

    if (seal_object_bool(object, CKA_SIGN, FALSE))
        flags |= SEAL_KEY_SIGN;
    if (seal_object_bool(object, opens, FALSE))
        flags |= SEAL_KEY_DECRYPT;
    if (seal_object_bool(object, CKA_ALWAYS_AUTHENTICATE, FALSE))
        flags |= SEAL_KEY_ALWAYS_AUTHENTICATE;
    if (!seal_object_bool(object, CKA_LOCAL, TRUE))
        flags |= SEAL_KEY_IMPORTED;
    return flags;
}

static void
read_private_key(Reading *reading, const SealObject *object)
{
    gulong type = seal_object_ulong(object, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    const char *reason = NULL;
    g_autoptr(SealPublicKey) public_key = seal_public_key_from_object(object, &reason);
    g_autofree char *label = seal_object_text(object, CKA_LABEL);
    g_autoptr(GBytes) id = read_id(object);
    SealHostKey *key = NULL;

    key = public_key ? find_candidate(reading, public_key) : find_by_id(reading, id, label, type);
    if (!key && public_key)
        key = add_candidate(reading, public_key, id, label);
    if (!key) {
        leave_out_object(reading, "private key", label, reason);
        return;
    }
    if (key->handle)
        return;
    key->handle = object->object;
    key->flags = flags_of_private_object(object, key->public_key->algorithm);
    key->needs_login = seal_object_bool(object, CKA_PRIVATE, TRUE);
    if (g_bytes_get_size(id) > 0) {
        g_bytes_unref(key->id);
        key->id = g_bytes_ref(id);
    }
    if (*label) {
        g_free(key->label);
        key->label = g_steal_pointer(&label);
    }
}

static void
read_private_keys(Reading *reading)
{
    g_autoptr(GArray) handles = find_objects(reading, CKO_PRIVATE_KEY);

    for (guint i = 0; i < handles->len; i++) {
        SealObject object = object_at(reading, handles, i);

        read_private_key(reading, &object);
    }
}

/* -- finishing -----------------------------------------------------------------------------------
 */

typedef struct {
    SealAlgorithm algorithm;
    guint32 abilities; /* any of these */
    SealMechanism mechanism;
} MechanismRow;

static const MechanismRow mechanism_rows[] = {
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_PKCS_SIGN | SEAL_CAN_RSA_RAW_SIGN, SEAL_MECHANISM_RSA_PKCS},
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_PSS | SEAL_CAN_RSA_RAW_SIGN, SEAL_MECHANISM_RSA_PSS},
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_PKCS_DECRYPT | SEAL_CAN_RSA_RAW_DECRYPT,
     SEAL_MECHANISM_UNWRAP_RSA_PKCS},
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_OAEP | SEAL_CAN_RSA_RAW_DECRYPT,
     SEAL_MECHANISM_UNWRAP_RSA_OAEP},
    {SEAL_ALGORITHM_EC, SEAL_CAN_ECDSA, SEAL_MECHANISM_ECDSA},
    {SEAL_ALGORITHM_EC, SEAL_CAN_ECDH | SEAL_CAN_ECDH_COFACTOR, SEAL_MECHANISM_UNWRAP_ECDH},
    {SEAL_ALGORITHM_ED25519, SEAL_CAN_EDDSA, SEAL_MECHANISM_ED25519},
    {SEAL_ALGORITHM_X25519, SEAL_CAN_ECDH, SEAL_MECHANISM_UNWRAP_X25519},
    {SEAL_ALGORITHM_EC, SEAL_CAN_ECDH | SEAL_CAN_ECDH_COFACTOR, SEAL_MECHANISM_RAW_ECDH},
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_RAW_SIGN, SEAL_MECHANISM_RAW_RSA_SIGN},
    {SEAL_ALGORITHM_RSA, SEAL_CAN_RSA_RAW_DECRYPT, SEAL_MECHANISM_RAW_RSA_DECRYPT},
};

static void
finish_key(Reading *reading, SealHostKey *key)
{
    SealAlgorithm algorithm = key->public_key->algorithm;
    g_autoptr(SealHostKey) known =
        seal_store_find_public_key(reading->store, reading->slot, key->public_key);

    if (algorithm == SEAL_ALGORITHM_ED25519)
        key->flags &= ~(guint32)SEAL_KEY_DECRYPT;
    if (algorithm == SEAL_ALGORITHM_X25519)
        key->flags &= ~(guint32)SEAL_KEY_SIGN;
    for (gsize i = 0; i < G_N_ELEMENTS(mechanism_rows); i++)
        if (mechanism_rows[i].algorithm == algorithm &&
            mechanism_rows[i].abilities & reading->slot->abilities)
            key->mechanisms |= 1u << mechanism_rows[i].mechanism;
    key->fitted = known ? g_atomic_int_get(&known->fitted) : FALSE;
    key->reference = known ? known->reference : seal_store_next_reference(reading->store);
}

/* Once private objects are visible, a key without one is somebody else's, or was deleted. */
static void
finish_keys(Reading *reading)
{
    GPtrArray *keys = reading->inventory->keys;
    gboolean privates_visible = seal_slot_is_logged_in(reading->slot) ||
                                !(reading->slot->info.flags & SEAL_TOKEN_LOGIN_REQUIRED);

    for (guint i = keys->len; i > 0; i--) {
        SealHostKey *key = keys->pdata[i - 1];

        if (privates_visible && !key->handle)
            g_ptr_array_remove_index(keys, i - 1);
        else
            finish_key(reading, key);
    }
}

static void
certificate_free(SealCertificateInfo *info)
{
    seal_certificate_info_clear(info);
    g_free(info);
}

SealInventory *
seal_inventory_read(SealStore *store, SealSlot *slot, CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    g_autoptr(SealInventory) inventory = g_new0(SealInventory, 1);
    Reading reading = {store, slot, session, inventory, CKR_OK};

    inventory->keys = g_ptr_array_new_with_free_func((GDestroyNotify)seal_host_key_unref);
    inventory->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
    inventory->left_out = g_ptr_array_new_with_free_func(g_free);
    read_public_keys(&reading);
    read_certificates(&reading);
    read_private_keys(&reading);
    *ret_rv = reading.rv;
    if (reading.rv != CKR_OK)
        return NULL;
    finish_keys(&reading);
    return g_steal_pointer(&inventory);
}

void
seal_inventory_free(SealInventory *inventory)
{
    if (!inventory)
        return;
    g_clear_pointer(&inventory->keys, g_ptr_array_unref);
    g_clear_pointer(&inventory->certificates, g_ptr_array_unref);
    g_clear_pointer(&inventory->left_out, g_ptr_array_unref);
    g_free(inventory);
}

void
seal_host_key_describe(const SealHostKey *key, SealKeyInfo *ret_info)
{
    *ret_info = (SealKeyInfo){
        .token = key->slot->info.reference,
        .reference = key->reference,
        .generation = key->slot->info.reference,
        .flags = key->flags,
        .algorithm = key->public_key->algorithm,
        .bits = key->public_key->bits,
        .curve = key->public_key->curve,
        .mechanisms = key->mechanisms,
        .id = key->id,
        .label = key->label,
        .public_key = key->public_key->info,
    };
}
