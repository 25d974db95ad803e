/* The agent's view of one PKCS#11 module: a host process that is spawned, watched, and started
 * again with back-off, and the tokens it reports. Nothing here blocks or starts a thread; every
 * answer comes by callback from the loop, exactly once, never from inside the call that asked. */
#pragma once

#include <glib.h>

#include "base/loop.h"
#include "base/fd.h"
#include "base/secret.h"
#include "pkcs11/wire/lane.h"
#include "pkcs11/wire/messages.h"

typedef struct SealModule SealModule;
typedef struct SealToken SealToken;

typedef struct {
    char *name;         /* of the configuration group: letters, digits, '-', '_', '.' */
    char *path;         /* absolute path of the module */
    char *host_program; /* path of privyseal-host */
    char *reader;       /* (nullable) the one PC/SC reader that this host serves; "": none, it tells which
                           have a card */
    guint workers;      /* 0: the token's session limit */
    SealVerify verify;
    /* Deadline of one operation; then the host is killed. Default 30000. */
    guint operation_timeout_ms;
    /* Of C_Login with a PIN; default 30000. With the reader's pad: 120000. */
    guint login_timeout_ms;
    /* Until HELLO and the first tokens; default 30000. */
    guint start_timeout_ms;
    guint8 rejection_secret[32]; /* see SealHello */
} SealModuleConfig;

typedef enum {
    SEAL_MODULE_STARTING, /* the host runs, its tokens are not all told yet */
    SEAL_MODULE_RUNNING,
    SEAL_MODULE_WAITING,  /* the host died: started again after a pause, or at the next request */
    SEAL_MODULE_UNUSABLE, /* cannot be loaded: the reason says why */
} SealModuleState;

/* "starting", "running", "waiting", "unusable"; static. */
const char *seal_module_state_name(SealModuleState state);

/* Called from the loop, never from inside seal_module_new() or _free(). The callbacks may ask and
 * cancel, but not free the module. A token is told when it is complete (TOKEN_DONE): appeared once,
 * then changed for each re-read, then gone. After gone its pointer may be kept by reference but is
 * not alive. */
typedef struct {
    void (*state_changed)(SealModule *module, gpointer user_data);
    void (*token_appeared)(SealModule *module, SealToken *token, gpointer user_data);
    void (*token_changed)(SealModule *module, SealToken *token, gpointer user_data);
    void (*token_gone)(SealModule *module, SealToken *token, gpointer user_data);
    /* Of lanes; these come also from inside seal_module_free(). Uses are told as they were recorded,
     * and all of them before the lane is told as closed, once. */
    void (*lane_used)(SealModule *module, const SealLaneRecord *record, gpointer user_data);
    void (*lane_closed)(SealModule *module, guint32 lane, SealLaneEnd why, gpointer user_data);
    /* of a host for no reader: all that have a card now (char *) */
    void (*readers_told)(SealModule *module, const GPtrArray *names, gpointer user_data);
    /* A signature of the key that has the number `key` in seal_token_keys(): the first that fits its public
     * half, or any that does not. */
    void (*key_tried)(SealModule *module, SealToken *token, guint32 key, gboolean fits,
                      gpointer user_data);
} SealModuleEvents;

/* Starts the host at once. `config` is copied, `events` static. (transfer full) */
SealModule *seal_module_new(SealLoop *loop, const SealModuleConfig *config,
                            const SealModuleEvents *events, gpointer user_data);
/* Fails what is in flight with MODULE_FAILED (the callbacks run), reports no events, hangs up; the
 * host has a second to finish what was sent (logouts) and leave, then it is killed. Blocks for that
 * long at the most. Operations on tokens that are still held must not be asked after it. NULL is
 * allowed. */
void seal_module_free(SealModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealModule, seal_module_free)

/* What its configuration says, and how it is; (transfer none). */
const char *seal_module_name(const SealModule *module);
const char *seal_module_path(const SealModule *module);
SealModuleState seal_module_state(const SealModule *module);
const SealModuleConfig *seal_module_config(const SealModule *module);
/* A sentence why it is WAITING or UNUSABLE; NULL otherwise. */
const char *seal_module_reason(const SealModule *module);
/* Pid of the running host, 0 if none (for tests and `doctor`). */
pid_t seal_module_host_pid(const SealModule *module);

/* How an operation ended. Valid during the callback only. */
typedef struct {
    SealErrorCode status;
    uint32_t ckr;        /* CK_RV, 0 if none */
    const char *message; /* sentence from the host or from here; "" when status is NONE */
    SealBytes body;      /* signature, session key, sealed box, or what a raw operation gives; wiped
                            after the callback */
} SealReply;
typedef void (*SealReplyFunc)(const SealReply *reply, gpointer user_data);

/* Asks the host to look for tokens again; answers when the events that follow from it were told.
 * Starts a WAITING or UNUSABLE module again. Returns an id for seal_module_cancel(). */
guint64 seal_module_rescan(SealModule *module, SealReplyFunc done, gpointer user_data);

/* Forgets a request: its callback is not called any more. What the token does goes on; its result
 * is thrown away. */
void seal_module_cancel(SealModule *module, guint64 request);
/* The same for a request at a token, whether that is alive or not. */
void seal_token_cancel(SealToken *token, guint64 request);

/* Starts a WAITING module's host now, without waiting for the end of its pause, and gives one of a reader
 * that is UNUSABLE another try; no effect otherwise. */
void seal_module_wake(SealModule *module);

/* Tokens. The infos are boxes of g_rc_box: valid until the next change of the token is told, or as
 * long as somebody who acquired one (seal_key_info_ref) keeps it. */
SealToken *seal_token_ref(SealToken *token);
void seal_token_unref(SealToken *token);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealToken, seal_token_unref)
gboolean seal_token_is_alive(const SealToken *token);
SealModule *seal_token_module(const SealToken *token); /* NULL when not alive */
const SealTokenInfo *seal_token_info(const SealToken *token);
const GPtrArray *seal_token_keys(const SealToken *token); /* of const SealKeyInfo * */
const GPtrArray *
seal_token_certificates(const SealToken *token); /* of const SealCertificateInfo * */
/* Sentences about objects of the token that are not among these, and why (const char *). */
const GPtrArray *seal_token_left_out(const SealToken *token);
/* Keeps an info of seal_token_keys() or seal_token_certificates() beyond that. */
SealKeyInfo *seal_key_info_ref(const SealKeyInfo *info);
void seal_key_info_unref(SealKeyInfo *info);
SealCertificateInfo *seal_certificate_info_ref(const SealCertificateInfo *info);
void seal_certificate_info_unref(SealCertificateInfo *info);

/* Operations on a token. Each returns a request id (never 0) for seal_module_cancel() and calls
 * `done` once: with TOKEN_REMOVED when it is not alive, MODULE_FAILED when its host dies, TIMED_OUT
 * at the deadline (the host is killed then, and other requests at it fail with MODULE_FAILED),
 * LIMIT_EXCEEDED when 1,024 requests wait at this module. Never is an operation repeated. `pin`
 * (nullable) is copied by the kernel only, or, when the host's queue is full, waits in a secret of
 * its own. A login with a NULL `pin` uses the reader's pad. */
guint64 seal_token_login(SealToken *token, const SealSecret *pin, SealReplyFunc done,
                         gpointer user_data);
/* Gives the token another PIN, by the one that it has or by its PUK (PKCS#11: the security officer's
 * PIN), both NULL at the reader's pad. Unblocking logs it out. Fails with PIN_INCORRECT or PIN_BLOCKED
 * for what opens it, INVALID_INPUT for a new PIN that it does not take. */
typedef enum { SEAL_PIN_STEP_CHANGE, SEAL_PIN_STEP_UNBLOCK } SealPinStep;
guint64 seal_token_set_pin(SealToken *token, SealPinStep step, const SealSecret *given,
                           const SealSecret *fresh, SealReplyFunc done, gpointer user_data);
guint64 seal_token_logout(SealToken *token, SealReplyFunc done, gpointer user_data);
guint64 seal_token_sign(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism,
                        const SealSignParameters *parameters, SealBytes data, const SealSecret *pin,
                        SealReplyFunc done, gpointer user_data);
/* `request`: its lengths are set here from its parts; its `pin` is ignored in favour of `pin`. */
guint64 seal_token_unwrap(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism,
                          const SealUnwrapRequest *request, const SealSecret *pin,
                          SealReplyFunc done, gpointer user_data);
/* A raw operation (SEAL_MECHANISM_RAW_ECDH and its like). Whether it is permitted is asked before. */
guint64 seal_token_raw(SealToken *token, const SealKeyInfo *key, SealMechanism mechanism,
                       SealBytes input, const SealSecret *pin, SealReplyFunc done,
                       gpointer user_data);

/* Opens a lane of that number, never used before by this agent, with `descriptor` (taken) as the
 * host's end; the grant's `word` is set here. Fails, by callback, with NOT_SUPPORTED where a host has
 * no lanes, LIMIT_EXCEEDED with SEAL_LANES_MAX open or for a descriptor that is -1. A lane whose opening failed, or is not awaited
 * any more, is to be revoked as well. */
guint64 seal_token_open_lane(SealToken *token, const SealKeyInfo *key, guint32 lane,
                             const SealLaneGrant *grant, SealFd *descriptor, SealReplyFunc done,
                             gpointer user_data);
/* TRUE from seal_token_open_lane() until `lane_closed`, while the host it was opened at is there;
 * FALSE for a lane that was refused before any host was asked: none of its end is told. */
gboolean seal_module_has_lane(SealModule *module, guint32 lane);

typedef void (*SealLaneEndedFunc)(gpointer user_data);
/* Takes a lane back: no use starts after this returns, but for one that has just been permitted,
 * whose result does not leave the host. `done` (nullable) is called once when nothing is under way on
 * it, or its host has ended: at once if it is not open. The host is asked once for each lane; one that
 * does not answer in the time of an operation is given up. */
void seal_module_revoke_lane(SealModule *module, guint32 lane, SealLaneEnd why,
                             SealLaneEndedFunc done, gpointer user_data);
