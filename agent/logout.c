/* A logout counts the answers that it waits for, and its asker as one more, so that it cannot end
 * before all tokens were added. The first failure is what is told; a token that is gone is logged
 * out. */
#include "agent/logout.h"

struct SealLogout {
    GPtrArray *all; /* NULL once it is disowned */
    guint pending;
    SealErrorCode status;
    char *message;
    SealUnlockFunc done;
    gpointer user_data;
};

SealLogout *
seal_logout_new(GPtrArray *all, SealUnlockFunc done, gpointer user_data)
{
    SealLogout *logout = g_new0(SealLogout, 1);

    logout->all = all;
    logout->pending = 1;
    logout->done = done;
    logout->user_data = user_data;
    g_ptr_array_add(all, logout);
    return logout;
}

void
seal_logout_release(SealLogout *logout)
{
    if (--logout->pending > 0)
        return;
    if (logout->all) {
        g_ptr_array_remove_fast(logout->all, logout);
        if (logout->done)
            logout->done(logout->status, logout->message ? logout->message : "", logout->user_data);
    }
    g_free(logout->message);
    g_free(logout);
}

static void
on_reply(const SealReply *reply, gpointer user_data)
{
    SealLogout *logout = user_data;
    gboolean is_out = reply->status == SEAL_ERROR_NONE || reply->status == SEAL_ERROR_TOKEN_REMOVED;

    if (!is_out && logout->status == SEAL_ERROR_NONE) {
        logout->status = reply->status;
        logout->message = g_strdup(reply->message);
    }
    seal_logout_release(logout);
}

void
seal_logout_add(SealLogout *logout, SealToken *token)
{
    logout->pending++;
    seal_token_logout(token, on_reply, logout);
}

void
seal_logout_disown_all(GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++)
        ((SealLogout *)all->pdata[i])->all = NULL;
    g_ptr_array_set_size(all, 0);
}
