/* libprivyseal: the client of the Privy Seal agent for mail programs and tools.
 *
 * It speaks to the agent over D-Bus (its private socket for everything, the session bus only to
 * find and start it), so that a program can sign and open mail with keys it never holds. It starts
 * no thread and needs no main loop: calls without `_async` block until the answer; asynchronous
 * calls are driven by the caller's own loop through seal_client_get_fd() and seal_client_process(),
 * or by seal_client_wait(). One SealClient belongs to one thread at a time.
 *
 * Errors are GErrors of SEAL_ERROR (codes: privyseal-error.h), whose message is a sentence for
 * people.
 *
 * After fork() a client belongs to the parent: in the child every call fails with UNREACHABLE, and
 * seal_client_free() leaves the parent's connection alone. A child opens a client of its own. When
 * the agent ends, calls in flight fail with UNREACHABLE, and the next call connects again, starting
 * the agent; no call that the agent may have seen is ever sent twice. */
#pragma once

#include <glib.h>
#include <stdint.h>

#ifndef SEAL_ERROR /* the same domain as base/error.h, for programs outside of this tree */
#define SEAL_ERROR (seal_error_quark())
G_BEGIN_DECLS
__attribute__((visibility("default"))) GQuark seal_error_quark(void);
G_END_DECLS
#endif

G_BEGIN_DECLS
#pragma GCC visibility push(default)

typedef struct SealClient SealClient;

/* Connects to the agent, starting it by D-Bus activation when it does not run. The bus is the one
 * of PRIVYSEAL_ADDRESS, else the session bus. Hands the prompt environment (display, terminal) of
 * this process to the agent. Returns a client (transfer full), or NULL with UNREACHABLE and what to
 * do. Blocks until the agent answers, at most 30 s. */
SealClient *seal_client_new(GError **error);
/* The same without connecting: the first call does, and may be ended by seal_client_interrupt().
 * NULL with UNREACHABLE only if this process has no descriptor left. */
SealClient *seal_client_new_unconnected(GError **error);
/* Closes the connection: calls in flight are cancelled in the agent, their callbacks are called
 * with CANCELLED. Not from a callback. NULL is allowed. */
void seal_client_free(SealClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealClient, seal_client_free)

/* Whether the agent may ask a person (PIN, consent) for calls from now on. Default TRUE. */
void seal_client_set_interactive(SealClient *client, gboolean interactive);

/* Time limit of blocking calls in milliseconds, 0 for none (the agent has deadlines of its own);
 * where a call must connect first, the limit holds for that, too, if it is below 30 s. Default 0.
 */
void seal_client_set_timeout(SealClient *client, guint timeout_ms);

/* Tells that many operations with the same key are to come: each key that is used gets a lane at
 * once (a line of its own to the key's token, past the agent), not only from the third operation
 * within a second on; one for blocking calls, and one for asynchronous ones, where many are in
 * flight at once. Default FALSE. With PRIVYSEAL_LANES=0 in the environment there are none. */
void seal_client_set_bulk(SealClient *client, gboolean bulk);

/* -- what is there ---------------------------------------------------------- */

typedef struct {
    char *path; /* D-Bus object path */
    char *label, *manufacturer, *model, *serial, *uri, *module;
    char *slot;     /* the PC/SC reader it lies in, or "slot N" */
    char *state;    /* absent, locked, unlocked, blocked, busy, unreachable */
    int tries_left; /* -1 unknown */
    gboolean protected_authentication, removable, read_only;
    char **left_out; /* sentences about objects that cannot be used */
    gboolean pin_to_be_changed;
} SealClientToken;

typedef struct {
    char *path;
    char *uri, *label;
    GBytes *id;      /* CKA_ID */
    char *algorithm; /* rsa, ec, ed25519, x25519 */
    guint bits;
    char *curve;         /* "", P-256, P-384, P-521 */
    GBytes *public_key;  /* DER SubjectPublicKeyInfo */
    char **certificates; /* object paths */
    char *token;         /* object path */
    char **purposes;     /* sign, decrypt */
    char *fault;         /* why it has none; "" */
    gboolean always_authenticate, imported;
    char **raw_operations; /* of seal_client_raw(): those that the policy opens to this program */
} SealClientKey;

typedef struct {
    char *path;
    GBytes *certificate; /* DER */
    char **addresses;
    char *subject, *issuer;
    gint64 not_before, not_after; /* seconds since 1970 */
    char **purposes;
    char *key;     /* object path, "/" if no key of it is known */
    char **tokens; /* object paths of the tokens that hold it */
} SealClientCertificate;

typedef struct {
    char *name, *path;
    char *state;  /* starting, running, waiting, unusable */
    char *reason; /* "" when all is well */
} SealClientModule;

/* Everything the agent knows, read in one call from its memory. Each array owns its elements
 * (transfer full). */
typedef struct {
    GPtrArray *tokens, *keys, *certificates, *modules;
} SealClientObjects;
/* NULL with an error when the agent cannot be reached. `rescan`: have the agent look for new tokens
 * first. Blocks. */
SealClientObjects *seal_client_list(SealClient *client, gboolean rescan, GError **error);
void seal_client_objects_free(SealClientObjects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealClientObjects, seal_client_objects_free)

/* A lane that a program of the user has open: a line of its own to a key's token. */
typedef struct {
    guint lane; /* number */
    char *program;
    guint pid;
    char *key;       /* object path */
    char *operation; /* sign or unwrap */
    guint count, used, seconds_left;
} SealClientLease;
/* All of them, of every program (transfer full, element-type SealClientLease); NULL with an error.
 * Blocks. */
GPtrArray *seal_client_list_lanes(SealClient *client, GError **error);

/* Which lanes: all that match; 0 and NULL are not asked for. */
typedef struct {
    guint lane;
    const char *key, *token; /* object paths */
} SealLaneQuery;
/* Takes lanes back, and tells how many there were. Nothing is under way on them afterwards. Blocks
 * as long as an operation takes that has begun. */
gboolean seal_client_revoke_lanes(SealClient *client, const SealLaneQuery *query,
                                  guint *ret_revoked, GError **error);

/* For programs that keep a list in memory: from the next connection on, the agent's announcements
 * that objects appeared, changed or went are counted. Before the first call. */
void seal_client_follow(SealClient *client);
/* A number that grows with every such announcement and with every lost connection. Announcements
 * come in during calls and by seal_client_process(). Read the number before seal_client_list(): the
 * list is of its time or younger. */
guint seal_client_count_changes(const SealClient *client);

/* What FindKeys of the D-Bus contract matches; NULL members are not asked for. */
typedef struct {
    GBytes *issuer; /* DER Name, with `serial` */
    GBytes *serial; /* content octets of the INTEGER */
    GBytes *subject_key_id;
    GBytes *public_key_hash; /* SHA-256 of the SubjectPublicKeyInfo */
    const char *address;
    const char *purpose; /* sign or decrypt */
} SealKeyQuery;
/* Object paths of the keys that match all of it (transfer full; empty array when none). Blocks. */
char **seal_client_find_keys(SealClient *client, const SealKeyQuery *query, GError **error);

/* -- using a key ------------------------------------------------------------ */

/* `mechanism`: rsa-pkcs1, rsa-pss, ecdsa (data = digest of `hash`) or ed25519 (data = message,
 * `hash` NULL). `hash`: sha256, sha384, sha512. At most 64 KiB. Returns the signature (transfer
 * full); ECDSA signatures are DER ECDSA-Sig-Value. Blocks; may prompt. */
GBytes *seal_client_sign(SealClient *client, const char *key, const char *mechanism,
                         const char *hash, GBytes *data, GError **error);

/* The same for rsa-pss with a salt of another length than the digest's: `salt_len` bytes. */
GBytes *seal_client_sign_salted(SealClient *client, const char *key, const char *hash,
                                guint salt_len, GBytes *digest, GError **error);

/* The content-encryption key of one RecipientInfo (RFC 5652), as CMS carries it. NULL members are
 * absent. */
typedef struct {
    GBytes *algorithm; /* DER AlgorithmIdentifier: keyEncryptionAlgorithm */
    GBytes *encrypted_key;
    GBytes *originator; /* DER OriginatorPublicKey (algorithm and BIT STRING), tag SEQUENCE */
    GBytes *ukm;        /* content of the UserKeyingMaterial OCTET STRING */
    GBytes *content_encryption; /* DER AlgorithmIdentifier: gives the key's length */
} SealUnwrapQuery;

/* A session key, or the result of a raw operation: in locked memory, wiped when freed. */
typedef struct SealSessionKey SealSessionKey;
const guint8 *seal_session_key_data(const SealSessionKey *key);
gsize seal_session_key_len(const SealSessionKey *key);
void seal_session_key_free(SealSessionKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSessionKey, seal_session_key_free)

/* Returns the key (transfer full). Over the private socket it comes in clear, where there is only
 * the bus it comes sealed to a fresh key of this call. A damaged PKCS#1 v1.5 key gives a
 * pseudo-random one; other failures are DECRYPT_FAILED. Blocks; may prompt. */
SealSessionKey *seal_client_unwrap(SealClient *client, const char *key,
                                   const SealUnwrapQuery *query, GError **error);

/* What the key computes, with no padding or key derivation around it: for programs that do these by
 * themselves. NOT_PERMITTED unless a rule of the agent's configuration opens it (raw= in
 * privyseal.conf(5)), PRIVATE_CONNECTION_REQUIRED where there is only the bus. `operation`: "ecdh"
 * (`input`: the other's point, uncompressed, on the key's curve; gives the x coordinate),
 * "rsa-sign" or "rsa-decrypt" (`input`: a block of the modulus' length, below the modulus; gives
 * another). INVALID_INPUT for an input that is not that. Returns the result (transfer full).
 * Blocks; may prompt. */
SealSessionKey *seal_client_raw(SealClient *client, const char *key, const char *operation,
                                GBytes *input, GError **error);

/* Blocks; prompts for the PIN unless the token is unlocked. `token`: object path. */
gboolean seal_client_unlock(SealClient *client, const char *token, GError **error);
gboolean seal_client_lock(SealClient *client, const char *token, GError **error);
gboolean seal_client_lock_all(SealClient *client, GError **error);
/* Have a token take another PIN, which the agent's prompt asks for: by the one that it has, or by
 * its PUK. As the methods ChangePin and UnblockPin say. Block; prompt. `token`: object path. */
gboolean seal_client_change_pin(SealClient *client, const char *token, GError **error);
gboolean seal_client_unblock_pin(SealClient *client, const char *token, GError **error);

/* -- asynchronous use ------------------------------------------------------- */

typedef struct SealCall SealCall;
/* Exactly one of `result` (borrowed; the signature, or the bytes of a session key, wiped after the
 * callback) and `error` is not NULL. The call is freed after the callback. */
typedef void (*SealCallFunc)(SealCall *call, const guint8 *result, gsize result_len,
                             const GError *error, gpointer user_data);
/* Up to 256 may be in flight on one client. The arguments may be freed after the call. NULL with an
 * error, and no callback, if it could not be sent. Blocks only when it must connect (first use, or
 * after the agent went away). Callbacks come from seal_client_process() and seal_client_wait()
 * alone, and from seal_client_free(). */
SealCall *seal_client_sign_async(SealClient *client, const char *key, const char *mechanism,
                                 const char *hash, GBytes *data, SealCallFunc done,
                                 gpointer user_data, GError **error);
SealCall *seal_client_unwrap_async(SealClient *client, const char *key,
                                   const SealUnwrapQuery *query, SealCallFunc done,
                                   gpointer user_data, GError **error);
/* No callback will come; `call` is not to be used again. NULL is allowed. D-Bus cannot take a call
 * back: if every call in flight on this client is cancelled, the connection is closed, which ends
 * their prompts and waits in the agent, and the next call opens another. While others are in flight
 * the agent goes on with this one, its result is thrown away, and until then it counts among the
 * 256. What is on a lane waits for no person, so there the call is only forgotten, and the lane
 * stays. A program that must end single prompts uses a client for each. */
void seal_call_cancel(SealCall *call);

/* Cancels every blocking call that is under way or comes later with CANCELLED. The one function
 * that a signal handler or another thread may call. */
void seal_client_interrupt(SealClient *client);

/* For poll(2), or a source of the program's main loop (GLib's, sd-event's): the descriptor, the
 * events (POLLIN | POLLOUT) and the time to wait at most (milliseconds, -1 for ever). Ask again
 * after each seal_client_process(). The descriptor stands for the connection and all lanes; -1
 * without a connection. */
int seal_client_get_fd(SealClient *client);
int seal_client_get_events(SealClient *client);
int seal_client_get_poll_timeout_ms(SealClient *client);
/* Handles what has arrived, calling callbacks. FALSE with UNREACHABLE when the agent went away (all
 * calls in flight have been called back). Does not block. */
gboolean seal_client_process(SealClient *client, GError **error);
/* Polls and processes once, at most `timeout_ms` (-1: no limit). */
gboolean seal_client_wait(SealClient *client, int timeout_ms, GError **error);

#pragma GCC visibility pop
G_END_DECLS
