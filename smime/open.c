/* Peeling a mail: each round reads one entity, finds out what it is, judges or opens it, and goes
 * on with what was inside, until something is plain or cannot be opened. The layers' verdicts are
 * made elsewhere (verify.c, decrypt.c), and become one in conclusion.c.
 *
 * What a reader may be shown is exactly the bytes the last layer covers. A signed or encrypted part
 * inside of a foreign multipart stays closed (parts.c): text that was decrypted never gets into
 * surroundings that somebody else wrote. */
#include "smime/open.h"

#include "base/error.h"
#include "smime/cms.h"
#include "smime/compression.h"
#include "smime/conclusion.h"
#include "smime/decrypt.h"
#include "smime/detached.h"
#include "smime/entity.h"
#include "smime/kind.h"
#include "smime/mail.h"
#include "smime/message.h"
#include "smime/parts.h"
#include "smime/sender.h"
#include "smime/sign.h"
#include "smime/verify.h"

#include <openssl/objects.h>

typedef struct {
    const SealOpenOptions *options;
    SealVerifyPolicy policy;
    SealReport *report;
    SealEntity *mail;   /* (nullable) the outermost entity: none around a bare message */
    GBytes *current;    /* the entity of this round */
    gboolean stopped;   /* a layer could not be opened: its verdict is the report's */
    gboolean encrypted; /* an encrypted layer was opened */
    gsize expandable;   /* what compressed layers may still become, all together */
    GError *error;
} Peeling;

/* -- layers ----------------------------------------------------------------------------------- */

static SealLayerReport *
add_layer(Peeling *peeling, SealLayerType type)
{
    SealLayerReport *layer = seal_layer_report_new(type);

    g_ptr_array_add(peeling->report->layers, layer);
    return layer;
}

static void
stop(Peeling *peeling, SealLayerReport *layer)
{
    peeling->stopped = TRUE;
    seal_report_set(peeling->report, layer->verdict, layer->reason);
}

static void
stop_because(Peeling *peeling, SealLayerReport *layer, SealVerdict verdict, const char *reason)
{
    layer->verdict = verdict;
    g_free(layer->reason);
    layer->reason = g_strdup(reason);
    stop(peeling, layer);
}

/* Takes `content` (nullable: nothing inside to go on with). */
static void
go_on_with(Peeling *peeling, GBytes *content)
{
    g_bytes_unref(peeling->current);
    peeling->current = content;
}

/* The structure in `message`, an `item`; NULL if it is none. */
static gpointer
unpack(const SealMessage *message, const ASN1_ITEM *item)
{
    return ASN1_item_unpack(message->info->content->value.sequence, item);
}

/* -- signed ----------------------------------------------------------------------------------- */

static void
judge_signed(Peeling *peeling, const SealSignedData *data, GBytes *content, SealLayerReport *layer)
{
    seal_signed_data_judge(data, seal_bytes_view(content), &peeling->policy, layer);
    if (layer->verdict == SEAL_VERDICT_RESOURCE_LIMIT)
        stop(peeling, layer);
    else
        go_on_with(peeling, g_bytes_ref(content));
}

static void
open_signed(Peeling *peeling, const SealMessage *message)
{
    SealLayerReport *layer = add_layer(peeling, SEAL_LAYER_SIGNED);
    g_autoptr(SealSignedData) data = unpack(message, ASN1_ITEM_rptr(SealSignedData));
    g_autoptr(GBytes) content = NULL;

    if (!data) {
        stop_because(peeling, layer, SEAL_VERDICT_MALFORMED, "its signed data cannot be read");
        return;
    }
    if (!data->encapsulated->content && sk_SealSignerInfo_num(data->signers) == 0) {
        layer->type = SEAL_LAYER_CERTS_ONLY;
        stop_because(peeling, layer, SEAL_VERDICT_CERTS_ONLY,
                     "it brings certificates and no message");
        return;
    }
    if (!data->encapsulated->content) {
        stop_because(peeling, layer, SEAL_VERDICT_MALFORMED,
                     "it is signed, but what was signed is missing");
        return;
    }
    content = seal_message_content(message, data->encapsulated->content);
    judge_signed(peeling, data, content, layer);
}

static SealSignedData *
read_detached(const SealEntity *entity, GBytes *owner)
{
    g_autoptr(GBytes) der = seal_entity_decode(entity, owner);

    if (!der || !seal_kind_is_signature(entity) || entity->defect)
        return NULL;
    return seal_signed_data_read(seal_bytes_view(der));
}

/* The signed part as it was signed: its raw bytes, or with CRLF where the whole mail was stored
 * with the line ends of this system. */
static GBytes *
signed_bytes(const SealEntity *mail, GBytes *owner, SealBytes part)
{
    g_autoptr(GBytes) raw = seal_bytes_slice(owner, part);

    return seal_mail_has_unix_lines(mail->whole) ? seal_mail_canonical(raw) : g_bytes_ref(raw);
}

static void
open_multipart(Peeling *peeling, const SealEntity *entity)
{
    SealLayerReport *layer = add_layer(peeling, SEAL_LAYER_SIGNED);
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));
    g_autoptr(SealEntity) signature = NULL;
    g_autoptr(SealSignedData) data = NULL;
    g_autoptr(GBytes) content = NULL;
    const char *wrong = seal_entity_split(entity, parts);

    layer->detached = TRUE;
    if (!wrong &&
        !seal_entity_has_no_encoding(entity)) /* others may undo it, and see other parts */
        wrong = "it is multipart/signed, but has a Content-Transfer-Encoding around its parts";
    if (!wrong &&
        parts->len != 2) /* RFC 1847 2.1: a third part would be shown, but is not signed */
        wrong = "it is multipart/signed, but has not exactly two parts";
    if (wrong) {
        stop_because(peeling, layer,
                     parts->len > SEAL_PARTS_MAX ? SEAL_VERDICT_RESOURCE_LIMIT
                                                 : SEAL_VERDICT_MALFORMED,
                     wrong);
        return;
    }
    signature = seal_entity_parse(g_array_index(parts, SealBytes, 1));
    data = read_detached(signature, peeling->current);
    if (!data || data->encapsulated->content) {
        stop_because(peeling, layer, SEAL_VERDICT_MALFORMED,
                     data ? "its detached signature carries a content of its own"
                          : "its signature part cannot be read");
        return;
    }
    content = signed_bytes(entity, peeling->current, g_array_index(parts, SealBytes, 0));
    judge_signed(peeling, data, content, layer);
}

/* -- encrypted -------------------------------------------------------------------------------- */

/* A key that does not fit leaves a CBC padding intact once in 256 times; what comes out then is no
 * mail. Good content has a header field, an empty line, or is text all through. */
static gboolean
is_mail_content(GBytes *content)
{
    SealBytes bytes = seal_bytes_view(content);
    g_autoptr(SealEntity) entity = seal_entity_parse(bytes);

    if (entity->fields->len > 0 || bytes.len == 0 || bytes.data[0] == '\n' ||
        (bytes.len > 1 && bytes.data[0] == '\r' && bytes.data[1] == '\n'))
        return TRUE;
    return g_utf8_validate_len((const char *)bytes.data, bytes.len, NULL);
}

/* Adds the ciphertext to `envelope`. */
static void
open_envelope(Peeling *peeling, const SealMessage *message, SealEnvelope *envelope,
              SealLayerReport *layer)
{
    const ASN1_OCTET_STRING *string = envelope->encrypted->content;
    g_autoptr(GBytes) ciphertext = string ? seal_message_content(message, string) : NULL;
    g_autoptr(GBytes) content = NULL;

    if (ciphertext)
        envelope->content = seal_bytes_view(ciphertext);

    if (!seal_envelope_open(envelope, peeling->options->unwrapper, layer, &content,
                            &peeling->error)) {
        peeling->stopped = TRUE;
        return;
    }
    if (!content) {
        stop(peeling, layer);
        return;
    }
    if (!envelope->authenticated && !is_mail_content(content)) {
        stop_because(
            peeling, layer, SEAL_VERDICT_DECRYPT_FAILED,
            "it cannot be opened with the key it names: it was damaged or made wrongly, ask "
            "the sender to send it again");
        return;
    }
    peeling->encrypted = TRUE;
    go_on_with(peeling, g_steal_pointer(&content));
}

static void
open_enveloped(Peeling *peeling, const SealMessage *message)
{
    SealLayerReport *layer = add_layer(peeling, SEAL_LAYER_ENCRYPTED);
    g_autoptr(SealEnvelopedData) data = unpack(message, ASN1_ITEM_rptr(SealEnvelopedData));
    SealEnvelope envelope = {0};

    if (!data) {
        stop_because(peeling, layer, SEAL_VERDICT_MALFORMED, "its enveloped data cannot be read");
        return;
    }
    envelope.recipients = data->recipients;
    envelope.encrypted = data->encrypted;
    open_envelope(peeling, message, &envelope, layer);
}

static void
open_auth_enveloped(Peeling *peeling, const SealMessage *message)
{
    SealLayerReport *layer = add_layer(peeling, SEAL_LAYER_AUTH_ENCRYPTED);
    g_autoptr(SealAuthEnvelopedData) data = unpack(message, ASN1_ITEM_rptr(SealAuthEnvelopedData));
    SealEnvelope envelope = {.authenticated = TRUE};

    if (!data) {
        stop_because(peeling, layer, SEAL_VERDICT_MALFORMED, "its enveloped data cannot be read");
        return;
    }
    envelope.recipients = data->recipients;
    envelope.encrypted = data->encrypted;
    envelope.mac = data->mac;
    envelope.authenticated_attributes = data->authenticated;
    open_envelope(peeling, message, &envelope, layer);
}

/* -- compressed ------------------------------------------------------------------------------- */

static void
open_compressed(Peeling *peeling, const SealMessage *message)
{
    SealLayerReport *layer = add_layer(peeling, SEAL_LAYER_COMPRESSED);
    g_autoptr(SealCompressedData) data = unpack(message, ASN1_ITEM_rptr(SealCompressedData));
    g_autoptr(GBytes) packed = NULL;
    GBytes *content = NULL;
    const char *reason = "its compressed data cannot be read";

    if (data && data->encapsulated->content)
        packed = seal_message_content(message, data->encapsulated->content);
    if (data)
        layer->verdict =
            seal_compressed_data_expand(data, packed, peeling->expandable, &content, &reason);
    if (!content) {
        stop_because(peeling, layer, layer->verdict, reason);
        return;
    }
    peeling->expandable -= g_bytes_get_size(content);
    layer->verdict = SEAL_VERDICT_OK_PLAIN;
    seal_layer_report_add_algorithm(layer, "zlib");
    go_on_with(peeling, content);
}

/* -- which layer ------------------------------------------------------------------------------ */

/* Whether this question goes into a layer of that type; compression is none of its own. */
static gboolean
is_asked(const Peeling *peeling, gboolean envelope)
{
    switch (peeling->options->mode) {
    case SEAL_OPEN_VERIFY:
        return !envelope;
    case SEAL_OPEN_DECRYPT:
        return envelope || !peeling->encrypted;
    default:
        return TRUE;
    }
}

/* `message`: (nullable) it cannot be read. */
static void
open_message(Peeling *peeling, const SealMessage *message)
{
    int nid = message ? OBJ_obj2nid(message->info->type) : NID_undef;

    if (!message)
        stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_MALFORMED,
                     "it says it is S/MIME, but cannot be read");
    else if (nid == NID_pkcs7_signed)
        open_signed(peeling, message);
    else if (nid == NID_pkcs7_enveloped)
        open_enveloped(peeling, message);
    else if (nid == NID_id_smime_ct_authEnvelopedData)
        open_auth_enveloped(peeling, message);
    else if (seal_content_info_is_compressed(message->info))
        open_compressed(peeling, message);
    else
        stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_UNSUPPORTED,
                     "it is a kind of S/MIME message that is not known here");
}

/* One CMS message; FALSE if it is left closed because it was not asked for. */
static gboolean
open_cms(Peeling *peeling, const SealEntity *entity)
{
    g_autoptr(SealMessage) message = seal_part_read_cms(entity, peeling->current);

    if (message && !seal_content_info_is_compressed(message->info) &&
        !is_asked(peeling, seal_content_info_is_envelope(message->info)))
        return FALSE;
    open_message(peeling, message);
    return TRUE;
}

/* A mail whose header can be read in two ways may be S/MIME for another reader, whatever it is for
 * this one. What was opened or verified is its sender's affair. */
static gboolean
is_ambiguous(Peeling *peeling, const SealEntity *entity)
{
    if (!entity->defect || peeling->report->layers->len > 0)
        return FALSE;
    stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_MALFORMED,
                 entity->defect);
    return TRUE;
}

/* One round; FALSE when there is nothing more to peel. */
static gboolean
peel_once(Peeling *peeling)
{
    g_autoptr(GBytes) keep = g_bytes_ref(peeling->current);
    g_autoptr(SealEntity) entity = seal_entity_parse(seal_bytes_view(keep));
    SealKind kind = seal_kind_of(entity);

    if (is_ambiguous(peeling, entity))
        return FALSE;
    if (kind == SEAL_KIND_PLAIN || (kind == SEAL_KIND_MULTIPART && !is_asked(peeling, FALSE)))
        return FALSE;
    if (peeling->report->layers->len >= SEAL_LAYERS_MAX)
        stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_NESTING_LIMIT,
                     "it has more layers than are opened");
    else if (kind == SEAL_KIND_FOREIGN)
        stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_UNSUPPORTED,
                     "it is signed, but not as S/MIME");
    else if (entity->defect)
        stop_because(peeling, add_layer(peeling, SEAL_LAYER_UNKNOWN), SEAL_VERDICT_MALFORMED,
                     entity->defect);
    else if (kind == SEAL_KIND_MULTIPART)
        open_multipart(peeling, entity);
    else if (!open_cms(peeling, entity))
        return FALSE;
    return !peeling->stopped;
}

/* -- the way through -------------------------------------------------------------------------- */

/* Takes `senders` (nullable: addresses are not checked) and `sent_by` (nullable). */
static void
set_policy(Peeling *peeling, GPtrArray *senders, GPtrArray *sent_by)
{
    const SealOpenOptions *options = peeling->options;

    peeling->policy.trust = options->trust;
    peeling->policy.purpose = SEAL_PURPOSE_SIGN_MAIL;
    peeling->policy.senders = senders;
    peeling->policy.sent_by = sent_by;
    peeling->policy.at = options->at != 0 ? options->at : g_get_real_time() / G_USEC_PER_SEC;
}

static void
start(Peeling *peeling, GBytes *mail)
{
    SealBytes bytes = seal_mail_without_mbox_line(seal_bytes_view(mail));
    SealEntity *entity = seal_entity_parse(bytes);

    peeling->mail = entity;
    peeling->report = seal_report_new();
    if (entity->fields->len == 0) {
        seal_report_set(peeling->report, SEAL_VERDICT_MALFORMED,
                        "this is no mail: it does not start with a header field such as From");
        peeling->stopped = TRUE;
    }
    peeling->current = seal_bytes_slice(mail, bytes);
    set_policy(peeling, seal_mail_senders(entity, peeling->options->from),
               seal_mail_sent_by(entity));
    g_ptr_array_unref(peeling->report->warnings);
    peeling->report->warnings = seal_mail_sender_warnings(entity);
}

static void
refuse_size(SealReport **ret_report)
{
    *ret_report = seal_report_new();
    seal_report_set(*ret_report, SEAL_VERDICT_RESOURCE_LIMIT, "it has more than 256 MiB");
}

/* Hands over what `peeling` found, and frees the rest. */
static gboolean
finish(Peeling *peeling, SealReport **ret_report, GBytes **ret_content, GError **error)
{
    g_clear_pointer(&peeling->policy.senders, g_ptr_array_unref);
    g_clear_pointer(&peeling->policy.sent_by, g_ptr_array_unref);
    g_clear_pointer(&peeling->mail, seal_entity_free);
    if (peeling->error) {
        g_bytes_unref(peeling->current);
        seal_report_free(peeling->report);
        g_propagate_error(error, peeling->error);
        return FALSE;
    }
    if (peeling->stopped)
        g_bytes_unref(peeling->current);
    else
        *ret_content = peeling->current;
    *ret_report = peeling->report;
    return TRUE;
}

gboolean
seal_mail_open(GBytes *mail, const SealOpenOptions *options, SealReport **ret_report,
               GBytes **ret_content, GError **error)
{
    Peeling peeling = {.options = options, .expandable = SEAL_MAIL_MAX};

    *ret_content = NULL;
    if (g_bytes_get_size(mail) > SEAL_MAIL_MAX) {
        refuse_size(ret_report);
        return TRUE;
    }
    start(&peeling, mail);
    while (!peeling.stopped && peel_once(&peeling))
        ;
    if (!peeling.stopped)
        seal_report_conclude(peeling.report, options->mode, peeling.mail, peeling.current);
    return finish(&peeling, ret_report, ret_content, error);
}

/* -- a message without a mail ----------------------------------------------------------------- */

static GPtrArray *
only_sender(const char *address)
{
    GPtrArray *senders = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(senders, g_strdup(address));
    return senders;
}

gboolean
seal_cms_open(GBytes *cms, const SealOpenOptions *options, SealReport **ret_report,
              GBytes **ret_content, GError **error)
{
    SealOpenOptions all = *options;
    Peeling peeling = {.options = &all, .expandable = SEAL_MAIL_MAX};
    g_autoptr(SealMessage) message = NULL;

    *ret_content = NULL;
    all.mode = SEAL_OPEN_ALL;
    if (g_bytes_get_size(cms) > SEAL_MAIL_MAX) {
        refuse_size(ret_report);
        return TRUE;
    }
    message = seal_message_read(cms);
    peeling.report = seal_report_new();
    peeling.current = g_bytes_ref(cms);
    set_policy(&peeling, options->from ? only_sender(options->from) : NULL, NULL);
    open_message(&peeling, message);
    if (!peeling.stopped)
        seal_report_conclude(peeling.report, all.mode, NULL, peeling.current);
    return finish(&peeling, ret_report, ret_content, error);
}
