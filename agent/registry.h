/* What the agent knows of tokens, keys and certificates: the objects of its D-Bus tree. The registry
 * follows the modules' events, gives objects stable ids, and tells one listener (the front) what
 * appeared, changed and went. Asking it never touches a token. It outlives replug: a token that was
 * removed stays as an absent object, its keys too, until the agent ends.
 *
 * Ids are the first 20 bytes, in hex, of SHA-256 over: a key's SubjectPublicKeyInfo; a certificate's
 * DER; a token's manufacturer, model and serial, each followed by a zero byte (and the label when the
 * serial is empty). Where a module shows two such tokens at once, the second has its slot in it, too.
 * One key on two tokens is one object with two places. */
#pragma once

#include <glib.h>

#include "pkcs11/token/module.h"

typedef struct SealRegistry SealRegistry;

typedef enum {
    SEAL_TOKEN_STATE_ABSENT,
    SEAL_TOKEN_STATE_LOCKED,
    SEAL_TOKEN_STATE_UNLOCKED,
    SEAL_TOKEN_STATE_BLOCKED,
    SEAL_TOKEN_STATE_BUSY,
    SEAL_TOKEN_STATE_UNREACHABLE, /* its host is down */
} SealTokenState;
const char *seal_token_state_name(SealTokenState state);

/* Read-only outside of the registry, except where a setter below says otherwise. */
typedef struct {
    char *id;
    char *path;   /* D-Bus object path */
    char *uri;    /* RFC 7512 */
    char *module; /* name */
    char *slot;   /* the PC/SC reader it lies in if that is known, else "slot N" */
    SealToken *token; /* (nullable) the one that is present */
    SealTokenState state;
    int tries_left; /* -1 unknown */
    /* last known, also while absent */
    char *label, *manufacturer, *model, *serial;
    guint32 flags; /* SealTokenFlags */
    char **left_out; /* sentences */
} SealTokenObject;

typedef struct {
    SealTokenObject *token;
    guint32 token_reference;  /* of the SealToken this place was read from */
    const SealKeyInfo *info;  /* the last that was told; until the key is told as changed or removed */
    guint mismatches; /* signatures in a row that did not fit its public half */
} SealKeyPlace;

typedef struct {
    char *id;
    char *path;
    GPtrArray *places;       /* of SealKeyPlace*; never empty */
    GPtrArray *certificates; /* of SealCertificateObject* (borrowed) */
} SealKeyObject;

typedef struct {
    char *id;
    char *path;
    SealCertificateInfo *info; /* own copy */
    SealKeyObject *key;        /* (nullable) borrowed */
    GPtrArray *tokens;         /* of SealTokenObject* (borrowed) */
} SealCertificateObject;

/* `properties`: NULL-terminated D-Bus property names that changed. */
typedef struct {
    void (*token_added)(SealTokenObject *token, gpointer user_data);
    void (*token_changed)(SealTokenObject *token, const char *const *properties, gpointer user_data);
    void (*key_added)(SealKeyObject *key, gpointer user_data);
    void (*key_changed)(SealKeyObject *key, const char *const *properties, gpointer user_data);
    void (*key_removed)(SealKeyObject *key, gpointer user_data); /* called before it is freed */
    void (*certificate_added)(SealCertificateObject *certificate, gpointer user_data);
    void (*certificate_changed)(SealCertificateObject *certificate, const char *const *properties,
                                gpointer user_data);
    void (*certificate_removed)(SealCertificateObject *certificate, gpointer user_data);
    void (*token_gone)(SealTokenObject *token, gpointer user_data); /* pulled or its host lost: state is
                                                                      now ABSENT or UNREACHABLE */
    void (*modules_changed)(gpointer user_data); /* a module's state or reason changed */
} SealRegistryEvents;

/* Returns an empty registry (transfer full). */
SealRegistry *seal_registry_new(void);
void seal_registry_free(SealRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealRegistry, seal_registry_free)

/* Of lanes, told to one follower, also from inside seal_registry_free(). */
typedef struct {
    void (*used)(const SealLaneRecord *record, gpointer user_data);
    void (*closed)(guint32 lane, SealLaneEnd why, gpointer user_data);
} SealRegistryLaneEvents;
/* `events` static. */
void seal_registry_follow_lanes(SealRegistry *registry, const SealRegistryLaneEvents *events,
                                gpointer user_data);

/* Adds a listener (up to 5: the front, the PIN keeper); `events` is static, members may be NULL. */
void seal_registry_listen(SealRegistry *registry, const SealRegistryEvents *events,
                          gpointer user_data);

/* Starts a module's host and follows it. `config` is copied. */
void seal_registry_add_module(SealRegistry *registry, SealLoop *loop,
                              const SealModuleConfig *config);
const GPtrArray *seal_registry_modules(const SealRegistry *registry); /* of SealModule* */

/* TRUE once every module has told its first tokens or failed: until then answers wait
 * (seal_registry_when_ready). */
gboolean seal_registry_is_ready(const SealRegistry *registry);
/* Calls back once from the default main context as soon as it is ready (at the latest after the start
 * deadline). Returns an id for seal_registry_forget(). */
guint seal_registry_when_ready(SealRegistry *registry, GSourceFunc func, gpointer user_data);

/* TRUE if a card lies in a reader and no token is shown there. */
gboolean seal_registry_has_unread_card(const SealRegistry *registry);

/* For a key that no present token has (seal_key_object_best_place() is NULL): starts the hosts of its
 * unreachable tokens now and calls back once, from the default main context, as soon as one is back or
 * none is coming any more (or the registry is freed). Look the key up again then: it may be gone.
 * Returns an id for seal_registry_forget(). */
guint seal_registry_await_key(SealRegistry *registry, const SealKeyObject *key, GSourceFunc func,
                              gpointer user_data);
/* No callback any more; an id that was called back is allowed. */
void seal_registry_forget(SealRegistry *registry, guint waiter_id);

/* Looks for tokens again in every module; `done` (nullable) is called when all have answered. */
void seal_registry_rescan(SealRegistry *registry, GSourceFunc done, gpointer user_data);

/* By the last element of the object path; NULL if there is none. */
SealTokenObject *seal_registry_token(SealRegistry *registry, const char *id);
SealKeyObject *seal_registry_key(SealRegistry *registry, const char *id);
SealCertificateObject *seal_registry_certificate(SealRegistry *registry, const char *id);

/* All of them; (transfer container), sorted by path. */
GPtrArray *seal_registry_tokens(SealRegistry *registry);
GPtrArray *seal_registry_keys(SealRegistry *registry);
GPtrArray *seal_registry_certificates(SealRegistry *registry);

/* The place that serves `key` now: an unlocked token first, then a locked one; NULL when no token
 * with it is present. */
const SealKeyPlace *seal_key_object_best_place(const SealKeyObject *key);
/* The same, or the place that served it last: never NULL. */
const SealKeyPlace *seal_key_object_place(const SealKeyObject *key);

/* TRUE if the key gave signatures again and again that are not its own: it serves nobody until a rescan.
 */
gboolean seal_key_place_is_doubted(const SealKeyPlace *place);

/* Called by the PIN keeper: what is known of a token's login state and tries; tells listeners. */
void seal_registry_set_token_state(SealRegistry *registry, SealTokenObject *token,
                                   SealTokenState state, int tries_left);
