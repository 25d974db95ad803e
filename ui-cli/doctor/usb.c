/* /sys/bus/usb/devices has a folder for each device ("1-2") and for each of its interfaces
 * ("1-2:1.0"). */
#include "ui-cli/doctor/usb.h"

#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/usb/devices"

static void
reader_free(gpointer data)
{
    SealUsbReader *reader = data;

    g_free(reader->name);
    g_free(reader->node);
    g_free(reader);
}

/* What stands in a file of a device; "" if it cannot be read. (transfer full) */
static char *
attribute(const char *device, const char *name)
{
    g_autofree char *path = g_build_filename(DEVICES, device, name, NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return g_strdup("");
    return g_strstrip(g_utf8_make_valid(text, -1));
}

static void
add_device(GPtrArray *readers, const char *device)
{
    g_autofree char *product = attribute(device, "product");
    g_autofree char *bus = attribute(device, "busnum");
    g_autofree char *number = attribute(device, "devnum");
    SealUsbReader *reader = g_new0(SealUsbReader, 1);

    reader->name = g_strdup(*product ? product : "a reader without a name");
    reader->node = g_strdup_printf("/dev/bus/usb/%03d/%03d", atoi(bus), atoi(number));
    g_ptr_array_add(readers, reader);
}

GPtrArray *
seal_usb_readers(void)
{
    GPtrArray *readers = g_ptr_array_new_with_free_func(reader_free);
    g_autoptr(GDir) dir = g_dir_open(DEVICES, 0, NULL);
    const char *entry = NULL;

    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *device = g_strndup(entry, strcspn(entry, ":"));
        g_autofree char *class = strchr(entry, ':') ? attribute(entry, "bInterfaceClass") : NULL;

        if (class && g_str_equal(class, "0b"))
            add_device(readers, device);
    }
    return readers;
}
