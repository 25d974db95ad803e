/* Old mail is closed to who has lost sight of a token. The message names its recipients'
 * certificates by issuer and serial number or by a key identifier; whoever remembers certificates
 * of one's own (SealUnwrapper.recall) says which card to look for. */
#include "smime/wanted.h"

#include "smime/recipient.h"

#include <openssl/x509.h>

/* `is_number`: without the zero octet that keeps it positive, as other programs show it. */
static char *
hex_of(GBytes *bytes, gboolean is_number)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);
    GString *text = g_string_new(NULL);

    for (gsize i = is_number && len > 1 && data[0] == 0 ? 1 : 0; i < len; i++)
        g_string_append_printf(text, "%02x", data[i]);
    return g_string_free(text, FALSE);
}

/* RFC 2253 text of a DER Name. (transfer full) */
static char *
name_of(GBytes *der)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(der, &len);
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)len);
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *text = NULL;
    long text_len = 0;

    if (name)
        X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    text_len = BIO_get_mem_data(out, &data);
    text = text_len > 0 ? g_utf8_make_valid(data, text_len) : g_strdup("(no name)");
    BIO_free(out);
    X509_NAME_free(name);
    return text;
}

static SealWanted *
new_wanted(const SealRecipientId *id, const SealUnwrapper *unwrapper)
{
    SealWanted *wanted = g_new0(SealWanted, 1);

    if (id->issuer)
        wanted->issuer = name_of(id->issuer);
    if (id->serial)
        wanted->serial = hex_of(id->serial, TRUE);
    if (id->subject_key_id)
        wanted->key_id = hex_of(id->subject_key_id, FALSE);
    if (unwrapper && unwrapper->recall)
        wanted->seen = unwrapper->recall(unwrapper, id);
    return wanted;
}

/* The certificate by what the message says of it. (transfer full) */
static char *
describe(const SealWanted *wanted)
{
    if (wanted->serial)
        return g_strdup_printf("serial number %s of '%s'", wanted->serial, wanted->issuer);
    return g_strdup_printf("key identifier %s", wanted->key_id);
}

static char *
sentence(const GPtrArray *list, guint count)
{
    const SealWanted *first = list->len > 0 ? list->pdata[0] : NULL;
    const SealSeen *seen = first ? first->seen : NULL;
    g_autofree char *name = first ? describe(first) : NULL;
    g_autoptr(GDateTime) day = NULL;
    g_autofree char *date = NULL;

    if (!first)
        return g_strdup("it is for nobody's key: none of its recipients has a certificate");
    if (!seen && count == 1)
        return g_strdup_printf("none of its recipients' keys is here: it is for the certificate "
                               "with the %s, plug in the token that holds its key",
                               name);
    if (!seen)
        return g_strdup_printf("none of its recipients' keys is here: it is for %u certificates, "
                               "the first with the %s; plug in the token that holds yours",
                               count, name);
    day = g_date_time_new_from_unix_utc(seen->last_seen);
    date = day ? g_date_time_format(day, "%Y-%m-%d") : g_strdup("an unknown day");
    return g_strdup_printf("none of its recipients' keys is here: the certificate '%s' (%s) would "
                           "open it, its key was last seen on %s on token '%s' (serial %s), plug "
                           "that in",
                           seen->subject, name, date, seen->token,
                           *seen->token_serial ? seen->token_serial : "unknown");
}

char *
seal_wanted_note(SealLayerReport *layer, const GPtrArray *recipients,
                 const SealUnwrapper *unwrapper)
{
    g_autoptr(GPtrArray) strangers =
        g_ptr_array_new_with_free_func((GDestroyNotify)seal_wanted_free);

    for (guint i = 0; i < recipients->len; i++) {
        const SealRecipient *recipient = g_ptr_array_index(recipients, i);
        SealWanted *wanted = new_wanted(&recipient->id, unwrapper);

        g_ptr_array_add(wanted->seen ? layer->wanted : strangers, wanted);
    }
    while (strangers->len > 0)
        g_ptr_array_add(layer->wanted, g_ptr_array_steal_index(strangers, 0));
    if (layer->wanted->len > SEAL_WANTED_MAX)
        g_ptr_array_set_size(layer->wanted, SEAL_WANTED_MAX);
    return sentence(layer->wanted, recipients->len);
}
