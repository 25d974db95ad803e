/* The revocation lists that are used without being named each time: those of the site and those of
 * the user. */
#pragma once

#include <glib.h>

#include "pki/trust.h"

/* Adds the CRLs in the files of `folder` whose name ends in .crl, .pem or .der, as pki/folder.h
 * lists them; a folder that is not there is an empty one. FALSE with INVALID_INPUT or a
 * G_FILE_ERROR that names the folder or file which cannot be used: to leave it out could make a
 * revoked certificate good. Blocks on the disk. */
gboolean seal_crls_add_folder(SealTrust *trust, const char *folder, GError **error);

/* The same for /etc/privyseal/crls.d and $XDG_CONFIG_HOME/privyseal/crls.d. */
gboolean seal_crls_add_defaults(SealTrust *trust, GError **error);
