/* Byte arrays into messages: what sd_bus_message_append(3) would want byte by byte. Functions
 * return a negative errno as sd-bus does. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Appends `bytes` (nullable: empty) as ay. */
int seal_append_bytes(sd_bus_message *message, GBytes *bytes);
/* Appends one entry of an open a{sv}: `name` with `bytes` as ay. */
int seal_append_option(sd_bus_message *message, const char *name, GBytes *bytes);
