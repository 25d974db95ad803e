/* A GBytes that knows how long it is when it dies. */
#include "smime/plain.h"

#include "base/secret.h"

typedef struct {
    guint8 *data;
    gsize len;
} Plain;

static void
wipe_and_free(gpointer data)
{
    Plain *plain = data;

    if (plain->data)
        seal_wipe(plain->data, plain->len);
    g_free(plain->data);
    g_free(plain);
}

GBytes *
seal_plain_take(guint8 *data, gsize len)
{
    Plain *plain = g_new(Plain, 1);

    *plain = (Plain){data, len};
    return g_bytes_new_with_free_func(data, len, wipe_and_free, plain);
}
