/* privyseal recipients: the certificates of those one writes to. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ui-cli/recipients-keep.h"
#include "ui-cli/recipients-list.h"
#include "ui-cli/recipients.h"
#include "ui-cli/status.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

static const SealOption options_table[] = {
    {.name = "json", .help = "find, list: print JSON instead of a table"},
    SEAL_TRUST_OPTION_ROWS,
    {0},
};

typedef struct {
    const char *name, *usage;
    guint words_min, words_max; /* after the name */
    gboolean shows;             /* takes --json */
    int (*run)(SealOptions *options, const GPtrArray *words, GError **error);
} Action;

static SealDatabase *
open_database(GError **error)
{
    g_autofree char *path = seal_database_user_path();

    return seal_database_open(path, error);
}

static void
print_line(const char *before, const char *name, const char *after)
{
    g_autofree char *clean = seal_text_clean(name);

    printf("%s%s%s\n", before, clean, after);
}

/* -- the actions ------------------------------------------------------------------------------ */

static int
run_find(SealOptions *options, const GPtrArray *words, GError **error)
{
    g_autoptr(SealTrust) trust = seal_trust_from_options(options, "recipients", error);
    g_autoptr(SealReach) reach = NULL;
    g_autoptr(GPtrArray) found = NULL;
    const SealRecipientSearch search = {.reach = &reach,
                                        .trust = trust,
                                        .every_path = seal_options_has(options, "anchor"),
                                        .advice = "\"privyseal recipients import FILE\" keeps one"};

    if (!trust)
        return SEAL_STATUS_IO;
    found = seal_recipients_find(&search, words, error);
    if (!found)
        return SEAL_STATUS_MISSING;
    seal_recipients_print_found(found, seal_options_has(options, "json"));
    return SEAL_STATUS_DONE;
}

static int
run_list(SealOptions *options, const GPtrArray *words, GError **error)
{
    g_autoptr(SealDatabase) database = open_database(error);
    g_autoptr(GPtrArray) rows = NULL;

    if (database)
        rows = seal_correspondents_list(database, words->len > 0 ? words->pdata[0] : NULL, error);
    if (!rows)
        return SEAL_STATUS_IO;
    seal_recipients_print(rows, seal_options_has(options, "json"));
    return SEAL_STATUS_DONE;
}

static int
run_import(SealOptions *options, const GPtrArray *words, GError **error)
{
    g_autoptr(SealDatabase) database = open_database(error);

    if (!database || !seal_recipients_import(database, words->pdata[0], error))
        return SEAL_STATUS_IO;
    return SEAL_STATUS_DONE;
}

static int
run_pin(SealOptions *options, const GPtrArray *words, GError **error)
{
    const char *address = words->pdata[0];
    g_autoptr(SealDatabase) database = open_database(error);
    g_autofree char *fingerprint = NULL;

    if (database)
        fingerprint = seal_recipients_fingerprint(database, address, words->pdata[1], error);
    if (!fingerprint || !seal_correspondents_pin(database, address, fingerprint, error))
        return SEAL_STATUS_IO;
    print_line("pinned, and used alone from now on: SHA-256 ", fingerprint, "");
    return SEAL_STATUS_DONE;
}

static int
run_unpin(SealOptions *options, const GPtrArray *words, GError **error)
{
    const char *address = words->pdata[0];
    g_autoptr(SealDatabase) database = open_database(error);

    if (!database || !seal_correspondents_pin(database, address, NULL, error))
        return SEAL_STATUS_IO;
    print_line("no certificate of ", address, " is pinned any more");
    return SEAL_STATUS_DONE;
}

static int
run_forget(SealOptions *options, const GPtrArray *words, GError **error)
{
    const char *address = words->pdata[0];
    g_autoptr(SealDatabase) database = open_database(error);
    g_autofree char *fingerprint = NULL;
    guint count = 0;

    if (!database)
        return SEAL_STATUS_IO;
    if (words->len > 1) {
        fingerprint = seal_recipients_fingerprint(database, address, words->pdata[1], error);
        if (!fingerprint)
            return SEAL_STATUS_MISSING;
    }
    if (!seal_correspondents_forget(database, address, fingerprint, &count, error))
        return SEAL_STATUS_IO;
    if (count == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "no certificate of '%s' is kept, see \"privyseal recipients list\"", address);
        return SEAL_STATUS_MISSING;
    }
    print_line(count == 1 ? "forgotten: the certificate of " : "forgotten: the certificates of ",
               address, "");
    return SEAL_STATUS_DONE;
}

static const Action actions[] = {
    {"find", "find ADDRESS...", 1, G_MAXUINT, TRUE, run_find},
    {"list", "list [ADDRESS]", 0, 1, TRUE, run_list},
    {"import", "import FILE", 1, 1, FALSE, run_import},
    {"pin", "pin ADDRESS FINGERPRINT", 2, 2, FALSE, run_pin},
    {"unpin", "unpin ADDRESS", 1, 1, FALSE, run_unpin},
    {"forget", "forget ADDRESS [FINGERPRINT]", 1, 2, FALSE, run_forget},
};

/* -- the command ------------------------------------------------------------------------------ */

static const Action *
find_action(const char *name, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (g_str_equal(actions[i].name, name))
            return &actions[i];
    }
    seal_usage_error_set(error, "recipients",
                         "there is no 'recipients %s': it is find, list, import, pin, unpin or "
                         "forget",
                         name);
    return NULL;
}

static gboolean
check_words(const Action *action, const SealOptions *options, guint words, GError **error)
{
    static const char *const for_find[] = {"anchor", "no-default-anchors", "system-anchors", "crl",
                                           "revocation"};

    if (words < action->words_min || words > action->words_max) {
        seal_usage_error_set(
            error, "recipients", "%s: privyseal recipients %s",
            words < action->words_min ? "something is missing" : "that is too much", action->usage);
        return FALSE;
    }
    if (seal_options_has(options, "json") && !action->shows) {
        seal_usage_error_set(error, "recipients", "--json goes with find and list");
        return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(for_find) && action->run != run_find; i++) {
        if (seal_options_has(options, for_find[i])) {
            seal_usage_error_set(error, "recipients", "--%s goes with find", for_find[i]);
            return FALSE;
        }
    }
    return TRUE;
}

static int
run_recipients(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const Action *action = find_action(operands->pdata[0], error);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (guint i = 1; i < operands->len; i++)
        g_ptr_array_add(words, operands->pdata[i]);
    if (!action || !check_words(action, options, words->len, error))
        return SEAL_STATUS_USAGE;
    return action->run(options, words, error);
}

const SealCommand seal_command_recipients = {
    .name = "recipients",
    .usage = "find ADDRESS... | list [ADDRESS] | import FILE | pin ADDRESS HEX | ...",
    .summary = "keep and find the certificates of those you write to",
    .description =
        "To whom mail can be encrypted. Kept certificates are in the database\n"
        "~/.local/share/privyseal/recipients.db.\n\n"
        "  find ADDRESS...               which certificates 'encrypt --to' would use, and\n"
        "                                where they were found\n"
        "  list [ADDRESS]                what is kept; the one in use comes first\n"
        "  import FILE                   keep the certificates in FILE (PEM or DER)\n"
        "  pin ADDRESS FINGERPRINT       use this certificate alone, whatever else comes and\n"
        "                                whoever issued it; compare the whole fingerprint first\n"
        "  unpin ADDRESS                 use the newest again\n"
        "  forget ADDRESS [FINGERPRINT]  forget all of them, or one\n\n"
        "'find' asks the sources of privyseal.conf(5) one after the other, by default what is "
        "kept,\n"
        "the tokens and the directories (LDAP) that are configured, if told so DNS (SMIMEA), "
        "until\n"
        "one has a certificate that is valid now, for encryption and strong enough; of several "
        "the\n"
        "newest. Where CAs are trusted ('privyseal trust') it must lead up to one of them, unless\n"
        "it is pinned, on a token, or its domain vouches for it by DNSSEC; from a directory it "
        "must\n"
        "in any case. FINGERPRINT is the beginning of a SHA-256, 8 digits or more.",
    .options = options_table,
    .examples = "  privyseal recipients import bob.pem\n"
                "  privyseal recipients find bob@example.org\n"
                "  privyseal recipients pin bob@example.org 9f86d081884c7d65\n"
                "  privyseal recipients list --json | jq -r '.recipients[].address'\n",
    .statuses =
        "  0  done; find: every address has one\n"
        "  2  wrong use of the command\n"
        "  3  find: no usable certificate for those that are named; others: none such is kept\n"
        "  5  a file or the database cannot be read or written\n",
    .operands_min = 1,
    .operands_max = G_MAXUINT,
    .run = run_recipients,
};
