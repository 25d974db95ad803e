/* OpenSC 0.23 and later as it is, measured with cards that are pulled.
 *
 * It keeps the PIN by itself, in memory that may be swapped and dumped, and gives it to a card that
 * was reset (use_pin_caching). The agent keeps no PIN; the module must not do it in its place.
 *
 * Of its ways to unblock a PIN none is on by itself (user_pin_unblock_style). The standard's, by the
 * officer's login and C_InitPIN, fails with a PIV card, which checks no PUK alone. What works with all
 * cards is C_SetPIN without a login, whose old PIN is then the PUK (pin.c).
 *
 * It makes a lock of its own around each call, and another for each card. When a card goes in the
 * middle of a call, that inner lock stays taken (an unlock too many returns without giving it
 * back), and the next use of it, in the same call, waits for ever. The locks are made by whoever
 * initialises the module, so the outer one is a lock and the inner ones are none: nothing comes to
 * them but through the outer one. C_WaitForSlotEvent would; the host does not call it where PC/SC
 * tells of cards. */
#include "pkcs11/host/opensc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/program.h"

#define SONAME        "opensc-pkcs11.so"
#define CONFIGURATION "/etc/opensc/opensc.conf"
#define CONFIGURATION_MAX (1024u * 1024u)
#define VARIABLE      "PRIVYSEAL_READER" /* of one-reader.c */

typedef struct {
    GMutex mutex;
    gboolean is_outer;
} Lock;

gboolean
seal_opensc_is(const char *soname)
{
    return g_strcmp0(soname, SONAME) == 0;
}

/* -- configuration --------------------------------------------------------------------------------
 */

/* TRUE for a line like "framework pkcs15 {"; `name` NULL: of any name. */
static gboolean
opens_block(const char *line, const char *kind, const char *name)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t{", -1);
    g_autoptr(GPtrArray) some = g_ptr_array_new();

    for (char **word = words; *word; word++)
        if (**word)
            g_ptr_array_add(some, *word);
    return strchr(line, '{') && some->len >= (name ? 2 : 1) && g_str_equal(some->pdata[0], kind) &&
           (!name || g_str_equal(some->pdata[1], name));
}

/* The text with `addition` first in each such block (transfer full); NULL if it has none. */
static char *
add_to_blocks(char **lines, const char *kind, const char *name, const char *addition)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean found = FALSE;

    for (; *lines; lines++) {
        const char *brace = opens_block(*lines, kind, name) ? strchr(*lines, '{') + 1 : NULL;

        found |= brace != NULL;
        g_string_append_len(out, *lines, brace ? brace - *lines : (gssize)strlen(*lines));
        if (brace)
            g_string_append_printf(out, " %s%s", addition, brace);
        g_string_append_c(out, '\n');
    }
    return found ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

/* Of a setting that is there twice the first counts, and of blocks too: where there is a block it
 * goes into that. */
char *
seal_opensc_with_setting(const char *text, const char *kind, const char *name, const char *setting)
{
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    g_autofree char *block =
        g_strdup_printf("%s%s%s { %s }", kind, name ? " " : "", name ? name : "", setting);
    char *out = add_to_blocks(lines, kind, name, setting);

    if (!out)
        out = add_to_blocks(lines, "app", NULL, block);
    return out ? out : g_strdup_printf("app default { %s }\n", block);
}

char *
seal_opensc_without_cache(const char *text)
{
    return seal_opensc_with_setting(text, "framework", "pkcs15", "use_pin_caching = false;");
}

char *
seal_opensc_with_unblocking(const char *text)
{
    return seal_opensc_with_setting(text, "pkcs11", NULL,
                                    "user_pin_unblock_style = set_pin_in_unlogged_session;");
}

/* The configuration for a host that sees `reader` (nullable: all) (transfer full); NULL and why
 * not. */
static char *
make_configuration(const char *reader, const char **ret_reason)
{
    const char *site = getenv("OPENSC_CONF");
    g_autoptr(GError) error = NULL;
    g_autofree char *theirs =
        seal_file_read_text(site ? site : CONFIGURATION, CONFIGURATION_MAX, NULL, &error);
    g_autofree char *uncached = NULL;
    g_autofree char *text = NULL;
    g_autofree char *library = seal_program_path("pkcs11/host/privyseal-one-reader.so");
    g_autofree char *setting = g_strdup_printf("provider_library = %s;", library);

    /* OpenSC itself goes on where there is none */
    if (!theirs && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        *ret_reason = "its configuration (opensc.conf) cannot be read, mend its permissions or size";
        return NULL;
    }
    uncached = seal_opensc_without_cache(theirs);
    text = seal_opensc_with_unblocking(uncached);
    if (!reader)
        return g_steal_pointer(&text);
    /* OpenSC would go on without any reader, and say nothing */
    if (access(library, R_OK) != 0) {
        *ret_reason = "privyseal-one-reader.so is missing beside privyseal-host, install it anew";
        return NULL;
    }
    return seal_opensc_with_setting(text, "reader_driver", "pcsc", setting);
}

const char *
seal_opensc_configure(const char *reader)
{
    const char *reason = NULL;
    g_autofree char *text = make_configuration(reader, &reason);
    g_autofree char *link = NULL;
    g_auto(SealFd) fd = -1;

    if (!text)
        return reason;
    fd = memfd_create("opensc.conf", MFD_CLOEXEC);
    if (fd < 0 || !seal_fd_write_all(fd, text, strlen(text)) ||
        (reader && setenv(VARIABLE, reader, TRUE) != 0))
        return "its configuration cannot be written";
    link =
        g_strdup_printf("/proc/self/fd/%d", seal_fd_steal(&fd)); /* for the life of the process */
    return setenv("OPENSC_CONF", link, TRUE) == 0 ? NULL : "its configuration cannot be named";
}

/* -- locks ----------------------------------------------------------------------------------------
 */

static CK_RV
create_lock(void **ret_lock)
{
    static gint made = 0; /* C_Initialize makes the outer one first */
    Lock *lock = g_new0(Lock, 1);

    g_mutex_init(&lock->mutex);
    lock->is_outer = g_atomic_int_add(&made, 1) == 0;
    *ret_lock = lock;
    return CKR_OK;
}

static CK_RV
destroy_lock(void *data)
{
    Lock *lock = data;

    g_mutex_clear(&lock->mutex);
    g_free(lock);
    return CKR_OK;
}

static CK_RV
take_lock(void *data)
{
    Lock *lock = data;

    if (lock->is_outer)
        g_mutex_lock(&lock->mutex);
    return CKR_OK;
}

static CK_RV
give_lock(void *data)
{
    Lock *lock = data;

    if (lock->is_outer)
        g_mutex_unlock(&lock->mutex);
    return CKR_OK;
}

void
seal_opensc_set_locks(CK_C_INITIALIZE_ARGS *arguments)
{
    arguments->CreateMutex = create_lock;
    arguments->DestroyMutex = destroy_lock;
    arguments->LockMutex = take_lock;
    arguments->UnlockMutex = give_lock;
}
