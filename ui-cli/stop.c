/* Signals that stop. The handler only notes them and shuts the client's socket down: the agent sees
 * the caller leave and ends the prompt, the blocking call returns CANCELLED, and the command goes
 * home the ordinary way, with nothing half-written and exit status 4. */
#include "ui-cli/stop.h"

#include <signal.h>

#include "base/error.h"

static volatile sig_atomic_t stopped;
static SealClient *volatile client_to_stop;

static void
on_signal(int number)
{
    stopped = 1;
    if (client_to_stop)
        seal_client_interrupt(client_to_stop);
}

void
seal_stop_install(void)
{
    /* No SA_RESTART: reading a pipe must end too. SA_RESETHAND: a second Ctrl-C kills. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    sigemptyset(&action.sa_mask);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct sigaction before;

        /* nohup(1) and background jobs ignore some on purpose. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

void
seal_stop_set_client(SealClient *client)
{
    client_to_stop = client;
    if (client && stopped)
        seal_client_interrupt(client);
}

gboolean
seal_stop_check(GError **error)
{
    if (!stopped)
        return TRUE;
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "cancelled");
    return FALSE;
}
