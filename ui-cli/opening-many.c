/* Mail after mail, in the order of the command line. Those that come next are read ahead and
 * announced to the unwrapper, so that a token never waits for this program nor it for the token;
 * how far ahead is bounded by number and size. A mistake in one that was read ahead is told when
 * its turn comes. */
#include "ui-cli/opening-many.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

#include "base/error.h"
#include "smime/prepare.h"
#include "smime/sign.h"
#include "ui-cli/files.h"
#include "ui-cli/harvest.h"
#include "ui-cli/status.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"

#define AHEAD       8 /* mails; more do not make two processors any busier */
#define AHEAD_BYTES ((gsize)32 * 1024 * 1024) /* of the mails that are kept for it */

typedef struct {
    const char *path;
    char *target;
    gboolean is_there; /* the target */
    GBytes *mail;      /* (nullable) between being read and being opened */
    GError *error;     /* (nullable) it could not be read */
} Item;

typedef struct {
    const SealOpening *opening;
    SealOptions *options;
    const SealOpenOptions *how;
    GPtrArray *items; /* (element-type Item) */
    guint read;       /* items so far */
    gsize held;       /* bytes of mails that are read and not opened */
} Many;

static void
free_item(gpointer data)
{
    Item *item = data;

    g_free(item->target);
    g_clear_pointer(&item->mail, g_bytes_unref);
    g_clear_error(&item->error);
    g_free(item);
}

/* -- the command line ------------------------------------------------------------------------- */

/* Two of them would become one file. */
static const char *
find_twin(const GPtrArray *paths)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < paths->len; i++)
        if (!g_hash_table_add(names, g_path_get_basename(paths->pdata[i])))
            return paths->pdata[i];
    return NULL;
}

static gboolean
has_standard_input(const GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++)
        if (g_str_equal(paths->pdata[i], "-"))
            return TRUE;
    return paths->len == 0;
}

gboolean
seal_opening_check_many(const SealOpening *opening, const SealOptions *options, GError **error)
{
    const GPtrArray *paths = seal_options_operands(options);
    const char *folder = seal_options_value(options, "into");
    const char *twin = folder ? find_twin(paths) : NULL;

    if (!folder && paths->len > 1)
        seal_usage_error_set(error, opening->command,
                             "several mails need --into FOLDER, for what is in them");
    else if (folder && seal_options_has(options, "output"))
        seal_usage_error_set(error, opening->command,
                             "--output is for one mail, --into for many: give one of them");
    else if (folder && has_standard_input(paths))
        seal_usage_error_set(error, opening->command,
                             "--into needs the names of the mails' files, standard input has none");
    else if (twin)
        seal_usage_error_set(error, opening->command,
                             "there are two mails named like '%s', which cannot both go into '%s'",
                             twin, folder);
    else
        return TRUE;
    return FALSE;
}

/* -- reading ahead ---------------------------------------------------------------------------- */

static void
read_one(Many *many)
{
    Item *item = many->items->pdata[many->read++];

    item->is_there = g_file_test(item->target, G_FILE_TEST_EXISTS);
    if (item->is_there)
        return;
    item->mail = seal_input_read(item->path, SEAL_MAIL_MAX, &item->error);
    if (!item->mail)
        return;
    many->held += g_bytes_get_size(item->mail);
    if (many->how->unwrapper)
        seal_mail_prepare(item->mail, many->how->unwrapper);
}

static void
read_ahead(Many *many, guint index)
{
    while (many->read < many->items->len &&
           (many->read <= index || (many->read <= index + AHEAD && many->held < AHEAD_BYTES)))
        read_one(many);
}

/* -- one mail --------------------------------------------------------------------------------- */

static void
print_object(const char *path, const SealReport *report)
{
    g_autofree char *text = seal_report_to_json(report);
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    g_autofree char *name = g_utf8_make_valid(path, -1);
    g_autofree char *line = NULL;

    json_object_set_string_member(json_node_get_object(root), "file", name);
    line = json_to_string(root, FALSE);
    printf("%s\n", line);
}

/* The verdict behind the name, and below what a person should know of it; not the layers. */
static void
print_lines(const char *path, const SealReport *report)
{
    g_autofree char *name = seal_text_clean_line(path);
    g_autoptr(GPtrArray) lines = seal_report_lines(report);

    printf("%s: ", name);
    seal_opening_print_line(stdout, lines->pdata[0]);
    for (guint i = 1; i < lines->len; i++) {
        const SealReportLine *line = lines->pdata[i];

        if (line->indent > 0 ||
            (g_strcmp0(line->label, "why") != 0 && g_strcmp0(line->label, "warning") != 0))
            return;
        printf("  ");
        seal_opening_print_line(stdout, line);
    }
}

static gboolean
open_item(const Many *many, const Item *item, SealReport **ret_report, GError **error)
{
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;

    if (!seal_mail_open(item->mail, many->how, &report, &content, error) || !seal_stop_check(error))
        return FALSE;
    if (many->opening->harvests && !seal_options_has(many->options, "no-harvest"))
        seal_harvest(report, many->how->trust);
    if (report->good && content && !seal_output_write(item->target, content, error))
        return FALSE;
    if (seal_options_has(many->options, "json"))
        print_object(item->path, report);
    else
        print_lines(item->path, report);
    fflush(stdout);
    *ret_report = g_steal_pointer(&report);
    return TRUE;
}

/* Returns the mail's status, or sets `error`. */
static int
take_turn(Many *many, Item *item, GError **error)
{
    g_autoptr(SealReport) report = NULL;
    gboolean opened = FALSE;

    if (item->is_there) {
        fprintf(
            stderr,
            "privyseal: warning: '%s' is there already: it is left alone, and '%s' not opened\n",
            item->target, item->path);
        return SEAL_STATUS_NOT_GOOD;
    }
    if (item->error) {
        g_propagate_error(error, g_steal_pointer(&item->error));
        return SEAL_STATUS_IO;
    }
    opened = open_item(many, item, &report, error);
    many->held -= g_bytes_get_size(item->mail);
    g_clear_pointer(&item->mail, g_bytes_unref);
    return opened ? seal_opening_status(report, error) : SEAL_STATUS_IO;
}

/* -- all of them ------------------------------------------------------------------------------ */

static GPtrArray *
list_items(SealOptions *options)
{
    const GPtrArray *paths = seal_options_operands(options);
    GPtrArray *items = g_ptr_array_new_with_free_func(free_item);

    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *name = g_path_get_basename(paths->pdata[i]);
        Item *item = g_new0(Item, 1);

        item->path = paths->pdata[i];
        item->target = g_build_filename(seal_options_value(options, "into"), name, NULL);
        g_ptr_array_add(items, item);
    }
    return items;
}

int
seal_opening_run_many(const SealOpening *opening, SealOptions *options, const SealOpenOptions *how,
                      GError **error)
{
    g_autoptr(GPtrArray) items = list_items(options);
    Many many = {.opening = opening, .options = options, .how = how, .items = items};
    const char *folder = seal_options_value(options, "into");
    int status = SEAL_STATUS_DONE;

    if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR,
                    "cannot write into '%s': there is no such folder, make it first", folder);
        return SEAL_STATUS_IO;
    }
    for (guint i = 0; i < items->len && status != SEAL_STATUS_REFUSED; i++) {
        GError *problem = NULL;
        int own = 0;

        read_ahead(&many, i);
        own = take_turn(&many, items->pdata[i], &problem);
        if (problem) {
            g_propagate_error(error, problem);
            return own;
        }
        status = MAX(status, own);
    }
    return status;
}
