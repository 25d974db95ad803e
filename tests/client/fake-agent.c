/* fake-agent: an agent without tokens, for what the client library does with every kind of answer.
 * It owns the agent's bus name and listens on a private socket like the real one; what a key does
 * depends on the last element of its path. What it sees goes to the file fake-agent.log beside its
 * socket.
 *
 *   /key/echo         Sign answers the data, Unwrap the SHA-256 of the encrypted key, Raw that of
 *                     operation and input
 *   /key/environment  Sign answers what SetEnvironment handed over, lines
 *   /key/refuse       answers org.privyseal.Error.PinBlocked
 *   /key/strange      answers an error name that nobody knows
 *   /key/number       answers another type than promised
 *   /key/huge         answers 2 MiB
 *   /key/hang         never answers
 *   /key/die          ends the process instead of answering
 *   /key/leave        answers, and ends the process right after
 *   /key/noise        sends 500 signals before it answers
 *   /key/flags        Sign answers "interactive" or "quiet", after the header flag
 *   /key/NAME         Sign answers the data, and a lane behaves as fake-lane.c says
 * FAKE_AGENT_BUS_ONLY: there is no private socket. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/seal-box.h"
#include "ipc/names.h"
#include "tests/client/fake-lane.h"

static sd_event *event;
static char *environment_text;
static char *socket_path;
static FILE *log_file;

static void
note(const char *text)
{
    fprintf(log_file, "%s\n", text);
    fflush(log_file);
}

/* -- answers ------------------------------------------------------------------- */

static int
answer_bytes(sd_bus_message *call, const void *data, size_t len)
{
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call, &reply);

    if (r >= 0)
        r = sd_bus_message_append_array(reply, 'y', data, len);
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

static int
answer_with_noise(sd_bus_message *call, const void *data, size_t len)
{
    sd_bus *bus = sd_bus_message_get_bus(call);

    for (int i = 0; i < 500; i++) {
        int r = sd_bus_emit_signal(bus, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Noise", "i", i);

        if (r < 0)
            return r;
    }
    return answer_bytes(call, data, len);
}

static int
answer_hugely(sd_bus_message *call)
{
    gsize len = 2 * 1024 * 1024;
    g_autofree guint8 *data = g_malloc0(len);

    return answer_bytes(call, data, len);
}

/* 1: handled. 0: an ordinary key. */
static int
follow_mood(sd_bus_message *call, const char *mood)
{
    if (g_str_equal(mood, "hang"))
        return 1;
    if (g_str_equal(mood, "huge"))
        return answer_hugely(call);
    if (g_str_equal(mood, "die"))
        _exit(0);
    if (g_str_equal(mood, "refuse"))
        return sd_bus_reply_method_errorf(call, SEAL_ERROR_PREFIX "PinBlocked",
                                          "the PIN of 'Blue' is blocked");
    if (g_str_equal(mood, "strange"))
        return sd_bus_reply_method_errorf(call, "com.example.Error.Odd", "something odd");
    if (g_str_equal(mood, "number"))
        return sd_bus_reply_method_return(call, "u", 7);
    return 0;
}

static const char *
mood_of(sd_bus_message *call)
{
    const char *path = sd_bus_message_get_path(call);
    const char *mood = strrchr(path, '/') + 1;

    note(mood);
    return mood;
}

static int
on_sign(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    const char *mood = mood_of(call);
    const void *data = NULL;
    size_t len = 0;
    int r = follow_mood(call, mood);

    if (r != 0)
        return r;
    r = sd_bus_message_skip(call, "sa{sv}");
    if (r >= 0)
        r = sd_bus_message_read_array(call, 'y', &data, &len);
    if (r < 0)
        return r;
    if (g_str_equal(mood, "environment"))
        return answer_bytes(call, environment_text, strlen(environment_text));
    if (g_str_equal(mood, "noise"))
        return answer_with_noise(call, data, len);
    if (g_str_equal(mood, "flags")) {
        const char *flags =
            sd_bus_message_get_allow_interactive_authorization(call) > 0 ? "interactive" : "quiet";

        return answer_bytes(call, flags, strlen(flags));
    }
    r = answer_bytes(call, data, len);
    if (g_str_equal(mood, "leave")) {
        (void)sd_bus_flush(sd_bus_message_get_bus(call));
        sd_event_exit(event, 0);
    }
    return r;
}

/* The value of `seal-to` among the options; NULL if it is not there. */
static int
read_seal_to(sd_bus_message *call, const void **ret_key)
{
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");
    size_t len = 0;

    *ret_key = NULL;
    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        const char *name = NULL;

        r = sd_bus_message_read_basic(call, 's', &name);
        if (r >= 0 && g_str_equal(name, "seal-to")) {
            r = sd_bus_message_enter_container(call, 'v', "ay");
            if (r >= 0)
                r = sd_bus_message_read_array(call, 'y', ret_key, &len);
            if (r >= 0)
                r = sd_bus_message_exit_container(call);
        } else if (r >= 0) {
            r = sd_bus_message_skip(call, "v");
        }
        if (r >= 0)
            r = sd_bus_message_exit_container(call);
    }
    return r;
}

static int
on_unwrap(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    const void *encrypted = NULL;
    const void *seal_to = NULL;
    size_t len = 0;
    guint8 session_key[32];
    guint8 box[sizeof session_key + SEAL_BOX_OVERHEAD];
    gsize hash_len = sizeof session_key;
    g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
    int r = follow_mood(call, mood_of(call));

    if (r != 0)
        return r;
    r = sd_bus_message_skip(call, "ay");
    if (r >= 0)
        r = sd_bus_message_read_array(call, 'y', &encrypted, &len);
    if (r >= 0)
        r = read_seal_to(call, &seal_to);
    if (r < 0)
        return r;
    g_checksum_update(hash, encrypted, (gssize)len);
    g_checksum_get_digest(hash, session_key, &hash_len);
    if (!seal_to) {
        note("in clear");
        return answer_bytes(call, session_key, sizeof session_key);
    }
    note("sealed");
    if (!seal_box_seal(seal_to, session_key, sizeof session_key, box, NULL))
        return -EINVAL;
    return answer_bytes(call, box, sizeof box);
}

static int
on_raw(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    const char *operation = NULL;
    const void *input = NULL;
    size_t len = 0;
    guint8 secret[32];
    gsize hash_len = sizeof secret;
    g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
    int r = follow_mood(call, mood_of(call));

    if (r != 0)
        return r;
    r = sd_bus_message_read_basic(call, 's', &operation);
    if (r >= 0)
        r = sd_bus_message_read_array(call, 'y', &input, &len);
    if (r < 0)
        return r;
    note(operation);
    g_checksum_update(hash, (const guchar *)operation, (gssize)strlen(operation));
    g_checksum_update(hash, input, (gssize)len);
    g_checksum_get_digest(hash, secret, &hash_len);
    return answer_bytes(call, secret, sizeof secret);
}

static int
on_open_lane(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    const char *mood = strrchr(sd_bus_message_get_path(call), '/') + 1;

    note("open lane");
    return fake_lane_open(call, event, mood);
}

static int
on_revoke_lanes(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    note("revoke lanes");
    fake_lanes_revoke();
    return sd_bus_message_get_expect_reply(call) > 0 ? sd_bus_reply_method_return(call, "u", 1) : 1;
}

static int
on_set_environment(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    char **list = NULL;
    int r = sd_bus_message_read_strv(call, &list);

    if (r < 0)
        return r;
    g_free(environment_text);
    environment_text = g_strjoinv("\n", list);
    for (char **at = list; *at; at++)
        free(*at); /* sd-bus allocates by malloc(3) */
    free(list);
    return sd_bus_message_get_expect_reply(call) > 0 ? sd_bus_reply_method_return(call, "") : 1;
}

static int
get_address(sd_bus *bus, const char *path, const char *interface, const char *property,
            sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    g_autofree char *address = g_strdup_printf("unix:path=%s", socket_path);

    return sd_bus_message_append(reply, "s", g_getenv("FAKE_AGENT_BUS_ONLY") ? "" : address);
}

static const sd_bus_vtable agent_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SetEnvironment", "as", "", on_set_environment, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RevokeLanes", "a{sv}", "u", on_revoke_lanes, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("PrivateAddress", "s", get_address, 0, 0),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable key_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Sign", "sa{sv}ay", "ay", on_sign, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Unwrap", "ayaya{sv}", "ay", on_unwrap, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("OpenLane", "a{sv}", "ha{sv}", on_open_lane, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Raw", "saya{sv}", "ay", on_raw, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int
find_any(sd_bus *bus, const char *path, const char *interface, void *user_data, void **ret_found,
         sd_bus_error *error)
{
    *ret_found = NULL;
    return 1;
}

/* -- connections ----------------------------------------------------------------- */

static int
on_disconnected(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    note("disconnected");
    return 0;
}

static int
serve(sd_bus *bus)
{
    int r = sd_bus_attach_event(bus, event, 0);

    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, NULL, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, agent_vtable,
                                     NULL);
    if (r >= 0)
        r = sd_bus_add_fallback_vtable(bus, NULL, SEAL_KEY_PREFIX, SEAL_INTERFACE_KEY, key_vtable,
                                       find_any, NULL);
    return r;
}

static int
on_connection(sd_event_source *source, int fd, uint32_t events, void *user_data)
{
    sd_bus *bus = NULL;
    sd_id128_t id;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int r = 0;

    if (peer < 0 || sd_id128_randomize(&id) < 0)
        return 0;
    note("connected");
    r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_fd(bus, peer, peer);
    if (r >= 0)
        r = sd_bus_set_server(bus, 1, id);
    if (r >= 0)
        r = sd_bus_negotiate_fds(bus, 1);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        r = serve(bus);
    if (r >= 0)
        r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                NULL);
    /* Held until the process ends: this program serves one test. */
    return r;
}

static int
listen_private(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)unlink(socket_path);
    g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
        return -errno;
    return sd_event_add_io(event, NULL, fd, EPOLLIN, on_connection, NULL);
}

int
main(int argc, char **argv)
{
    g_autofree char *log_path =
        g_build_filename(g_getenv("XDG_RUNTIME_DIR"), "fake-agent.log", NULL);
    sd_bus *bus = NULL;
    int r = sd_event_default(&event);

    environment_text = g_strdup("");
    socket_path = g_build_filename(g_getenv("XDG_RUNTIME_DIR"), "fake-agent", NULL);
    log_file = fopen(log_path, "ae");
    if (r < 0 || !log_file || listen_private() < 0)
        return EXIT_FAILURE;
    note("started");
    if (sd_bus_open_user(&bus) < 0 || serve(bus) < 0 ||
        sd_bus_request_name(bus, SEAL_BUS_NAME, 0) < 0)
        return EXIT_FAILURE;
    r = sd_event_loop(event);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
