/* Signatures as text, by OpenSSL's PEM reader and writer. That reader looks for its block anywhere
 * and leaves the rest alone; here the block must be all there is, because people are shown the text
 * beside it. */
#include "smime/armor.h"

#include "base/error.h"
#include "smime/entity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define NAME  "SIGNED MESSAGE"

static const char *const names[] = {NAME, PEM_STRING_CMS, PEM_STRING_PKCS7, NULL};

GBytes *
seal_pem_write(const char *name, GBytes *bytes)
{
    SealBytes view = seal_bytes_view(bytes);
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;
    GBytes *block = NULL;

    if (PEM_write_bio(out, name, "", view.data, (long)view.len) <= 0)
        g_error("out of memory for a block of text");
    len = BIO_get_mem_data(out, &text);
    block = g_bytes_new(text, (gsize)len);
    BIO_free(out);
    return block;
}

GBytes *
seal_armor_write(GBytes *cms)
{
    return seal_pem_write(NAME, cms);
}

static SealBytes
skip_blanks(SealBytes text)
{
    while (text.len > 0 && g_ascii_isspace(text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

static gboolean
starts_with(SealBytes text, const char *start)
{
    return text.len >= strlen(start) && memcmp(text.data, start, strlen(start)) == 0;
}

/* The name of the block that the text starts with, if it is one of ours. */
static const char *
name_of(SealBytes text)
{
    for (guint i = 0; names[i]; i++) {
        g_autofree char *start = g_strconcat(BEGIN, names[i], "-----", NULL);

        if (starts_with(text, start))
            return names[i];
    }
    return NULL;
}

static GBytes *
read_block(BIO *in, const char *expected)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    GBytes *block = NULL;

    if (PEM_read_bio(in, &name, &header, &data, &len) && g_str_equal(name, expected) && !*header)
        block = g_bytes_new(data, (gsize)len);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    ERR_clear_error();
    return block;
}

static gboolean
has_only_blanks(BIO *in)
{
    char c = ' ';

    while (g_ascii_isspace(c))
        if (BIO_read(in, &c, 1) != 1)
            return TRUE;
    return FALSE;
}

GBytes *
seal_armor_read(GBytes *text, GError **error)
{
    SealBytes bytes = skip_blanks(seal_bytes_view(text));
    const char *name = name_of(bytes);
    g_autoptr(GBytes) block = NULL;
    gboolean whole = FALSE;
    BIO *in = NULL;

    if (!starts_with(bytes, BEGIN))
        return g_bytes_ref(text);
    if (name && bytes.len <= G_MAXINT) {
        in = BIO_new_mem_buf(bytes.data, (int)bytes.len);
        block = read_block(in, name);
        whole = has_only_blanks(in);
        BIO_free(in);
    }
    if (block && whole)
        return g_steal_pointer(&block);
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                        block ? "the signature is followed by something that it does not cover"
                              : "the signature is damaged, or none: its text cannot be read");
    return NULL;
}
