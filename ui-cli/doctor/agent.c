/* The way to the agent, step by step, so that the first broken one is named: the bus, whether it
 * can start the agent, the agent's answer, and what it knows. An agent that does not run is started
 * by the question, as by every command. */
#include "ui-cli/doctor/examine.h"

#include <config.h>

#include "ipc/client/probe.h"

static gboolean
examine_bus(SealExam *exam, const SealProbe *probe)
{
    /* ipc/client/connection.c looks there first */
    const char *command = g_getenv("PRIVYSEAL_ADDRESS") ? "unset PRIVYSEAL_ADDRESS"
                                                        : "sudo apt install dbus-user-session";

    if (probe->bus_answers)
        seal_exam_note(exam, "session bus", SEAL_HEALTH_GOOD, NULL, "the bus answers");
    else if (probe->is_late)
        seal_exam_note(exam, "session bus", SEAL_HEALTH_BAD, command,
                       "the session's D-Bus has not answered within %u s; log in anew",
                       SEAL_EXAM_BUS_MS / 1000);
    else
        seal_exam_note(exam, "session bus", SEAL_HEALTH_BAD, command, "%s", probe->error->message);
    return probe->bus_answers;
}

static void
examine_activation(SealExam *exam, const SealProbe *probe)
{
    if (probe->is_activatable)
        seal_exam_note(exam, "activation", SEAL_HEALTH_GOOD, NULL,
                       "the bus starts the agent when it is needed");
    else
        seal_exam_note(exam, "activation", SEAL_HEALTH_WORRY,
                       "ls /usr/local/share/dbus-1/services /usr/share/dbus-1/services",
                       "the bus does not know how to start the agent: org.privyseal.Agent1.service "
                       "is in no folder that it reads, or it was put there after your login");
}

/* What ends an agent that hangs, or is outdated; the next command starts another. (transfer full)
 * (nullable) */
static char *
end_command(const SealProbe *probe)
{
    if (probe->pid == 0)
        return NULL;
    return g_strdup_printf("kill %s%u", probe->version ? "" : "-KILL ", probe->pid);
}

static gboolean
examine_answer(SealExam *exam, const SealProbe *probe)
{
    g_autofree char *command = end_command(probe);

    if (g_strcmp0(probe->version, SEAL_VERSION) == 0)
        seal_exam_note(exam, "agent", SEAL_HEALTH_GOOD, NULL, "version %s runs", probe->version);
    else if (probe->version)
        seal_exam_note(exam, "agent", SEAL_HEALTH_WORRY, command,
                       "version %s still runs, this program is " SEAL_VERSION, probe->version);
    else if (probe->is_late)
        seal_exam_note(exam, "agent", SEAL_HEALTH_BAD, command,
                       "the agent has not answered within %u s: it hangs, or its start does",
                       SEAL_EXAM_AGENT_MS / 1000);
    else
        seal_exam_note(exam, "agent", SEAL_HEALTH_BAD,
                       "journalctl -b _COMM=privyseald -n 20 --no-pager", "%s",
                       probe->error->message);
    return probe->version != NULL;
}

static void
remember_private(SealExam *exam)
{
    const SealClientObjects *objects = exam->objects;

    for (guint i = 0; i < objects->tokens->len; i++) {
        const SealClientToken *token = objects->tokens->pdata[i];

        seal_exam_remember_private(exam, token->label);
        seal_exam_remember_private(exam, token->serial);
        seal_exam_remember_private(exam, token->uri);
    }
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        seal_exam_remember_private(exam, key->label);
        seal_exam_remember_private(exam, key->uri);
    }
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];

        seal_exam_remember_private(exam, certificate->subject);
        seal_exam_remember_private(exam, certificate->issuer);
        for (char **address = certificate->addresses; *address; address++)
            seal_exam_remember_private(exam, *address);
    }
}

/* What the agent knows. Nobody is asked for a PIN. */
static void
list_objects(SealExam *exam)
{
    g_autoptr(GError) error = NULL;

    exam->objects = seal_reach_objects(exam->reach, &error);
    if (exam->objects)
        remember_private(exam);
    else
        seal_exam_note(exam, "agent", SEAL_HEALTH_BAD, NULL, "%s", error->message);
}

void
seal_examine_agent(SealExam *exam)
{
    g_autoptr(GError) error = NULL;
    g_auto(SealProbe) probe = {0};

    exam->group = "Agent";
    exam->reach = seal_reach_agent(&error);
    if (!exam->reach) {
        seal_exam_note(exam, "agent", SEAL_HEALTH_UNKNOWN, NULL, "%s", error->message);
        return;
    }
    seal_client_set_interactive(seal_reach_client(exam->reach), FALSE);
    seal_client_set_timeout(seal_reach_client(exam->reach), SEAL_EXAM_AGENT_MS);
    seal_client_probe(seal_reach_client(exam->reach), SEAL_EXAM_BUS_MS, SEAL_EXAM_AGENT_MS, &probe);
    if (!examine_bus(exam, &probe))
        return;
    examine_activation(exam, &probe);
    if (examine_answer(exam, &probe))
        list_objects(exam);
}
