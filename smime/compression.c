/* CompressedData (RFC 3274). Its reader trusts nothing that a stream says of itself: what comes out
 * is counted, and the first byte beyond the limit ends it, since a few hundred kilobytes can stand
 * for as many megabytes. The stream must end where its octets do: what another reader might find
 * behind it is no part of the mail. */
#include "smime/compression.h"

#include "base/error.h"
#include "smime/der-frame.h"
#include "smime/mail.h"
#include "smime/plain.h"
#include "smime/sign.h"

#include <openssl/objects.h>
#include <zlib.h>

/* -- expanding -------------------------------------------------------------------------------- */

/* Runs until the stream ends, is found wrong, or has given more than `max` bytes. Returns what zlib
 * said last; the bytes that came out go to `content` (nullable: they are only counted). */
static int
inflate_all(z_stream *stream, gsize max, guint8 *content, gsize *ret_len)
{
    guint8 scratch[16384];
    gsize len = 0;
    int said = Z_OK;

    while (said == Z_OK && len <= max) {
        gsize room = content ? max - len : sizeof scratch;

        stream->next_out = content ? content + len : scratch;
        stream->avail_out = (uInt)room;
        said = inflate(stream, Z_NO_FLUSH);
        len += room - stream->avail_out;
    }
    *ret_len = len;
    return said;
}

/* What zlib makes of the whole of `packed`; a negative number is its error, Z_BUF_ERROR also for
 * what goes on behind the end of the stream. */
static int
inflate_packed(SealBytes packed, gsize max, guint8 *content, gsize *ret_len)
{
    z_stream stream = {.next_in = (Bytef *)packed.data, .avail_in = (uInt)packed.len};
    int said = Z_OK;

    if (inflateInit(&stream) != Z_OK)
        g_error("zlib cannot start");
    said = inflate_all(&stream, max, content, ret_len);
    if (stream.avail_in > 0 && said == Z_STREAM_END)
        said = Z_BUF_ERROR;
    inflateEnd(&stream);
    return said;
}

/* Counted first, then expanded into what it needs: a bomb costs time, and no memory. */
static SealVerdict
expand(SealBytes packed, gsize max, GBytes **ret_content, const char **ret_reason)
{
    gsize len = 0;
    int said = inflate_packed(packed, max, NULL, &len);
    g_autofree guint8 *content = NULL;

    if (len > max) {
        *ret_reason = "it is compressed, and larger than is looked at when expanded";
        return SEAL_VERDICT_RESOURCE_LIMIT;
    }
    if (said != Z_STREAM_END) {
        *ret_reason = "its compressed content is damaged, ask the sender to send it again";
        return SEAL_VERDICT_MALFORMED;
    }
    content = g_malloc(len + 1); /* zlib wants room even to say that it is done */
    said = inflate_packed(packed, len + 1, content, &len);
    g_assert(said == Z_STREAM_END);
    *ret_content = seal_plain_take(g_steal_pointer(&content), len);
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
seal_compressed_data_expand(const SealCompressedData *data, GBytes *packed, gsize max,
                            GBytes **ret_content, const char **ret_reason)
{
    if (!is_zlib(data->algorithm)) {
        *ret_reason = "it is compressed in a way that is not known here, ask the sender to send it "
                      "uncompressed";
        return SEAL_VERDICT_UNSUPPORTED;
    }
    if (OBJ_obj2nid(data->encapsulated->type) != NID_pkcs7_data || !packed) {
        *ret_reason = "its compressed content is no mail";
        return SEAL_VERDICT_MALFORMED;
    }
    return expand(seal_bytes_view(packed), max, ret_content, ret_reason);
}

/* -- compressing ------------------------------------------------------------------------------ */

/* Compresses what is put into it. */
typedef struct {
    SealSink sink;
    z_stream stream;
    GByteArray *out;
} DeflateSink;

static void
deflate_some(DeflateSink *deflating, int flush)
{
    uint8_t room[16384];

    do {
        deflating->stream.next_out = room;
        deflating->stream.avail_out = sizeof room;
        if (deflate(&deflating->stream, flush) == Z_STREAM_ERROR)
            g_error("zlib cannot compress");
        seal_put_bytes(deflating->out, room, sizeof room - deflating->stream.avail_out);
    } while (deflating->stream.avail_out == 0);
}

static void
take_for_deflating(SealSink *sink, const uint8_t *data, gsize len)
{
    DeflateSink *deflating = (DeflateSink *)sink;

    deflating->stream.next_in = (Bytef *)data;
    deflating->stream.avail_in = (uInt)len;
    deflate_some(deflating, Z_NO_FLUSH);
}

/* The zlib stream of the entity of `draft`, or NULL if it is not what it was. */
static GBytes *
deflate_entity(const SealDraft *draft)
{
    DeflateSink deflating = {.out = g_byte_array_new()};
    g_autoptr(GBytes) packed = NULL;
    gboolean same = FALSE;

    if (deflateInit(&deflating.stream, Z_DEFAULT_COMPRESSION) != Z_OK)
        g_error("zlib cannot start");
    seal_sink_init(&deflating.sink, take_for_deflating);
    same = seal_draft_put_entity(draft, &deflating.sink);
    seal_sink_finish(&deflating.sink);
    deflate_some(&deflating, Z_FINISH);
    deflateEnd(&deflating.stream);
    packed = g_byte_array_free_to_bytes(deflating.out);
    return same ? g_steal_pointer(&packed) : NULL;
}

static GBytes *
write_structure(const uint8_t *mark)
{
    g_autoptr(SealCompressedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealCompressedData));

    ASN1_INTEGER_set(data->version, 0);
    X509_ALGOR_set0(data->algorithm, OBJ_nid2obj(NID_zlib_compression), V_ASN1_UNDEF, NULL);
    ASN1_OBJECT_free(data->encapsulated->type);
    data->encapsulated->type = OBJ_nid2obj(NID_pkcs7_data);
    data->encapsulated->content = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(data->encapsulated->content, mark, SEAL_DER_MARK_LEN);
    return seal_content_info_write(NID_id_smime_ct_compressedData, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealCompressedData));
}

/* A draft that keeps what it was compressed to: doing that again for each pass would cost more. */
typedef struct {
    SealDraft draft;
    GBytes *before; /* DER */
    GBytes *packed;
    GBytes *after;
} CompressedDraft;

static gboolean
put_compressed_body(const SealDraft *draft, SealSink *sink)
{
    const CompressedDraft *self = (const CompressedDraft *)draft;
    SealBase64Sink base64;

    seal_base64_sink_init(&base64, SEAL_MAIL_BASE64, sink);
    seal_sink_put_bytes(&base64.sink, self->before);
    seal_sink_put_bytes(&base64.sink, self->packed);
    seal_sink_put_bytes(&base64.sink, self->after);
    seal_sink_finish(&base64.sink);
    return TRUE;
}

static void
free_compressed(SealDraft *draft)
{
    CompressedDraft *self = (CompressedDraft *)draft;

    g_bytes_unref(self->before);
    g_bytes_unref(self->packed);
    g_bytes_unref(self->after);
}

SealDraft *
seal_draft_compress(SealDraft *draft, GError **error)
{
    g_autoptr(SealDraft) inner = draft;
    g_autoptr(GBytes) packed = deflate_entity(inner);
    g_autoptr(GBytes) der = NULL;
    uint8_t mark[SEAL_DER_MARK_LEN];
    CompressedDraft *self = NULL;

    if (!packed) {
        seal_draft_set_changed(error);
        return NULL;
    }
    seal_der_mark_make(mark);
    der = write_structure(mark);
    self = g_new0(CompressedDraft, 1);
    self->draft.outer = g_bytes_ref(inner->outer);
    self->draft.head = seal_mail_opaque_head("compressed-data");
    self->draft.put_body = put_compressed_body;
    self->draft.free_rest = free_compressed;
    seal_der_frame(der, mark, g_bytes_get_size(packed), &self->before, &self->after);
    self->packed = g_steal_pointer(&packed);
    return &self->draft;
}

GBytes *
seal_mail_compress(GBytes *mail, GError **error)
{
    SealDraft *letter = seal_draft_new(mail, SEAL_TRANSFER_ANY, error);
    g_autoptr(SealDraft) draft = letter ? seal_draft_compress(letter, error) : NULL;

    return draft ? seal_draft_to_bytes(draft, error) : NULL;
}
