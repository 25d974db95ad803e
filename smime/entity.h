/* A MIME entity (RFC 2045) as ranges of the bytes it came in: nothing is decoded, folded or written
 * again, so that what is hashed is what was received. */
#pragma once

#include "base/bytes.h"

#include <glib.h>

#define SEAL_FIELDS_MAX    2000  /* header fields of one entity; long Received: trails have 50 */
#define SEAL_PARTS_MAX     1000  /* parts of one multipart */
#define SEAL_FIELD_LEN_MAX 65536 /* bytes of one field's value that are looked at */

typedef struct {
    SealBytes name;  /* without the colon */
    SealBytes value; /* after the colon, folding and all, without the last line end */
    SealBytes raw;   /* the whole field with its line end */
} SealField;

typedef struct {
    SealBytes whole;
    SealBytes header; /* the fields with their line ends, without the empty line */
    SealBytes body;
    GArray *fields;         /* (element-type SealField) */
    char *type;             /* lower-case "type/subtype"; "text/plain" where none is stated */
    GHashTable *parameters; /* lower-case name to value, of Content-Type */
    char *encoding;         /* lower-case Content-Transfer-Encoding; "7bit" where none is stated */
    const char *defect;     /* (nullable) what readers would not agree on, e.g. a field twice */
} SealEntity;

/* Splits `bytes` (transfer none; must outlive the entity) into header and body. What does not start
 * with a header field is all body. Returns (transfer full); never NULL. */
SealEntity *seal_entity_parse(SealBytes bytes);
void seal_entity_free(SealEntity *entity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealEntity, seal_entity_free)

/* The parameter's value (transfer none) (nullable). */
const char *seal_entity_parameter(const SealEntity *entity, const char *name);

/* The values of all fields called `name` (case-insensitive), unfolded, as valid UTF-8, each cut at
 * SEAL_FIELD_LEN_MAX. Returns (transfer full) (element-type utf8), perhaps empty. */
GPtrArray *seal_entity_values(const SealEntity *entity, const char *name);

/* TRUE if one of them is cut. */
gboolean seal_entity_is_cut(const SealEntity *entity, const char *name);

/* TRUE if there is a field called `name` (case-insensitive). */
gboolean seal_entity_has(const SealEntity *entity, const char *name);

/* TRUE if the field has this name (case-insensitive). */
gboolean seal_field_is(const SealField *field, const char *name);
/* TRUE for MIME-Version and everything that starts with Content-. */
gboolean seal_field_is_mime(const SealField *field);

/* Splits a multipart's body by its boundary. Appends the parts' ranges to `parts` (element-type
 * SealBytes); a part ends before the line end in front of the next boundary. Preamble and epilogue
 * are no part. Returns NULL, or (static) what is wrong: no boundary; no last one, the part that was
 * cut off is appended too; too many, what follows the first SEAL_PARTS_MAX is appended as one. */
const char *seal_entity_split(const SealEntity *entity, GArray *parts);

/* Undoes base64; line ends and blanks are skipped, everything else foreign is refused. Returns
 * (transfer full), or NULL. */
GBytes *seal_base64_decode(SealBytes text);

/* Undoes quoted-printable; what is no escape stays as it stands. Returns (transfer full). */
GBytes *seal_quoted_printable_decode(SealBytes text);

/* TRUE for 7bit, 8bit and binary, the only ones that what has parts may have (RFC 2045 6.4). */
gboolean seal_entity_has_no_encoding(const SealEntity *entity);

/* The body with its transfer encoding (base64, quoted-printable, 7bit, 8bit, binary) undone; NULL
 * for another encoding or bad base64. `owner` holds the entity's bytes. */
GBytes *seal_entity_decode(const SealEntity *entity, GBytes *owner);

/* The range of `owner` as bytes of their own that keep `owner` alive. */
GBytes *seal_bytes_slice(GBytes *owner, SealBytes range);
SealBytes seal_bytes_view(GBytes *bytes);
