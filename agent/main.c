/* privyseald: confines itself, reads its options, runs the agent. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "agent/config.h"
#include "base/log.h"
#include "base/secret.h"
#include "ipc/names.h"
#include <config.h>

/* Descriptors: a thousand connections, some hosts. */
#define DESCRIPTORS 4096

static const char help[] =
    "usage: privyseald [--config FILE] [--verbose]\n"
    "       privyseald [--config FILE] --print-config\n"
    "       privyseald --help | --version\n"
    "\n"
    "The agent of Privy Seal: signs and unwraps for this user's programs with keys on PKCS#11\n"
    "tokens. D-Bus starts it when it is needed.\n"
    "\n"
    "  --config FILE   read FILE in place of $XDG_CONFIG_HOME/privyseal/privyseal.conf\n"
    "  --print-config  check the configuration, print what of it is in force, start nothing\n"
    "  --verbose       log what happens in detail\n"
    "\n"
    "Exit status: 0 ended as asked; 1 not started (configuration, no bus, or another agent runs);\n"
    "2 wrong usage. Manual: privyseald(8)\n";

/* What the agent could be started with. */
typedef struct {
    SealAgentOptions agent;
    gboolean print_config;
    gboolean verbose;
} Arguments;

static void
on_broken_pipe(int number)
{
}

/* No core file, no debugger of the same user, no new privileges for us or what we start. */
static void
confine(void)
{
    struct rlimit no_core = {0, 0};
    struct rlimit files = {0, 0};
    /* a handler, not SIG_IGN: what we start must not inherit it */
    struct sigaction action = {.sa_handler = on_broken_pipe};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS) {
        files.rlim_cur = MIN(DESCRIPTORS, files.rlim_max);
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* Secrets are kept all the same then: a person without a swap has nothing to fear. */
static void
warn_if_pageable(void)
{
    g_autoptr(SealSecret) probe = seal_secret_new(SEAL_LIMIT_DATA);

    if (!seal_secret_is_locked(probe))
        seal_log_warning(
            "memory cannot be locked, so a PIN could be written to swap: raise the limit "
            "of locked memory (RLIMIT_MEMLOCK) to 8 MiB");
}

/* Returns -1 to go on, else the exit status. */
static int
read_arguments(int argc, char **argv, Arguments *arguments)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("privyseald " SEAL_VERSION);
            return EXIT_SUCCESS;
        }
        if (strcmp(argv[i], "--verbose") == 0) {
            arguments->verbose = TRUE;
        } else if (strcmp(argv[i], "--print-config") == 0) {
            arguments->print_config = TRUE;
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            arguments->agent.config_file = argv[++i];
        } else if (g_str_has_prefix(argv[i], "--config=")) {
            arguments->agent.config_file = argv[i] + strlen("--config=");
        } else {
            fprintf(stderr, "privyseald: unexpected argument '%s'\n%s", argv[i], help);
            return 2;
        }
    }
    return -1;
}

/* For people, and for `privyseal doctor`, which may not read the agent's groups by itself. */
static int
print_config(const char *config_file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealConfig) config = seal_config_load_from(config_file, &error);
    g_autofree char *text = NULL;

    if (!config) {
        fprintf(stderr, "privyseald: %s\n", error->message);
        return EXIT_FAILURE;
    }
    text = seal_config_to_text(config);
    fputs(text, stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    Arguments arguments = {{NULL}};
    g_autoptr(GMainLoop) main_loop = NULL;
    g_autoptr(SealAgent) agent = NULL;
    g_autoptr(GError) error = NULL;
    int status = read_arguments(argc, argv, &arguments);

    if (status >= 0)
        return status;
    confine();
    seal_log_init("privyseald", arguments.verbose);
    if (arguments.print_config)
        return print_config(arguments.agent.config_file);
    warn_if_pageable();
    main_loop = g_main_loop_new(NULL, FALSE);
    agent = seal_agent_new(main_loop, &arguments.agent, &error);
    if (!agent) {
        seal_log_error("%s", error->message);
        return EXIT_FAILURE;
    }
    g_main_loop_run(main_loop);
    return EXIT_SUCCESS;
}
