/* From and Sender. Every address of From counts: a mail that names two authors, or has two From
 * fields, is shown under the name of one of them by any mail program, and nobody knows which. */
#include "smime/sender.h"

#include "pki/address.h"
#include "smime/look-alike.h"

#include <gmime/gmime.h>
#include <string.h>

/* -- reading ---------------------------------------------------------------------------------- */

/* GMime reads a group within a group by recursion, though no group may have one in it (RFC 5322
 * 3.4); a value of so many colons is not given to it. */
#define COLONS_MAX 64

/* What is done with each mailbox: the names shown beside it, of its group and its own, and its
 * address. */
typedef void (*VisitFunc)(const char *names, const char *address, GPtrArray *list);

typedef struct {
    VisitFunc func;
    GPtrArray *list; /* for `func` */
    guint count;     /* mailboxes and groups of a field so far */
} Visit;

/* Those beyond the limit are not looked at. */
static void
visit(Visit *visits, const char *names, const char *address)
{
    if (visits->count > SEAL_SENDERS_MAX)
        return;
    visits->count++;
    visits->func(names, address, visits->list);
}

static void
start_gmime(void)
{
    static gsize started = 0;

    if (g_once_init_enter(&started)) {
        g_mime_init();
        g_once_init_leave(&started, 1);
    }
}

static void
visit_mailbox(Visit *visits, InternetAddressMailbox *mailbox, const char *names)
{
    const char *text = internet_address_mailbox_get_addr(mailbox);

    visit(visits, names, text ? text : "");
}

static void visit_list(Visit *visits, InternetAddressList *addresses, const char *group);

/* Of a group of nobody its name is shown, which may look like an address. */
static void
visit_group(Visit *visits, InternetAddressGroup *group, const char *names)
{
    InternetAddressList *members = internet_address_group_get_members(group);

    if (internet_address_list_length(members) == 0)
        visit(visits, names, "");
    visit_list(visits, members, names);
}

static void
visit_list(Visit *visits, InternetAddressList *addresses, const char *group)
{
    int length = internet_address_list_length(addresses);

    for (int i = 0; i < length && visits->count <= SEAL_SENDERS_MAX; i++) {
        InternetAddress *address = internet_address_list_get_address(addresses, i);
        const char *own = internet_address_get_name(address);
        g_autofree char *names = g_strjoin(" ", group, own ? own : "", NULL);

        if (INTERNET_ADDRESS_IS_GROUP(address))
            visit_group(visits, INTERNET_ADDRESS_GROUP(address), names);
        else
            visit_mailbox(visits, INTERNET_ADDRESS_MAILBOX(address), names);
    }
}

static void
note_warning(gint64 offset, GMimeParserWarning warning, const char *item, gpointer data)
{
    gboolean *skipped = data;

    *skipped |= warning == GMIME_WARN_INVALID_ADDRESS_LIST;
}

static gboolean
has_many_colons(const char *value)
{
    guint count = 0;

    for (; *value && count <= COLONS_MAX; value++)
        count += *value == ':';
    return count > COLONS_MAX;
}

/* GMime passes over what it cannot read and gives the rest; another program may show just that. */
static InternetAddressList *
parse_addresses(const char *value, gboolean *ret_skipped)
{
    GMimeParserOptions *options = NULL;
    InternetAddressList *addresses = NULL;

    *ret_skipped = FALSE;
    if (has_many_colons(value))
        return NULL;
    options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, note_warning, ret_skipped);
    addresses = internet_address_list_parse(options, value);
    g_mime_parser_options_free(options);
    return addresses;
}

static void
visit_value(Visit *visits, const char *value)
{
    gboolean skipped = FALSE;
    InternetAddressList *addresses = parse_addresses(value, &skipped);

    if (addresses)
        visit_list(visits, addresses, "");
    if (!addresses || skipped)
        visit(visits, "", "");
    g_clear_object(&addresses);
}

static void
visit_field(const SealEntity *mail, const char *name, VisitFunc func, GPtrArray *list)
{
    g_autoptr(GPtrArray) values = seal_entity_values(mail, name);
    Visit visits = {func, list, 0};

    start_gmime();
    if (seal_entity_is_cut(mail, name))
        visit(&visits, "", "");
    for (guint i = 0; i < values->len && visits.count <= SEAL_SENDERS_MAX; i++)
        visit_value(&visits, values->pdata[i]);
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
    static const char *const names[] = {"From", "Sender"};
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GPtrArray) fields = seal_entity_values(mail, names[i]);

        if (fields->len > 1)
            g_ptr_array_add(warnings,
                            g_strdup_printf("it has more than one %s field, and mail programs show "
                                            "different ones",
                                            names[i]));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        visit_field(mail, names[i], add_warnings, warnings);
    return warnings;
}
