/* Asking a person whether a program may use a key: once per request, by a confirmation dialogue. */
#pragma once

#include "agent/policy.h"
#include "agent/prompter.h"

typedef struct SealConsent SealConsent;

/* status NONE: granted; DENIED: refused; CANCELLED, TIMED_OUT, NO_PROMPTER as the prompter says. */
typedef void (*SealConsentFunc)(SealErrorCode status, const char *message, gpointer user_data);
SealConsent *seal_consent_async(SealPrompter *prompter, const SealCaller *caller,
                                const SealPolicyKey *key, const SealPolicyUse *policy_use,
                                SealConsentFunc done, gpointer user_data);
void seal_consent_cancel(SealConsent *consent);
