/* Certificates as mutt wants them. */
#pragma once

#include <glib.h>

/* Writes a certificate (DER) as PEM to standard output. FALSE with an error. */
gboolean seal_mutt_print_certificate(GBytes *der, GError **error);
