/* The report on an opened mail: one verdict word, and what was found layer by layer. Data only; who
 * finds it out is smime/open.c and smime/verify.c. */
#pragma once

#include "smime/unwrapper.h"

#include <glib.h>

/* In the order of precedence: the first that applies is the verdict. The words are the enum's names
 * in lower case with hyphens. */
typedef enum {
    SEAL_VERDICT_OK,        /* all that is shown is covered by good signatures of its sender */
    SEAL_VERDICT_DECRYPTED, /* opened; the encryption authenticates the content; unsigned */
    SEAL_VERDICT_DECRYPTED_NOAUTH, /* opened; nothing authenticates the content */
    SEAL_VERDICT_OK_PLAIN,   /* no S/MIME in it at all, and nothing was asked but to open it */
    SEAL_VERDICT_UNSIGNED,   /* a signature was asked for, and there is none */
    SEAL_VERDICT_CERTS_ONLY, /* carries certificates, no message */
    SEAL_VERDICT_OK_PARTIAL, /* one signer is good, another one is not */
    SEAL_VERDICT_PARTIALLY_SIGNED, /* a part of the mail is signed, others are not */
    SEAL_VERDICT_BAD_SIGNATURE,    /* the signature does not fit the content */
    SEAL_VERDICT_UNTRUSTED,        /* the path ends in a root that is no anchor */
    SEAL_VERDICT_INCOMPLETE_CHAIN, /* an issuer's certificate is missing */
    SEAL_VERDICT_EXPIRED,
    SEAL_VERDICT_NOT_YET_VALID,
    SEAL_VERDICT_REVOKED,
    SEAL_VERDICT_REVOCATION_UNKNOWN,  /* a CRL was required, and none answers */
    SEAL_VERDICT_WRONG_USAGE,         /* the certificate is not for signing mail */
    SEAL_VERDICT_ADDRESS_MISMATCH,    /* the certificate is not for the mail's sender */
    SEAL_VERDICT_HEADER_MISMATCH,     /* protected header fields differ from the visible ones */
    SEAL_VERDICT_SIGNER_CERT_MISSING, /* the message does not carry the signer's certificate */
    SEAL_VERDICT_WEAK_ALGORITHM,      /* MD5, SHA-1, RSA below 2048 bits */
    SEAL_VERDICT_MALFORMED,           /* not what its type says */
    SEAL_VERDICT_UNSUPPORTED,         /* an algorithm or type this reader does not know */
    SEAL_VERDICT_DECRYPT_FAILED,      /* tag, padding or key is wrong */
    SEAL_VERDICT_NOT_RECIPIENT,       /* none of the keys here is among its recipients */
    SEAL_VERDICT_REFUSED,             /* a person, a policy or the PIN said no */
    SEAL_VERDICT_PARTIALLY_ENCRYPTED, /* a part of the mail is encrypted; it stays closed */
    SEAL_VERDICT_NESTING_LIMIT,
    SEAL_VERDICT_RESOURCE_LIMIT,
    SEAL_VERDICT_POLICY_INCONSISTENT, /* the certificate's policy contradicts its subject */
    SEAL_VERDICT_LAST = SEAL_VERDICT_POLICY_INCONSISTENT,
} SealVerdict;

/* Returns the word, e.g. "bad-signature". Static. */
const char *seal_verdict_word(SealVerdict verdict);

/* Returns the verdict of `word`, or `otherwise` if there is no such word. */
SealVerdict seal_verdict_from_word(const char *word, SealVerdict otherwise);

/* One signer of one layer. Words are static strings; texts are owned. */
typedef struct {
    SealVerdict verdict;
    char *reason;                 /* (nullable) one sentence when the verdict is not ok */
    GBytes *certificate;          /* (nullable) DER; the one the signature names */
    char *subject;                /* (nullable) RFC 2253 text, UTF-8, no control characters */
    GPtrArray *addresses;         /* (element-type utf8) the certificate's rfc822Names */
    const char *signature;        /* "good", "bad", "not-checked" */
    const char *chain;            /* "good" or a verdict word, "not-checked" */
    const char *revocation;       /* "good", "revoked", "unknown", "not-checked" */
    char *revocation_detail;      /* (nullable) of which certificate it was not checked, and why */
    const char *address_match;    /* "match", "mismatch", "not-checked" */
    const char *validation_level; /* "mailbox-validated" and so on, or "unknown" (pki/level.h) */
    const char *validation_generation; /* "legacy", "multipurpose", "strict", or "unknown" */
    gint64 signing_time; /* as the signer states it; seconds since 1970, G_MININT64: not stated */
    GPtrArray *senders;  /* (element-type utf8) the mail's authors for whom it is certified */
    /* For answers to a good signer (smime/preference.h); not in the report that is printed. */
    GBytes *encryption_certificate; /* (nullable) DER, not judged */
    GBytes *capabilities;           /* (nullable) DER */
    char *digest_algorithm;         /* (nullable) e.g. "sha256" */
    char *signature_algorithm;      /* (nullable) e.g. "rsa-pss" */
} SealSignerReport;

/* One certificate for whose key a message is, as far as the message and the memory of the reader's
 * programs tell. */
typedef struct {
    char *issuer; /* (nullable) RFC 2253 text, with `serial` in hexadecimal digits */
    char *serial;
    char *key_id;   /* (nullable) hexadecimal digits */
    SealSeen *seen; /* (nullable) it is one's own */
} SealWanted;

/* NULL is allowed. */
void seal_wanted_free(SealWanted *wanted);

typedef enum {
    SEAL_LAYER_SIGNED,         /* SignedData, detached or opaque */
    SEAL_LAYER_ENCRYPTED,      /* EnvelopedData */
    SEAL_LAYER_AUTH_ENCRYPTED, /* AuthEnvelopedData */
    SEAL_LAYER_COMPRESSED,     /* CompressedData, which protects nothing */
    SEAL_LAYER_CERTS_ONLY,
    SEAL_LAYER_UNKNOWN, /* says it is S/MIME, is none that is known */
} SealLayerType;

typedef struct {
    SealLayerType type;
    SealVerdict verdict;
    char *reason;          /* (nullable) one sentence when the verdict is not ok or decrypted */
    gboolean detached;     /* signatures: multipart/signed */
    GPtrArray *algorithms; /* (element-type utf8) each once, in the order met */
    GPtrArray *warnings; /* (element-type utf8) sentences: what is in order, but should be better */
    GPtrArray *issuers;  /* (element-type GBytes) signatures: CA certificates that came along */
    GPtrArray *signers;  /* (element-type SealSignerReport) empty for encryption */
    guint recipients;    /* encryption: how many RecipientInfos */
    GPtrArray *wanted;   /* (element-type SealWanted) "not-recipient": whose keys would open it */
} SealLayerReport;

/* A header field that the signature or encryption covers, and what stands outside. Texts are UTF-8
 * as a mail program shows them, one line. */
typedef struct {
    char *name; /* "Subject" */
    char *value;
    char *visible; /* (nullable) the field outside; NULL: there is none */
} SealHeaderReport;

typedef struct {
    SealVerdict verdict;
    gboolean good;       /* what was asked for was found, and in order: exit status 0 of the CLI */
    char *reason;        /* (nullable) one sentence when not good */
    GPtrArray *warnings; /* (element-type utf8) sentences; what a person should know in any case */
    GPtrArray *headers;  /* (element-type SealHeaderReport) protected header fields, perhaps none */
    GPtrArray *layers;   /* (element-type SealLayerReport) outermost first */
} SealReport;

/* Destructors; NULL is allowed. */
void seal_signer_report_free(SealSignerReport *signer);
void seal_layer_report_free(SealLayerReport *layer);
void seal_report_free(SealReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSignerReport, seal_signer_report_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLayerReport, seal_layer_report_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealReport, seal_report_free)

/* New empty reports; lists are there, words are "not-checked". For the makers of reports. */
SealSignerReport *seal_signer_report_new(void);
SealLayerReport *seal_layer_report_new(SealLayerType type);
SealReport *seal_report_new(void);
/* Adds `name` (copied) to the layer's algorithms unless it is there. */
void seal_layer_report_add_algorithm(SealLayerReport *layer, const char *name);
/* Sets the verdict on the mail and its reason, copied (nullable). */
void seal_report_set(SealReport *report, SealVerdict verdict, const char *reason);
/* Adds a protected header field, texts copied; `visible` (nullable). */
void seal_report_add_header(SealReport *report, const char *name, const char *value,
                            const char *visible);
/* Adds a sentence (copied) that does not change the verdict. */
void seal_layer_report_add_warning(SealLayerReport *layer, const char *text);

/* TRUE for characters that end a line, move a terminal's cursor, are invisible or turn the direction
 * of writing. */
gboolean seal_report_can_mislead(gunichar c);

/* Returns (transfer full) the report as JSON, pretty-printed, UTF-8, no final newline; what could
 * mislead a reader on a terminal is escaped:
 * {"verdict": WORD, "reason": TEXT|null, "warnings": [TEXT, ...], "headers": [{"name", "value",
 * "visible": TEXT|null}], "layers": [{"type": "signed"|"encrypted"|"auth-encrypted"|"compressed"|
 * "certs-only"|"unknown", "verdict", "reason", "algorithms": [...], "warnings": [TEXT, ...],
 * "detached": BOOL (signed), "recipients": N and "wanted": [{"issuer", "serial",
 * "key-id", "subject", "token", "token-serial", "last-seen"}] (encrypted; the last four are null
 * unless the certificate is remembered as one's own),
 * "signers": [{"subject", "addresses": [...], "verdict", "reason", "signature", "chain",
 * "revocation", "revocation-detail", "address-match", "validation-level", "validation-generation",
 * "signing-time": ISO 8601 UTC|null, "digest-algorithm", "signature-algorithm"}] (signed)}]}. */
char *seal_report_to_json(const SealReport *report);

/* How a line of the human page is meant; colour is the caller's matter. */
typedef enum { SEAL_LINE_PLAIN, SEAL_LINE_GOOD, SEAL_LINE_WARNING, SEAL_LINE_BAD } SealLineMood;

typedef struct {
    SealLineMood mood;
    guint indent;      /* levels: 0 the mail, 1 a layer, 2 a signer */
    const char *label; /* (nullable) e.g. "signed by"; static */
    char *text;        /* UTF-8, one line */
} SealReportLine;

/* Returns (transfer full) (element-type SealReportLine) the page for people, freeing its lines when
 * unreferenced. The first line is the verdict in words. */
GPtrArray *seal_report_lines(const SealReport *report);

/* Returns (transfer full) the same as plain text, lines ending in LF. */
char *seal_report_to_text(const SealReport *report);
