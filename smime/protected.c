/* Protected and visible header fields side by side.
 *
 * RFC 9788: the Content-Type of the payload says hp="clear" or hp="cipher", and the payload's own
 * fields are the protected ones; under "cipher" HP-Outer says how each looked outside when it was
 * sent. RFC 8551: the payload is message/rfc822. A forwarded mail is one, too; it is taken for the
 * mail itself only if it says forwarded=no, or has the same Message-ID or author. */
#include "smime/protected.h"

#include "pki/address.h"
#include "smime/sender.h"

#include <gmime/gmime.h>
#include <string.h>

#define VALUE_MAX 1000 /* characters of a value that are reported */

typedef enum { FORM_NONE, FORM_CLEAR, FORM_CIPHER, FORM_WRAPPED } Form;

static const char *const names[] = {"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date"};

/* -- values ----------------------------------------------------------------------------------- */

/* The text a mail program shows, in one line without control characters. (transfer full) */
static char *
readable(const char *value)
{
    g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, value);
    g_autofree char *valid = g_utf8_make_valid(decoded, -1);
    GString *text = g_string_new(NULL);
    guint count = 0;

    for (const char *at = valid; *at && count < VALUE_MAX; at = g_utf8_next_char(at), count++) {
        gunichar c = g_utf8_get_char(at);
        gboolean blank = g_unichar_isspace(c) || g_unichar_iscntrl(c);

        if (!blank)
            g_string_append_unichar(text, c);
        else if (text->len > 0 && text->str[text->len - 1] != ' ')
            g_string_append_c(text, ' ');
    }
    g_strchomp(text->str);
    return g_string_free(text, FALSE);
}

/* All fields of that name as one text, or NULL. (transfer full) */
static char *
value_of(const SealEntity *entity, const char *name)
{
    g_autoptr(GPtrArray) values = seal_entity_values(entity, name);
    g_autofree char *joined = NULL;

    if (values->len == 0)
        return NULL;
    g_ptr_array_add(values, NULL);
    joined = g_strjoinv(", ", (char **)values->pdata);
    return readable(joined);
}

/* How `name` looked outside when the mail was sent, or NULL: not at all. (transfer full) */
static char *
outer_value(const SealEntity *payload, const char *name)
{
    g_autoptr(GPtrArray) values = seal_entity_values(payload, "HP-Outer");
    gsize len = strlen(name);

    for (guint i = 0; i < values->len; i++) {
        const char *value = g_ptr_array_index(values, i);

        if (g_ascii_strncasecmp(value, name, len) == 0 && value[len] == ':')
            return readable(value + len + 1);
    }
    return NULL;
}

/* -- which form ------------------------------------------------------------------------------- */

static gboolean
are_within(GPtrArray *some, GPtrArray *all)
{
    for (guint i = 0; i < some->len; i++)
        if (!seal_address_in(all, g_ptr_array_index(some, i)))
            return FALSE;
    return TRUE;
}

static gboolean
have_same_authors(const SealEntity *a, const SealEntity *b)
{
    g_autoptr(GPtrArray) authors_a = seal_mail_senders(a, NULL);
    g_autoptr(GPtrArray) authors_b = seal_mail_senders(b, NULL);

    return are_within(authors_a, authors_b) && are_within(authors_b, authors_a);
}

static gboolean
is_the_mail_itself(const SealEntity *mail, const SealEntity *wrapper, const SealEntity *wrapped)
{
    const char *forwarded = seal_entity_parameter(wrapper, "forwarded");
    g_autofree char *id = value_of(mail, "Message-ID");
    g_autofree char *wrapped_id = value_of(wrapped, "Message-ID");

    if (forwarded)
        return g_ascii_strcasecmp(forwarded, "no") == 0;
    return (id && g_strcmp0(id, wrapped_id) == 0) || have_same_authors(mail, wrapped);
}

static Form
form_of(const SealEntity *mail, const SealEntity *payload, const SealEntity *wrapped)
{
    const char *hp = seal_entity_parameter(payload, "hp");

    if (hp && g_ascii_strcasecmp(hp, "clear") == 0)
        return FORM_CLEAR;
    if (hp && g_ascii_strcasecmp(hp, "cipher") == 0)
        return FORM_CIPHER;
    if (g_str_equal(payload->type, "message/rfc822") && is_the_mail_itself(mail, payload, wrapped))
        return FORM_WRAPPED;
    return FORM_NONE;
}

/* -- side by side ----------------------------------------------------------------------------- */

static void
add_header(const SealEntity *mail, const SealEntity *protected, const char *name, Form form,
           gboolean encrypted, SealReport *report)
{
    g_autofree char *value = value_of(protected, name);
    g_autofree char *visible = value_of(mail, name);
    g_autofree char *sent = NULL;
    g_autofree char *warning = NULL;

    if (!value)
        return;
    seal_report_add_header(report, name, value, visible);
    /* Who wraps and encrypts may have hidden a field, and does not say so. */
    if (report->verdict != SEAL_VERDICT_OK || !visible || g_str_equal(name, "From") ||
        (form == FORM_WRAPPED && encrypted))
        return;
    sent = form == FORM_CIPHER ? outer_value(protected, name) : g_strdup(value);
    if (g_strcmp0(sent, visible) == 0)
        return;
    warning = g_strdup_printf("its visible %s was changed on the way: what counts is the protected "
                              "one, shown here",
                              name);
    g_ptr_array_add(report->warnings, g_steal_pointer(&warning));
}

/* What is said of the visible From and Sender, of the protected ones; each sentence once. */
static void
add_sender_warnings(const SealEntity *protected, SealReport *report)
{
    g_autoptr(GPtrArray) warnings = seal_mail_sender_warnings(protected);

    for (guint i = 0; i < warnings->len; i++)
        if (!g_ptr_array_find_with_equal_func(report->warnings, warnings->pdata[i], g_str_equal,
                                              NULL))
            g_ptr_array_add(report->warnings, g_strdup(warnings->pdata[i]));
}

static char *
compare_authors(const SealEntity *mail, const SealEntity *protected)
{
    g_autofree char *value = value_of(protected, "From");
    g_autofree char *visible = value_of(mail, "From");

    if (!value || have_same_authors(mail, protected))
        return NULL;
    return g_strdup_printf("its protected From is %s, but the visible one is %s: the header was "
                           "changed on the way, ask the sender by another way",
                           value, visible ? visible : "missing");
}

char *
seal_protected_read(const SealEntity *mail, const SealEntity *payload, gboolean encrypted,
                    SealReport *report)
{
    g_autoptr(SealEntity) wrapped = seal_entity_parse(payload->body);
    Form form = form_of(mail, payload, wrapped);
    const SealEntity *protected = form == FORM_WRAPPED ? wrapped : payload;

    if (form == FORM_NONE)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        add_header(mail, protected, names[i], form, encrypted, report);
    add_sender_warnings(protected, report);
    return compare_authors(mail, protected);
}
