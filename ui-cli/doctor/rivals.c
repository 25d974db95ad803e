/* Programs of this user that use smart cards beside the agent. GnuPG's scdaemon takes a card for
 * itself; a browser that loads a PKCS#11 module shares it, but may reset it or leave it logged in.
 *
 * Whoever has PC/SC's library in its memory, or a reader's USB device open, is one: both can be
 * read of one's own processes. */
#include "ui-cli/doctor/examine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "ui-cli/doctor/usb.h"

/* A browser's has a few. */
#define MAPS_MAX ((gsize)32 * 1024 * 1024)

/* What sets a program up to ask the agent instead, or ends it. */
static const struct {
    const char *name, *command;
} known[] = {
    {"scdaemon", "gpgconf --kill scdaemon"},
    {"firefox", "privyseal setup firefox"},
    {"thunderbird", "privyseal setup thunderbird"},
    {"evolution", "privyseal setup evolution"},
    {"chrom", "privyseal setup evolution"}, /* Chromium and Chrome read the same NSS database */
    {"ssh", "privyseal setup openssh"},
    {"java", "privyseal setup java"},
};

static char *
name_of_process(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
    char *name = NULL;

    return g_file_get_contents(path, &name, NULL, NULL) ? g_strchomp(name) : NULL;
}

static gboolean
has_library(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "maps", NULL);
    g_autoptr(GBytes) maps = seal_file_read(path, MAPS_MAX, NULL);
    gsize len = 0;
    const char *data = maps ? g_bytes_get_data(maps, &len) : NULL;

    return data && memmem(data, len, "/libpcsclite.so", strlen("/libpcsclite.so"));
}

/* Of one of `readers` (element-type SealUsbReader). */
static gboolean
has_reader(const char *pid, const GPtrArray *readers)
{
    g_autofree char *folder = g_build_filename("/proc", pid, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *fd = NULL;

    while (dir && (fd = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, fd, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);

        for (guint i = 0; target && i < readers->len; i++) {
            if (g_str_equal(target, ((const SealUsbReader *)readers->pdata[i])->node))
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean
is_own_process(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, NULL);
    struct stat about;

    return stat(path, &about) == 0 && about.st_uid == getuid() && atoi(pid) != (int)getpid();
}

static gboolean
is_ours_or_the_service(const char *name)
{
    return g_str_has_prefix(name, "privyseal") || g_str_equal(name, "pcscd");
}

/* (transfer full) */
static char *
command_for(const char *name, const char *pid)
{
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_str_has_prefix(name, known[i].name))
            return g_strdup(known[i].command);
    }
    return g_strdup_printf("kill %s", pid);
}

static void
examine_process(SealExam *exam, const char *pid, const GPtrArray *readers, guint *count)
{
    g_autofree char *name = is_own_process(pid) ? name_of_process(pid) : NULL;
    g_autofree char *command = NULL;
    gboolean is_scdaemon = name && g_str_equal(name, "scdaemon");

    if (!name || is_ours_or_the_service(name))
        return;
    if (!has_library(pid) && !has_reader(pid, readers) && !is_scdaemon)
        return;
    (*count)++;
    command = command_for(name, pid);
    seal_exam_note(exam, "other program", SEAL_HEALTH_WORRY, command,
                   is_scdaemon
                       ? "%s (process %s) of GnuPG takes a card for itself as soon as it is asked"
                       : "%s (process %s) uses smart cards by itself, and may take the card from "
                         "under the agent",
                   name, pid);
}

void
seal_examine_rivals(SealExam *exam)
{
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
    g_autoptr(GPtrArray) readers = seal_usb_readers();
    const char *entry = NULL;
    guint count = 0;

    exam->group = "Other programs";
    if (!seal_exam_needs_readers(exam))
        return;
    while (dir && (entry = g_dir_read_name(dir))) {
        if (g_ascii_isdigit(*entry))
            examine_process(exam, entry, readers, &count);
    }
    if (!dir)
        seal_exam_note(exam, "other program", SEAL_HEALTH_UNKNOWN, NULL, "/proc cannot be read");
    else if (count == 0)
        seal_exam_note(exam, "other program", SEAL_HEALTH_GOOD, NULL,
                       "none of yours uses smart cards beside the agent");
}
