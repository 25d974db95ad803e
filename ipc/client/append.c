/* Byte arrays into messages. sd_bus_message_append(3) would want each byte as an argument. */
#include "ipc/client/append.h"

int
seal_append_bytes(sd_bus_message *message, GBytes *bytes)
{
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return sd_bus_message_append_array(message, 'y', data, len);
}

int
seal_append_option(sd_bus_message *message, const char *name, GBytes *bytes)
{
    int r = sd_bus_message_open_container(message, 'e', "sv");

    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', name);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "ay");
    if (r >= 0)
        r = seal_append_bytes(message, bytes);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}
