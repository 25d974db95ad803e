/* A SealSigner over Key.Sign: the digest goes to the agent, the signature comes back; the
 * certificates beside it are public and come from the tokens and from files. */
#include "ui-cli/agent-signer.h"

#include <openssl/x509v3.h>

#include "pki/certificate.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/progress.h"

/* Longer chains do not occur; a loop of cross-certificates ends here. */
#define CHAIN_MAX 8

struct SealAgentSigner {
    SealSigner signer;
    SealReach *reach;
    const SealClientKey *key;
    const SealClientToken *token; /* (nullable) */
};

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static GBytes *
sign(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
     GError **error)
{
    const SealAgentSigner *self = signer->user_data;
    gboolean locked = !self->token || !g_str_equal(self->token->state, "unlocked");
    g_autoptr(SealProgress) progress = seal_progress_start(
        locked || self->key->always_authenticate, "waiting for token '%s' to sign with key '%s'",
        self->token ? self->token->label : "?", self->key->label);

    return seal_client_sign(seal_reach_client(self->reach), self->key->path, mechanism, hash, data,
                            error);
}

static GBytes *
find_issuer(const SealClientObjects *objects, GBytes *der)
{
    g_autoptr(X509) subject = seal_certificate_read(der, "it", NULL);

    for (guint i = 0; subject && i < objects->certificates->len; i++) {
        const SealClientCertificate *candidate = objects->certificates->pdata[i];
        g_autoptr(X509) issuer = seal_certificate_read(candidate->certificate, "it", NULL);

        if (issuer && !g_bytes_equal(candidate->certificate, der) &&
            X509_check_issued(issuer, subject) == X509_V_OK)
            return candidate->certificate;
    }
    return NULL;
}

static void
add_chain(GPtrArray *chain, const SealClientObjects *objects, GBytes *der)
{
    for (guint depth = 0; depth < CHAIN_MAX; depth++) {
        der = find_issuer(objects, der);
        if (!der)
            return;
        g_ptr_array_add(chain, g_bytes_ref(der));
    }
}

/* Where answers are to be encrypted to: the best certificate for that with an address of the
 * signer's, unless it is the one that signs. */
static GBytes *
find_encryption_certificate(const SealClientObjects *objects,
                            const SealClientCertificate *certificate)
{
    for (char **at = certificate->addresses; *at; at++) {
        const SealClientCertificate *found =
            seal_mail_certificate_find(objects, *at, SEAL_PURPOSE_ENCRYPT_MAIL, NULL);

        if (found)
            return found == certificate ? NULL : g_bytes_ref(found->certificate);
    }
    return NULL;
}

static gboolean
add_files(GPtrArray *chain, const GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        g_autoptr(GPtrArray) certificates = seal_certificate_file_read(files->pdata[i], error);

        if (!certificates)
            return FALSE;
        for (guint j = 0; j < certificates->len; j++)
            g_ptr_array_add(chain, g_bytes_ref(certificates->pdata[j]));
    }
    return TRUE;
}

SealAgentSigner *
seal_agent_signer_new(SealReach *reach, const SealClientKey *key,
                      const SealClientCertificate *certificate, const GPtrArray *chain_files,
                      GError **error)
{
    g_autoptr(SealAgentSigner) signer = g_new0(SealAgentSigner, 1);
    const SealClientObjects *objects = seal_reach_objects(reach, error);

    if (!objects)
        return NULL;
    signer->reach = reach;
    signer->key = key;
    signer->token = seal_objects_token(objects, key->token);
    signer->signer.certificate = g_bytes_ref(certificate->certificate);
    signer->signer.chain = g_ptr_array_new_with_free_func(unref_bytes);
    signer->signer.sign = sign;
    signer->signer.user_data = signer;
    signer->signer.encryption_certificate = find_encryption_certificate(objects, certificate);
    add_chain(signer->signer.chain, objects, certificate->certificate);
    if (!add_files(signer->signer.chain, chain_files, error))
        return NULL;
    return g_steal_pointer(&signer);
}

void
seal_agent_signer_free(SealAgentSigner *signer)
{
    if (!signer)
        return;
    g_clear_pointer(&signer->signer.certificate, g_bytes_unref);
    g_clear_pointer(&signer->signer.encryption_certificate, g_bytes_unref);
    g_clear_pointer(&signer->signer.chain, g_ptr_array_unref);
    g_free(signer);
}

const SealSigner *
seal_agent_signer_peek(const SealAgentSigner *signer)
{
    return &signer->signer;
}
