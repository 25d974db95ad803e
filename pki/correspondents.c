/* One row for each address and certificate. Which of several is in use follows from the rows, so
 * nothing has to be kept in step: the pinned one, else the newest. Who may come in is decided by
 * the callers; here nothing is judged, but a pin is never undone by what comes. */
#include "pki/correspondents.h"

#include "base/error.h"
#include "pki/address.h"
#include "pki/certificate.h"

#define ISSUERS_MAX "1000"

const char *const seal_origin_words[] = {
    [SEAL_ORIGIN_MAIL] = "mail", [SEAL_ORIGIN_IMPORT] = "import", NULL};

void
seal_correspondent_free(SealCorrespondent *correspondent)
{
    if (!correspondent)
        return;
    g_free(correspondent->address);
    g_free(correspondent->fingerprint);
    g_clear_pointer(&correspondent->certificate, g_bytes_unref);
    g_clear_pointer(&correspondent->capabilities, g_bytes_unref);
    g_free(correspondent);
}

void
seal_news_result_clear(SealNewsResult *result)
{
    g_clear_pointer(&result->former, seal_correspondent_free);
}

static void
free_correspondent(gpointer data)
{
    seal_correspondent_free(data);
}

static char *
canonical(const char *address, GError **error)
{
    char *mailbox = seal_address_canonical(address);

    if (!mailbox)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "'%s' is no mail address",
                    address);
    return mailbox;
}

/* -- reading ---------------------------------------------------------------------------------- */

static SealCorrespondent *
read_row(sqlite3_stmt *query)
{
    SealCorrespondent *row = g_new0(SealCorrespondent, 1);
    g_autofree char *word = seal_database_text(query, 2);

    row->address = seal_database_text(query, 0);
    row->fingerprint = seal_database_text(query, 1);
    row->origin = g_str_equal(word, seal_origin_words[SEAL_ORIGIN_MAIL]) ? SEAL_ORIGIN_MAIL
                                                                         : SEAL_ORIGIN_IMPORT;
    row->pinned = sqlite3_column_int64(query, 3) != 0;
    row->since = sqlite3_column_int64(query, 4);
    if (sqlite3_column_type(query, 5) != SQLITE_NULL)
        row->capabilities = seal_database_bytes(query, 5);
    row->capabilities_time = sqlite3_column_int64(query, 6);
    row->certificate = seal_database_bytes(query, 7);
    return row;
}

typedef struct {
    gboolean expired;
    gint64 from;
} Age;

static Age
age_of(const SealCorrespondent *row)
{
    g_autoptr(X509) certificate = seal_certificate_read(row->certificate, "it", NULL);
    gint64 until = 0;
    Age age = {TRUE, 0};

    if (certificate && seal_certificate_validity(certificate, &age.from, &until))
        age.expired = until < g_get_real_time() / G_USEC_PER_SEC;
    return age;
}

static gint
compare_rows(gconstpointer a, gconstpointer b)
{
    const SealCorrespondent *row_a = *(const SealCorrespondent *const *)a;
    const SealCorrespondent *row_b = *(const SealCorrespondent *const *)b;
    int order = g_strcmp0(row_a->address, row_b->address);
    Age age_a;
    Age age_b;

    if (order != 0)
        return order;
    if (row_a->pinned != row_b->pinned)
        return row_a->pinned ? -1 : 1;
    age_a = age_of(row_a);
    age_b = age_of(row_b);
    if (age_a.expired != age_b.expired)
        return age_a.expired ? 1 : -1;
    if (age_a.from != age_b.from)
        return age_a.from > age_b.from ? -1 : 1;
    return g_strcmp0(row_a->fingerprint, row_b->fingerprint);
}

static GPtrArray *
list_rows(SealDatabase *database, const char *mailbox, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_correspondent);
    g_autoptr(sqlite3_stmt) query = seal_database_query(
        database, error,
        "SELECT address, fingerprint, origin, pinned, since, capabilities, capabilities_time, der"
        " FROM correspondent JOIN certificate USING (fingerprint)"
        " WHERE ?1 IS NULL OR address = ?1",
        "t", mailbox);
    g_autoptr(GError) problem = NULL;

    if (!query)
        return NULL;
    while (seal_database_next(database, query, &problem))
        g_ptr_array_add(rows, read_row(query));
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    g_ptr_array_sort(rows, compare_rows);
    return g_steal_pointer(&rows);
}

GPtrArray *
seal_correspondents_list(SealDatabase *database, const char *address, GError **error)
{
    g_autofree char *mailbox = address ? canonical(address, error) : NULL;

    return address && !mailbox ? NULL : list_rows(database, mailbox, error);
}

/* -- keeping ---------------------------------------------------------------------------------- */

static gboolean
insert(SealDatabase *database, const SealNews *news, const char *mailbox, const char *fingerprint,
       GError **error)
{
    gint64 stated = MIN(news->capabilities_time, news->now);

    return seal_database_run(database, error,
                             "INSERT OR IGNORE INTO certificate (fingerprint, der) VALUES (?, ?)",
                             "tb", fingerprint, news->certificate) &&
           seal_database_run(
               database, error,
               "INSERT OR IGNORE INTO correspondent (address, fingerprint, origin, since)"
               " VALUES (?, ?, ?, ?)",
               "ttti", mailbox, fingerprint, seal_origin_words[news->origin], news->now) &&
           seal_database_run(database, error,
                             "UPDATE correspondent SET capabilities = ?1, capabilities_time = ?2"
                             " WHERE ?1 IS NOT NULL AND address = ?3 AND fingerprint = ?4"
                             " AND (capabilities_time IS NULL OR capabilities_time <= ?2)",
                             "bitt", news->capabilities, stated, mailbox, fingerprint);
}

static gboolean
is_among(const GPtrArray *rows, const char *fingerprint)
{
    for (guint i = 0; i < rows->len; i++) {
        const SealCorrespondent *row = rows->pdata[i];

        if (g_str_equal(row->fingerprint, fingerprint))
            return TRUE;
    }
    return FALSE;
}

static void
compare(GPtrArray *before, const GPtrArray *after, const char *fingerprint,
        SealNewsResult *ret_result)
{
    const SealCorrespondent *former = before->len > 0 ? before->pdata[0] : NULL;
    const SealCorrespondent *used = after->pdata[0];

    if (is_among(before, fingerprint)) {
        ret_result->kind = SEAL_NEWS_OLD;
        return;
    }
    ret_result->kind = !former                                       ? SEAL_NEWS_FIRST
                       : g_str_equal(used->fingerprint, fingerprint) ? SEAL_NEWS_CHANGED
                       : former->pinned                              ? SEAL_NEWS_PINNED
                                                                     : SEAL_NEWS_BESIDE;
    if (former)
        ret_result->former = g_ptr_array_steal_index(before, 0);
}

static gboolean
keep(SealDatabase *database, const SealNews *news, const char *mailbox, const char *fingerprint,
     SealNewsResult *ret_result, GError **error)
{
    g_autoptr(GPtrArray) before = list_rows(database, mailbox, error);
    g_autoptr(GPtrArray) after = NULL;

    if (!before || !insert(database, news, mailbox, fingerprint, error))
        return FALSE;
    after = list_rows(database, mailbox, error);
    if (after)
        compare(before, after, fingerprint, ret_result);
    return after != NULL;
}

/* TRUE if nothing would be written: the common case, for which nobody is kept waiting. */
static gboolean
is_known(SealDatabase *database, const SealNews *news, const char *mailbox, const char *fingerprint)
{
    g_autoptr(sqlite3_stmt) query = seal_database_query(
        database, NULL,
        "SELECT 1 FROM correspondent WHERE address = ?1 AND fingerprint = ?2"
        " AND (?3 IS NULL OR (capabilities_time IS NOT NULL AND (capabilities = ?3 OR"
        " capabilities_time > ?4)))",
        "ttbi", mailbox, fingerprint, news->capabilities, MIN(news->capabilities_time, news->now));

    return query && seal_database_next(database, query, NULL);
}

gboolean
seal_correspondents_keep(SealDatabase *database, const SealNews *news, SealNewsResult *ret_result,
                         GError **error)
{
    g_autofree char *mailbox = canonical(news->address, error);
    g_autofree char *fingerprint =
        g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, news->certificate);

    *ret_result = (SealNewsResult){.kind = SEAL_NEWS_OLD};
    if (!mailbox)
        return FALSE;
    if (is_known(database, news, mailbox, fingerprint))
        return TRUE;
    if (!seal_database_begin(database, error))
        return FALSE;
    return seal_database_end(database,
                             keep(database, news, mailbox, fingerprint, ret_result, error), error);
}

/* -- pinning and forgetting ------------------------------------------------------------------- */

static gboolean
pin(SealDatabase *database, const char *mailbox, const char *fingerprint, GError **error)
{
    if (!seal_database_run(database, error, "UPDATE correspondent SET pinned = 0 WHERE address = ?",
                           "t", mailbox))
        return FALSE;
    if (!fingerprint)
        return TRUE;
    if (!seal_database_run(database, error,
                           "UPDATE correspondent SET pinned = 1 WHERE address = ?"
                           " AND fingerprint = ?",
                           "tt", mailbox, fingerprint))
        return FALSE;
    if (seal_database_changes(database) > 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "there is no certificate '%s' of '%s' here, see \"privyseal recipients list\"",
                fingerprint, mailbox);
    return FALSE;
}

gboolean
seal_correspondents_pin(SealDatabase *database, const char *address, const char *fingerprint,
                        GError **error)
{
    g_autofree char *mailbox = canonical(address, error);

    if (!mailbox || !seal_database_begin(database, error))
        return FALSE;
    return seal_database_end(database, pin(database, mailbox, fingerprint, error), error);
}

static gboolean
forget(SealDatabase *database, const char *mailbox, const char *fingerprint, guint *ret_count,
       GError **error)
{
    if (!seal_database_run(database, error,
                           "DELETE FROM correspondent WHERE address = ?1"
                           " AND (?2 IS NULL OR fingerprint = ?2)",
                           "tt", mailbox, fingerprint))
        return FALSE;
    *ret_count = seal_database_changes(database);
    return seal_database_run(database, error,
                             "DELETE FROM certificate WHERE fingerprint NOT IN"
                             " (SELECT fingerprint FROM correspondent)",
                             "");
}

gboolean
seal_correspondents_forget(SealDatabase *database, const char *address, const char *fingerprint,
                           guint *ret_count, GError **error)
{
    g_autofree char *mailbox = canonical(address, error);

    *ret_count = 0;
    if (!mailbox || !seal_database_begin(database, error))
        return FALSE;
    return seal_database_end(database, forget(database, mailbox, fingerprint, ret_count, error),
                             error);
}

/* -- issuers ---------------------------------------------------------------------------------- */

static gboolean
has_issuer(SealDatabase *database, const char *fingerprint)
{
    g_autoptr(sqlite3_stmt) query = seal_database_query(
        database, NULL, "SELECT 1 FROM issuer WHERE fingerprint = ?", "t", fingerprint);

    return query && seal_database_next(database, query, NULL);
}

gboolean
seal_correspondents_keep_issuer(SealDatabase *database, X509 *authority, GError **error)
{
    g_autofree char *fingerprint = seal_certificate_fingerprint(authority);
    g_autoptr(GBytes) der = NULL;

    if (has_issuer(database, fingerprint))
        return TRUE;
    der = seal_certificate_der(authority);
    return seal_database_run(database, error,
                             "INSERT OR IGNORE INTO issuer (fingerprint, der)"
                             " SELECT ?, ? WHERE (SELECT count(*) FROM issuer) < " ISSUERS_MAX,
                             "tb", fingerprint, der);
}

static void
free_certificate(gpointer certificate)
{
    X509_free(certificate);
}

GPtrArray *
seal_correspondents_issuers(SealDatabase *database, GError **error)
{
    g_autoptr(GPtrArray) issuers = g_ptr_array_new_with_free_func(free_certificate);
    g_autoptr(sqlite3_stmt) query =
        seal_database_query(database, error, "SELECT der FROM issuer", "");
    g_autoptr(GError) problem = NULL;

    if (!query)
        return NULL;
    while (seal_database_next(database, query, &problem)) {
        g_autoptr(GBytes) der = seal_database_bytes(query, 0);
        X509 *certificate = seal_certificate_read(der, "it", NULL);

        if (certificate)
            g_ptr_array_add(issuers, certificate);
    }
    if (!problem)
        return g_steal_pointer(&issuers);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}
