/* In place of pcsc.c, where this is built without PC/SC. */
#include "ui-cli/doctor/pcsc.h"

#include <stdio.h>

void
seal_pcsc_ask(int fd)
{
    dprintf(fd, "unbuilt\n");
}
