/* Names and addresses in From that a person would take for others. */
#pragma once

#include <glib.h>

/* Returns (transfer full) a sentence if `name` (nullable), UTF-8, which mail programs show in place
 * of `address`, has another mail address in it; else NULL. */
char *seal_look_alike_name(const char *name, const char *address);

/* Returns (transfer full) a sentence if what stands before the last @ of `address`, UTF-8, looks like
 * an address itself, or is encoded (RFC 2047) and so shown as something else by programs that decode
 * it there, where it does not belong; else NULL. */
char *seal_look_alike_local(const char *address);

/* Returns (transfer full) a sentence if a label of the domain of `address`, UTF-8 or ASCII, mixes
 * Latin, Greek, Cyrillic and others that look like each other (UTS 39); else NULL. */
char *seal_look_alike_domain(const char *address);
