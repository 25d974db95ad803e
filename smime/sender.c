/* From and Sender. Every address of From counts: a mail that names two authors, or has two From
 * fields, is shown under the name of one of them by any mail program, and nobody knows which. */
#include "smime/sender.h"

#include "pki/address.h"
#include "smime/look-alike.h"

#include <gmime/gmime.h>
#include <string.h>

/* -- reading ---------------------------------------------------------------------------------- */

/* What is done with each mailbox: the names shown beside it, of its group and its own, and its
 * address. */
typedef void (*VisitFunc)(const char *names, const char *address, GPtrArray *list);

static void
start_gmime(void)
{
    static gsize started = 0;

    if (g_once_init_enter(&started)) {
        g_mime_init();
        g_once_init_leave(&started, 1);
    }
}

static void visit_list(InternetAddressList *addresses, const char *group, VisitFunc visit,
                       GPtrArray *list);

/* Of a group of nobody its name is shown, which may look like an address. */
static void
visit_group(InternetAddressGroup *group, const char *names, VisitFunc visit, GPtrArray *list)
{
    InternetAddressList *members = internet_address_group_get_members(group);

    if (internet_address_list_length(members) == 0)
        visit(names, "", list);
    visit_list(members, names, visit, list);
}

static void
visit_list(InternetAddressList *addresses, const char *group, VisitFunc visit, GPtrArray *list)
{
    for (int i = 0; i < internet_address_list_length(addresses); i++) {
        InternetAddress *address = internet_address_list_get_address(addresses, i);
        const char *own = internet_address_get_name(address);
        g_autofree char *names = g_strjoin(" ", group, own ? own : "", NULL);
        const char *text = NULL;

        if (list->len > SEAL_SENDERS_MAX)
            return;
        if (INTERNET_ADDRESS_IS_GROUP(address)) {
            visit_group(INTERNET_ADDRESS_GROUP(address), names, visit, list);
            continue;
        }
        text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
        visit(names, text ? text : "", list);
    }
}

static void
note_warning(gint64 offset, GMimeParserWarning warning, const char *item, gpointer data)
{
    gboolean *skipped = data;

    *skipped |= warning == GMIME_WARN_INVALID_ADDRESS_LIST;
}

/* GMime passes over what it cannot read and gives the rest; another program may show just that. */
static InternetAddressList *
parse_addresses(const char *value, gboolean *ret_skipped)
{
    GMimeParserOptions *options = g_mime_parser_options_new();
    InternetAddressList *addresses = NULL;

    *ret_skipped = FALSE;
    g_mime_parser_options_set_warning_callback(options, note_warning, ret_skipped);
    addresses = internet_address_list_parse(options, value);
    g_mime_parser_options_free(options);
    return addresses;
}

static void
visit_value(const char *value, VisitFunc visit, GPtrArray *list)
{
    gboolean skipped = FALSE;
    InternetAddressList *addresses = parse_addresses(value, &skipped);

    if (addresses)
        visit_list(addresses, "", visit, list);
    if (!addresses || skipped)
        visit("", "", list);
    g_clear_object(&addresses);
}

static void
visit_field(const SealEntity *mail, const char *name, VisitFunc visit, GPtrArray *list)
{
    g_autoptr(GPtrArray) values = seal_entity_values(mail, name);

    start_gmime();
    for (guint i = 0; i < values->len && list->len <= SEAL_SENDERS_MAX; i++)
        visit_value(values->pdata[i], visit, list);
    if (seal_entity_is_cut(mail, name))
        visit("", "", list);
}

/* -- addresses -------------------------------------------------------------------------------- */

/* GMime turns "xn--..." into Unicode, where one domain can look like another. */
static char *
with_ascii_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    char *canonical = NULL;

    if (at && at[1] && !g_str_is_ascii(at) && address[0] != '"')
        canonical = seal_address_canonical(address);
    return canonical ? canonical : g_strdup(address);
}

static void
add_address(const char *names, const char *address, GPtrArray *senders)
{
    gboolean too_many = senders->len >= SEAL_SENDERS_MAX;

    g_ptr_array_add(senders, too_many ? g_strdup("") : with_ascii_domain(address));
}

GPtrArray *
seal_mail_senders(const SealEntity *mail, const char *otherwise)
{
    GPtrArray *senders = g_ptr_array_new_with_free_func(g_free);

    visit_field(mail, "From", add_address, senders);
    if (senders->len == 0)
        visit_field(mail, "Sender", add_address, senders);
    if (senders->len == 0 && otherwise)
        g_ptr_array_add(senders, g_strdup(otherwise));
    return senders;
}

GPtrArray *
seal_mail_sent_by(const SealEntity *mail)
{
    GPtrArray *senders = g_ptr_array_new_with_free_func(g_free);

    visit_field(mail, "Sender", add_address, senders);
    return senders;
}

/* -- warnings --------------------------------------------------------------------------------- */

static void
add_warnings(const char *names, const char *address, GPtrArray *warnings)
{
    g_autofree char *shown = with_ascii_domain(address);
    char *found[] = {seal_look_alike_name(names, shown), seal_look_alike_local(shown),
                     seal_look_alike_domain(address)};

    for (gsize i = 0; i < G_N_ELEMENTS(found); i++)
        if (found[i])
            g_ptr_array_add(warnings, found[i]);
}

GPtrArray *
seal_mail_sender_warnings(const SealEntity *mail)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) fields = seal_entity_values(mail, "From");

    if (fields->len > 1)
        g_ptr_array_add(warnings, g_strdup("it has more than one From field, and mail programs "
                                           "show different ones"));
    visit_field(mail, "From", add_warnings, warnings);
    visit_field(mail, "Sender", add_warnings, warnings);
    return warnings;
}
