/* Folders of files that site and user put there by hand, such as anchors.d. */
#pragma once

#include <glib.h>

/* Lists the files of `folder` whose name ends in one of `endings` (NULL-terminated) and does not
 * start with a dot. `ret_files`: (transfer full) (element-type filename) their paths, sorted; a
 * folder that is not there is an empty one. Returns NULL, or (transfer full) a clause that says why
 * nothing of the folder can be used, with an empty list: it cannot be read, it belongs to a third
 * user, everybody may write to it, it has more than 1,000 such files. Blocks on the disk. */
char *seal_folder_list(const char *folder, const char *const *endings, GPtrArray **ret_files);

/* Returns NULL, or (transfer full) a clause that says why the file is not even to be opened: it is
 * not there, no file, or in the hand of somebody else. Blocks on the disk. */
char *seal_folder_check_file(const char *path);
