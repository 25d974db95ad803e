/* libp11's engine tries a signature that failed once more: ECDSA the same way, PSS as raw RSA. The
 * person who had cancelled would be asked again at once, and why PSS failed would be lost behind
 * the refusal of raw RSA. So its second try gets the answer of the first. */
#include "pkcs11/module/refusal.h"

#include "pkcs11/module/cryptoki.h"

/* The second try comes within microseconds; whoever decides anew takes longer. */
#define MEMORY_US G_USEC_PER_SEC

void
seal_refusal_set(SealRefusal *refusal, SealSigning *signing, CK_RV rv)
{
    seal_refusal_clear(refusal);
    refusal->signing = signing;
    refusal->rv = rv;
    refusal->until_us = g_get_monotonic_time() + MEMORY_US;
}

void
seal_refusal_clear(SealRefusal *refusal)
{
    g_clear_pointer(&refusal->signing, seal_signing_free);
}

static CK_RV
take(SealRefusal *refusal)
{
    seal_refusal_clear(refusal);
    return g_get_monotonic_time() < refusal->until_us ? refusal->rv : CKR_OK;
}

static gboolean
is_by_person(const SealRefusal *refusal)
{
    return refusal->rv == CKR_FUNCTION_CANCELED || refusal->rv == CKR_FUNCTION_REJECTED ||
           refusal->rv == CKR_PIN_INCORRECT;
}

CK_RV
seal_refusal_of_raw_rsa(SealRefusal *refusal, const char *key, gboolean is_open)
{
    /* Where raw RSA is open it may do what PSS could not. */
    if (!refusal->signing || !g_str_equal(seal_signing_key(refusal->signing), key) ||
        (is_open && !is_by_person(refusal)))
        return CKR_OK;
    return take(refusal);
}

CK_RV
seal_refusal_of_signing(SealRefusal *refusal, const SealSigning *again)
{
    /* What a person did not decide may go better now. */
    if (!refusal->signing || !is_by_person(refusal) ||
        !seal_signing_is_again(again, refusal->signing))
        return CKR_OK;
    return take(refusal);
}
