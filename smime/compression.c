/* CompressedData (RFC 3274). Its reader trusts nothing that a stream says of itself: what comes out
 * is counted, and the first byte beyond the limit ends it, since a few hundred kilobytes can stand
 * for as many megabytes. The stream must end where its octets do: what another reader might find
 * behind it is no part of the mail. */
#include "smime/compression.h"

#include "base/error.h"
#include "smime/entity.h"
#include "smime/mail.h"
#include "smime/sign.h"

#include <openssl/objects.h>
#include <zlib.h>

#define FIRST_ROOM ((gsize)64 * 1024) /* bytes; doubled as often as needed */

/* -- expanding -------------------------------------------------------------------------------- */

/* Where the bytes go that come out. */
typedef struct {
    guint8 *bytes;
    gsize len;
    gsize room;
    gsize max;
} Output;

/* Makes room for more; FALSE at the limit. There is one byte more than the limit, which tells a
 * stream that ends there from one that goes on. */
static gboolean
grow(Output *output)
{
    gsize room = output->room == 0 ? FIRST_ROOM : output->room * 2;

    if (output->room > output->max)
        return FALSE;
    output->room = MIN(room, output->max + 1);
    output->bytes = g_realloc(output->bytes, output->room);
    return TRUE;
}

/* Runs until the stream ends, is found wrong, or has given more than the limit. Returns what zlib
 * said last. */
static int
inflate_all(z_stream *stream, Output *output)
{
    int said = Z_OK;

    while (said == Z_OK && output->len <= output->max) {
        if (output->len == output->room && !grow(output))
            break;
        stream->next_out = output->bytes + output->len;
        stream->avail_out = (uInt)(output->room - output->len);
        said = inflate(stream, Z_NO_FLUSH);
        output->len = output->room - stream->avail_out;
    }
    return said;
}

static SealVerdict
expand(SealBytes packed, Output *output, const char **ret_reason)
{
    z_stream stream = {.next_in = (Bytef *)packed.data, .avail_in = (uInt)packed.len};
    int said = Z_OK;
    gboolean whole = FALSE;

    if (inflateInit(&stream) != Z_OK)
        g_error("zlib cannot start");
    said = inflate_all(&stream, output);
    whole = said == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (output->len > output->max) {
        *ret_reason = "it is compressed, and larger than is looked at when expanded";
        return SEAL_VERDICT_RESOURCE_LIMIT;
    }
    if (!whole) {
        *ret_reason = "its compressed content is damaged, ask the sender to send it again";
        return SEAL_VERDICT_MALFORMED;
    }
    return SEAL_VERDICT_OK;
}

/* RFC 3274 2: id-alg-zlibCompress without parameters; some write NULL. */
static gboolean
is_zlib(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    int type = 0;

    X509_ALGOR_get0(&object, &type, NULL, algorithm);
    return OBJ_obj2nid(object) == NID_zlib_compression &&
           (type == V_ASN1_UNDEF || type == V_ASN1_NULL);
}

SealVerdict
seal_compressed_data_expand(const SealCompressedData *data, gsize max, GBytes **ret_content,
                            const char **ret_reason)
{
    Output output = {.max = max};
    SealVerdict verdict = SEAL_VERDICT_OK;
    SealBytes packed = {0};

    if (!is_zlib(data->algorithm)) {
        *ret_reason = "it is compressed in a way that is not known here, ask the sender to send it "
                      "uncompressed";
        return SEAL_VERDICT_UNSUPPORTED;
    }
    if (OBJ_obj2nid(data->encapsulated->type) != NID_pkcs7_data || !data->encapsulated->content) {
        *ret_reason = "its compressed content is no mail";
        return SEAL_VERDICT_MALFORMED;
    }
    packed.data = seal_octets(data->encapsulated->content, &packed.len);
    verdict = expand(packed, &output, ret_reason);
    if (verdict == SEAL_VERDICT_OK)
        *ret_content = g_bytes_new(output.bytes, output.len);
    g_free(output.bytes);
    return verdict;
}

/* -- compressing ------------------------------------------------------------------------------ */

static void
deflate_into(ASN1_OCTET_STRING *octets, GBytes *content)
{
    SealBytes bytes = seal_bytes_view(content);
    uLongf len = compressBound((uLong)bytes.len);
    unsigned char *out = OPENSSL_malloc(len);

    if (!out || compress(out, &len, bytes.data, (uLong)bytes.len) != Z_OK)
        g_error("out of memory for a compressed mail");
    ASN1_STRING_set0(octets, out, (int)len);
}

GBytes *
seal_mail_compress(GBytes *mail, GError **error)
{
    g_autoptr(SealCompressedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealCompressedData));
    g_autoptr(GBytes) outer = NULL;
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(GBytes) cms = NULL;

    if (!seal_mail_split(mail, SEAL_TRANSFER_ANY, &outer, &inner, error))
        return NULL;
    ASN1_INTEGER_set(data->version, 0);
    X509_ALGOR_set0(data->algorithm, OBJ_nid2obj(NID_zlib_compression), V_ASN1_UNDEF, NULL);
    ASN1_OBJECT_free(data->encapsulated->type);
    data->encapsulated->type = OBJ_nid2obj(NID_pkcs7_data);
    data->encapsulated->content = ASN1_OCTET_STRING_new();
    deflate_into(data->encapsulated->content, inner);
    cms = seal_content_info_write(NID_id_smime_ct_compressedData, g_steal_pointer(&data),
                                  ASN1_ITEM_rptr(SealCompressedData));
    return seal_mail_join_opaque(outer, cms, "compressed-data");
}
