/* Names of a lane's ends, and the check of a grant: it comes from the agent, but bounds a hostile
 * client, so nothing in it is taken on trust. */
#include "pkcs11/wire/lane.h"

#include <string.h>

#include "pkcs11/core/mechanism.h"

/* Bits that stand for no mechanism or hash, or for one that no lane serves. */
static gboolean
is_served(uint32_t mechanisms, uint32_t hashes)
{
    for (unsigned i = 0; i < 32; i++) {
        if (mechanisms & (1u << i) &&
            (!*seal_mechanism_name((SealMechanism)i) || seal_mechanism_is_raw((SealMechanism)i)))
            return FALSE;
        if (hashes & (1u << i) && i != SEAL_HASH_NONE && !*seal_hash_name((SealHash)i))
            return FALSE;
    }
    return mechanisms != 0;
}

gboolean
seal_lane_grant_decode(const void *body, size_t len, SealLaneGrant *ret_grant)
{
    SealLaneGrant grant;

    if (len != sizeof grant)
        return FALSE;
    memcpy(&grant, body, sizeof grant);
    if (grant.count == 0 || grant.count > SEAL_LANE_COUNT_MAX || grant.window == 0 ||
        grant.window > SEAL_LANE_WINDOW_MAX || grant.word >= SEAL_LANES_MAX ||
        grant.reserved != 0 || !is_served(grant.mechanisms, grant.hashes))
        return FALSE;
    *ret_grant = grant;
    return TRUE;
}

static const struct {
    const char *name;
    SealErrorCode code;
    const char *phrase;
} ends[] = {
    [SEAL_LANE_OPEN] = {"open", SEAL_ERROR_NONE, ""},
    [SEAL_LANE_CLOSED] = {"closed", SEAL_ERROR_CANCELLED, "the lane was closed by its client"},
    [SEAL_LANE_BROKEN] = {"broken", SEAL_ERROR_INVALID_INPUT,
                          "the client sent a frame that makes no sense on a lane"},
    [SEAL_LANE_NOT_READ] = {"not-read", SEAL_ERROR_LIMIT_EXCEEDED,
                            "the client does not read the answers of its lane"},
    [SEAL_LANE_USED_UP] = {"used-up", SEAL_ERROR_LIMIT_EXCEEDED,
                           "the lane is used up: as many operations as were granted"},
    [SEAL_LANE_EXPIRED] = {"expired", SEAL_ERROR_TIMED_OUT, "the lane's time is over"},
    [SEAL_LANE_LOCKED] = {"locked", SEAL_ERROR_PIN_REQUIRED, "the token was locked"},
    [SEAL_LANE_REMOVED] = {"removed", SEAL_ERROR_TOKEN_REMOVED,
                           "the token was removed, insert it and try again"},
    [SEAL_LANE_ABANDONED] = {"abandoned", SEAL_ERROR_CANCELLED,
                             "the connection on which the lane was opened ended"},
    [SEAL_LANE_REVOKED] = {"revoked", SEAL_ERROR_CANCELLED, "the lane was revoked"},
    [SEAL_LANE_UNRECORDED] = {"unrecorded", SEAL_ERROR_BUSY,
                              "the agent takes no record of the use"},
    [SEAL_LANE_HOST_ENDED] = {"host-ended", SEAL_ERROR_MODULE_FAILED, "the module's host ended"},
    [SEAL_LANE_FORBIDDEN] = {"forbidden", SEAL_ERROR_NOT_PERMITTED,
                             "the policy has changed and does not allow the lane any more"},
};
G_STATIC_ASSERT(G_N_ELEMENTS(ends) == SEAL_LANE_END_LAST + 1);

const char *
seal_lane_end_name(SealLaneEnd end)
{
    return (guint)end <= SEAL_LANE_END_LAST ? ends[end].name : "";
}

SealErrorCode
seal_lane_end_code(SealLaneEnd end)
{
    return (guint)end <= SEAL_LANE_END_LAST ? ends[end].code : SEAL_ERROR_FAILED;
}

const char *
seal_lane_end_phrase(SealLaneEnd end)
{
    return (guint)end <= SEAL_LANE_END_LAST ? ends[end].phrase : "";
}
