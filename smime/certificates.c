/* From a signed mail to the certificates in it, for programs that keep them. Only the outermost
 * layer is looked at: what lies deeper is handed over by whoever opened the layers above. Whether
 * anything about the mail is true is not asked here; a certificate carries its own proof. */
#include "smime/certificates.h"

#include "base/error.h"
#include "pki/certificate.h"
#include "smime/detached.h"
#include "smime/entity.h"
#include "smime/kind.h"
#include "smime/mail.h"
#include "smime/verify.h"

static GBytes *
decode_second_part(const SealEntity *entity, GBytes *owner)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));
    g_autoptr(SealEntity) signature = NULL;

    if (seal_entity_split(entity, parts) || parts->len != 2)
        return NULL;
    signature = seal_entity_parse(g_array_index(parts, SealBytes, 1));
    return seal_kind_is_signature(signature) ? seal_entity_decode(signature, owner) : NULL;
}

GBytes *
seal_mail_signature(GBytes *mail, GError **error)
{
    SealBytes bytes = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = seal_entity_parse(bytes);
    SealKind kind = seal_kind_of(entity);
    g_autoptr(GBytes) cms = NULL;
    g_autoptr(SealSignedData) data = NULL;

    if (kind == SEAL_KIND_MULTIPART)
        cms = decode_second_part(entity, mail);
    else if (kind == SEAL_KIND_CMS)
        cms = seal_entity_decode(entity, mail);
    if (cms)
        data = seal_signed_data_read(seal_bytes_view(cms));
    if (data)
        return g_steal_pointer(&cms);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the mail has no S/MIME signature that can be read, so there are no certificates "
                "in it");
    return NULL;
}

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

GPtrArray *
seal_cms_certificates(GBytes *cms, GError **error)
{
    g_autoptr(SealSignedData) data = seal_signed_data_read(seal_bytes_view(cms));
    GPtrArray *certificates = NULL;

    if (!data) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "there are no certificates in it: it is no CMS signature that can be read");
        return NULL;
    }
    if (sk_ASN1_TYPE_num(data->certificates) > SEAL_CERTIFICATES_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "there are more than %d certificates in it, more than are looked at",
                    SEAL_CERTIFICATES_MAX);
        return NULL;
    }
    certificates = g_ptr_array_new_with_free_func(unref_bytes);
    for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++) {
        const ASN1_TYPE *any = sk_ASN1_TYPE_value(data->certificates, i);
        g_autoptr(GBytes) der = NULL;
        g_autoptr(X509) certificate = NULL;

        if (any->type != V_ASN1_SEQUENCE) /* PKCS#6 and attribute certificates */
            continue;
        der = seal_octets_dup(any->value.sequence);
        certificate = seal_certificate_read(der, "it", NULL);
        if (certificate)
            g_ptr_array_add(certificates, g_steal_pointer(&der));
    }
    return certificates;
}
