/* Reading the control file. A mood that was replaced is left alone, not freed: another thread may
 * still look at it, and a test changes its mood a handful of times. */
#include "tests/mock/mood.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/starts.h"

typedef struct {
    const char *name;
    guint value;
} Name;

static const Name places[] = {
    {"init", MOODY_INIT},   {"login", MOODY_LOGIN},     {"logout", MOODY_LOGOUT},
    {"sign", MOODY_SIGN},   {"decrypt", MOODY_DECRYPT}, {"derive", MOODY_DERIVE},
    {"slots", MOODY_SLOTS},
};

static const Name mechanisms[] = {
    {"pkcs", CKM_RSA_PKCS},      {"x509", CKM_RSA_X_509}, {"pss", CKM_RSA_PKCS_PSS},
    {"oaep", CKM_RSA_PKCS_OAEP}, {"ecdsa", CKM_ECDSA},    {"eddsa", CKM_EDDSA},
    {"ecdh", CKM_ECDH1_DERIVE},
};

static GMutex lock;
static struct stat last_seen; /* under lock */
static const Mood *current;   /* under lock */

static const char *
control_file(void)
{
    const char *path = g_getenv("PRIVYSEAL_MOODY");

    return path ? path : "/dev/null";
}

static guint
find(const Name *names, gsize n, const char *word)
{
    for (gsize i = 0; i < n; i++)
        if (g_str_equal(names[i].name, word))
            return names[i].value;
    g_error("moody: unknown word '%s' in %s", word, control_file());
}

static guint
get_places(GKeyFile *file, const char *key)
{
    g_auto(GStrv) words = g_key_file_get_string_list(file, "mood", key, NULL, NULL);
    guint all = 0;

    for (char **word = words; word && *word; word++)
        all |= find(places, G_N_ELEMENTS(places), *word);
    return all;
}

static GArray *
get_mechanisms(GKeyFile *file)
{
    g_auto(GStrv) words = g_key_file_get_string_list(file, "mood", "hide", NULL, NULL);
    GArray *hidden = g_array_new(FALSE, FALSE, sizeof(CK_MECHANISM_TYPE));

    for (char **word = words; word && *word; word++) {
        CK_MECHANISM_TYPE type = find(mechanisms, G_N_ELEMENTS(mechanisms), *word);

        g_array_append_val(hidden, type);
    }
    return hidden;
}

static gboolean
get_flag(GKeyFile *file, const char *key)
{
    return g_key_file_get_boolean(file, "mood", key, NULL);
}

static char *
get_text(GKeyFile *file, const char *key)
{
    return g_key_file_get_string(file, "mood", key, NULL);
}

static CK_RV
get_rv(GKeyFile *file, const char *key)
{
    g_autofree char *text = get_text(file, key);

    return text ? strtoul(text, NULL, 0) : CKR_OK;
}

/* Every mood maps the file anew, and none goes. */
static guint32 *
map_starts(GKeyFile *file)
{
    g_autofree char *path = get_text(file, "starts");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (fd < 0)
        return NULL;
    memory = mmap(NULL, SEAL_TEST_MARKS * sizeof(guint32), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    return memory != MAP_FAILED ? memory : NULL;
}

static Mood *
read_mood(void)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    Mood *mood = g_new0(Mood, 1);

    (void)g_key_file_load_from_file(file, control_file(), G_KEY_FILE_NONE, NULL);
    mood->sleep_us = (guint)(g_key_file_get_double(file, "mood", "sleep-ms", NULL) * 1000);
    mood->instant = get_flag(file, "instant");
    mood->hang = get_places(file, "hang");
    mood->crash = get_places(file, "crash");
    mood->hold = get_places(file, "hold");
    mood->gate = get_text(file, "gate");
    mood->starts = map_starts(file);
    mood->absent = get_flag(file, "absent");
    mood->insertion = (guint)g_key_file_get_integer(file, "mood", "insertion", NULL);
    mood->events = get_flag(file, "events");
    mood->removable = get_flag(file, "removable");
    mood->pin_tries = get_text(file, "pin-tries");
    mood->puk_tries = get_text(file, "puk-tries");
    mood->must_change = get_flag(file, "must-change");
    mood->login_rv = get_rv(file, "login-rv");
    mood->set_pin_rv = get_rv(file, "set-pin-rv");
    mood->protected_path = get_flag(file, "protected-path");
    mood->pad_pin = get_text(file, "pad-pin");
    mood->pad_new_pin = get_text(file, "pad-new-pin");
    mood->hidden = get_mechanisms(file);
    mood->always_authenticate = get_flag(file, "always-authenticate");
    mood->unknown_type = get_text(file, "unknown-type");
    mood->garbage = get_text(file, "garbage");
    mood->wrong_signature = get_flag(file, "wrong-signature");
    mood->leave_open = get_flag(file, "leave-open");
    mood->session_limit = (guint)g_key_file_get_integer(file, "mood", "session-limit", NULL);
    mood->init_rv = get_rv(file, "init-rv");
    mood->find_rv = get_rv(file, "find-rv");
    mood->find_endless = get_flag(file, "find-endless");
    mood->find_beyond = get_flag(file, "find-beyond");
    mood->same_id = get_flag(file, "same-id");
    mood->slots_twice = get_flag(file, "slots-twice");
    mood->mechanisms_beyond = get_flag(file, "mechanisms-beyond");
    mood->slots_beyond = get_flag(file, "slots-beyond");
    mood->lie = get_text(file, "lie");
    mood->lie_label = get_text(file, "lie-label");
    mood->token_lie = get_text(file, "token-lie");
    mood->answer_len = get_rv(file, "answer-len");
    mood->answer_rv = get_rv(file, "answer-rv");
    mood->log = get_text(file, "log");
    return mood;
}

static gboolean
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

const Mood *
moody_mood(void)
{
    struct stat now = {0};
    const Mood *mood = NULL;

    (void)stat(control_file(), &now);
    g_mutex_lock(&lock);
    if (!current || !is_same_file(&now, &last_seen)) {
        last_seen = now;
        current = read_mood();
    }
    mood = current;
    g_mutex_unlock(&lock);
    return mood;
}

void
moody_wait_for_change(void)
{
    static int watch = -1;
    char events[4096];

    /* The folder, since the file is replaced by renaming another over it. */
    if (watch < 0) {
        g_autofree char *folder = g_path_get_dirname(control_file());

        watch = inotify_init1(IN_CLOEXEC);
        if (watch < 0 || inotify_add_watch(watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
            g_error("moody: cannot watch %s", folder);
    }
    if (read(watch, events, sizeof events) < 0)
        g_error("moody: cannot wait for %s", control_file());
}

void
moody_pass_gate(const Mood *mood)
{
    int fd = mood->gate ? open(mood->gate, O_RDONLY | O_CLOEXEC) : -1;
    char byte = 0;

    if (fd < 0)
        return;
    if (read(fd, &byte, 1) < 0)
        g_error("moody: cannot read from %s", mood->gate);
    (void)close(fd);
}

void
moody_note_start(const Mood *mood, guint8 mark)
{
    if (mood->starts)
        (void)__atomic_fetch_add(&mood->starts[mark], 1, __ATOMIC_SEQ_CST);
}

gboolean
moody_hides(const Mood *mood, CK_MECHANISM_TYPE type)
{
    for (guint i = 0; i < mood->hidden->len; i++)
        if (g_array_index(mood->hidden, CK_MECHANISM_TYPE, i) == type)
            return TRUE;
    return FALSE;
}
