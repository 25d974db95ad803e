/* privyseal trust: the CA certificates that are believed. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pki/anchor-store.h"
#include "pki/certificate.h"
#include "ui-cli/json.h"
#include "ui-cli/status.h"
#include "ui-cli/table.h"
#include "ui-cli/trust-add.h"
#include "ui-cli/trust-options.h"
#include "ui-cli/validity.h"

#define FINGERPRINT_SHOWN 16 /* digits in the table; "remove" takes them */

static const SealOption options_table[] = {
    {.name = "fingerprint",
     .argument = "HEX",
     .help = "add: the SHA-256 fingerprint that the certificate must have, instead of\n"
             "asking; chooses one where FILE has several"},
    {.name = "json", .help = "list: print JSON instead of a table"},
    {0},
};

/* -- list ------------------------------------------------------------------------------------- */

static void
add_row(SealTable *table, const SealAnchor *anchor, const char *owner)
{
    g_autofree char *subject = seal_certificate_subject(anchor->certificate);
    g_autofree char *key = seal_certificate_key_text(anchor->certificate);
    g_autofree char *fingerprint = seal_certificate_fingerprint(anchor->certificate);
    g_autofree char *start = g_strndup(fingerprint, FINGERPRINT_SHOWN);
    g_autofree char *validity = NULL;
    gint64 from = 0;
    gint64 until = 0;

    seal_certificate_validity(anchor->certificate, &from, &until);
    validity = seal_validity_text(from, until);
    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, subject);
    seal_table_add_cell(table, seal_validity_colour(from, until), validity);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, key);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, owner);
    seal_table_add_cell(table, SEAL_COLOUR_DIM, start);
}

static void
print_table(const GPtrArray *site, const GPtrArray *user)
{
    static const char *const heads[] = {"ANCHOR",   "VALID UNTIL", "KEY",
                                        "ADDED BY", "SHA-256",     NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    if (site->len + user->len == 0) {
        printf("none: no signature is trusted until you add a CA with \"privyseal trust add "
               "FILE\"\n");
        return;
    }
    for (guint i = 0; i < site->len; i++)
        add_row(table, site->pdata[i], "site");
    for (guint i = 0; i < user->len; i++)
        add_row(table, user->pdata[i], "you");
    seal_table_print(table);
}

static void
put_anchor(JsonBuilder *json, const SealAnchor *anchor, const char *owner)
{
    g_autofree char *subject = seal_certificate_subject(anchor->certificate);
    g_autofree char *issuer = seal_certificate_issuer(anchor->certificate);
    g_autofree char *key = seal_certificate_key_text(anchor->certificate);
    g_autofree char *fingerprint = seal_certificate_fingerprint(anchor->certificate);
    gint64 from = 0;
    gint64 until = 0;

    seal_certificate_validity(anchor->certificate, &from, &until);
    json_builder_begin_object(json);
    seal_json_put_text(json, "subject", subject);
    seal_json_put_text(json, "issuer", issuer);
    seal_json_put_time(json, "not-before", from);
    seal_json_put_time(json, "not-after", until);
    seal_json_put_text(json, "key", key);
    seal_json_put_text(json, "sha256", fingerprint);
    seal_json_put_text(json, "owner", owner);
    seal_json_put_text(json, "file", anchor->path);
    json_builder_end_object(json);
}

static void
print_json(const GPtrArray *site, const GPtrArray *user)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autofree char *text = NULL;

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "anchors");
    json_builder_begin_array(json);
    for (guint i = 0; i < site->len; i++)
        put_anchor(json, site->pdata[i], "site");
    for (guint i = 0; i < user->len; i++)
        put_anchor(json, user->pdata[i], "user");
    json_builder_end_array(json);
    json_builder_end_object(json);
    text = seal_json_print(json);
    fputs(text, stdout);
}

/* The anchors of site and user; what is wrong with a file is a warning. */
static void
read_both(GPtrArray **ret_site, GPtrArray **ret_user)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *site_folder = seal_anchors_site_folder();
    g_autofree char *user_folder = seal_anchors_user_folder();

    *ret_site = seal_anchors_read(site_folder, warnings);
    *ret_user = seal_anchors_read(user_folder, warnings);
    seal_trust_warn(warnings);
}

static int
run_list(const SealOptions *options, GError **error)
{
    g_autoptr(GPtrArray) site = NULL;
    g_autoptr(GPtrArray) user = NULL;

    read_both(&site, &user);
    if (seal_options_has(options, "json"))
        print_json(site, user);
    else
        print_table(site, user);
    return SEAL_STATUS_DONE;
}

/* -- remove ----------------------------------------------------------------------------------- */

static int
run_remove(const char *name, GError **error)
{
    g_autoptr(GPtrArray) site = NULL;
    g_autoptr(GPtrArray) user = NULL;
    g_autofree char *subject = NULL;
    g_autofree char *clean = NULL;
    const SealAnchor *anchor = NULL;

    read_both(&site, &user);
    anchor = seal_anchors_find(user, name, error);
    if (!anchor) {
        const SealAnchor *of_site = seal_anchors_find(site, name, NULL);

        if (of_site) {
            g_clear_error(error);
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                        "cannot remove '%s': the site trusts it, its administrator can remove '%s'",
                        name, of_site->path);
        }
        return SEAL_STATUS_MISSING;
    }
    if (!seal_anchor_remove(anchor, user, error))
        return SEAL_STATUS_IO;
    subject = seal_certificate_subject(anchor->certificate);
    clean = seal_text_clean(subject);
    printf("trusted no longer: %s\n", clean);
    return SEAL_STATUS_DONE;
}

/* -- the command ------------------------------------------------------------------------------ */

static gboolean
check_words(const SealOptions *options, const char *action, guint operands, GError **error)
{
    gboolean is_list = g_str_equal(action, "list");
    gboolean is_add = g_str_equal(action, "add");

    if (!is_list && !is_add && !g_str_equal(action, "remove"))
        seal_usage_error_set(error, "trust", "there is no 'trust %s': it is add, list or remove",
                             action);
    else if (is_list && operands > 1)
        seal_usage_error_set(error, "trust", "'trust list' takes nothing after it");
    else if (!is_list && operands < 2)
        seal_usage_error_set(error, "trust", "say what: privyseal trust %s",
                             is_add ? "add FILE" : "remove FINGERPRINT|SUBJECT");
    else if (!is_add && seal_options_has(options, "fingerprint"))
        seal_usage_error_set(error, "trust", "--fingerprint goes with 'trust add'");
    else if (!is_list && seal_options_has(options, "json"))
        seal_usage_error_set(error, "trust", "--json goes with 'trust list'");
    else
        return TRUE;
    return FALSE;
}

static int
run_trust(SealOptions *options, GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    const char *action = operands->pdata[0];

    if (!check_words(options, action, operands->len, error))
        return SEAL_STATUS_USAGE;
    if (g_str_equal(action, "list"))
        return run_list(options, error);
    if (g_str_equal(action, "remove"))
        return run_remove(operands->pdata[1], error);
    return seal_trust_add_run(operands->pdata[1], options, error);
}

const SealCommand seal_command_trust = {
    .name = "trust",
    .usage = "add FILE [--fingerprint HEX] | list [--json] | remove FINGERPRINT|SUBJECT",
    .summary = "choose the CAs whose certificates are believed",
    .description =
        "Signatures are trusted if their certificates lead up to an anchor: a CA certificate of\n"
        "the site (/etc/privyseal/anchors.d) or yours (~/.config/privyseal/anchors.d). None comes\n"
        "with the program.\n\n"
        "'add' shows the CA certificate in FILE (PEM or DER, '-' for standard input) and asks on\n"
        "the terminal whether its fingerprint is the one you were told. It refuses certificates\n"
        "that are no CA's, not valid now, or weak. 'remove' takes a beginning of the fingerprint\n"
        "(8 digits or more), the subject or its common name; what the site trusts stays.",
    .options = options_table,
    .examples = "  privyseal trust add company-root.pem\n"
                "  privyseal trust add --fingerprint 9F:86:...:0A company-root.pem\n"
                "  privyseal trust list --json | jq -r '.anchors[].subject'\n"
                "  privyseal trust remove 9f86d081\n",
    .statuses = "  0  done\n"
                "  2  wrong use of the command\n"
                "  3  there is no such anchor, or more than one\n"
                "  4  refused: not confirmed, or not fit to be an anchor\n"
                "  5  a file cannot be read or written\n",
    .operands_min = 1,
    .operands_max = 2,
    .run = run_trust,
};
