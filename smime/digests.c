/* Several digests of one pass: measuring sinks in a row, each handing on what it digested. */
#include "smime/digests.h"

void
seal_digests_ask(SealDigests *digests, const SealHash *hash)
{
    for (guint i = 0; i < digests->n; i++)
        if (digests->hashes[i] == hash)
            return;
    g_assert(digests->n < SEAL_DIGESTS_MAX);
    digests->hashes[digests->n++] = hash;
}

gboolean
seal_digests_take(SealDigests *digests, const SealDraft *draft, SealSink *next)
{
    SealMeasureSink row[SEAL_DIGESTS_MAX];
    gboolean same = FALSE;

    for (guint i = digests->n; i > 0; i--)
        seal_measure_sink_init(&row[i - 1], EVP_get_digestbynid(digests->hashes[i - 1]->nid),
                               i < digests->n ? &row[i].sink : next);
    same = seal_draft_put_entity(draft, &row[0].sink);
    for (guint i = 0; i < digests->n; i++)
        digests->values[i] = seal_measure_sink_finish(&row[i]);
    digests->len = row[0].len;
    return same;
}

GBytes *
seal_digests_peek(const SealDigests *digests, const SealHash *hash)
{
    guint i = 0;

    while (digests->hashes[i] != hash)
        i++;
    return digests->values[i];
}

gboolean
seal_digests_equal(const SealDigests *a, const SealDigests *b)
{
    if (a->n != b->n)
        return FALSE;
    for (guint i = 0; i < a->n; i++)
        if (a->hashes[i] != b->hashes[i] || !g_bytes_equal(a->values[i], b->values[i]))
            return FALSE;
    return TRUE;
}

void
seal_digests_clear(SealDigests *digests)
{
    for (guint i = 0; i < digests->n; i++)
        g_clear_pointer(&digests->values[i], g_bytes_unref);
}
