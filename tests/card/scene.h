/* An agent that serves the cards by OpenSC's module, or YubiKeys by Yubico's, a stock client of it,
 * and a person who knows the PIN. Keys are named as the fixture does ("alice-rsa-sign"). */
#pragma once

#include <openssl/evp.h>

#include "tests/agent/dbus.h"
#include "tests/card/cards.h"

typedef struct {
    SealTestHome *home;
    GDBusConnection *connection; /* to the private socket; NULL: the test was skipped */
    const char *firmware;        /* set before it is opened: the cards are YubiKeys, and ykcs11 serves
                                    them; NULL: PIV cards, OpenSC */
} SealCardScene;

/* For g_test_add(): alice is in the first reader, and the agent has read her. `data` (nullable) is
 * added to the agent's configuration. The same in two steps: the cards lie beside the readers after
 * the first (FALSE: the test was skipped), the second starts the agent and waits for no card. */
gboolean seal_card_scene_open(SealCardScene *scene);
void seal_card_scene_start_agent(SealCardScene *scene, const char *groups);
void seal_card_scene_set_up(SealCardScene *scene, gconstpointer data);
/* The same with YubiKeys of firmware 5.4.3. */
void seal_card_scene_set_up_yubikey(SealCardScene *scene, gconstpointer data);
void seal_card_scene_tear_down(SealCardScene *scene, gconstpointer data);

/* Waits until the token that holds `key` has `state` ("absent", "locked", "unlocked", "blocked";
 * for "absent" the agent need not know the key). Aborts the test at the deadline. Returns how long
 * that took (ms). */
guint seal_card_scene_wait(SealCardScene *scene, const char *key, const char *state);

/* Sends a signal to all hosts of the agent. */
void seal_card_scene_signal_hosts(SealCardScene *scene, int signal_number);

/* Waits until PC/SC says that there is a card in the reader (0 or 1), or none. Aborts the test at the
 * deadline. */
void seal_card_scene_wait_for_reader(SealCardScene *scene, int reader, gboolean with_card);

/* Waits until the agent tells something, but at most 0.1 s. */
void seal_card_scene_doze(SealCardScene *scene);

/* Signs a digest with `key`, by PKCS#1 v1.5 or ECDSA; OpenSSL checks the signature against the
 * certificate that the fixture has of it. FALSE with `error` as it came from the agent. */
gboolean seal_card_scene_sign(SealCardScene *scene, const char *key, GError **error);

/* Signs with `key` until that works, as a person would who sees the card in the reader. Aborts the test
 * after 10 s. Returns how long it took (ms). */
gint64 seal_card_scene_sign_again(SealCardScene *scene, const char *key);

/* Has the content-encryption key of a message unwrapped that OpenSSL encrypted for the RSA key
 * `key`. FALSE with `error` as it came from the agent; or one that says "AnotherKey", which is how
 * PKCS#1 v1.5 fails without telling. */
gboolean seal_card_scene_unwrap(SealCardScene *scene, const char *key, GError **error);

/* The object path of the token with `key`, or of the key (transfer full, nullable). */
char *seal_card_scene_token_path(SealCardScene *scene, const char *key);
char *seal_card_scene_key_path(SealCardScene *scene, const char *key);
/* ... of the key with this public half. */
char *seal_card_scene_path_of(SealCardScene *scene, EVP_PKEY *key);

/* What another program gets from the card in the first reader for a command (hex): "SW1=0x90,
 * SW2=0x00" and the answer in hex (transfer full). */
char *seal_card_scene_send(SealCardScene *scene, const char *command);

/* What another program, which has no PIN, gets from the card in the first reader for a signature with
 * a retired key: "SW1=0x90" if the card is open (transfer full). */
char *seal_card_scene_use_by_another(SealCardScene *scene);
