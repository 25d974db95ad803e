/* privyseal-host: started by the agent, never by hand. */
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "pkcs11/host/host.h"

int
main(int argc, char **argv)
{
    g_autofree char *module = NULL, *name = NULL, *reader = NULL;
    int channel = -1, audit = -1, revoke = -1;
    const GOptionEntry entries[] = {
        {"module", 0, 0, G_OPTION_ARG_FILENAME, &module, "The PKCS#11 module to load", "PATH"},
        {"name", 0, 0, G_OPTION_ARG_STRING, &name, "Its name in log lines", "NAME"},
        {"reader", 0, 0, G_OPTION_ARG_STRING, &reader, "Serve this PC/SC reader alone; \"\": tell of all",
         "NAME"},
        {"channel", 0, 0, G_OPTION_ARG_INT, &channel, "Descriptor of the channel to the agent",
         "FD"},
        {"audit", 0, 0, G_OPTION_ARG_INT, &audit, "Descriptor for audit records", "FD"},
        {"revoke", 0, 0, G_OPTION_ARG_INT, &revoke, "Descriptor of the revocation words", "FD"},
        {0},
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- serve one PKCS#11 module to the agent");
    g_autoptr(GError) error = NULL;
    SealHostOptions options;

    seal_log_init("privyseal-host", FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1 || !module ||
        channel < 0) {
        (void)fprintf(stderr, "privyseal-host: %s\n",
                      error ? error->message
                            : "started by the agent with --module PATH and --channel FD");
        return SEAL_HOST_EXIT_USAGE;
    }
    options = (SealHostOptions){module, name ? name : module, reader, channel, audit, revoke};
    /* Threads may still be inside the module: what exit() tears down must not go from under them.
     */
    _exit(seal_host_run(&options));
}
