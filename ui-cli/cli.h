/* The program privyseal, but for its main(): from the command line to the exit status, so that
 * tests can link it. */
#pragma once

/* Runs the command line and returns the exit status. */
int seal_cli_run(char **argv);
