/* Which certificate stands for an address, among those that the agent knows. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/reach.h"

/* The best certificate of `address` for `purpose`: usable now, and for signing with a key that can
 * sign. Keys on a token that is present go first, then newer certificates (by day), then RSA before
 * EC before others (more programs read it), then the lower key id. Borrowed from `objects`; NULL
 * with NOT_FOUND and the reason, e.g. that the only one has expired. */
const SealClientCertificate *seal_mail_certificate_find(const SealClientObjects *objects,
                                                        const char *address,
                                                        SealCertificatePurpose purpose,
                                                        GError **error);

/* The best certificate of one key for signing mail or data. Errors as above. */
const SealClientCertificate *seal_mail_certificate_of_key(const SealClientObjects *objects,
                                                          const SealClientKey *key,
                                                          SealCertificatePurpose purpose,
                                                          GError **error);

/* TRUE if this certificate (DER) may be used for `purpose` now, by its dates and usages; else FALSE
 * and a clause in `ret_reason` (transfer full): "it expired on 2026-01-31". Trust is not judged. */
gboolean seal_mail_certificate_check(GBytes *der, SealCertificatePurpose purpose,
                                     char **ret_reason);

/* TRUE if mail or data can be signed with this very certificate: by its dates and usages, and with
 * a key that is on a token; else FALSE and a clause, as above. */
gboolean seal_mail_certificate_can_sign(const SealClientObjects *objects,
                                        const SealClientCertificate *certificate,
                                        SealCertificatePurpose purpose, char **ret_reason);

/* TRUE if mail is rather encrypted to `a` than to `b`, both usable certificates of one address: one
 * of RSA or EC before one of X25519, then the newer one (by day), then RSA, then the lower
 * fingerprint. */
gboolean seal_mail_certificate_is_better(X509 *a, X509 *b);

/* TRUE if the certificate is one for `purpose` at all, whatever its dates. */
gboolean seal_mail_certificate_has_use(X509 *certificate, SealCertificatePurpose purpose);

/* All certificates of the tokens (transfer full; X509_free): issuers are often among them. */
STACK_OF(X509) *seal_mail_certificate_all(const SealClientObjects *objects);
