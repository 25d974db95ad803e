/* Reading what calls carry: vardicts whose every key is known, and byte arrays without a copy. */
#include <errno.h>
#include <stdarg.h>

#include "agent/front-object.h"
#include "ipc/errors.h"

int
seal_front_refuse(sd_bus_error *ret_error, SealErrorCode code, const char *format, ...)
{
    va_list arguments;
    g_autofree char *message = NULL;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return sd_bus_error_set(ret_error, seal_error_dbus_name(code), message);
}

/* One entry of the vardict, the reader standing in front of it. */
static int
read_entry(sd_bus_message *message, const char *what, SealFrontReadFunc read, gpointer data,
           sd_bus_error *ret_error)
{
    const char *key = NULL;
    int result = sd_bus_message_read(message, "s", &key);

    if (result < 0)
        return result;
    result = read(message, key, data, ret_error);
    if (sd_bus_error_is_set(ret_error))
        return result;
    if (result < 0)
        return seal_front_refuse(ret_error, SEAL_ERROR_INVALID_INPUT,
                                 "%s '%.64s' has a value of the wrong type", what, key);
    if (result == 0)
        return seal_front_refuse(ret_error, SEAL_ERROR_INVALID_INPUT, "unknown %s '%.64s'", what,
                                 key);
    return sd_bus_message_exit_container(message);
}

int
seal_front_read_options(sd_bus_message *message, const char *what, SealFrontReadFunc read,
                        gpointer data, sd_bus_error *ret_error)
{
    int result = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (result < 0)
        return result;
    while ((result = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        result = read_entry(message, what, read, data, ret_error);
        if (result < 0)
            return result;
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

int
seal_front_no_option(sd_bus_message *message, const char *key, gpointer data,
                     sd_bus_error *ret_error)
{
    return 0;
}

int
seal_front_read_bytes_argument(sd_bus_message *message, SealBytes *ret_bytes)
{
    const void *data = NULL;
    size_t len = 0;
    int result = sd_bus_message_read_array(message, 'y', &data, &len);

    if (result < 0)
        return result;
    /* an empty array is given, and different from one that is not: its pointer says so */
    *ret_bytes = (SealBytes){data ? data : (const void *)"", len};
    return 1;
}

int
seal_front_read_bytes(sd_bus_message *message, SealBytes *ret_bytes)
{
    int result = sd_bus_message_enter_container(message, 'v', "ay");

    if (result < 0)
        return result;
    result = seal_front_read_bytes_argument(message, ret_bytes);
    if (result < 0)
        return result;
    result = sd_bus_message_exit_container(message);
    return result < 0 ? result : 1;
}

int
seal_front_append_bytes(sd_bus_message *reply, GBytes *bytes)
{
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return sd_bus_message_append_array(reply, 'y', data, len);
}
