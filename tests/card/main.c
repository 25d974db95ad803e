/* piv-card SOCKET PORT,PORT... CARD...: cards beside the readers that listen on these ports, moved
 * by the control socket (control.h). It ends with SIGTERM. */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/card/control.h"

static gboolean
leave(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

static gboolean
load_cards(SealCardControl *control, char **paths, GError **error)
{
    for (; *paths != NULL; paths++) {
        SealCard *card = seal_card_load(*paths, error);

        if (card == NULL)
            return FALSE;
        seal_card_control_add_card(control, card);
    }
    return TRUE;
}

int
main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(SealCardControl) control = NULL;
    g_auto(GStrv) ports = NULL;

    if (argc < 4) {
        g_printerr("piv-card: SOCKET PORT,PORT... CARD...\n");
        return 2;
    }
    control = seal_card_control_new(argv[1], &error);
    if (control == NULL || !load_cards(control, argv + 3, &error)) {
        g_printerr("piv-card: %s\n", error->message);
        return 1;
    }
    ports = g_strsplit(argv[2], ",", -1);
    for (char **port = ports; *port != NULL; port++)
        seal_card_control_add_reader(control, (guint16)atoi(*port));
    g_unix_signal_add(SIGTERM, leave, loop);
    g_unix_signal_add(SIGINT, leave, loop);
    (void)printf("cards ready\n");
    (void)fflush(stdout);
    g_main_loop_run(loop);
    return 0;
}
