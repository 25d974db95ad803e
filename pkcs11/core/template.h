/* Reading attributes from a module that may say anything: every value has a cap, lengths are
 * checked after each call, and CK_UNAVAILABLE_INFORMATION is an absent value. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

/* No attribute that we read is longer: certificates and public keys. */
#define SEAL_ATTRIBUTE_MAX (64u * 1024u)

typedef struct {
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
} SealObject;

/* The value of attribute `type` (transfer full); NULL if the object has none, the token does not
 * give it, or it is longer than SEAL_ATTRIBUTE_MAX. Blocks on the token. */
GBytes *seal_object_bytes(const SealObject *object, CK_ATTRIBUTE_TYPE type);

/* As text: trailing spaces and NULs cut, bytes that are no UTF-8 replaced. "" if absent.
 * (transfer full) */
char *seal_object_text(const SealObject *object, CK_ATTRIBUTE_TYPE type);

/* A CK_BBOOL, `otherwise` if absent or of another size. */
gboolean seal_object_bool(const SealObject *object, CK_ATTRIBUTE_TYPE type, gboolean otherwise);

/* A CK_ULONG, `otherwise` if absent or of another size. */
gulong seal_object_ulong(const SealObject *object, CK_ATTRIBUTE_TYPE type, gulong otherwise);

/* Fixed-width text of CK_INFO and CK_TOKEN_INFO: padding cut, made valid UTF-8. (transfer full) */
char *seal_padded_text(const unsigned char *field, gsize width);
