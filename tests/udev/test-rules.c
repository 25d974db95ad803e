/* udev's rules, judged by udev itself: umockdev shows a USB device that is not there, and `udevadm
 * test` says what udev would do with it, with the rules of this tree and those of this system. It
 * writes below /run, so each runs in a mount namespace with a /run of its own.
 *
 * What cannot be seen here, where no udev runs: that logind gives the device to the person at the
 * seat for the tag "uaccess" (73-seat-late.rules, which is systemd's), and that the user's manager
 * starts the unit that SYSTEMD_USER_WANTS names. */
#include <string.h>
#include <unistd.h>

#include "tests/support/home.h"
#include "tests/support/process.h"

#define DEVICE "/devices/pci0000:00/0000:00:14.0/usb1/1-2"
#define UNIT   "privyseal-reader.service"

/* Class, subclass and protocol, as USB's list of classes has them. */
typedef guint8 Interface[3];

typedef struct {
    const char *type; /* of the device for udev */
    guint16 vendor, product;
    Interface interfaces[3]; /* ended by a class 0 */
} Device;

/* USB 2.0, 9.6: what a device says of itself; each interface with one endpoint. In hexadecimal. */
static char *
describe_interfaces(const Device *device)
{
    g_autoptr(GString) body = g_string_new(NULL);
    guint count = 0;

    for (; count < G_N_ELEMENTS(device->interfaces) && device->interfaces[count][0] != 0; count++)
        g_string_append_printf(body,
                               "0904%02X0001%02X%02X%02X00"
                               "0705810240000A",
                               count, device->interfaces[count][0], device->interfaces[count][1],
                               device->interfaces[count][2]);
    return g_strdup_printf("12010002000000"
                           "08%02X%02X%02X%02X0001010203"
                           "01"
                           "0902%02X00%02X0100A032%s",
                           device->vendor & 0xffu, device->vendor >> 8, device->product & 0xffu,
                           device->product >> 8, 9 + (guint)body->len / 2, count, body->str);
}

static char *
describe_device(SealTestHome *home, const Device *device)
{
    g_autofree char *descriptors = describe_interfaces(device);
    g_autofree char *text = g_strdup_printf(
        "P: " DEVICE "\nN: bus/usb/001/007\nE: SUBSYSTEM=usb\nE: DEVTYPE=%s\nE: BUSNUM=001\n"
        "E: DEVNUM=007\nE: DEVNAME=/dev/bus/usb/001/007\nA: idVendor=%04x\\n\n"
        "A: idProduct=%04x\\n\nH: descriptors=%s\n\n",
        device->type, device->vendor, device->product, descriptors);

    return seal_test_home_write(home, "device.umockdev", text);
}

/* Why udev cannot be asked here; NULL if it can. (transfer full) */
static char *
why_not(SealTestHome *home)
{
    static const char *const programs[] = {"udevadm", "umockdev-run", "unshare"};
    const char *argv[] = {"unshare", "--mount", getuid() == 0 ? "true" : "--map-root-user", "true",
                          NULL};
    g_autoptr(SealTestResult) result = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(programs); i++) {
        g_autofree char *path = g_find_program_in_path(programs[i]);

        if (!path)
            return g_strdup_printf("%s is not installed (scripts/setup test)", programs[i]);
    }
    result = seal_test_run(home, argv, NULL);
    return result->status == 0 ? NULL
                               : g_strdup("a mount namespace of its own is not allowed here");
}

/* What udev says and would do with `device`, with these rules (a path); NULL after g_test_skip().
 * (transfer full) */
static char *
ask_udev(const Device *device, const char *action, const char *rules)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *reason = why_not(home);
    g_autofree char *description = describe_device(home, device);
    g_autofree char *script = g_strdup_printf(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/udev/rules.d && "
        "cp '%s' /run/udev/rules.d/70-privyseal.rules && "
        "exec umockdev-run --device '%s' -- udevadm test --action=%s /sys" DEVICE " 2>&1",
        rules, description, action);
    const char *as_root[] = {"unshare", "--mount", "sh", "-c", script, NULL};
    const char *as_user[] = {"unshare", "--mount", "--map-root-user", "sh", "-c", script, NULL};
    g_autoptr(SealTestResult) result = NULL;

    if (reason) {
        g_test_skip(reason);
        return NULL;
    }
    result = seal_test_run(home, getuid() == 0 ? as_root : as_user, NULL);
    if (result->status != 0 || !strstr(result->out, "\nSUBSYSTEM=usb\n"))
        g_error("udevadm ended with %d:\n%s%s", result->status, result->out, result->err);
    return g_steal_pointer(&result->out);
}

static char *
ask_about(const Device *device, const char *action)
{
    g_autofree char *rules = seal_test_source("udev/70-privyseal.rules");

    return ask_udev(device, action, rules);
}

/* The value of a property; "" if the device does not get it. (transfer full) */
static char *
property(const char *said, const char *name)
{
    g_autofree char *start = g_strdup_printf("\n%s=", name);
    const char *found = strstr(said, start);

    return found ? g_strndup(found + strlen(start), strcspn(found + strlen(start), "\n"))
                 : g_strdup("");
}

static void
test_tagged(gconstpointer data)
{
    g_autofree char *said = ask_about(data, "add");
    g_autofree char *tags = said ? property(said, "TAGS") : NULL;
    g_autofree char *wants = said ? property(said, "SYSTEMD_USER_WANTS") : NULL;

    if (!said)
        return;
    g_assert_nonnull(strstr(tags, ":uaccess:"));
    g_assert_nonnull(strstr(tags, ":systemd:"));
    g_assert_nonnull(strstr(wants, UNIT));
}

static void
assert_left_alone(const char *said)
{
    g_autofree char *tags = property(said, "TAGS");
    g_autofree char *wants = property(said, "SYSTEMD_USER_WANTS");

    g_assert_null(strstr(tags, ":uaccess:"));
    g_assert_null(strstr(wants, UNIT));
}

static void
test_left_alone(gconstpointer data)
{
    g_autofree char *said = ask_about(data, "add");

    if (said)
        assert_left_alone(said);
}

static const Device reader = {"usb_device", 0x076b, 0x3031, {{0x0b, 0, 0}}};

static void
test_removal(void)
{
    g_autofree char *said = ask_about(&reader, "remove");

    if (said)
        assert_left_alone(said);
}

static void
test_syntax(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *broken =
        seal_test_home_write(home, "broken.rules", "SUBSYSTEM==\"usb\", TAG=+\"uaccess\"\n");
    g_autofree char *said = ask_about(&reader, "add");
    g_autofree char *complaint = said ? ask_udev(&reader, "add", broken) : NULL;

    if (!said)
        return;
    g_assert_null(strstr(said, "70-privyseal.rules:"));
    /* which is how udev complains of a rule */
    g_assert_nonnull(strstr(complaint, "70-privyseal.rules:1"));
}

static void
test_unit(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *unit = seal_test_source("udev/" UNIT);
    g_autofree char *program = g_find_program_in_path("systemd-analyze");
    const char *argv[] = {program, "--user", "--man=no", "verify", unit, NULL};
    g_autoptr(SealTestResult) result = NULL;

    if (!program) {
        g_test_skip("systemd-analyze is not installed");
        return;
    }
    result = seal_test_run(home, argv, NULL);
    g_assert_cmpstr(result->err, ==, "");
    g_assert_cmpint(result->status, ==, 0);
}

/* A reader; a YubiKey 5 with its keyboard and FIDO beside the card; a token of the older class
 * specification, ICCD (protocol 2). */
static const Device composite = {
    "usb_device", 0x1050, 0x0407, {{3, 1, 1}, {3, 0, 0}, {0x0b, 0, 0}}};
static const Device iccd = {"usb_device", 0x08e6, 0x1359, {{0x0b, 0, 2}}};
/* A memory stick; a YubiKey whose card is switched off; classes in which 0b stands elsewhere; the
 * interface of a reader, which is no device that can be opened. */
static const Device memory = {"usb_device", 0x0781, 0x5567, {{8, 6, 0x50}}};
static const Device keyboard = {"usb_device", 0x1050, 0x0402, {{3, 0, 0}}};
static const Device lookalike = {"usb_device", 0x1234, 0x5678, {{0xff, 0x0b, 0}, {0xe0, 1, 0x0b}}};
static const Device interface = {"usb_interface", 0x076b, 0x3031, {{0x0b, 0, 0}}};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/udev/tagged/reader", &reader, test_tagged);
    g_test_add_data_func("/udev/tagged/token-with-other-interfaces", &composite, test_tagged);
    g_test_add_data_func("/udev/tagged/token-of-the-older-class", &iccd, test_tagged);
    g_test_add_data_func("/udev/left-alone/memory-stick", &memory, test_left_alone);
    g_test_add_data_func("/udev/left-alone/token-without-its-card", &keyboard, test_left_alone);
    g_test_add_data_func("/udev/left-alone/class-of-another-place", &lookalike, test_left_alone);
    g_test_add_data_func("/udev/left-alone/interface-of-a-reader", &interface, test_left_alone);
    g_test_add_func("/udev/left-alone/reader-that-goes", test_removal);
    g_test_add_func("/udev/rules-are-without-fault", test_syntax);
    g_test_add_func("/udev/unit-is-without-fault", test_unit);
    return g_test_run();
}
