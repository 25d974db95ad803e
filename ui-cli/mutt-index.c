/* The indexes of the folder, which are all by which mutt finds a certificate: a line per address,
 * with the name of a file, a label, a letter for how far it is to be believed, and its uses. They
 * follow from the files, the tokens, the anchors and the date, and are written anew each time.
 *
 * mutt asks its user before it encrypts to a certificate that is not trusted. Of several that are,
 * only the best is listed, or mutt would ask which. Of several that are not, all are: a stranger's
 * newer one must not take the place of the one in use. */
#include "ui-cli/mutt-index.h"

#include <string.h>

#include "base/fd.h"
#include "pki/address.h"
#include "pki/certificate.h"
#include "ui-cli/choose.h"
#include "ui-cli/mail-certificate.h"
#include "ui-cli/mutt-folder.h"

#define KEY_ID_SHOWN 16  /* hex digits; a key is named by any beginning of its id */
#define LABEL_MAX    60  /* bytes; mutt shows what fits behind the address */
#define LINE_MAX_LEN 900 /* bytes; mutt reads 1,023 */
#define LINE_PARTS   6
#define INDEX_MAX    ((gsize)16 * 1024 * 1024) /* bytes; 10,000 certificates fill some 2 MB */

/* -- judging ---------------------------------------------------------------------------------- */

/* mutt's letters: t trusted, u unverified, e expired, r revoked, i invalid. */
static char
letter_of(SealChainState state)
{
    switch (state) {
    case SEAL_CHAIN_GOOD:
        return 't';
    case SEAL_CHAIN_EXPIRED:
    case SEAL_CHAIN_NOT_YET_VALID:
        return 'e';
    case SEAL_CHAIN_REVOKED:
        return 'r';
    case SEAL_CHAIN_WRONG_USAGE:
    case SEAL_CHAIN_WEAK_ALGORITHM:
    case SEAL_CHAIN_MALFORMED:
        return 'i';
    default:
        return 'u';
    }
}

static void
judge(SealMuttEntry *entry, const SealTrust *trust, STACK_OF(X509) *others)
{
    g_auto(SealChainResult) result = {0};

    if (!seal_mail_certificate_has_use(entry->certificate, SEAL_PURPOSE_ENCRYPT_MAIL))
        return;
    seal_trust_judge(trust, entry->certificate, others, SEAL_PURPOSE_ENCRYPT_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    entry->trust = letter_of(result.state);
    entry->reason = g_strdup(result.reason);
}

static void
judge_all(const GPtrArray *entries, const SealTrust *trust)
{
    STACK_OF(X509) *others = sk_X509_new_null();

    for (guint i = 0; i < entries->len; i++)
        sk_X509_push(others, ((SealMuttEntry *)entries->pdata[i])->certificate);
    for (guint i = 0; i < entries->len; i++)
        judge(entries->pdata[i], trust, others);
    sk_X509_free(others);
}

/* -- the index of certificates ---------------------------------------------------------------- */

/* One name for addresses that are one mailbox (RFC 5321 2.4). (transfer full) */
static char *
fold_address(const char *address)
{
    const char *at = strrchr(address, '@');
    g_autofree char *local = g_strndup(address, (gsize)(at - address));
    g_autofree char *domain = g_ascii_strdown(at, -1);

    return g_strconcat(local, domain, NULL);
}

/* Folded address -> the best trusted entry. */
static GHashTable *
best_trusted(const GPtrArray *entries)
{
    GHashTable *best = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < entries->len; i++) {
        SealMuttEntry *entry = entries->pdata[i];

        for (guint j = 0; entry->trust == 't' && j < entry->addresses->len; j++) {
            char *address = fold_address(entry->addresses->pdata[j]);
            const SealMuttEntry *other = g_hash_table_lookup(best, address);

            if (!other || seal_mail_certificate_is_better(entry->certificate, other->certificate))
                g_hash_table_replace(best, address, entry);
            else
                g_free(address);
        }
    }
    return best;
}

/* The parts of a line are parted by blanks. (transfer full) */
static char *
label_of(const char *text)
{
    g_autofree char *label = g_strdup(text);
    const char *end = NULL;

    for (char *at = label; *at; at++) {
        if ((guchar)*at <= ' ' || *at == 0x7f)
            *at = '_';
    }
    if (strlen(label) > LABEL_MAX)
        label[LABEL_MAX] = '\0';
    if (!g_utf8_validate(label, -1, &end))
        label[end - label] = '\0';
    return g_strdup(*label ? label : "-");
}

/* Without an issuer: `?` is mutt's word for it, and sign and encrypt do not need it. */
static void
put_line(GString *index, const char *address, const char *id, const char *name, char trust,
         const char *uses)
{
    g_autofree char *label = label_of(name);
    g_autofree char *line = g_strdup_printf("%s %s %s ? %c %s\n", address, id, label, trust, uses);

    if (!strpbrk(address, " \t") && strlen(line) <= LINE_MAX_LEN)
        g_string_append(index, line);
}

static char *
make_index(const GPtrArray *entries)
{
    g_autoptr(GHashTable) best = best_trusted(entries);
    GString *index = g_string_new(NULL);

    for (guint i = 0; i < entries->len; i++) {
        const SealMuttEntry *entry = entries->pdata[i];
        g_autofree char *subject = seal_certificate_subject(entry->certificate);

        for (guint j = 0; entry->trust && j < entry->addresses->len; j++) {
            const char *address = entry->addresses->pdata[j];
            g_autofree char *folded = fold_address(address);
            const SealMuttEntry *chosen = g_hash_table_lookup(best, folded);

            if (!chosen || chosen == entry)
                put_line(index, address, entry->id, subject, entry->trust, "e");
        }
    }
    return g_string_free(index, FALSE);
}

static gboolean
write_index(const char *folder, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(folder, ".index", NULL);

    return seal_file_replace(path, text, strlen(text), 0600, error);
}

GPtrArray *
seal_mutt_index_renew(const char *folder, const SealTrust *trust, GError **error)
{
    g_autoptr(GPtrArray) entries = seal_mutt_folder_read(folder, error);
    g_autofree char *index = NULL;

    if (!entries)
        return NULL;
    judge_all(entries, trust);
    index = make_index(entries);
    return write_index(folder, index, error) ? g_steal_pointer(&entries) : NULL;
}

char *
seal_mutt_index_find(const char *address)
{
    g_autofree char *folder = seal_mutt_folder_path();
    g_autofree char *path = g_build_filename(folder, ".index", NULL);
    g_autofree char *text = seal_file_read_text(path, INDEX_MAX, NULL, NULL);
    g_auto(GStrv) lines = NULL;

    if (!text)
        return NULL;
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, " ", LINE_PARTS);

        if (g_strv_length(parts) == LINE_PARTS && seal_address_equal(parts[0], address) &&
            seal_mutt_folder_is_id(parts[1]) && g_str_equal(parts[4], "t"))
            return g_build_filename(folder, parts[1], NULL);
    }
    return NULL;
}

/* -- the index of keys ------------------------------------------------------------------------ */

/* For mutt's question "Sign as:"; own keys need no judgement. */
static char *
make_key_index(const SealClientObjects *objects)
{
    GString *index = g_string_new(NULL);

    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];
        const SealClientKey *key = seal_objects_key(objects, certificate->key);
        g_autofree char *reason = NULL;
        g_autofree char *id = NULL;

        if (!key ||
            !seal_mail_certificate_can_sign(objects, certificate, SEAL_PURPOSE_SIGN_MAIL, &reason))
            continue;
        id = g_strndup(seal_path_id(key->path), KEY_ID_SHOWN);
        for (char **address = certificate->addresses; *address; address++)
            put_line(index, *address, id, key->label, 't', "s");
    }
    return g_string_free(index, FALSE);
}

gboolean
seal_mutt_index_write_keys(const char *folder, const SealClientObjects *objects, GError **error)
{
    g_autofree char *keys = g_build_filename(folder, "keys", NULL);
    g_autofree char *index = make_key_index(objects);

    return write_index(keys, index, error);
}
