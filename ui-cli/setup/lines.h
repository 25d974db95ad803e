/* Walking over the lines of a text. */
#pragma once

/* The beginning of the line after `line`; the end of the text after the last one (borrowed). */
const char *seal_line_next(const char *line);
