/* --anchor, --no-default-anchors, --system-anchors, --crl and --revocation. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/options.h"

/* Their rows in a command's table of options. */
#define SEAL_TRUST_OPTION_ROWS                                                                     \
    {.name = "anchor",                                                                             \
     .argument = "FILE",                                                                           \
     .repeatable = TRUE,                                                                           \
     .help = "trust the CA certificates in FILE too (PEM or DER;\n"                                \
             "repeatable)"},                                                                       \
        {.name = "no-default-anchors",                                                             \
         .help = "trust those of --anchor only, not those of\n"                                    \
                 "/etc/privyseal/anchors.d and ~/.config/privyseal/anchors.d"},                    \
        {.name = "system-anchors",                                                                 \
         .help = "trust the system's CAs too; they are there for web servers and\n"                \
                 "say nothing about mail"},                                                        \
        {.name = "crl",                                                                            \
         .argument = "FILE",                                                                       \
         .repeatable = TRUE,                                                                       \
         .help = "use the revocation lists in FILE too (PEM or DER; repeatable)"},                 \
    {                                                                                              \
        .name = "revocation", .argument = "MODE",                                                  \
        .help = "require: not good without an answer about each certificate;\n"                    \
                "prefer (default, see privyseal.conf): use what can be found out;\n"               \
                "cache-only: the same, never from the network; off: do not ask.\n"                 \
                "The site's file can fix the mode"                                                 \
    }

/* Reads privyseal.conf, the anchors of site and user unless told not to, their revocation lists
 * where these are looked at, and the files that are named. What is wrong with one of these anchors
 * is a warning on stderr, and it is left out. (transfer full), or NULL with SEAL_USAGE_ERROR for an
 * unknown mode of `command`, NOT_PERMITTED for an option that changes what the site has fixed,
 * FAILED or INVALID_INPUT for privyseal.conf, a revocation list or a file that is named. Blocks. */
SealTrust *seal_trust_from_options(SealOptions *options, const char *command, GError **error);
/* The same, but the warnings are added to `warnings` (element-type utf8) instead of printed. */
SealTrust *seal_trust_read_options(SealOptions *options, const char *command, GPtrArray *warnings,
                                   GError **error);

/* Prints each of `warnings` (element-type utf8) as a line on stderr. */
void seal_trust_warn(const GPtrArray *warnings);
