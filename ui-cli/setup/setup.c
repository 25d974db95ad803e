/* The same steps for every program: read, plan, show, record, write. Nothing is written while
 * anything can still be refused. The record is written before the files, and forgotten after them:
 * what a crash leaves is a record of changes of which some did not happen, and both ways on from
 * there (once more, or --undo) compare with what the files hold. */
#include "ui-cli/setup/setup.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/program.h"
#include "ui-cli/setup/block.h"
#include "ui-cli/setup/diff.h"

/* Keys of the record that mean the same for every program. */
#define KEY_CHANGED "changed" /* so that the file has an entry */
#define KEY_CREATED "created" /* the file was not there before */
#define KEY_FOLDER  "folder"  /* the outermost folder that was made for it */

struct SealSetup {
    const SealSetupTarget *target;
    SealOptions *options;
    SealRecord *record;
    GPtrArray *edits;  /* of SealEdit */
    GPtrArray *notes;  /* of char * */
    GPtrArray *taken;  /* of char *: recorded paths that --undo takes back */
    gboolean has_news; /* for the record, even where no file changes */
    char *module;
};

SealSetup *
seal_setup_new(const SealSetupTarget *target, SealOptions *options, GError **error)
{
    g_autoptr(SealSetup) setup = g_new0(SealSetup, 1);

    setup->target = target;
    setup->options = options;
    setup->edits = g_ptr_array_new_with_free_func((GDestroyNotify)seal_edit_free);
    setup->notes = g_ptr_array_new_with_free_func(g_free);
    setup->taken = g_ptr_array_new_with_free_func(g_free);
    setup->module = seal_program_module();
    setup->record = seal_record_read(target->name, error);
    return setup->record ? g_steal_pointer(&setup) : NULL;
}

void
seal_setup_free(SealSetup *setup)
{
    if (!setup)
        return;
    g_clear_pointer(&setup->edits, g_ptr_array_unref);
    g_clear_pointer(&setup->notes, g_ptr_array_unref);
    g_clear_pointer(&setup->taken, g_ptr_array_unref);
    g_clear_pointer(&setup->record, seal_record_free);
    g_free(setup->module);
    g_free(setup);
}

/* -- for the targets ----------------------------------------------------------------- */

static gboolean
is_undo(const SealSetup *setup)
{
    return seal_options_has(setup->options, "undo");
}

gboolean
seal_setup_fail(const SealSetup *setup, GError **error, SealErrorCode code, const char *format, ...)
{
    g_autofree char *reason = NULL;
    va_list arguments;

    va_start(arguments, format);
    reason = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, SEAL_ERROR, (gint)code, "cannot %s %s: %s",
                is_undo(setup) ? "take back the setup of" : "set up", setup->target->program,
                reason);
    return FALSE;
}

void
seal_setup_note(SealSetup *setup, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(setup->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

const char *
seal_setup_option(const SealSetup *setup, const char *name)
{
    return seal_options_value(setup->options, name);
}

gboolean
seal_setup_check_path(const SealSetup *setup, const char *path, GError **error)
{
    for (const char *at = path; *at; at++) {
        if (!g_ascii_isalnum(*at) && !strchr("/._-+:@~,", *at))
            return seal_setup_fail(setup, error, SEAL_ERROR_NOT_SUPPORTED,
                                   "the path '%s' holds blanks or signs that configuration files "
                                   "take for something else",
                                   path);
    }
    return TRUE;
}

const char *
seal_setup_module(SealSetup *setup, GError **error)
{
    if (!g_file_test(setup->module, G_FILE_TEST_IS_REGULAR)) {
        (void)seal_setup_fail(setup, error, SEAL_ERROR_NOT_FOUND,
                              "there is no '%s'; install Privy Seal's PKCS#11 module",
                              setup->module);
        return NULL;
    }
    return seal_setup_check_path(setup, setup->module, error) ? setup->module : NULL;
}

SealEdit *
seal_setup_open(SealSetup *setup, const char *path, GError **error)
{
    SealEdit *edit = seal_edit_open(path, error);

    if (edit)
        g_ptr_array_add(setup->edits, edit);
    return edit;
}

void
seal_setup_remember(SealSetup *setup, const SealEdit *edit, const char *key, const char *value)
{
    seal_record_set(setup->record, edit->path, key, value);
    setup->has_news = TRUE;
}

char *
seal_setup_recall(const SealSetup *setup, const char *path, const char *key)
{
    return seal_record_get(setup->record, path, key);
}

gboolean
seal_setup_check_own(const SealSetup *setup, const SealEdit *edit, GError **error)
{
    if (!edit->before || !*edit->before || seal_block_is_in(edit->before, setup->target->name))
        return TRUE;
    return seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                           "'%s' is there already and was not written by this command; move it "
                           "away first",
                           edit->path);
}

char *
seal_setup_text_of_others(const SealSetup *setup, const SealEdit *edit, GError **error)
{
    char *text = seal_block_remove(edit->before ? edit->before : "", setup->target->name, error);

    if (!text)
        g_prefix_error(error, "cannot change '%s': ", edit->path);
    return text;
}

gboolean
seal_setup_put_block(SealSetup *setup, SealEdit *edit, const char *body, GError **error)
{
    char *text = seal_block_put(edit->before ? edit->before : "", setup->target->name, body, error);
    g_autofree char *recorded = seal_setup_recall(setup, edit->path, KEY_CHANGED);

    if (!text) {
        g_prefix_error(error, "cannot change '%s': ", edit->path);
        return FALSE;
    }
    /* A home that was copied has the block, and not always the record. */
    if (!recorded && edit->before && seal_block_is_in(edit->before, setup->target->name))
        seal_setup_remember(setup, edit, KEY_CHANGED, "yes");
    seal_edit_take(edit, text);
    return TRUE;
}

gboolean
seal_setup_take_back_block(SealSetup *setup, const char *path, GError **error)
{
    SealEdit *edit = seal_setup_open(setup, path, error);
    char *text = NULL;

    if (!edit || !edit->before)
        return edit != NULL;
    text = seal_setup_text_of_others(setup, edit, error);
    if (text)
        seal_edit_take(edit, text);
    return text != NULL;
}

char *
seal_setup_own_file(const char *name)
{
    return g_build_filename(g_get_user_config_dir(), "privyseal", name, NULL);
}

/* -- planning -------------------------------------------------------------------------- */

/* A file that was made here goes when nothing is left in it; where somebody has put a link in its
 * place since, the link's owner decides. */
static void
drop_if_empty(SealSetup *setup, const char *path)
{
    g_autofree char *created = seal_setup_recall(setup, path, KEY_CREATED);
    SealEdit *edit = setup->edits->len > 0 ? setup->edits->pdata[setup->edits->len - 1] : NULL;

    if (!created || !edit || !g_str_equal(edit->path, path) || !edit->after || *edit->after)
        return;
    if (g_str_equal(edit->path, edit->real_path))
        seal_edit_take(edit, NULL);
}

/* With --profile only what lies there. */
static gboolean
is_wanted(const SealSetup *setup, const char *path)
{
    const char *profile = seal_setup_option(setup, "profile");
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *chosen = profile ? g_canonicalize_filename(profile, NULL) : NULL;

    return !chosen || g_str_equal(folder, chosen);
}

static gboolean
plan_undo(SealSetup *setup, GError **error)
{
    g_auto(GStrv) paths = seal_record_paths(setup->record);

    for (char **path = paths; *path; path++) {
        if (!is_wanted(setup, *path))
            continue;
        if (!setup->target->take_back(setup, *path, error))
            return FALSE;
        drop_if_empty(setup, *path);
        g_ptr_array_add(setup->taken, g_strdup(*path));
    }
    return TRUE;
}

gboolean
seal_setup_plan(SealSetup *setup, GError **error)
{
    return is_undo(setup) ? plan_undo(setup, error) : setup->target->plan(setup, error);
}

gboolean
seal_setup_has_nothing_recorded(const SealSetup *setup)
{
    return is_undo(setup) && setup->taken->len == 0;
}

gboolean
seal_setup_has_change(const SealSetup *setup)
{
    for (guint i = 0; i < setup->edits->len; i++) {
        if (seal_edit_has_change(setup->edits->pdata[i]))
            return TRUE;
    }
    return FALSE;
}

char *
seal_setup_describe(const SealSetup *setup)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < setup->edits->len; i++) {
        const SealEdit *edit = setup->edits->pdata[i];
        g_autofree char *diff = seal_diff(edit->path, edit->before, edit->after);

        g_string_append(text, diff);
    }
    return g_string_free(text, FALSE);
}

char *
seal_setup_describe_notes(const SealSetup *setup)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < setup->notes->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)setup->notes->pdata[i]);
    return g_string_free(text, FALSE);
}

/* -- doing ----------------------------------------------------------------------------- */

/* A second run keeps what the first one found. A folder that was made for another program is
 * remembered for this one, too: whichever is taken back last removes it. */
static void
record_edit(SealSetup *setup, const SealEdit *edit)
{
    g_autofree char *missing = seal_edit_missing_folder(edit);
    g_autofree char *shared = seal_record_find_folder(KEY_FOLDER, edit->path);
    const char *folder = shared ? shared : missing;

    seal_setup_remember(setup, edit, KEY_CHANGED, "yes");
    if (!edit->before)
        seal_setup_remember(setup, edit, KEY_CREATED, "yes");
    if (folder)
        seal_setup_remember(setup, edit, KEY_FOLDER, folder);
}

static gboolean
apply_edits(SealSetup *setup, GError **error)
{
    for (guint i = 0; i < setup->edits->len; i++) {
        const SealEdit *edit = setup->edits->pdata[i];

        if (seal_edit_has_change(edit) && !seal_edit_apply(edit, error))
            return FALSE;
    }
    return TRUE;
}

/* From the file's own folder to the outermost one that was made; the first that is not empty ends
 * it. */
static void
remove_folders(SealSetup *setup, const char *path)
{
    g_autofree char *outermost = seal_setup_recall(setup, path, KEY_FOLDER);
    g_autofree char *folder = g_path_get_dirname(path);

    while (outermost && g_str_has_prefix(folder, outermost) && g_rmdir(folder) == 0) {
        char *parent = g_path_get_dirname(folder);

        g_free(folder);
        folder = parent;
    }
}

static gboolean
apply_undo(SealSetup *setup, GError **error)
{
    if (!apply_edits(setup, error))
        return FALSE;
    for (guint i = 0; i < setup->taken->len; i++) {
        remove_folders(setup, setup->taken->pdata[i]);
        seal_record_forget(setup->record, setup->taken->pdata[i]);
    }
    return seal_record_save(setup->record, error);
}

gboolean
seal_setup_apply(SealSetup *setup, GError **error)
{
    if (is_undo(setup))
        return apply_undo(setup, error);
    for (guint i = 0; i < setup->edits->len; i++) {
        const SealEdit *edit = setup->edits->pdata[i];

        if (seal_edit_has_change(edit))
            record_edit(setup, edit);
    }
    if (setup->has_news && !seal_record_save(setup->record, error))
        return FALSE;
    return apply_edits(setup, error);
}
