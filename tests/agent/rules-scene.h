/* The agent as users have it, by activation on a real bus, all of whose traffic is recorded; a token with
 * a long random PIN; and the calls that a mail program makes on the shared bus. */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "tests/support/home.h"

#define SEAL_RULES_PIN_LEN 48

typedef struct {
    SealTestHome *home;
    sd_bus *bus;
    char pin[SEAL_RULES_PIN_LEN + 1];
    pid_t agent;
    char *recording; /* path */
    char *token;     /* object path of Alice's token */
} SealRulesScene;

/* Makes the fixture, changes its PIN, records the bus, starts the agent, fetches the token's path.
 * Aborts the test if anything fails. */
void seal_rules_scene_open(SealRulesScene *scene);
/* As seal_rules_scene_open(), with the moody module, whose counter of PIN tries (the file `tries` in the
 * home) stands at `tries`; it logs what reaches the token to the file `calls`. */
void seal_rules_scene_open_counted(SealRulesScene *scene, const char *tries);
void seal_rules_scene_close(SealRulesScene *scene);

/* Pid of the agent's host. */
pid_t seal_rules_scene_host(const SealRulesScene *scene);

/* Object path of the key whose certificate is certs/`name`.pem of the fixture (transfer full). */
char *seal_rules_key_path(SealRulesScene *scene, const char *name);

/* Calls without arguments, or with an empty a{sv}, that may ask a person; abort unless they succeed. */
void seal_rules_unlock(SealRulesScene *scene);
void seal_rules_lock_all(SealRulesScene *scene);
void seal_rules_change_pin(SealRulesScene *scene);
/* Asks for a signature, or for the token to be unlocked, and expects the error `name` ("PinIncorrect")
 * whose sentence has `part`. */
void seal_rules_sign_fails(SealRulesScene *scene, const char *key, const char *name,
                           const char *part);
void seal_rules_unlock_fails(SealRulesScene *scene, const char *name, const char *part);
/* Signs a SHA-256 digest by RSA PKCS#1 v1.5 and checks the signature with the certificate's key. */
void seal_rules_sign(SealRulesScene *scene, const char *name, const guint8 digest[32]);
/* Wraps `key` to the certificate (RSA PKCS#1 v1.5), has it unwrapped sealed to a fresh key, and checks
 * that the box holds it. */
void seal_rules_unwrap(SealRulesScene *scene, const char *name, const guint8 *key, size_t key_len);

/* Waits until the recording holds everything that was sent before the call. */
void seal_rules_flush_recording(SealRulesScene *scene);
/* TRUE if the bytes went over the bus. */
gboolean seal_rules_was_recorded(const SealRulesScene *scene, const void *bytes, size_t len);
