/* Arguments are right more often than not, or no call would get far; what C cannot allow is left
 * out: a pointer to less than its length. Each buffer is one of its own of exactly the length that
 * is told, so that a sanitizer sees a byte read or written beyond. */
#include "tests/fuzz/module-input.h"

#include <string.h>

#include "tests/fuzz/module-scene.h"

#define ROOM_MAX 512

guint
fuzz_next(Fuzz *fuzz)
{
    if (fuzz->left == 0)
        return 0;
    fuzz->left--;
    return *fuzz->at++;
}

void *
fuzz_maybe(Fuzz *fuzz, void *pointer)
{
    return fuzz_next(fuzz) < 240 ? pointer : NULL;
}

CK_SESSION_HANDLE
fuzz_session(Fuzz *fuzz)
{
    guint byte = fuzz_next(fuzz);

    return byte < 240 ? fuzz->session : byte - 240;
}

CK_OBJECT_HANDLE
fuzz_object(Fuzz *fuzz)
{
    guint byte = fuzz_next(fuzz);

    if (byte < 160 && fuzz->n_objects > 0)
        return fuzz->objects[byte % fuzz->n_objects];
    return byte < 240 ? fuzz->derived : byte;
}

CK_SLOT_ID
fuzz_slot(Fuzz *fuzz)
{
    return fuzz_next(fuzz) % 10;
}

/* -- buffers -------------------------------------------------------------------------- */

static FuzzBytes
prepared_bytes(Fuzz *fuzz, guint which)
{
    SealBytes input = module_scene_input(which);
    FuzzBytes bytes = {g_memdup2(input.data, input.len), input.len};
    guint at = fuzz_next(fuzz);

    if (at > 0)
        bytes.data[at % bytes.len] ^= (CK_BYTE)fuzz_next(fuzz);
    return bytes;
}

FuzzBytes
fuzz_bytes(Fuzz *fuzz)
{
    static const CK_ULONG lengths[] = {0, 1, 2, 20, 32, 48, 64, 256, 4097};
    guint byte = fuzz_next(fuzz);
    FuzzBytes bytes = {NULL, lengths[byte % G_N_ELEMENTS(lengths)]};

    if (byte >= 240)
        return bytes;
    if (byte >= 160)
        return prepared_bytes(fuzz, byte - 160);
    bytes.data = g_malloc0(MAX(bytes.len, 1));
    for (CK_ULONG i = 0; i < bytes.len && i < ROOM_MAX && fuzz->left > 0; i++)
        bytes.data[i] = (CK_BYTE)fuzz_next(fuzz);
    return bytes;
}

void
fuzz_bytes_clear(FuzzBytes *bytes)
{
    g_clear_pointer(&bytes->data, g_free);
}

void
fuzz_room(Fuzz *fuzz, gsize element, FuzzRoom *room)
{
    guint byte = fuzz_next(fuzz);

    room->len = byte < 200 ? byte : ROOM_MAX;
    room->data = byte % 5 == 4 ? NULL : g_malloc0(MAX(room->len * element, 1));
    room->ret_len = fuzz_maybe(fuzz, &room->len);
}

void
fuzz_room_clear(FuzzRoom *room)
{
    g_clear_pointer(&room->data, g_free);
}

/* -- mechanisms ----------------------------------------------------------------------- */

/* A parameter in a buffer of its own. */
static void
set_parameter(FuzzScheme *scheme, const void *parameter, gsize len)
{
    scheme->mechanism.pParameter = g_memdup2(parameter, len);
    scheme->mechanism.ulParameterLen = len;
}

static const struct {
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mask;
} hashes[] = {
    {CKM_SHA256, CKG_MGF1_SHA256}, {CKM_SHA_1, CKG_MGF1_SHA1},    {CKM_SHA384, CKG_MGF1_SHA384},
    {CKM_SHA512, CKG_MGF1_SHA512}, {CKM_SHA224, CKG_MGF1_SHA224}, {CKM_RIPEMD160, 99},
};

static void
set_pss(Fuzz *fuzz, FuzzScheme *scheme)
{
    guint hash = fuzz_next(fuzz), mask = fuzz_next(fuzz);
    CK_RSA_PKCS_PSS_PARAMS pss = {hashes[hash % G_N_ELEMENTS(hashes)].hash,
                                  hashes[mask % G_N_ELEMENTS(hashes)].mask, fuzz_next(fuzz)};

    if (pss.sLen == 255)
        pss.sLen = (CK_ULONG)-1;
    set_parameter(scheme, &pss, sizeof pss);
}

static void
set_oaep(Fuzz *fuzz, FuzzScheme *scheme)
{
    guint hash = fuzz_next(fuzz), mask = fuzz_next(fuzz), label = fuzz_next(fuzz);
    CK_RSA_PKCS_OAEP_PARAMS oaep = {hashes[hash % G_N_ELEMENTS(hashes)].hash,
                                    hashes[mask % G_N_ELEMENTS(hashes)].mask, label % 3, NULL, 0};

    if (label >= 128) {
        scheme->first = fuzz_bytes(fuzz);
        oaep.pSourceData = scheme->first.data;
        oaep.ulSourceDataLen = scheme->first.len;
    }
    set_parameter(scheme, &oaep, sizeof oaep);
}

static void
set_ecdh(Fuzz *fuzz, FuzzScheme *scheme)
{
    CK_ECDH1_DERIVE_PARAMS ecdh = {.kdf = fuzz_next(fuzz) % 12};

    scheme->first = fuzz_bytes(fuzz);
    scheme->second = fuzz_bytes(fuzz);
    ecdh.ulSharedDataLen = scheme->first.len;
    ecdh.pSharedData = scheme->first.data;
    ecdh.ulPublicDataLen = scheme->second.len;
    ecdh.pPublicData = scheme->second.data;
    set_parameter(scheme, &ecdh, sizeof ecdh);
}

static void
set_eddsa(Fuzz *fuzz, FuzzScheme *scheme)
{
    SealEddsaParams eddsa = {.ph_flag = (CK_BBOOL)(fuzz_next(fuzz) & 1)};

    scheme->first = fuzz_bytes(fuzz);
    eddsa.context_len = scheme->first.len;
    eddsa.context = scheme->first.data;
    set_parameter(scheme, &eddsa, sizeof eddsa);
}

static void
set_none(Fuzz *fuzz, FuzzScheme *scheme)
{
}

static void
set_bytes(Fuzz *fuzz, FuzzScheme *scheme)
{
    FuzzBytes bytes = fuzz_bytes(fuzz);

    scheme->mechanism.pParameter = bytes.data;
    scheme->mechanism.ulParameterLen = bytes.len;
}

/* Each with the parameters that it wants. */
static const struct {
    CK_MECHANISM_TYPE type;
    void (*set)(Fuzz *fuzz, FuzzScheme *scheme);
} mechanisms[] = {
    {CKM_RSA_PKCS, set_none},
    {CKM_SHA256_RSA_PKCS, set_none},
    {CKM_SHA384_RSA_PKCS, set_none},
    {CKM_SHA512_RSA_PKCS, set_none},
    {CKM_RSA_PKCS_PSS, set_pss},
    {CKM_SHA256_RSA_PKCS_PSS, set_pss},
    {CKM_SHA384_RSA_PKCS_PSS, set_pss},
    {CKM_RSA_PKCS_OAEP, set_oaep},
    {CKM_ECDSA, set_none},
    {CKM_ECDSA_SHA256, set_none},
    {CKM_ECDSA_SHA512, set_none},
    {CKM_EDDSA, set_none},
    {CKM_EDDSA, set_eddsa},
    {CKM_ECDH1_DERIVE, set_ecdh},
    {CKM_ECDH1_COFACTOR_DERIVE, set_ecdh},
    {CKM_AES_KEY_WRAP, set_none},
    {CKM_NSS_AES_KEY_WRAP, set_none},
    {CKM_RSA_X_509, set_none},
    {CKM_SHA_1, set_none},
};

void
fuzz_scheme(Fuzz *fuzz, FuzzScheme *scheme)
{
    guint byte = fuzz_next(fuzz);
    guint row = byte % G_N_ELEMENTS(mechanisms);

    scheme->mechanism = (CK_MECHANISM){mechanisms[row].type, NULL, 0};
    if (byte >= 250)
        return;
    scheme->choice = &scheme->mechanism;
    /* Now and then bytes, or what another one wants. */
    if (byte >= 240)
        set_bytes(fuzz, scheme);
    else if (byte >= 200)
        mechanisms[fuzz_next(fuzz) % G_N_ELEMENTS(mechanisms)].set(fuzz, scheme);
    else
        mechanisms[row].set(fuzz, scheme);
}

void
fuzz_scheme_clear(FuzzScheme *scheme)
{
    g_clear_pointer(&scheme->mechanism.pParameter, g_free);
    fuzz_bytes_clear(&scheme->first);
    fuzz_bytes_clear(&scheme->second);
}

/* -- templates ------------------------------------------------------------------------ */

static CK_ATTRIBUTE
number(CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return (CK_ATTRIBUTE){type, g_memdup2(&value, sizeof value), sizeof value};
}

/* What NSS derives and unwraps with. */
static void
add_usual(Fuzz *fuzz, FuzzTemplate *template)
{
    guint byte = fuzz_next(fuzz);

    template->list[template->count++] = number(CKA_CLASS, CKO_SECRET_KEY);
    if (byte & 1)
        template->list[template->count++] = number(CKA_KEY_TYPE, CKK_AES);
    if (byte & 2)
        template->list[template->count++] = number(CKA_VALUE_LEN, byte & 4 ? 32 : byte);
}

static void
add_random(Fuzz *fuzz, FuzzTemplate *template)
{
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_CLASS, CKA_KEY_TYPE,        CKA_ID,      CKA_VALUE,    CKA_VALUE_LEN,
        CKA_TOKEN, CKA_LABEL,           CKA_MODULUS, CKA_EC_POINT, CKA_SUBJECT,
        CKA_SIGN,  SEAL_CKA_PROFILE_ID, 0x4711,      CKA_SENSITIVE, CKA_EXTRACTABLE};
    CK_ATTRIBUTE_TYPE type = types[fuzz_next(fuzz) % G_N_ELEMENTS(types)];
    guint byte = fuzz_next(fuzz);
    FuzzBytes value = {NULL, 0};

    if (byte < 128) {
        template->list[template->count++] = number(type, byte % 16);
        return;
    }
    value = fuzz_bytes(fuzz);
    template->list[template->count++] = (CK_ATTRIBUTE){type, value.data, value.len};
}

void
fuzz_template(Fuzz *fuzz, FuzzTemplate *template)
{
    guint byte = fuzz_next(fuzz);
    guint more = byte % 3;

    template->choice = byte < 250 ? template->list : NULL;
    if (byte & 0x10)
        add_usual(fuzz, template);
    while (more-- > 0 && template->count < FUZZ_TEMPLATE_MAX)
        add_random(fuzz, template);
}

void
fuzz_template_clear(FuzzTemplate *template)
{
    while (template->count > 0)
        g_free(template->list[--template->count].pValue);
}
