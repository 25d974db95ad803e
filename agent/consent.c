/* One confirmation: may this program use this key for this? The answer holds for one request. */
#include "agent/consent.h"

#include "agent/assuan.h"

struct SealConsent {
    SealPrompt *prompt;
    SealConsentFunc done;
    gpointer user_data;
};

static char *
describe_request(const SealCaller *caller, const SealPolicyKey *key,
                 const SealPolicyUse *policy_use)
{
    const char *phrase = seal_policy_use_phrase(policy_use);
    const char *warning = policy_use->raw == SEAL_RAW_NONE
                              ? ""
                              : "\n\nThis is more than signing or reading mail needs.";

    g_autofree char *program = seal_caller_describe(caller);
    g_autofree char *shown_program = seal_assuan_name_clean(program);
    g_autofree char *shown_key = seal_assuan_name_clean(key->key_label);
    g_autofree char *shown_token = seal_assuan_name_clean(key->token_label);

    return g_strdup_printf("A program asks to %s with a key.\n\nProgram: %s\nKey: %s\nToken: %s\n"
                           "Purpose: %s%s",
                           phrase, shown_program, shown_key, shown_token, phrase, warning);
}

static void
on_answer(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    SealConsent *consent = user_data;
    SealConsentFunc done = consent->done;
    gpointer asker = consent->user_data;
    g_autofree char *sentence = g_strdup(message);

    seal_consent_cancel(consent);
    done(status, sentence, asker);
}

SealConsent *
seal_consent_async(SealPrompter *prompter, const SealCaller *caller, const SealPolicyKey *key,
                   const SealPolicyUse *policy_use, SealConsentFunc done, gpointer user_data)
{
    SealConsent *consent = g_new0(SealConsent, 1);
    g_autofree char *description = describe_request(caller, key, policy_use);
    const SealPromptText text = {
        .title = "Privy Seal",
        .description = description,
        .ok = "Allow",
        .refuse = "Refuse",
    };

    consent->prompt = seal_prompt_new(prompter, caller);
    consent->done = done;
    consent->user_data = user_data;
    seal_prompt_confirm(consent->prompt, &text, on_answer, consent);
    return consent;
}

void
seal_consent_cancel(SealConsent *consent)
{
    if (!consent)
        return;
    seal_prompt_free(consent->prompt);
    g_free(consent);
}
