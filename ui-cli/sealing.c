/* From a mail to its encrypted copies. Those who get a blind copy have one of their own: in a
 * common message, every RecipientInfo tells the others who can open it. The sender is one of the
 * readers, or could not read what they sent. */
#include "ui-cli/sealing.h"

#include "base/error.h"
#include "smime/capabilities.h"
#include "smime/choice.h"
#include "smime/encrypt.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/recipients.h"
#include "ui-cli/signing.h"

void
seal_sealed_free(SealSealed *sealed)
{
    if (!sealed)
        return;
    g_free(sealed->recipient);
    seal_draft_unref(sealed->mail);
    g_free(sealed->choice);
    g_free(sealed);
}

static void
free_sealed(gpointer sealed)
{
    seal_sealed_free(sealed);
}

static SealReach *
reach(const SealSealing *sealing, GError **error)
{
    if (!*sealing->reach)
        *sealing->reach = seal_reach_agent(error);
    return *sealing->reach;
}

/* -- readers ---------------------------------------------------------------------------------- */

static GPtrArray *
find_readers(const SealSealing *sealing, const char *option, GError **error)
{
    const SealRecipientSearch search = {
        .reach = sealing->reach,
        .trust = sealing->trust,
        .every_path = seal_options_has(sealing->options, "anchor"),
        .advice = "name certificate files with --to FILE, or keep them with \"privyseal recipients "
                  "import FILE\""};
    GPtrArray *readers =
        seal_recipients_find(&search, seal_options_values(sealing->options, option), error);

    if (readers)
        seal_found_make_unique(readers);
    return readers;
}

/* The sender's certificate for encryption, whose key is on a token; NULL with the reason. */
static const SealClientCertificate *
find_own(const SealSealing *sealing, const char *address, GError **error)
{
    SealReach *agent = reach(sealing, error);
    const SealClientObjects *objects = agent ? seal_reach_objects(agent, error) : NULL;

    return objects ? seal_mail_certificate_find(objects, address, SEAL_PURPOSE_ENCRYPT_MAIL, error)
                   : NULL;
}

static void
add_own(GPtrArray *readers, const char *address, GBytes *certificate)
{
    SealFound *own = g_new0(SealFound, 1);

    own->name = g_strdup(address);
    own->certificate = g_bytes_ref(certificate);
    own->source = "token";
    own->capabilities = seal_capabilities_own();
    g_ptr_array_add(readers, own);
    seal_found_make_unique(readers);
}

/* FALSE if there must be one and there is none; otherwise `ret_missing` (nullable) says why the
 * sender will not be able to read it. */
static gboolean
add_self(const SealSealing *sealing, GBytes *mail, GPtrArray *readers, char **ret_missing,
         GError **error)
{
    const char *from = seal_options_value(sealing->options, "from");
    g_autoptr(GPtrArray) senders = seal_signing_senders(mail);
    const char *address = from ? from : senders->len > 0 ? senders->pdata[0] : NULL;
    const SealClientCertificate *own = NULL;
    g_autoptr(GError) problem = NULL;

    if (!sealing->settings->to_self)
        return TRUE;
    if (address)
        own = find_own(sealing, address, &problem);
    else
        g_set_error(&problem, SEAL_ERROR, SEAL_ERROR_NOT_FOUND, "the mail has no From field");
    if (own) {
        add_own(readers, address, own->certificate);
        return TRUE;
    }
    if (sealing->must_reach_self) {
        g_propagate_prefixed_error(error, g_steal_pointer(&problem),
                                   "cannot encrypt to yourself: ");
        return FALSE;
    }
    *ret_missing = g_strdup(problem->message);
    return TRUE;
}

/* -- one mail --------------------------------------------------------------------------------- */

char *
seal_sealing_choose(const GPtrArray *readers, const SealChoicePolicy *policy,
                    SealEncryptOptions *options)
{
    g_autofree SealReaderFacts *facts = g_new0(SealReaderFacts, readers->len);

    for (guint i = 0; i < readers->len; i++) {
        const SealFound *found = readers->pdata[i];

        facts[i] = (SealReaderFacts){found->name, found->certificate, found->capabilities};
    }
    return seal_choice_make(facts, readers->len, policy, options);
}

/* Signs what is encrypted once more: who passes it on shows that they did (RFC 2634 1.1). */
static gboolean
wrap(const SealSealing *sealing, SealSealed *sealed, GError **error)
{
    if (seal_options_has(sealing->options, "triple"))
        sealed->mail = seal_signing_sign(*sealing->reach, sealing->options, SEAL_HEADERS_OUTSIDE,
                                         sealed->mail, error);
    return sealed->mail != NULL;
}

static gboolean
seal_to(const SealSealing *sealing, SealDraft *inner, const GPtrArray *readers,
        const char *recipient, GPtrArray *list, GError **error)
{
    SealEncryptOptions options = {0};
    SealSealed *sealed = g_new0(SealSealed, 1);
    g_autoptr(GPtrArray) certificates = seal_found_certificates(readers);

    g_ptr_array_add(list, sealed);
    options.headers = sealing->settings->encrypt_headers;
    sealed->recipient = g_strdup(recipient);
    sealed->choice = seal_sealing_choose(readers, &sealing->settings->policy, &options);
    sealed->mail = seal_draft_encrypt(seal_draft_ref(inner), certificates, &options, error);
    return sealed->mail && wrap(sealing, sealed, error);
}

/* -- all of them ------------------------------------------------------------------------------ */

static SealDraft *
sign_before(const SealSealing *sealing, GBytes *mail, GError **error)
{
    gboolean sign = seal_options_has(sealing->options, "sign");
    gboolean in_the_open = sign && !seal_options_has(sealing->options, "opaque");
    g_autoptr(SealDraft) letter =
        seal_draft_new(mail, in_the_open ? SEAL_TRANSFER_7BIT : SEAL_TRANSFER_ANY, error);
    SealReach *agent = NULL;

    if (!letter || !sign)
        return g_steal_pointer(&letter);
    agent = reach(sealing, error);
    return agent ? seal_signing_sign(agent, sealing->options, sealing->settings->encrypt_headers,
                                     g_steal_pointer(&letter), error)
                 : NULL;
}

/* The mail to encrypt: as it is, signed, compressed, or signed and then compressed. */
static SealDraft *
prepare(const SealSealing *sealing, GBytes *mail, GError **error)
{
    SealDraft *ready = sign_before(sealing, mail, error);

    if (!ready || !seal_options_has(sealing->options, "compress"))
        return ready;
    return seal_signing_compress(ready, sealing->settings->encrypt_headers, error);
}

static gboolean
seal_blind_copies(const SealSealing *sealing, SealDraft *inner, GPtrArray *blind, GPtrArray *list,
                  GError **error)
{
    for (guint i = 0; i < blind->len; i++) {
        g_autoptr(GPtrArray) alone = g_ptr_array_new();

        g_ptr_array_add(alone, blind->pdata[i]);
        if (!seal_to(sealing, inner, alone, ((const SealFound *)blind->pdata[i])->name, list,
                     error))
            return FALSE;
    }
    return TRUE;
}

static void
tell_missing(const GPtrArray *list, const char *missing)
{
    SealSealed *common = list->pdata[0];
    char *told = NULL;

    if (!missing)
        return;
    told = g_strdup_printf("%s; not to yourself: %s", common->choice, missing);
    g_free(common->choice);
    common->choice = told;
}

GPtrArray *
seal_sealing_run(const SealSealing *sealing, GBytes *mail, GError **error)
{
    g_autoptr(GPtrArray) readers = find_readers(sealing, "to", error);
    g_autoptr(GPtrArray) blind = readers ? find_readers(sealing, "bcc", error) : NULL;
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_sealed);
    g_autoptr(SealDraft) inner = NULL;
    g_autofree char *missing = NULL;

    if (!blind || !add_self(sealing, mail, readers, &missing, error))
        return NULL;
    inner = prepare(sealing, mail, error);
    if (!inner || !seal_to(sealing, inner, readers, NULL, list, error) ||
        !seal_blind_copies(sealing, inner, blind, list, error))
        return NULL;
    tell_missing(list, missing);
    return g_steal_pointer(&list);
}
