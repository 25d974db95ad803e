/* The sources of recipients' certificates that other machines hold. */
#pragma once

#include "ui-cli/recipient-sources.h"

/* For seal_source_ask(), whose page they share.
 *
 * The directories of privyseal.conf; one that fails is forgiven where another has something. */
gboolean seal_network_ask_directories(SealSources *sources, const char *address,
                                      GPtrArray *candidates, GError **error);

/* The SMIMEA records of the address, as far as DNSSEC proves them: certificates in them, and of
 * those that other sources had (`sources->seen`) the ones that a record vouches for. */
gboolean seal_network_ask_dns(SealSources *sources, const char *address, GPtrArray *candidates,
                              GError **error);
