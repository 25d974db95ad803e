/* Mails apart and together. GMime would do this too, but strips white space and writes again what
 * it parsed; here every byte of the body stays, but for line ends. */
#include "smime/mail.h"

#include "base/error.h"
#include "smime/entity.h"
#include "smime/sign.h"

#include <openssl/rand.h>
#include <string.h>

#define BASE64_LINE   48 /* bytes; 64 characters, as PEM and every S/MIME program writes */
#define BINARY_NESTED 8  /* levels of multipart that are searched for binary parts */

/* -- line ends -------------------------------------------------------------------------------- */

static gsize
count_bare_lf(SealBytes bytes)
{
    gsize count = 0;

    for (size_t i = 0; i < bytes.len; i++)
        count += bytes.data[i] == '\n' && (i == 0 || bytes.data[i - 1] != '\r');
    return count;
}

static void
append_canonical(GByteArray *out, SealBytes bytes)
{
    size_t done = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != '\n' || (i > 0 && bytes.data[i - 1] == '\r'))
            continue;
        seal_put_bytes(out, bytes.data + done, i - done);
        seal_put_bytes(out, "\r\n", 2);
        done = i + 1;
    }
    seal_put_bytes(out, bytes.data + done, bytes.len - done);
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
    append_canonical(out, view);
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

/* Canonical line ends would damage a part that is stated to be binary. */
static gboolean
has_binary_part(const SealEntity *entity, guint depth)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));

    if (g_str_equal(entity->encoding, "binary"))
        return TRUE;
    if (depth == 0 || !g_str_has_prefix(entity->type, "multipart/"))
        return FALSE;
    seal_entity_split(entity, parts);
    for (guint i = 0; i < parts->len; i++) {
        g_autoptr(SealEntity) part = seal_entity_parse(g_array_index(parts, SealBytes, i));

        if (has_binary_part(part, depth - 1))
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
    else if (has_binary_part(mail, BINARY_NESTED))
        wrong = "a part has the Content-Transfer-Encoding binary, encode it as base64 first";
    if (!wrong)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "cannot protect the mail: %s", wrong);
    return FALSE;
}

static const char *
plain_text_fields(SealBytes body)
{
    for (size_t i = 0; i < body.len; i++)
        if (body.data[i] >= 0x80)
            return "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    return "Content-Type: text/plain; charset=us-ascii\r\n";
}

static void
sort_fields(const SealEntity *mail, GByteArray *outer, GByteArray *inner)
{
    gboolean typed = FALSE;

    for (guint i = 0; i < mail->fields->len; i++) {
        const SealField *field = &g_array_index(mail->fields, SealField, i);

        typed |= seal_field_is(field, "Content-Type");
        if (seal_field_is(field, "MIME-Version"))
            continue;
        append_canonical(seal_field_is_mime(field) ? inner : outer, field->raw);
    }
    if (!typed) {
        const char *fields = plain_text_fields(mail->body);

        seal_put_bytes(inner, fields, strlen(fields));
    }
}

/* The last field of a mail without a body may lack its line end. */
static void
end_line(GByteArray *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '\n')
        seal_put_bytes(out, "\r\n", 2);
}

gboolean
seal_mail_split(GBytes *mail, GBytes **ret_outer, GBytes **ret_inner, GError **error)
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
    sort_fields(entity, outer, inner);
    end_line(outer);
    end_line(inner);
    seal_put_bytes(inner, "\r\n", 2);
    append_canonical(inner, entity->body);
    *ret_outer = g_byte_array_free_to_bytes(outer);
    *ret_inner = g_byte_array_free_to_bytes(inner);
    return TRUE;
}

/* -- together --------------------------------------------------------------------------------- */

static void
put_text(GByteArray *out, const char *text)
{
    seal_put_bytes(out, text, strlen(text));
}

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
    GByteArray *out = g_byte_array_sized_new((guint)(g_bytes_get_size(cms) / 2 * 3) + 1024);
    g_autofree char *head =
        g_strdup_printf("MIME-Version: 1.0\r\n"
                        "Content-Type: application/pkcs7-mime; smime-type=%s;\r\n"
                        "\tname=\"smime.p7m\"\r\n"
                        "Content-Transfer-Encoding: base64\r\n"
                        "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n"
                        "\r\n",
                        smime_type);

    put_whole(out, outer);
    put_text(out, head);
    put_base64(out, cms);
    return g_byte_array_free_to_bytes(out);
}
