/* The program privyseal. */
#pragma once

/* Runs the command line and returns the exit status. */
int seal_cli_run(char **argv);
