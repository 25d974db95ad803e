/* Smart cards for a test: pcscd for this test alone, with two readers, and our own PIV cards
 * (piv-card) in them. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"

/* What opens each card that is not described otherwise. */
#define SEAL_TEST_CARD_PIN "123456"
#define SEAL_TEST_CARD_PUK "12345678"

/* Moves this process, and all it will start, into namespaces where pcscd's and vpcd's fixed places
 * (/run/pcscd, TCP ports) are its own. Before any thread is started: the first thing main() does.
 * Needs root or user namespaces; without, every seal_test_cards_new() skips its test. */
void seal_test_cards_enter(void);

/* Gives the home a fixture (fixture.h), whose keys are on the cards, and starts pcscd and piv-card
 * with the cards `alice` and `bob`, which lie beside the readers: 9A, 9C, 9D of RSA and P-256
 * (cards.c says which). `more` (nullable) is added to alice's description (contents.h). Returns
 * FALSE after g_test_skip() if that is not possible here. */
gboolean seal_test_cards_new(SealTestHome *home, const char *more);

/* The same with cards that speak as YubiKeys of this `firmware` ("5.4.3"), in readers that are named
 * as theirs: ykcs11 takes no others. Alice has a key more, carol's P-256 key without a certificate.
 */
gboolean seal_test_yubikeys_new(SealTestHome *home, const char *firmware);

/* Tells piv-card a line (control.h), as in printf, and aborts the test if it is refused. Returns
 * the number in its answer, 0 if it has none. Blocks, and for "wait" up to the deadline. */
guint seal_test_cards_tell(SealTestHome *home, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Stops pcscd by a signal (SIGKILL leaves its socket behind), or starts it anew and waits until it
 * serves. */
void seal_test_cards_stop_pcscd(SealTestHome *home, int signal_number);
void seal_test_cards_start_pcscd(SealTestHome *home);

/* Sends pcscd a signal that does not end it. */
void seal_test_cards_signal_pcscd(int signal_number);

/* OpenSC's module, where p11-kit finds it; Yubico's, which is not registered there. */
#define SEAL_TEST_CARDS_MODULE  SEAL_TEST_P11_MODULES "/opensc-pkcs11.so"
#define SEAL_TEST_CARDS_YKCS11 SEAL_TEST_P11_MODULES "/../libykcs11.so"
