/* A mail that is made while it is written. What is to be known of its content beforehand, its
 * digest and its length, was found by a pass over it; the bytes themselves are made again each
 * time, so a draft needs no memory for them. Drafts go into one another: signed ones into encrypted
 * ones. */
#pragma once

#include "smime/sink.h"
#include "smime/transfer.h"

#include <glib.h>

typedef struct SealDraft SealDraft;

/* A mail (RFC 5322) as it is given, CRLF or LF lines; `mail` is kept, not copied. What is in it and
 * what becomes of it: seal_mail_split(), whose errors these are. Returns (transfer full). */
SealDraft *seal_draft_new(GBytes *mail, SealTransfer transfer, GError **error);
SealDraft *seal_draft_ref(SealDraft *draft);
void seal_draft_unref(SealDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealDraft, seal_draft_unref)

/* Writes the whole mail into `sink`, which the caller finishes. FALSE with INVALID_INPUT if the
 * mail that it is made of is not any more what it was (a file that somebody else writes to); what
 * was put into the sink is worthless then. Write a draft once. */
gboolean seal_draft_write(const SealDraft *draft, SealSink *sink, GError **error);

/* Returns (transfer full) the whole mail in memory; NULL as seal_draft_write(). */
GBytes *seal_draft_to_bytes(const SealDraft *draft, GError **error);

/* -- for the makers of drafts ------------------------------------------------------------------ */

/* The first member of each kind of draft. */
struct SealDraft {
    guint refs;    /* beyond the first */
    GBytes *outer; /* the fields outside, CRLF lines */
    GBytes *head;  /* the Content-* fields, and the empty line */
    gboolean (*put_body)(const SealDraft *draft, SealSink *sink); /* FALSE: see above */
    void (*free_rest)(SealDraft *draft); /* (nullable) what the kind adds */
};

/* Bytes that are no mail: they are all there is of it. */
SealDraft *seal_draft_new_raw(GBytes *content);

/* Writes the entity: head and body, without the fields outside. */
gboolean seal_draft_put_entity(const SealDraft *draft, SealSink *sink);

/* Makes the entity once to find its length. FALSE with an error as seal_draft_write(). */
gboolean seal_draft_measure(const SealDraft *draft, gsize *ret_len, GError **error);

/* Sets the error of seal_draft_write(); FALSE. */
gboolean seal_draft_set_changed(GError **error);
