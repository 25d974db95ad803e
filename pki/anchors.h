/* The CA certificates that are trusted without being named each time: those of the site and those
 * of the user. */
#pragma once

#include <glib.h>

#include "pki/trust.h"

/* Returns (transfer full) the folder of the site, /etc/privyseal/anchors.d. */
char *seal_anchors_site_folder(void);
/* Returns (transfer full) the folder of the user, $XDG_CONFIG_HOME/privyseal/anchors.d. */
char *seal_anchors_user_folder(void);

/* One trusted certificate and the file it stands in. */
typedef struct {
    X509 *certificate;
    char *path;
} SealAnchor;

/* Returns (transfer full) (element-type SealAnchor) the anchors in `folder`, by file name: those in
 * files whose name ends in .pem, .crt, .cer or .der and does not start with a dot. A folder that is
 * not there is an empty one. What is left out is told by a sentence in `problems` (element-type
 * utf8): a file that cannot be read whole, that everybody may write to, that is a third user's,
 * that has a certificate which is no CA's; or the whole folder for the like, or for more than 1,000
 * files. Fewer anchors can only make a verdict worse. Blocks on the disk. */
GPtrArray *seal_anchors_read(const char *folder, GPtrArray *problems);

/* Adds the anchors in `folder`. */
void seal_anchors_add_folder(SealTrust *trust, const char *folder, GPtrArray *problems);

/* The same for both folders: what every command trusts by default. */
void seal_anchors_add_defaults(SealTrust *trust, GPtrArray *problems);

/* Adds the CA certificates of the system. They are there for web servers and say nothing about
 * mail: only for who asked for them. */
void seal_anchors_add_system(SealTrust *trust, GPtrArray *problems);
