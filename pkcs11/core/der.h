/* Reading DER element by element, within bounds, and writing a little of it. */
#pragma once

#include <glib.h>

#include "base/bytes.h"

#define SEAL_DER_INTEGER      0x02
#define SEAL_DER_BIT_STRING   0x03
#define SEAL_DER_OCTET_STRING 0x04
#define SEAL_DER_NULL         0x05
#define SEAL_DER_OID          0x06
#define SEAL_DER_SEQUENCE     0x30
/* [n] EXPLICIT, or constructed IMPLICIT */
#define SEAL_DER_CONTEXT(n) (0xa0 + (n))

/* One element: the whole of it, and its content. */
typedef struct {
    guint8 tag;
    SealBytes whole, content;
} SealDerElement;

/* Takes the first element off `rest`. FALSE, with nothing taken, if there is none or it is not DER:
 * tag in one octet, definite length in the fewest octets (X.690 10.1), content within `rest`. */
gboolean seal_der_next(SealBytes *rest, SealDerElement *ret_element);
/* The same, if the element has this tag. */
gboolean seal_der_take(SealBytes *rest, guint8 tag, SealBytes *ret_content);
/* TRUE if `der` is exactly one element with this tag. */
gboolean seal_der_is(SealBytes der, guint8 tag, SealBytes *ret_content);
/* TRUE if `der` is exactly one element, and what is constructed in it is made of elements, at most
 * 16 deep. */
gboolean seal_der_is_valid(SealBytes der);

/* "1.2.840.113549.1.1.1" for the content octets of an OBJECT IDENTIFIER (transfer full); NULL if
 * they are malformed: an incomplete or padded arc, or one that exceeds 64 bits. */
char *seal_der_oid_to_text(SealBytes oid);

/* Appends tag and length of an element with `len` octets of content. */
void seal_der_put_header(GByteArray *out, guint8 tag, size_t len);
