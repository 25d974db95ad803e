/* privyseal: the command line program. */
#include "ui-cli/cli.h"

int
main(int argc, char **argv)
{
    return seal_cli_run(argv);
}
