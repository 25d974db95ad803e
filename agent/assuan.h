/* The lines of the Assuan protocol, as a pinentry speaks it: reading them straight into locked memory,
 * and writing commands whose text cannot become another command. No call blocks. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/secret.h"

#define SEAL_ASSUAN_LINE_MAX 1000u /* bytes of a line without its LF (Assuan manual, "Client requests") */

typedef enum {
    SEAL_ASSUAN_NOTHING, /* no complete line yet */
    SEAL_ASSUAN_OK,
    SEAL_ASSUAN_ERR,     /* `code`; `rest` is the text after it */
    SEAL_ASSUAN_DATA,    /* `rest` is percent-escaped: seal_assuan_data_append() */
    SEAL_ASSUAN_STATUS,  /* `rest` is keyword and text */
    SEAL_ASSUAN_INQUIRE, /* to be answered by END or CAN */
    SEAL_ASSUAN_COMMENT,
    SEAL_ASSUAN_GARBAGE, /* not a line of the protocol, or too long: nothing is read any more */
} SealAssuanKind;

typedef struct {
    SealAssuanKind kind;
    uint32_t code;       /* of ERR: a libgpg-error value */
    const char *rest;    /* not terminated; points into the reader, valid until it is used again */
    size_t rest_len;
} SealAssuanLine;

typedef struct SealAssuanReader SealAssuanReader;

/* (transfer full) */
SealAssuanReader *seal_assuan_reader_new(void);
/* Wipes and frees. NULL is allowed. */
void seal_assuan_reader_free(SealAssuanReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAssuanReader, seal_assuan_reader_free)

/* Reads once from `fd` (non-blocking) into the reader's locked memory; take all lines out by
 * seal_assuan_reader_next() between two calls. Returns the bytes read, 0 at the end of the stream,
 * -errno otherwise (-EAGAIN: nothing there). */
int seal_assuan_reader_fill(SealAssuanReader *reader, int fd);
/* As seal_assuan_reader_fill(), from memory: takes what there is room for, returns how much. */
size_t seal_assuan_reader_feed(SealAssuanReader *reader, const void *data, size_t len);
/* Takes the next line. Its bytes are wiped when the reader is used again. */
SealAssuanLine seal_assuan_reader_next(SealAssuanReader *reader);

/* Appends the decoded bytes of a DATA line to `out`. FALSE if an escape is not %XX or if they do not
 * fit; `out` may hold a part then. */
gboolean seal_assuan_data_append(const SealAssuanLine *line, SealSecret *out);
/* TRUE if a STATUS line has `keyword` and (nullable: any) `text`. */
gboolean seal_assuan_status_is(const SealAssuanLine *line, const char *keyword, const char *text);

/* Makes `text` (any bytes, nullable) fit to be shown: valid UTF-8, no control characters but LF, no
 * invisible and no direction-changing characters, no '<' (a toolkit would take it for markup).
 * (transfer full) */
char *seal_assuan_text_clean(const char *text);
/* As seal_assuan_text_clean(), for a name that others chose (a label, a program): one line, at most
 * 64 characters, then three dots if it was longer. (transfer full) */
char *seal_assuan_name_clean(const char *name);

/* A command line with its LF (transfer full): `verb` (static, trusted) and `text` (nullable) cleaned,
 * with '%', CR and LF escaped, cut at a character so that the line keeps the limit. Not for secrets. */
char *seal_assuan_command(const char *verb, const char *text);
