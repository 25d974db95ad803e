/* privyseal doctor, as a user in need runs it: over an agent with SoftHSM that is well, and over
 * what is broken, missing, or hangs. What one's own machine has (pcscd, readers, other programs) is
 * not looked at where the configuration names no module that needs a reader; a service of smart
 * cards that hangs or is dead is a socket of this test. */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "ipc/names.h"
#include "tests/cli/doctor-checks.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/home.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
} Scene;

static void
set_up_home(Scene *scene, gconstpointer data)
{
    scene->home = seal_test_home_new();
}

/* With an agent to be started, over the golden fixture. */
static void
set_up_agent(Scene *scene, gconstpointer data)
{
    set_up_home(scene, data);
    seal_test_agent_new(scene->home);
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, NULL);
    seal_test_home_setenv(scene->home, "PCSCLITE_CSOCK_NAME", NULL);
    g_clear_pointer(&scene->home, seal_test_home_free);
}

/* -- running it ------------------------------------------------------------------------------- */

static SealTestResult *
doctor(Scene *scene, const char *option, const char *value)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "doctor", option, value, NULL};

    return seal_test_run(scene->home, argv, NULL);
}

static void
trust_the_fixture(Scene *scene)
{
    g_autofree char *folder = seal_test_home_path(scene->home, "config/privyseal/anchors.d");
    g_autofree char *root = seal_test_fixture_path(scene->home, "root.pem");
    g_autofree char *intermediate = seal_test_fixture_path(scene->home, "intermediate.pem");
    const char *argv[] = {"cp", root, intermediate, folder, NULL};
    g_autoptr(SealTestResult) result = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    result = seal_test_run(scene->home, argv, NULL);
    g_assert_cmpint(result->status, ==, 0);
}

/* -- all is well ------------------------------------------------------------------------------ */

static void
test_well(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    trust_the_fixture(scene);
    root = seal_test_doctor(scene->home, 0);
    g_assert_cmpstr(json_object_get_string_member(json_node_get_object(root), "result"), ==,
                    "pass");
    seal_test_doctor_assert(root, "configuration", "pass", "privyseal.conf");
    seal_test_doctor_assert(root, "session bus", "pass", "answers");
    seal_test_doctor_assert(root, "activation", "pass", "starts the agent");
    seal_test_doctor_assert(root, "agent", "pass", "runs");
    seal_test_doctor_assert(root, "module", "pass", "'softhsm' runs");
    seal_test_doctor_assert(root, "reader", "pass", "no module that is used needs");
    seal_test_doctor_assert(root, "token", "pass", "locked");
    seal_test_doctor_assert(root, "signing", "pass", "@example.org");
    seal_test_doctor_assert(root, "decrypting", "pass", "@example.org");
    seal_test_doctor_assert(root, "chain", "pass", "lead to a trusted CA");
    seal_test_doctor_assert(root, "pinentry", "pass", "answers");
}

static void
test_asks_nothing(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = seal_test_doctor(scene->home, 1); /* nobody is trusted yet */
    g_autofree char *log = NULL;

    seal_test_doctor_assert(root, "anchors", "warning", "nobody is trusted");
    log = seal_test_pinentry_log(scene->home);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 0);
    g_assert_null(strstr(log, "SET"));
    g_assert_null(seal_test_doctor_find(root, "token", "fail", ""));
    seal_test_doctor_assert(root, "token", "pass", "locked, the PIN is asked for");
}

static void
test_text(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;

    trust_the_fixture(scene);
    result = doctor(scene, NULL, NULL);
    g_assert_cmpint(result->status, ==, 0);
    g_assert_cmpstr(result->err, ==, "");
    g_assert_null(strchr(result->out, '\033'));
    g_assert_null(strchr(result->out, '\002'));
    g_assert_true(g_str_has_prefix(result->out, "Agent\n  pass     configuration   "));
    g_assert_true(g_str_has_suffix(result->out, "\n\nall is well\n"));
}

/* -- the way to the agent --------------------------------------------------------------------- */

static void
test_no_bus(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nowhere/bus");
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "session bus", "fail", "/nowhere/bus"), ==,
                    "unset " SEAL_ADDRESS_VARIABLE);
    g_assert_null(seal_test_doctor_find(root, "agent", "fail", ""));
    /* what needs no agent is looked at all the same */
    seal_test_doctor_assert(root, "configuration", "pass", "privyseal.conf");
    seal_test_doctor_assert(root, "module", "unknown", "'softhsm' is there");
    seal_test_doctor_assert(root, "pinentry", "pass", "answers");
}

/* A socket that takes connections and never answers. */
static int
listen_silently(Scene *scene, const char *name, char **ret_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_path = seal_test_home_path(scene->home, name);
    (void)g_strlcpy(address.sun_path, *ret_path, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address), ==,
                    0);
    g_assert_cmpint(listen(fd, 8), ==, 0);
    return fd;
}

static void
test_silent_bus(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_auto(SealFd) fd = listen_silently(scene, "run/silent", &path);
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    g_autoptr(JsonNode) root = NULL;

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, address);
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "session bus", "fail", "has not answered");
}

static void
test_interrupted(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_auto(SealFd) fd = listen_silently(scene, "run/silent", &path);
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "doctor", NULL};
    g_autofree char *log = seal_test_home_path(scene->home, "doctor.log");
    g_auto(SealFd) asked = -1;
    pid_t pid = 0;

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, address);
    pid = seal_test_start(scene->home, argv, "doctor.log");
    asked = accept(fd, NULL, NULL);
    g_assert_cmpint(kill(pid, SIGINT), ==, 0);
    g_assert_true(seal_test_wait_for_text(log, "privyseal: cancelled"));
    g_assert_true(seal_test_wait_for_end(pid));
}

static void
test_no_service_file(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    seal_test_bus_new(scene->home);
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "activation", "warning", "org.privyseal.Agent1.service");
    seal_test_doctor_assert(root, "agent", "fail", "does not know how to start it");
    seal_test_doctor_assert(root, "token", "unknown", "without the agent");
}

static void
test_agent_that_ends(Scene *scene, gconstpointer data)
{
    g_autofree char *path =
        seal_test_home_write(scene->home, "services/" SEAL_TEST_AGENT_NAME ".service",
                             "[D-BUS Service]\nName=" SEAL_TEST_AGENT_NAME "\nExec=/bin/false\n");
    g_autoptr(JsonNode) root = NULL;

    seal_test_bus_new(scene->home);
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "activation", "pass", "starts the agent");
    g_assert_nonnull(strstr(seal_test_doctor_assert(root, "agent", "fail", ""), "journalctl"));
}

static void
test_hanging_agent(Scene *scene, gconstpointer data)
{
    pid_t agent = seal_test_agent_pid(scene->home);
    g_autofree char *command = g_strdup_printf("kill -KILL %d", (int)agent);
    g_autoptr(JsonNode) root = NULL;

    g_assert_cmpint(kill(agent, SIGSTOP), ==, 0);
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpint(kill(agent, SIGCONT), ==, 0);
    g_assert_cmpstr(seal_test_doctor_assert(root, "agent", "fail", "it hangs"), ==, command);
    seal_test_doctor_assert(root, "pinentry", "pass", "answers");
}

/* -- configuration and modules ---------------------------------------------------------------- */

static void
test_broken_configuration(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_write(scene->home, "config/privyseal/privyseal.conf",
                                                 "[agent]\npinentri=/bin/true\n");
    g_autofree char *command = g_strdup_printf("${EDITOR:-nano} +2 '%s'", path);
    g_autoptr(JsonNode) root = seal_test_doctor(scene->home, 3);

    g_assert_cmpstr(seal_test_doctor_assert(root, "configuration", "fail", "pinentri"), ==,
                    command);
    seal_test_doctor_assert(root, "agent", "fail", "");
}

/* The agent does not read the commands' groups: it runs all the same. */
static void
test_broken_settings(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    seal_test_agent_add_groups(scene->home, "[revocation]\nmode=sometimes\n");
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "agent", "pass", "runs");
    g_assert_nonnull(
        strstr(seal_test_doctor_assert(root, "settings", "fail", "sometimes"), "privyseal.conf"));
}

static void
test_missing_module(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    seal_test_agent_configure(scene->home, NULL,
                              "[module softhsm]\npath=/nowhere/libsofthsm2.so\n");
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "module", "fail", "'softhsm' does not run"), ==,
                    "sudo apt install softhsm2");
    seal_test_doctor_assert(root, "token", "fail", "no token is there");
}

static void
test_no_module(Scene *scene, gconstpointer data)
{
    /* pkcs11.conf(5): the system's modules are not looked at, and the user has none */
    g_autofree char *path =
        seal_test_home_write(scene->home, "config/pkcs11/pkcs11.conf", "user-config: only\n");
    g_autoptr(JsonNode) root = NULL;

    seal_test_agent_configure(scene->home, NULL, "\n");
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "module", "fail", "no PKCS#11 module"), ==,
                    "sudo apt install opensc-pkcs11");
}

static void
test_no_pinentry(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_write(scene->home, "config/privyseal/privyseal.conf",
                                                 "[agent]\npinentry=/nowhere/pinentry\n"
                                                 "[module softhsm]\npath=/nowhere.so\n");
    g_autoptr(JsonNode) root = seal_test_doctor(scene->home, 3);

    g_assert_cmpstr(seal_test_doctor_assert(root, "pinentry", "fail", "/nowhere/pinentry"), ==,
                    "sudo apt install pinentry-curses");
}

static void
test_other_pinentry(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_write(scene->home, "config/privyseal/privyseal.conf",
                                                 "[agent]\npinentry=/bin/echo\n"
                                                 "[module softhsm]\npath=/nowhere.so\n");
    g_autoptr(JsonNode) root = seal_test_doctor(scene->home, 3);

    seal_test_doctor_assert(root, "pinentry", "fail", "does not greet");
}

/* -- readers ---------------------------------------------------------------------------------- */

/* No agent is reached, and a module that may use readers is configured. */
static void
configure_readers(Scene *scene)
{
    g_autofree char *path = seal_test_home_write(scene->home, "config/privyseal/privyseal.conf",
                                                 "[module opensc]\npath=/nowhere.so\n");

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nowhere/bus");
}

static void
test_no_pcscd(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    configure_readers(scene);
    seal_test_home_setenv(scene->home, "PCSCLITE_CSOCK_NAME", "/nowhere/pcscd.comm");
    root = seal_test_doctor(scene->home, 3);
    g_assert_true(g_str_has_prefix(seal_test_doctor_assert(root, "pcscd", "fail", ""), "sudo "));
}

/* A reader on USB, as umockdev shows it to the doctor alone. */
static void
test_unused_reader(Scene *scene, gconstpointer data)
{
    static const char device[] =
        "P: /devices/pci0000:00/0000:00:14.0/usb1/1-2\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n"
        "A: busnum=1\\n\nA: devnum=7\\n\nA: product=Blue Reader\\n\n\n"
        "P: /devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0\nE: SUBSYSTEM=usb\n"
        "E: DEVTYPE=usb_interface\nA: bInterfaceClass=0b\\n\n\n";
    g_autofree char *path = seal_test_home_write(scene->home, "reader.umockdev", device);
    g_autofree char *umockdev = g_find_program_in_path("umockdev-run");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {umockdev, "--device", path, "--", program, "doctor", NULL};
    g_autoptr(SealTestResult) result = NULL;

#ifndef TEST_PRELOAD
    g_test_skip("a sanitizer's library does not come after that of umockdev");
    return;
#endif
    if (!umockdev) {
        g_test_skip("umockdev-run is not installed (scripts/setup test)");
        return;
    }
    result = seal_test_run(scene->home, argv, NULL);
    g_assert_nonnull(strstr(result->out, "USB has Blue Reader, but no module that is used"));
    g_assert_nonnull(strstr(result->out, "sudo apt install opensc-pkcs11"));
}

static void
test_dead_pcscd(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_auto(SealFd) fd = listen_silently(scene, "run/pcscd.comm", &path);
    g_autoptr(JsonNode) root = NULL;

    seal_fd_clear(&fd); /* its socket stays in the folder */
    configure_readers(scene);
    seal_test_home_setenv(scene->home, "PCSCLITE_CSOCK_NAME", path);
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "pcscd", "fail", "nobody listens"), ==,
                    "sudo systemctl restart pcscd.socket");
}

/* A process by the name of GnuPG's, which takes cards. */
static void
test_rival(Scene *scene, gconstpointer data)
{
    g_autofree char *scdaemon = seal_test_home_path(scene->home, "scdaemon");
    g_autofree char *tail = g_find_program_in_path("tail");
    const char *copy[] = {"cp", tail, scdaemon, NULL};
    const char *argv[] = {scdaemon, "-f", "/dev/null", NULL};
    g_autoptr(SealTestResult) copied = seal_test_run(scene->home, copy, NULL);
    g_autofree char *process =
        g_strdup_printf("process %d", (int)seal_test_start(scene->home, argv, "scdaemon.log"));
    g_autoptr(JsonNode) root = NULL;

    configure_readers(scene);
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "other program", "warning", process), ==,
                    "gpgconf --kill scdaemon");
}

#ifdef TEST_PCSC
/* As pcscd does with whom polkit does not let in: it asks polkit while the client has said its
 * word, and closes without having read it. */
static gpointer
hang_up(gpointer data)
{
    g_auto(SealFd) probe = accept(GPOINTER_TO_INT(data), NULL, NULL); /* is somebody there? */
    g_auto(SealFd) fd = accept(GPOINTER_TO_INT(data), NULL, NULL);
    struct pollfd waiting = {fd, POLLIN, 0};

    (void)poll(&waiting, 1, seal_test_deadline_ms());
    return NULL;
}

static void
test_refusing_pcscd(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_auto(SealFd) fd = listen_silently(scene, "run/pcscd.comm", &path);
    GThread *thread = g_thread_new("pcscd", hang_up, GINT_TO_POINTER(fd));
    g_autoptr(JsonNode) root = NULL;

    configure_readers(scene);
    seal_test_home_setenv(scene->home, "PCSCLITE_CSOCK_NAME", path);
    root = seal_test_doctor(scene->home, 3);
    g_thread_join(thread);
    g_assert_nonnull(
        strstr(seal_test_doctor_assert(root, "pcscd", "fail", "where polkit refuses"), "pkcheck"));
}

static void
test_hanging_pcscd(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_auto(SealFd) fd = listen_silently(scene, "run/pcscd.comm", &path);
    g_autoptr(JsonNode) root = NULL;

    configure_readers(scene);
    seal_test_home_setenv(scene->home, "PCSCLITE_CSOCK_NAME", path);
    root = seal_test_doctor(scene->home, 3);
    g_assert_cmpstr(seal_test_doctor_assert(root, "pcscd", "fail", "has not answered"), ==,
                    "sudo systemctl restart pcscd");
}
#endif

/* -- certificates ----------------------------------------------------------------------------- */

static void
trust_the_stranger(Scene *scene)
{
    g_autofree char *stranger = seal_test_fixture_path(scene->home, "stranger.pem");
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;

    g_assert_true(g_file_get_contents(stranger, &text, NULL, NULL));
    path = seal_test_home_write(scene->home, "config/privyseal/anchors.d/stranger.pem", text);
}

static void
test_untrusted_certificates(Scene *scene, gconstpointer data)
{
    g_autoptr(JsonNode) root = NULL;

    trust_the_stranger(scene);
    root = seal_test_doctor(scene->home, 1);
    g_assert_cmpstr(seal_test_doctor_assert(root, "chain", "warning", "incomplete-chain"), ==,
                    "privyseal trust add ROOT.pem");
    g_assert_null(seal_test_doctor_find(root, "chain", "pass", ""));
}

static const char worn_profile[] = "[token worn]\nlabel=Worn\n"
                                   "[key old]\ntoken=worn\nalgorithm=p-256\npurpose=sign\nid=01\n"
                                   "label=Old key\nname=Old Example\nemail=old@example.org\n"
                                   "valid-from-days=-400\nvalid-days=30\n"
                                   "[key ending]\ntoken=worn\nalgorithm=p-256\npurpose=decrypt\n"
                                   "id=02\nlabel=Ending key\nname=Ending Example\n"
                                   "email=ending@example.org\nvalid-days=9\n";

static void
test_worn_certificates(Scene *scene, gconstpointer data)
{
    g_autofree char *profile = seal_test_home_write(scene->home, "worn.ini", worn_profile);
    const char *profiles[] = {profile, NULL};
    g_autoptr(JsonNode) root = NULL;

    seal_test_fixture_make(scene->home, profiles);
    seal_test_agent_new(scene->home);
    root = seal_test_doctor(scene->home, 3);
    seal_test_doctor_assert(root, "signing", "fail", "no key on a token that is here");
    seal_test_doctor_assert(root, "decrypting", "pass", "ending@example.org");
    seal_test_doctor_assert(root, "certificates", "warning", "1 ending within a month");
}

/* -- the report ------------------------------------------------------------------------------- */

static void
assert_lacks(const char *report, const char *text)
{
    if (*text && strstr(report, text))
        g_error("'%s' is in the report:\n%s", text, report);
}

/* What the agent lists as the person's own, and where this home is. */
static void
assert_has_nothing_private(Scene *scene, const char *report)
{
    static const char *const sections[] = {"tokens", "keys", "certificates"};
    static const char *const members[] = {"label", "serial", "uri", "subject", "issuer"};
    static const char *const words[] = {"@", "Alice", "Example", "alice", "Bob", "Carol"};
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "list", "--json", NULL};
    g_autoptr(SealTestResult) list = seal_test_run(scene->home, argv, NULL);
    g_autoptr(JsonNode) root = json_from_string(list->out, NULL);
    g_autofree char *home = seal_test_home_path(scene->home, "");
    g_autofree char *pin = seal_test_fixture_pin(scene->home);

    for (guint i = 0; i < G_N_ELEMENTS(sections); i++) {
        JsonArray *items = json_object_get_array_member(json_node_get_object(root), sections[i]);

        g_assert_cmpuint(json_array_get_length(items), >, 0);
        for (guint k = 0; k < json_array_get_length(items) * G_N_ELEMENTS(members); k++) {
            JsonObject *item = json_array_get_object_element(items, k / G_N_ELEMENTS(members));
            const char *member = members[k % G_N_ELEMENTS(members)];

            assert_lacks(report, json_object_get_string_member_with_default(item, member, ""));
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        assert_lacks(report, words[i]);
    assert_lacks(report, home);
    assert_lacks(report, pin);
}

static void
test_report(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_path(scene->home, "report.txt");
    g_autoptr(SealTestResult) result = doctor(scene, "--report", path);
    g_autofree char *report = seal_test_home_read(scene->home, "report.txt");
    GStatBuf about;

    g_assert_cmpint(result->status, ==, 1);
    /* the person sees what the report leaves out */
    g_assert_nonnull(strstr(result->out, "@example.org"));
    g_assert_nonnull(strstr(result->out, "read it before you send it"));
    g_assert_cmpint(g_stat(path, &about), ==, 0);
    g_assert_cmpuint(about.st_mode & 0777, ==, 0600);
    g_assert_nonnull(strstr(report, "Keys: signing: as [hidden "));
    g_assert_nonnull(strstr(report, "left out: "));
    assert_has_nothing_private(scene, report);
}

/* Other programs' messages are searched, too: here the home's path in the agent's. */
static void
test_report_of_mistake(Scene *scene, gconstpointer data)
{
    g_autofree char *path = seal_test_home_write(scene->home, "config/privyseal/privyseal.conf",
                                                 "[agent]\npinentri=carol@example.org\n");
    g_autofree char *home = seal_test_home_path(scene->home, "");
    g_autoptr(SealTestResult) result = NULL;

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nowhere/bus");
    result = doctor(scene, "--report", "-");
    g_assert_cmpint(result->status, ==, 3);
    g_assert_true(g_str_has_prefix(result->out, "Privy Seal "));
    g_assert_nonnull(strstr(result->out, "privyseal.conf:2: "));
    assert_lacks(result->out, home);
    assert_lacks(result->out, "carol");
}

static void
test_report_unwritable(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) result = NULL;

    seal_test_home_setenv(scene->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nowhere/bus");
    result = doctor(scene, "--report", "/nowhere/report.txt");
    g_assert_cmpint(result->status, ==, 5);
    g_assert_nonnull(strstr(result->err, "/nowhere/report.txt"));
}

static void
test_usage(Scene *scene, gconstpointer data)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *both[] = {program, "doctor", "--json", "--report", "-", NULL};
    g_autoptr(SealTestResult) twice = seal_test_run(scene->home, both, NULL);
    g_autoptr(SealTestResult) operand = doctor(scene, "everything", NULL);

    g_assert_cmpint(twice->status, ==, 2);
    g_assert_cmpint(operand->status, ==, 2);
}

#define ADD(path, set_up, test)                                                                    \
    g_test_add("/cli/doctor/" path, Scene, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("well/everything-passes", set_up_agent, test_well);
    ADD("well/nobody-is-asked-for-a-pin", set_up_agent, test_asks_nothing);
    ADD("well/text-is-plain-in-a-pipe", set_up_agent, test_text);
    ADD("agent/without-a-bus-the-rest-is-examined", set_up_agent, test_no_bus);
    ADD("agent/bus-that-says-nothing", set_up_home, test_silent_bus);
    ADD("agent/wait-ends-at-ctrl-c", set_up_home, test_interrupted);
    ADD("agent/unknown-to-the-bus", set_up_home, test_no_service_file);
    ADD("agent/ends-at-once", set_up_home, test_agent_that_ends);
    ADD("agent/hangs", set_up_agent, test_hanging_agent);
    ADD("configuration/mistake-is-opened-at-its-line", set_up_agent, test_broken_configuration);
    ADD("configuration/mistake-of-the-commands", set_up_agent, test_broken_settings);
    ADD("module/is-missing", set_up_agent, test_missing_module);
    ADD("module/there-is-none", set_up_agent, test_no_module);
    ADD("pinentry/is-missing", set_up_home, test_no_pinentry);
    ADD("pinentry/is-another-program", set_up_home, test_other_pinentry);
    ADD("reader/is-plugged-in-but-not-used", set_up_agent, test_unused_reader);
    ADD("rival/scdaemon-is-told", set_up_home, test_rival);
    ADD("pcscd/is-missing", set_up_home, test_no_pcscd);
    ADD("pcscd/left-a-dead-socket", set_up_home, test_dead_pcscd);
#ifdef TEST_PCSC
    ADD("pcscd/hangs-up-on-whom-polkit-refuses", set_up_home, test_refusing_pcscd);
    ADD("pcscd/hangs", set_up_home, test_hanging_pcscd);
#endif
    ADD("certificate/leads-to-nobody-who-is-trusted", set_up_agent, test_untrusted_certificates);
    ADD("certificate/expired-or-ending", set_up_home, test_worn_certificates);
    ADD("report/has-nothing-private", set_up_agent, test_report);
    ADD("report/searches-messages-of-others", set_up_home, test_report_of_mistake);
    ADD("report/cannot-be-written", set_up_home, test_report_unwritable);
    ADD("usage", set_up_home, test_usage);
    return g_test_run();
}
