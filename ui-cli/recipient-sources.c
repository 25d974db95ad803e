/* The sources, by table. Each says what it has; one that cannot be asked is no reason not to ask
 * the next. */
#include "ui-cli/recipient-sources.h"

#include "base/settings.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/correspondents.h"
#include "ui-cli/recipient-network.h"

void
seal_candidate_free(SealCandidate *candidate)
{
    if (!candidate)
        return;
    g_bytes_unref(candidate->certificate);
    g_clear_pointer(&candidate->capabilities, g_bytes_unref);
    g_free(candidate);
}

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

SealCandidate *
seal_candidate_new(GBytes *certificate, const char *source)
{
    SealCandidate *candidate = g_new0(SealCandidate, 1);

    candidate->certificate = g_bytes_ref(certificate);
    candidate->source = source;
    return candidate;
}

gboolean
seal_sources_init(SealSources *sources, SealReach **reach, GPtrArray *overruled, GError **error)
{
    g_autofree char *user_file = seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();

    *sources = (SealSources){.reach = reach,
                             .others = sk_X509_new_null(),
                             .seen = g_ptr_array_new_with_free_func(unref_bytes)};
    sources->settings = seal_recipient_settings_load(user_file, site_file, overruled, error);
    return sources->settings != NULL;
}

void
seal_sources_clear(SealSources *sources)
{
    sk_X509_pop_free(sources->others, X509_free);
    sources->others = NULL;
    g_clear_pointer(&sources->seen, g_ptr_array_unref);
    g_clear_pointer(&sources->settings, seal_recipient_settings_free);
    g_clear_pointer(&sources->database, seal_database_free);
}

void
seal_sources_add_other(SealSources *sources, GBytes *der)
{
    X509 *certificate = seal_certificate_read(der, "it", NULL);

    if (certificate)
        sk_X509_push(sources->others, certificate);
}

/* -- the database ----------------------------------------------------------------------------- */

static gboolean
open_database(SealSources *sources, GError **error)
{
    g_autofree char *path = seal_database_user_path();

    if (!sources->database)
        sources->database = seal_database_open(path, error);
    return sources->database != NULL;
}

static gboolean
add_issuers(SealSources *sources, GError **error)
{
    g_autoptr(GPtrArray) issuers = NULL;

    if (sources->has_issuers)
        return TRUE;
    issuers = seal_correspondents_issuers(sources->database, error);
    for (guint i = 0; issuers && i < issuers->len; i++) {
        X509_up_ref(issuers->pdata[i]);
        sk_X509_push(sources->others, issuers->pdata[i]);
    }
    sources->has_issuers = issuers != NULL;
    return issuers != NULL;
}

static gboolean
ask_store(SealSources *sources, const char *address, GPtrArray *candidates, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    if (!open_database(sources, error) || !add_issuers(sources, error))
        return FALSE;
    rows = seal_correspondents_list(sources->database, address, error);
    for (guint i = 0; rows && i < rows->len; i++) {
        const SealCorrespondent *row = rows->pdata[i];
        SealCandidate *candidate =
            seal_candidate_new(row->certificate, seal_source_words[SEAL_SOURCE_STORE]);

        candidate->pinned = row->pinned;
        if (row->capabilities)
            candidate->capabilities = g_bytes_ref(row->capabilities);
        g_ptr_array_add(candidates, candidate);
    }
    return rows != NULL;
}

static GBytes *
stated_with(const GPtrArray *rows, GBytes *certificate)
{
    for (guint i = 0; i < rows->len; i++) {
        const SealCorrespondent *row = rows->pdata[i];

        if (row->capabilities && g_bytes_equal(row->certificate, certificate))
            return g_bytes_ref(row->capabilities);
    }
    return NULL;
}

GBytes *
seal_sources_stated(SealSources *sources, GBytes *certificate)
{
    g_autofree char *path = seal_database_user_path();
    g_autoptr(X509) x509 = seal_certificate_read(certificate, "it", NULL);
    g_autoptr(GPtrArray) addresses = x509 ? seal_address_list(x509) : NULL;
    GBytes *stated = NULL;

    if (!addresses || !g_file_test(path, G_FILE_TEST_EXISTS) || !open_database(sources, NULL))
        return NULL;
    for (guint i = 0; i < addresses->len && !stated; i++) {
        g_autoptr(GPtrArray) rows =
            seal_correspondents_list(sources->database, addresses->pdata[i], NULL);

        stated = rows ? stated_with(rows, certificate) : NULL;
    }
    return stated;
}

/* -- tokens ----------------------------------------------------------------------------------- */

static gboolean
has_address(const SealClientCertificate *certificate, const char *address)
{
    for (char **at = certificate->addresses; *at; at++) {
        if (seal_address_equal(*at, address))
            return TRUE;
    }
    return FALSE;
}

static gboolean
ask_tokens(SealSources *sources, const char *address, GPtrArray *candidates, GError **error)
{
    const SealClientObjects *objects = NULL;

    if (!*sources->reach)
        *sources->reach = seal_reach_agent(error);
    objects = *sources->reach ? seal_reach_objects(*sources->reach, error) : NULL;
    if (!objects)
        return FALSE;
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];
        SealCandidate *candidate = NULL;

        seal_sources_add_other(sources, certificate->certificate);
        if (!has_address(certificate, address))
            continue;
        candidate =
            seal_candidate_new(certificate->certificate, seal_source_words[SEAL_SOURCE_TOKEN]);
        candidate->own = TRUE;
        g_ptr_array_add(candidates, candidate);
    }
    return TRUE;
}

/* -- all of them ------------------------------------------------------------------------------ */

gboolean
seal_source_ask(SealSources *sources, SealSource source, const char *address, GPtrArray *candidates,
                GError **error)
{
    static gboolean (*const ask[])(SealSources * sources, const char *address,
                                   GPtrArray *candidates, GError **error) = {
        [SEAL_SOURCE_STORE] = ask_store,
        [SEAL_SOURCE_TOKEN] = ask_tokens,
        [SEAL_SOURCE_LDAP] = seal_network_ask_directories,
        [SEAL_SOURCE_DNS] = seal_network_ask_dns,
    };
    guint before = candidates->len;
    gboolean well = ask[source](sources, address, candidates, error);

    for (guint i = before; i < candidates->len; i++)
        g_ptr_array_add(sources->seen,
                        g_bytes_ref(((const SealCandidate *)candidates->pdata[i])->certificate));
    return well;
}
