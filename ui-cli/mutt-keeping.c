/* What mutt, or its user, runs to keep certificates: `index` when mutt starts, `import` for those
 * that came by mail or in a file. */
#include "ui-cli/mutt.h"

#include <stdio.h>

#include "base/error.h"
#include "pki/certificate.h"
#include "ui-cli/certificate-file.h"
#include "ui-cli/mutt-folder.h"
#include "ui-cli/mutt-index.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

static gboolean
keep_tokens(const char *folder, const SealClientObjects *objects, GError **error)
{
    g_autoptr(GPtrArray) certificates = g_ptr_array_new();

    for (guint i = 0; i < objects->certificates->len; i++)
        g_ptr_array_add(certificates,
                        ((SealClientCertificate *)objects->certificates->pdata[i])->certificate);
    return seal_mutt_index_write_keys(folder, objects, error) &&
           seal_mutt_folder_keep(folder, certificates, error);
}

/* Without the agent the index is made from the files alone: mutt must start all the same. */
int
seal_mutt_index(SealOptions *options, const GPtrArray *files, GError **error)
{
    g_autoptr(SealTrust) trust = seal_trust_from_options(options, "mutt", error);
    g_autofree char *folder = trust ? seal_mutt_folder_open(error) : NULL;
    g_autoptr(SealReach) reach = NULL;
    const SealClientObjects *objects = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) problem = NULL;

    if (!folder)
        return SEAL_STATUS_IO;
    reach = seal_reach_agent(&problem);
    objects = reach ? seal_reach_objects(reach, &problem) : NULL;
    if (objects && !keep_tokens(folder, objects, error))
        return SEAL_STATUS_IO;
    entries = seal_mutt_index_renew(folder, trust, error);
    if (!entries)
        return SEAL_STATUS_IO;
    printf("%s\n", folder);
    if (!problem)
        return SEAL_STATUS_DONE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return SEAL_STATUS_MISSING;
}

static const SealMuttEntry *
find_entry(const GPtrArray *entries, GBytes *der)
{
    g_autofree char *id = seal_mutt_folder_id(der);

    for (guint i = 0; i < entries->len; i++) {
        const SealMuttEntry *entry = entries->pdata[i];

        if (g_str_equal(entry->id, id))
            return entry;
    }
    return NULL;
}

static char *
describe_entry(const SealMuttEntry *entry, const char *address)
{
    if (entry->trust == 't')
        return g_strdup_printf("%s: kept, and trusted", address);
    return g_strdup_printf("%s: kept; mutt asks before it encrypts to it: %s", address,
                           entry->reason ? entry->reason : "it is not trusted");
}

static void
print_line(const char *line)
{
    g_autofree char *clean = seal_text_clean(line);

    printf("%s\n", clean);
}

static void
print_entry(const SealMuttEntry *entry)
{
    if (!entry->trust) {
        g_autofree char *subject = seal_certificate_subject(entry->certificate);
        g_autofree char *line = g_strdup_printf("%s: kept, as the certificate of a CA", subject);

        print_line(line);
    }
    for (guint i = 0; entry->trust && i < entry->addresses->len; i++) {
        g_autofree char *line = describe_entry(entry, entry->addresses->pdata[i]);

        print_line(line);
    }
}

int
seal_mutt_import(SealOptions *options, const GPtrArray *files, GError **error)
{
    const char *path = files->pdata[0];
    g_autoptr(SealTrust) trust = seal_trust_from_options(options, "mutt", error);
    g_autofree char *folder = trust ? seal_mutt_folder_open(error) : NULL;
    g_autoptr(GPtrArray) certificates = folder ? seal_certificate_file_read(path, error) : NULL;
    g_autoptr(GPtrArray) entries = NULL;
    guint kept = 0;

    if (!certificates || !seal_mutt_folder_keep(folder, certificates, error))
        return SEAL_STATUS_IO;
    entries = seal_mutt_index_renew(folder, trust, error);
    if (!entries)
        return SEAL_STATUS_IO;
    for (guint i = 0; i < certificates->len; i++) {
        const SealMuttEntry *entry = find_entry(entries, certificates->pdata[i]);

        if (!entry)
            continue;
        print_entry(entry);
        kept++;
    }
    if (kept > 0)
        return SEAL_STATUS_DONE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                "in '%s' is no certificate to which mail can be encrypted: ask its owner for the "
                "one that is",
                path);
    return SEAL_STATUS_MISSING;
}
