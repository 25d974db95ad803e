/* From findings to a verdict on revocation. What the mode asks decides only what silence means:
 * with "require" it is "revocation-unknown", else "not-checked", which is told but spoils nothing.
 * What was said counts in every mode: "revoked", and also "unknown", which a responder says of its
 * own issuer's certificate when nobody issued it rightfully. A list that somebody put there and
 * that is of no use is no silence either. */
#include "pki/revocation.h"

#include "pki/answer.h"
#include "pki/certificate.h"
#include "pki/online.h"
#include "pki/path.h"
#include "pki/trust-parts.h"

/* A later one is worse, and the word of the path. */
static const char *const words[] = {"good", "not-checked", "unknown", "revoked"};
enum { GOOD, NOT_CHECKED, UNKNOWN, REVOKED };

static guint
take_silence(const SealTrust *trust, X509 *certificate, const SealAnswer *answer, gboolean unusable,
             SealChainResult *result)
{
    g_autofree char *clause = NULL;
    g_autofree char *subject = NULL;

    if (unusable || trust->mode == SEAL_REVOCATION_REQUIRE) {
        if (answer->text)
            clause = g_strdup_printf("may be revoked, nobody says otherwise (%s): put its issuer's "
                                     "list into ~/.config/privyseal/crls.d",
                                     answer->text);
        seal_chain_note(result, SEAL_CHAIN_REVOCATION_UNKNOWN, certificate, clause);
        return UNKNOWN;
    }
    if (answer->text && !result->revocation_detail) {
        subject = seal_certificate_subject(certificate);
        result->revocation_detail = g_strdup_printf("'%s': %s", subject, answer->text);
    }
    return NOT_CHECKED;
}

static guint
settle_one(const SealTrust *trust, X509 *certificate, const SealAnswer *answer, gboolean unusable,
           SealChainResult *result)
{
    switch (answer->kind) {
    case SEAL_ANSWER_GOOD:
        return GOOD;
    case SEAL_ANSWER_REVOKED:
        seal_chain_note(result, SEAL_CHAIN_REVOKED, certificate, answer->text);
        return REVOKED;
    case SEAL_ANSWER_UNKNOWN:
        seal_chain_note(result, SEAL_CHAIN_REVOCATION_UNKNOWN, certificate,
                        "is not known to its issuer's OCSP responder, do not rely on it");
        return UNKNOWN;
    case SEAL_ANSWER_NONE:
        break;
    }
    return take_silence(trust, certificate, answer, unusable, result);
}

void
seal_revocation_settle(const SealTrust *trust, STACK_OF(X509) *path, const SealListFindings *lists,
                       gboolean may_ask, gint64 at, SealChainResult *result)
{
    guint worst = lists->revoked ? REVOKED : GOOD;

    if (trust->mode == SEAL_REVOCATION_OFF || result->state == SEAL_CHAIN_UNTRUSTED ||
        result->state == SEAL_CHAIN_INCOMPLETE)
        worst = MAX(worst, NOT_CHECKED);
    for (int i = 0; i + 1 < sk_X509_num(path); i++) {
        guint32 bit = UINT32_C(1) << MIN(i, 31);
        g_auto(SealAnswer) answer = {0};
        X509 *certificate = sk_X509_value(path, i);

        if (((lists->missing | lists->unusable) & bit) == 0)
            continue;
        /* Once one is revoked the others make no difference. */
        if (may_ask && trust->online && worst != REVOKED)
            seal_online_ask(trust->online, certificate, sk_X509_value(path, i + 1), at, &answer);
        worst = MAX(worst,
                    settle_one(trust, certificate, &answer, (lists->unusable & bit) != 0, result));
    }
    result->revocation = words[worst];
}
