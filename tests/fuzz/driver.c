/* Runs a harness without libFuzzer, as an ordinary test: over each file of the folders that are
 * its arguments, over every beginning of it, and over it with each byte changed. Files are small. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/* A copy of exactly `len` bytes, so that a sanitizer sees a read beyond them. */
static void
run_exactly(const guint8 *data, gsize len)
{
    guint8 *copy = g_malloc(MAX(len, 1));

    if (len > 0)
        memcpy(copy, data, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    g_free(copy);
}

static void
run_seed(guint8 *data, gsize len)
{
    static const guint8 changes[] = {0x01, 0x80, 0xff};

    for (gsize part = 0; part <= len; part++)
        run_exactly(data, part);
    for (gsize i = 0; i < len; i++)
        for (gsize j = 0; j < G_N_ELEMENTS(changes); j++) {
            data[i] ^= changes[j];
            run_exactly(data, len);
            data[i] ^= changes[j];
        }
}

static guint
run_folder(const char *path)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name = NULL;
    guint n_seeds = 0;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *data = NULL;
        gsize len = 0;

        if (!g_file_get_contents(file, &data, &len, NULL))
            continue;
        run_seed((guint8 *)data, len);
        n_seeds++;
    }
    if (folder != NULL)
        g_dir_close(folder);
    return n_seeds;
}

int
main(int argc, char **argv)
{
    guint n_seeds = 0;

    for (int i = 1; i < argc; i++)
        n_seeds += run_folder(argv[i]);
    printf("%u seeds\n", n_seeds);
    return n_seeds > 0 ? 0 : 1;
}
