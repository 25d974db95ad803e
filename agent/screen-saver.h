/* Locked screens of desktops that tell only the session bus. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/loop.h"

typedef struct SealScreenSaver SealScreenSaver;

/* Calls `locked` from the loop of `bus`, the session's, whenever a screen saver becomes active. A
 * bus that cannot be listened to tells nothing. (transfer full) */
SealScreenSaver *seal_screen_saver_new(sd_bus *bus, void (*locked)(gpointer user_data),
                                       gpointer user_data);
/* NULL is allowed. */
void seal_screen_saver_free(SealScreenSaver *saver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealScreenSaver, seal_screen_saver_free)
