/* What lies on a card: its PINs, its keys, its data objects. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

/* References of keys (SP 800-73-4 part 1, table 4b). */
#define SEAL_SLOT_AUTHENTICATION 0x9a
#define SEAL_SLOT_SIGNATURE      0x9c /* wants the PIN directly before each use */
#define SEAL_SLOT_MANAGEMENT     0x9d
#define SEAL_SLOT_CARD           0x9e /* wants no PIN */
#define SEAL_SLOT_RETIRED_FIRST  0x82
#define SEAL_SLOT_RETIRED_LAST   0x95

/* Tags of data objects that a card treats in a way of their own. */
#define SEAL_TAG_DISCOVERY    0x7e
/* Fingerprints, facial image, printed information, iris images: only with the PIN. */
#define SEAL_TAG_FINGERPRINTS 0x5fc103
#define SEAL_TAG_FACE         0x5fc108
#define SEAL_TAG_PRINTED      0x5fc109
#define SEAL_TAG_IRIS         0x5fc121

#define SEAL_GUID_LEN 16u
#define SEAL_PIN_LEN 8u /* bytes, padded with FF (SP 800-73-4 part 2, 2.4.3) */

typedef struct {
    char *name;
    guint8 pin[SEAL_PIN_LEN];
    guint8 puk[SEAL_PIN_LEN];
    guint tries;         /* of each, until it is blocked */
    gboolean is_t0;      /* the card knows the protocol T=0 only */
    guint8 guid[SEAL_GUID_LEN];
    guint8 firmware[3];  /* of a YubiKey, major, minor, patch; zero: it is none */
    GHashTable *keys;    /* of EVP_PKEY, by reference */
    GHashTable *objects; /* of GBytes, what stands inside tag 53, by tag */
    GHashTable *bare;    /* tags of those that stand inside nothing */
    gboolean is_careless;
} SealCardContents;

/* Reads a card's description: a key file whose name without its ending is the card's.
 *
 *   [card]
 *   pin=, puk=       six to eight characters; 123456 and 12345678 if they are missing
 *   tries=           3 if it is missing
 *   protocol=        T=0: the card knows no other; both if it is missing
 *   firmware=        (may be missing) the card speaks as a YubiKey of this version, "5.4.3"
 *   careless=        true: keys are used with any algorithm of their kind that is asked for
 *   [9A]             a group for each key; 9A, 9C, 9D, 9E, 82 to 95
 *   key=             the file of a private key, PEM; RSA-2048, P-256 or P-384
 *   certificate=     (may be missing) the file of its certificate, PEM
 *   [object 5FC105]  a data object by its tag, in place of what it would be otherwise
 *   file=            what is in it, whatever that is
 *   bare=            true: the file has the tag 53 and its length, too
 *
 * A card's GUID and a YubiKey's serial, which programs know it by, come from its name. Returns (transfer full), or NULL
 * with an error that names the file. */
SealCardContents *seal_card_contents_load(const char *path, GError **error);

/* Writes `pin` (at most SEAL_PIN_LEN characters) as a card keeps it. */
void seal_card_pin_pad(const char *pin, guint8 ret_padded[SEAL_PIN_LEN]);

/* Frees `contents`; NULL is allowed. */
void seal_card_contents_free(SealCardContents *contents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCardContents, seal_card_contents_free)
