/* From and Sender. Every address of From counts: a mail that names two authors, or has two From
 * fields, is shown under the name of one of them by any mail program, and nobody knows which. */
#include "smime/sender.h"

#include <gmime/gmime.h>

static void
add_addresses(InternetAddressList *list, GPtrArray *senders)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        const char *text = NULL;

        if (INTERNET_ADDRESS_IS_GROUP(address)) {
            add_addresses(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)),
                          senders);
            continue;
        }
        text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
        g_ptr_array_add(senders, g_strdup(text ? text : ""));
    }
}

static void
add_field(const SealEntity *mail, const char *name, GPtrArray *senders)
{
    g_autoptr(GPtrArray) values = seal_entity_values(mail, name);

    for (guint i = 0; i < values->len; i++) {
        InternetAddressList *list = internet_address_list_parse(NULL, g_ptr_array_index(values, i));

        /* A field that cannot be read names nobody a certificate could hold. */
        if (!list) {
            g_ptr_array_add(senders, g_strdup(""));
            continue;
        }
        add_addresses(list, senders);
        g_object_unref(list);
    }
}

GPtrArray *
seal_mail_senders(const SealEntity *mail, const char *otherwise)
{
    static gsize started = 0;
    GPtrArray *senders = g_ptr_array_new_with_free_func(g_free);

    if (g_once_init_enter(&started)) {
        g_mime_init();
        g_once_init_leave(&started, 1);
    }
    add_field(mail, "From", senders);
    if (senders->len == 0)
        add_field(mail, "Sender", senders);
    if (senders->len == 0 && otherwise)
        g_ptr_array_add(senders, g_strdup(otherwise));
    return senders;
}
