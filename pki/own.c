/* Kept by the client, not by the agent: it outlives sessions, and what a message needs is looked up
 * where messages are read. A row is rewritten once a day at most, so that listing tokens costs a
 * look and no write. */
#include "pki/own.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "pki/certificate.h"

#define SECONDS_PER_DAY 86400

void
seal_own_free(SealOwn *own)
{
    if (!own)
        return;
    g_free(own->fingerprint);
    g_clear_pointer(&own->certificate, g_bytes_unref);
    g_free(own->token);
    g_free(own->token_serial);
    g_free(own);
}

static void
free_own(gpointer own)
{
    seal_own_free(own);
}

/* -- noting ----------------------------------------------------------------------------------- */

static gboolean
is_noted(SealDatabase *database, const SealOwn *own, const char *fingerprint, gint64 day)
{
    g_autoptr(sqlite3_stmt) query = seal_database_query(
        database, NULL,
        "SELECT 1 FROM own WHERE fingerprint = ? AND token = ? AND token_serial = ?"
        " AND last_seen >= ?",
        "ttti", fingerprint, own->token, own->token_serial, day);

    return query && seal_database_next(database, query, NULL);
}

static gboolean
note(SealDatabase *database, const SealOwn *own, const char *fingerprint, gint64 day,
     GError **error)
{
    return seal_database_run(database, error,
                             "INSERT INTO own (fingerprint, der, token, token_serial, last_seen)"
                             " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (fingerprint) DO UPDATE SET"
                             " token = ?3, token_serial = ?4, last_seen = max(last_seen, ?5)",
                             "tbtti", fingerprint, own->certificate, own->token, own->token_serial,
                             day);
}

/* The rows that are to be written. (transfer container) */
static GPtrArray *
find_news(SealDatabase *database, const GPtrArray *seen, gint64 day)
{
    GPtrArray *news = g_ptr_array_new();

    for (guint i = 0; i < seen->len; i++) {
        const SealOwn *own = seen->pdata[i];
        g_autofree char *fingerprint =
            g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, own->certificate);

        if (!is_noted(database, own, fingerprint, day))
            g_ptr_array_add(news, seen->pdata[i]);
    }
    return news;
}

gboolean
seal_own_note(SealDatabase *database, const GPtrArray *seen, gint64 now, GError **error)
{
    gint64 day = now - now % SECONDS_PER_DAY;
    g_autoptr(GPtrArray) news = find_news(database, seen, day);
    gboolean well = TRUE;

    if (news->len == 0)
        return TRUE;
    if (!seal_database_begin(database, error))
        return FALSE;
    for (guint i = 0; well && i < news->len; i++) {
        const SealOwn *own = news->pdata[i];
        g_autofree char *fingerprint =
            g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, own->certificate);

        well = note(database, own, fingerprint, day, error);
    }
    return seal_database_end(database, well, error);
}

/* -- finding ---------------------------------------------------------------------------------- */

GPtrArray *
seal_own_list(SealDatabase *database, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_own);
    g_autoptr(sqlite3_stmt) query = seal_database_query(
        database, error, "SELECT fingerprint, der, token, token_serial, last_seen FROM own", "");
    g_autoptr(GError) problem = NULL;

    if (!query)
        return NULL;
    while (seal_database_next(database, query, &problem)) {
        SealOwn *own = g_new0(SealOwn, 1);

        own->fingerprint = seal_database_text(query, 0);
        own->certificate = seal_database_bytes(query, 1);
        own->token = seal_database_text(query, 2);
        own->token_serial = seal_database_text(query, 3);
        own->last_seen = sqlite3_column_int64(query, 4);
        g_ptr_array_add(list, own);
    }
    if (!problem)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

static gboolean
is_issuer(const X509 *certificate, GBytes *issuer)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_issuer_name(certificate), &der);
    gboolean same = len >= 0 && (gsize)len == g_bytes_get_size(issuer) &&
                    memcmp(der, g_bytes_get_data(issuer, NULL), (gsize)len) == 0;

    OPENSSL_free(der);
    return same;
}

static gboolean
is_serial(const X509 *certificate, GBytes *serial)
{
    unsigned char *der = NULL;
    int der_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
    const unsigned char *at = der;
    long len = 0;
    int tag = 0;
    int class = 0;
    gboolean same = FALSE;

    if (der_len > 0 && !(ASN1_get_object(&at, &len, &tag, &class, der_len) & 0x80))
        same = (gsize)len == g_bytes_get_size(serial) &&
               memcmp(at, g_bytes_get_data(serial, NULL), (gsize)len) == 0;
    OPENSSL_free(der);
    return same;
}

static gboolean
has_key_id(X509 *certificate, GBytes *key_id)
{
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(certificate);

    return own && (gsize)ASN1_STRING_length(own) == g_bytes_get_size(key_id) &&
           memcmp(ASN1_STRING_get0_data(own), g_bytes_get_data(key_id, NULL),
                  g_bytes_get_size(key_id)) == 0;
}

const SealOwn *
seal_own_find(const GPtrArray *list, GBytes *issuer, GBytes *serial, GBytes *key_id)
{
    for (guint i = 0; i < list->len; i++) {
        const SealOwn *own = list->pdata[i];
        g_autoptr(X509) certificate = seal_certificate_read(own->certificate, "it", NULL);

        if (!certificate)
            continue;
        if (issuer && serial && is_issuer(certificate, issuer) && is_serial(certificate, serial))
            return own;
        if (key_id && has_key_id(certificate, key_id))
            return own;
    }
    return NULL;
}
