/* What a MIME entity is to S/MIME, by its type alone. */
#pragma once

#include "smime/entity.h"

#include <glib.h>

typedef enum {
    SEAL_KIND_PLAIN,     /* no S/MIME */
    SEAL_KIND_MULTIPART, /* multipart/signed with an S/MIME signature */
    SEAL_KIND_CMS,       /* a CMS message: application/pkcs7-mime, or a .p7m file */
    SEAL_KIND_FOREIGN,   /* multipart/signed of another protocol, e.g. OpenPGP */
} SealKind;

/* What `entity` is. Looks at its header fields only; its body may turn out to be something else. */
SealKind seal_kind_of(const SealEntity *entity);

/* TRUE for application/pkcs7-signature, its x- form, or a .p7s file. */
gboolean seal_kind_is_signature(const SealEntity *entity);
