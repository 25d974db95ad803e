/* Lines end in '\n', the last one perhaps in nothing. */
#include "ui-cli/setup/lines.h"

#include <string.h>

const char *
seal_line_next(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}
