/* Signed mail as a draft: multipart/signed, or opaque. Its content is made twice, once for its
 * digests and once when it is written; if these differ, because the file of the mail was changed
 * in between, the mail gets no end. */
#include "smime/der-frame.h"
#include "smime/mail.h"
#include "smime/signing.h"

typedef struct {
    SealDraft draft;
    SealDraft *inner;
    SealDigests digests;
    char *boundary; /* of multipart/signed */
    GBytes *before; /* DER in front of the content, if it is opaque */
    GBytes *after;  /* behind it; or the detached signature */
} SignedDraft;

static void
free_signed(SealDraft *draft)
{
    SignedDraft *self = (SignedDraft *)draft;

    seal_draft_unref(self->inner);
    seal_digests_clear(&self->digests);
    g_free(self->boundary);
    g_clear_pointer(&self->before, g_bytes_unref);
    g_clear_pointer(&self->after, g_bytes_unref);
}

/* -- writing ---------------------------------------------------------------------------------- */

/* FALSE if it is not what was signed. */
static gboolean
put_content(const SignedDraft *self, SealSink *sink)
{
    g_auto(SealDigests) again = {0};

    for (guint i = 0; i < self->digests.n; i++)
        seal_digests_ask(&again, self->digests.hashes[i]);
    return seal_digests_take(&again, self->inner, sink) &&
           seal_digests_equal(&again, &self->digests);
}

static gboolean
put_multipart(const SealDraft *draft, SealSink *sink)
{
    const SignedDraft *self = (const SignedDraft *)draft;

    seal_sink_put_text(sink, "--");
    seal_sink_put_text(sink, self->boundary);
    seal_sink_put_text(sink, "\r\n");
    if (!put_content(self, sink))
        return FALSE;
    seal_mail_put_signature(sink, self->boundary, self->after);
    return TRUE;
}

static gboolean
put_opaque(const SealDraft *draft, SealSink *sink)
{
    const SignedDraft *self = (const SignedDraft *)draft;
    SealBase64Sink base64;
    gboolean same = FALSE;

    seal_base64_sink_init(&base64, SEAL_MAIL_BASE64, sink);
    seal_sink_put_bytes(&base64.sink, self->before);
    same = put_content(self, &base64.sink);
    if (same)
        seal_sink_put_bytes(&base64.sink, self->after);
    seal_sink_finish(&base64.sink);
    return same;
}

/* -- making ----------------------------------------------------------------------------------- */

/* Takes `inner`. */
static SignedDraft *
new_signed_draft(SealDraft *inner, gboolean opaque)
{
    SignedDraft *self = g_new0(SignedDraft, 1);

    self->inner = inner;
    self->draft.outer = g_bytes_ref(inner->outer);
    self->draft.free_rest = free_signed;
    self->draft.put_body = opaque ? put_opaque : put_multipart;
    self->boundary = opaque ? NULL : seal_mail_boundary_new();
    return self;
}

/* RFC 8551 3.5.3.2: each hash once, in the order of the signers. */
static char *
micalg_of(const SealDigests *digests)
{
    GString *names = g_string_new(digests->hashes[0]->micalg);

    for (guint i = 1; i < digests->n; i++)
        g_string_append_printf(names, ",%s", digests->hashes[i]->micalg);
    return g_string_free(names, FALSE);
}

static GBytes *
new_head(const SignedDraft *self, gboolean opaque)
{
    g_autofree char *micalg = micalg_of(&self->digests);

    return opaque ? seal_mail_opaque_head("signed-data")
                  : seal_mail_signed_head(micalg, self->boundary);
}

static gboolean
sign(SignedDraft *self, const SealSigner *const *signers, guint n_signers,
     const SealSignOptions *options, GError **error)
{
    g_autoptr(GArray) prepared =
        seal_signing_prepare(signers, n_signers, options, &self->digests, error);
    uint8_t mark[SEAL_DER_MARK_LEN];
    g_autoptr(GBytes) cms = NULL;

    if (!prepared)
        return FALSE;
    self->draft.head = new_head(self, options->opaque);
    if (!seal_digests_take(&self->digests, self->inner, NULL))
        return seal_draft_set_changed(error);
    seal_der_mark_make(mark);
    cms = seal_signing_write(prepared, &self->digests, options->opaque ? mark : NULL,
                             options->signing_time, error);
    if (cms && options->opaque)
        seal_der_frame(cms, mark, self->digests.len, &self->before, &self->after);
    else
        self->after = g_steal_pointer(&cms);
    return self->after != NULL;
}

SealDraft *
seal_draft_sign(SealDraft *draft, const SealSigner *const *signers, guint n_signers,
                const SealSignOptions *options, GError **error)
{
    static const SealSignOptions defaults = {0};
    SignedDraft *self = NULL;

    options = options ? options : &defaults;
    seal_headers_protect(options->headers, &draft->outer, &draft->head);
    self = new_signed_draft(draft, options->opaque);
    if (sign(self, signers, n_signers, options, error))
        return &self->draft;
    seal_draft_unref(&self->draft);
    return NULL;
}

GBytes *
seal_mail_sign_all(GBytes *mail, const SealSigner *const *signers, guint n_signers,
                   const SealSignOptions *options, GError **error)
{
    gboolean opaque = options && options->opaque;
    SealDraft *letter =
        seal_draft_new(mail, opaque ? SEAL_TRANSFER_ANY : SEAL_TRANSFER_7BIT, error);
    g_autoptr(SealDraft) draft = NULL;

    if (letter)
        draft = seal_draft_sign(letter, signers, n_signers, options, error);
    return draft ? seal_draft_to_bytes(draft, error) : NULL;
}

GBytes *
seal_mail_sign(GBytes *mail, const SealSigner *signer, const SealSignOptions *options,
               GError **error)
{
    return seal_mail_sign_all(mail, &signer, 1, options, error);
}
