/* The CA certificates that are trusted without being named each time: those of the site and those
 * of the user. */
#pragma once

#include <glib.h>

#include "pki/trust.h"

/* Returns (transfer full) the folder of the site, /etc/privyseal/anchors.d. */
char *seal_anchors_site_folder(void);
/* Returns (transfer full) the folder of the user, $XDG_CONFIG_HOME/privyseal/anchors.d. */
char *seal_anchors_user_folder(void);

/* Returns (transfer full) (element-type filename) the paths of the files in `folder` that are taken
 * for anchors, sorted: those whose name ends in .pem, .crt, .cer or .der and does not start with
 * a dot. A folder that is not there is an empty one. What keeps the whole folder from being used
 * (it cannot be read, others than its owner's group may write to it, it belongs to a third user, it
 * has more than 1,000 such files) is added to `problems` (element-type utf8) as a sentence; the
 * list is empty then. Blocks on the disk. */
GPtrArray *seal_anchors_list(const char *folder, GPtrArray *problems);

/* Adds the anchors in `folder`. A file that cannot be used is left out as a whole, with a sentence
 * in `problems`: fewer anchors can only make a verdict worse. Blocks on the disk. */
void seal_anchors_add_folder(SealTrust *trust, const char *folder, GPtrArray *problems);

/* The same for both folders: what every command trusts by default. */
void seal_anchors_add_defaults(SealTrust *trust, GPtrArray *problems);

/* Adds the CA certificates of the system. They are there for web servers and say nothing about
 * mail: only for who asked for them. */
void seal_anchors_add_system(SealTrust *trust, GPtrArray *problems);
