/* Addresses by table, from the IANA registries of special-purpose addresses (RFC 6890). A
 * certificate may name any URL; that it makes its reader ask a printer or a router in the reader's
 * own network is what this is against. */
#include "pki/internet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

typedef struct {
    guint8 prefix[16];
    guint bits;
} Block;

static const Block closed_v4[] = {
    {{0}, 8},          /* this network */
    {{10}, 8},         /* private */
    {{100, 64}, 10},   /* shared by a provider */
    {{127}, 8},        /* loopback */
    {{169, 254}, 16},  /* this link, and the clouds' metadata */
    {{172, 16}, 12},   /* private */
    {{192, 0, 0}, 24}, /* protocol assignments */
    {{192, 0, 2}, 24}, /* documentation */
    {{192, 168}, 16},  /* private */
    {{198, 18}, 15},   /* benchmarks */
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24}, /* documentation */
    {{224}, 3},          /* multicast, reserved, broadcast */
};

/* Within 2000::/3; all the rest is closed anyway. */
static const Block closed_v6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

/* IPv6 that carries an IPv4 address at `at`. */
static const struct {
    Block block;
    guint at;
} carriers[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* ::ffff:0:0/96, mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

static gboolean
is_in(const guint8 *address, const Block *block)
{
    guint whole = block->bits / 8;
    guint mask = (0xff00u >> (block->bits % 8)) & 0xff;

    return memcmp(address, block->prefix, whole) == 0 &&
           (mask == 0 || (address[whole] & mask) == (block->prefix[whole] & mask));
}

static gboolean
is_in_any(const guint8 *address, const Block *blocks, gsize count)
{
    for (gsize i = 0; i < count; i++)
        if (is_in(address, &blocks[i]))
            return TRUE;
    return FALSE;
}

static gboolean
is_public_v4(const guint8 *address)
{
    return !is_in_any(address, closed_v4, G_N_ELEMENTS(closed_v4));
}

static gboolean
is_public_v6(const guint8 *address)
{
    static const Block global = {{0x20}, 3};

    for (gsize i = 0; i < G_N_ELEMENTS(carriers); i++)
        if (is_in(address, &carriers[i].block))
            return is_public_v4(address + carriers[i].at);
    return is_in(address, &global) && !is_in_any(address, closed_v6, G_N_ELEMENTS(closed_v6));
}

gboolean
seal_internet_is_public(const struct sockaddr *address, gsize len)
{
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
        return is_public_v4(
            (const guint8 *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
        return is_public_v6(
            (const guint8 *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return FALSE;
}
