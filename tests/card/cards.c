/* pcscd's socket is compiled in as /run/pcscd/pcscd.comm, and vpcd listens on every interface: so
 * the test gets a /run and a network of its own. As root that is all; other users get a user
 * namespace with it in which they are who they were.
 *
 * One driver serves two slots, and lets both work at once. */
#include "tests/card/cards.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define DRIVER "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
#define PORT   0x8c7b /* of the first slot; the next has the next */

/* Why there are no cards here; NULL if there are. Set once by seal_test_cards_enter(). */
static char *why_not = NULL;
static pid_t pcscd = 0; /* of the running test */

/* -- namespaces
 * ------------------------------------------------------------------------------------- */

static gboolean
write_text(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;

    return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
}

static gboolean
enter_namespaces(void)
{
    g_autofree char *users = g_strdup_printf("%u %u 1\n", (unsigned)getuid(), (unsigned)getuid());
    g_autofree char *groups = g_strdup_printf("%u %u 1\n", (unsigned)getgid(), (unsigned)getgid());

    if (getuid() == 0)
        return unshare(CLONE_NEWNS | CLONE_NEWNET) == 0;
    return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 &&
           write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", users) &&
           write_text("/proc/self/gid_map", groups);
}

static gboolean
start_loopback(void)
{
    g_auto(SealFd) fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

    /* A vpcd that starts anew does not get its port while the kernel remembers an old connection.
     */
    return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0 &&
           write_text("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
}

static gboolean
mount_run(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0 &&
           mkdir("/run/pcscd", 0755) == 0;
}

static const char *
missing_program(void)
{
    static const char *const programs[] = {"pcscd", "pkcs11-tool"};

    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        g_autofree char *path = g_find_program_in_path(programs[i]);

        if (path == NULL)
            return programs[i];
    }
    return access(DRIVER, R_OK) == 0 ? NULL : DRIVER;
}

void
seal_test_cards_enter(void)
{
    const char *missing = NULL;

    /* pcscd lies where not every user's PATH looks */
    g_autofree char *path = g_strconcat(g_getenv("PATH"), ":/usr/sbin", NULL);

    g_setenv("PATH", path, TRUE);
    missing = missing_program();
    if (missing != NULL)
        why_not = g_strdup_printf("%s is not installed (scripts/setup card)", missing);
    else if (!enter_namespaces() || !mount_run() || !start_loopback())
        why_not =
            g_strdup_printf("a mount and a network namespace of its own are not allowed here: "
                            "%s",
                            g_strerror(errno));
}

/* -- pcscd
 * ------------------------------------------------------------------------------------------ */

void
seal_test_cards_start_pcscd(SealTestHome *home)
{
    g_autofree char *folder = seal_test_home_path(home, "readers");
    g_autofree char *log = seal_test_home_path(home, "pcscd.log");
    const char *argv[] = {"pcscd", "--foreground", "--info", "--config", folder, NULL};

    (void)unlink(log);
    pcscd = seal_test_start(home, argv, "pcscd.log");
    if (!seal_test_wait_for_text(log, "daemon ready"))
        g_error("pcscd does not start");
}

void
seal_test_cards_stop_pcscd(SealTestHome *home, int signal_number)
{
    (void)kill(pcscd, signal_number);
    seal_test_stop(pcscd);
}

void
seal_test_cards_signal_pcscd(int signal_number)
{
    (void)kill(pcscd, signal_number);
}

/* -- cards
 * ------------------------------------------------------------------------------------------ */

typedef struct {
    const char *slot;
    const char *key; /* of the fixture */
} Slot;

/* What is on every card, in a group of its own. */
static char *
describe_card(const char *firmware)
{
    g_autofree char *version = firmware ? g_strdup_printf("firmware=%s\n", firmware) : NULL;

    return g_strconcat("[card]\npin=" SEAL_TEST_CARD_PIN "\npuk=" SEAL_TEST_CARD_PUK "\n", version,
                       NULL);
}

static char *
describe(SealTestHome *home, const char *name, const char *card, const Slot *slots, gsize n_slots,
         const char *more)
{
    g_autoptr(GString) text = g_string_new(card);
    g_autofree char *file = g_strdup_printf("cards/%s.card", name);

    for (gsize i = 0; i < n_slots; i++) {
        g_autofree char *keys = seal_test_fixture_path(home, "software-keys");
        g_autofree char *certificates = seal_test_fixture_path(home, "certs");

        g_string_append_printf(text, "[%s]\nkey=%s/%s.pem\ncertificate=%s/%s.pem\n", slots[i].slot,
                               keys, slots[i].key, certificates, slots[i].key);
    }
    g_string_append(text, more != NULL ? more : "");
    return seal_test_home_write(home, file, text->str);
}

static void
start_cards(SealTestHome *home, const char *firmware, const char *more)
{
    static const Slot alice[] = {
        {"9A", "alice-rsa-sign"},  {"9C", "alice-p256-sign"},    {"9D", "alice-rsa-decrypt"},
        {"9E", "alice-p384-sign"}, {"82", "alice-p256-decrypt"}, {"83", "alice-p384-decrypt"},
    };
    static const Slot bob[] = {
        {"9A", "bob-rsa-sign"},
        {"9C", "carol-p256-sign"},
        {"9D", "bob-rsa-decrypt"},
    };
    g_autofree char *program = seal_test_built("tests/card/piv-card");
    g_autofree char *socket_path = seal_test_home_path(home, "cards/socket");
    g_autofree char *log = seal_test_home_path(home, "cards.log");
    g_autofree char *card = describe_card(firmware);
    g_autofree char *alice_path = describe(home, "alice", card, alice, G_N_ELEMENTS(alice), more);
    g_autofree char *bob_path = describe(home, "bob", card, bob, G_N_ELEMENTS(bob), NULL);
    g_autofree char *ports = g_strdup_printf("%d,%d", PORT, PORT + 1);
    const char *argv[] = {program, socket_path, ports, alice_path, bob_path, NULL};

    seal_test_start(home, argv, "cards.log");
    if (!seal_test_wait_for_text(log, "cards ready"))
        g_error("the cards do not start");
}

/* `firmware` NULL: no YubiKeys. */
static gboolean
lay_out(SealTestHome *home, const char *name, const char *firmware, const char *more)
{
    g_autofree char *reader = g_strdup_printf("FRIENDLYNAME \"%s\"\n"
                                              "DEVICENAME /dev/null:0x%X\n"
                                              "LIBPATH " DRIVER "\n"
                                              "CHANNELID 0x%X\n",
                                              name, PORT, PORT);
    g_autofree char *path = NULL;

    if (why_not != NULL) {
        g_test_skip(why_not);
        return FALSE;
    }
    path = seal_test_home_write(home, "readers/vpcd", reader);
    seal_test_fixture_new(home);
    start_cards(home, firmware, more);
    seal_test_cards_start_pcscd(home);
    return TRUE;
}

gboolean
seal_test_cards_new(SealTestHome *home, const char *more)
{
    return lay_out(home, "Seal Reader", NULL, more);
}

gboolean
seal_test_yubikeys_new(SealTestHome *home, const char *firmware)
{
    g_autofree char *keys = seal_test_fixture_path(home, "software-keys");
    g_autofree char *more = g_strdup_printf("[84]\nkey=%s/carol-p256-decrypt.pem\n", keys);

    return lay_out(home, "Yubico YubiKey OTP+FIDO+CCID", firmware, more);
}

/* -- talking to them
 * -------------------------------------------------------------------------------- */

static int
connect_to_cards(SealTestHome *home)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval deadline = {.tv_sec = seal_test_deadline_ms() / 1000};
    g_autofree char *path = seal_test_home_path(home, "cards/socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) != 0 ||
        connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
        g_error("the cards do not listen: %s", g_strerror(errno));
    return fd;
}

guint
seal_test_cards_tell(SealTestHome *home, const char *format, ...)
{
    g_auto(SealFd) fd = connect_to_cards(home);
    g_autofree char *line = NULL;
    char reply[128] = "";
    va_list arguments;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!seal_fd_write_all(fd, line, strlen(line)) || recv(fd, reply, sizeof reply - 1, 0) <= 0 ||
        !g_str_has_prefix(reply, "ok"))
        g_error("cards: '%s': %s", line, *reply != '\0' ? reply : "no answer");
    return (guint)atoi(reply + strlen("ok"));
}
