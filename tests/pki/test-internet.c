/* Which addresses may be asked. Expected is what the IANA registries of special-purpose addresses
 * (RFC 6890) call globally reachable. */
#include "pki/internet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static gboolean
is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return seal_internet_is_public((const struct sockaddr *)&v4, sizeof v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
        g_error("'%s' is no address", text);
    return seal_internet_is_public((const struct sockaddr *)&v6, sizeof v6);
}

static void
test_public(void)
{
    static const char *const rows[] = {
        "8.8.8.8",     "100.63.255.255", "100.128.0.1",      "172.15.0.1",      "172.32.0.1",
        "192.167.0.1", "198.17.0.1",     "198.20.0.1",       "223.255.255.255", "11.0.0.1",
        "2600::1",     "2a00:1450::1",   "64:ff9b::808:808", "::ffff:8.8.8.8",  "2002:808:808::1",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (!is_public(rows[i]))
            g_error("%s is closed", rows[i]);
}

static void
test_closed(void)
{
    static const char *const rows[] = {
        "0.0.0.0",         "10.1.2.3",        "100.64.0.1",   "127.0.0.1",
        "127.255.255.255", "169.254.169.254", "172.16.0.1",   "172.31.255.255",
        "192.0.0.8",       "192.0.2.1",       "192.168.1.1",  "198.18.0.1",
        "198.19.255.255",  "198.51.100.1",    "203.0.113.9",  "224.0.0.1",
        "240.0.0.1",       "255.255.255.255", "::",           "::1",
        "fe80::1",         "fc00::1",         "fd12::1",      "ff02::1",
        "2001::1",         "2001:db8::1",     "3fff::1",      "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1",
        "2002:a00:1::1",   "::127.0.0.1",     "100::1",       "5f00::1",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_public(rows[i]))
            g_error("%s is open", rows[i]);
}

static void
test_others(void)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    const struct sockaddr_in half = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};

    g_assert_false(seal_internet_is_public((const struct sockaddr *)&local, sizeof local));
    g_assert_false(seal_internet_is_public((const struct sockaddr *)&half, sizeof half - 1));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/internet/public/is-open", test_public);
    g_test_add_func("/internet/private-and-special/is-closed", test_closed);
    g_test_add_func("/internet/other-families/are-closed", test_others);
    return g_test_run();
}
