/* org.privyseal.Agent1.Certificate: what the host read out of a certificate, and its key. */
#include <string.h>

#include "agent/front-object.h"

static int
get_certificate(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateObject *certificate = user_data;

    return seal_front_append_bytes(reply, certificate->info->certificate);
}

static int
get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateInfo *info = ((SealCertificateObject *)user_data)->info;

    return sd_bus_message_append(reply, "s",
                                 strcmp(property, "Subject") == 0 ? info->subject : info->issuer);
}

static int
get_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
          sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateInfo *info = ((SealCertificateObject *)user_data)->info;

    return sd_bus_message_append_strv(reply, strcmp(property, "Addresses") == 0 ? info->addresses
                                                                                : info->purposes);
}

static int
get_time(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateInfo *info = ((SealCertificateObject *)user_data)->info;

    return sd_bus_message_append(
        reply, "x", strcmp(property, "NotBefore") == 0 ? info->not_before : info->not_after);
}

static int
get_key(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateObject *certificate = user_data;

    return sd_bus_message_append(reply, "o", certificate->key ? certificate->key->path : "/");
}

static int
get_tokens(sd_bus *bus, const char *path, const char *interface, const char *property,
           sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealCertificateObject *certificate = user_data;
    int r = sd_bus_message_open_container(reply, 'a', "o");

    for (guint i = 0; r >= 0 && i < certificate->tokens->len; i++) {
        const SealTokenObject *token = certificate->tokens->pdata[i];

        r = sd_bus_message_append(reply, "o", token->path);
    }
    return r >= 0 ? sd_bus_message_close_container(reply) : r;
}

const sd_bus_vtable seal_front_certificate_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Certificate", "ay", get_certificate, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Addresses", "as", get_texts, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Subject", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Issuer", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("NotBefore", "x", get_time, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("NotAfter", "x", get_time, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Purposes", "as", get_texts, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Key", "o", get_key, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Tokens", "ao", get_tokens, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};
