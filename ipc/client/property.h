/* D-Bus properties into the fields of a struct, by a table. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* One property: its name, its D-Bus type (s, o, b, i, u, x, ay, as, ao) and the field it goes to:
 * char * (s, o), gboolean, int, guint, gint64, GBytes *, char ** (as, ao). */
typedef struct {
    const char *name, *type;
    gsize offset;
} SealPropertyRow;

/* Fills every pointer field of `rows` with an empty value. */
void seal_property_init(const SealPropertyRow *rows, guint row_count, gpointer object);
/* Frees them. */
void seal_property_clear(const SealPropertyRow *rows, guint row_count, gpointer object);
/* Reads an a{sv} into `object`; unknown properties and those of another type are skipped. A
 * negative errno for a message that is not what it says. */
int seal_property_read_all(sd_bus_message *message, const SealPropertyRow *rows, guint row_count,
                           gpointer object);
