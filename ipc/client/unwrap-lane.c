/* Key.Unwrap without the agent: what it reads out of the AlgorithmIdentifier is read here, by the
 * same allow-list, and goes to the host in its fixed form. Whatever does not fit is left to the
 * agent, which says why. The host checks everything against the key again. */
#include "ipc/client/unwrap.h"

#include <string.h>

#include "pkcs11/core/algorithm-identifier.h"

/* Of user keying material, as the agent takes it. */
#define UKM_MAX 1024

static SealBytes
bytes_of(GBytes *bytes)
{
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return (SealBytes){data, len};
}

/* The point of any curve that we know: the host knows whether it is the key's. */
static gboolean
find_point(SealBytes originator, SealMechanism mechanism, SealBytes *ret_point)
{
    if (mechanism == SEAL_MECHANISM_UNWRAP_X25519)
        return seal_originator_key_parse(originator, SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE,
                                         ret_point, NULL);
    for (unsigned curve = SEAL_CURVE_P256; curve <= SEAL_CURVE_P521; curve++)
        if (seal_originator_key_parse(originator, SEAL_ALGORITHM_EC, (SealCurve)curve, ret_point,
                                      NULL))
            return TRUE;
    return FALSE;
}

/* RFC 5753, RFC 8418: the shared info goes into `shared_info`. */
static gboolean
fill_agreement(const SealUnwrapQuery *query, const SealKeyEncryption *encryption,
               GByteArray *shared_info, SealUnwrapRequest *request)
{
    SealBytes ukm = bytes_of(query->ukm);

    /* RFC 3394: a multiple of 8 bytes, at least 24 */
    if (!query->originator || ukm.len > UKM_MAX || request->encrypted.len % 8 != 0 ||
        request->encrypted.len < 24 ||
        !find_point(bytes_of(query->originator), encryption->mechanism, &request->originator))
        return FALSE;
    seal_shared_info_write(shared_info, encryption, ukm);
    request->shared_info = (SealBytes){shared_info->data, shared_info->len};
    request->parameters.wrap_key_len = encryption->wrap_key_len;
    if (encryption->cofactor)
        request->parameters.flags |= SEAL_UNWRAP_COFACTOR;
    if (encryption->mechanism == SEAL_MECHANISM_UNWRAP_X25519)
        request->label = ukm; /* HKDF's salt (RFC 8418 2.2) */
    return TRUE;
}

static gboolean
fill(const SealUnwrapQuery *query, SealKeyEncryption *ret_encryption, GByteArray *shared_info,
     SealUnwrapRequest *request)
{
    SealUnwrapParameters *parameters = &request->parameters;

    request->encrypted = bytes_of(query->encrypted_key);
    if (request->encrypted.len == 0 || request->encrypted.len > SEAL_DATA_MAX ||
        !seal_key_encryption_parse(bytes_of(query->algorithm), ret_encryption, NULL) ||
        (query->content_encryption &&
         !seal_content_encryption_key_len(bytes_of(query->content_encryption),
                                          &parameters->session_key_len, NULL)))
        return FALSE;
    parameters->hash = ret_encryption->hash;
    parameters->mgf_hash = ret_encryption->mgf_hash;
    if (ret_encryption->wrap.data)
        return fill_agreement(query, ret_encryption, shared_info, request);
    request->label = ret_encryption->label;
    return !query->originator && !query->ukm && request->label.len <= SEAL_DATA_MAX;
}

static struct iovec
part(SealBytes bytes)
{
    return (struct iovec){(void *)bytes.data, bytes.len};
}

gboolean
seal_lane_unwrap_fill(SealLaneUnwrap *ret_unwrap, const char *key, const SealUnwrapQuery *query)
{
    SealLaneUnwrap *unwrap = ret_unwrap;
    SealUnwrapRequest *request = &unwrap->request;
    SealUnwrapParameters *parameters = &request->parameters;
    SealKeyEncryption encryption = {0};

    *unwrap = (SealLaneUnwrap){.shared_info = g_byte_array_new()};
    if (!fill(query, &encryption, unwrap->shared_info, request))
        return FALSE;
    parameters->label_len = (uint32_t)request->label.len;
    parameters->originator_len = (uint32_t)request->originator.len;
    parameters->shared_info_len = (uint32_t)request->shared_info.len;
    parameters->encrypted_len = (uint32_t)request->encrypted.len;
    unwrap->parts[0] = (struct iovec){parameters, sizeof *parameters};
    unwrap->parts[1] = part(request->label);
    unwrap->parts[2] = part(request->originator);
    unwrap->parts[3] = part(request->shared_info);
    unwrap->parts[4] = part(request->encrypted);
    unwrap->use = (SealLaneUseAsk){key, SEAL_FRAME_UNWRAP, encryption.mechanism, unwrap->parts,
                                   G_N_ELEMENTS(unwrap->parts)};
    return TRUE;
}

void
seal_lane_unwrap_clear(SealLaneUnwrap *unwrap)
{
    g_clear_pointer(&unwrap->shared_info, g_byte_array_unref);
}
