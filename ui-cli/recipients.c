/* Recipients by address or file. All that are missing are told at once: a person who writes to ten
 * people does not want to run the command ten times.
 *
 * A source that was asked is believed only as far as what it gives proves itself: certificates of
 * the database were judged when they came with a mail, or chosen by a person, and are judged again
 * where there are anchors; what a directory gives is anybody's until a CA that is trusted says
 * whose it is. A pin says that a person has compared fingerprints; its certificate needs no CA, and
 * nothing beside it is asked or looked at. */
#include "ui-cli/recipients.h"

#include <string.h>

#include "base/error.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/recipient-sources.h"
#include "ui-cli/recipients-keep.h"
#include "ui-cli/trust-options.h"

typedef struct {
    const SealRecipientSearch *how;
    SealSources sources;
    GPtrArray *found;
    GString *missing;   /* clauses, parted by ", " */
    GPtrArray *changes; /* sentences for whoever writes */
    gboolean blind;     /* the database cannot be read: nobody can tell who is pinned */
} Search;

void
seal_found_free(SealFound *found)
{
    if (!found)
        return;
    g_free(found->name);
    g_bytes_unref(found->certificate);
    g_clear_pointer(&found->capabilities, g_bytes_unref);
    g_free(found);
}

static void
free_found(gpointer found)
{
    seal_found_free(found);
}

static void
free_candidate(gpointer candidate)
{
    seal_candidate_free(candidate);
}

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static gboolean
is_address(const char *name)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};

    if (!strchr(name, '@') || strchr(name, '/'))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (g_str_has_suffix(name, endings[i]))
            return FALSE;
    }
    return TRUE;
}

static void
note_missing(Search *search, const char *name, const char *reason)
{
    g_string_append_printf(search->missing, "%s'%s' (%s)", search->missing->len > 0 ? ", " : "",
                           name, reason);
}

static void
note_found(Search *search, const char *name, const SealCandidate *candidate)
{
    SealFound *found = g_new0(SealFound, 1);

    found->name = g_strdup(name);
    found->certificate = g_bytes_ref(candidate->certificate);
    found->source = candidate->source;
    found->pinned = candidate->pinned;
    found->capabilities = candidate->capabilities
                              ? g_bytes_ref(candidate->capabilities)
                              : seal_sources_stated(&search->sources, candidate->certificate);
    g_ptr_array_add(search->found, found);
}

/* -- judging ---------------------------------------------------------------------------------- */

static gboolean
has_anchors(const Search *search)
{
    return search->how->trust && seal_trust_has_anchors(search->how->trust);
}

static gboolean
needs_path(const Search *search, const SealCandidate *candidate)
{
    if (!search->how->trust || search->how->every_path)
        return search->how->trust != NULL;
    return has_anchors(search) && !candidate->pinned && !candidate->own && !candidate->vouched;
}

/* NULL, or a clause that says why its path is not good. (transfer full) */
static char *
check_path(const Search *search, const SealCandidate *candidate, X509 *certificate)
{
    g_auto(SealChainResult) result = {0};

    if (candidate->foreign && !candidate->vouched && !has_anchors(search))
        return g_strdup("no CA is trusted here that could say whose it is, add one with "
                        "\"privyseal trust add\"");
    if (!needs_path(search, candidate))
        return NULL;
    seal_trust_judge(search->how->trust, certificate, search->sources.others,
                     SEAL_PURPOSE_ENCRYPT_MAIL, g_get_real_time() / G_USEC_PER_SEC, &result);
    if (result.state == SEAL_CHAIN_GOOD)
        return NULL;
    return g_strdup(result.reason ? result.reason : seal_chain_word(result.state));
}

static gboolean
is_for(X509 *certificate, const char *address)
{
    g_autoptr(GPtrArray) addresses = seal_address_list(certificate);

    return seal_address_in(addresses, address);
}

/* NULL if `candidate` can be used for `address` (nullable: whosever it is). (transfer full) */
static char *
check(const Search *search, const SealCandidate *candidate, const char *address)
{
    g_autoptr(X509) certificate = NULL;
    char *reason = NULL;

    if (!seal_mail_certificate_check(candidate->certificate, SEAL_PURPOSE_ENCRYPT_MAIL, &reason))
        return reason;
    certificate = seal_certificate_read(candidate->certificate, "it", NULL);
    if (seal_certificate_is_weak(certificate))
        return g_strdup("its key can be broken");
    if (address && !is_for(certificate, address))
        return g_strdup("it is for another address");
    return check_path(search, candidate, certificate);
}

/* -- an address ------------------------------------------------------------------------------- */

static gboolean
is_better(const SealCandidate *a, const SealCandidate *b)
{
    g_autoptr(X509) first = seal_certificate_read(a->certificate, "it", NULL);
    g_autoptr(X509) second = seal_certificate_read(b->certificate, "it", NULL);

    if (a->rank != b->rank)
        return a->rank < b->rank;
    return seal_mail_certificate_is_better(first, second);
}

static const SealCandidate *
find_pinned(const GPtrArray *candidates)
{
    for (guint i = 0; i < candidates->len; i++) {
        const SealCandidate *candidate = candidates->pdata[i];

        if (candidate->pinned)
            return candidate;
    }
    return NULL;
}

static void
set_reason(char **reason, const SealCandidate *candidate, const char *text)
{
    g_autoptr(X509) certificate = seal_certificate_read(candidate->certificate, "it", NULL);
    g_autofree char *subject =
        certificate ? seal_certificate_subject(certificate) : g_strdup("unreadable");

    g_free(*reason);
    *reason = g_strdup_printf("%scertificate '%s': %s", candidate->pinned ? "pinned " : "", subject,
                              text);
}

/* The best of `candidates`; NULL with a reason if none can be used. */
static const SealCandidate *
choose(const Search *search, const GPtrArray *candidates, const char *address, char **reason)
{
    const SealCandidate *pinned = find_pinned(candidates);
    const SealCandidate *best = NULL;

    for (guint i = 0; i < candidates->len; i++) {
        const SealCandidate *candidate = candidates->pdata[i];
        g_autofree char *problem = NULL;

        if (pinned && candidate != pinned)
            continue;
        problem = check(search, candidate, address);
        if (problem)
            set_reason(reason, candidate, problem);
        else if (!best || is_better(candidate, best))
            best = candidate;
    }
    return best;
}

/* What the network has in place of a certificate that is kept is used, but not in silence. */
static void
tell_change(Search *search, const char *address, const SealCandidate *found)
{
    SealNewsResult change = {.kind = SEAL_NEWS_CHANGED};
    g_autoptr(GPtrArray) rows =
        search->sources.database ? seal_correspondents_list(search->sources.database, address, NULL)
                                 : NULL;

    if (!found->foreign || !rows || rows->len == 0)
        return;
    for (guint i = 0; i < rows->len; i++) {
        if (g_bytes_equal(((const SealCorrespondent *)rows->pdata[i])->certificate,
                          found->certificate))
            return;
    }
    change.former = rows->pdata[0];
    g_ptr_array_add(search->changes,
                    seal_recipients_change_text(address, found->certificate, &change));
}

/* Takes the best that one source has. */
static gboolean
take_best(Search *search, const GPtrArray *candidates, const char *address, char **reason)
{
    const SealCandidate *best = choose(search, candidates, address, reason);

    if (!best)
        return FALSE;
    tell_change(search, address, best);
    note_found(search, address, best);
    return TRUE;
}

static void
keep_reason(char **reason, const GError *problem)
{
    g_free(*reason);
    *reason = g_strdup(problem->message);
}

static gboolean
look_in(Search *search, SealSource source, const char *address, char **reason)
{
    g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(free_candidate);
    g_autoptr(GError) problem = NULL;

    if (search->blind && source > SEAL_SOURCE_TOKEN)
        return FALSE;
    if (seal_source_ask(&search->sources, source, address, candidates, &problem))
        return take_best(search, candidates, address, reason);
    keep_reason(reason, problem);
    return FALSE;
}

/* A pin counts whatever the sources are. TRUE if there is one, of use or not. */
static gboolean
look_for_pin(Search *search, const char *address, char **reason)
{
    g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(free_candidate);
    g_autofree char *path = seal_database_user_path();
    g_autoptr(GError) problem = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return FALSE;
    if (!seal_source_ask(&search->sources, SEAL_SOURCE_STORE, address, candidates, &problem)) {
        keep_reason(reason, problem);
        search->blind = TRUE;
        return FALSE;
    }
    if (!find_pinned(candidates))
        return FALSE;
    take_best(search, candidates, address, reason);
    return TRUE;
}

static void
look_up_address(Search *search, const char *address)
{
    const SealRecipientSettings *settings = search->sources.settings;
    g_autofree char *mailbox = seal_address_canonical(address);
    g_autofree char *reason = NULL;
    guint found = search->found->len;
    gboolean ended = FALSE;

    if (!mailbox)
        reason = g_strdup("this is no mail address");
    else
        ended = look_for_pin(search, address, &reason);
    g_ptr_array_set_size(search->sources.seen, 0);
    for (guint i = 0; mailbox && !ended && i < settings->source_count; i++)
        ended = look_in(search, settings->sources[i], address, &reason);
    if (search->found->len == found)
        note_missing(search, address, reason ? reason : "none is known");
}

/* -- a file ----------------------------------------------------------------------------------- */

static gboolean
look_up_file(Search *search, const char *name, GError **error)
{
    g_autoptr(GPtrArray) certificates = seal_certificate_file_read(name, error);
    g_autofree char *reason = NULL;
    SealCandidate *candidate = NULL;

    if (!certificates)
        return FALSE;
    /* The first is the recipient's, as in every chain file; the others lead up from it. */
    for (guint i = 1; i < certificates->len; i++)
        seal_sources_add_other(&search->sources, certificates->pdata[i]);
    candidate = seal_candidate_new(certificates->pdata[0], "file");
    candidate->own = TRUE;
    reason = check(search, candidate, NULL);
    if (reason)
        note_missing(search, name, reason);
    else
        note_found(search, name, candidate);
    seal_candidate_free(candidate);
    return TRUE;
}

/* -- all of them ------------------------------------------------------------------------------ */

static gboolean
search_all(Search *search, const GPtrArray *names, GError **error)
{
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];

        if (is_address(name))
            look_up_address(search, name);
        else if (!look_up_file(search, name, error))
            return FALSE;
    }
    if (search->missing->len == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "cannot encrypt: no usable certificate for %s; %s", search->missing->str,
                search->how->advice);
    return FALSE;
}

GPtrArray *
seal_recipients_find(const SealRecipientSearch *how, const GPtrArray *names, GError **error)
{
    Search search = {.how = how,
                     .found = g_ptr_array_new_with_free_func(free_found),
                     .missing = g_string_new(NULL),
                     .changes = g_ptr_array_new_with_free_func(g_free)};
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    gboolean well = seal_sources_init(&search.sources, how->reach, overruled, error) &&
                    search_all(&search, names, error);

    seal_trust_warn(overruled);
    seal_trust_warn(search.changes);
    g_ptr_array_unref(search.changes);
    seal_sources_clear(&search.sources);
    g_string_free(search.missing, TRUE);
    if (!well)
        g_clear_pointer(&search.found, g_ptr_array_unref);
    return search.found;
}

static gboolean
is_in_first(const GPtrArray *found, guint count, GBytes *certificate)
{
    for (guint i = 0; i < count; i++) {
        if (g_bytes_equal(((const SealFound *)found->pdata[i])->certificate, certificate))
            return TRUE;
    }
    return FALSE;
}

void
seal_found_make_unique(GPtrArray *found)
{
    for (guint i = found->len; i > 0; i--) {
        if (is_in_first(found, i - 1, ((const SealFound *)found->pdata[i - 1])->certificate))
            g_ptr_array_remove_index(found, i - 1);
    }
}

GPtrArray *
seal_found_certificates(const GPtrArray *found)
{
    GPtrArray *certificates = g_ptr_array_new_with_free_func(unref_bytes);

    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(certificates,
                        g_bytes_ref(((const SealFound *)found->pdata[i])->certificate));
    return certificates;
}
