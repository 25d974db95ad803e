/* Which addresses are the public Internet's. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

/* TRUE if `address` (`len` bytes) is one that anybody may offer a service on: not of this machine,
 * this link or a private network, no multicast, and nothing but IPv4 and IPv6. IPv4 inside of IPv6
 * (mapped, NAT64, 6to4) counts as what is inside. */
gboolean seal_internet_is_public(const struct sockaddr *address, gsize len);
