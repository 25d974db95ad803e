/* A look at an encrypted mail that goes as far as the recipient with a key here with which
 * decrypt.c begins, and judges nothing. The mail is read again when it is opened: that costs
 * less than a twentieth of what the token does for it. */
#include "smime/prepare.h"

#include "smime/decrypt.h"
#include "smime/entity.h"
#include "smime/kind.h"
#include "smime/mail.h"
#include "smime/message.h"
#include "smime/recipient.h"

#include <openssl/err.h>
#include <openssl/objects.h>

static void
prepare_first(const SealUnwrapper *unwrapper, GPtrArray *recipients, const X509_ALGOR *algorithm)
{
    const SealRecipient *first = NULL;
    g_autofree char *key = NULL;

    for (guint i = 0; i < recipients->len; i++) {
        const SealRecipient *recipient = g_ptr_array_index(recipients, i);
        g_autofree char *name = unwrapper->find(unwrapper, &recipient->id, NULL);
        gboolean asks = name && seal_unwrapper_asks(unwrapper, name);

        if (!name || (asks && key))
            continue;
        g_free(key);
        key = g_steal_pointer(&name);
        first = recipient;
        if (!asks)
            break;
    }
    if (first && first->scheme) {
        g_autoptr(GBytes) content_encryption =
            seal_asn1_write(ASN1_ITEM_rptr(X509_ALGOR), algorithm);
        SealUnwrapInput input = {first->originator, first->ukm, content_encryption};

        unwrapper->prepare(unwrapper, key, first->key_encryption, first->encrypted_key, &input);
    }
}

static void
prepare_envelope(const SealUnwrapper *unwrapper, STACK_OF(ASN1_TYPE) *infos,
                 const SealEncryptedContent *encrypted)
{
    g_autoptr(GPtrArray) recipients =
        g_ptr_array_new_with_free_func((GDestroyNotify)seal_recipient_free);

    if (sk_ASN1_TYPE_num(infos) <= SEAL_RECIPIENTS_READ_MAX &&
        seal_recipients_read(infos, recipients) && recipients->len <= SEAL_RECIPIENTS_READ_MAX)
        prepare_first(unwrapper, recipients, encrypted->algorithm);
}

static void
prepare_message(const SealUnwrapper *unwrapper, const SealMessage *message)
{
    const ASN1_STRING *packed = message->info->content->value.sequence;
    g_autoptr(SealEnvelopedData) enveloped = NULL;
    g_autoptr(SealAuthEnvelopedData) authenticated = NULL;

    switch (OBJ_obj2nid(message->info->type)) {
    case NID_pkcs7_enveloped:
        enveloped = ASN1_item_unpack(packed, ASN1_ITEM_rptr(SealEnvelopedData));
        break;
    case NID_id_smime_ct_authEnvelopedData:
        authenticated = ASN1_item_unpack(packed, ASN1_ITEM_rptr(SealAuthEnvelopedData));
        break;
    default:
        return;
    }
    if (enveloped)
        prepare_envelope(unwrapper, enveloped->recipients, enveloped->encrypted);
    if (authenticated)
        prepare_envelope(unwrapper, authenticated->recipients, authenticated->encrypted);
    ERR_clear_error();
}

void
seal_mail_prepare(GBytes *mail, const SealUnwrapper *unwrapper)
{
    SealBytes bytes = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = seal_entity_parse(bytes);
    g_autoptr(SealMessage) message = NULL;
    g_autoptr(GBytes) cms = NULL;

    if (!unwrapper->prepare || entity->defect || seal_kind_of(entity) != SEAL_KIND_CMS)
        return;
    cms = seal_entity_decode(entity, mail);
    message = cms ? seal_message_read(cms) : NULL;
    if (message)
        prepare_message(unwrapper, message);
}
