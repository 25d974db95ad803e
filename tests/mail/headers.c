/* Header protection (RFC 9788, and RFC 8551 3.1): fields inside of what Alice signed or somebody
 * sealed, and fields outside that may have been changed. */
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"

static GBytes *
signed_by_alice(const char *payload)
{
    return scene_signed_by_openssl(scene_identity("alice-p256-sign"), scene_world()->chain,
                                   "SHA256", payload);
}

static GBytes *
sealed(const char *payload)
{
    g_autoptr(GBytes) content = world_bytes(payload);

    return scene_sealed_entity(content, "alice-p256-decrypt");
}

static GBytes *
signed_and_sealed(const char *payload)
{
    g_autoptr(GBytes) content = signed_by_alice(payload);

    return scene_sealed_entity(content, "alice-p256-decrypt");
}

#define CLEAR(fields)  "Content-Type: text/plain; hp=\"clear\"\r\n" fields "\r\ntext\r\n"
#define CIPHER(fields) "Content-Type: text/plain; hp=\"cipher\"\r\n" fields "\r\ntext\r\n"
#define WRAPPED(parameter, fields)                                                                 \
    "Content-Type: message/rfc822" parameter "\r\n\r\n" fields "\r\ntext\r\n"
#define ALICE    "From: Alice <alice@example.org>\r\n"
#define EVE      "From: Eve <eve@example.net>\r\n"
#define OUTSIDE  "From: alice@example.org\r\n" /* as every row's mail has it */
#define SUBJECT  "Subject: The seal\r\n"
#define MISMATCH "open", "header-mismatch"
#define BOTH     "the visible one is"

const CorpusRow corpus_headers[] = {
    {"headers/clear/is-ok", "verify", "ok", NULL, signed_by_alice, CLEAR(ALICE SUBJECT), OUTSIDE,
     ALICE SUBJECT},
    {"headers/clear/other-name-beside-the-address/is-ok", "verify", "ok", NULL, signed_by_alice,
     CLEAR(ALICE), OUTSIDE, "From: A <alice@EXAMPLE.org>\r\n"},
    {"headers/clear/subject-marked-by-a-gateway/is-ok", "verify", "ok", NULL, signed_by_alice,
     CLEAR(ALICE SUBJECT), OUTSIDE, ALICE "Subject: [EXTERNAL] The seal\r\n"},
    {"headers/clear/visible-from-changed", MISMATCH, BOTH, signed_by_alice, CLEAR(ALICE SUBJECT),
     OUTSIDE, EVE SUBJECT},
    {"headers/clear/visible-from-doubled", MISMATCH, BOTH, signed_by_alice, CLEAR(ALICE), OUTSIDE,
     ALICE EVE},
    {"headers/clear/protected-from-of-another", MISMATCH, BOTH, signed_by_alice, CLEAR(EVE)},
    {"headers/clear/both-from-another", "open", "address-mismatch", "eve@example.net",
     signed_by_alice, CLEAR(EVE), OUTSIDE, EVE},
    {"headers/clear/unreadable-protected-from", MISMATCH, BOTH, signed_by_alice,
     CLEAR("From: \r\n")},
    {"headers/clear/line-end-in-a-word/stays-in-its-line", "verify", "ok", NULL, signed_by_alice,
     CLEAR(ALICE "Subject: =?utf-8?q?a=0D=0AFrom:_eve=40example.net?=\r\n"), OUTSIDE,
     ALICE "Subject: =?utf-8?q?a=0D=0AFrom:_eve=40example.net?=\r\n"},
    {"headers/clear/protected-from-doubled", MISMATCH, BOTH, signed_by_alice, CLEAR(ALICE EVE)},
    {"headers/form-in-pieces/protects-nothing", "verify", "ok", NULL, signed_by_alice,
     "Content-Type: text/plain; hp*0=\"cle\"; hp*1=ar\r\n" EVE "\r\ntext\r\n"},
    {"headers/clear/subject-doubled/is-ok", "verify", "ok", NULL, signed_by_alice,
     CLEAR(ALICE SUBJECT "Subject: another\r\n"), OUTSIDE, ALICE SUBJECT},
    {"headers/unknown-form/protects-nothing", "verify", "ok", NULL, signed_by_alice,
     "Content-Type: text/plain; hp=x\r\n" EVE "\r\ntext\r\n"},
    {"headers/no-form/protects-nothing", "verify", "ok", NULL, signed_by_alice,
     "Content-Type: text/plain\r\n" EVE "\r\ntext\r\n"},
    {"headers/cipher/signed-and-sealed/is-ok", "open", "ok", NULL, signed_and_sealed,
     CIPHER(ALICE SUBJECT "HP-Outer: Subject: [...]\r\n"), OUTSIDE, ALICE "Subject: [...]\r\n"},
    {"headers/cipher/signed-and-sealed/visible-from-changed", MISMATCH, BOTH, signed_and_sealed,
     CIPHER(ALICE SUBJECT), OUTSIDE, EVE},
    {"headers/cipher/only-sealed/is-opened", "open", "decrypted-noauth", NULL, sealed,
     CIPHER(ALICE SUBJECT), OUTSIDE, ALICE},
    {"headers/cipher/only-sealed/sent-on-by-another", MISMATCH, BOTH, sealed, CIPHER(ALICE SUBJECT),
     OUTSIDE, EVE},
    {"headers/wrapped/is-ok", "verify", "ok", NULL, signed_by_alice,
     WRAPPED("; forwarded=no", ALICE SUBJECT)},
    {"headers/wrapped/visible-from-changed", MISMATCH, BOTH, signed_by_alice,
     WRAPPED("; forwarded=no", ALICE SUBJECT), OUTSIDE, EVE},
    {"headers/wrapped/same-message-id/visible-from-changed", MISMATCH, BOTH, signed_by_alice,
     WRAPPED("", ALICE "Message-ID: <1@example.org>\r\n"), OUTSIDE,
     EVE "Message-ID: <1@example.org>\r\n"},
    {"headers/wrapped/forwarded/is-ok", "verify", "ok", NULL, signed_by_alice,
     WRAPPED("; forwarded=yes", EVE SUBJECT)},
    {"headers/wrapped/somebody-elses/is-forwarded", "verify", "ok", NULL, signed_by_alice,
     WRAPPED("", EVE SUBJECT)},
    {0},
};
