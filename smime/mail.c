/* Mails apart and together. GMime would do this too, but strips white space and writes again what
 * it parsed; here every byte of the body stays, but for line ends. */
#include "smime/mail.h"

#include "base/error.h"
#include "smime/entity.h"
#include "smime/sign.h"

#include <openssl/rand.h>
#include <string.h>

#define BASE64_LINE   48 /* bytes; 64 characters, as PEM and every S/MIME program writes */
#define BINARY_NESTED 16 /* levels of multipart that are searched for binary parts */

/* -- line ends -------------------------------------------------------------------------------- */

static gsize
count_bare_lf(SealBytes bytes)
{
    gsize count = 0;

    for (size_t i = 0; i < bytes.len; i++)
        count += bytes.data[i] == '\n' && (i == 0 || bytes.data[i - 1] != '\r');
    return count;
}

GBytes *
seal_mail_canonical(GBytes *bytes)
{
    SealBytes view = seal_bytes_view(bytes);
    gsize more = count_bare_lf(view);
    GByteArray *out = NULL;

    if (more == 0)
        return g_bytes_ref(bytes);
    out = g_byte_array_sized_new((guint)(view.len + more));
    seal_transfer_put_canonical(out, view);
    return g_byte_array_free_to_bytes(out);
}

gboolean
seal_mail_has_unix_lines(SealBytes bytes)
{
    const uint8_t *end = bytes.len > 0 ? memchr(bytes.data, '\n', bytes.len) : NULL;

    return end && (end == bytes.data || end[-1] != '\r');
}

/* -- apart ------------------------------------------------------------------------------------ */

SealBytes
seal_mail_without_mbox_line(SealBytes bytes)
{
    const uint8_t *end = NULL;

    if (bytes.len < 5 || memcmp(bytes.data, "From ", 5) != 0)
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

static void
put_text(GByteArray *out, const char *text)
{
    seal_put_bytes(out, text, strlen(text));
}

/* What describes a body that nothing describes yet. */
static void
put_missing_fields(const SealEntity *mail, const char *encoding, GByteArray *inner)
{
    gboolean ascii = is_ascii(mail->body);

    if (!seal_entity_has(mail, "Content-Type"))
        put_text(inner, ascii ? "Content-Type: text/plain; charset=us-ascii\r\n"
                              : "Content-Type: text/plain; charset=utf-8\r\n");
    if (!encoding && !ascii && !seal_entity_has(mail, "Content-Transfer-Encoding"))
        encoding = "8bit";
    if (encoding) {
        put_text(inner, "Content-Transfer-Encoding: ");
        put_text(inner, encoding);
        put_text(inner, "\r\n");
    }
}

/* The last field of a mail without a body may lack its line end. */
static void
end_line(GByteArray *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '\n')
        seal_put_bytes(out, "\r\n", 2);
}

static void
sort_fields(const SealEntity *mail, const char *encoding, GByteArray *outer, GByteArray *inner)
{
    for (guint i = 0; i < mail->fields->len; i++) {
        const SealField *field = &g_array_index(mail->fields, SealField, i);

        if (seal_field_is(field, "MIME-Version") ||
            (encoding && seal_field_is(field, "Content-Transfer-Encoding")))
            continue;
        seal_transfer_put_canonical(seal_field_is_mime(field) ? inner : outer, field->raw);
    }
    end_line(outer);
    end_line(inner);
    put_missing_fields(mail, encoding, inner);
}

gboolean
seal_mail_split(GBytes *mail, SealTransfer transfer, GBytes **ret_outer, GBytes **ret_inner,
                GError **error)
{
    SealBytes bytes = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = NULL;
    GByteArray *outer = NULL;
    GByteArray *inner = NULL;

    if (bytes.len > SEAL_MAIL_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot protect the mail: it has more than %d MiB",
                    (int)(SEAL_MAIL_MAX / (1024 * 1024)));
        return FALSE;
    }
    entity = seal_entity_parse(bytes);
    if (!check_mail(entity, error))
        return FALSE;
    outer = g_byte_array_new();
    inner = g_byte_array_sized_new((guint)(entity->body.len + 512));
    sort_fields(entity, seal_transfer_choose(entity, transfer), outer, inner);
    put_text(inner, "\r\n");
    seal_transfer_put_body(inner, entity, transfer);
    *ret_outer = g_byte_array_free_to_bytes(outer);
    *ret_inner = g_byte_array_free_to_bytes(inner);
    return TRUE;
}

/* -- together --------------------------------------------------------------------------------- */

static void
put_whole(GByteArray *out, GBytes *bytes)
{
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(bytes, &len);

    seal_put_bytes(out, data, len);
}

static void
put_base64(GByteArray *out, GBytes *bytes)
{
    SealBytes view = seal_bytes_view(bytes);

    for (size_t at = 0; at < view.len; at += BASE64_LINE) {
        char line[BASE64_LINE / 3 * 4 + 8];
        gint state = 0;
        gint save = 0;
        gsize len = g_base64_encode_step(view.data + at, MIN(BASE64_LINE, view.len - at), FALSE,
                                         line, &state, &save);

        len += g_base64_encode_close(FALSE, line + len, &state, &save);
        seal_put_bytes(out, line, len);
        put_text(out, "\r\n");
    }
}

/* 128 random bits: no mail contains it by chance, and nobody can put it there beforehand. */
static char *
new_boundary(void)
{
    unsigned char random[16];
    g_autoptr(GString) text = g_string_new("seal-");

    if (RAND_bytes(random, sizeof random) != 1)
        g_error("the random generator failed");
    for (gsize i = 0; i < sizeof random; i++)
        g_string_append_printf(text, "%02x", random[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

GBytes *
seal_mail_join_signed(GBytes *outer, GBytes *inner, GBytes *signature, const char *micalg)
{
    GByteArray *out = g_byte_array_sized_new((guint)g_bytes_get_size(inner) + 16384);
    g_autofree char *boundary = new_boundary();
    g_autofree char *head = g_strdup_printf("MIME-Version: 1.0\r\n"
                                            "Content-Type: multipart/signed; micalg=\"%s\";\r\n"
                                            "\tprotocol=\"application/pkcs7-signature\";\r\n"
                                            "\tboundary=\"%s\"\r\n"
                                            "\r\n"
                                            "--%s\r\n",
                                            micalg, boundary, boundary);
    g_autofree char *middle =
        g_strdup_printf("\r\n--%s\r\n"
                        "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                        "Content-Transfer-Encoding: base64\r\n"
                        "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
                        "\r\n",
                        boundary);

    put_whole(out, outer);
    put_text(out, head);
    put_whole(out, inner);
    put_text(out, middle);
    put_base64(out, signature);
    put_text(out, "\r\n--");
    put_text(out, boundary);
    put_text(out, "--\r\n");
    return g_byte_array_free_to_bytes(out);
}

GBytes *
seal_mail_join_opaque(GBytes *outer, GBytes *cms, const char *smime_type)
{
    /* RFC 8551 3.2.1 */
    const char *name = g_str_equal(smime_type, "compressed-data") ? "smime.p7z" : "smime.p7m";
    GByteArray *out = g_byte_array_sized_new((guint)(g_bytes_get_size(cms) / 2 * 3) + 1024);
    g_autofree char *head =
        g_strdup_printf("MIME-Version: 1.0\r\n"
                        "Content-Type: application/pkcs7-mime; smime-type=%s;\r\n"
                        "\tname=\"%s\"\r\n"
                        "Content-Transfer-Encoding: base64\r\n"
                        "Content-Disposition: attachment; filename=\"%s\"\r\n"
                        "\r\n",
                        smime_type, name, name);

    put_whole(out, outer);
    put_text(out, head);
    put_base64(out, cms);
    return g_byte_array_free_to_bytes(out);
}
