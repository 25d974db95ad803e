/* Mails apart and together. GMime would do this too, but strips white space and writes again what
 * it parsed; here every byte of the body stays, but for line ends. */
#include "smime/mail.h"

#include "base/error.h"
#include "smime/draft.h"
#include "smime/entity.h"
#include "smime/plain.h"
#include "smime/sign.h"

#include <openssl/rand.h>
#include <string.h>

#define BINARY_NESTED 16 /* levels of multipart that are searched for binary parts */

/* -- line ends -------------------------------------------------------------------------------- */

static gsize
count_bare_lfs(SealBytes bytes)
{
    const uint8_t *end = bytes.data + bytes.len;
    gsize count = 0;

    for (const uint8_t *at = bytes.data; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            break;
        count += at == bytes.data || at[-1] != '\r';
    }
    return count;
}

GBytes *
seal_mail_canonical(GBytes *bytes)
{
    SealBytes view = seal_bytes_view(bytes);
    gsize bare = count_bare_lfs(view);
    guint8 *out = NULL;
    gsize len = 0;

    if (bare == 0)
        return g_bytes_ref(bytes);
    out = g_malloc(view.len + bare);
    for (size_t i = 0; i < view.len; i++) {
        if (view.data[i] == '\n' && (i == 0 || view.data[i - 1] != '\r'))
            out[len++] = '\r';
        out[len++] = view.data[i];
    }
    return seal_plain_take(out, len);
}

gboolean
seal_mail_has_unix_lines(SealBytes bytes)
{
    const uint8_t *end = bytes.len > 0 ? memchr(bytes.data, '\n', bytes.len) : NULL;

    return end && (end == bytes.data || end[-1] != '\r');
}

/* -- apart ------------------------------------------------------------------------------------ */

/* "From : ..." is a field of old (RFC 5322 4.5.2), which other readers show; here it is none. */
static gboolean
has_mbox_line(SealBytes bytes)
{
    size_t at = 5;

    if (bytes.len < at || memcmp(bytes.data, "From ", at) != 0)
        return FALSE;
    while (at < bytes.len && (bytes.data[at] == ' ' || bytes.data[at] == '\t'))
        at++;
    return at == bytes.len || bytes.data[at] != ':';
}

SealBytes
seal_mail_without_mbox_line(SealBytes bytes)
{
    const uint8_t *end = NULL;

    if (!has_mbox_line(bytes))
        return bytes;
    end = memchr(bytes.data, '\n', bytes.len);
    if (!end)
        return bytes;
    return (SealBytes){end + 1, bytes.len - (size_t)(end + 1 - bytes.data)};
}

/* Canonical line ends would damage a binary part, and encoding one that is signed already, too. */
static gboolean
has_signed_binary(const SealEntity *entity, gboolean is_signed, guint depth)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));

    is_signed |= g_str_equal(entity->type, "multipart/signed");
    if (is_signed && g_str_equal(entity->encoding, "binary"))
        return TRUE;
    if (depth == 0 || !g_str_has_prefix(entity->type, "multipart/"))
        return FALSE;
    seal_entity_split(entity, parts);
    for (guint i = 0; i < parts->len; i++) {
        g_autoptr(SealEntity) part = seal_entity_parse(g_array_index(parts, SealBytes, i));

        if (has_signed_binary(part, is_signed, depth - 1))
            return TRUE;
    }
    return FALSE;
}

static gboolean
check_mail(const SealEntity *mail, GError **error)
{
    const char *wrong = NULL;

    if (mail->fields->len == 0)
        wrong = "it has no header, give a complete mail: fields, an empty line, the body";
    else if (mail->defect)
        wrong = mail->defect;
    else if (has_signed_binary(mail, FALSE, BINARY_NESTED))
        wrong = "a signed part in it has the Content-Transfer-Encoding binary, which no mail may "
                "have and which cannot be changed without breaking its signature";
    if (!wrong)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "cannot protect the mail: %s", wrong);
    return FALSE;
}

static gboolean
is_ascii(SealBytes body)
{
    for (size_t i = 0; i < body.len; i++)
        if (body.data[i] >= 0x80)
            return FALSE;
    return TRUE;
}

/* -- a letter --------------------------------------------------------------------------------- */

typedef struct {
    SealDraft draft;
    GBytes *mail;
    SealEntity *entity; /* ranges of `mail` */
    SealTransfer transfer;
} Letter;

static gboolean
put_letter_body(const SealDraft *draft, SealSink *sink)
{
    const Letter *letter = (const Letter *)draft;

    seal_transfer_put_body(sink, letter->entity, letter->transfer);
    return TRUE;
}

static void
free_letter(SealDraft *draft)
{
    Letter *letter = (Letter *)draft;

    seal_entity_free(letter->entity);
    g_bytes_unref(letter->mail);
}

/* What describes a body that nothing describes yet. Where its parts become 7-bit it does, too. */
static void
put_missing_fields(const Letter *letter, const char *encoding, SealSink *head)
{
    const SealEntity *mail = letter->entity;
    gboolean mended = letter->transfer == SEAL_TRANSFER_7BIT && seal_transfer_reaches_parts(mail);
    gboolean typed = seal_entity_has(mail, "Content-Type");
    gboolean encoded = encoding || seal_entity_has(mail, "Content-Transfer-Encoding");
    gboolean ascii = mended || (typed && encoded) || is_ascii(mail->body);

    if (!typed)
        seal_sink_put_text(head, ascii ? "Content-Type: text/plain; charset=us-ascii\r\n"
                                       : "Content-Type: text/plain; charset=utf-8\r\n");
    if (!encoded && !ascii)
        encoding = "8bit";
    if (encoding) {
        seal_sink_put_text(head, "Content-Transfer-Encoding: ");
        seal_sink_put_text(head, encoding);
        seal_sink_put_text(head, "\r\n");
    }
}

static void
put_field(SealSink *sink, SealBytes raw)
{
    seal_transfer_put_canonical(sink, raw);
    /* The last field of a mail without a body may lack its line end, or half of it. */
    if (raw.len > 0 && raw.data[raw.len - 1] != '\n')
        seal_sink_put_text(sink, raw.data[raw.len - 1] == '\r' ? "\n" : "\r\n");
}

/* Who these name must not be told to the others, whatever sends the mail does with them. */
static gboolean
is_blind(const SealField *field)
{
    return seal_field_is(field, "Bcc") || seal_field_is(field, "Resent-Bcc");
}

static void
sort_fields(Letter *letter)
{
    const SealEntity *mail = letter->entity;
    const char *encoding = seal_transfer_choose(mail, letter->transfer);
    SealMemorySink outer;
    SealMemorySink head;

    seal_memory_sink_init(&outer);
    seal_memory_sink_init(&head);
    for (guint i = 0; i < mail->fields->len; i++) {
        const SealField *field = &g_array_index(mail->fields, SealField, i);

        if (seal_field_is(field, "MIME-Version") || is_blind(field) ||
            (encoding && seal_field_is(field, "Content-Transfer-Encoding")))
            continue;
        put_field(seal_field_is_mime(field) ? &head.sink : &outer.sink, field->raw);
    }
    put_missing_fields(letter, encoding, &head.sink);
    seal_sink_put_text(&head.sink, "\r\n");
    letter->draft.outer = seal_memory_sink_finish(&outer);
    letter->draft.head = seal_memory_sink_finish(&head);
}

SealDraft *
seal_draft_new(GBytes *mail, SealTransfer transfer, GError **error)
{
    SealBytes bytes = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = NULL;
    Letter *letter = NULL;

    if (bytes.len > SEAL_MAIL_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot protect the mail: it has more than %d MiB",
                    (int)(SEAL_MAIL_MAX / (1024 * 1024)));
        return NULL;
    }
    entity = seal_entity_parse(bytes);
    if (!check_mail(entity, error))
        return NULL;
    letter = g_new0(Letter, 1);
    letter->mail = g_bytes_ref(mail);
    letter->entity = g_steal_pointer(&entity);
    letter->transfer = transfer;
    letter->draft.put_body = put_letter_body;
    letter->draft.free_rest = free_letter;
    sort_fields(letter);
    return &letter->draft;
}

gboolean
seal_mail_split(GBytes *mail, SealTransfer transfer, GBytes **ret_outer, GBytes **ret_inner,
                GError **error)
{
    g_autoptr(SealDraft) letter = seal_draft_new(mail, transfer, error);
    SealMemorySink memory;

    if (!letter)
        return FALSE;
    seal_memory_sink_init(&memory);
    seal_draft_put_entity(letter, &memory.sink);
    *ret_outer = g_bytes_ref(letter->outer);
    *ret_inner = seal_memory_sink_finish(&memory);
    return TRUE;
}

/* -- heads of what protects it ---------------------------------------------------------------- */

/* 128 random bits: no mail contains it by chance, and nobody can put it there beforehand. */
char *
seal_mail_boundary_new(void)
{
    unsigned char random[16];
    g_autoptr(GString) text = g_string_new("seal-");

    if (RAND_bytes(random, sizeof random) != 1)
        g_error("the random generator failed");
    for (gsize i = 0; i < sizeof random; i++)
        g_string_append_printf(text, "%02x", random[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static GBytes *
take_text(char *text)
{
    return g_bytes_new_take(text, strlen(text));
}

GBytes *
seal_mail_signed_head(const char *micalg, const char *boundary)
{
    return take_text(g_strdup_printf("Content-Type: multipart/signed; micalg=\"%s\";\r\n"
                                     "\tprotocol=\"application/pkcs7-signature\";\r\n"
                                     "\tboundary=\"%s\"\r\n"
                                     "\r\n",
                                     micalg, boundary));
}

GBytes *
seal_mail_opaque_head(const char *smime_type)
{
    /* RFC 8551 3.2.1 */
    const char *name = g_str_equal(smime_type, "compressed-data") ? "smime.p7z" : "smime.p7m";

    return take_text(g_strdup_printf("Content-Type: application/pkcs7-mime; smime-type=%s;\r\n"
                                     "\tname=\"%s\"\r\n"
                                     "Content-Transfer-Encoding: base64\r\n"
                                     "Content-Disposition: attachment; filename=\"%s\"\r\n"
                                     "\r\n",
                                     smime_type, name, name));
}

void
seal_mail_put_signature(SealSink *sink, const char *boundary, GBytes *signature)
{
    SealBase64Sink base64;

    seal_sink_put_text(sink, "\r\n--");
    seal_sink_put_text(sink, boundary);
    seal_sink_put_text(sink, "\r\n"
                             "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                             "Content-Transfer-Encoding: base64\r\n"
                             "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
                             "\r\n");
    seal_base64_sink_init(&base64, SEAL_MAIL_BASE64, sink);
    seal_sink_put_bytes(&base64.sink, signature);
    seal_sink_finish(&base64.sink);
    seal_sink_put_text(sink, "\r\n--");
    seal_sink_put_text(sink, boundary);
    seal_sink_put_text(sink, "--\r\n");
}
