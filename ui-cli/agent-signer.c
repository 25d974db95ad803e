/* A SealSigner over Key.Sign: the digest goes to the agent, the signature comes back; the
 * certificates beside it are public and come from the tokens and from files. */
#include "ui-cli/agent-signer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/anchors.h"
#include "pki/certificate.h"
#include "pki/correspondents.h"
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
    char *missing_issuer;         /* (nullable) */
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

/* -- the chain -------------------------------------------------------------------------------- */

static void
add_once(GPtrArray *list, GBytes *der)
{
    if (!g_ptr_array_find_with_equal_func(list, der, (GEqualFunc)g_bytes_equal, NULL))
        g_ptr_array_add(list, g_bytes_ref(der));
}

static gboolean
add_files(GPtrArray *list, const GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        g_autoptr(GPtrArray) certificates = seal_certificate_file_read(files->pdata[i], error);

        if (!certificates)
            return FALSE;
        for (guint j = 0; j < certificates->len; j++)
            add_once(list, certificates->pdata[j]);
    }
    return TRUE;
}

/* Of CAs that signed mail brought along. */
static void
add_kept(GPtrArray *list)
{
    g_autofree char *path = seal_database_user_path();
    g_autoptr(SealDatabase) database =
        g_file_test(path, G_FILE_TEST_EXISTS) ? seal_database_open(path, NULL) : NULL;
    g_autoptr(GPtrArray) issuers = database ? seal_correspondents_issuers(database, NULL) : NULL;

    for (guint i = 0; issuers && i < issuers->len; i++) {
        g_autoptr(GBytes) der = seal_certificate_der(issuers->pdata[i]);

        add_once(list, der);
    }
}

static void
add_anchors(GPtrArray *list, char *folder)
{
    g_autofree char *path = folder;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) anchors = seal_anchors_read(path, problems);

    for (guint i = 0; i < anchors->len; i++) {
        g_autoptr(GBytes) der =
            seal_certificate_der(((const SealAnchor *)anchors->pdata[i])->certificate);

        add_once(list, der);
    }
}

/* Where issuers are looked for. What cannot be read there makes a chain shorter at the most, and
 * other commands complain of it. (transfer full) */
static GPtrArray *
list_issuers(const SealClientObjects *objects, const GPtrArray *named)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(unref_bytes);

    for (guint i = 0; i < named->len; i++)
        add_once(list, named->pdata[i]);
    for (guint i = 0; i < objects->certificates->len; i++)
        add_once(list,
                 ((const SealClientCertificate *)objects->certificates->pdata[i])->certificate);
    add_anchors(list, seal_anchors_user_folder());
    add_anchors(list, seal_anchors_site_folder());
    add_kept(list);
    return list;
}

/* The name alone would let somebody else's CA of that name go along in its place. */
static gboolean
has_issued(GBytes *issuer_der, X509 *subject)
{
    g_autoptr(X509) issuer = seal_certificate_read(issuer_der, "it", NULL);
    gboolean well = issuer && X509_check_issued(issuer, subject) == X509_V_OK &&
                    X509_verify(subject, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return well;
}

static GBytes *
find_issuer(const GPtrArray *issuers, GBytes *der)
{
    g_autoptr(X509) subject = seal_certificate_read(der, "it", NULL);

    for (guint i = 0; subject && i < issuers->len; i++) {
        if (!g_bytes_equal(issuers->pdata[i], der) && has_issued(issuers->pdata[i], subject))
            return issuers->pdata[i];
    }
    return NULL;
}

/* FALSE if not even the first step is known. */
static gboolean
add_chain(GPtrArray *chain, const GPtrArray *issuers, GBytes *der)
{
    for (guint depth = 0; depth < CHAIN_MAX; depth++) {
        der = find_issuer(issuers, der);
        if (!der)
            return depth > 0;
        add_once(chain, der);
    }
    return TRUE;
}

static gboolean
fill_chain(SealAgentSigner *signer, const SealClientObjects *objects, const GPtrArray *files,
           GError **error)
{
    SealSigner *public = &signer->signer;
    g_autoptr(GPtrArray) issuers = NULL;
    g_autoptr(X509) own = seal_certificate_read(public->certificate, "the certificate", error);

    public->chain = g_ptr_array_new_with_free_func(unref_bytes);
    if (!own || !add_files(public->chain, files, error))
        return FALSE;
    issuers = list_issuers(objects, public->chain);
    if (!add_chain(public->chain, issuers, public->certificate) &&
        X509_check_issued(own, own) != X509_V_OK)
        signer->missing_issuer = seal_certificate_issuer(own);
    if (public->encryption_certificate)
        add_chain(public->chain, issuers, public->encryption_certificate);
    return TRUE;
}

/* -- all of it -------------------------------------------------------------------------------- */

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
    signer->signer.sign = sign;
    signer->signer.user_data = signer;
    signer->signer.encryption_certificate = find_encryption_certificate(objects, certificate);
    if (!fill_chain(signer, objects, chain_files, error))
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
    g_free(signer->missing_issuer);
    g_free(signer);
}

const SealSigner *
seal_agent_signer_peek(const SealAgentSigner *signer)
{
    return &signer->signer;
}

const char *
seal_agent_signer_missing_issuer(const SealAgentSigner *signer)
{
    return signer->missing_issuer;
}
