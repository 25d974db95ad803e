/* Kept certificates for people and for programs: the same facts in both. */
#include "ui-cli/recipients-list.h"

#include <stdio.h>

#include "pki/certificate.h"
#include "ui-cli/json.h"
#include "ui-cli/recipients.h"
#include "ui-cli/table.h"
#include "ui-cli/validity.h"

#define FINGERPRINT_SHOWN 16 /* digits in the table; "pin" and "forget" take them */

/* What both print of one certificate. */
typedef struct {
    char *subject, *issuer, *key, *fingerprint;
    gint64 from, until;
} Facts;

static void
facts_clear(Facts *facts)
{
    g_free(facts->subject);
    g_free(facts->issuer);
    g_free(facts->key);
    g_free(facts->fingerprint);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Facts, facts_clear)

static void
facts_read(Facts *facts, GBytes *der)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "it", NULL);

    if (!certificate) /* a damaged row is shown, so that it can be forgotten */
        return;
    facts->subject = seal_certificate_subject(certificate);
    facts->issuer = seal_certificate_issuer(certificate);
    facts->key = seal_certificate_key_text(certificate);
    facts->fingerprint = seal_certificate_fingerprint(certificate);
    seal_certificate_validity(certificate, &facts->from, &facts->until);
}

static void
add_cells(SealTable *table, const Facts *facts)
{
    g_autofree char *validity = seal_validity_text(facts->from, facts->until);
    g_autofree char *start =
        facts->fingerprint ? g_strndup(facts->fingerprint, FINGERPRINT_SHOWN) : g_strdup("");

    seal_table_add_cell(table, SEAL_COLOUR_NONE, facts->subject ? facts->subject : "(unreadable)");
    seal_table_add_cell(table, seal_validity_colour(facts->from, facts->until), validity);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, facts->key ? facts->key : "");
    seal_table_add_cell(table, SEAL_COLOUR_DIM, start);
}

static void
put_facts(JsonBuilder *json, const Facts *facts)
{
    seal_json_put_text(json, "subject", facts->subject ? facts->subject : "");
    seal_json_put_text(json, "issuer", facts->issuer ? facts->issuer : "");
    seal_json_put_time(json, "not-before", facts->from);
    seal_json_put_time(json, "not-after", facts->until);
    seal_json_put_text(json, "key", facts->key ? facts->key : "");
    seal_json_put_text(json, "sha256", facts->fingerprint ? facts->fingerprint : "");
}

static void
put_flag(JsonBuilder *json, const char *name, gboolean value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_boolean_value(json, value);
}

/* {"recipients": [...]}, each row by `put`. */
static void
print_rows(const GPtrArray *rows, void (*put)(JsonBuilder *json, gconstpointer row))
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autofree char *text = NULL;

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "recipients");
    json_builder_begin_array(json);
    for (guint i = 0; i < rows->len; i++) {
        json_builder_begin_object(json);
        put(json, rows->pdata[i]);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
    text = seal_json_print(json);
    fputs(text, stdout);
}

/* -- what is kept ----------------------------------------------------------------------------- */

static void
put_kept(JsonBuilder *json, gconstpointer data)
{
    const SealCorrespondent *row = data;
    g_auto(Facts) facts = {0};

    facts_read(&facts, row->certificate);
    seal_json_put_text(json, "address", row->address);
    seal_json_put_text(json, "origin", seal_origin_words[row->origin]);
    seal_json_put_time(json, "since", row->since);
    put_flag(json, "pinned", row->pinned);
    put_facts(json, &facts);
}

static void
add_kept(SealTable *table, const SealCorrespondent *row)
{
    g_auto(Facts) facts = {0};
    g_autofree char *since = seal_date_text(row->since);
    g_autofree char *kept = g_strdup_printf("%s %s", seal_origin_words[row->origin], since);

    facts_read(&facts, row->certificate);
    seal_table_add_row(table);
    seal_table_add_cell(table, SEAL_COLOUR_BOLD, row->address);
    seal_table_add_cell(table, SEAL_COLOUR_NONE, row->pinned ? "pinned" : kept);
    add_cells(table, &facts);
}

void
seal_recipients_print(const GPtrArray *rows, gboolean json)
{
    static const char *const heads[] = {"ADDRESS", "KEPT",    "CERTIFICATE", "VALID UNTIL",
                                        "KEY",     "SHA-256", NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    if (json) {
        print_rows(rows, put_kept);
        return;
    }
    for (guint i = 0; i < rows->len; i++)
        add_kept(table, rows->pdata[i]);
    if (rows->len > 0)
        seal_table_print(table);
    else
        printf("none is kept\n");
}

/* -- what was found --------------------------------------------------------------------------- */

static void
put_found(JsonBuilder *json, gconstpointer data)
{
    const SealFound *found = data;
    g_auto(Facts) facts = {0};

    facts_read(&facts, found->certificate);
    seal_json_put_text(json, "address", found->name);
    seal_json_put_text(json, "source", found->source);
    put_flag(json, "pinned", found->pinned);
    put_facts(json, &facts);
    seal_json_put_base64(json, "certificate", found->certificate);
}

void
seal_recipients_print_found(const GPtrArray *found, gboolean json)
{
    static const char *const heads[] = {"ADDRESS", "SOURCE",  "CERTIFICATE", "VALID UNTIL",
                                        "KEY",     "SHA-256", NULL};
    g_autoptr(SealTable) table = seal_table_new(heads);

    if (json) {
        print_rows(found, put_found);
        return;
    }
    for (guint i = 0; i < found->len; i++) {
        const SealFound *one = found->pdata[i];
        g_auto(Facts) facts = {0};

        facts_read(&facts, one->certificate);
        seal_table_add_row(table);
        seal_table_add_cell(table, SEAL_COLOUR_BOLD, one->name);
        seal_table_add_cell(table, SEAL_COLOUR_NONE, one->pinned ? "pinned" : one->source);
        add_cells(table, &facts);
    }
    seal_table_print(table);
}
