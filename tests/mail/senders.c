/* Whom a mail claims to be from. In every row Alice's signature is good and her certificate is for
 * alice@example.org: the question is whom a mail program would show as its author. */
#include <string.h>

#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"

/* Alice signs a mail whose header starts with these fields. */
static GBytes *
with_fields(const char *fields)
{
    g_autofree char *mail = g_strconcat(fields, "\r\nSubject: hello\r\n\r\ntext\r\n", NULL);

    return scene_detached(scene_identity("alice-p256-sign"), mail);
}

/* Fields a mail may not have when it is signed here: they replace the From line afterwards. */
static GBytes *
plain_from(const char *fields)
{
    g_autoptr(GBytes) mail = with_fields("From: alice@example.org");

    return world_replace(mail, "From: alice@example.org\r\n", fields);
}

/* A NUL where the text has a question mark; C strings end there, and so do some readers. */
static GBytes *
with_nul(const char *fields)
{
    g_autoptr(GBytes) mail = plain_from(fields);
    gsize len = 0;
    const char *bytes = g_bytes_get_data(mail, &len);
    char *copy = g_memdup2(bytes, len);
    char *mark = memchr(copy, '?', len);

    g_assert_nonnull(mark);
    *mark = '\0';
    return g_bytes_new_take(copy, len);
}

#define MISMATCH "verify", "address-mismatch"

const CorpusRow corpus_senders[] = {
    {"senders/plain/is-ok", "verify", "ok", NULL, with_fields, "From: alice@example.org"},
    {"senders/domain-in-capitals/is-ok", "verify", "ok", NULL, with_fields,
     "From: alice@EXAMPLE.ORG"},
    {"senders/comment-beside-the-address/is-ok", "verify", "ok", NULL, with_fields,
     "From: alice@example.org (eve@example.net)"},
    {"senders/foreign-address-as-name/is-ok", "verify", "ok", NULL, with_fields,
     "From: \"eve@example.net\" <alice@example.org>"},
    {"senders/sender-only/is-ok", "verify", "ok", NULL, with_fields, "Sender: alice@example.org"},
    {"senders/her-address-as-name/does-not-count", MISMATCH, "is from eve@example.net", with_fields,
     "From: \"alice@example.org\" <eve@example.net>"},
    {"senders/her-address-as-encoded-name/does-not-count", MISMATCH, "is from eve@example.net",
     with_fields, "From: =?utf-8?q?alice=40example=2Eorg?= <eve@example.net>"},
    {"senders/her-address-in-a-comment/does-not-count", MISMATCH, "is from eve@example.net",
     with_fields, "From: eve@example.net (alice@example.org)"},
    {"senders/local-part-in-capitals/is-another", MISMATCH, "ALICE@example.org", with_fields,
     "From: ALICE@example.org"},
    {"senders/cyrillic-letter/is-another", MISMATCH, "certified as alice@example.org", with_fields,
     "From: \xd0\xb0lice@example.org"},
    {"senders/two-addresses/both-count", MISMATCH, "eve@example.net", with_fields,
     "From: alice@example.org, eve@example.net"},
    {"senders/two-fields/both-count", MISMATCH, "eve@example.net", with_fields,
     "From: alice@example.org\r\nFrom: eve@example.net"},
    {"senders/two-fields-the-other-way/both-count", MISMATCH, "eve@example.net", with_fields,
     "From: eve@example.net\r\nFrom: alice@example.org"},
    {"senders/group/members-count", MISMATCH, "eve@example.net", with_fields,
     "From: Friends: alice@example.org, eve@example.net;"},
    {"senders/sender-differs/from-counts", MISMATCH, "eve@example.net", with_fields,
     "From: eve@example.net\r\nSender: alice@example.org"},
    {"senders/quoted-local-part/is-another", MISMATCH, "certified as alice@example.org",
     with_fields, "From: \"alice@example.org\"@example.net"},
    {"senders/longer-domain/is-another", MISMATCH, "alice@example.org.evil.example", with_fields,
     "From: alice@example.org.evil.example"},
    {"senders/empty-from/is-nobody", MISMATCH, "ask the sender", with_fields, "From: "},
    {"senders/undisclosed/is-nobody", MISMATCH, "cannot be read", with_fields,
     "From: undisclosed:;"},
    {"senders/no-from/is-nobody", MISMATCH, "name the sender", with_fields, "To: bob@example.org"},
    {"senders/no-from-but-named/is-ok", "verify --from alice@example.org", "ok", NULL, with_fields,
     "To: bob@example.org"},
    {"senders/named-cannot-override", "verify --from alice@example.org", "address-mismatch",
     "eve@example.net", with_fields, "From: eve@example.net"},
    {"senders/lone-carriage-return/is-refused", "verify", "malformed", "carriage return",
     plain_from, "From: alice@example.org\rFrom: eve@example.net\r\n"},
    {"senders/encoded-line-end/starts-no-field", MISMATCH, "eve@example.net", plain_from,
     "From: =?utf-8?q?x=0D=0AFrom:_alice=40example.org?= <eve@example.net>\r\n"},
    {"senders/folded-field/is-one", MISMATCH, "eve@example.net", plain_from,
     "From:\r\n alice@example.org,\r\n eve@example.net\r\n"},
    {"senders/field-name-with-a-blank/is-malformed", "verify", "malformed", "is no field",
     plain_from, "Date: now\r\nFrom : alice@example.org\r\nFrom: alice@example.org\r\n"},
    {"senders/line-feed-alone/starts-a-field", MISMATCH, "eve@example.net", plain_from,
     "From: alice@example.org\nFrom: eve@example.net\r\n"},
    {"senders/nul-behind-her-address/ends-nothing", MISMATCH, "ask the sender", with_nul,
     "From: alice@example.org?.evil.example\r\n"},
    {"senders/nul-before-another-address/hides-nothing", MISMATCH, "author, too", with_nul,
     "From: alice@example.org ?, eve@example.net\r\n"},
    {"senders/name-beyond-utf-8/is-ok", "verify", "ok", NULL, plain_from,
     "From: \"\xff\xfe\" <alice@example.org>\r\n"},
    {"senders/address-beyond-utf-8/is-another", MISMATCH, "certified as alice@example.org",
     plain_from, "From: alice\xff@example.org\r\n"},
    {"senders/her-address-as-name-in-utf-7/does-not-count", MISMATCH, "is from eve@example.net",
     plain_from, "From: =?utf-7?q?alice+AEA-example.org?= <eve@example.net>\r\n"},
    {"senders/encoded-address/is-not-decoded", MISMATCH, "ask the sender", plain_from,
     "From: =?utf-8?q?alice=40example=2Eorg?=\r\n"},
    {"senders/overlong-letter/is-another", MISMATCH, "certified as alice@example.org", plain_from,
     "From: \xc1\xa1lice@example.org\r\n"},
    {"senders/invisible-letter/is-another", MISMATCH, "certified as alice@example.org", plain_from,
     "From: alice\xe2\x80\x8b@example.org\r\n"},
    {"senders/seventeen-authors/are-nobody", MISMATCH, "cannot be read", plain_from,
     "From: alice@example.org,alice@example.org,alice@example.org,alice@example.org,"
     "alice@example.org,alice@example.org,alice@example.org,alice@example.org,alice@example.org,"
     "alice@example.org,alice@example.org,alice@example.org,alice@example.org,alice@example.org,"
     "alice@example.org,alice@example.org,alice@example.org\r\n"},
    {"senders/mbox-line/is-no-field", "verify", "ok", NULL, plain_from,
     "Received: x\r\nFrom: alice@example.org\r\n"},
    {0},
};
