/* Whether one's own certificates lead to somebody who is trusted here: without, one's own signed
 * mail is called untrusted by `privyseal verify`, and so is a colleague's. Nobody is asked over the
 * network. */
#include "ui-cli/doctor/examine.h"

#include "base/settings.h"
#include "pki/anchors.h"
#include "pki/certificate.h"
#include "pki/preferences.h"
#include "pki/trust.h"
#include "ui-cli/mail-certificate.h"

/* What the commands trust by default. NULL if the configuration cannot be read, which has been
 * told. (transfer full) */
static SealTrust *
read_trust(SealExam *exam)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_auto(SealPreferences) preferences = {0};
    SealTrust *trust = NULL;

    if (!seal_preferences_load(user_file, site_file, overruled, &preferences, NULL))
        return NULL;
    trust = seal_trust_new();
    seal_trust_set_revocation(trust, SEAL_REVOCATION_OFF);
    seal_anchors_add_defaults(trust, problems);
    if (preferences.system_bundle)
        seal_anchors_add_system(trust, problems);
    for (guint i = 0; i < problems->len; i++)
        seal_exam_note(exam, "anchors", SEAL_HEALTH_WORRY, NULL, "%s",
                       (const char *)problems->pdata[i]);
    return trust;
}

/* What the certificate is for: signing mail, else encrypting it. FALSE if it is for other things.
 */
static gboolean
purpose_of(X509 *certificate, SealCertificatePurpose *ret_purpose)
{
    *ret_purpose = SEAL_PURPOSE_SIGN_MAIL;
    if (!seal_usage_problem(certificate, *ret_purpose))
        return TRUE;
    *ret_purpose = SEAL_PURPOSE_ENCRYPT_MAIL;
    return !seal_usage_problem(certificate, *ret_purpose);
}

static gboolean
is_own_and_current(const SealExam *exam, const SealClientCertificate *certificate)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    const SealClientKey *key = seal_objects_key(exam->objects, certificate->key);
    const SealClientToken *token = key ? seal_objects_token(exam->objects, key->token) : NULL;

    return seal_exam_has_token(token) && certificate->addresses[0] &&
           now >= certificate->not_before && now <= certificate->not_after;
}

/* Certificates that came to the same. */
typedef struct {
    guint count;
    char *reason; /* (nullable) of the first */
} Outcome;

/* Counts what `certificate` comes to, if it is for mail. */
static void
judge(const SealTrust *trust, const SealClientCertificate *certificate, STACK_OF(X509) *untrusted,
      Outcome *outcomes)
{
    g_autoptr(X509) leaf = seal_certificate_read(certificate->certificate, "certificate", NULL);
    g_auto(SealChainResult) result = {0};
    SealCertificatePurpose purpose = SEAL_PURPOSE_SIGN_MAIL;

    if (!leaf || !purpose_of(leaf, &purpose))
        return;
    seal_trust_judge(trust, leaf, untrusted, purpose, g_get_real_time() / G_USEC_PER_SEC, &result);
    if (outcomes[result.state].count++ == 0)
        outcomes[result.state].reason = g_steal_pointer(&result.reason);
}

static void
judge_all(const SealExam *exam, const SealTrust *trust, Outcome *outcomes)
{
    STACK_OF(X509) *untrusted = seal_mail_certificate_all(exam->objects);

    for (guint i = 0; i < exam->objects->certificates->len; i++) {
        if (is_own_and_current(exam, exam->objects->certificates->pdata[i]))
            judge(trust, exam->objects->certificates->pdata[i], untrusted, outcomes);
    }
    sk_X509_pop_free(untrusted, X509_free);
}

static void
note_outcome(SealExam *exam, SealChainState state, const Outcome *outcome)
{
    gboolean lacks_anchor = state == SEAL_CHAIN_UNTRUSTED || state == SEAL_CHAIN_INCOMPLETE;

    if (outcome->count == 0)
        return;
    if (state == SEAL_CHAIN_GOOD)
        seal_exam_note(exam, "chain", SEAL_HEALTH_GOOD, NULL,
                       "%u of your certificates lead to a trusted CA; whether one is revoked was "
                       "not asked",
                       outcome->count);
    else
        seal_exam_note(exam, "chain", SEAL_HEALTH_WORRY,
                       lacks_anchor ? "privyseal trust add ROOT.pem" : NULL,
                       "%u of your certificates: %s%s%s", outcome->count, seal_chain_word(state),
                       outcome->reason ? ": " : "",
                       outcome->reason ? seal_exam_hide(exam, outcome->reason) : "");
}

static void
examine_chains(SealExam *exam, const SealTrust *trust)
{
    Outcome outcomes[SEAL_CHAIN_POLICY_INCONSISTENT + 1] = {{0}};

    judge_all(exam, trust, outcomes);
    for (guint state = 0; state < G_N_ELEMENTS(outcomes); state++) {
        note_outcome(exam, (SealChainState)state, &outcomes[state]);
        g_free(outcomes[state].reason);
    }
}

void
seal_examine_trust(SealExam *exam)
{
    g_autoptr(SealTrust) trust = NULL;

    exam->group = "Trust";
    trust = read_trust(exam);
    if (!trust)
        return;
    if (!seal_trust_has_anchors(trust))
        seal_exam_note(exam, "anchors", SEAL_HEALTH_WORRY, "privyseal trust add ROOT.pem",
                       "nobody is trusted here, so each signature you get is called untrusted: add "
                       "your organisation's root certificate");
    else if (exam->objects)
        examine_chains(exam, trust);
}
