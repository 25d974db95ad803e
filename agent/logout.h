/* Logouts under way, gathered: one that locks all tokens is answered when all their hosts have. */
#pragma once

#include <glib.h>

#include "agent/unlock.h"

typedef struct SealLogout SealLogout;

/* Begins a logout of any number of tokens; `done` (nullable) is called once when seal_logout_release()
 * was called and every token has answered: from inside the former, or from the loop. It belongs to
 * `all`, where it stands until then. */
SealLogout *seal_logout_new(GPtrArray *all, SealUnlockFunc done, gpointer user_data);
/* Sends one token's logout. */
void seal_logout_add(SealLogout *logout, SealToken *token);
/* No more tokens are added. */
void seal_logout_release(SealLogout *logout);
/* The asker goes: nobody is told any more. `all` is emptied; the answers free what is under way. */
void seal_logout_disown_all(GPtrArray *all);
