/* Whom mail is written to: their certificates, as kept in the user's database. */
#pragma once

#include "pki/database.h"

#include <openssl/x509.h>

/* How a certificate came here. */
typedef enum {
    SEAL_ORIGIN_MAIL,   /* with a mail that was judged good */
    SEAL_ORIGIN_IMPORT, /* from a file that a person gave */
    SEAL_ORIGIN_LAST = SEAL_ORIGIN_IMPORT,
} SealOrigin;

/* Their words: "mail", "import". */
extern const char *const seal_origin_words[];

/* One certificate of one address. */
typedef struct {
    char *address; /* canonical (pki/address.h) */
    char *fingerprint;
    GBytes *certificate;      /* DER */
    SealOrigin origin;        /* of the first time */
    gboolean pinned;          /* alone in use for its address, whatever else comes */
    gint64 since;             /* kept since; seconds since 1970 */
    GBytes *capabilities;     /* (nullable) smimeCapabilities (RFC 8551 2.5.2) in DER, as its owner
                               * stated them in the latest signed mail */
    gint64 capabilities_time; /* the signing time of that mail */
} SealCorrespondent;

/* NULL is allowed. */
void seal_correspondent_free(SealCorrespondent *correspondent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCorrespondent, seal_correspondent_free)

/* What is to be kept. Views (transfer none). */
typedef struct {
    const char *address; /* an addr-spec */
    GBytes *certificate; /* DER of one that can be read */
    SealOrigin origin;
    gint64 now;               /* seconds since 1970 */
    GBytes *capabilities;     /* (nullable) */
    gint64 capabilities_time; /* a time in the future is taken for `now` */
} SealNews;

/* What keeping a certificate changed for its address. */
typedef struct {
    enum {
        SEAL_NEWS_OLD,     /* it was here before */
        SEAL_NEWS_FIRST,   /* the first one of this address */
        SEAL_NEWS_CHANGED, /* it takes the place of `former` */
        SEAL_NEWS_BESIDE,  /* kept, but `former` stays in use: it is newer */
        SEAL_NEWS_PINNED,  /* kept, but `former` stays in use: it is pinned */
    } kind;
    SealCorrespondent *former; /* (nullable) that was in use before */
} SealNewsResult;

/* Frees what is in `result`, not `result` itself; once or twice. */
void seal_news_result_clear(SealNewsResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealNewsResult, seal_news_result_clear)

/* The functions below block on the disk and fail with the errors of seal_database_open(). */

/* Returns (transfer full) (element-type SealCorrespondent) the certificates of `address`, or with
 * NULL of all, by address; for each the one in use first: the pinned one, else the newest (by
 * notBefore) of those that have not expired, else the newest. */
GPtrArray *seal_correspondents_list(SealDatabase *database, const char *address, GError **error);

/* Keeps one certificate, with the later of the capabilities. INVALID_INPUT if `address` is none. */
gboolean seal_correspondents_keep(SealDatabase *database, const SealNews *news,
                                  SealNewsResult *ret_result, GError **error);

/* Pins the certificate of `address` whose fingerprint this is, instead of one that is; NULL: none
 * is pinned any more. NOT_FOUND if it is not kept. */
gboolean seal_correspondents_pin(SealDatabase *database, const char *address,
                                 const char *fingerprint, GError **error);

/* Forgets the certificates of `address`, or (fingerprint not NULL) the one. Sets how many. */
gboolean seal_correspondents_forget(SealDatabase *database, const char *address,
                                    const char *fingerprint, guint *ret_count, GError **error);

/* Keeps a CA's certificate to build paths from; it is believed in nothing. At most 1,000 are kept,
 * later ones are not. */
gboolean seal_correspondents_keep_issuer(SealDatabase *database, X509 *authority, GError **error);
/* Returns (transfer full) (element-type X509) those. */
GPtrArray *seal_correspondents_issuers(SealDatabase *database, GError **error);
