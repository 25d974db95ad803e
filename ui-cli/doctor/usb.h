/* Smart-card readers on USB, as the kernel shows them: whatever drivers and services think. */
#pragma once

#include <glib.h>

typedef struct {
    char *name; /* what the device calls itself */
    char *node; /* "/dev/bus/usb/001/007" */
} SealUsbReader;

/* Returns (transfer full) (element-type SealUsbReader) the devices with an interface of USB's class
 * for smart cards (0b). */
GPtrArray *seal_usb_readers(void);
