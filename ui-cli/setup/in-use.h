/* Whether a program is using a database of NSS. */
#pragma once

#include <glib.h>

/* Who runs with the profile `folder`, e.g. "thunderbird (process 4711)": it holds Mozilla's lock of
 * it, or is a process of the user that has the database open. (transfer full), for a sentence;
 * NULL: nobody. Blocks on the disk. */
char *seal_profile_find_user(const char *folder);
