/* Signing a mail: the From field names the person, the certificate names the key. */
#include "ui-cli/signing.h"

#include <stdio.h>

#include "base/error.h"
#include "pki/address.h"
#include "smime/compression.h"
#include "smime/entity.h"
#include "smime/mail.h"
#include "smime/sender.h"
#include "smime/sign.h"
#include "ui-cli/agent-signer.h"
#include "ui-cli/choose.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/terminal.h"

gboolean
seal_signing_check_options(const SealOptions *options, const char *command, GError **error)
{
    if (!seal_options_has(options, "key") || !seal_options_has(options, "from"))
        return TRUE;
    seal_usage_error_set(error, command,
                         "--key and --from exclude each other: both name the signer");
    return FALSE;
}

GPtrArray *
seal_signing_senders(GBytes *mail)
{
    SealBytes whole = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = seal_entity_parse(whole);

    return seal_mail_senders(entity, NULL);
}

/* The header is protected together with what is compressed: from outside of it, nobody could tell
 * that the fields are there. */
SealDraft *
seal_signing_compress(SealDraft *draft, SealHeaders headers, GError **error)
{
    seal_headers_protect(headers, &draft->outer, &draft->head);
    return seal_draft_compress(draft, error);
}

static gboolean
has_value(const SealEntity *entity, const char *name)
{
    g_autoptr(GPtrArray) values = seal_entity_values(entity, name);

    for (guint i = 0; i < values->len; i++) {
        if (*(const char *)values->pdata[i])
            return TRUE;
    }
    return FALSE;
}

gboolean
seal_signing_has_blind(GBytes *mail)
{
    SealBytes whole = seal_mail_without_mbox_line(seal_bytes_view(mail));
    g_autoptr(SealEntity) entity = seal_entity_parse(whole);

    return has_value(entity, "Bcc") || has_value(entity, "Resent-Bcc");
}

/* The first sender whose certificate is here; the error of the first one otherwise. */
static const SealClientCertificate *
find_by_sender(const SealClientObjects *objects, const GPtrArray *senders, GError **error)
{
    g_autoptr(GError) first = NULL;

    if (senders->len == 0) {
        g_set_error(
            error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
            "cannot choose a key: the mail has no From field; say --from ADDRESS or --key KEY");
        return NULL;
    }
    for (guint i = 0; i < senders->len; i++) {
        const SealClientCertificate *certificate = seal_mail_certificate_find(
            objects, senders->pdata[i], SEAL_PURPOSE_SIGN_MAIL, first ? NULL : &first);

        if (certificate)
            return certificate;
    }
    g_propagate_prefixed_error(error, g_steal_pointer(&first), "cannot choose a key: ");
    return NULL;
}

/* `name`: (nullable) of a key. */
static const SealClientCertificate *
choose_certificate(const SealClientObjects *objects, SealOptions *options, const char *name,
                   const GPtrArray *senders, GError **error)
{
    const char *from = seal_options_value(options, "from");
    const SealClientKey *key = NULL;

    if (from) {
        const SealClientCertificate *certificate =
            seal_mail_certificate_find(objects, from, SEAL_PURPOSE_SIGN_MAIL, error);

        if (!certificate)
            g_prefix_error(error, "cannot choose a key: ");
        return certificate;
    }
    if (!name)
        return find_by_sender(objects, senders, error);
    key = seal_choose_key(objects, name, "sign", error);
    return key ? seal_mail_certificate_of_key(objects, key, SEAL_PURPOSE_SIGN_MAIL, error) : NULL;
}

/* The signature will be good and still be refused: better to hear it now than from the reader. */
static void
warn_of_mismatch(const SealClientCertificate *certificate, const GPtrArray *senders)
{
    g_autofree char *sender = NULL;
    g_autofree char *addresses = NULL;

    if (senders->len == 0)
        return;
    for (char **at = certificate->addresses; *at; at++) {
        if (seal_address_in((GPtrArray *)senders, *at))
            return;
    }
    addresses = g_strjoinv(", ", certificate->addresses);
    sender =
        g_strdup_printf("privyseal: warning: the mail is from %s, but the certificate is for %s: "
                        "readers will be told that they differ",
                        (const char *)senders->pdata[0], *addresses ? addresses : "no address");
    {
        g_autofree char *clean = seal_text_clean(sender);

        fprintf(stderr, "%s\n", clean);
    }
}

/* Their verdict would be "incomplete chain". */
static void
warn_of_gap(const SealAgentSigner *signer)
{
    const char *issuer = seal_agent_signer_missing_issuer(signer);
    g_autofree char *clean = issuer ? seal_text_clean(issuer) : NULL;

    if (clean)
        fprintf(stderr,
                "privyseal: warning: the certificate of the CA '%s', which issued the signer's, is "
                "not known here and does not go along: readers who lack it cannot tell whether to "
                "believe the signature; name its file with --chain\n",
                clean);
}

static gboolean
add_signer(GPtrArray *signers, SealReach *reach, SealOptions *options, const char *name,
           const GPtrArray *senders, GError **error)
{
    const SealClientObjects *objects = seal_reach_objects(reach, error);
    const SealClientCertificate *certificate =
        objects ? choose_certificate(objects, options, name, senders, error) : NULL;
    const SealClientKey *key = certificate ? seal_objects_key(objects, certificate->key) : NULL;
    SealAgentSigner *signer = NULL;

    if (!key)
        return FALSE;
    signer = seal_agent_signer_new(reach, key, certificate, seal_options_values(options, "chain"),
                                   error);
    if (!signer)
        return FALSE;
    warn_of_mismatch(certificate, senders);
    warn_of_gap(signer);
    g_ptr_array_add(signers, signer);
    return TRUE;
}

static gboolean
is_among(const GPtrArray *signers, const SealAgentSigner *signer)
{
    for (guint i = 0; i < signers->len; i++) {
        if (signers->pdata[i] != signer &&
            g_bytes_equal(seal_agent_signer_peek(signers->pdata[i])->certificate,
                          seal_agent_signer_peek(signer)->certificate))
            return TRUE;
    }
    return FALSE;
}

/* One for each --key, or the one that --from or the mail chooses. (transfer full) (element-type
 * SealAgentSigner), or NULL. */
static GPtrArray *
find_signers(SealReach *reach, SealOptions *options, const GPtrArray *senders, GError **error)
{
    g_autoptr(GPtrArray) signers =
        g_ptr_array_new_with_free_func((GDestroyNotify)seal_agent_signer_free);
    const GPtrArray *names = seal_options_values(options, "key");

    for (guint i = 0; i < MAX(names->len, 1); i++) {
        const char *name = names->len > 0 ? names->pdata[i] : NULL;

        if (!add_signer(signers, reach, options, name, senders, error))
            return NULL;
        if (is_among(signers, signers->pdata[i])) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                        "cannot sign twice with key '%s': name each key once", name);
            return NULL;
        }
    }
    return g_steal_pointer(&signers);
}

SealDraft *
seal_signing_sign(SealReach *reach, SealOptions *options, SealHeaders headers, SealDraft *draft,
                  GError **error)
{
    const SealSignOptions how = {.opaque = seal_options_has(options, "opaque"),
                                 .pss = seal_options_has(options, "pss"),
                                 .headers = headers};
    g_autoptr(SealDraft) inner = draft;
    g_autoptr(GPtrArray) senders = seal_signing_senders(draft->outer);
    g_autoptr(GPtrArray) signers = find_signers(reach, options, senders, error);
    g_autofree const SealSigner **all = NULL;

    if (!signers)
        return NULL;
    all = g_new(const SealSigner *, signers->len);
    for (guint i = 0; i < signers->len; i++)
        all[i] = seal_agent_signer_peek(signers->pdata[i]);
    return seal_draft_sign(g_steal_pointer(&inner), all, signers->len, &how, error);
}
