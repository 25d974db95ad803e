/* What all drafts share. The kinds are made where their fields are known: a letter in mail.c,
 * signed ones in sign.c, encrypted ones in encrypt.c. */
#include "smime/draft.h"

#include "base/error.h"

gboolean
seal_draft_set_changed(GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                        "cannot make the mail: its file was changed meanwhile, try again when "
                        "nobody writes to it");
    return FALSE;
}

gboolean
seal_draft_put_entity(const SealDraft *draft, SealSink *sink)
{
    seal_sink_put_bytes(sink, draft->head);
    return draft->put_body(draft, sink);
}

gboolean
seal_draft_measure(const SealDraft *draft, gsize *ret_len, GError **error)
{
    SealMeasureSink measure;
    gboolean same = FALSE;

    seal_measure_sink_init(&measure, NULL, NULL);
    same = seal_draft_put_entity(draft, &measure.sink);
    seal_measure_sink_finish(&measure);
    *ret_len = measure.len;
    return same || seal_draft_set_changed(error);
}

gboolean
seal_draft_write(const SealDraft *draft, SealSink *sink, GError **error)
{
    seal_sink_put_bytes(sink, draft->outer);
    seal_sink_put_text(sink, "MIME-Version: 1.0\r\n");
    return seal_draft_put_entity(draft, sink) || seal_draft_set_changed(error);
}

GBytes *
seal_draft_to_bytes(const SealDraft *draft, GError **error)
{
    SealMemorySink memory;
    g_autoptr(GBytes) bytes = NULL;
    gboolean written = FALSE;

    seal_memory_sink_init(&memory);
    written = seal_draft_write(draft, &memory.sink, error);
    bytes = seal_memory_sink_finish(&memory);
    return written ? g_steal_pointer(&bytes) : NULL;
}

SealDraft *
seal_draft_ref(SealDraft *draft)
{
    draft->refs++;
    return draft;
}

void
seal_draft_unref(SealDraft *draft)
{
    if (!draft || draft->refs-- > 0)
        return;
    if (draft->free_rest)
        draft->free_rest(draft);
    g_bytes_unref(draft->outer);
    g_clear_pointer(&draft->head, g_bytes_unref);
    g_free(draft);
}

/* -- bytes as they stand ---------------------------------------------------------------------- */

typedef struct {
    SealDraft draft;
    GBytes *content;
} RawDraft;

static gboolean
put_raw(const SealDraft *draft, SealSink *sink)
{
    seal_sink_put_bytes(sink, ((const RawDraft *)draft)->content);
    return TRUE;
}

static void
free_raw(SealDraft *draft)
{
    g_bytes_unref(((RawDraft *)draft)->content);
}

SealDraft *
seal_draft_new_raw(GBytes *content)
{
    RawDraft *raw = g_new0(RawDraft, 1);

    raw->draft.outer = g_bytes_new(NULL, 0);
    raw->draft.head = g_bytes_new(NULL, 0);
    raw->draft.put_body = put_raw;
    raw->draft.free_rest = free_raw;
    raw->content = g_bytes_ref(content);
    return &raw->draft;
}
